// SPDX-License-Identifier: GPL-2.0
/*
 * Takes memory from where the host wants it: a guest that lies on several of the
 * host's nodes is told which of its memory is on the one that is short.
 *
 * Whole blocks only, and only these. Free ones go first. Then, if the host says
 * so, what is in a block moves elsewhere in the guest, as far as there is room.
 * Each block of a list is tried once at either; the host makes a new list when
 * this one has been gone through.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include <bellows/abi.h>
#include <bellows/compat.h>

#include "blocks.h"
#include "counters.h"
#include "wanted.h"
#include "wish.h"

/* Most that one call takes, */
#define BELLOWS_WANTED_BLOCKS_MAX 512
/* and most that it tries to empty, which may take milliseconds each. */
#define BELLOWS_EMPTIED_BLOCKS_MAX 16

typedef bool bellows_taker(struct bellows_pages *taken, unsigned long pfn);

/**
 * bellows_wanted_begin() - turn to the list that the host wants now
 * @wanted: how far we are; stays when it is the same list
 * @wish: what the host wants
 *
 * Context: Worker.
 * Return: true when it is another list.
 */
bool bellows_wanted_begin(struct bellows_wanted *wanted,
			  const struct bellows_wish *wish)
{
	bool another = wanted->id != wish->wanted_id;

	if (another)
		*wanted = (struct bellows_wanted){ .id = wish->wanted_id };
	if (wish->nr_wanted == 0)
		wanted->done = true;

	return another;
}

/*
 * Gets one block that is in use, by moving what is in it: the kernel drops clean
 * pages of files and migrates the others. False when it cannot be had.
 */
static bool bellows_wanted_empty(struct bellows_pages *taken, unsigned long pfn)
{
	struct page *block = pfn_to_online_page(pfn);
	u64 started_ns = ktime_get_ns();
	int error;

	/* The balloon's own are at rest already. */
	if (!block || PageOffline(block))
		return false;
	/* Room for what is in it, too. */
	if (bellows_blocks_room() < 2 * BELLOWS_BLOCK_PAGES)
		return false;

	error = bellows_claim_range(pfn, pfn + BELLOWS_BLOCK_PAGES);
	bellows_blocks_stalled(ktime_get_ns() - started_ns);
	if (error)
		return false;

	bellows_blocks_hold(taken, block);
	bellows_count(BELLOWS_ALLOCATED_BLOCKS, 1);

	return true;
}

/*
 * Goes on through the list, from block *@block of range *@range, until @limit
 * blocks are taken or @tries made. Returns true at its end.
 */
static bool bellows_wanted_scan(struct bellows_pages *taken,
				unsigned long limit, unsigned int tries,
				const struct bellows_wish *wish,
				bellows_taker *take, u32 *range, u32 *block)
{
	u64 pfn;

	for (; *range < wish->nr_wanted; ++*range, *block = 0) {
		for (;
		     *block < bellows_wish_blocks(wish->wanted[*range], &pfn);
		     ++*block) {
			if (taken->nr_blocks >= limit || tries-- == 0)
				return false;
			take(taken, pfn + *block * BELLOWS_BLOCK_PAGES);
		}
		cond_resched();
	}

	return true;
}

/**
 * bellows_wanted_take() - get memory that lies in the wanted ranges
 * @wanted: how far we are; goes on from there and sets @done at the end
 * @taken: an empty set, filled with up to @pages pages, in whole blocks
 * @pages: how much is wanted
 * @wish: where. The ranges are not trusted.
 *
 * Takes a bounded bite, so call it until @done.
 *
 * Context: Worker. May sleep, reclaim and migrate. No locks held.
 */
void bellows_wanted_take(struct bellows_wanted *wanted,
			 struct bellows_pages *taken, unsigned long pages,
			 const struct bellows_wish *wish)
{
	unsigned long limit =
		min(pages, bellows_blocks_room()) / BELLOWS_BLOCK_PAGES;

	if (limit == 0) {
		wanted->done = true;
		return;
	}

	limit = min_t(unsigned long, limit, BELLOWS_WANTED_BLOCKS_MAX);
	if (!bellows_wanted_scan(taken, limit, UINT_MAX, wish,
				 bellows_blocks_take_at, &wanted->free_range,
				 &wanted->free_block) ||
	    taken->nr_blocks)
		return;

	wanted->done =
		!wish->wanted_in_use ||
		bellows_wanted_scan(taken, limit, BELLOWS_EMPTIED_BLOCKS_MAX,
				    wish, bellows_wanted_empty,
				    &wanted->used_range, &wanted->used_block);
}
