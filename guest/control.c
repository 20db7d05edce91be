// SPDX-License-Identifier: GPL-2.0
/*
 * Decides how large the balloon shall be, and makes it so.
 *
 * One worker does everything that changes the size or calls the host. It runs
 * when the doorbell rings, when the operator changes something, when the guest
 * comes under strain, and once a second, so a lost ring costs time and nothing
 * else.
 *
 * Lock order, outermost first, the host's locks as a call to it takes them:
 * accord, hostmem (in HELLO, BYE and GRANT), vmem, the page allocator's. Nothing
 * is allocated under any of them: a task that is out of memory comes here by the
 * OOM notifier and takes accord.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "balloon.h"
#include "control.h"
#include "counters.h"
#include "inflate.h"
#include "link.h"
#include "movable.h"
#include "relief.h"
#include "stats.h"
#include "sweep.h"
#include "trace.h"
#include "victims.h"
#include "wanted.h"

#define BELLOWS_PERIOD_MS 1000
/* While the host is short, and decides by what we say of ourselves, or in haste. */
#define BELLOWS_PERIOD_SHORT_MS 100
/*
 * Lists of wanted ranges in one inflation. A host waits with another one until it
 * hears, after the inflation, that the last was gone through, or for a while. One
 * that does not wait would keep the worker from everything else.
 */
#define BELLOWS_LISTS_MAX 16
/* When an inflation was only interrupted for a look around. */
#define BELLOWS_PERIOD_UNFINISHED_MS 1
/* After a refusal that holds for all our memory. */
#define BELLOWS_HOLD_OFF_MS 10000
/* Given back at a time when the guest has next to nothing left. */
#define BELLOWS_RELIEF_PAGES (SZ_64M >> PAGE_SHIFT)
/* Default floor: a kernel and a shell can live in this, */
#define BELLOWS_FLOOR_PAGES (SZ_64M >> PAGE_SHIFT)
/* and what runs in a larger guest needs more. */
#define BELLOWS_FLOOR_FRACTION 8

/* A name for lockdep's reports. */
static struct lock_class_key bellows_accord_class;

/* Publishes the figures that bellows_stats_fill() found, with the size of now. */
static void bellows_control_publish(struct bellows_control *control)
{
	struct bellows_guest_half *report = control->report;

	report->size_pages = bellows_balloon_size(&control->balloon);
	report->floor_pages = READ_ONCE(control->floor_pages);
	report->flags = control->is_short ? BELLOWS_GUEST_SHORT : 0;
	report->wanted_id = control->wanted.done ? control->wanted.id : 0;
	bellows_shared_report(&control->shared, report);
}

static void bellows_control_report(struct bellows_control *control)
{
	bellows_stats_fill(control->report, &control->balloon);
	bellows_control_publish(control);
}

/* Says HELLO or PING if it is time, with a report that is true as it is made. */
static void bellows_control_maintain(struct bellows_control *control)
{
	/* May wait for CPU hotplug, which may be waiting for memory. */
	bellows_stats_fill(control->report, &control->balloon);

	mutex_lock(&control->accord);
	bellows_control_publish(control);
	bellows_registration_maintain(&control->registration);
	mutex_unlock(&control->accord);
}

/* Reads what the host takes by itself; nothing when there is no host to do so. */
static void bellows_control_listen_hints(struct bellows_control *control)
{
	struct bellows_registration *registration = &control->registration;
	bool present = registration->state == BELLOWS_HOST_PRESENT &&
		       registration->features & BELLOWS_F_HINTS;
	u32 nr = 0;

	if (!present ||
	    bellows_shared_read_hints(&control->shared, control->hints, &nr))
		bellows_sweep_hear_hints(control->hints, nr);
}

/* Reads what the host wants; nothing when there is no host to want it. */
static void bellows_control_listen(struct bellows_control *control)
{
	struct bellows_registration *registration = &control->registration;
	struct bellows_wish wish;

	switch (registration->state) {
	case BELLOWS_HOST_PRESENT:
		if (!bellows_shared_read(&control->shared, &wish))
			break;
		if (wish.request & BELLOWS_REQ_LEAVING)
			bellows_registration_lose(registration, false);
		/* A new host has not thought of us yet: the old wish stands. */
		else if (wish.reason != BELLOWS_REASON_NONE)
			control->wish = wish;
		break;
	case BELLOWS_HOST_LOST:
		break;
	case BELLOWS_HOST_ABSENT:
	case BELLOWS_HOST_UNAVAILABLE:
		control->wish = (struct bellows_wish){};
		break;
	}
	bellows_victims_hear(control->wish.request);
	bellows_control_listen_hints(control);
}

/* What the host's agent wants. While it is lost, nothing more than it got. */
static u64 bellows_control_agents(const struct bellows_control *control)
{
	u64 asked = control->wish.target_pages;

	if (control->registration.state != BELLOWS_HOST_LOST)
		return asked;

	return min_t(u64, asked, bellows_balloon_size(&control->balloon));
}

/*
 * Settles what the balloon works towards, in pages: the larger of what the host's
 * agent and the VMM want, as far as the guest has it to give.
 */
static unsigned long bellows_control_decide(struct bellows_control *control)
{
	unsigned long total = bellows_balloon_total(&control->balloon);
	unsigned long floor = READ_ONCE(control->floor_pages);
	unsigned long most = total > floor ? total - floor : 0;
	unsigned long device = READ_ONCE(control->device_pages);
	u64 agent = bellows_control_agents(control);
	u64 asked = max_t(u64, agent, device);
	unsigned long wanted = min_t(u64, asked, most);
	enum bellows_target_source source;

	if (asked == 0)
		source = BELLOWS_TARGET_NONE;
	else if (asked > wanted)
		source = BELLOWS_TARGET_FLOOR;
	else if (device > agent)
		source = BELLOWS_TARGET_VIRTIO;
	else
		source = BELLOWS_TARGET_AGENT;

	if (wanted != control->target_pages || source != control->source)
		trace_bellows_target(asked, wanted,
				     bellows_balloon_size(&control->balloon),
				     source, control->wish.reason);
	WRITE_ONCE(control->target_pages, wanted);
	WRITE_ONCE(control->source, source);

	return wanted;
}

/*
 * Which node is furthest from what the host wants of it? @sign is 1 to find
 * the one that lacks most, -1 to find the one that has most too much; those in
 * @except do not count. Cuts @pages down to that distance. NUMA_NO_NODE when
 * there is none.
 */
static int bellows_control_node(struct bellows_control *control, int sign,
				const nodemask_t *except, unsigned long *pages)
{
	s64 distance, furthest = 0;
	int nid, node = NUMA_NO_NODE;

	/* The VMM has no wishes for nodes, and more than the agent wants goes. */
	if (sign > 0 && control->device_pages > control->wish.target_pages)
		return NUMA_NO_NODE;

	for (nid = 0; nid < control->wish.nr_nodes; nid++) {
		if (node_isset(nid, *except))
			continue;
		distance = control->wish.node_target_pages[nid];
		distance -= bellows_balloon_node_size(&control->balloon, nid);
		if (distance * sign > furthest) {
			furthest = distance * sign;
			node = nid;
		}
	}
	if (node != NUMA_NO_NODE)
		*pages = min_t(u64, *pages, furthest);

	return node;
}

/*
 * The agent has no use for other memory than what lies in the ranges it named, and
 * nobody else wants any.
 */
static bool bellows_control_is_choosy(struct bellows_control *control)
{
	return control->wish.nr_wanted &&
	       control->wish.reason == BELLOWS_REASON_NODE &&
	       READ_ONCE(control->device_pages) <=
		       bellows_balloon_size(&control->balloon);
}

/*
 * One step towards @wanted, from where the host wants it. Returns false when
 * there is no point in another one.
 */
static bool bellows_control_step(struct bellows_control *control,
				 struct bellows_inflation *inflation,
				 unsigned long wanted, nodemask_t *exhausted)
{
	struct bellows_wanted *list = &control->wanted;
	unsigned long got;
	int node;

	if (bellows_wanted_begin(list, &control->wish) &&
	    ++inflation->lists > BELLOWS_LISTS_MAX)
		return false;
	if (!list->done) {
		bellows_inflation_step_wanted(inflation, wanted, list,
					      &control->wish);
		return !list->done || !bellows_control_is_choosy(control);
	}

	node = bellows_control_node(control, 1, exhausted, &wanted);
	/* What the host wants of one node it does not want of others. */
	if (node == NUMA_NO_NODE && !nodes_empty(*exhausted))
		return false;
	got = bellows_inflation_step(inflation, wanted, node);
	if (got == 0 && node != NUMA_NO_NODE)
		node_set(node, *exhausted);

	return got || node != NUMA_NO_NODE;
}

/* Why no inflation shall be tried now. */
static bool bellows_control_waits(struct bellows_control *control)
{
	if (control->holds_off && time_before(jiffies, control->retry_at))
		return true;
	if (bellows_control_recovers(control)) {
		control->is_short = true;
		return true;
	}

	if (!bellows_control_is_choosy(control) || !control->wanted.done ||
	    control->wanted.id != control->wish.wanted_id)
		return false;

	/* Nothing is left in the ranges that it named: others will follow. */
	control->is_short = false;
	return true;
}

static void bellows_control_inflate(struct bellows_control *control,
				    unsigned long wanted)
{
	nodemask_t exhausted = NODE_MASK_NONE;
	struct bellows_inflation inflation;
	unsigned long size;
	bool more, is_short;

	if (bellows_control_waits(control))
		return;

	size = bellows_balloon_size(&control->balloon);
	bellows_inflation_begin(&inflation, &control->balloon,
				&control->registration, wanted - size);
	do {
		more = bellows_control_step(control, &inflation, wanted - size,
					    &exhausted);
		size = bellows_balloon_size(&control->balloon);
		/* The host may have changed its mind in the meantime. */
		bellows_control_listen(control);
		bellows_control_listen_device(control);
		bellows_control_tell_device(control);
		wanted = bellows_control_decide(control);
	} while (more && size < wanted && !READ_ONCE(control->stopped));
	bellows_inflation_end(&inflation);

	control->holds_off = inflation.hopeless;
	control->retry_at = jiffies + msecs_to_jiffies(BELLOWS_HOLD_OFF_MS);
	/* Of other ranges it may have plenty. */
	is_short = size < wanted && !bellows_control_is_choosy(control);
	if (is_short && !control->is_short)
		bellows_count(BELLOWS_SHORT_EVENTS, 1);
	control->is_short = is_short;
}

/* Gives back what the host granted, from the nodes that have too much first. */
static unsigned long bellows_control_give_back(struct bellows_control *control,
					       unsigned long granted)
{
	const nodemask_t nodes_none = NODE_MASK_NONE;
	unsigned long pages, got, done = 0;
	int node;

	while (done < granted) {
		pages = granted - done;
		node = bellows_control_node(control, -1, &nodes_none, &pages);
		got = bellows_balloon_deflate(&control->balloon, pages, node);
		if (got == 0)
			break;
		done += got;
	}

	return done;
}

static void bellows_control_deflate(struct bellows_control *control,
				    unsigned long wanted)
{
	struct bellows_registration *registration = &control->registration;
	unsigned long surplus, got = 0;
	u64 started_ns = ktime_get_ns();
	long granted;

	surplus = bellows_balloon_size(&control->balloon) - wanted;

	/*
	 * The host may take its hostmem lock for GRANT, and hostmem comes
	 * before vmem everywhere: a guest that asked under vmem would hold it
	 * for as long as the host takes to find the memory.
	 */
	lockdep_assert_not_held(&control->balloon.vmem);
	mutex_lock(&control->accord);
	if (registration->state == BELLOWS_HOST_PRESENT)
		granted = bellows_registration_grant(registration, surplus);
	else
		granted = surplus;

	if (granted > 0)
		got = bellows_control_give_back(control, granted);
	mutex_unlock(&control->accord);
	trace_bellows_deflate(surplus, granted, got,
			      ktime_get_ns() - started_ns);
}

/* Time until the worker looks again by itself. */
static unsigned int bellows_control_period(void)
{
	if (bellows_victims_unfinished())
		return BELLOWS_PERIOD_UNFINISHED_MS;

	return bellows_victims_in_need() ? BELLOWS_PERIOD_SHORT_MS :
					   BELLOWS_PERIOD_MS;
}

static void bellows_control_work(struct work_struct *work)
{
	struct bellows_control *control =
		container_of(work, struct bellows_control, work.work);
	unsigned long size, wanted;

	if (READ_ONCE(control->stopped))
		return;

	if (bellows_relief_due(control))
		bellows_control_relieve(control, BELLOWS_RELIEF_PAGES);
	bellows_control_maintain(control);
	bellows_control_listen(control);
	bellows_control_listen_device(control);
	wanted = bellows_control_decide(control);
	size = bellows_balloon_size(&control->balloon);

	if (size >= wanted) {
		control->is_short = false;
		control->holds_off = false;
	}
	if (size < wanted)
		bellows_control_inflate(control, wanted);
	else if (size > wanted)
		bellows_control_deflate(control, wanted);

	bellows_control_tell_device(control);
	bellows_control_report(control);
	if (bellows_relief_watches(control))
		bellows_strain_watch(&control->strain);
	else
		bellows_strain_stop(&control->strain);
	queue_delayed_work(control->queue, &control->work,
			   msecs_to_jiffies(bellows_control_period()));
}

/**
 * bellows_control_kick() - have the worker run now
 * @control: the guest's side
 *
 * Context: Any, interrupts too.
 */
void bellows_control_kick(struct bellows_control *control)
{
	if (!READ_ONCE(control->stopped))
		mod_delayed_work(control->queue, &control->work, 0);
}

static void bellows_control_ring(void *data)
{
	bellows_control_kick(data);
}

/**
 * bellows_control_init() - everything but the first run of the worker
 * @control: zeroed, filled in
 * @link: the way to the host
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_control_init(struct bellows_control *control,
			 const struct bellows_link_ops *link)
{
	int ret = -ENOMEM;

	control->stopped = true;
	bellows_movable_init(control);
	mutex_init(&control->accord);
	lockdep_set_class_and_name(&control->accord, &bellows_accord_class,
				   "accord");
	INIT_DELAYED_WORK(&control->work, bellows_control_work);
	bellows_strain_init(&control->strain, bellows_control_ring, control);

	control->report = kzalloc(sizeof(*control->report), GFP_KERNEL);
	if (!control->report)
		return -ENOMEM;

	control->queue = alloc_ordered_workqueue("bellows_guest", WQ_FREEZABLE);
	if (!control->queue)
		goto free_report;

	ret = bellows_balloon_init(&control->balloon);
	if (ret)
		goto destroy_queue;
	control->floor_pages = bellows_balloon_total(&control->balloon);
	control->floor_pages =
		min(max_t(unsigned long, BELLOWS_FLOOR_PAGES,
			  control->floor_pages / BELLOWS_FLOOR_FRACTION),
		    control->floor_pages);

	ret = bellows_shared_init(&control->shared);
	if (ret)
		goto free_balloon;

	ret = bellows_registration_init(&control->registration, link,
					&control->shared);
	if (ret)
		goto free_shared;

	ret = bellows_doorbell_init(&control->doorbell, &control->shared,
				    bellows_control_ring, control);
	if (ret == 0)
		control->registration.offered |= BELLOWS_F_DOORBELL;
	else
		pr_notice("no doorbell (error %d), looking once a second\n",
			  ret);

	return 0;

free_shared:
	bellows_shared_exit(&control->shared);
free_balloon:
	bellows_balloon_exit(&control->balloon);
destroy_queue:
	destroy_workqueue(control->queue);
free_report:
	kfree(control->report);

	return ret;
}

/**
 * bellows_control_exit() - give all memory back and free everything
 * @control: stopped
 *
 * Context: May sleep.
 */
void bellows_control_exit(struct bellows_control *control)
{
	bellows_balloon_exit(&control->balloon);
	bellows_doorbell_exit(&control->doorbell);
	bellows_registration_exit(&control->registration);
	bellows_shared_exit(&control->shared);
	destroy_workqueue(control->queue);
	kfree(control->report);
}

/**
 * bellows_control_start() - let the worker run
 * @control: initialized and not started, or stopped
 *
 * Context: May sleep.
 */
void bellows_control_start(struct bellows_control *control)
{
	WRITE_ONCE(control->stopped, false);
	bellows_control_kick(control);
}

/**
 * bellows_control_stop() - stop the worker and leave the host
 * @control: started. Afterwards the host neither writes to our memory nor
 *	rings, and counts what it was given as taken back; the pool is as it was.
 *
 * Context: May sleep. Not under vmem.
 */
void bellows_control_stop(struct bellows_control *control)
{
	WRITE_ONCE(control->stopped, true);
	bellows_doorbell_disable(&control->doorbell);
	cancel_delayed_work_sync(&control->work);
	bellows_strain_stop(&control->strain);
	bellows_doorbell_enable(&control->doorbell);
	mutex_lock(&control->accord);
	bellows_registration_leave(&control->registration);
	mutex_unlock(&control->accord);
}
