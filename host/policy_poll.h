/* SPDX-License-Identifier: GPL-2.0 */
/* How soon the agent has to look again. Pure, as policy.h. */
#ifndef _BELLOWS_POLICY_POLL_H
#define _BELLOWS_POLICY_POLL_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include "policy.h"

/**
 * struct policy_trend - how fast something changes
 * @ns: when the running window began, and the one before it
 * @value: what was measured then
 *
 * All zero at the start.
 */
struct policy_trend {
	u64 ns[2];
	u64 value[2];
};

/**
 * policy_trend() - measure how fast something changes
 * @trend: what is remembered of it
 * @now_ns: a clock that never goes back; not 0
 * @value: what it is now
 *
 * Return: change in a second, measured over a quarter to half a second or since
 *	the last look, whichever is longer; 0 while that cannot be told.
 */
s64 policy_trend(struct policy_trend *trend, u64 now_ns, u64 value);

/**
 * policy_poll_ms() - how soon to look again after a plan
 * @settings: knobs of the host
 * @host: as the plan saw it
 * @result: the plan
 * @least: shortest interval in ms: while the host is short, or swaps
 * @most: longest interval in ms: with a quarter of the memory above what shall
 *	be free
 *
 * In between it goes by whatever is nearest to being short: the host or a node
 * of it. When that falls, so that there are four looks on the way down.
 *
 * Return: ms, @least to @most.
 */
u32 policy_poll_ms(const struct policy_settings *settings,
		   const struct policy_host *host,
		   const struct policy_result *result, u32 least, u32 most);

/**
 * policy_poll_guest_ms() - the same for a VM in a memory cgroup
 * @settings: knobs of the host
 * @guest: the guest, with its cgroup
 * @least: shortest interval in ms
 * @most: longest interval in ms
 *
 * Return: ms, @least to @most; @most when it is in none.
 */
u32 policy_poll_guest_ms(const struct policy_settings *settings,
			 const struct policy_guest *guest, u32 least, u32 most);

#endif /* _BELLOWS_POLICY_POLL_H */
