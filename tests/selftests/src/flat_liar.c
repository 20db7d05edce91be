// SPDX-License-Identifier: GPL-2.0
/*
 * No test, but a guest for tests of the agent: it says that all of its memory is
 * free, says that it gives whatever it is asked for, and gives nothing. The host
 * sees that its process does hold so much. Runs until it is killed.
 */
#include "pair.h"

#include <sys/mman.h>
#include <unistd.h>

#define REPORT_US	100000

int main(void)
{
	struct pair pair;

	if (mmap(NULL, CLAIMED_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
		return 1;

	pair_open(&pair, 1);
	pair_hello(&pair);
	for (;;) {
		uint64_t target = pair.shared->host.target_pages;
		struct bellows_guest_half *guest = pair_begin_write(&pair);

		if (target > CLAIMED_PAGES)
			target = CLAIMED_PAGES;
		guest->size_pages = target;
		guest->free_pages = CLAIMED_PAGES - target;
		guest->available_pages = CLAIMED_PAGES - target;
		/* A report a tenth of a second, by the guest's clock too. */
		guest->timestamp_ns += REPORT_US * 1000;
		pair_end_write(&pair);
		usleep(REPORT_US);
	}
}
