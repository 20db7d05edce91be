/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gets whole blocks and single pages from the kernel, and gives them back.
 */
#ifndef _BELLOWS_GUEST_BLOCKS_H
#define _BELLOWS_GUEST_BLOCKS_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/types.h>

#include <bellows/abi.h>

/* What the page allocator calls a block. */
#define BELLOWS_BLOCK_ORDER	9
static_assert(BELLOWS_BLOCK_PAGES == 1 << BELLOWS_BLOCK_ORDER);
/*
 * Pages of what may be taken that are left all the same: down to the last one,
 * any allocation would look like a shortage and undo it all.
 */
#define BELLOWS_ROOM_MARGIN	1024UL

/**
 * struct bellows_pages - memory that is out of the kernel's hands
 * @blocks: whole blocks, linked through the lru field of their first page
 * @singles: single pages, linked through their lru field
 * @nr_blocks: length of @blocks
 * @nr_singles: length of @singles
 *
 * Every 4 KiB page of it, those inside a block too, has a reference count of
 * one and is marked PageOffline: memory offlining sees that somebody holds it,
 * and neither kdump nor hibernation reads it.
 */
struct bellows_pages {
	struct list_head blocks;
	struct list_head singles;
	unsigned long nr_blocks;
	unsigned long nr_singles;
};

/**
 * bellows_pages_init() - nothing yet
 * @pages: filled in
 */
static inline void bellows_pages_init(struct bellows_pages *pages)
{
	INIT_LIST_HEAD(&pages->blocks);
	INIT_LIST_HEAD(&pages->singles);
	pages->nr_blocks = 0;
	pages->nr_singles = 0;
}

/**
 * bellows_pages_count() - how much is it?
 * @pages: the set
 *
 * Return: pages of 4 KiB.
 */
static inline unsigned long bellows_pages_count(const struct bellows_pages *pages)
{
	return pages->nr_blocks * BELLOWS_BLOCK_PAGES + pages->nr_singles;
}

/**
 * bellows_pages_move() - move one block or single page to another set
 * @page: the page, or the first page of the block
 * @block: is it a block?
 * @from: the set that holds it
 * @to: the set that will; it goes last there
 */
static inline void bellows_pages_move(struct page *page, bool block,
				      struct bellows_pages *from,
				      struct bellows_pages *to)
{
	if (block) {
		list_move_tail(&page->lru, &to->blocks);
		from->nr_blocks--;
		to->nr_blocks++;
	} else {
		list_move_tail(&page->lru, &to->singles);
		from->nr_singles--;
		to->nr_singles++;
	}
}

/*
 * What the virtio device was given is marked, on the first page of a block or on
 * the single page: the device has to hear of it when it comes back.
 */
#define BELLOWS_PAGE_DEVICES	1UL

/**
 * bellows_page_is_devices() - does the virtio device have it?
 * @page: a single page, or the first page of a block, that is held
 *
 * Return: true if so; false when the host's kernel has it, or nobody yet.
 */
static inline bool bellows_page_is_devices(const struct page *page)
{
	return page_private(page) == BELLOWS_PAGE_DEVICES;
}

void bellows_blocks_init(void);
bool bellows_blocks_isolates(void);
void bellows_blocks_drain(void);
unsigned long bellows_blocks_room(void);
u64 bellows_blocks_stall_ns(void);
unsigned long bellows_blocks_spare(int node);
int bellows_blocks_type(unsigned long start);
bool bellows_blocks_capture(struct bellows_pages *taken, struct page *block);
void bellows_blocks_take(struct bellows_pages *taken, unsigned long wanted,
			 int node);
void bellows_blocks_take_idle(struct bellows_pages *taken,
			      unsigned long most);
bool bellows_blocks_take_at(struct bellows_pages *taken, unsigned long pfn);
void bellows_blocks_hold(struct bellows_pages *taken, struct page *block);
void bellows_blocks_stalled(u64 ns);
void bellows_blocks_give_back(struct bellows_pages *pages);

#endif /* _BELLOWS_GUEST_BLOCKS_H */
