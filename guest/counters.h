/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of what the guest module did, for the operator and for tests.
 */
#ifndef _BELLOWS_GUEST_COUNTERS_H
#define _BELLOWS_GUEST_COUNTERS_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * enum bellows_counter - what is counted since the module was loaded
 *
 * @BELLOWS_INFLATED_PAGES: Pages that the host took.
 * @BELLOWS_DEFLATED_PAGES: Pages that went from the balloon to the kernel.
 * @BELLOWS_RELEASED_RANGES: Ranges that RELEASE did.
 * @BELLOWS_REFUSED_RANGES: Ranges that RELEASE refused.
 * @BELLOWS_LAST_REFUSAL: Not a count: the last enum bellows_refusal seen.
 * @BELLOWS_HYPERCALLS: All hypercalls made.
 * @BELLOWS_HELLO_CALLS: HELLO calls made.
 * @BELLOWS_RELEASE_CALLS: RELEASE calls made.
 * @BELLOWS_REPORT_CALLS: REPORT calls made.
 * @BELLOWS_GRANT_CALLS: GRANT calls made.
 * @BELLOWS_GRANTED_PAGES: Pages that GRANT allowed us to take back.
 * @BELLOWS_PING_CALLS: PING calls made.
 * @BELLOWS_DOORBELLS: Times the host rang.
 * @BELLOWS_ISOLATED_BLOCKS: Blocks taken off the free lists as they were.
 * @BELLOWS_ALLOCATED_BLOCKS: Blocks that came from the page allocator.
 * @BELLOWS_ALLOCATED_PAGES: Single pages that came from the page allocator.
 * @BELLOWS_SHORT_EVENTS: Inflations that ended before the target.
 * @BELLOWS_RELIEFS: Times the guest lacked memory and took some back.
 * @BELLOWS_REPORTED_PAGES: Free pages that the host, or the VMM, was told of.
 * @BELLOWS_HINTED_PAGES: Free pages that a VMM was told not to migrate.
 * @BELLOWS_MOVED_PAGES: Single pages exchanged for others, for the kernel's sake.
 * @BELLOWS_SWEEPS: Sweeps over all pages, to see which are used.
 * @BELLOWS_SWEEP_NS: CPU time that they took.
 * @BELLOWS_TLB_FLUSHES: Flushes of all TLBs, one for each sweep.
 * @BELLOWS_EVICTED_PAGES: Pages that were evicted by our choice.
 * @BELLOWS_EVICTED_HUGE: Large folios (huge pages too) among the victims; they go
 *	as a whole.
 * @BELLOWS_MIGRATED_PAGES: Pages that were moved to empty a block.
 * @BELLOWS_MIGRATED_HUGE: Large folios among them that were moved as a whole.
 * @BELLOWS_SPLIT_HUGE: Large folios that were split to be moved, no place for
 *	the whole being free.
 * @BELLOWS_MADE_BLOCKS: Blocks that were emptied and taken.
 * @BELLOWS_SPOILED_BLOCKS: Times that a block could not be emptied after all.
 * @BELLOWS_NOT_PAYING: Times that evicting was stopped for bringing too little.
 * @BELLOWS_LEFT_TO_KERNEL: Times that the kernel was left to choose, the history
 *	having found nothing (more).
 * @BELLOWS_STRAINS: Looks in which the guest missed what its balloon holds, and
 *	had that reported at once.
 * @BELLOWS_NR_COUNTERS: How many there are.
 */
enum bellows_counter {
	BELLOWS_INFLATED_PAGES,
	BELLOWS_DEFLATED_PAGES,
	BELLOWS_RELEASED_RANGES,
	BELLOWS_REFUSED_RANGES,
	BELLOWS_LAST_REFUSAL,
	BELLOWS_HYPERCALLS,
	BELLOWS_HELLO_CALLS,
	BELLOWS_RELEASE_CALLS,
	BELLOWS_REPORT_CALLS,
	BELLOWS_GRANT_CALLS,
	BELLOWS_GRANTED_PAGES,
	BELLOWS_PING_CALLS,
	BELLOWS_DOORBELLS,
	BELLOWS_ISOLATED_BLOCKS,
	BELLOWS_ALLOCATED_BLOCKS,
	BELLOWS_ALLOCATED_PAGES,
	BELLOWS_SHORT_EVENTS,
	BELLOWS_RELIEFS,
	BELLOWS_REPORTED_PAGES,
	BELLOWS_HINTED_PAGES,
	BELLOWS_MOVED_PAGES,
	BELLOWS_SWEEPS,
	BELLOWS_SWEEP_NS,
	BELLOWS_TLB_FLUSHES,
	BELLOWS_EVICTED_PAGES,
	BELLOWS_EVICTED_HUGE,
	BELLOWS_MIGRATED_PAGES,
	BELLOWS_MIGRATED_HUGE,
	BELLOWS_SPLIT_HUGE,
	BELLOWS_MADE_BLOCKS,
	BELLOWS_SPOILED_BLOCKS,
	BELLOWS_NOT_PAYING,
	BELLOWS_LEFT_TO_KERNEL,
	BELLOWS_STRAINS,
	BELLOWS_NR_COUNTERS,
};

extern atomic64_t bellows_counters[BELLOWS_NR_COUNTERS];

/**
 * bellows_count() - add to a counter
 * @counter: which one
 * @number: how much
 *
 * Context: Any, interrupts too.
 */
static inline void bellows_count(enum bellows_counter counter, u64 number)
{
	atomic64_add(number, &bellows_counters[counter]);
}

#endif /* _BELLOWS_GUEST_COUNTERS_H */
