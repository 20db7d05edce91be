// SPDX-License-Identifier: GPL-2.0
/*
 * The host's own memory, the hostmem lock, and the accounts that all guests
 * share.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/vmstat.h>

#include "hostmem.h"
#include "policy_poll.h"

/* The first lock of the global order; hostmem.h says what it protects. */
DEFINE_MUTEX(bellows_hostmem_lock);
LIST_HEAD(bellows_guests);
struct policy_settings bellows_settings;
atomic64_t bellows_counters[BELLOWS_COUNTER_COUNT];
atomic64_t bellows_released_pages = ATOMIC64_INIT(0);
atomic_t bellows_pinned_pages = ATOMIC_INIT(0);
atomic_t bellows_guest_objects = ATOMIC_INIT(0);

/**
 * bellows_node_free_pages() - free memory of a NUMA node
 * @node: online node
 *
 * Context: any.
 * Return: pages on its free lists, those above the high watermark and below.
 */
u64 bellows_node_free_pages(int node)
{
	struct zone *zones = NODE_DATA(node)->node_zones;
	u64 pages = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_page_state(&zones[i], NR_FREE_PAGES);
	return pages;
}

/**
 * bellows_node_total_pages() - memory of a NUMA node
 * @node: online node
 *
 * Context: any.
 * Return: pages that its kernel's allocator manages.
 */
u64 bellows_node_total_pages(int node)
{
	struct zone *zones = NODE_DATA(node)->node_zones;
	u64 pages = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		pages += zone_managed_pages(&zones[i]);
	return pages;
}

/* Memory that was granted is counted as gone for so long, or until it is. */
#define PROMISE_NS NSEC_PER_SEC

/*
 * What is remembered between samples. Protected by bellows_hostmem_lock.
 *
 * @promised_pages: granted a moment ago; melts away within PROMISE_NS
 * @promised_ns: when @promised_pages was last brought up to date
 * @free: how fast free memory changes
 * @node_free: the same for each node
 * @swapped: how fast the host swaps
 * @swapping_pages: what came of that last; read without the lock
 */
static struct {
	u64 promised_pages;
	u64 promised_ns;
	struct policy_trend free;
	struct policy_trend node_free[POLICY_NODES_MAX];
	struct policy_trend swapped;
	u64 swapping_pages;
} memory;

static u64 promised_pages(u64 now)
{
	u64 passed = now - memory.promised_ns;

	if (passed >= PROMISE_NS)
		memory.promised_pages = 0;
	else
		memory.promised_pages -= mul_u64_u64_div_u64(
			memory.promised_pages, passed, PROMISE_NS);
	memory.promised_ns = now;
	return memory.promised_pages;
}

/* Pages that this kernel swapped in and out since it was started. */
static u64 swapped_pages(void)
{
	u64 pages = 0;
#ifdef CONFIG_SWAP
	int cpu;

	/* Not all_vm_events(), which sums up a hundred of them. */
	for_each_online_cpu(cpu) {
		struct vm_event_state *events = &per_cpu(vm_event_states, cpu);

		pages += READ_ONCE(events->event[PSWPIN]) +
			 READ_ONCE(events->event[PSWPOUT]);
	}
#endif
	return pages;
}

/**
 * bellows_hostmem_promise() - a guest was granted memory it has not touched yet
 * @pages: how much
 *
 * Context: bellows_hostmem_lock held.
 */
void bellows_hostmem_promise(u64 pages)
{
	lockdep_assert_held(&bellows_hostmem_lock);

	promised_pages(ktime_get_ns());
	memory.promised_pages += pages;
}

/**
 * bellows_hostmem_sample() - look at the host's memory
 * @host: filled in
 *
 * Context: bellows_hostmem_lock held.
 */
void bellows_hostmem_sample(struct policy_host *host)
{
	int node;

	lockdep_assert_held(&bellows_hostmem_lock);

	memset(host, 0, sizeof(*host));
	host->now_ns = ktime_get_ns();
	for_each_online_node(node) {
		u64 total = bellows_node_total_pages(node);
		u64 free = bellows_node_free_pages(node);

		host->total_pages += total;
		host->free_pages += free;
		if (node >= POLICY_NODES_MAX)
			continue;
		host->node[node].total_pages = total;
		host->node[node].free_pages = free;
		host->node[node].falling_pages =
			max_t(s64, 0,
			      -policy_trend(&memory.node_free[node],
					    host->now_ns, free));
		host->nr_nodes = node + 1;
	}
	host->promised_pages = promised_pages(host->now_ns);
	host->falling_pages = max_t(s64, 0,
				    -policy_trend(&memory.free, host->now_ns,
						  host->free_pages));
	host->swapping_pages = max_t(s64, 0,
				     policy_trend(&memory.swapped, host->now_ns,
						  swapped_pages()));
	WRITE_ONCE(memory.swapping_pages, host->swapping_pages);
}

/**
 * bellows_hostmem_swapping_pages() - how much the host swaps
 *
 * Context: any.
 * Return: pages in and out in a second, as the agent saw it last.
 */
u64 bellows_hostmem_swapping_pages(void)
{
	return READ_ONCE(memory.swapping_pages);
}

/*
 * How fast guests answer. @short_since_ns is 0 unless the host is short and
 * nothing came yet; whoever takes it away writes the other two.
 */
static atomic64_t short_since_ns = ATOMIC64_INIT(0);
static atomic64_t reaction_last_ns = ATOMIC64_INIT(0);
static atomic64_t reaction_max_ns = ATOMIC64_INIT(0);

/**
 * bellows_hostmem_short() - the host went short, or is not short any more
 * @since_ns: when the agent saw it, CLOCK_MONOTONIC; 0 when it is over
 *
 * Context: any.
 */
void bellows_hostmem_short(u64 since_ns)
{
	atomic64_set(&short_since_ns, since_ns);
}

/**
 * bellows_hostmem_arrived() - a guest gave memory
 *
 * The first after the host went short says how long the reaction took.
 *
 * Context: any.
 */
void bellows_hostmem_arrived(void)
{
	u64 since, took;

	if (!atomic64_read(&short_since_ns))
		return;
	since = atomic64_xchg(&short_since_ns, 0);
	if (!since)
		return;

	took = ktime_get_ns() - since;
	atomic64_set(&reaction_last_ns, took);
	if (took > atomic64_read(&reaction_max_ns))
		atomic64_set(&reaction_max_ns, took);
	bellows_count(BELLOWS_REACTIONS, 1);
}

/**
 * bellows_reaction_last_ns() - how long the last reaction took
 *
 * Context: any.
 * Return: from the agent's seeing that the host is short to the first memory
 *	from a guest, in ns; 0 when that never happened.
 */
u64 bellows_reaction_last_ns(void)
{
	return atomic64_read(&reaction_last_ns);
}

/**
 * bellows_reaction_max_ns() - how long the slowest reaction took
 *
 * Context: any.
 * Return: as bellows_reaction_last_ns().
 */
u64 bellows_reaction_max_ns(void)
{
	return atomic64_read(&reaction_max_ns);
}

/**
 * bellows_hostmem_init() - settle the settings' defaults
 *
 * Context: module init.
 */
void bellows_hostmem_init(void)
{
	static struct lock_class_key hostmem_class;
	u64 total_pages = 0;
	int node;

	lockdep_set_class_and_name(&bellows_hostmem_lock, &hostmem_class,
				   "hostmem");
	for_each_online_node(node)
		total_pages += bellows_node_total_pages(node);
	policy_settings_default(&bellows_settings, total_pages);
}
