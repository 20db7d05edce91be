/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Evicts pages that somebody else has chosen.
 */
#ifndef _BELLOWS_GUEST_RECLAIM_H
#define _BELLOWS_GUEST_RECLAIM_H

#include <linux/list.h>
#include <linux/types.h>

struct folio;

bool bellows_reclaim_init(void);
struct folio *bellows_reclaim_get(unsigned long pfn);
bool bellows_reclaim_isolate(struct folio *folio, struct list_head *list);
void bellows_reclaim_settle(void);
unsigned long bellows_reclaim_list(struct list_head *list);
unsigned long bellows_reclaim_cold(unsigned long start, unsigned long wanted);

#endif /* _BELLOWS_GUEST_RECLAIM_H */
