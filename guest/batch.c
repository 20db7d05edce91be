// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges of memory on their way to the host: our own, and a copy for the host.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "batch.h"

/**
 * bellows_batch_init() - allocate both copies
 * @batch: filled in
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_batch_init(struct bellows_batch *batch)
{
	batch->range = kcalloc(BELLOWS_BATCH_MAX, sizeof(*batch->range),
			       GFP_KERNEL);
	if (!batch->range)
		return -ENOMEM;

	batch->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!batch->page) {
		kfree(batch->range);
		return -ENOMEM;
	}

	return 0;
}

/**
 * bellows_batch_exit() - free what bellows_batch_init() allocated
 * @batch: no call is under way
 */
void bellows_batch_exit(struct bellows_batch *batch)
{
	free_page((unsigned long)batch->page);
	kfree(batch->range);
}

/**
 * bellows_batch_publish() - copy ranges to where the host finds them
 * @batch: the batch
 * @nr: how many of its ranges, from the first, 1 to BELLOWS_BATCH_MAX
 *
 * Context: Any; the batch is the caller's alone.
 * Return: the guest physical address of the copy, for the call.
 */
phys_addr_t bellows_batch_publish(const struct bellows_batch *batch,
				  unsigned int nr)
{
	memcpy(batch->page->range, batch->range, nr * sizeof(*batch->range));

	return virt_to_phys(batch->page);
}
