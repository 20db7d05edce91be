// SPDX-License-Identifier: GPL-2.0
/*
 * What the host asks for: read from its half of the shared page, and checked.
 *
 * The host may write at any time, and whatever it likes. So each field is read
 * once, into a copy, and nothing but the copy is looked at afterwards. What has no
 * meaning is cut, not refused: a host that is newer than we are may say more.
 */
#ifdef __KERNEL__
#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/minmax.h>

#include <asm/barrier.h>
#include <asm/processor.h>
#endif

#include "wish.h"

/* A host that writes all the time is not waited for. */
#define BELLOWS_WISH_TRIES 64

#define BELLOWS_WISH_REQUESTS \
	(BELLOWS_REQ_SWEEP | BELLOWS_REQ_DISTRESS | BELLOWS_REQ_LEAVING)

/* Before a copy is made; false while the host writes. */
static bool bellows_wish_begin(const struct bellows_host_half *half, u32 *seq)
{
	*seq = READ_ONCE(half->seq);
	if (*seq & 1)
		return false;
	/* seq before what it stands for, */
	virt_rmb();

	return true;
}

/* After it; false when the host wrote meanwhile. */
static bool bellows_wish_end(const struct bellows_host_half *half, u32 seq)
{
	/* and again after it. */
	virt_rmb();

	return READ_ONCE(half->seq) == seq;
}

/* One attempt at a copy that the host did not change meanwhile. */
static bool bellows_wish_copy(struct bellows_wish *wish,
			      const struct bellows_host_half *half)
{
	u32 seq, i;

	if (!bellows_wish_begin(half, &seq))
		return false;

	wish->target_pages = READ_ONCE(half->target_pages);
	wish->reason = READ_ONCE(half->reason);
	wish->request = READ_ONCE(half->request);
	wish->nr_nodes = READ_ONCE(half->nr_nodes);
	for (i = 0; i < BELLOWS_NODES_MAX; i++)
		wish->node_target_pages[i] =
			READ_ONCE(half->node_target_pages[i]);
	wish->nr_wanted =
		min_t(u32, READ_ONCE(half->nr_wanted), BELLOWS_WANTED_MAX);
	for (i = 0; i < wish->nr_wanted; i++)
		wish->wanted[i] = READ_ONCE(half->wanted[i]);
	wish->wanted_id = READ_ONCE(half->wanted_id);
	wish->wanted_in_use =
		READ_ONCE(half->wanted_flags) & BELLOWS_WANTED_IN_USE;

	return bellows_wish_end(half, seq);
}

/* Cuts what has no meaning, or more of it than can be meant. */
static void bellows_wish_check(struct bellows_wish *wish, u32 nodes)
{
	u32 i;

	wish->target_pages = min(wish->target_pages, BELLOWS_WISH_PAGES_MAX);
	wish->reason = min_t(u32, wish->reason, BELLOWS_REASON_COUNT);
	wish->request &= BELLOWS_WISH_REQUESTS;
	wish->nr_nodes = min3(wish->nr_nodes, nodes, (u32)BELLOWS_NODES_MAX);
	for (i = 0; i < BELLOWS_NODES_MAX; i++)
		wish->node_target_pages[i] = min(wish->node_target_pages[i],
						 BELLOWS_WISH_PAGES_MAX);
	/* Without a number nobody could tell how far it has been gone through. */
	if (wish->wanted_id == 0)
		wish->nr_wanted = 0;
}

/**
 * bellows_wish_read() - what does the host want?
 * @wish: filled in, with numbers that cannot do harm; what the guest can give at
 *	all is not this function's concern. Says nothing on failure.
 * @half: the host's half of the shared page
 * @nodes: nodes that the guest has
 *
 * Context: Any. Bounded.
 * Return: false when no consistent copy could be had, which is no error: look
 * again later.
 */
bool bellows_wish_read(struct bellows_wish *wish,
		       const struct bellows_host_half *half, u32 nodes)
{
	int tries;

	for (tries = 0; tries < BELLOWS_WISH_TRIES; tries++) {
		if (bellows_wish_copy(wish, half)) {
			bellows_wish_check(wish, nodes);
			return true;
		}
		cpu_relax();
	}

	return false;
}

/* One attempt at a copy of the hints that the host did not change meanwhile. */
static bool bellows_wish_copy_hints(u64 *ranges, u32 *nr,
				    const struct bellows_host_half *half)
{
	u32 seq, i;

	if (!bellows_wish_begin(half, &seq))
		return false;

	*nr = min_t(u32, READ_ONCE(half->nr_hints), BELLOWS_HINTS_MAX);
	for (i = 0; i < *nr; i++)
		ranges[i] = READ_ONCE(half->hint[i]);

	return bellows_wish_end(half, seq);
}

/**
 * bellows_wish_read_hints() - what does the host take by itself?
 * @ranges: room for BELLOWS_HINTS_MAX bellows_range() entries. They may lie
 *	anywhere, and overlap. Says nothing on failure.
 * @nr: set to how many there are, BELLOWS_HINTS_MAX at most; nothing on failure
 * @half: the host's half of the shared page
 *
 * Context: Any. Bounded.
 * Return: false when no consistent copy could be had, as bellows_wish_read().
 */
bool bellows_wish_read_hints(u64 *ranges, u32 *nr,
			     const struct bellows_host_half *half)
{
	int tries;

	for (tries = 0; tries < BELLOWS_WISH_TRIES; tries++) {
		if (bellows_wish_copy_hints(ranges, nr, half))
			return true;
		cpu_relax();
	}

	return false;
}

/**
 * bellows_wish_blocks() - which blocks lie in a range as a whole?
 * @range: bellows_range(), any
 * @pfn: set to the first page of the first one
 *
 * Return: how many, at most BELLOWS_RANGE_PAGES_MAX / BELLOWS_BLOCK_PAGES.
 */
u32 bellows_wish_blocks(u64 range, u64 *pfn)
{
	u64 end = bellows_range_pfn(range) + bellows_range_pages(range);

	*pfn = ALIGN(bellows_range_pfn(range), BELLOWS_BLOCK_PAGES);

	return *pfn < end ? (end - *pfn) / BELLOWS_BLOCK_PAGES : 0;
}
