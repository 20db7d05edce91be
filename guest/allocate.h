/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gets memory from the page allocator, which may reclaim and compact for it.
 */
#ifndef _BELLOWS_GUEST_ALLOCATE_H
#define _BELLOWS_GUEST_ALLOCATE_H

struct bellows_pages;

void bellows_allocate_begin(void);
void bellows_allocate(struct bellows_pages *taken, unsigned long wanted,
		      int node);

#endif /* _BELLOWS_GUEST_ALLOCATE_H */
