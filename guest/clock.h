/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes victims by the clock, and has them evicted in batches.
 */
#ifndef _BELLOWS_GUEST_CLOCK_H
#define _BELLOWS_GUEST_CLOCK_H

#include <linux/types.h>

bool bellows_clock_init(void);
void bellows_clock_exit(void);
void bellows_clock_begin(unsigned int limit);
bool bellows_clock_evict(unsigned long wanted, int node,
			 unsigned int gain_percent);

#endif /* _BELLOWS_GUEST_CLOCK_H */
