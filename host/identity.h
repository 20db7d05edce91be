/* SPDX-License-Identifier: GPL-2.0 */
/* Who a VM is: what its VMM's command line says. */
#ifndef _BELLOWS_HOST_IDENTITY_H
#define _BELLOWS_HOST_IDENTITY_H

#include <linux/types.h>

#define BELLOWS_NAME_MAX	64
#define BELLOWS_UUID_MAX	37

/**
 * struct bellows_identity - who a VM is
 * @pid: process of the VMM, in the initial PID namespace
 * @name: of the VM (QEMU's -name), or of the process
 * @uuid: of the VM (QEMU's -uuid), empty when it has none
 *
 * For people and for log lines. The VMM says it of itself, so nothing is
 * decided by it.
 */
struct bellows_identity {
	pid_t pid;
	char name[BELLOWS_NAME_MAX];
	char uuid[BELLOWS_UUID_MAX];
};

void bellows_identity_read(struct bellows_identity *identity);

#endif /* _BELLOWS_HOST_IDENTITY_H */
