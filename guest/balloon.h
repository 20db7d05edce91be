/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool of memory that the host has.
 */
#ifndef _BELLOWS_GUEST_BALLOON_H
#define _BELLOWS_GUEST_BALLOON_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "blocks.h"

struct bellows_virtio;

/**
 * struct bellows_balloon - the pool
 * @node: what is held of each NUMA node, by node number, nr_node_ids of them.
 *	Protected by @vmem.
 * @size_pages: all that is held. Written under @vmem, read anywhere with
 *	READ_ONCE().
 * @nr_blocks: of it, blocks. As @size_pages.
 * @nr_singles: of it, single pages. As @size_pages.
 * @nr_isolated: single pages that the kernel is about to move; they are held, and
 *	in none of the lists. Protected by @vmem.
 * @settles: no page may be isolated any more, for the moment. Protected by @vmem.
 * @device: the virtio device, NULL when there is none. Protected by @vmem.
 * @shows: what is held stays part of the guest's MemTotal, as memory that can be
 *	had back when it is needed. As @size_pages.
 */
struct bellows_balloon {
	/**
	 * @vmem: guards the pool. Comes after the host's hostmem lock in the
	 * global lock order, so no hypercall that may take hostmem is made
	 * under it. Taken before any lock of the page allocator.
	 */
	struct mutex vmem;
	struct bellows_pages *node;
	unsigned long size_pages;
	unsigned long nr_blocks;
	unsigned long nr_singles;
	unsigned long nr_isolated;
	bool settles;
	struct bellows_virtio *device;
	bool shows;
};

/**
 * bellows_balloon_size() - how much does the host have?
 * @balloon: the pool
 *
 * Context: Any.
 * Return: pages; may be old news already unless the caller is the worker.
 */
static inline unsigned long
bellows_balloon_size(const struct bellows_balloon *balloon)
{
	return READ_ONCE(balloon->size_pages);
}

/**
 * bellows_balloon_hidden() - how much of what is held does MemTotal leave out?
 * @balloon: the pool
 *
 * Context: Any.
 * Return: pages.
 */
static inline unsigned long
bellows_balloon_hidden(const struct bellows_balloon *balloon)
{
	return READ_ONCE(balloon->shows) ? 0 : bellows_balloon_size(balloon);
}

int bellows_balloon_init(struct bellows_balloon *balloon);
void bellows_balloon_exit(struct bellows_balloon *balloon);
unsigned long bellows_balloon_total(const struct bellows_balloon *balloon);
unsigned long bellows_balloon_node_size(struct bellows_balloon *balloon,
					int node);
void bellows_balloon_add(struct bellows_balloon *balloon, struct page *page,
			 bool block, bool devices, struct bellows_pages *from);
unsigned long bellows_balloon_deflate(struct bellows_balloon *balloon,
				      unsigned long wanted, int node);
unsigned long bellows_balloon_recall(struct bellows_balloon *balloon);
unsigned long bellows_balloon_vacate(struct bellows_balloon *balloon,
				     unsigned long start_pfn, unsigned long nr);
unsigned long bellows_balloon_range_size(struct bellows_balloon *balloon,
					 unsigned long start_pfn,
					 unsigned long nr);
bool bellows_balloon_isolate(struct bellows_balloon *balloon,
			     struct page *page);
void bellows_balloon_putback(struct bellows_balloon *balloon,
			     struct page *page);
void bellows_balloon_exchange(struct bellows_balloon *balloon, struct page *to,
			      struct page *from, bool devices);
void bellows_balloon_disown(struct bellows_balloon *balloon);
void bellows_balloon_show(struct bellows_balloon *balloon, bool shows);

#endif /* _BELLOWS_GUEST_BALLOON_H */
