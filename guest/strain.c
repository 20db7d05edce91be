// SPDX-License-Identifier: GPL-2.0
/*
 * Sees at once when the guest begins to miss what its balloon holds.
 *
 * The worker reports once a second, or ten times. A guest that reads back what it
 * dropped, or waits for memory, cannot wait for that: the host is to give it
 * memory within 50 ms. So while there is a balloon, a few counters are looked at
 * every 20 ms, and when they move the worker is told to report at once. The timer
 * is deferrable: it wakes no idle guest, and an idle guest misses nothing.
 *
 * Where no host reacts the guest has to help itself. That is not for the first
 * sign: it is measured for how long tasks have been waiting for memory most of the
 * time, and relief.c decides how much of that is too much.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>

#include <bellows/compat.h>

#include "counters.h"
#include "strain.h"

#define BELLOWS_STRAIN_MS 20
/* After a look that found some. The host weighs no report that covers less than 10. */
#define BELLOWS_STRAIN_SOON_MS 12
/* In one look, fewer mean nothing; the host wants more before it acts. */
#define BELLOWS_STRAIN_PAGES 16
/* Waiting for memory, in one look: a tenth of the time. */
#define BELLOWS_STRAIN_STALL_NS (BELLOWS_STRAIN_MS * 1000000ULL / 10)

static void bellows_strain_again(struct bellows_strain *strain,
				 unsigned int ms)
{
	queue_delayed_work(bellows_percpu_wq, &strain->work,
			   msecs_to_jiffies(ms));
}

/*
 * What the balloon itself waits for, in an inflation that has the kernel reclaim,
 * is no distress of the guest's: it would undo what it just did.
 */
static void bellows_strain_suffer(struct bellows_strain *strain,
				  const struct bellows_misses *misses)
{
	const struct bellows_misses *seen = &strain->seen;
	u64 now_ns = ktime_get_ns(), passed_ns = now_ns - strain->looked_ns;
	u64 suffered_ns = READ_ONCE(strain->suffered_ns);
	s64 waited_ns = misses->worst_ns - seen->worst_ns;

	waited_ns -= misses->own_ns - seen->own_ns;
	if (waited_ns > 0 && waited_ns >= passed_ns / 2)
		suffered_ns += passed_ns;
	else
		suffered_ns -= min(suffered_ns, passed_ns);
	WRITE_ONCE(strain->suffered_ns, suffered_ns);
	strain->looked_ns = now_ns;
}

static void bellows_strain_look(struct work_struct *work)
{
	struct bellows_strain *strain =
		container_of(work, struct bellows_strain, work.work);
	unsigned int next_ms = BELLOWS_STRAIN_MS;
	struct bellows_misses misses;

	if (READ_ONCE(strain->stopped))
		return;

	bellows_stats_misses(&misses);
	bellows_strain_suffer(strain, &misses);
	if (misses.pages - strain->seen.pages >= BELLOWS_STRAIN_PAGES ||
	    misses.stall_ns - strain->seen.stall_ns >= BELLOWS_STRAIN_STALL_NS) {
		bellows_count(BELLOWS_STRAINS, 1);
		strain->found(strain->data);
		next_ms = BELLOWS_STRAIN_SOON_MS;
	}
	strain->seen = misses;
	bellows_strain_again(strain, next_ms);
}

/**
 * bellows_strain_init() - prepare; nothing is watched yet
 * @strain: zeroed
 * @found: called when there is strain, perhaps 80 times a second, in a kernel
 *	worker that must not be kept for long
 * @data: for @found
 *
 * Context: Any.
 */
void bellows_strain_init(struct bellows_strain *strain,
			 void (*found)(void *data), void *data)
{
	strain->found = found;
	strain->data = data;
	strain->stopped = true;
	INIT_DEFERRABLE_WORK(&strain->work, bellows_strain_look);
}

/**
 * bellows_strain_watch() - look from now on
 * @strain: may be watching already
 *
 * Context: Process.
 */
void bellows_strain_watch(struct bellows_strain *strain)
{
	if (!strain->stopped)
		return;

	bellows_stats_misses(&strain->seen);
	strain->looked_ns = ktime_get_ns();
	strain->suffered_ns = 0;
	WRITE_ONCE(strain->stopped, false);
	bellows_strain_again(strain, BELLOWS_STRAIN_MS);
}

/**
 * bellows_strain_stop() - look no more
 * @strain: may be stopped already. @found is not called any more.
 *
 * Context: May sleep. Not from @found. Not at the same time as
 * bellows_strain_watch().
 */
void bellows_strain_stop(struct bellows_strain *strain)
{
	WRITE_ONCE(strain->stopped, true);
	cancel_delayed_work_sync(&strain->work);
}

/**
 * bellows_strain_suffered() - for how long has the guest been waiting for memory?
 * @strain: perhaps not watching
 *
 * Tasks of one CPU, most of the time. Time in which they did not counts against it.
 *
 * Context: Any.
 * Return: ns; 0 when nothing is watched.
 */
u64 bellows_strain_suffered(const struct bellows_strain *strain)
{
	return strain->stopped ? 0 : READ_ONCE(strain->suffered_ns);
}

/**
 * bellows_strain_relieved() - something was done about it
 * @strain: what was suffered so far counts no more
 *
 * Context: Any.
 */
void bellows_strain_relieved(struct bellows_strain *strain)
{
	WRITE_ONCE(strain->suffered_ns, 0);
}
