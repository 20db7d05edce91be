// SPDX-License-Identifier: GPL-2.0
/*
 * The reclaim agent. A kernel thread that, in each round, looks at the host's
 * free memory and at what every guest says of itself, has a plan made
 * (policy.c), writes the targets into the shared pages, and rings the guests
 * concerned. It never waits for a guest: what was asked is seen, or missed, in a
 * later round.
 *
 * It looks often when memory is short or falls fast or guests have balloons, and
 * seldom when all is calm.
 */
#define pr_fmt(fmt) "bellows_host: " fmt

#include <linux/err.h>
#include <linux/hrtimer.h> /* for wait.h */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "agent.h"
#include "alarm.h"
#include "cgroup.h"
#include "hostmem.h"
#include "policy.h"
#include "policy_cgroup.h"
#include "policy_place.h"
#include "policy_poll.h"
#include "residence.h"
#include "trace.h"
#include "vmem.h"

/* While there are balloons: a guest may begin to miss what it gave. */
#define POLL_BALLOONS_MS 20

struct bellows_agent_settings bellows_agent_settings = {
	.enabled = true,
	.poll_min_ms = 5,
	.poll_max_ms = 1000,
};

/**
 * struct agent - what the agent's thread works with
 * @task: the thread
 * @wait: where it sleeps
 * @kicked: it shall look at once
 * @state: the planner's memory. Protected by bellows_hostmem_lock.
 * @result: the last plan. Only the thread.
 * @vmems: guests in this round, without references: bellows_hostmem_lock, held
 *	all the while, keeps them. Only the thread.
 * @guests: the same, as the planner wants them. Only the thread.
 * @nr: how many. Only the thread.
 * @capacity: room in @vmems and @guests. Only the thread.
 * @short_now: the last plan found the host short. Only the thread.
 * @move: the guest that had better go elsewhere, with a reference; NULL when
 *	there is none. Only the thread.
 */
static struct agent {
	struct task_struct *task;
	wait_queue_head_t wait;
	bool kicked;
	struct policy_state state;
	struct policy_result result;
	struct bellows_vmem **vmems;
	struct policy_guest **guests;
	unsigned int nr;
	unsigned int capacity;
	bool short_now;
	struct bellows_vmem *move;
} agent;

/* Room for @capacity guests; not under bellows_hostmem_lock: it allocates. */
static int make_room(unsigned int capacity)
{
	struct bellows_vmem **vmems;
	struct policy_guest **guests;

	vmems = kvcalloc(capacity, sizeof(*vmems), GFP_KERNEL);
	guests = kvcalloc(capacity, sizeof(*guests), GFP_KERNEL);
	if (!vmems || !guests) {
		kvfree(vmems);
		kvfree(guests);
		return -ENOMEM;
	}
	kvfree(agent.vmems);
	kvfree(agent.guests);
	agent.vmems = vmems;
	agent.guests = guests;
	agent.capacity = capacity;
	return 0;
}

/*
 * Tells the planner where a guest's memory lies. When that is not known, what it
 * has counts as spread evenly over the host's nodes.
 */
static void describe_places(struct bellows_vmem *vmem)
{
	const struct policy_place *place = bellows_residence_place(vmem);
	struct policy_guest *guest = &vmem->policy;
	int node;

	if (place) {
		policy_place_apply(place, vmem->report.nr_nodes, guest);
		return;
	}
	guest->nr_bound = 0;
	for_each_online_node(node)
		if (node < POLICY_NODES_MAX)
			guest->node_resident_pages[node] = div_u64(
				guest->resident_pages, num_online_nodes());
}

/* Tells the planner of the memory cgroups that a VM is in. */
static void describe_cgroups(struct bellows_vmem *vmem)
{
	struct policy_cgroup cgroups[POLICY_CGROUPS_MAX];
	struct policy_guest *guest = &vmem->policy;
	unsigned int nr = 0;
	s64 growth = 0;

	lockdep_assert_held(&bellows_hostmem_lock);

	/* Explicit huge pages are charged nowhere. */
	if (!bellows_vmem_hugetlb_pages(vmem))
		nr = bellows_cgroups_look(vmem->mm, cgroups,
					  POLICY_CGROUPS_MAX);
	policy_cgroup_apply(cgroups, nr,
			    bellows_settings.cgroup_margin_permille, guest);
	if (nr)
		growth = policy_trend(&vmem->cgroup_usage, ktime_get_ns(),
				      guest->cgroup_usage_pages);
	guest->cgroup_growth_pages = max_t(s64, growth, 0);
}

/* Checks that what it gave since the last look is there now. */
static void check_arrival(struct bellows_vmem *vmem)
{
	struct policy_arrival *arrival = &vmem->arrival;
	const struct policy_guest *guest = &vmem->policy;
	u64 given = arrival->given_pages, arrived;

	lockdep_assert_held(&bellows_hostmem_lock);

	arrived = policy_arrival_look(arrival, ktime_get_ns(),
				      guest->size_pages, guest->resident_pages);
	given = arrival->given_pages - given;
	bellows_count(BELLOWS_ARRIVED_PAGES, arrived);
	if (given || arrived)
		trace_bellows_arrival(vmem, given, arrived,
				      arrival->owed_pages);
}

/* Tells the planner what is known of one guest now. */
static bool describe_guest(struct bellows_vmem *vmem)
{
	struct policy_guest *guest = &vmem->policy;
	bool present;

	mutex_lock(&vmem->lock);
	bellows_vmem_refresh(vmem);
	present = vmem->state == BELLOWS_VMEM_PRESENT;
	vmem->plan_report = vmem->report;
	guest->report = vmem->report_ns ? &vmem->plan_report : NULL;
	guest->features = vmem->features;
	guest->size_pages = vmem->size_pages;
	vmem->plan_ended_pages = vmem->ended_pages;
	guest->resident_pages = bellows_vmem_rss_pages(vmem);
	describe_places(vmem);
	mutex_unlock(&vmem->lock);

	check_arrival(vmem);
	describe_cgroups(vmem);
	return present;
}

/* Fills agent.guests; the number of guests there are, which may be more. */
static unsigned int gather_guests(void)
{
	struct bellows_vmem *vmem;
	unsigned int found = 0;

	lockdep_assert_held(&bellows_hostmem_lock);

	agent.nr = 0;
	list_for_each_entry(vmem, &bellows_guests, guests_node) {
		found++;
		if (agent.nr == agent.capacity || !describe_guest(vmem))
			continue;
		agent.vmems[agent.nr] = vmem;
		agent.guests[agent.nr++] = &vmem->policy;
	}
	return found;
}

/*
 * What guests are giving just now, or gave since they were looked at: of that
 * nobody knows how much is free already, and none of it is in their sizes.
 */
static void note_arriving(void)
{
	unsigned int i;

	lockdep_assert_held(&bellows_hostmem_lock);

	for (i = 0; i < agent.nr; i++)
		agent.guests[i]->arriving_pages =
			READ_ONCE(agent.vmems[i]->begun_pages) -
			agent.vmems[i]->plan_ended_pages;
}

/* The host's nodes that memory of a guest is wanted of, by ranges; a bit each. */
static u32 wanted_nodes(struct bellows_vmem *vmem)
{
	const struct policy_guest *guest = &vmem->policy;
	unsigned int node;
	u32 nodes = 0;

	/* Of one that is bound to nodes whole nodes are wanted. */
	if (guest->nr_bound || !(vmem->features & BELLOWS_F_WANTED) ||
	    guest->target_pages <= guest->size_pages ||
	    !bellows_residence_place(vmem))
		return 0;
	for (node = 0; node < POLICY_NODES_MAX; node++)
		if (guest->host_node_take_pages[node])
			nodes |= 1U << node;
	return nodes;
}

/*
 * Settles where the balloon shall grow. True when the guest has to be told, as it
 * has done what it was told before.
 */
static bool choose_places(struct bellows_vmem *vmem, u64 now_ns)
{
	const struct bellows_residence *residence = &vmem->residence;
	const struct policy_guest *guest = &vmem->policy;
	struct policy_wanted *wanted = &vmem->wanted;
	u32 nodes;

	lockdep_assert_held(&bellows_hostmem_lock);
	lockdep_assert_held(&vmem->lock);

	bellows_vmem_set_places(vmem, guest->nr_nodes,
				guest->node_target_pages);
	nodes = wanted_nodes(vmem);
	if (!nodes) {
		wanted->nodes = 0;
		wanted->nr = 0;
		return false;
	}
	if (!policy_wanted_due(wanted, nodes, now_ns, vmem->size_pages,
			       vmem->report.wanted_id))
		return false;
	policy_wanted_make(wanted, residence->extents, residence->nr_extents,
			   residence->map, nodes, now_ns, vmem->size_pages);
	return wanted->nr;
}

/* Writes a guest's part of the plan, if it changed; lists it for the doorbell. */
static void tell_guest(struct bellows_vmem *vmem, u32 request, u64 now_ns,
		       struct list_head *ring)
{
	const struct policy_guest *guest = &vmem->policy;
	u64 target = guest->target_pages;
	bool moved, written = false;

	/* A cgroup that is full stops its VM, however much the host has. */
	if (guest->reason == POLICY_REASON_CGROUP)
		request |= BELLOWS_REQ_SWEEP | BELLOWS_REQ_DISTRESS;

	mutex_lock(&vmem->lock);
	moved = choose_places(vmem, now_ns);
	/* It has nothing there, and what it has elsewhere is of no use. */
	if (vmem->wanted.nodes && !vmem->wanted.nr &&
	    guest->abi_reason == BELLOWS_REASON_NODE)
		target = min(target, vmem->size_pages + guest->arriving_pages);
	moved |= target != vmem->target_pages;
	if (moved || request != vmem->request)
		written = bellows_vmem_set_target(vmem, target,
						  guest->abi_reason, request);
	mutex_unlock(&vmem->lock);

	if (moved && written) {
		kref_get(&vmem->ref);
		list_add_tail(&vmem->ring_node, ring);
	}
}

static void note_shortage(const struct policy_host *host)
{
	bool short_now = agent.result.mode == POLICY_MODE_SHORT ||
			 agent.result.mode == POLICY_MODE_EMERGENCY;

	if (short_now != agent.short_now)
		bellows_hostmem_short(short_now ? host->now_ns : 0);
	agent.short_now = short_now;
}

static bool any_balloon(void)
{
	unsigned int i;

	for (i = 0; i < agent.nr; i++)
		if (agent.guests[i]->size_pages)
			return true;
	return false;
}

/* How long to sleep, in ms, after a look at @host. */
static u32 next_poll_ms(const struct policy_host *host)
{
	u32 least = bellows_agent_settings.poll_min_ms;
	u32 most = bellows_agent_settings.poll_max_ms;
	unsigned int i;
	u32 ms;

	lockdep_assert_held(&bellows_hostmem_lock);

	ms = policy_poll_ms(&bellows_settings, host, &agent.result, least,
			    most);
	for (i = 0; i < agent.nr && ms > least; i++)
		ms = min(ms,
			 policy_poll_guest_ms(&bellows_settings,
					      agent.guests[i], least, most));
	if (any_balloon())
		ms = min_t(u32, ms, POLL_BALLOONS_MS);
	return max(ms, least);
}

/* One look, one plan. The doorbells are left to ring when the lock is dropped. */
static u32 plan(unsigned int *found, struct list_head *ring)
{
	struct policy_host host;
	u32 request = 0, ms;
	unsigned int i;

	mutex_lock(&bellows_hostmem_lock);
	/*
	 * The host after its guests: what a guest gives in between is then free and
	 * still on its way, and looks like too much for one round. The other way
	 * round it would be neither, and be asked for once more.
	 */
	*found = gather_guests();
	bellows_hostmem_sample(&host);
	note_arriving();
	if (!bellows_agent_settings.enabled) {
		agent.result.missing_pages = 0;
		ms = bellows_agent_settings.poll_max_ms;
		goto unlock;
	}

	policy_plan(&bellows_settings, &host, &agent.state, agent.guests,
		    agent.nr, &agent.result);
	note_shortage(&host);
	if (agent.result.sweep)
		request |= BELLOWS_REQ_SWEEP;
	if (agent.result.distress)
		request |= BELLOWS_REQ_DISTRESS;
	for (i = 0; i < agent.nr; i++)
		tell_guest(agent.vmems[i], request, host.now_ns, ring);
	if (agent.result.move != POLICY_NOBODY) {
		agent.move = agent.vmems[agent.result.move];
		kref_get(&agent.move->ref);
	}
	trace_bellows_plan(&host, &agent.result, agent.nr);
	ms = next_poll_ms(&host);
unlock:
	mutex_unlock(&bellows_hostmem_lock);
	return ms;
}

/* Says who should go when the guests cannot give what is needed. */
static void raise_alarm(void)
{
	if (!agent.move) {
		if (!agent.result.missing_pages)
			bellows_alarm_met();
		return;
	}
	bellows_alarm_missing(&agent.move->identity, agent.result.missing_pages,
			      agent.result.missing_node);
	bellows_vmem_put(agent.move);
	agent.move = NULL;
}

static u32 agent_round(void)
{
	struct bellows_vmem *vmem, *next;
	LIST_HEAD(ring);
	unsigned int found;
	u32 ms;

	ms = plan(&found, &ring);
	list_for_each_entry_safe(vmem, next, &ring, ring_node) {
		list_del_init(&vmem->ring_node);
		bellows_vmem_ring(vmem);
		bellows_vmem_put(vmem);
	}
	raise_alarm();
	/* Those that found no room are planned for from the next round on. */
	if (found > agent.capacity && make_room(found * 2) == 0)
		ms = 0;
	return ms;
}

static int agent_thread(void *unused)
{
	while (!kthread_should_stop()) {
		u32 ms;

		WRITE_ONCE(agent.kicked, false);
		ms = agent_round();
		wait_event_interruptible_hrtimeout(
			agent.wait,
			READ_ONCE(agent.kicked) || kthread_should_stop(),
			ms_to_ktime(ms));
	}
	return 0;
}

/**
 * bellows_agent_kick() - have the agent look at once
 *
 * Context: any.
 */
void bellows_agent_kick(void)
{
	WRITE_ONCE(agent.kicked, true);
	wake_up(&agent.wait);
}

/**
 * bellows_agent_target_by_hand() - the operator sets a guest's target
 * @vmem: the guest
 * @pages: the target; the agent leaves this guest alone from now on
 *
 * Context: may sleep; takes bellows_hostmem_lock and the guest's.
 */
void bellows_agent_target_by_hand(struct bellows_vmem *vmem, u64 pages)
{
	struct policy_guest_settings *settings = &vmem->policy.settings;
	bool written;

	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	settings->manual = true;
	settings->manual_target_pages = pages;
	bellows_vmem_set_places(vmem, 0, NULL);
	vmem->wanted.nr = 0;
	written = bellows_vmem_set_target(vmem, pages, BELLOWS_REASON_MANUAL,
					  vmem->request);
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	if (written)
		bellows_vmem_ring(vmem);
}

/**
 * bellows_agent_target_auto() - the operator leaves a guest to the agent again
 * @vmem: the guest; its balloon stays as it is until the agent moves it
 *
 * Context: may sleep; takes bellows_hostmem_lock and the guest's.
 */
void bellows_agent_target_auto(struct bellows_vmem *vmem)
{
	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	vmem->policy.settings.manual = false;
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	bellows_agent_kick();
}

/**
 * bellows_agent_limit_target() - the operator bounds a guest's target
 * @vmem: the guest
 * @pages: no target, by hand or not, is above this from now on
 *
 * Context: may sleep; takes bellows_hostmem_lock and the guest's.
 */
void bellows_agent_limit_target(struct bellows_vmem *vmem, u64 pages)
{
	bool written = false;

	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	vmem->policy.settings.target_max_pages = pages;
	if (vmem->target_pages > pages)
		written = bellows_vmem_set_target(vmem, pages, vmem->reason,
						  vmem->request);
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	if (written)
		bellows_vmem_ring(vmem);
}

/**
 * bellows_agent_start() - start the agent
 *
 * Context: module init; may sleep.
 * Return: 0, or a negative error.
 */
int bellows_agent_start(void)
{
	int error;

	init_waitqueue_head(&agent.wait);
	error = make_room(16);
	if (error)
		return error;
	agent.task = kthread_run(agent_thread, NULL, "bellows_agent");
	if (IS_ERR(agent.task)) {
		kvfree(agent.vmems);
		kvfree(agent.guests);
		return PTR_ERR(agent.task);
	}
	return 0;
}

/**
 * bellows_agent_stop() - stop the agent; targets stay as they are
 *
 * Context: module exit; may sleep.
 */
void bellows_agent_stop(void)
{
	kthread_stop(agent.task);
	kvfree(agent.vmems);
	kvfree(agent.guests);
}
