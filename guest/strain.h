/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sees at once when the guest begins to miss what its balloon holds.
 */
#ifndef _BELLOWS_GUEST_STRAIN_H
#define _BELLOWS_GUEST_STRAIN_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "stats.h"

/**
 * struct bellows_strain - a look every few ms at counters of the kernel's
 * @work: the look
 * @seen: the counters at the last one; @work's own
 * @looked_ns: when that was, in ns since boot; @work's own
 * @suffered_ns: how long tasks have waited for memory without much of a break.
 *	Written by @work, cleared by whoever acts upon it.
 * @found: told of strain
 * @data: for @found
 * @stopped: look no more
 */
struct bellows_strain {
	struct delayed_work work;
	struct bellows_misses seen;
	u64 looked_ns;
	u64 suffered_ns;
	void (*found)(void *data);
	void *data;
	bool stopped;
};

void bellows_strain_init(struct bellows_strain *strain,
			 void (*found)(void *data), void *data);
void bellows_strain_watch(struct bellows_strain *strain);
void bellows_strain_stop(struct bellows_strain *strain);
u64 bellows_strain_suffered(const struct bellows_strain *strain);
void bellows_strain_relieved(struct bellows_strain *strain);

#endif /* _BELLOWS_GUEST_STRAIN_H */
