/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives memory back to a guest that runs out of it.
 */
#ifndef _BELLOWS_GUEST_RELIEF_H
#define _BELLOWS_GUEST_RELIEF_H

#include <linux/types.h>

struct bellows_control;

int bellows_relief_init(struct bellows_control *control);
void bellows_relief_exit(void);
bool bellows_relief_watches(struct bellows_control *control);
bool bellows_relief_due(struct bellows_control *control);

#endif /* _BELLOWS_GUEST_RELIEF_H */
