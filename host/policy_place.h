/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a guest's memory lies on the host's nodes, and what follows from it. Pure,
 * as policy.h.
 */
#ifndef _BELLOWS_POLICY_PLACE_H
#define _BELLOWS_POLICY_PLACE_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include <bellows/abi.h>

#include "policy.h"

/* Stretches of memory that a guest has; those of a VM are few. */
#define POLICY_EXTENTS_MAX 16
/* Nodes of a guest, and what is on none. */
#define POLICY_GUEST_NODES (BELLOWS_NODES_MAX + 1)
/*
 * An entry of a guest's map, one for each block: the node of the host that it
 * lies on, and in the upper half of the byte the guest's node that it was counted
 * for. None when it is nowhere on the host, as far as is known. Swapped when most
 * of it was, or is just being, written to the host's swap.
 */
#define POLICY_NODE_NONE 0xff
#define POLICY_NODE_SWAPPED 0xfe
#define POLICY_MAP_HOST 0x0f
#define POLICY_MAP_GUEST_SHIFT 4
/* Beside the bits of nodes: blocks that are swapped. */
#define POLICY_NODES_SWAPPED (1U << (POLICY_NODE_SWAPPED & POLICY_MAP_HOST))

/**
 * struct policy_extent - a stretch of whole blocks of a guest
 * @first_pfn: its first page in the guest, aligned to a block
 * @blocks: length
 */
struct policy_extent {
	u64 first_pfn;
	u64 blocks;
};

/**
 * struct policy_place - how a guest's memory is spread
 * @pages: for each guest node, what lies on each host node; the last of them
 *	for what is on no guest node
 */
struct policy_place {
	u64 pages[POLICY_GUEST_NODES][POLICY_NODES_MAX];
};

/**
 * policy_place_guest_node() - the guest node that a page is on
 * @report: the guest's; its spans may overlap or be nonsense
 * @pfn: the page
 *
 * Return: the node, BELLOWS_NODES_MAX for none.
 */
unsigned int policy_place_guest_node(const struct bellows_guest_half *report,
				     u64 pfn);

/**
 * policy_place_put() - a block lies on another node than was known
 * @place: the sums; they stay those of the whole map
 * @entry: the block's entry of the map; set
 * @guest_node: the guest node that it is on now, BELLOWS_NODES_MAX for none
 * @host_node: the host node, or POLICY_NODE_SWAPPED; POLICY_NODES_MAX or more for
 *	none
 *
 * Takes the same time however large the guest is.
 */
void policy_place_put(struct policy_place *place, u8 *entry,
		      unsigned int guest_node, unsigned int host_node);

/**
 * policy_place_clear() - a guest gave a range: it is nowhere any more
 * @place: the sums; they stay those of the whole map
 * @extents: the guest's memory
 * @nr_extents: how many
 * @map: the entry of each block; whole blocks of the range are cleared
 * @range: bellows_range(), not trusted
 */
void policy_place_clear(struct policy_place *place,
			const struct policy_extent *extents, u32 nr_extents,
			u8 *map, u64 range);

/**
 * policy_place_apply() - tell the planner where a guest's memory lies
 * @place: what is known of it
 * @nr_nodes: nodes that the guest has
 * @guest: sets @node_resident_pages, @nr_bound and @host_node
 *
 * A guest counts as bound when of each of its nodes nearly all lies on one node
 * of the host.
 */
void policy_place_apply(const struct policy_place *place, u32 nr_nodes,
			struct policy_guest *guest);

/**
 * policy_place_ranges() - ranges of a guest that lie on some of the host's nodes
 * @extents: the guest's memory
 * @nr_extents: how many
 * @map: the entry of each block, extent by extent
 * @nodes: the nodes looked for, a bit each; POLICY_NODES_SWAPPED too
 * @cursor: number of the block to begin at; set to where to go on. All blocks
 *	are looked at, beginning anew at the end.
 * @ranges: (out) bellows_range() entries
 * @most: room in @ranges
 *
 * Return: entries filled in.
 */
u32 policy_place_ranges(const struct policy_extent *extents, u32 nr_extents,
			const u8 *map, u32 nodes, u64 *cursor, u64 *ranges,
			u32 most);

/* Longest pause before a guest is asked for ranges again that brought nothing. */
#define POLICY_WANTED_PAUSE_MS 1000

/**
 * struct policy_wanted - the ranges that a guest was asked for last
 * @id: number of the list, 0 before the first
 * @nodes: the host's nodes that they lie on, a bit each; 0 when none is wanted
 * @nr: entries of @range in use
 * @cursor: block of the guest at which the next list begins
 * @all: all its memory there was on this list or one before
 * @in_use: free blocks were not enough: what is in use shall be moved
 * @made_ns: when the list was made
 * @made_size_pages: balloon then
 * @pause_ms: pause when the list brings nothing
 * @range: the list
 *
 * All zero when the guest registers.
 */
struct policy_wanted {
	u32 id;
	u32 nodes;
	u32 nr;
	u64 cursor;
	bool all;
	bool in_use;
	u64 made_ns;
	u64 made_size_pages;
	u32 pause_ms;
	u64 range[BELLOWS_WANTED_MAX];
};

/**
 * policy_wanted_due() - whether a guest needs a new list of ranges
 * @wanted: its last one
 * @nodes: nodes that memory is wanted of now, a bit each, not 0
 * @now_ns: time
 * @size_pages: its balloon
 * @gone_through: &bellows_guest_half.wanted_id of its report
 *
 * It does when it has gone through the last one, or when that brought nothing for
 * so long that it has been forgotten. A list that brought nothing is followed by
 * a pause, longer each time.
 *
 * Return: true if so.
 */
bool policy_wanted_due(const struct policy_wanted *wanted, u32 nodes,
		       u64 now_ns, u64 size_pages, u32 gone_through);

/**
 * policy_wanted_make() - make a new list of ranges
 * @wanted: changed
 * @extents: the guest's memory
 * @nr_extents: how many
 * @map: the entry of each block, extent by extent
 * @nodes: nodes that memory is wanted of, a bit each
 * @now_ns: time
 * @size_pages: its balloon
 */
void policy_wanted_make(struct policy_wanted *wanted,
			const struct policy_extent *extents, u32 nr_extents,
			const u8 *map, u32 nodes, u64 now_ns, u64 size_pages);

#endif /* _BELLOWS_POLICY_PLACE_H */
