/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Single pages of the balloon get out of the way.
 */
#ifndef _BELLOWS_GUEST_MOVABLE_H
#define _BELLOWS_GUEST_MOVABLE_H

struct bellows_control;
struct movable_operations;

/* For pages that are in the balloon. */
extern const struct movable_operations bellows_movable_ops;

void bellows_movable_init(struct bellows_control *control);

#endif /* _BELLOWS_GUEST_MOVABLE_H */
