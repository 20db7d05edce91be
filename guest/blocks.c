// SPDX-License-Identifier: GPL-2.0
/*
 * Gets whole blocks and single pages from the kernel, and gives them back.
 *
 * Whole free blocks are taken off the free lists as they are, as compaction and
 * page reporting do it: no allocation hook runs, so nothing is zeroed, and
 * memory that the host is about to drop is not touched first. Only when there
 * are none is the page allocator asked, which may reclaim and compact for us.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "allocate.h"
#include "blocks.h"
#include "counters.h"
#include "victims.h"

/* Blocks that one hold of a zone's lock moves at most. */
#define BELLOWS_BLOCKS_PER_HOLD 32
/* Most that one call takes: what is taken is soon given to the host. */
#define BELLOWS_FREE_BLOCKS_MAX 512
/* Left free by those who only borrow. */
#define BELLOWS_IDLE_KEEP (SZ_32M >> PAGE_SHIFT)

BELLOWS_KSYM(int, __isolate_free_page, struct page *page, unsigned int order);
BELLOWS_KSYM(void, __putback_isolated_page, struct page *page,
	     unsigned int order, int migratetype);
BELLOWS_KSYM(BELLOWS_BLOCK_TYPE, bellows_block_type,
	     BELLOWS_BLOCK_TYPE_ARGUMENTS);
BELLOWS_KSYM(void, drain_all_pages, struct zone *zone);

/* Set once by bellows_blocks_init(). */
static bool bellows_isolates;
static bool bellows_puts_back;

/**
 * bellows_blocks_init() - find out what this kernel allows
 *
 * Context: May sleep. Before anything else in this file.
 */
void bellows_blocks_init(void)
{
	bellows_ksym_find(drain_all_pages);

	/*
	 * With debug_pagealloc free pages are not mapped. The allocator maps
	 * what it hands out; what we isolate would fault when it is poisoned or
	 * zeroed on its way back.
	 */
	bellows_isolates = bellows_ksym_find(__isolate_free_page) &&
			   !debug_pagealloc_enabled_static();
	if (!bellows_isolates)
		pr_notice("free blocks cannot be isolated, allocating\n");

	/*
	 * Putting back skips the hooks that poison or zero a page when it is
	 * freed, and the next user relies on those: the host may have changed
	 * what is in the page.
	 */
	bellows_puts_back = bellows_ksym_find_as(bellows_block_type,
						 BELLOWS_BLOCK_TYPE_SYMBOL) &&
			    bellows_ksym_find(__putback_isolated_page) &&
			    !page_poisoning_enabled_static() &&
			    !want_init_on_free();
}

/**
 * bellows_blocks_isolates() - can free blocks be taken as they are?
 *
 * Return: false when all has to be allocated.
 */
bool bellows_blocks_isolates(void)
{
	return bellows_isolates;
}

/**
 * bellows_blocks_drain() - gather free pages
 *
 * Lets what lies on the lists of each CPU go back and merge into blocks. Not
 * for every batch: it sends work to all CPUs.
 *
 * Context: May sleep.
 */
void bellows_blocks_drain(void)
{
	if (bellows_ksym_found(drain_all_pages))
		bellows_ksym_call(drain_all_pages)(NULL);
}

/**
 * bellows_blocks_room() - what may be taken before the guest has too little
 *
 * Context: Any.
 * Return: pages of available memory above what the guest needs to go on, 0 when
 * it has less than that.
 */
unsigned long bellows_blocks_room(void)
{
	unsigned long keep = max_t(unsigned long, SZ_16M >> PAGE_SHIFT,
				   totalram_pages() / 100 * 3);
	long available = si_mem_available();

	return available > 0 && available > keep ? available - keep : 0;
}

/**
 * bellows_blocks_hold() - add a block to a set
 * @taken: the set
 * @block: its first page; ours, every page of it
 *
 * Context: Any.
 */
void bellows_blocks_hold(struct bellows_pages *taken, struct page *block)
{
	int i;

	for (i = 0; i < BELLOWS_BLOCK_PAGES; i++) {
		set_page_count(block + i, 1);
		__SetPageOffline(block + i);
	}
	set_page_private(block, 0);
	list_add_tail(&block->lru, &taken->blocks);
	taken->nr_blocks++;
}

/* Undoes bellows_blocks_hold(); the caller frees the pages, all unreferenced. */
static void bellows_let_go_of_block(struct page *block)
{
	int i;

	set_page_private(block, 0);
	for (i = 0; i < BELLOWS_BLOCK_PAGES; i++) {
		__ClearPageOffline(block + i);
		set_page_count(block + i, 0);
	}
}

/*
 * Puts one block on its zone's free list. The migratetype is looked up, not
 * assumed: somebody may have begun to isolate the block.
 */
static void bellows_put_back_block(struct page *block)
{
	unsigned long pfn = page_to_pfn(block);
	int type;

	lockdep_assert_held(&page_zone(block)->lock);

	type = bellows_ksym_call(bellows_block_type)(
		BELLOWS_BLOCK_TYPE_OF(block, pfn));
	bellows_ksym_call(__putback_isolated_page)(block, BELLOWS_BLOCK_ORDER,
						   type);
}

/* Puts blocks of one zone back, a bounded number of them. */
static void bellows_put_back_some(struct bellows_pages *pages)
{
	struct page *block = list_first_entry(&pages->blocks, struct page, lru);
	struct zone *zone = page_zone(block);
	unsigned int nr = 0;
	unsigned long flags;
	LIST_HEAD(leaving);

	while (nr < BELLOWS_BLOCKS_PER_HOLD && !list_empty(&pages->blocks)) {
		block = list_first_entry(&pages->blocks, struct page, lru);
		if (page_zone(block) != zone)
			break;
		list_move_tail(&block->lru, &leaving);
		bellows_let_go_of_block(block);
		pages->nr_blocks--;
		nr++;
	}

	spin_lock_irqsave(&zone->lock, flags);
	while (!list_empty(&leaving)) {
		block = list_first_entry(&leaving, struct page, lru);
		list_del(&block->lru);
		bellows_put_back_block(block);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

static void bellows_free_block(struct bellows_pages *pages)
{
	struct page *block = list_first_entry(&pages->blocks, struct page, lru);

	list_del(&block->lru);
	pages->nr_blocks--;
	bellows_let_go_of_block(block);
	set_page_count(block, 1);
	__free_pages(block, BELLOWS_BLOCK_ORDER);
}

/**
 * bellows_blocks_give_back() - give memory back to the kernel
 * @pages: the set, empty afterwards. None of it is the host's any more.
 *
 * Context: May sleep.
 */
void bellows_blocks_give_back(struct bellows_pages *pages)
{
	struct page *page, *next;

	while (!list_empty(&pages->blocks)) {
		if (bellows_puts_back)
			bellows_put_back_some(pages);
		else
			bellows_free_block(pages);
		cond_resched();
	}

	list_for_each_entry_safe(page, next, &pages->singles, lru) {
		list_del(&page->lru);
		pages->nr_singles--;
		set_page_private(page, 0);
		__ClearPageOffline(page);
		__free_page(page);
		cond_resched();
	}
}

/*
 * Free pages of a zone above its high watermark. __isolate_free_page() itself
 * keeps only the min watermark: kswapd would start, and whoever allocates next
 * would have to reclaim.
 */
static long bellows_zone_spare(struct zone *zone)
{
	long keep =
		high_wmark_pages(zone) + zone->lowmem_reserve[ZONE_MOVABLE] +
		zone->nr_reserved_highatomic + (zone_managed_pages(zone) >> 6);

	return (long)zone_page_state(zone, NR_FREE_PAGES) - keep;
}

/**
 * bellows_blocks_spare() - free memory that nobody would miss
 * @node: of this node only; NUMA_NO_NODE for all
 *
 * Context: Any.
 * Return: pages.
 */
unsigned long bellows_blocks_spare(int node)
{
	unsigned long spare = 0;
	struct zone *zone;
	int nid, i;

	for_each_online_node(nid) {
		if (node != NUMA_NO_NODE && node != nid)
			continue;
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (managed_zone(zone))
				spare += max(bellows_zone_spare(zone), 0L);
		}
	}

	return spare;
}

/**
 * bellows_blocks_type() - what is this block meant for?
 * @start: its first page frame
 *
 * Context: Any.
 * Return: the migratetype to give it back with, -1 when it is set aside for
 * somebody and must not be emptied.
 */
int bellows_blocks_type(unsigned long start)
{
	struct page *block = pfn_to_page(start);
	int type = MIGRATE_MOVABLE;

	if (bellows_ksym_found(bellows_block_type))
		type = bellows_ksym_call(bellows_block_type)(
			BELLOWS_BLOCK_TYPE_OF(block, start));
#ifdef CONFIG_ZONE_DMA
	/* For devices that can use nothing else. */
	if (page_zonenum(block) == ZONE_DMA)
		return -1;
#endif

	return type < MIGRATE_PCPTYPES ? type : -1;
}

/**
 * bellows_blocks_capture() - take a block that was emptied for us
 * @taken: the set that gets it
 * @block: its first page; nobody can allocate from it (MIGRATE_ISOLATE)
 *
 * Context: Any.
 * Return: false when it is not all free.
 */
bool bellows_blocks_capture(struct bellows_pages *taken, struct page *block)
{
	struct zone *zone = page_zone(block);
	unsigned long flags;
	bool captured;

	spin_lock_irqsave(&zone->lock, flags);
	captured = PageBuddy(block) &&
		   page_private(block) == BELLOWS_BLOCK_ORDER &&
		   bellows_ksym_call(__isolate_free_page)(block,
							  BELLOWS_BLOCK_ORDER);
	spin_unlock_irqrestore(&zone->lock, flags);
	if (captured)
		bellows_blocks_hold(taken, block);

	return captured;
}

/*
 * Moves free pages of one order and migratetype to @isolated, at most @limit
 * of them. Returns how many.
 */
static unsigned int bellows_isolate_list(struct zone *zone, unsigned int order,
					 int migratetype, unsigned int limit,
					 struct list_head *isolated)
{
	struct list_head *list = &zone->free_area[order].free_list[migratetype];
	unsigned int nr = 0;
	struct page *page;

	lockdep_assert_held(&zone->lock);

	while (nr < limit && bellows_zone_spare(zone) >= 1L << order) {
		page = list_first_entry_or_null(list, struct page, buddy_list);
		if (!page ||
		    !bellows_ksym_call(__isolate_free_page)(page, order))
			break;
		list_add_tail(&page->lru, isolated);
		nr++;
	}

	return nr;
}

/*
 * One hold of the zone's lock: takes up to @limit free pages of one order, as
 * blocks. Returns the number of blocks.
 */
static unsigned int bellows_isolate_some(struct bellows_pages *taken,
					 struct zone *zone, unsigned int order,
					 unsigned int limit)
{
	/* What lies on the other lists is set aside for somebody. */
	static const int migratetypes[] = { MIGRATE_MOVABLE,
					    MIGRATE_RECLAIMABLE,
					    MIGRATE_UNMOVABLE };
	unsigned int blocks_each = 1 << (order - BELLOWS_BLOCK_ORDER);
	struct page *page, *next;
	unsigned int i, nr = 0;
	unsigned long flags;
	LIST_HEAD(isolated);

	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < ARRAY_SIZE(migratetypes); i++)
		nr += bellows_isolate_list(zone, order, migratetypes[i],
					   limit - nr, &isolated);
	spin_unlock_irqrestore(&zone->lock, flags);

	list_for_each_entry_safe(page, next, &isolated, lru) {
		list_del(&page->lru);
		for (i = 0; i < blocks_each; i++)
			bellows_blocks_hold(taken,
					    page + i * BELLOWS_BLOCK_PAGES);
	}

	return nr * blocks_each;
}

/*
 * Takes whole free blocks off one zone, up to one hold for each order. The
 * largest order first; one too large for what is wanted only if there is
 * nothing else, and then there is a surplus.
 */
static void bellows_isolate_zone(struct bellows_pages *taken, struct zone *zone,
				 unsigned long wanted)
{
	unsigned int order = BELLOWS_MAX_PAGE_ORDER, nr = 0;
	unsigned int limit;

	for (; order >= BELLOWS_BLOCK_ORDER && nr < wanted; order--) {
		limit = min_t(unsigned long, wanted - nr,
			      BELLOWS_BLOCKS_PER_HOLD);
		limit >>= order - BELLOWS_BLOCK_ORDER;
		nr += bellows_isolate_some(taken, zone, order, limit);
	}
	if (nr == 0)
		bellows_isolate_some(taken, zone, BELLOWS_MAX_PAGE_ORDER, 1);
}

/* Gives back what is above @wanted. */
static void bellows_give_back_surplus(struct bellows_pages *taken,
				      unsigned long wanted)
{
	struct bellows_pages surplus;

	bellows_pages_init(&surplus);
	while (taken->nr_blocks > wanted)
		bellows_pages_move(list_last_entry(&taken->blocks, struct page,
						   lru),
				   true, taken, &surplus);
	bellows_blocks_give_back(&surplus);
}

/*
 * Takes whole free blocks. Goes round the zones with a bounded bite at each, so
 * that without a wish for a node all of them give alike.
 */
static void bellows_take_free(struct bellows_pages *taken, unsigned long wanted,
			      int node)
{
	unsigned long before;
	struct zone *zone;
	int nid, i;

	do {
		before = taken->nr_blocks;
		for_each_online_node(nid) {
			if (node != NUMA_NO_NODE && node != nid)
				continue;
			for (i = MAX_NR_ZONES - 1; i >= 0; i--) {
				zone = &NODE_DATA(nid)->node_zones[i];
				if (!managed_zone(zone) ||
				    taken->nr_blocks >= wanted)
					continue;
				bellows_isolate_zone(taken, zone,
						     wanted - taken->nr_blocks);
			}
		}
		cond_resched();
	} while (taken->nr_blocks > before && taken->nr_blocks < wanted);

	bellows_give_back_surplus(taken, wanted);
}

/**
 * bellows_blocks_take_idle() - get whole free blocks, and nothing else
 * @taken: an empty set, filled with what is free and not needed soon
 * @most: blocks
 *
 * The kernel does nothing for it: no reclaim, no allocation.
 *
 * Context: May sleep. No locks held.
 */
void bellows_blocks_take_idle(struct bellows_pages *taken, unsigned long most)
{
	unsigned long room = bellows_blocks_room(), blocks;

	/* So much that nobody takes it for a shortage. */
	blocks = room > BELLOWS_IDLE_KEEP ?
			 (room - BELLOWS_IDLE_KEEP) / BELLOWS_BLOCK_PAGES :
			 0;
	if (bellows_isolates && blocks)
		bellows_take_free(taken, min(blocks, most), NUMA_NO_NODE);
}

/* May a free page be taken, or was it set aside for somebody? */
static bool bellows_is_takeable(struct page *page)
{
	unsigned long type = bellows_ksym_call(bellows_block_type)(
		BELLOWS_BLOCK_TYPE_OF(page, page_to_pfn(page)));

	return type < MIGRATE_PCPTYPES;
}

/* Isolates the free page that a block is or lies in. NULL when it is in use. */
static struct page *bellows_isolate_around(struct page *block,
					   unsigned int *order)
{
	struct zone *zone = page_zone(block);
	struct page *page;

	lockdep_assert_held(&zone->lock);

	for (*order = BELLOWS_BLOCK_ORDER; *order <= BELLOWS_MAX_PAGE_ORDER;
	     ++*order) {
		page = pfn_to_page(
			ALIGN_DOWN(page_to_pfn(block), 1UL << *order));
		if (page_zone(page) != zone || !PageBuddy(page) ||
		    page_private(page) != *order)
			continue;
		if (bellows_zone_spare(zone) < 1L << *order ||
		    !bellows_is_takeable(page) ||
		    !bellows_ksym_call(__isolate_free_page)(page, *order))
			break;
		return page;
	}

	return NULL;
}

/**
 * bellows_blocks_take_at() - get one block that is free as a whole
 * @taken: where to add it
 * @pfn: its first page; it need not exist
 *
 * Context: Worker. May sleep. No locks held.
 * Return: false when it cannot be had.
 */
bool bellows_blocks_take_at(struct bellows_pages *taken, unsigned long pfn)
{
	struct page *block = pfn_to_online_page(pfn), *page;
	struct bellows_pages others;
	unsigned int order, i;
	unsigned long flags;

	if (!block || !bellows_isolates ||
	    !bellows_ksym_found(bellows_block_type))
		return false;

	spin_lock_irqsave(&page_zone(block)->lock, flags);
	page = bellows_isolate_around(block, &order);
	spin_unlock_irqrestore(&page_zone(block)->lock, flags);
	if (!page)
		return false;

	bellows_pages_init(&others);
	for (i = 0; i < 1U << order; i += BELLOWS_BLOCK_PAGES)
		bellows_blocks_hold(page + i == block ? taken : &others,
				    page + i);
	bellows_blocks_give_back(&others);
	bellows_count(BELLOWS_ISOLATED_BLOCKS, 1);

	return true;
}

/**
 * bellows_blocks_take() - get memory from the kernel
 * @taken: an empty set, filled with up to @wanted pages: whole blocks that are
 *	free if there are any, then what the policy brings
 * @wanted: pages of 4 KiB, at least 1
 * @node: take from this node only; NUMA_NO_NODE for any
 *
 * Takes a bounded bite, so call it until it brings nothing. The guest keeps
 * enough available memory to go on without the OOM killer.
 *
 * Context: Worker. May sleep, reclaim and compact. No locks held.
 */
void bellows_blocks_take(struct bellows_pages *taken, unsigned long wanted,
			 int node)
{
	unsigned long room = bellows_blocks_room();
	unsigned long blocks, asked = wanted;

	wanted = min(wanted, room - min(room, BELLOWS_ROOM_MARGIN));
	blocks = min_t(unsigned long, wanted / BELLOWS_BLOCK_PAGES,
		       BELLOWS_FREE_BLOCKS_MAX);
	if (bellows_isolates && blocks)
		bellows_take_free(taken, blocks, node);
	bellows_count(BELLOWS_ISOLATED_BLOCKS, taken->nr_blocks);
	/* What has to be swapped out first is not available yet. */
	if (taken->nr_blocks == 0)
		bellows_victims_take(taken, asked / BELLOWS_BLOCK_PAGES, node);
	if (taken->nr_blocks)
		return;

	/* The rest of a block comes out of what is spare, whoever chooses. */
	if (asked < BELLOWS_BLOCK_PAGES || bellows_victims_leave_it_to_kernel())
		bellows_allocate(taken, wanted, node);
}
