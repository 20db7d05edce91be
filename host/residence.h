/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds out on which NUMA nodes of the host a guest's memory lies, and what of it is
 * in the host's swap.
 */
#ifndef _BELLOWS_HOST_RESIDENCE_H
#define _BELLOWS_HOST_RESIDENCE_H

#include <linux/types.h>

#include "policy_place.h"

struct bellows_vmem;

/**
 * struct bellows_residence - where a guest's memory lies, as far as is known
 * @map: an entry for each block, see policy_place.h, extent by extent. NULL
 *	before the first look.
 * @blocks: entries of @map
 * @extents: the guest's memory, ascending
 * @nr_extents: how many
 * @at: block at which the look around that is under way goes on; 0 between two
 * @looked_ns: when the last one ended, 0 before the first
 * @turn_ns: when it was this guest's turn last; only the work item
 * @place: the sums of @map
 * @nr_hints: ranges in swap that the guest was told of last
 * @hints_cursor: block from which on it is told next time
 *
 * Protected by the guest's vmem lock.
 */
struct bellows_residence {
	u8 *map;
	u64 blocks;
	struct policy_extent extents[POLICY_EXTENTS_MAX];
	u32 nr_extents;
	u64 at;
	u64 looked_ns;
	u64 turn_ns;
	struct policy_place place;
	u32 nr_hints;
	u64 hints_cursor;
};

/* Nobody looks less often, but for never. */
#define BELLOWS_RESIDENCE_MS_MAX 3600000

/*
 * How often a guest is looked at again, in ms; 0 for never. Protected by
 * bellows_hostmem_lock.
 */
extern u32 bellows_residence_ms;

const struct policy_place *bellows_residence_place(struct bellows_vmem *vmem);
void bellows_residence_released(struct bellows_vmem *vmem, const u64 *ranges,
				u32 nr);
void bellows_residence_free(struct bellows_vmem *vmem);
void bellows_residence_start(void);
void bellows_residence_stop(void);

#endif /* _BELLOWS_HOST_RESIDENCE_H */
