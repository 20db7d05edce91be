// SPDX-License-Identifier: GPL-2.0
/*
 * Takes memory of the host at once, and sees when free memory falls below the
 * reserve.
 *
 *	step MIB RESERVE	takes MIB; RESERVE is in bytes
 *
 * Writes the time of that, CLOCK_MONOTONIC in ns, or 0 if it does not happen, and
 * keeps the memory until it is killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256UL << 10)
#define PAGE 4096UL

static long long free_bytes(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		exit(1);
	return atoll(text);
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 2 ? strtoul(argv[1], NULL, 0) << 20 : 0, at;
	long long reserve = argc > 2 ? atoll(argv[2]) : 0;
	int fd = open("/sys/kernel/bellows_host/free", O_RDONLY), seen = 0;
	struct timespec now = {};
	char *memory;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || !bytes || memory == MAP_FAILED)
		return 1;
	for (at = 0; at < bytes; at += PAGE) {
		memory[at] = 1;
		if (seen || at % CHUNK || free_bytes(fd) >= reserve)
			continue;
		seen = 1;
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
	fflush(stdout);
	pause();
	return 0;
}
