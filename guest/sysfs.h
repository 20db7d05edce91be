/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/bellows_guest
 */
#ifndef _BELLOWS_GUEST_SYSFS_H
#define _BELLOWS_GUEST_SYSFS_H

struct attribute_group;
struct bellows_control;

/* Of sysfs_esc.c. */
extern const struct attribute_group bellows_esc_group;

int bellows_sysfs_init(struct bellows_control *control);
void bellows_sysfs_exit(void);

#endif /* _BELLOWS_GUEST_SYSFS_H */
