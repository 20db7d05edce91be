/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges of memory on their way to the host.
 */
#ifndef _BELLOWS_GUEST_BATCH_H
#define _BELLOWS_GUEST_BATCH_H

#include <linux/types.h>

#include <bellows/abi.h>

/**
 * struct bellows_batch - the ranges of one RELEASE or REPORT
 * @range: the ranges, BELLOWS_BATCH_MAX of them at most. Our own memory: after a
 *	call they are what they were before it.
 * @page: the copy that the host is told of. It may write there whenever it likes,
 *	so nothing is ever read back from it.
 */
struct bellows_batch {
	u64 *range;
	struct bellows_batch_page *page;
};

int bellows_batch_init(struct bellows_batch *batch);
void bellows_batch_exit(struct bellows_batch *batch);
phys_addr_t bellows_batch_publish(const struct bellows_batch *batch,
				  unsigned int nr);

#endif /* _BELLOWS_GUEST_BATCH_H */
