// SPDX-License-Identifier: GPL-2.0
/* Walks through the page tables of a VMM. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>

#include "bellows/ksym.h"
#include "walk.h"

BELLOWS_KSYM(int, walk_page_range, struct mm_struct *mm, unsigned long start,
	     unsigned long end, const struct mm_walk_ops *ops, void *private);

/**
 * bellows_walk_range() - walk_page_range()
 * @mm: address space, with mmap_lock held
 * @start: first byte, page aligned
 * @end: behind the last byte
 * @ops: what to do with each entry
 * @private: for @ops
 *
 * Context: may sleep as far as @ops do.
 * Return: 0, or the first other value that one of @ops returned.
 */
int bellows_walk_range(struct mm_struct *mm, unsigned long start,
		       unsigned long end, const struct mm_walk_ops *ops,
		       void *private)
{
	mmap_assert_locked(mm);

	return bellows_ksym_call(walk_page_range)(mm, start, end, ops, private);
}

/**
 * bellows_walk_init() - find what the walk needs
 *
 * Context: module init; may sleep.
 * Return: 0, or -ENOENT when this kernel does not have it.
 */
int bellows_walk_init(void)
{
	return bellows_ksym_find(walk_page_range) ? 0 : -ENOENT;
}
