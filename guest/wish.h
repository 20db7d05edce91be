/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host asks for: read from its half of the shared page, and checked.
 *
 * Pure: memory in, numbers out, so that it runs in user space too (include
 * tests/unit/kernel_shim.h first there).
 */
#ifndef _BELLOWS_GUEST_WISH_H
#define _BELLOWS_GUEST_WISH_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include <bellows/abi.h>

/* More than any guest has: all that an address of 64 bits can name. */
#define BELLOWS_WISH_PAGES_MAX	(1ULL << (64 - BELLOWS_PAGE_SHIFT))

/**
 * struct bellows_wish - what the host asks for, checked
 * @target_pages: what the balloon shall hold, at most BELLOWS_WISH_PAGES_MAX
 * @reason: why (enum bellows_reason), BELLOWS_REASON_COUNT for one that we do not
 *	know
 * @request: BELLOWS_REQ_* bits that we know
 * @nr_nodes: entries of @node_target_pages in use, 0 when we may choose. No more
 *	than there are nodes.
 * @node_target_pages: what it shall hold of each node, as @target_pages
 * @nr_wanted: entries of @wanted in use, 0 when any memory will do
 * @wanted: ranges (bellows_range()) to take from first; they may lie anywhere, and
 *	overlap
 * @wanted_id: the host's number for them, not 0 when there are some
 * @wanted_in_use: what is in use there shall be moved elsewhere
 */
struct bellows_wish {
	u64 target_pages;
	u32 reason;
	u32 request;
	u32 nr_nodes;
	u64 node_target_pages[BELLOWS_NODES_MAX];
	u32 nr_wanted;
	u64 wanted[BELLOWS_WANTED_MAX];
	u32 wanted_id;
	bool wanted_in_use;
};

bool bellows_wish_read(struct bellows_wish *wish,
		       const struct bellows_host_half *half, u32 nodes);
bool bellows_wish_read_hints(u64 *ranges, u32 *nr,
			     const struct bellows_host_half *half);
u32 bellows_wish_blocks(u64 range, u64 *pfn);

#endif /* _BELLOWS_GUEST_WISH_H */
