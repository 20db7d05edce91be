/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who chooses what the guest parts with: its history, or the kernel.
 */
#ifndef _BELLOWS_GUEST_VICTIMS_H
#define _BELLOWS_GUEST_VICTIMS_H

#include <linux/types.h>

struct bellows_pages;

/**
 * enum bellows_policy - who chooses
 *
 * @BELLOWS_POLICY_KERNEL: The kernel's own reclaim and compaction, as with the
 *	stock driver.
 * @BELLOWS_POLICY_ESC: The history. When it finds nothing more that can be
 *	missed, the inflation ends short.
 * @BELLOWS_POLICY_AUTO: The history, and the kernel when that finds no more.
 */
enum bellows_policy {
	BELLOWS_POLICY_KERNEL,
	BELLOWS_POLICY_ESC,
	BELLOWS_POLICY_AUTO,
};

/**
 * struct bellows_victims_settings - knobs, set from sysfs
 * @policy: who chooses (enum bellows_policy)
 * @block_moves_max: pages that may be moved to make one block whole. 0: only
 *	blocks in which nothing is in use; BELLOWS_BLOCK_PAGES: any.
 * @patience_ms: how long an inflation waits for histories before the kernel
 *	chooses, with BELLOWS_POLICY_AUTO and a host that can wait
 * @gain_percent: free pages that have to come of what is evicted
 */
struct bellows_victims_settings {
	unsigned int policy;
	unsigned int block_moves_max;
	unsigned int patience_ms;
	unsigned int gain_percent;
};

extern struct bellows_victims_settings bellows_victims_settings;

void bellows_victims_init(void);
void bellows_victims_exit(void);
bool bellows_victims_set_policy(const char *name);
const char *bellows_victims_policy(void);
void bellows_victims_hear(u32 request);
bool bellows_victims_in_need(void);
bool bellows_victims_unfinished(void);
void bellows_victims_begin(void);
void bellows_victims_end(bool reached);
void bellows_victims_take(struct bellows_pages *taken, unsigned long blocks,
			  int node);
bool bellows_victims_leave_it_to_kernel(void);

#endif /* _BELLOWS_GUEST_VICTIMS_H */
