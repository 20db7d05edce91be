// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command while a virtual machine that does nothing exists:
 *
 *	flat_anchor COMMAND [ARGUMENT...]
 *
 * KVM patches the kernel's code when the first VM comes and when the last one
 * goes (preempt_notifier_key, apic_sw_disabled). QEMU's TCG, which the host VM
 * runs under, now and then goes on executing the breakpoint that was there while
 * the code was patched, and that CPU hangs for good: once in some fifty times.
 * Tests that make machines by the hundred keep one for all the time.
 */
#include "ktap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A VM with a vCPU whose APIC stays disabled; it ends with this process. */
static int hold_machine(void)
{
	int kvm, vm;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return -1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		return -1;

	return ioctl(vm, KVM_CREATE_VCPU, 0);
}

int main(int argc, char **argv)
{
	pid_t child;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: flat_anchor COMMAND [ARGUMENT...]\n");
		return KTAP_EXIT_FAIL;
	}
	if (hold_machine() < 0) {
		fprintf(stderr, "flat_anchor: /dev/kvm: %s\n", strerror(errno));
		return KTAP_EXIT_FAIL;
	}

	child = fork();
	if (child == 0) {
		execvp(argv[1], argv + 1);
		fprintf(stderr, "flat_anchor: %s: %s\n", argv[1],
			strerror(errno));
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return KTAP_EXIT_FAIL;

	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}
