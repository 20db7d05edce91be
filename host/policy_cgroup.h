/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM in memory cgroups of the host: which of them is short, and how much of
 * that is the VM's to mend. Pure, as policy.h.
 */
#ifndef _BELLOWS_POLICY_CGROUP_H
#define _BELLOWS_POLICY_CGROUP_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include "policy.h"

/* Levels of a hierarchy that have a limit; others are not looked at. */
#define POLICY_CGROUPS_MAX 8

/**
 * struct policy_cgroup - one memory cgroup with a limit
 * @limit_pages: where its members are throttled or killed, whichever is first
 * @usage_pages: what is charged to it
 * @cache_pages: of which page cache that nobody used lately, which goes by
 *	itself before it comes to that; a claim of statistics that lag
 */
struct policy_cgroup {
	u64 limit_pages;
	u64 usage_pages;
	u64 cache_pages;
};

/* Sums over cgroups that are kept for a while. */
#define POLICY_CGROUP_SUMS 16

/**
 * struct policy_cgroup_sum - a sum over a cgroup and all below it
 * @id: of the cgroup, 0 for an entry that is not in use
 * @until_ns: when it has to be made anew
 * @pages: the sum
 */
struct policy_cgroup_sum {
	u64 id;
	u64 until_ns;
	u64 pages;
};

/**
 * struct policy_cgroup_sums - sums that were made lately
 * @sum: in no order
 *
 * All zero at the start.
 */
struct policy_cgroup_sums {
	struct policy_cgroup_sum sum[POLICY_CGROUP_SUMS];
};

/**
 * policy_cgroup_recall() - look for a sum that was made lately
 * @sums: those that are kept
 * @id: of the cgroup; never that of another one before it
 * @now_ns: a clock that never goes back
 * @pages: (out) the sum, if there is one
 *
 * Context: any; changes nothing in @sums.
 * Return: whether there is one.
 */
bool policy_cgroup_recall(const struct policy_cgroup_sums *sums, u64 id,
			  u64 now_ns, u64 *pages);

/**
 * policy_cgroup_keep_sum() - keep a sum for a while
 * @sums: those that are kept
 * @id: of the cgroup, not 0
 * @now_ns: a clock that never goes back
 * @nr: how many cgroups it is the sum over
 * @pages: the sum
 *
 * It holds for as long as that many are worth: however many VMs are below one
 * cgroup and however often somebody looks, going through it takes no more than a
 * small part of the time. Without room for all, those over many cgroups are kept.
 *
 * Context: any; the caller serialises calls for the same @sums.
 */
void policy_cgroup_keep_sum(struct policy_cgroup_sums *sums, u64 id, u64 now_ns,
			    unsigned int nr, u64 pages);

/**
 * policy_cgroup_apply() - tell the planner of a VM's memory cgroups
 * @cgroups: those with a limit that the VM is in, in any order
 * @nr: how many
 * @margin_permille: part of each that shall be free
 * @guest: its @resident_pages are read, its @cgroup_limit_pages and
 *	@cgroup_usage_pages set
 *
 * Only the one that is nearest to its limit counts. What others in it use is not
 * the VM's to mend: it answers for its own part of the usage, and so do they.
 */
void policy_cgroup_apply(const struct policy_cgroup *cgroups, unsigned int nr,
			 u32 margin_permille, struct policy_guest *guest);

#endif /* _BELLOWS_POLICY_CGROUP_H */
