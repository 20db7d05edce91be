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

#include "hostmem.h"

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
/* Over what time the fall of free memory is measured. */
#define WINDOW_NS (250 * NSEC_PER_MSEC)
#define WINDOW_MIN_NS (20 * NSEC_PER_MSEC)

/*
 * What is remembered between samples. Protected by bellows_hostmem_lock.
 *
 * @promised_pages: granted a moment ago; melts away within PROMISE_NS
 * @promised_ns: when @promised_pages was last brought up to date
 * @window_ns: when the running window began, and the one before it
 * @window_free_pages: free memory then
 */
static struct {
	u64 promised_pages;
	u64 promised_ns;
	u64 window_ns[2];
	u64 window_free_pages[2];
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

/* By how much free memory would fall in a second at its present rate. */
static u64 falling_pages(u64 now, u64 free_pages)
{
	u64 passed, fell;

	if (now - memory.window_ns[0] >= WINDOW_NS) {
		memory.window_ns[1] = memory.window_ns[0];
		memory.window_free_pages[1] = memory.window_free_pages[0];
		memory.window_ns[0] = now;
		memory.window_free_pages[0] = free_pages;
	}

	passed = now - memory.window_ns[1];
	if (!memory.window_ns[1] || passed < WINDOW_MIN_NS ||
	    memory.window_free_pages[1] <= free_pages)
		return 0;
	fell = memory.window_free_pages[1] - free_pages;
	return mul_u64_u64_div_u64(fell, NSEC_PER_SEC, passed);
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
		host->nr_nodes = node + 1;
	}
	host->promised_pages = promised_pages(host->now_ns);
	host->falling_pages = falling_pages(host->now_ns, host->free_pages);
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
