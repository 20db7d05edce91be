// SPDX-License-Identifier: GPL-2.0
/*
 * Does the host know us?
 *
 *	          HELLO answered
 *	ABSENT -------------------> PRESENT
 *	   ^                        |     ^
 *	   | grace over    PING, any|     | HELLO answered
 *	   |            call refused|     |
 *	   +----------------------- LOST -+
 *
 * UNAVAILABLE is ABSENT with somebody there who says no.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/printk.h>

#include "link.h"
#include "registration.h"
#include "shared.h"

#define BELLOWS_PING_INTERVAL_MS 5000
/* While LOST; also the shortest time between two HELLOs. */
#define BELLOWS_LOST_INTERVAL_MS 1000
#define BELLOWS_HELLO_INTERVAL_MS 10000
#define BELLOWS_GRACE_MS 10000

/**
 * bellows_registration_init() - not registered yet
 * @registration: filled in
 * @link: the way to the host
 * @shared: the shared page, ready
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_registration_init(struct bellows_registration *registration,
			      const struct bellows_link_ops *link,
			      struct bellows_shared *shared)
{
	int ret = bellows_batch_init(&registration->batch);

	if (ret)
		return ret;

	registration->link = link;
	registration->shared = shared;
	registration->state = BELLOWS_HOST_ABSENT;
	registration->hurry = true;
	registration->offered = BELLOWS_F_NODES | BELLOWS_F_CLASSES |
				BELLOWS_F_HINTS | BELLOWS_F_REPORT |
				BELLOWS_F_WANTED;
	registration->hello_interval_ms = BELLOWS_HELLO_INTERVAL_MS;
	registration->grace_ms = BELLOWS_GRACE_MS;

	return 0;
}

/**
 * bellows_registration_exit() - free what bellows_registration_init() took
 * @registration: not registered
 */
void bellows_registration_exit(struct bellows_registration *registration)
{
	bellows_batch_exit(&registration->batch);
}

static void bellows_registration_set(struct bellows_registration *registration,
				     enum bellows_host_state state)
{
	WRITE_ONCE(registration->state, state);
	if (state != BELLOWS_HOST_PRESENT)
		WRITE_ONCE(registration->features, 0);
}

/* HELLO, and the PING that tells which registration this is. */
static int bellows_registration_hello(struct bellows_registration *registration)
{
	const struct bellows_link_ops *link = registration->link;
	u32 features = registration->offered;
	s64 generation;
	int ret;

	bellows_shared_renew(registration->shared);
	ret = link->hello(bellows_shared_address(registration->shared),
			  &features);
	if (ret)
		return ret;

	generation = link->ping();
	if (generation <= 0)
		return generation ?: -EPERM;

	registration->generation = generation;
	WRITE_ONCE(registration->features, features);
	bellows_registration_set(registration, BELLOWS_HOST_PRESENT);
	pr_info("registered with the host, features %#x\n", features);

	return 0;
}

/* Has enough time gone by since the last call? Then the next one is made. */
static bool bellows_registration_due(struct bellows_registration *registration,
				     unsigned int interval_ms)
{
	unsigned long due =
		registration->last_call + msecs_to_jiffies(interval_ms);

	if (!registration->hurry && time_before(jiffies, due))
		return false;

	registration->hurry = false;
	registration->last_call = jiffies;

	return true;
}

static void bellows_registration_ping(struct bellows_registration *registration)
{
	s64 generation;

	if (!bellows_registration_due(registration, BELLOWS_PING_INTERVAL_MS))
		return;

	generation = registration->link->ping();
	if (generation == registration->generation || generation == -EINTR)
		return;

	bellows_registration_lose(registration, true);
}

static void
bellows_registration_regain(struct bellows_registration *registration)
{
	unsigned long over =
		registration->lost_at +
		msecs_to_jiffies(READ_ONCE(registration->grace_ms));

	if (!bellows_registration_due(registration, BELLOWS_LOST_INTERVAL_MS))
		return;

	if (bellows_registration_hello(registration) == 0)
		return;

	if (time_before(jiffies, over))
		return;

	pr_info("the host did not come back\n");
	bellows_registration_set(registration, BELLOWS_HOST_ABSENT);
}

static void bellows_registration_try(struct bellows_registration *registration)
{
	unsigned int interval_ms = READ_ONCE(registration->hello_interval_ms);
	int ret;

	if (!bellows_registration_due(registration, interval_ms))
		return;

	ret = bellows_registration_hello(registration);
	if (ret == -ENODEV)
		bellows_registration_set(registration, BELLOWS_HOST_ABSENT);
	else if (ret)
		bellows_registration_set(registration,
					 BELLOWS_HOST_UNAVAILABLE);
	/* A call cut short says nothing about the host. */
	if (ret == -EINTR)
		registration->hurry = true;
}

/**
 * bellows_registration_maintain() - make the calls that are due
 * @registration: our standing, @state may be another afterwards
 *
 * Our half of the shared page must be up to date: HELLO declares its size.
 *
 * Context: Worker. May sleep. Not under vmem, for HELLO may take the host's
 * hostmem lock.
 */
void bellows_registration_maintain(struct bellows_registration *registration)
{
	if (registration->state == BELLOWS_HOST_PRESENT)
		bellows_registration_ping(registration);

	switch (registration->state) {
	case BELLOWS_HOST_PRESENT:
		break;
	case BELLOWS_HOST_LOST:
		bellows_registration_regain(registration);
		break;
	case BELLOWS_HOST_ABSENT:
	case BELLOWS_HOST_UNAVAILABLE:
		bellows_registration_try(registration);
		break;
	}
}

/**
 * bellows_registration_lose() - the host does not know us, or soon will not
 * @registration: our standing
 * @hurry: say HELLO at once; otherwise after a second
 *
 * Context: Worker, or accord is held.
 */
void bellows_registration_lose(struct bellows_registration *registration,
			       bool hurry)
{
	if (registration->state != BELLOWS_HOST_PRESENT)
		return;

	pr_info("lost the host\n");
	registration->lost_at = jiffies;
	registration->last_call = jiffies;
	registration->hurry = hurry;
	bellows_registration_set(registration, BELLOWS_HOST_LOST);
}

/**
 * bellows_registration_leave() - say BYE
 * @registration: our standing; LOST afterwards if we were registered, so that
 *	the balloon outlives a hibernation
 *
 * The host does not write to the shared page any more when this returns.
 *
 * Context: The worker is stopped. May sleep. Not under vmem.
 */
void bellows_registration_leave(struct bellows_registration *registration)
{
	if (registration->state != BELLOWS_HOST_PRESENT &&
	    registration->state != BELLOWS_HOST_LOST)
		return;

	/* Also when LOST: the host may not have noticed. */
	registration->link->bye();
	registration->lost_at = jiffies;
	registration->hurry = true;
	bellows_registration_set(registration, BELLOWS_HOST_LOST);
}

/* Does this error mean that the host does not know us? */
static bool bellows_registration_forgotten(long error)
{
	return error == -ENODEV || error == -EPERM;
}

/**
 * bellows_registration_release() - give the ranges in the batch to the host
 * @registration: our standing, with the batch
 * @nr: ranges of it, 1 to BELLOWS_BATCH_MAX
 * @answer: filled in on success
 *
 * Context: Worker. May sleep. vmem may be held: RELEASE never takes hostmem.
 * Return: 0, -ENOTCONN when we are not registered (any more), or an error of
 * &bellows_link_ops.
 */
int bellows_registration_release(struct bellows_registration *registration,
				 unsigned int nr,
				 struct bellows_release_answer *answer)
{
	int ret;

	if (registration->state != BELLOWS_HOST_PRESENT)
		return -ENOTCONN;

	ret = registration->link->release(&registration->batch, nr, answer);
	if (bellows_registration_forgotten(ret)) {
		bellows_registration_lose(registration, true);
		return -ENOTCONN;
	}

	return ret;
}

/**
 * bellows_registration_report() - tell the host of memory that is free
 * @registration: our standing
 * @batch: ranges, ascending; the caller's own, not that of RELEASE
 * @nr: how many, 1 to BELLOWS_BATCH_MAX
 * @answer: filled in on success
 *
 * The worker finds out by itself when the host has forgotten us.
 *
 * Context: Any task that may sleep. Needs no lock.
 * Return: 0, -ENOTCONN when we are not registered or the host does not take
 * reports, or an error of &bellows_link_ops.
 */
int bellows_registration_report(struct bellows_registration *registration,
				const struct bellows_batch *batch,
				unsigned int nr,
				struct bellows_release_answer *answer)
{
	int ret;

	if (!(READ_ONCE(registration->features) & BELLOWS_F_REPORT))
		return -ENOTCONN;

	ret = registration->link->report(batch, nr, answer);

	return bellows_registration_forgotten(ret) ? -ENOTCONN : ret;
}

/**
 * bellows_registration_grant() - ask to take memory back
 * @registration: our standing
 * @pages: how much
 *
 * Context: accord is held. May sleep. Never under vmem: the host may take its
 * hostmem lock, and hostmem comes before vmem.
 * Return: pages that may be taken back, 0 to @pages, -ENOTCONN when we are not
 * registered (any more), or an error of &bellows_link_ops.
 */
long bellows_registration_grant(struct bellows_registration *registration,
				unsigned long pages)
{
	long granted;

	if (registration->state != BELLOWS_HOST_PRESENT)
		return -ENOTCONN;

	granted = registration->link->grant(pages);
	if (bellows_registration_forgotten(granted)) {
		bellows_registration_lose(registration, true);
		return -ENOTCONN;
	}

	return granted;
}
