// SPDX-License-Identifier: GPL-2.0
/* Where a guest's memory lies; see policy_place.h. */
#include "policy_internal.h"
#include "policy_place.h"

/* Part in 1000 of a guest node that may lie elsewhere than it is bound to. */
#define POLICY_STRAY_PERMILLE 20

/* Whether a page is on guest node @i, as that node says. */
static bool policy_place_is_on(const struct bellows_guest_half *report,
			       unsigned int i, u64 pfn)
{
	return pfn >= report->node_span[i].first_pfn &&
	       pfn - report->node_span[i].first_pfn <
		       report->node_span[i].pages;
}

unsigned int policy_place_guest_node(const struct bellows_guest_half *report,
				     u64 pfn)
{
	unsigned int nr = min(report->nr_nodes, BELLOWS_NODES_MAX + 0U), i;

	for (i = 0; i < nr; i++)
		if (policy_place_is_on(report, i, pfn))
			return i;

	return BELLOWS_NODES_MAX;
}

/* The host node of an entry; POLICY_NODES_MAX or more for none. */
static unsigned int policy_map_node(u8 entry)
{
	return entry & POLICY_MAP_HOST;
}

void policy_place_put(struct policy_place *place, u8 *entry,
		      unsigned int guest_node, unsigned int host_node)
{
	unsigned int node = policy_map_node(*entry);

	if (node < POLICY_NODES_MAX)
		place->pages[*entry >> POLICY_MAP_GUEST_SHIFT][node] -=
			BELLOWS_BLOCK_PAGES;
	*entry = host_node == POLICY_NODE_SWAPPED ? POLICY_NODE_SWAPPED :
						    POLICY_NODE_NONE;
	if (host_node >= POLICY_NODES_MAX)
		return;

	*entry = guest_node << POLICY_MAP_GUEST_SHIFT | host_node;
	place->pages[guest_node][host_node] += BELLOWS_BLOCK_PAGES;
}

void policy_place_clear(struct policy_place *place,
			const struct policy_extent *extents, u32 nr_extents,
			u8 *map, u64 range)
{
	u64 first = bellows_range_pfn(range) + BELLOWS_BLOCK_PAGES - 1;
	u64 end = bellows_range_pfn(range) + bellows_range_pages(range);
	u64 from, to, block;
	u32 i;

	/* In blocks; what is not there as a whole stays. */
	first /= BELLOWS_BLOCK_PAGES;
	end /= BELLOWS_BLOCK_PAGES;
	for (i = 0; i < nr_extents; map += extents[i++].blocks) {
		from = extents[i].first_pfn / BELLOWS_BLOCK_PAGES;
		to = min(end, from + extents[i].blocks);
		for (block = max(first, from); block < to; block++)
			policy_place_put(place, map + (block - from), 0,
					 POLICY_NODES_MAX);
	}
}

/*
 * The host node that holds nearly all of a guest node. Sets *@all to what there
 * is of it.
 */
static int policy_place_bound(const u64 pages[POLICY_NODES_MAX], u64 *all)
{
	unsigned int node, best = 0;

	*all = 0;
	for (node = 0; node < POLICY_NODES_MAX; node++) {
		*all += pages[node];
		if (pages[node] > pages[best])
			best = node;
	}
	if (!*all || (*all - pages[best]) * 1000 > *all * POLICY_STRAY_PERMILLE)
		return POLICY_NODE_ANY;

	return best;
}

void policy_place_apply(const struct policy_place *place, u32 nr_nodes,
			struct policy_guest *guest)
{
	unsigned int nr = min(nr_nodes, BELLOWS_NODES_MAX + 0U), i, node;
	bool bound = true, told = false;
	u64 all;

	memset(guest->node_resident_pages, 0,
	       sizeof(guest->node_resident_pages));
	for (i = 0; i < nr; i++) {
		guest->host_node[i] = policy_place_bound(place->pages[i], &all);
		if (all && guest->host_node[i] == POLICY_NODE_ANY)
			bound = false;
		told |= all > 0;
		for (node = 0; node < POLICY_NODES_MAX; node++)
			guest->node_resident_pages[node] +=
				place->pages[i][node];
	}
	guest->nr_bound = told && bound ? nr : 0;
	if (told)
		return;

	/* One that does not say where its nodes are has all of it outside. */
	for (node = 0; node < POLICY_NODES_MAX; node++)
		guest->node_resident_pages[node] =
			place->pages[BELLOWS_NODES_MAX][node];
}

/* A list of ranges that grows. */
struct policy_ranges {
	u64 *range;
	u32 nr;
	u32 most;
};

/* Adds a block, to the last range if it continues it; false when it is full. */
static bool policy_ranges_add(struct policy_ranges *ranges, u64 pfn)
{
	u64 *last = ranges->nr ? &ranges->range[ranges->nr - 1] : NULL;
	u32 pages = last ? bellows_range_pages(*last) : 0;

	if (last && bellows_range_pfn(*last) + pages == pfn &&
	    pages + BELLOWS_BLOCK_PAGES <= BELLOWS_RANGE_PAGES_MAX) {
		*last = bellows_range(bellows_range_pfn(*last),
				      pages + BELLOWS_BLOCK_PAGES);
		return true;
	}
	if (ranges->nr == ranges->most)
		return false;
	ranges->range[ranges->nr++] = bellows_range(pfn, BELLOWS_BLOCK_PAGES);

	return true;
}

/* Looks at the blocks numbered from @from up to @to; where it stopped. */
static u64 policy_ranges_scan(struct policy_ranges *ranges,
			      const struct policy_extent *extents,
			      u32 nr_extents, const u8 *map, u32 nodes,
			      u64 from, u64 to)
{
	u64 first = 0, at = from, block;
	u32 i;

	nodes &= ((1U << POLICY_NODES_MAX) - 1) | POLICY_NODES_SWAPPED;
	for (i = 0; i < nr_extents && at < to; i++) {
		for (; at < to && at - first < extents[i].blocks; at++) {
			block = at - first;
			if (!(nodes & 1U << policy_map_node(map[at])))
				continue;
			if (!policy_ranges_add(
				    ranges,
				    extents[i].first_pfn +
					    block * BELLOWS_BLOCK_PAGES))
				return at;
		}
		first += extents[i].blocks;
	}

	return at;
}

u32 policy_place_ranges(const struct policy_extent *extents, u32 nr_extents,
			const u8 *map, u32 nodes, u64 *cursor, u64 *ranges,
			u32 most)
{
	struct policy_ranges list = { .range = ranges, .most = most };
	u64 blocks = 0, from, stopped;
	u32 i;

	for (i = 0; i < nr_extents; i++)
		blocks += extents[i].blocks;
	from = *cursor < blocks ? *cursor : 0;

	stopped = policy_ranges_scan(&list, extents, nr_extents, map, nodes,
				     from, blocks);
	if (stopped == blocks)
		stopped = policy_ranges_scan(&list, extents, nr_extents, map,
					     nodes, 0, from);
	*cursor = stopped;

	return list.nr;
}

bool policy_wanted_due(const struct policy_wanted *wanted, u32 nodes,
		       u64 now_ns, u64 size_pages, u32 gone_through)
{
	u32 pause = POLICY_WANTED_PAUSE_MS;

	if (!wanted->id || wanted->nodes != nodes)
		return true;
	if (gone_through == wanted->id || !wanted->nr)
		pause = size_pages > wanted->made_size_pages ? 0 :
							       wanted->pause_ms;

	return policy_since(now_ns, wanted->made_ns, pause);
}

void policy_wanted_make(struct policy_wanted *wanted,
			const struct policy_extent *extents, u32 nr_extents,
			const u8 *map, u32 nodes, u64 now_ns, u64 size_pages)
{
	u64 from;

	if (wanted->nodes != nodes) {
		wanted->nodes = nodes;
		wanted->cursor = 0;
		wanted->all = false;
		wanted->pause_ms = 0;
	} else if (size_pages > wanted->made_size_pages) {
		wanted->pause_ms = 0;
	} else {
		wanted->pause_ms = clamp(2 * wanted->pause_ms, 10U,
					 POLICY_WANTED_PAUSE_MS + 0U);
	}

	wanted->in_use = wanted->all;
	from = wanted->cursor;
	wanted->nr = policy_place_ranges(extents, nr_extents, map, nodes,
					 &wanted->cursor, wanted->range,
					 BELLOWS_WANTED_MAX);
	if (wanted->nr < BELLOWS_WANTED_MAX || wanted->cursor <= from)
		wanted->all = true;
	wanted->made_ns = now_ns;
	wanted->made_size_pages = size_pages;
	/* 0 stands for none. */
	wanted->id = wanted->id + 1 ?: 1;
}
