// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of which no block of 2 MiB can become whole: every second page is free, and
 * now and then comes one that nobody can move, as a buffer for io_uring.
 */
#include <linux/io_uring.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gaps.h"

#define PAGE		4096UL
/* Several in each block, wherever its pages come from. */
#define PAGES_EACH_PIN	64

static int pin(char *memory, size_t pages)
{
	struct io_uring_params params = {};
	size_t nr = pages / PAGES_EACH_PIN, i;
	struct iovec *buffers = calloc(nr, sizeof(*buffers));
	int ring = syscall(__NR_io_uring_setup, 1, &params);

	if (!buffers || ring < 0)
		return -1;
	for (i = 0; i < nr; i++) {
		buffers[i].iov_base = memory + i * PAGES_EACH_PIN * PAGE;
		buffers[i].iov_len = PAGE;
	}

	return syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		       buffers, nr);
}

/* Of memory that is filled. Returns 0, or -1 with errno set. */
int gaps_make(char *memory, size_t pages)
{
	size_t page;

	if (pin(memory, pages))
		return -1;
	for (page = 1; page < pages; page += 2)
		if (madvise(memory + page * PAGE, PAGE, MADV_DONTNEED))
			return -1;

	return 0;
}
