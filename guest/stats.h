/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest tells the host about itself.
 */
#ifndef _BELLOWS_GUEST_STATS_H
#define _BELLOWS_GUEST_STATS_H

#include <bellows/abi.h>

struct bellows_balloon;

void bellows_stats_init(void);
void bellows_stats_fill(struct bellows_guest_half *report,
			struct bellows_balloon *balloon);

#endif /* _BELLOWS_GUEST_STATS_H */
