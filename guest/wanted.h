/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes memory from where the host wants it.
 */
#ifndef _BELLOWS_GUEST_WANTED_H
#define _BELLOWS_GUEST_WANTED_H

#include <linux/types.h>

struct bellows_pages;
struct bellows_wish;

/**
 * struct bellows_wanted - how far a list of wanted ranges has been gone through
 * @id: the host's number for the list, 0 before the first
 * @free_range: range in which to look for free blocks next
 * @free_block: block of it
 * @used_range: range in which to empty blocks next
 * @used_block: block of it
 * @done: it has been gone through; nothing more will come of it
 */
struct bellows_wanted {
	u32 id;
	u32 free_range;
	u32 free_block;
	u32 used_range;
	u32 used_block;
	bool done;
};

bool bellows_wanted_begin(struct bellows_wanted *wanted,
			  const struct bellows_wish *wish);
void bellows_wanted_take(struct bellows_wanted *wanted,
			 struct bellows_pages *taken, unsigned long pages,
			 const struct bellows_wish *wish);

#endif /* _BELLOWS_GUEST_WANTED_H */
