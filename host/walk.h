/* SPDX-License-Identifier: GPL-2.0 */
/* Walks through the page tables of a VMM, which the kernel does not export. */
#ifndef _BELLOWS_HOST_WALK_H
#define _BELLOWS_HOST_WALK_H

struct mm_struct;
struct mm_walk_ops;

int bellows_walk_range(struct mm_struct *mm, unsigned long start,
		       unsigned long end, const struct mm_walk_ops *ops,
		       void *private);
int bellows_walk_init(void);

#endif /* _BELLOWS_HOST_WALK_H */
