// SPDX-License-Identifier: GPL-2.0
/*
 * What leaves the balloon because the guest itself needs it, whatever the targets
 * say.
 *
 * Any task comes here, not only the worker: accord keeps them apart. Nothing is
 * allocated: the task may be one that could not get a page.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/timekeeping.h>

#include "balloon.h"
#include "control.h"
#include "counters.h"
#include "registration.h"

/**
 * bellows_control_relieve() - the guest runs out of memory: give some back
 * @control: the guest's side
 * @most: pages, at least 1
 *
 * What the host grants of it; all of it when there is no host to ask. What the
 * VMM wants stays, unless it said that it may go in such a case. No inflation
 * follows for a while, whatever the host wants.
 *
 * Context: Any task that may sleep, holding the kernel's oom_lock perhaps. Not
 * under vmem, because of GRANT.
 * Return: pages given back, 0 when there is no balloon.
 */
unsigned long bellows_control_relieve(struct bellows_control *control,
				      unsigned long most)
{
	struct bellows_registration *registration = &control->registration;
	unsigned long pages, got = 0;
	long granted;

	lockdep_assert_not_held(&control->balloon.vmem);
	mutex_lock(&control->accord);
	pages = min(most, bellows_control_spare(control));
	if (pages == 0)
		goto unlock;

	bellows_backoff_relieved(&control->backoff, ktime_to_ms(ktime_get()));
	bellows_count(BELLOWS_RELIEFS, 1);
	granted = bellows_registration_grant(registration, pages);
	/* A host that knows us no more counts nothing as given either. */
	if (granted == -ENOTCONN)
		granted = pages;
	if (granted > 0)
		got = bellows_balloon_deflate(&control->balloon, granted,
					      NUMA_NO_NODE);
unlock:
	mutex_unlock(&control->accord);
	if (got)
		bellows_control_tell_device(control);

	return got;
}

/**
 * bellows_control_recovers() - did the guest run out of memory a while ago?
 * @control: the guest's side
 *
 * If it did not, the inflation that was asked for counts as tried: should it prove
 * too much, the guest is left alone for longer. Not so where the host's agent wants
 * it: that sees what becomes of the guest, and takes its target back by itself.
 *
 * Context: Worker. Takes accord and vmem.
 * Return: true when no inflation shall be tried yet.
 */
bool bellows_control_recovers(struct bellows_control *control)
{
	struct bellows_backoff *backoff = &control->backoff;
	u64 now_ms = ktime_to_ms(ktime_get());
	u32 most_ms = BELLOWS_BACKOFF_MOST_MS;
	bool waits;

	if (control->wish.target_pages >
	    bellows_balloon_size(&control->balloon))
		most_ms = BELLOWS_BACKOFF_FIRST_MS;

	mutex_lock(&control->accord);
	waits = bellows_backoff_waits(backoff, now_ms, most_ms);
	if (!waits)
		bellows_backoff_tried(backoff, now_ms);
	mutex_unlock(&control->accord);

	return waits;
}

/**
 * bellows_control_vacate() - memory is unplugged: give back what lies in it
 * @control: the guest's side
 * @start_pfn: the first page of it
 * @nr: pages
 *
 * Context: Memory notifier: may sleep. Not under vmem, because of GRANT.
 * Return: 0, or -EBUSY when the host does not grant it.
 */
int bellows_control_vacate(struct bellows_control *control,
			   unsigned long start_pfn, unsigned long nr)
{
	struct bellows_registration *registration = &control->registration;
	unsigned long pages;
	long granted;
	int ret = 0;

	lockdep_assert_not_held(&control->balloon.vmem);
	mutex_lock(&control->accord);
	pages = bellows_balloon_range_size(&control->balloon, start_pfn, nr);
	if (pages == 0)
		goto unlock;

	granted = bellows_registration_grant(registration, pages);
	if (granted == -ENOTCONN || granted == pages) {
		bellows_balloon_vacate(&control->balloon, start_pfn, nr);
	} else {
		ret = -EBUSY;
		/* Granted in part: the next HELLO puts the account right. */
		if (granted > 0)
			bellows_registration_lose(registration, true);
	}
unlock:
	mutex_unlock(&control->accord);

	return ret;
}
