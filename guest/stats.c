// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest tells the host about itself, and our own counters.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/psi_types.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include <bellows/ksym.h>

#include "balloon.h"
#include "counters.h"
#include "stats.h"
#include "sweep.h"

atomic64_t bellows_counters[BELLOWS_NR_COUNTERS];

BELLOWS_KSYM(void, si_swapinfo, struct sysinfo *info);

#ifdef CONFIG_PSI
/* The kernel's psi_system, which it does not export; only read. */
static const struct psi_group *bellows_psi_system;
#endif

/**
 * bellows_stats_init() - find what the kernel does not export
 *
 * Context: May sleep.
 */
void bellows_stats_init(void)
{
	bellows_ksym_find(si_swapinfo);
#ifdef CONFIG_PSI
	bellows_psi_system = (void *)bellows_ksym_address("psi_system");
#endif
}

#ifdef CONFIG_PSI
/**
 * struct bellows_stall_seen - what was read of a CPU's counters last
 * @some: time in which some task waited for memory, in ns; wraps
 * @nonidle: time in which the CPU had anything to do, in ns; wraps
 */
struct bellows_stall_seen {
	u32 some;
	u32 nonidle;
};

static DEFINE_PER_CPU(struct bellows_stall_seen, bellows_stall_seen);

/*
 * Time in which some task waited for memory since the last look, the CPUs
 * weighted by how busy they were, as the kernel does it. It does so every two
 * seconds only: its sum would come in lumps, each of which looks like distress
 * to somebody who looks ten times a second. The counters wrap after four
 * seconds; who looks more seldom is told too little.
 */
static u64 bellows_stats_waited(void)
{
	const struct psi_group *psi = bellows_psi_system;
	u64 weighted = 0, busy = 0;
	int cpu;

	if (!psi)
		return 0;

	for_each_possible_cpu(cpu) {
		const struct psi_group_cpu *times = per_cpu_ptr(psi->pcpu, cpu);
		struct bellows_stall_seen *seen =
			per_cpu_ptr(&bellows_stall_seen, cpu);
		u32 some = READ_ONCE(times->times[PSI_MEM_SOME]);
		u32 nonidle = READ_ONCE(times->times[PSI_NONIDLE]);
		u32 worked = nonidle - seen->nonidle;

		weighted += (u64)(u32)(some - seen->some) * (worked >> 10);
		busy += worked >> 10;
		*seen = (struct bellows_stall_seen){ some, nonidle };
	}

	return busy ? div64_u64(weighted, busy) : 0;
}

static DEFINE_PER_CPU(u32, bellows_waiting_seen);

/* The kernel's counters wrap: only differences over seconds mean anything. */
static void bellows_stats_waiting(struct bellows_misses *misses)
{
	const struct psi_group *psi = bellows_psi_system;
	static u64 total, worst;
	u32 some, waited, most = 0;
	int cpu;

	if (!psi)
		return;

	for_each_possible_cpu(cpu) {
		some = READ_ONCE(
			per_cpu_ptr(psi->pcpu, cpu)->times[PSI_MEM_SOME]);
		waited = some - per_cpu(bellows_waiting_seen, cpu);
		per_cpu(bellows_waiting_seen, cpu) = some;
		total += waited;
		most = max(most, waited);
	}
	worst += most;
	misses->stall_ns = total;
	misses->worst_ns = worst;
}
#else
static u64 bellows_stats_waited(void)
{
	return 0;
}

static void bellows_stats_waiting(struct bellows_misses *misses)
{
}
#endif

/*
 * The same since the module was loaded, without our own waiting: an inflation
 * that has the kernel reclaim would otherwise look like the guest's distress and
 * undo itself. Where the two overlap, too little is told rather than too much;
 * it never falls.
 */
static u64 bellows_stats_stall(u64 last)
{
	static u64 waited;
	u64 own = bellows_blocks_stall_ns();

	waited += bellows_stats_waited();

	return max(last, waited > own ? waited - own : 0);
}

static void bellows_stats_swap(struct bellows_guest_half *report)
{
	struct sysinfo info = {};

	if (bellows_ksym_found(si_swapinfo))
		bellows_ksym_call(si_swapinfo)(&info);
	report->swap_total_pages = info.totalswap;
	report->swap_free_pages = info.freeswap;
}

static void bellows_stats_events(struct bellows_guest_half *report)
{
	unsigned long events[NR_VM_EVENT_ITEMS] = {};

	all_vm_events(events);
#ifdef CONFIG_VM_EVENT_COUNTERS
	report->swap_in_pages = events[PSWPIN];
	report->swap_out_pages = events[PSWPOUT];
	report->major_faults = events[PGMAJFAULT];
	report->minor_faults = events[PGFAULT] - events[PGMAJFAULT];
	report->oom_kills = events[OOM_KILL];
#endif
	report->refaults_file = global_node_page_state(WORKINGSET_REFAULT_FILE);
	report->refaults_anon = global_node_page_state(WORKINGSET_REFAULT_ANON);
}

/**
 * bellows_stats_misses() - the few figures that tell strain
 * @misses: (out) only their differences mean anything; those of times are too
 *	small over more than four seconds
 *
 * Context: Process; one caller at a time.
 */
void bellows_stats_misses(struct bellows_misses *misses)
{
	*misses = (struct bellows_misses){
		.pages = global_node_page_state(WORKINGSET_REFAULT_FILE) +
			 global_node_page_state(WORKINGSET_REFAULT_ANON),
		.own_ns = bellows_blocks_stall_ns(),
	};
	bellows_stats_waiting(misses);
}

static void bellows_stats_node(struct bellows_node *report,
			       struct bellows_balloon *balloon, int nid)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	int i;

	report->size_pages = bellows_balloon_node_size(balloon, nid);
	report->total_pages = READ_ONCE(balloon->shows) ? 0 : report->size_pages;
	report->free_pages = 0;
	for (i = 0; i < MAX_NR_ZONES; i++) {
		report->total_pages += zone_managed_pages(&zones[i]);
		report->free_pages += zone_page_state(&zones[i], NR_FREE_PAGES);
	}
}

/* So that the host can see on which of its own nodes ours lie. */
static void bellows_stats_span(struct bellows_node_span *span, int nid)
{
	span->first_pfn = node_start_pfn(nid);
	span->pages = node_spanned_pages(nid);
}

/**
 * bellows_stats_fill() - take stock
 * @report: from the last time, or zeros. Everything is filled in but the
 *	header, the flags, the floor and the doorbell. @working_set_pages and
 *	@class_pages are 0 while nobody sweeps.
 * @balloon: the pool
 *
 * Context: May sleep, takes vmem.
 */
void bellows_stats_fill(struct bellows_guest_half *report,
			struct bellows_balloon *balloon)
{
	int nid;

	report->timestamp_ns = ktime_get_boottime_ns();
	report->size_pages = bellows_balloon_size(balloon);
	report->block_pages =
		READ_ONCE(balloon->nr_blocks) * BELLOWS_BLOCK_PAGES;
	report->total_pages = bellows_balloon_total(balloon);
	report->free_pages = global_zone_page_state(NR_FREE_PAGES);
	report->available_pages = max(si_mem_available(), 0L);
	report->cache_pages = global_node_page_state(NR_FILE_PAGES);
	report->stall_ns = bellows_stats_stall(report->stall_ns);
	bellows_sweep_figures(&report->working_set_pages, report->class_pages);
	bellows_stats_swap(report);
	bellows_stats_events(report);

	report->nr_nodes = min_t(u32, nr_node_ids, BELLOWS_NODES_MAX);
	for (nid = 0; nid < report->nr_nodes; nid++) {
		if (!node_online(nid))
			continue;
		bellows_stats_node(&report->node[nid], balloon, nid);
		bellows_stats_span(&report->node_span[nid], nid);
	}
}
