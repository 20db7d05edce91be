/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest tells the host about itself.
 */
#ifndef _BELLOWS_GUEST_STATS_H
#define _BELLOWS_GUEST_STATS_H

#include <linux/types.h>

#include <bellows/abi.h>

struct bellows_balloon;

/**
 * struct bellows_misses - signs that the guest lacks memory, since boot
 * @pages: pages that had been dropped and were read again, from file or swap
 * @stall_ns: sum over the CPUs of the time in which a task there waited for
 *	memory
 * @worst_ns: the same for the CPU that had most of it between two looks, whichever
 *	that was
 * @own_ns: time in which it was the balloon that waited, on any CPU
 */
struct bellows_misses {
	u64 pages;
	u64 stall_ns;
	u64 worst_ns;
	u64 own_ns;
};

void bellows_stats_init(void);
void bellows_stats_misses(struct bellows_misses *misses);
void bellows_stats_fill(struct bellows_guest_half *report,
			struct bellows_balloon *balloon);

#endif /* _BELLOWS_GUEST_STATS_H */
