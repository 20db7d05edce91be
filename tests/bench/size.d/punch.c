// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs the kernel to free so much memory of a memfd, all of it used, in one
 * call.
 *
 *	punch MIB
 *
 * Writes the CPU time of the call in ns.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL

static long long cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);

	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? strtoul(argv[1], NULL, 0) << 20 : 0, at;
	int fd = memfd_create("punch", 0);
	long long start;
	char *memory;

	if (fd < 0 || ftruncate(fd, bytes))
		return 1;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return 1;
	for (at = 0; at < bytes; at += PAGE)
		*(volatile char *)(memory + at) = 1;
	start = cpu_ns();
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, bytes))
		return 1;
	printf("%lld\n", cpu_ns() - start);

	return 0;
}
