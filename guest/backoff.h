/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A target that the guest cannot bear: how long until it is tried again?
 *
 * Pure: times in, verdicts out, so that it runs in user space too (include
 * tests/unit/kernel_shim.h first there). Whoever calls it sees to it that two do
 * not at a time.
 */
#ifndef _BELLOWS_GUEST_BACKOFF_H
#define _BELLOWS_GUEST_BACKOFF_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

/* After the first relief, and between the later ones of one distress; */
#define BELLOWS_BACKOFF_FIRST_MS	10000
/* and at most, however often the target has proved too much. */
#define BELLOWS_BACKOFF_MOST_MS		320000
/* Borne for so many times the last wait, a target is no longer too much. */
#define BELLOWS_BACKOFF_FORGIVEN	2

/**
 * struct bellows_backoff - what is remembered of reliefs
 * @relieved_ms: when the last one was; nothing else counts while @wait_ms is 0
 * @tried_ms: when the first inflation after it began
 * @wait_ms: from the relief until an inflation; 0 when there was no relief
 * @tried: there was such an inflation
 */
struct bellows_backoff {
	u64 relieved_ms;
	u64 tried_ms;
	u32 wait_ms;
	bool tried;
};

void bellows_backoff_relieved(struct bellows_backoff *backoff, u64 now_ms);
void bellows_backoff_tried(struct bellows_backoff *backoff, u64 now_ms);
void bellows_backoff_forgive(struct bellows_backoff *backoff);
bool bellows_backoff_waits(const struct bellows_backoff *backoff, u64 now_ms,
			   u32 most_ms);

#endif /* _BELLOWS_GUEST_BACKOFF_H */
