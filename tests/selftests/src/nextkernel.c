// SPDX-License-Identifier: GPL-2.0
/*
 * Another kernel after this one, in the same guest.
 *
 *	nextkernel load KERNEL INITRD COMMAND_LINE	to be started by "go"
 *	nextkernel crash KERNEL INITRD COMMAND_LINE	to be started by a panic
 *	nextkernel go					as a reboot does it
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RB_KEXEC
#define RB_KEXEC 0x45584543
#endif

static int load(char **argv, unsigned long flags)
{
	int kernel = open(argv[0], O_RDONLY), initrd = open(argv[1], O_RDONLY);

	if (kernel < 0 || initrd < 0 ||
	    syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[2]) + 1,
		    argv[2], flags)) {
		perror("nextkernel");
		return 1;
	}

	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2, 0);
	if (argc == 5 && !strcmp(argv[1], "crash"))
		return load(argv + 2, KEXEC_FILE_ON_CRASH);
	if (argc == 2 && !strcmp(argv[1], "go")) {
		reboot(RB_KEXEC);
		perror("nextkernel");
		return 1;
	}
	fprintf(stderr, "nextkernel load|crash KERNEL INITRD COMMAND_LINE\n");

	return 2;
}
