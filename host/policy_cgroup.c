// SPDX-License-Identifier: GPL-2.0
/* A VM in memory cgroups of the host; see policy_cgroup.h. */
#include "policy_cgroup.h"
#include "policy_internal.h"

/* From this part in 1024 on the whole cgroup is the VM's. */
#define POLICY_CGROUP_ALL 960
/* One cgroup takes about a hundredth of this to go through. */
#define POLICY_CGROUP_HOLD_NS 20000ULL

bool policy_cgroup_recall(const struct policy_cgroup_sums *sums, u64 id,
			  u64 now_ns, u64 *pages)
{
	const struct policy_cgroup_sum *sum;
	unsigned int i;

	for (i = 0; i < POLICY_CGROUP_SUMS; i++) {
		sum = &sums->sum[i];
		if (sum->id != id || now_ns >= sum->until_ns)
			continue;
		*pages = sum->pages;
		return true;
	}

	return false;
}

void policy_cgroup_keep_sum(struct policy_cgroup_sums *sums, u64 id, u64 now_ns,
			    unsigned int nr, u64 pages)
{
	struct policy_cgroup_sum *slot = &sums->sum[0];
	u64 until = now_ns + nr * POLICY_CGROUP_HOLD_NS;
	unsigned int i;

	for (i = 0; i < POLICY_CGROUP_SUMS; i++) {
		struct policy_cgroup_sum *sum = &sums->sum[i];

		if (sum->id == id) {
			slot = sum;
			break;
		}
		if (sum->until_ns < slot->until_ns)
			slot = sum;
	}
	if (slot->id != id && slot->until_ns > until)
		return;

	*slot = (struct policy_cgroup_sum){
		.id = id,
		.until_ns = until,
		.pages = pages,
	};
}

static u64 policy_cgroup_used(const struct policy_cgroup *cgroup)
{
	return policy_less(policy_pages(cgroup->usage_pages),
			   policy_pages(cgroup->cache_pages));
}

/* Pages to where it counts as short; below 0 when it is. */
static s64 policy_cgroup_margin(const struct policy_cgroup *cgroup,
				u32 margin_permille)
{
	u64 limit = policy_pages(cgroup->limit_pages);
	u64 keep = policy_scale(limit, min(margin_permille, 1000U), 1000);

	return (s64)(limit - keep) - (s64)policy_cgroup_used(cgroup);
}

void policy_cgroup_apply(const struct policy_cgroup *cgroups, unsigned int nr,
			 u32 margin_permille, struct policy_guest *guest)
{
	const struct policy_cgroup *narrow = NULL;
	s64 margin, least = 0;
	u64 used, part = 1024;
	unsigned int i;

	guest->cgroup_limit_pages = 0;
	guest->cgroup_usage_pages = 0;
	for (i = 0; i < nr; i++) {
		margin = policy_cgroup_margin(&cgroups[i], margin_permille);
		if (narrow && margin >= least)
			continue;
		narrow = &cgroups[i];
		least = margin;
	}
	if (!narrow)
		return;

	used = policy_cgroup_used(narrow);
	if (guest->resident_pages && guest->resident_pages < used)
		part = guest->resident_pages * 1024 / used;
	if (part >= POLICY_CGROUP_ALL)
		part = 1024;

	/* 0 stands for no limit. */
	guest->cgroup_limit_pages =
		max_t(u64, policy_pages(narrow->limit_pages) * part / 1024, 1);
	guest->cgroup_usage_pages = used * part / 1024;
}
