// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of memory that the host has: what is in it, the accounts that the
 * kernel keeps of it, and the way out of it. inflate.c is the way in.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include <bellows/compat.h>

#include "balloon.h"
#include "blocks.h"
#include "counters.h"
#include "movable.h"
#include "virtio.h"

/* Shows up as "vmem" in lockdep's reports, as the design calls it. */
static struct lock_class_key bellows_vmem_class;

/**
 * bellows_balloon_init() - an empty pool
 * @balloon: filled in
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_balloon_init(struct bellows_balloon *balloon)
{
	int node;

	balloon->node =
		kcalloc(nr_node_ids, sizeof(*balloon->node), GFP_KERNEL);
	if (!balloon->node)
		return -ENOMEM;

	for (node = 0; node < nr_node_ids; node++)
		bellows_pages_init(&balloon->node[node]);
	mutex_init(&balloon->vmem);
	lockdep_set_class_and_name(&balloon->vmem, &bellows_vmem_class, "vmem");

	return 0;
}

/*
 * Waits until the kernel has put back or moved what it isolated, so that all that
 * is held is in the lists. Nothing more is isolated until @settles is false
 * again. Drops vmem meanwhile.
 *
 * accord may be held: whoever isolated pages only tries for it, and allocates what
 * they are exchanged for without the OOM killer, whose notifier waits for accord.
 */
static void bellows_balloon_settle(struct bellows_balloon *balloon)
{
	lockdep_assert_held(&balloon->vmem);

	balloon->settles = true;
	while (balloon->nr_isolated) {
		mutex_unlock(&balloon->vmem);
		usleep_range(1000, 2000);
		mutex_lock(&balloon->vmem);
	}
}

/**
 * bellows_balloon_exit() - give everything back to the kernel
 * @balloon: not used any more. The host must have been told.
 *
 * Context: May sleep.
 */
void bellows_balloon_exit(struct bellows_balloon *balloon)
{
	mutex_lock(&balloon->vmem);
	bellows_balloon_settle(balloon);
	mutex_unlock(&balloon->vmem);
	bellows_balloon_deflate(balloon, ULONG_MAX, NUMA_NO_NODE);
	WARN_ON_ONCE(bellows_balloon_size(balloon));
	kfree(balloon->node);
}

/**
 * bellows_balloon_total() - memory of the guest, the balloon included
 * @balloon: the pool
 *
 * Context: Any.
 * Return: pages.
 */
unsigned long bellows_balloon_total(const struct bellows_balloon *balloon)
{
	return totalram_pages() + bellows_balloon_hidden(balloon);
}

/**
 * bellows_balloon_node_size() - what is held of one NUMA node
 * @balloon: the pool
 * @node: the node, below nr_node_ids
 *
 * Context: May sleep, takes vmem.
 * Return: pages.
 */
unsigned long bellows_balloon_node_size(struct bellows_balloon *balloon,
					int node)
{
	unsigned long size;

	mutex_lock(&balloon->vmem);
	size = bellows_pages_count(&balloon->node[node]);
	mutex_unlock(&balloon->vmem);

	return size;
}

/*
 * May the kernel move a single page out of its way? The page's lock may be taken
 * under vmem, because whoever comes the other way round only tries vmem.
 */
static void bellows_balloon_set_movable(struct page *page, bool movable)
{
	lock_page(page);
	if (movable)
		bellows_page_set_movable(page, &bellows_movable_ops);
	else
		bellows_page_clear_movable(page);
	unlock_page(page);
}

/* Books pages in (positive) or out. */
static void bellows_balloon_account(struct bellows_balloon *balloon,
				    struct page *page, long blocks,
				    long singles)
{
	long pages = blocks * BELLOWS_BLOCK_PAGES + singles;

	lockdep_assert_held(&balloon->vmem);

	WRITE_ONCE(balloon->size_pages, balloon->size_pages + pages);
	WRITE_ONCE(balloon->nr_blocks, balloon->nr_blocks + blocks);
	WRITE_ONCE(balloon->nr_singles, balloon->nr_singles + singles);
	if (!balloon->shows)
		adjust_managed_page_count(page, -pages);
}

/**
 * bellows_balloon_add() - take up what the host has taken
 * @balloon: the pool
 * @page: the page, or the first page of a block
 * @block: is it a block?
 * @devices: was it the virtio device that took it?
 * @from: the set that holds it so far
 *
 * Context: vmem is held.
 */
void bellows_balloon_add(struct bellows_balloon *balloon, struct page *page,
			 bool block, bool devices, struct bellows_pages *from)
{
	set_page_private(page, devices ? BELLOWS_PAGE_DEVICES : 0);
	bellows_pages_move(page, block, from,
			   &balloon->node[page_to_nid(page)]);
	if (!block)
		bellows_balloon_set_movable(page, true);
	bellows_balloon_account(balloon, page, block, !block);
	bellows_count(BELLOWS_INFLATED_PAGES, block ? BELLOWS_BLOCK_PAGES : 1);
#ifdef CONFIG_MEMORY_BALLOON
	/* In /proc/vmstat, as for the stock driver. */
	count_vm_events(BALLOON_INFLATE, block ? BELLOWS_BLOCK_PAGES : 1);
#endif
}

/* A block becomes single pages, each of which is held already. */
static void bellows_balloon_break_block(struct bellows_balloon *balloon,
					struct bellows_pages *pool)
{
	struct page *block = list_first_entry(&pool->blocks, struct page, lru);
	int i;

	list_del(&block->lru);
	pool->nr_blocks--;
	for (i = 0; i < BELLOWS_BLOCK_PAGES; i++) {
		set_page_private(block + i, page_private(block));
		bellows_balloon_set_movable(block + i, true);
		list_add_tail(&block[i].lru, &pool->singles);
	}
	pool->nr_singles += BELLOWS_BLOCK_PAGES;

	WRITE_ONCE(balloon->nr_blocks, balloon->nr_blocks - 1);
	WRITE_ONCE(balloon->nr_singles,
		   balloon->nr_singles + BELLOWS_BLOCK_PAGES);
}

/*
 * Moves up to @wanted pages of one node to @leaving: single pages first, for
 * they keep whole blocks from forming around them; then whole blocks; then part
 * of one.
 */
static void bellows_balloon_collect(struct bellows_balloon *balloon,
				    struct bellows_pages *leaving,
				    unsigned long wanted, int node)
{
	struct bellows_pages *pool = &balloon->node[node];
	struct page *page;
	bool block;

	lockdep_assert_held(&balloon->vmem);

	while (wanted && bellows_pages_count(pool)) {
		block = pool->nr_singles == 0;
		if (block && wanted < BELLOWS_BLOCK_PAGES) {
			bellows_balloon_break_block(balloon, pool);
			block = false;
		}
		page = list_first_entry(block ? &pool->blocks : &pool->singles,
					struct page, lru);
		if (!block)
			bellows_balloon_set_movable(page, false);
		bellows_pages_move(page, block, pool, leaving);
		bellows_balloon_account(balloon, page, -(long)block,
					-(long)!block);
		wanted -= block ? BELLOWS_BLOCK_PAGES : 1;
	}
}

/* Gives what has left the pool to the kernel. */
static unsigned long bellows_balloon_let_go(struct bellows_pages *leaving)
{
	unsigned long pages = bellows_pages_count(leaving);

	bellows_count(BELLOWS_DEFLATED_PAGES, pages);
#ifdef CONFIG_MEMORY_BALLOON
	count_vm_events(BALLOON_DEFLATE, pages);
#endif
	bellows_blocks_give_back(leaving);

	return pages;
}

/* The device hears of what has left the pool before anybody can use it. */
static void bellows_balloon_take_back(struct bellows_balloon *balloon,
				      const struct bellows_pages *leaving)
{
	lockdep_assert_held(&balloon->vmem);

	if (balloon->device)
		bellows_virtio_take_back(balloon->device, leaving);
}

/**
 * bellows_balloon_deflate() - give memory back to the kernel
 * @balloon: the pool
 * @wanted: pages; the host must have agreed to them
 * @node: from this node first, then from any; NUMA_NO_NODE for any
 *
 * Context: May sleep, takes vmem.
 * Return: pages given back, fewer than @wanted when there were no more.
 */
unsigned long bellows_balloon_deflate(struct bellows_balloon *balloon,
				      unsigned long wanted, int node)
{
	struct bellows_pages leaving;
	int nid;

	bellows_pages_init(&leaving);

	mutex_lock(&balloon->vmem);
	if (node != NUMA_NO_NODE)
		bellows_balloon_collect(balloon, &leaving, wanted, node);
	for (nid = 0; nid < nr_node_ids; nid++)
		bellows_balloon_collect(balloon, &leaving,
					wanted - bellows_pages_count(&leaving),
					nid);
	bellows_balloon_take_back(balloon, &leaving);
	mutex_unlock(&balloon->vmem);

	return bellows_balloon_let_go(&leaving);
}

/**
 * struct bellows_match - which pages are meant
 * @devices: only those that the virtio device has
 * @start_pfn: the first page
 * @end_pfn: behind the last
 */
struct bellows_match {
	bool devices;
	unsigned long start_pfn;
	unsigned long end_pfn;
};

static bool bellows_matches(const struct bellows_match *match,
			    const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	return pfn >= match->start_pfn && pfn < match->end_pfn &&
	       (!match->devices || bellows_page_is_devices(page));
}

/* Moves those of a node's blocks, or single pages, that match to @leaving. */
static void bellows_balloon_collect_some(struct bellows_balloon *balloon,
					 struct bellows_pages *leaving,
					 struct bellows_pages *pool, bool block,
					 const struct bellows_match *match)
{
	struct list_head *pages = block ? &pool->blocks : &pool->singles;
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		if (!bellows_matches(match, page))
			continue;
		if (!block)
			bellows_balloon_set_movable(page, false);
		bellows_pages_move(page, block, pool, leaving);
		bellows_balloon_account(balloon, page, -(long)block,
					-(long)!block);
	}
}

static unsigned long bellows_balloon_let_go_of(struct bellows_balloon *balloon,
					       const struct bellows_match *match)
{
	struct bellows_pages leaving, *pool;
	int nid;

	bellows_pages_init(&leaving);

	mutex_lock(&balloon->vmem);
	bellows_balloon_settle(balloon);
	for (nid = 0; nid < nr_node_ids; nid++) {
		pool = &balloon->node[nid];
		bellows_balloon_collect_some(balloon, &leaving, pool, true,
					     match);
		bellows_balloon_collect_some(balloon, &leaving, pool, false,
					     match);
	}
	bellows_balloon_take_back(balloon, &leaving);
	balloon->settles = false;
	mutex_unlock(&balloon->vmem);

	return bellows_balloon_let_go(&leaving);
}

/**
 * bellows_balloon_recall() - give the kernel all that the virtio device has
 * @balloon: the pool; the device still answers, or is gone for good
 *
 * Context: May sleep, takes vmem.
 * Return: pages given back.
 */
unsigned long bellows_balloon_recall(struct bellows_balloon *balloon)
{
	const struct bellows_match match = {
		.devices = true,
		.end_pfn = ULONG_MAX,
	};

	return bellows_balloon_let_go_of(balloon, &match);
}

/**
 * bellows_balloon_vacate() - give the kernel all that lies in a range
 * @balloon: the pool
 * @start_pfn: first page of the range, on the boundary of a block
 * @nr: pages, a multiple of a block's. The host must have agreed to them.
 *
 * Context: May sleep, takes vmem.
 * Return: pages given back.
 */
unsigned long bellows_balloon_vacate(struct bellows_balloon *balloon,
				     unsigned long start_pfn, unsigned long nr)
{
	const struct bellows_match match = {
		.start_pfn = start_pfn,
		.end_pfn = start_pfn + nr,
	};

	return bellows_balloon_let_go_of(balloon, &match);
}

/**
 * bellows_balloon_range_size() - how much of a range is held?
 * @balloon: the pool
 * @start_pfn: first page of the range, on the boundary of a block
 * @nr: pages, a multiple of a block's
 *
 * Context: May sleep, takes vmem.
 * Return: pages.
 */
unsigned long bellows_balloon_range_size(struct bellows_balloon *balloon,
					 unsigned long start_pfn,
					 unsigned long nr)
{
	const struct bellows_match match = {
		.start_pfn = start_pfn,
		.end_pfn = start_pfn + nr,
	};
	unsigned long size = 0;
	struct page *page;
	int nid;

	mutex_lock(&balloon->vmem);
	bellows_balloon_settle(balloon);
	for (nid = 0; nid < nr_node_ids; nid++) {
		list_for_each_entry(page, &balloon->node[nid].blocks, lru)
			if (bellows_matches(&match, page))
				size += BELLOWS_BLOCK_PAGES;
		list_for_each_entry(page, &balloon->node[nid].singles, lru)
			size += bellows_matches(&match, page);
	}
	balloon->settles = false;
	mutex_unlock(&balloon->vmem);

	return size;
}

/**
 * bellows_balloon_disown() - the virtio device has nothing of ours any more
 * @balloon: the pool; what the device had stays in it
 *
 * Context: vmem is held.
 */
void bellows_balloon_disown(struct bellows_balloon *balloon)
{
	struct page *page;
	int nid;

	bellows_balloon_settle(balloon);
	for (nid = 0; nid < nr_node_ids; nid++) {
		list_for_each_entry(page, &balloon->node[nid].blocks, lru)
			set_page_private(page, 0);
		list_for_each_entry(page, &balloon->node[nid].singles, lru)
			set_page_private(page, 0);
	}
	balloon->settles = false;
}

/**
 * bellows_balloon_show() - does MemTotal show what the balloon holds?
 * @balloon: the pool
 * @shows: whether it shall
 *
 * Context: vmem is held.
 */
void bellows_balloon_show(struct bellows_balloon *balloon, bool shows)
{
	struct page *page;
	long sign;
	int nid;

	lockdep_assert_held(&balloon->vmem);

	if (balloon->shows == shows)
		return;

	bellows_balloon_settle(balloon);
	sign = shows ? 1 : -1;
	for (nid = 0; nid < nr_node_ids; nid++) {
		list_for_each_entry(page, &balloon->node[nid].blocks, lru)
			adjust_managed_page_count(page,
						  sign * BELLOWS_BLOCK_PAGES);
		list_for_each_entry(page, &balloon->node[nid].singles, lru)
			adjust_managed_page_count(page, sign);
	}
	WRITE_ONCE(balloon->shows, shows);
	balloon->settles = false;
}

/**
 * bellows_balloon_isolate() - let the kernel have a single page, to move it
 * @balloon: the pool
 * @page: movable, locked
 *
 * Context: Any task, in an allocation. Waits for nothing.
 * Return: false when it has to stay for now.
 */
bool bellows_balloon_isolate(struct bellows_balloon *balloon, struct page *page)
{
	bool isolates;

	if (!mutex_trylock(&balloon->vmem))
		return false;

	isolates = !balloon->settles;
	if (isolates) {
		list_del(&page->lru);
		balloon->node[page_to_nid(page)].nr_singles--;
		balloon->nr_isolated++;
	}
	mutex_unlock(&balloon->vmem);

	return isolates;
}

static void bellows_balloon_return(struct bellows_balloon *balloon,
				   struct page *page)
{
	struct bellows_pages *pool = &balloon->node[page_to_nid(page)];

	lockdep_assert_held(&balloon->vmem);

	list_add_tail(&page->lru, &pool->singles);
	pool->nr_singles++;
	balloon->nr_isolated--;
}

/**
 * bellows_balloon_putback() - take a page back that was not moved after all
 * @balloon: the pool
 * @page: isolated, locked
 *
 * Context: Any task, in an allocation. May sleep, takes vmem: nobody holds that
 * and waits for memory or for an isolated page.
 */
void bellows_balloon_putback(struct bellows_balloon *balloon, struct page *page)
{
	mutex_lock(&balloon->vmem);
	bellows_balloon_return(balloon, page);
	mutex_unlock(&balloon->vmem);
}

/**
 * bellows_balloon_exchange() - hold one page instead of another
 * @balloon: the pool
 * @to: the new page, locked, which the host has taken
 * @from: the old one, isolated and locked. The caller drops the pool's reference.
 * @devices: was it the virtio device that took @to?
 *
 * Context: vmem is held.
 */
void bellows_balloon_exchange(struct bellows_balloon *balloon, struct page *to,
			      struct page *from, bool devices)
{
	get_page(to);
	__SetPageOffline(to);
	bellows_page_set_movable(to, &bellows_movable_ops);
	set_page_private(to, devices ? BELLOWS_PAGE_DEVICES : 0);
	bellows_balloon_return(balloon, to);
	if (!balloon->shows && page_zone(to) != page_zone(from)) {
		adjust_managed_page_count(to, -1);
		adjust_managed_page_count(from, 1);
	}

	bellows_page_clear_movable(from);
	set_page_private(from, 0);
	__ClearPageOffline(from);
#ifdef CONFIG_BALLOON_COMPACTION
	count_vm_event(BALLOON_MIGRATE);
#endif
	bellows_count(BELLOWS_MOVED_PAGES, 1);
}
