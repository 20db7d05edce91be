// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps the histories of all pages: looks at them again and again while
 * somebody may soon want memory.
 *
 * A thread of its own, in small steps with a rest after each, so that it never
 * costs more of a CPU than it may. With nobody asking it sleeps.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "counters.h"
#include "rmap_walk.h"
#include "sweep.h"
#include "trace.h"

/* Work between two rests. */
#define BELLOWS_STEP_NS		(2 * NSEC_PER_MSEC)
/* Pages between two looks at the clock. */
#define BELLOWS_STEP_PAGES	64
/* A wish holds for so long; whoever has it repeats it. */
#define BELLOWS_WANT_MS		5000
/* Histories that are older than so many sweeps are not up to date. */
#define BELLOWS_STALE_SWEEPS	3

BELLOWS_KSYM(unsigned long long, task_sched_runtime, struct task_struct *task);

struct bellows_histories bellows_histories;

struct bellows_sweep_settings bellows_sweep_settings = {
	.percent = 2,
	.urgent_percent = 20,
	.gap_ms = 1000,
	.gap_max_ms = 30000,
};

/**
 * struct bellows_sweeper - the thread
 * @task: it, NULL when this kernel does not allow it
 * @wake: it waits here
 * @wanted: somebody wants sweeps
 * @wanted_until: jiffies up to which that holds
 * @urgent_until: jiffies up to which it is urgent
 * @census: of the sweep that is going on; the thread's own
 * @changed: pages of which this sweep told something new; as @census
 * @pages: pages it looked at; as @census
 * @gap_ms: time from the start of one sweep to the next; as @census
 * @lasted: jiffies that the last sweep took, rests included; as @census
 */
struct bellows_sweeper {
	struct task_struct *task;
	wait_queue_head_t wake;
	bool wanted;
	unsigned long wanted_until;
	unsigned long urgent_until;
	struct bellows_esc_census census;
	u64 changed;
	u64 pages;
	u32 gap_ms;
	unsigned long lasted;
};

static struct bellows_sweeper bellows_sweeper;

/**
 * bellows_sweep_works() - are there histories at all?
 *
 * Context: Any.
 * Return: false when this kernel does not allow them.
 */
bool bellows_sweep_works(void)
{
	return bellows_sweeper.task;
}

/**
 * bellows_sweep_want() - have histories kept for the next seconds
 * @urgent: an inflation is waiting for them
 *
 * Context: Any.
 */
void bellows_sweep_want(bool urgent)
{
	unsigned long until = jiffies + msecs_to_jiffies(BELLOWS_WANT_MS);

	if (!bellows_sweep_works())
		return;
	WRITE_ONCE(bellows_sweeper.wanted_until, until);
	if (urgent)
		WRITE_ONCE(bellows_sweeper.urgent_until, until);
	if (!READ_ONCE(bellows_sweeper.wanted)) {
		WRITE_ONCE(bellows_sweeper.wanted, true);
		wake_up(&bellows_sweeper.wake);
	}
}

/* Is anybody there who wants sweeps? */
static bool bellows_sweep_wanted(void)
{
	if (READ_ONCE(bellows_sweep_settings.always))
		return true;
	if (!READ_ONCE(bellows_sweeper.wanted))
		return false;
	if (time_before(jiffies, READ_ONCE(bellows_sweeper.wanted_until)))
		return true;
	WRITE_ONCE(bellows_sweeper.wanted, false);

	return false;
}

static bool bellows_sweep_urgent(void)
{
	return READ_ONCE(bellows_sweeper.wanted) &&
	       time_before(jiffies, READ_ONCE(bellows_sweeper.urgent_until));
}

/**
 * bellows_sweep_ready() - can victims be chosen by history?
 *
 * Context: Any.
 * Return: true when there was a whole window of sweeps, the last not long ago.
 */
bool bellows_sweep_ready(void)
{
	unsigned long gap = msecs_to_jiffies(READ_ONCE(bellows_sweeper.gap_ms));
	unsigned long fresh;

	/* With little of a CPU, or a large guest, a sweep outlasts the gap. */
	gap = max(gap, READ_ONCE(bellows_sweeper.lasted));
	fresh = READ_ONCE(bellows_histories.swept_at) +
		BELLOWS_STALE_SWEEPS * gap;

	return READ_ONCE(bellows_histories.sweeps) > BELLOWS_ESC_WINDOW &&
	       time_before(jiffies, fresh);
}

/**
 * bellows_sweep_figures() - what the host and the operator are told
 * @working_set: set to the estimate of what is in use, in pages, 0 when there is
 *	none
 * @pages: filled in, pages by class and age; zeros when there are no histories
 *
 * Context: May sleep, takes the lock of the histories.
 */
void bellows_sweep_figures(u64 *working_set,
			   __u64 pages[BELLOWS_CLASSES][BELLOWS_AGES])
{
	struct bellows_histories *histories = &bellows_histories;
	unsigned long present;

	memset(pages, 0, sizeof(*pages) * BELLOWS_CLASSES);
	*working_set = 0;
	if (!bellows_sweep_works())
		return;

	mutex_lock(&histories->lock);
	if (bellows_sweep_ready()) {
		present = totalram_pages() -
			  min(totalram_pages(),
			      global_zone_page_state(NR_FREE_PAGES));
		bellows_esc_histogram(&histories->census, pages);
		*working_set = bellows_esc_working_set(&histories->census,
						       present);
	}
	mutex_unlock(&histories->lock);
}

/**
 * bellows_sweep_hear_hints() - what does the host take by itself?
 * @ranges: bellows_range() entries, not trusted
 * @nr: how many
 *
 * Context: May sleep, takes the lock of the histories.
 */
void bellows_sweep_hear_hints(const u64 *ranges, u32 nr)
{
	struct bellows_histories *histories = &bellows_histories;

	if (!bellows_sweep_works() || (!nr && !READ_ONCE(histories->hints.nr)))
		return;
	mutex_lock(&histories->lock);
	bellows_esc_hints_set(&histories->hints, ranges, nr);
	mutex_unlock(&histories->lock);
}

/**
 * bellows_sweep_hinted_pages() - how much does the host take by itself?
 *
 * Context: May sleep, takes the lock of the histories.
 * Return: pages that it names at the moment.
 */
u64 bellows_sweep_hinted_pages(void)
{
	u64 pages;

	mutex_lock(&bellows_histories.lock);
	pages = bellows_esc_hinted_pages(&bellows_histories.hints);
	mutex_unlock(&bellows_histories.lock);

	return pages;
}

/* Free pages have no history. Returns how many to go on by. */
static unsigned long bellows_sweep_free(unsigned long pfn, unsigned long order)
{
	struct bellows_esc_page *page = &bellows_histories.page[pfn];
	unsigned long nr, i;

	/* Read without the zone's lock: it may be anything by now. */
	if (order > BELLOWS_MAX_PAGE_ORDER)
		return 1;
	nr = min(1UL << order, bellows_histories.end - pfn);
	for (i = 0; i < nr; i++)
		bellows_esc_forget(page + i);

	return nr;
}

static void bellows_sweep_folio(struct folio *folio, unsigned long pfn)
{
	struct bellows_sweeper *sweeper = &bellows_sweeper;
	struct bellows_histories *histories = &bellows_histories;
	struct bellows_esc_page *page = &histories->page[pfn];
	unsigned long nr = folio_nr_pages(folio), i;
	struct bellows_esc_look look;

	/* Another's marks say nothing of this one. */
	if (!bellows_esc_knows(page, bellows_rmap_print(folio, 0)))
		bellows_esc_forget(page);
	bellows_rmap_look(folio, page, &look);
	nr = min(nr, histories->end - pfn);
	for (i = 0; i < nr; i++) {
		look.print = bellows_rmap_print(folio, i);
		look.hinted = bellows_esc_hinted(&histories->hints, pfn + i);
		sweeper->changed += bellows_esc_observe(page + i, &look,
							!histories->inflating);
		bellows_esc_count(&sweeper->census, page + i, 1);
	}
	sweeper->pages += nr;
}

/* Looks at one page, or at all of its folio. Returns how many to go on by. */
static unsigned long bellows_sweep_page(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long nr = 1;
	struct folio *folio;

	if (PageBuddy(page))
		return bellows_sweep_free(pfn, READ_ONCE(page_private(page)));
	if (!PageLRU(page) || PageTail(page))
		return 1;

	folio = page_folio(page);
	if (!folio_try_get(folio))
		return 1;
	if (folio_test_lru(folio) && folio_pfn(folio) == pfn &&
	    !folio_test_unevictable(folio)) {
		nr = folio_nr_pages(folio);
		bellows_sweep_folio(folio, pfn);
	}
	folio_put(folio);

	return nr;
}

/* One step of a sweep, from @pfn on. Returns where the next one begins. */
static unsigned long bellows_sweep_step(unsigned long pfn)
{
	struct bellows_histories *histories = &bellows_histories;
	u64 end_ns = ktime_get_ns() + BELLOWS_STEP_NS;
	unsigned int nr = 0;

	mutex_lock(&histories->lock);
	while (pfn < histories->end) {
		if (!pfn_to_online_page(pfn)) {
			pfn = min(ALIGN(pfn + 1, PAGES_PER_SECTION),
				  histories->end);
			continue;
		}
		pfn += bellows_sweep_page(pfn);
		if (++nr % BELLOWS_STEP_PAGES == 0 && ktime_get_ns() >= end_ns)
			break;
	}
	mutex_unlock(&histories->lock);

	return pfn;
}

/* Sleeps, but not past the end of the module, and freezes with the others. */
static void bellows_sweep_sleep(u64 ns)
{
	wait_event_freezable_timeout(bellows_sweeper.wake,
				     kthread_should_stop(),
				     max(nsecs_to_jiffies(ns), 1UL));
}

/* The sweep is complete: what it found is the truth now. */
static void bellows_sweep_finish(unsigned long started, u64 worked_ns)
{
	struct bellows_sweeper *sweeper = &bellows_sweeper;
	struct bellows_histories *histories = &bellows_histories;

	bellows_rmap_flush();
	WRITE_ONCE(sweeper->lasted, jiffies - started);
	sweeper->gap_ms =
		bellows_esc_gap_ms(sweeper->gap_ms, sweeper->changed,
				   sweeper->pages,
				   READ_ONCE(bellows_sweep_settings.gap_ms),
				   READ_ONCE(bellows_sweep_settings.gap_max_ms));
	mutex_lock(&histories->lock);
	histories->census = sweeper->census;
	WRITE_ONCE(histories->sweeps, histories->sweeps + 1);
	WRITE_ONCE(histories->swept_at, jiffies);
	mutex_unlock(&histories->lock);
	bellows_count(BELLOWS_SWEEPS, 1);
	bellows_count(BELLOWS_SWEEP_NS, worked_ns);
	trace_bellows_sweep(sweeper->pages, sweeper->changed, worked_ns,
			    sweeper->gap_ms);
}

/* CPU time of this thread. In a guest that is busy it is not all of the time. */
static u64 bellows_sweep_clock(void)
{
	if (!bellows_ksym_found(task_sched_runtime))
		return ktime_get_ns();

	return bellows_ksym_call(task_sched_runtime)(current);
}

/* Sleeps for as long as is owed, and returns what is owed still. */
static u64 bellows_sweep_rest(u64 owed_ns)
{
	u64 started_ns = ktime_get_ns(), slept_ns;

	/* A tick is the shortest rest there is: save up for it. */
	if (owed_ns < TICK_NSEC)
		return owed_ns;
	bellows_sweep_sleep(owed_ns);
	slept_ns = ktime_get_ns() - started_ns;

	return owed_ns - min(owed_ns, slept_ns);
}

/* One sweep over all pages, with rests, that began at @started (jiffies). */
static void bellows_sweep_once(unsigned long started)
{
	struct bellows_sweeper *sweeper = &bellows_sweeper;
	u64 started_ns, step_ns, worked_ns = 0, owed_ns = 0;
	unsigned int percent;
	unsigned long pfn = 0;

	memset(&sweeper->census, 0, sizeof(sweeper->census));
	sweeper->changed = 0;
	sweeper->pages = 0;
	while (pfn < bellows_histories.end && !kthread_should_stop()) {
		started_ns = bellows_sweep_clock();
		pfn = bellows_sweep_step(pfn);
		step_ns = bellows_sweep_clock() - started_ns;
		worked_ns += step_ns;
		percent = bellows_sweep_urgent() ?
			  READ_ONCE(bellows_sweep_settings.urgent_percent) :
			  READ_ONCE(bellows_sweep_settings.percent);
		owed_ns = bellows_sweep_rest(owed_ns +
					     bellows_esc_rest_ns(step_ns, percent));
		cond_resched();
	}
	if (!kthread_should_stop())
		bellows_sweep_finish(started, worked_ns);
}

/* Waits for the time of the next sweep: less when somebody is in a hurry. */
static void bellows_sweep_gap(unsigned long started)
{
	unsigned int gap_ms;
	unsigned long due;

	do {
		gap_ms = bellows_sweep_urgent() ?
			 READ_ONCE(bellows_sweep_settings.gap_ms) :
			 bellows_sweeper.gap_ms;
		due = started + msecs_to_jiffies(gap_ms);
		if (time_after_eq(jiffies, due))
			break;
		bellows_sweep_sleep(min_t(u64, jiffies_to_nsecs(due - jiffies),
					  NSEC_PER_SEC / 5));
	} while (bellows_sweep_wanted() && !kthread_should_stop());
}

static int bellows_sweep_thread(void *unused)
{
	unsigned long started;

	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable(bellows_sweeper.wake,
				     bellows_sweep_wanted() ||
				     kthread_should_stop());
		started = jiffies;
		if (!kthread_should_stop())
			bellows_sweep_once(started);
		bellows_sweep_gap(started);
	}

	return 0;
}

/* One past the last page frame of the guest. */
static unsigned long bellows_sweep_end(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, node_end_pfn(nid));

	return end;
}

/**
 * bellows_sweep_init() - begin without histories
 *
 * Context: May sleep.
 * Return: false when this kernel does not allow it; nothing is left behind then.
 */
bool bellows_sweep_init(void)
{
	struct bellows_histories *histories = &bellows_histories;
	struct task_struct *task;

	mutex_init(&histories->lock);
	init_waitqueue_head(&bellows_sweeper.wake);
	bellows_sweeper.gap_ms = bellows_sweep_settings.gap_ms;
	bellows_ksym_find(task_sched_runtime);
	if (!BELLOWS_CHOOSES || !bellows_rmap_init()) {
		pr_notice("no way to see which pages are used\n");
		return false;
	}

	histories->end = bellows_sweep_end();
	histories->page = __vmalloc(array_size(histories->end,
					       sizeof(*histories->page)),
				    BELLOWS_TABLE_GFP);
	if (!histories->page)
		return false;

	task = kthread_run(bellows_sweep_thread, NULL, "bellows_sweep");
	if (IS_ERR(task)) {
		vfree(histories->page);
		return false;
	}
	bellows_sweeper.task = task;

	return true;
}

/**
 * bellows_sweep_exit() - forget everything
 *
 * Context: May sleep. Nobody else uses the histories any more.
 */
void bellows_sweep_exit(void)
{
	if (!bellows_sweep_works())
		return;
	kthread_stop(bellows_sweeper.task);
	bellows_sweeper.task = NULL;
	vfree(bellows_histories.page);
}
