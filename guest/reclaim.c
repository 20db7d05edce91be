// SPDX-License-Identifier: GPL-2.0
/*
 * Evicts pages that somebody else has chosen: takes them off the kernel's lists,
 * looks once more whether they are in use, and has reclaim_pages() free them.
 */
#include <linux/blkdev.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "content.h"
#include "counters.h"
#include "reclaim.h"
#include "rmap_walk.h"
#include "sweep.h"

BELLOWS_KSYM(BELLOWS_ISOLATE_RESULT, folio_isolate_lru, struct folio *folio);
BELLOWS_KSYM(unsigned long, reclaim_pages, struct list_head *list);
BELLOWS_KSYM(void, lru_add_drain_all, void);

/**
 * bellows_reclaim_init() - find what is needed
 *
 * Context: May sleep.
 * Return: false when this kernel lacks something.
 */
bool bellows_reclaim_init(void)
{
	return bellows_ksym_find(folio_isolate_lru) &&
	       bellows_ksym_find(reclaim_pages) &&
	       bellows_ksym_find(lru_add_drain_all);
}

/**
 * bellows_reclaim_settle() - have all pages that are on their way to an LRU list
 *	arrive there
 *
 * Context: May sleep. Sends work to all CPUs.
 */
void bellows_reclaim_settle(void)
{
	bellows_ksym_call(lru_add_drain_all)();
}

/**
 * bellows_reclaim_isolate() - take a folio off its LRU list
 * @folio: a reference is held, and dropped: that of the list is left
 * @list: where it goes if it can be had
 *
 * Context: May sleep.
 * Return: true if it is on @list now.
 */
bool bellows_reclaim_isolate(struct folio *folio, struct list_head *list)
{
	bool isolated = folio_test_lru(folio) &&
			!folio_test_unevictable(folio) &&
			bellows_isolated(bellows_ksym_call(folio_isolate_lru)(folio));

	if (isolated)
		list_add_tail(&folio->lru, list);
	folio_put(folio);

	return isolated;
}

/*
 * Puts back what was used since the last sweep, and remembers that. Not every
 * kernel's reclaim_pages() looks once more, and what one finds it tells nobody.
 */
static void bellows_reclaim_spare(struct list_head *list)
{
	struct bellows_esc_page *page;
	struct folio *folio, *next;
	unsigned long i;

	mutex_lock(&bellows_histories.lock);
	list_for_each_entry_safe(folio, next, list, lru) {
		page = &bellows_histories.page[folio_pfn(folio)];
		if (!bellows_rmap_used_since(folio, page))
			continue;
		for (i = 0; i < folio_nr_pages(folio); i++)
			bellows_esc_used(page + i);
		list_del(&folio->lru);
		folio_add_lru(folio);
		folio_put(folio);
	}
	mutex_unlock(&bellows_histories.lock);
}

/**
 * bellows_reclaim_list() - evict what is isolated
 * @list: isolated folios; empty afterwards, what could not go, or was used since
 *	the last sweep, is back in its place
 *
 * Context: May sleep, takes the lock of the histories.
 * Return: pages that are free now.
 */
unsigned long bellows_reclaim_list(struct list_head *list)
{
	struct blk_plug plug;
	struct folio *folio;
	unsigned long freed;

	bellows_reclaim_spare(list);
	/* Of a use long ago, and taken for a new one. */
	list_for_each_entry(folio, list, lru)
		folio_clear_referenced(folio);
	/* What is swapped out lies side by side: in a few requests, not one a page. */
	blk_start_plug(&plug);
	freed = bellows_ksym_call(reclaim_pages)(list);
	blk_finish_plug(&plug);
	bellows_count(BELLOWS_EVICTED_PAGES, freed);

	return freed;
}

/**
 * bellows_reclaim_get() - hold on to the folio that begins at a page
 * @pfn: the page's frame
 *
 * Context: Any.
 * Return: the folio, with a reference, if it is on an LRU list; else NULL.
 */
struct folio *bellows_reclaim_get(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;

	if (!page || !PageLRU(page) || PageTail(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;
	if (folio_test_lru(folio) && folio_pfn(folio) == pfn)
		return folio;
	folio_put(folio);

	return NULL;
}

/**
 * bellows_reclaim_cold() - drop the pages of a block that are cold and clean
 * @start: first page frame of the block
 * @wanted: pages, at most
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: pages that are free now.
 */
unsigned long bellows_reclaim_cold(unsigned long start, unsigned long wanted)
{
	unsigned long pfn, pages, nr = 0;
	struct folio *folio;
	LIST_HEAD(list);

	if (!pfn_to_online_page(start) ||
	    start + BELLOWS_BLOCK_PAGES > bellows_histories.end)
		return 0;

	mutex_lock(&bellows_histories.lock);
	for (pfn = start; pfn < start + BELLOWS_BLOCK_PAGES && nr < wanted;
	     pfn += pages) {
		if (bellows_content(pfn, &pages) != BELLOWS_CONTENT_COLD ||
		    bellows_histories.page[pfn].tested)
			continue;
		bellows_esc_tested(&bellows_histories.page[pfn]);
		folio = bellows_reclaim_get(pfn);
		if (!folio)
			continue;
		pages = folio_nr_pages(folio);
		if (!bellows_reclaim_isolate(folio, &list))
			continue;
		nr += pages;
		if (pages > 1)
			bellows_count(BELLOWS_EVICTED_HUGE, 1);
	}
	mutex_unlock(&bellows_histories.lock);

	return nr ? bellows_reclaim_list(&list) : 0;
}
