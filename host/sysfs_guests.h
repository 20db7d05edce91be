/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the host's sysfs know of each other. */
#ifndef _BELLOWS_HOST_SYSFS_GUESTS_H
#define _BELLOWS_HOST_SYSFS_GUESTS_H

#include <linux/types.h>

struct attribute_group;
struct bellows_vmem;
struct kobject;

extern const struct attribute_group bellows_sysfs_settings_group;
extern const struct attribute_group bellows_sysfs_policy_group;

int bellows_parse_size(const char *text, u64 whole_pages, u64 *pages);
struct bellows_vmem *bellows_sysfs_vmem(struct kobject *kobject);
int bellows_sysfs_guests_init(struct kobject *parent);
void bellows_sysfs_guests_exit(void);

#endif /* _BELLOWS_HOST_SYSFS_GUESTS_H */
