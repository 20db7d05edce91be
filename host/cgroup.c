// SPDX-License-Identifier: GPL-2.0
/*
 * Looks at the memory cgroups of the host that a VM is in: a VM that reaches the
 * limit of one is throttled or killed, however much the host has.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "cgroup.h"
#include "hostmem.h"
#include "policy_cgroup.h"

/*
 * Idle page cache by cgroup: VMs below one limit would each go through all of
 * the others. Protected by bellows_hostmem_lock.
 */
static struct policy_cgroup_sums bellows_cgroup_caches;

/* One cgroup's idle page cache on one node, in pages. */
static u64 bellows_cgroup_idle(const struct mem_cgroup_per_node *lists)
{
	const unsigned long *sizes;
	unsigned int zone;
	u64 pages = 0;

	for (zone = 0; zone < MAX_NR_ZONES; zone++) {
		sizes = lists->lru_zone_size[zone];
		pages += READ_ONCE(sizes[LRU_INACTIVE_FILE]);
	}

	return pages;
}

/*
 * Idle page cache charged to a cgroup or to one below it, in pages, as it is or
 * was a moment ago. The lengths of the lists, because lruvec_page_state() is no
 * function for modules; each is read without the lock that it changes under.
 */
static u64 bellows_cgroup_cache_pages(struct mem_cgroup *top)
{
	/* Unlike its address, that number is never another one's later. */
	u64 id = top->css.serial_nr, now = ktime_get_ns(), pages = 0;
	struct cgroup_subsys_state *css;
	struct mem_cgroup *memcg;
	unsigned int nr = 0;
	int node;

	lockdep_assert_held(&bellows_hostmem_lock);

	if (policy_cgroup_recall(&bellows_cgroup_caches, id, now, &pages))
		return pages;

	rcu_read_lock();
	css_for_each_descendant_pre(css, &top->css) {
		nr++;
		memcg = mem_cgroup_from_css(css);
		for_each_node_state(node, N_MEMORY)
			pages += bellows_cgroup_idle(memcg->nodeinfo[node]);
	}
	rcu_read_unlock();
	policy_cgroup_keep_sum(&bellows_cgroup_caches, id, now, nr, pages);

	return pages;
}

/**
 * bellows_cgroups_look() - the cgroups with a limit that a VM is in
 * @mm: of its VMM; the process may have gone
 * @cgroups: filled in, from the VM's own upwards
 * @most: room in it; levels beyond are left out
 *
 * Context: bellows_hostmem_lock held; takes no lock. Goes through the cgroups
 * below each with a limit, unless that was done a moment ago.
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
		cgroups[nr].cache_pages = bellows_cgroup_cache_pages(memcg);
		nr++;
	}
	mem_cgroup_put(own);
	return nr;
}
