/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives memory back to a guest that runs out of it.
 */
#ifndef _BELLOWS_GUEST_RELIEF_H
#define _BELLOWS_GUEST_RELIEF_H

struct bellows_control;

int bellows_relief_init(struct bellows_control *control);
void bellows_relief_exit(void);

#endif /* _BELLOWS_GUEST_RELIEF_H */
