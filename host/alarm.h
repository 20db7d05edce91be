/* SPDX-License-Identifier: GPL-2.0 */
/* Tells the operator that the guests cannot give what the host needs. */
#ifndef _BELLOWS_HOST_ALARM_H
#define _BELLOWS_HOST_ALARM_H

#include <linux/types.h>

struct bellows_identity;

void bellows_alarm_missing(const struct bellows_identity *move,
			   u64 missing_pages, int node);
void bellows_alarm_met(void);
u64 bellows_alarm_missing_pages(void);

#endif /* _BELLOWS_HOST_ALARM_H */
