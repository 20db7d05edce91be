/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Evicts pages: drops clean ones, writes and drops the others, in batches.
 */
#ifndef _BELLOWS_GUEST_RECLAIM_H
#define _BELLOWS_GUEST_RECLAIM_H

#include <linux/list.h>
#include <linux/types.h>

struct folio;

bool bellows_reclaim_init(void);
void bellows_reclaim_exit(void);
void bellows_reclaim_begin(unsigned int limit);
bool bellows_reclaim_isolate(struct folio *folio, struct list_head *list);
void bellows_reclaim_settle(void);
unsigned long bellows_reclaim_list(struct list_head *list);
unsigned long bellows_reclaim_cold(unsigned long start, unsigned long wanted);
bool bellows_reclaim_victims(unsigned long wanted, int node,
			     unsigned int gain_percent);

#endif /* _BELLOWS_GUEST_RECLAIM_H */
