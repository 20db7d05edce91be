// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at the memory cgroups of the host that a VM is in: a VM that reaches the
 * limit of one is throttled or killed, however much the host has.
 */
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "bellows/compat.h"
#include "cgroup.h"
#include "policy_cgroup.h"

/**
 * bellows_cgroups_look() - the cgroups with a limit that a VM is in
 * @mm: of its VMM; the process may have gone
 * @cgroups: filled in, from the VM's own upwards
 * @most: room in it; levels beyond are left out
 *
 * Context: any; takes no lock. A few atomics for each level.
 * Return: entries filled in, 0 when nothing limits the VM.
 */
unsigned int bellows_cgroups_look(struct mm_struct *mm,
				  struct policy_cgroup *cgroups,
				  unsigned int most)
{
	struct mem_cgroup *own = get_mem_cgroup_from_mm(mm), *memcg;
	unsigned int nr = 0;
	unsigned long limit;

	/* A child holds its parents; the topmost has no limit. */
	for (memcg = own; memcg && nr < most;
	     memcg = parent_mem_cgroup(memcg)) {
		limit = min(READ_ONCE(memcg->memory.max),
			    READ_ONCE(memcg->memory.high));
		if (limit == PAGE_COUNTER_MAX)
			continue;
		cgroups[nr].limit_pages = limit;
		cgroups[nr].usage_pages = page_counter_read(&memcg->memory);
		cgroups[nr].cache_pages = bellows_memcg_cache_pages(memcg);
		nr++;
	}
	mem_cgroup_put(own);
	return nr;
}
