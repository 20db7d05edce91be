/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One inflation: memory goes from the kernel to the host, batch by batch.
 */
#ifndef _BELLOWS_GUEST_INFLATE_H
#define _BELLOWS_GUEST_INFLATE_H

#include <linux/types.h>

#include "blocks.h"

struct bellows_balloon;
struct bellows_registration;
struct bellows_wanted;
struct bellows_wish;

/**
 * struct bellows_inflation - one inflation, from begin to end
 * @balloon: the pool that grows
 * @registration: the host that takes
 * @refused: what the host would not have. Kept until the end, so that it is not
 *	taken and refused again in the next batch.
 * @nr_refusals: ranges refused
 * @wanted: pages that were wanted at the start
 * @lists: lists of wanted ranges that were begun
 * @blocks: blocks the host took
 * @singles: single pages the host took
 * @refused_pages: pages it refused
 * @started_ns: when it began
 * @devices: this batch goes to the virtio device
 * @hopeless: the host's reason holds for all our memory; do not try soon
 */
struct bellows_inflation {
	struct bellows_balloon *balloon;
	struct bellows_registration *registration;
	struct bellows_pages refused;
	unsigned int nr_refusals;
	unsigned long wanted;
	unsigned int lists;
	unsigned long blocks;
	unsigned long singles;
	unsigned long refused_pages;
	u64 started_ns;
	bool devices;
	bool hopeless;
};

void bellows_inflation_begin(struct bellows_inflation *inflation,
			     struct bellows_balloon *balloon,
			     struct bellows_registration *registration,
			     unsigned long wanted);
unsigned long bellows_inflation_step(struct bellows_inflation *inflation,
				     unsigned long wanted, int node);
unsigned long bellows_inflation_step_wanted(struct bellows_inflation *inflation,
					    unsigned long wanted,
					    struct bellows_wanted *list,
					    const struct bellows_wish *wish);
void bellows_inflation_end(struct bellows_inflation *inflation);

#endif /* _BELLOWS_GUEST_INFLATE_H */
