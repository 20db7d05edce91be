// SPDX-License-Identifier: GPL-2.0
/*
 * What lies in a block, and what can be done with it.
 *
 * Looked at without a reference and without the zone's lock: what is found may
 * be old news when it is used, and whoever acts on it looks again.
 */
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/rcupdate.h>

#include <bellows/compat.h>

#include "blocks.h"
#include "content.h"
#include "rmap_walk.h"
#include "sweep.h"

#ifdef CONFIG_MEMCG
/* Has this group no more than it was promised? */
static bool bellows_content_keeps(struct mem_cgroup *memcg)
{
	unsigned long promised = max(READ_ONCE(memcg->memory.min),
				     READ_ONCE(memcg->memory.low));

	return promised && page_counter_read(&memcg->memory) <= promised;
}
#endif

/**
 * bellows_content_protected() - did somebody set this memory apart?
 * @folio: a reference is held, or what is found is thrown away if it changed
 *
 * memory.min and memory.low of its control group and of all above that, each as
 * far as it goes: the kernel shares a group's protection among its children in
 * a way that only its own reclaim knows, so any that holds counts for them all.
 *
 * Context: Any.
 * Return: true when it must not be evicted.
 */
bool bellows_content_protected(struct folio *folio)
{
	bool kept = false;
#ifdef CONFIG_MEMCG
	struct mem_cgroup *memcg;

	rcu_read_lock();
	for (memcg = page_memcg_check(&folio->page); memcg && !kept;
	     memcg = parent_mem_cgroup(memcg))
		kept = bellows_content_keeps(memcg);
	rcu_read_unlock();
#endif

	return kept;
}

/* Is more than the page tables and the cache holding on to it? */
static bool bellows_content_pinned(struct folio *folio, unsigned long pages)
{
	unsigned long known = folio_has_private(folio);

	/* Its page tables may refer to it as a whole. */
	if (pages == BELLOWS_BLOCK_PAGES)
		return folio_maybe_dma_pinned(folio);
	known += bellows_mappings(folio);
	if (folio_test_anon(folio) ? folio_test_swapcache(folio) :
				     !!READ_ONCE(folio->mapping))
		known += pages;

	return folio_ref_count(folio) > known;
}

/*
 * Before there are histories: what was read from a file once, is not mapped, and
 * was not used in any sweep that there was. What is read again and again, the
 * kernel has on its active list, or marked.
 */
static bool bellows_content_once(struct folio *folio,
				 const struct bellows_esc_page *history,
				 bool known)
{
	return bellows_histories.guessing && !folio_test_swapbacked(folio) &&
	       !folio_mapped(folio) && !folio_test_active(folio) &&
	       !folio_test_workingset(folio) &&
	       !(known && bellows_esc_class(history));
}

/* Can it be dropped with nothing written, and hardly be missed? */
static bool bellows_content_cold(struct page *page, unsigned long pfn)
{
	const struct bellows_esc_page *history = &bellows_histories.page[pfn];
	struct folio *folio = page_folio(page);
	bool known = bellows_esc_knows(history, bellows_rmap_print(folio, 0));

	if (!(known && bellows_esc_class(history) == 0 &&
	      bellows_esc_proven(history)) &&
	    !bellows_content_once(folio, history, known))
		return false;
	if (folio_test_dirty(folio) || folio_test_writeback(folio))
		return false;
	if (folio_test_swapbacked(folio) && !folio_test_swapcache(folio))
		return false;

	return !bellows_content_protected(folio);
}

/*
 * The length of the folio that begins here, 1 for a small page. 0 for one that does
 * not, or is nothing that can go: it may just have ceased to be one.
 */
static unsigned long bellows_content_length(struct page *page, unsigned long pfn)
{
	unsigned int order;

	if (!PageCompound(page))
		return 1;
	if (PageTail(page) || !PageLRU(page))
		return 0;
	order = folio_order(page_folio(page));
	if (order > BELLOWS_BLOCK_ORDER || !IS_ALIGNED(pfn, 1UL << order))
		return 0;

	return 1UL << order;
}

/**
 * bellows_content() - what is this page?
 * @pfn: its page frame number, online, below the end of the histories
 * @pages: set to the number of pages that this is said of: a large folio is one
 *	thing, to be dropped or moved as a whole
 *
 * Context: The lock of the histories is held.
 * Return: see enum bellows_content.
 */
enum bellows_content bellows_content(unsigned long pfn, unsigned long *pages)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long order, length;

	lockdep_assert_held(&bellows_histories.lock);

	*pages = 1;
	if (PageBuddy(page)) {
		order = READ_ONCE(page_private(page));
		if (order <= BELLOWS_MAX_PAGE_ORDER)
			*pages = 1UL << order;
		return BELLOWS_CONTENT_FREE;
	}
	length = bellows_content_length(page, pfn);
	if (!length || PageReserved(page) || PageOffline(page))
		return BELLOWS_CONTENT_STUCK;
	/* On a CPU's own list of free pages. */
	if (page_count(page) == 0)
		return BELLOWS_CONTENT_FREE;
	if (bellows_page_is_movable(page))
		return BELLOWS_CONTENT_MOVES;
	if (!PageLRU(page) || folio_test_unevictable(page_folio(page)) ||
	    folio_test_mlocked(page_folio(page)) ||
	    bellows_content_pinned(page_folio(page), length))
		return BELLOWS_CONTENT_STUCK;

	*pages = length;
	/* The host would have to read it back to have it moved. */
	if (bellows_esc_hinted(&bellows_histories.hints, pfn))
		return BELLOWS_CONTENT_STUCK;
	if (bellows_content_cold(page, pfn))
		return BELLOWS_CONTENT_COLD;
	/* It has a block to itself: moving it takes one to make one. */
	return length == BELLOWS_BLOCK_PAGES ? BELLOWS_CONTENT_STUCK :
					       BELLOWS_CONTENT_MOVES;
}

/**
 * bellows_content_of_block() - what lies in a block?
 * @start: its first page frame
 * @block: filled in
 *
 * Context: May sleep, takes the lock of the histories.
 * Return: false when there is no such block.
 */
bool bellows_content_of_block(unsigned long start,
			      struct bellows_esc_block *block)
{
	unsigned long pfn, pages, end = start + BELLOWS_BLOCK_PAGES;

	*block = (struct bellows_esc_block){};
	if (end > bellows_histories.end || !pfn_to_online_page(start))
		return false;

	mutex_lock(&bellows_histories.lock);
	for (pfn = start; pfn < end && !block->stuck; pfn += pages) {
		enum bellows_content content = bellows_content(pfn, &pages);

		pages = min(pages, end - pfn);
		switch (content) {
		case BELLOWS_CONTENT_FREE:
			block->free += pages;
			break;
		case BELLOWS_CONTENT_COLD:
			block->cold += pages;
			break;
		case BELLOWS_CONTENT_MOVES:
			block->moves += pages;
			break;
		case BELLOWS_CONTENT_STUCK:
			block->stuck += pages;
			break;
		}
	}
	mutex_unlock(&bellows_histories.lock);

	return true;
}
