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
