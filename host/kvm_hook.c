// SPDX-License-Identifier: GPL-2.0
/*
 * Takes our hypercalls out of KVM without changing it, by ftrace.
 *
 * A callback at the entry of KVM's hypercall function looks at the number. For
 * one of ours it sends the CPU to our function instead (IPMODIFY, which ftrace
 * grants to one user at a time and never together with livepatch); for all
 * others it returns, and KVM goes on as if nobody had looked. PERMANENT keeps
 * `sysctl kernel.ftrace_enabled=0` from switching it off behind the guests'
 * backs.
 *
 * The module cannot leave while a vCPU is in our function, where it may sleep:
 * see bellows_kvm_unhook_calls().
 */
#define pr_fmt(fmt) "bellows_host: " fmt

#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/rcupdate.h>
#include <linux/wait.h>

#include "bellows/abi.h"
#include "bellows/compat.h"
#include "bellows/ksym.h"
#include "calls.h"
#include "kvm_hook.h"
#include "vmem.h"

/* vCPUs in bellows_emulate_hypercall(), or sent there and not yet arrived. */
static atomic_t active_calls = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(no_active_calls);

/*
 * KVM's operations, of which we need get_cpl and get_cs_db_l_bits: the privilege
 * level that KVM caches elsewhere is that of the last time the vCPU was
 * scheduled out. KVM
 * takes the address of the functions in it, so calling through it is safe with
 * IBT, and it changes with kvm_amd or kvm_intel, so it is looked at each time.
 */
static const struct kvm_x86_ops *kvm_operations;

/* Newer kernels export it to KVM's own modules only. */
BELLOWS_KSYM(int, kvm_skip_emulated_instruction, struct kvm_vcpu *vcpu);

/* Stands in for kvm_emulate_hypercall() for our numbers; same contract. */
static int bellows_emulate_hypercall(struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	struct bellows_call call = {
		.number = regs[VCPU_REGS_RAX] - BELLOWS_HC_BASE,
		.argument = {
			regs[VCPU_REGS_RBX],
			regs[VCPU_REGS_RCX],
			regs[VCPU_REGS_RDX],
		},
	};
	int result;

	regs[VCPU_REGS_RAX] = bellows_call(vcpu, &call);
	++vcpu->stat.hypercalls;
	result = bellows_ksym_call(kvm_skip_emulated_instruction)(vcpu);

	if (atomic_dec_and_test(&active_calls))
		wake_up(&no_active_calls);
	return result;
}

/* One of our numbers; it need not be ours yet. Other hypercalls pay for this. */
static __always_inline bool may_be_ours(const struct kvm_vcpu *vcpu)
{
	unsigned long number = vcpu->arch.regs[VCPU_REGS_RAX] - BELLOWS_HC_BASE;

	return unlikely(number - 1 < BELLOWS_HC_END - 1);
}

static bool notrace is_ours(struct kvm_vcpu *vcpu)
{
	int db, long_mode;

	if (vcpu->arch.regs[VCPU_REGS_RSI] != BELLOWS_HC_MAGIC)
		return false;
	/* A nested guest's calls belong to its own hypervisor. */
	if (vcpu->arch.hflags & HF_GUEST_MASK)
		return false;
	if (vcpu->arch.guest_state_protected)
		return false;
	/* Guests that speak another hypervisor's convention. */
	if (bellows_speaks_hyperv(vcpu->kvm) || bellows_speaks_xen(vcpu->kvm))
		return false;
	/* 32-bit code may have the upper half of RAX from before. */
	kvm_operations->get_cs_db_l_bits(vcpu, &db, &long_mode);
	return long_mode && kvm_operations->get_cpl(vcpu) == 0;
}

/*
 * Apart from the callback, so that this has a stack frame and that has none.
 * Nothing here may be traced or may sleep.
 */
static noinline void notrace redirect_if_ours(struct kvm_vcpu *vcpu,
					      struct ftrace_regs *fregs)
{
	if (!is_ours(vcpu))
		return;
	atomic_inc(&active_calls);
	bellows_ftrace_redirect(fregs,
				(unsigned long)bellows_emulate_hypercall);
}

static void notrace hypercall_entered(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
	struct kvm_vcpu *vcpu = bellows_ftrace_argument(fregs);

	if (may_be_ours(vcpu))
		redirect_if_ours(vcpu, fregs);
}

static struct ftrace_ops hypercall_ops = {
	.func = hypercall_entered,
	/*
	 * No RECURSION, which would have ftrace guard the callback in each call
	 * of everybody: it leads nowhere near the one function that it hooks.
	 */
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

static void notrace vm_destroyed(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	bellows_vmem_vm_destroyed(bellows_ftrace_argument(fregs));
}

static struct ftrace_ops death_ops = {
	.func = vm_destroyed,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/* Hooks one function; @ops must be fresh, as ftrace keeps its filter in it. */
static int hook(struct ftrace_ops *ops, char *function)
{
	int error;

	error = ftrace_set_filter(ops, (unsigned char *)function,
				  strlen(function), 1);
	if (error) {
		pr_err("KVM has no function %s to hook (%d)\n", function,
		       error);
		return error;
	}
	error = register_ftrace_function(ops);
	if (error) {
		pr_err("%s cannot be hooked (%d)%s\n", function, error,
		       error == -EBUSY ?
			       ": a live patch or another module has it" :
			       "");
		ftrace_free_filter(ops);
	}
	return error;
}

static void unhook(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}

/**
 * bellows_kvm_hook_deaths() - learn of VMs that KVM destroys
 *
 * Comes before bellows_kvm_hook_calls() and goes after it, so that no guest is
 * known whose VM could die unnoticed.
 *
 * Context: module init; may sleep.
 * Return: 0, or a negative error.
 */
int bellows_kvm_hook_deaths(void)
{
	return hook(&death_ops, "kvm_arch_destroy_vm");
}

/**
 * bellows_kvm_unhook_deaths() - undo bellows_kvm_hook_deaths()
 *
 * Context: module exit; may sleep.
 */
void bellows_kvm_unhook_deaths(void)
{
	unhook(&death_ops);
}

/**
 * bellows_kvm_hook_calls() - begin to hear guests
 *
 * Context: module init, when everything else is ready; may sleep.
 * Return: 0, or a negative error.
 */
int bellows_kvm_hook_calls(void)
{
	kvm_operations = (void *)bellows_ksym_address("kvm:kvm_x86_ops");
	if (!kvm_operations ||
	    !bellows_ksym_find_as(kvm_skip_emulated_instruction,
				  "kvm:kvm_skip_emulated_instruction")) {
		pr_err("KVM's operations were not found\n");
		return -ENOENT;
	}
	return hook(&hypercall_ops, "kvm_emulate_hypercall");
}

/**
 * bellows_kvm_unhook_calls() - hear no guest any more
 *
 * When it returns, no vCPU is in our function or on the way in or out.
 *
 * Context: module exit; may sleep.
 */
void bellows_kvm_unhook_calls(void)
{
	/* Waits until nobody is between ftrace's entry and our callback's end. */
	unhook(&hypercall_ops);
	wait_event(no_active_calls, !atomic_read(&active_calls));
	/* The last one has counted down but not yet returned. */
	synchronize_rcu_tasks();
}

/**
 * bellows_kvm_active_calls() - how many hypercalls are being served
 *
 * Context: any.
 * Return: the number at this moment.
 */
int bellows_kvm_active_calls(void)
{
	return atomic_read(&active_calls);
}
