// SPDX-License-Identifier: GPL-2.0
/*
 * What the balloon of a guest holds, of whichever driver: both mark their pages.
 *
 *	whole		writes MIB_IN_WHOLE_BLOCKS MIB, of all that is in a balloon
 *
 * A whole block is 2 MiB, aligned, of which no page is outside.
 */
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK_PAGES	512
#define MIB_PAGES	256

#ifndef KPF_OFFLINE
#define KPF_OFFLINE	23
#endif

int main(void)
{
	int file = open("/proc/kpageflags", O_RDONLY);
	uint64_t flags[BLOCK_PAGES];
	size_t held = 0, whole = 0;
	unsigned int here;
	ssize_t bytes, i;

	if (file < 0)
		return 1;
	while ((bytes = read(file, flags, sizeof(flags))) > 0) {
		here = 0;
		for (i = 0; i < bytes / 8; i++)
			here += flags[i] >> KPF_OFFLINE & 1;
		held += here;
		if (here == BLOCK_PAGES)
			whole += here;
	}
	printf("%zu %zu\n", whole / MIB_PAGES, held / MIB_PAGES);

	return 0;
}
