// SPDX-License-Identifier: GPL-2.0
/*
 * Gets memory from the page allocator, which may reclaim and compact for it.
 */
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "allocate.h"
#include "blocks.h"
#include "counters.h"

/* Most that one call takes: what is taken is soon given to the host. */
#define BELLOWS_ALLOCATED_BLOCKS_MAX 16
#define BELLOWS_SINGLES_MAX BELLOWS_BATCH_MAX
/* Most calls that do without blocks after one that found none. */
#define BELLOWS_SKIP_MAX 16

/*
 * Neither may ever call the OOM killer. For a block the allocator may reclaim
 * and compact, for a single page it may reclaim once, as for the stock driver.
 */
#define BELLOWS_BLOCK_GFP                                                \
	(GFP_HIGHUSER_MOVABLE | __GFP_NOMEMALLOC | __GFP_RETRY_MAYFAIL | \
	 __GFP_NOWARN)
#define BELLOWS_SINGLE_GFP \
	(GFP_HIGHUSER_MOVABLE | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN)

static struct page *bellows_allocate_page(gfp_t gfp, unsigned int order,
					  int node)
{
	if (node == NUMA_NO_NODE)
		return alloc_pages(gfp, order);

	return alloc_pages_node(node, gfp | __GFP_THISNODE, order);
}

static void bellows_allocate_blocks(struct bellows_pages *taken,
				    unsigned long wanted, int node)
{
	struct page *block;

	while (taken->nr_blocks < wanted &&
	       bellows_blocks_room() >= BELLOWS_BLOCK_PAGES) {
		block = bellows_allocate_page(BELLOWS_BLOCK_GFP,
					      BELLOWS_BLOCK_ORDER, node);
		if (!block)
			break;
		split_page(block, BELLOWS_BLOCK_ORDER);
		bellows_blocks_hold(taken, block);
		bellows_count(BELLOWS_ALLOCATED_BLOCKS, 1);
		cond_resched();
	}
}

static void bellows_allocate_singles(struct bellows_pages *taken,
				     unsigned long wanted, int node)
{
	struct page *page;

	wanted = min(wanted, bellows_blocks_room());
	while (taken->nr_singles < wanted) {
		page = bellows_allocate_page(BELLOWS_SINGLE_GFP, 0, node);
		if (!page)
			break;
		__SetPageOffline(page);
		list_add_tail(&page->lru, &taken->singles);
		taken->nr_singles++;
		cond_resched();
	}
	bellows_count(BELLOWS_ALLOCATED_PAGES, taken->nr_singles);
}

/*
 * Where the kernel has looked for a block in vain it would do so again, and move
 * single pages of the balloon about for it, each of which the host is told of.
 * So after a failure some calls do without, and twice as many after the next one.
 * Of each node, and first of NUMA_NO_NODE. The worker's own.
 */
static struct bellows_in_vain {
	/* Calls to do without blocks after the last failure, */
	u8 calls;
	/* and how many of them are to come. */
	u8 skip;
} bellows_in_vain[MAX_NUMNODES + 1];

/**
 * bellows_allocate_begin() - an inflation begins: blocks are tried again
 *
 * Context: Worker.
 */
void bellows_allocate_begin(void)
{
	memset(bellows_in_vain, 0, sizeof(bellows_in_vain));
}

/* Tries for blocks, unless that was in vain not long ago. */
static void bellows_try_blocks(struct bellows_pages *taken,
			       unsigned long wanted, int node)
{
	struct bellows_in_vain *in_vain = &bellows_in_vain[node + 1];

	if (wanted == 0)
		return;
	if (in_vain->skip) {
		in_vain->skip--;
		return;
	}

	bellows_allocate_blocks(taken, wanted, node);
	if (taken->nr_blocks)
		in_vain->calls = 0;
	else
		in_vain->calls = clamp(2 * in_vain->calls, 1, BELLOWS_SKIP_MAX);
	in_vain->skip = in_vain->calls;
}

/* Time spent in the allocator, which may have been reclaiming for us. */
static atomic64_t bellows_stall_ns = ATOMIC64_INIT(0);

/**
 * bellows_blocks_stall_ns() - how long has the balloon waited for memory?
 *
 * The kernel counts that as a task's waiting; nobody in the guest suffers by it.
 *
 * Context: Any.
 * Return: ns since the module was loaded.
 */
u64 bellows_blocks_stall_ns(void)
{
	return atomic64_read(&bellows_stall_ns);
}

/**
 * bellows_blocks_stalled() - the balloon waited for memory elsewhere
 * @ns: how long
 *
 * Context: Any.
 */
void bellows_blocks_stalled(u64 ns)
{
	atomic64_add(ns, &bellows_stall_ns);
}

/**
 * bellows_allocate() - the kernel's own choice: what its reclaim and compaction
 *	make free
 * @taken: an empty set, gets blocks, or if there are none single pages
 * @wanted: pages of 4 KiB
 * @node: take from this node only; NUMA_NO_NODE for any
 *
 * Context: Worker. May sleep, reclaim and compact. No locks held.
 */
void bellows_allocate(struct bellows_pages *taken, unsigned long wanted,
		      int node)
{
	unsigned long blocks = wanted / BELLOWS_BLOCK_PAGES;
	u64 started_ns = ktime_get_ns();

	if (wanted == 0)
		return;
	bellows_try_blocks(taken,
			   min_t(unsigned long, blocks,
				 BELLOWS_ALLOCATED_BLOCKS_MAX),
			   node);
	if (taken->nr_blocks == 0)
		bellows_allocate_singles(taken,
					 min_t(unsigned long, wanted,
					       BELLOWS_SINGLES_MAX),
					 node);
	atomic64_add(ktime_get_ns() - started_ns, &bellows_stall_ns);
}
