/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of the host's sysfs know of each other. */
#ifndef _BELLOWS_HOST_SYSFS_GUESTS_H
#define _BELLOWS_HOST_SYSFS_GUESTS_H

#include <linux/types.h>

struct kobject;

int bellows_parse_size(const char *text, u64 whole_pages, u64 *pages);
int bellows_sysfs_guests_init(struct kobject *parent);
void bellows_sysfs_guests_exit(void);

#endif /* _BELLOWS_HOST_SYSFS_GUESTS_H */
