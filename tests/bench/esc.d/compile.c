// SPDX-License-Identifier: GPL-2.0
/*
 * A real compiler: its program and libraries are a hot file that is mapped, its
 * memory is anonymous, new each time, and free again afterwards.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compile.h"

/*
 * Compiles the source that is in @root, where the compiler is, too. Ends the program
 * when it cannot be.
 */
void compile(const char *root)
{
	/* What load keeps in memory is not to be shared, and its entries copied. */
	pid_t pid = vfork();
	int status = -1;

	if (pid == 0) {
		if (chroot(root) == 0 && chdir("/") == 0)
			execl("/usr/bin/gcc", "gcc", "-O2", "-c", "/source.i",
			      "-o", "/tmp/source.o", NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status) {
		fprintf(stderr, "load: the compiler ends with %#x\n", status);
		exit(2);
	}
}
