// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of memory that the host has: what is in it, the accounts that the
 * kernel keeps of it, and the way out of it. inflate.c is the way in.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "balloon.h"
#include "blocks.h"
#include "counters.h"
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

/**
 * bellows_balloon_exit() - give everything back to the kernel
 * @balloon: not used any more. The host must have been told.
 *
 * Context: May sleep.
 */
void bellows_balloon_exit(struct bellows_balloon *balloon)
{
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
	bellows_balloon_account(balloon, page, block, !block);
	bellows_count(BELLOWS_INFLATED_PAGES, block ? BELLOWS_BLOCK_PAGES : 1);
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

/* Moves all blocks, or all single pages, that the device has to @leaving. */
static void bellows_balloon_collect_devices(struct bellows_balloon *balloon,
					    struct bellows_pages *leaving,
					    struct bellows_pages *pool,
					    bool block)
{
	struct list_head *pages = block ? &pool->blocks : &pool->singles;
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		if (!bellows_page_is_devices(page))
			continue;
		bellows_pages_move(page, block, pool, leaving);
		bellows_balloon_account(balloon, page, -(long)block,
					-(long)!block);
	}
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
	struct bellows_pages leaving;
	int nid;

	bellows_pages_init(&leaving);

	mutex_lock(&balloon->vmem);
	for (nid = 0; nid < nr_node_ids; nid++) {
		bellows_balloon_collect_devices(balloon, &leaving,
						&balloon->node[nid], true);
		bellows_balloon_collect_devices(balloon, &leaving,
						&balloon->node[nid], false);
	}
	bellows_balloon_take_back(balloon, &leaving);
	mutex_unlock(&balloon->vmem);

	return bellows_balloon_let_go(&leaving);
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

	lockdep_assert_held(&balloon->vmem);

	for (nid = 0; nid < nr_node_ids; nid++) {
		list_for_each_entry(page, &balloon->node[nid].blocks, lru)
			set_page_private(page, 0);
		list_for_each_entry(page, &balloon->node[nid].singles, lru)
			set_page_private(page, 0);
	}
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

	sign = shows ? 1 : -1;
	for (nid = 0; nid < nr_node_ids; nid++) {
		list_for_each_entry(page, &balloon->node[nid].blocks, lru)
			adjust_managed_page_count(page,
						  sign * BELLOWS_BLOCK_PAGES);
		list_for_each_entry(page, &balloon->node[nid].singles, lru)
			adjust_managed_page_count(page, sign);
	}
	WRITE_ONCE(balloon->shows, shows);
}
