/* SPDX-License-Identifier: GPL-2.0 */
/* Whether memory that a guest gave really arrived. Pure, as policy.h. */
#ifndef _BELLOWS_POLICY_ARRIVAL_H
#define _BELLOWS_POLICY_ARRIVAL_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

/**
 * struct policy_arrival - what a guest gave, and what came of it
 * @seen_ns: time of the last look, 0 before the first
 * @grown_ns: when the balloon last grew
 * @size_pages: balloon at the last look
 * @resident_pages: resident size then
 * @owed_pages: given lately, and not seen to arrive
 * @given_pages: given in all
 * @arrived_pages: of which arrived
 */
struct policy_arrival {
	u64 seen_ns;
	u64 grown_ns;
	u64 size_pages;
	u64 resident_pages;
	u64 owed_pages;
	u64 given_pages;
	u64 arrived_pages;
};

/**
 * policy_arrival_look() - compare a guest's balloon with what its VM holds
 * @arrival: what is remembered of it
 * @now_ns: a clock that never goes back; not 0
 * @size_pages: its balloon, by the host's account
 * @resident_pages: what the VM holds
 *
 * The VM has to hold less by what its balloon grew, a look later at most unless
 * it grows otherwise at the same time. What did not arrive within a second was
 * not there: never touched, or shared.
 *
 * Return: pages that arrived since the last look.
 */
u64 policy_arrival_look(struct policy_arrival *arrival, u64 now_ns,
			u64 size_pages, u64 resident_pages);

#endif /* _BELLOWS_POLICY_ARRIVAL_H */
