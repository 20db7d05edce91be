// SPDX-License-Identifier: GPL-2.0
/*
 * Uses so much memory, a byte of each page, and frees it.
 *
 *	touch-memory MIB
 */
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096UL

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? strtoul(argv[1], NULL, 0) << 20 : 0, at;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	for (at = 0; at < bytes; at += PAGE)
		*(volatile char *)(memory + at) = 1;
	return 0;
}
