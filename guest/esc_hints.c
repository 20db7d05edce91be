// SPDX-License-Identifier: GPL-2.0
/*
 * What the host takes from the guest by itself (H).
 */
#ifdef __KERNEL__
#include <linux/minmax.h>
#include <linux/types.h>
#endif

#include "esc_hints.h"

/* Puts a span in its place among those before it. */
static void bellows_esc_hints_insert(struct bellows_esc_hints *hints,
				     struct bellows_esc_span span)
{
	u32 i;

	for (i = hints->nr; i && hints->span[i - 1].first > span.first; i--)
		hints->span[i] = hints->span[i - 1];
	hints->span[i] = span;
	hints->nr++;
}

/**
 * bellows_esc_hints_set() - the host names others
 * @hints: filled in; what was named before is forgotten
 * @ranges: bellows_range() entries, not trusted: in any order, and one may lie in
 *	another
 * @nr: how many; those beyond BELLOWS_HINTS_MAX do not count
 */
void bellows_esc_hints_set(struct bellows_esc_hints *hints, const u64 *ranges,
			   u32 nr)
{
	struct bellows_esc_span *last, *span;
	u32 i;

	hints->nr = 0;
	for (i = 0; i < nr && i < BELLOWS_HINTS_MAX; i++) {
		u64 first = bellows_range_pfn(ranges[i]);

		bellows_esc_hints_insert(
			hints, (struct bellows_esc_span){
				       .first = first,
				       .end = first +
					      bellows_range_pages(ranges[i]),
			       });
	}

	/* What meets is one span. */
	last = hints->span;
	for (i = 1; i < hints->nr; i++) {
		span = &hints->span[i];
		if (span->first <= last->end)
			last->end = max(last->end, span->end);
		else
			*++last = *span;
	}
	if (hints->nr)
		hints->nr = last - hints->span + 1;
}

/**
 * bellows_esc_hinted() - does the host take this page by itself?
 * @hints: what it named
 * @pfn: page frame number
 *
 * Return: whether it does.
 */
bool bellows_esc_hinted(const struct bellows_esc_hints *hints, u64 pfn)
{
	u32 low = 0, high = hints->nr, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (pfn < hints->span[middle].first)
			high = middle;
		else if (pfn >= hints->span[middle].end)
			low = middle + 1;
		else
			return true;
	}

	return false;
}

/**
 * bellows_esc_hinted_pages() - how much does the host name?
 * @hints: what it named
 *
 * Return: pages, each of them once.
 */
u64 bellows_esc_hinted_pages(const struct bellows_esc_hints *hints)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < hints->nr; i++)
		pages += hints->span[i].end - hints->span[i].first;

	return pages;
}
