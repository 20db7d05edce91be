/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/bellows_host; see Documentation/ABI/testing/sysfs-kernel-bellows_host. */
#ifndef _BELLOWS_HOST_SYSFS_H
#define _BELLOWS_HOST_SYSFS_H

#include "vmem.h"

extern const struct bellows_vmem_watcher bellows_sysfs_watcher;

int bellows_sysfs_init(void);
void bellows_sysfs_exit(void);

#endif /* _BELLOWS_HOST_SYSFS_H */
