/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The planner of the reclaim agent: who gives how much memory, and who gets
 * some back. Pure: numbers in, plan out. It takes no lock, allocates nothing,
 * reads no clock, and runs in user space as well as in the kernel.
 *
 * How a plan is made. Every guest's report is a curve of what one more page
 * costs it: free pages next to nothing, then the pages of class (0,0), (0,1),
 * (1,0), (1,1), in each class the older before the younger. A guest's curve is
 * scaled by its weight, its sensitivity, its pressure and by how far it is over
 * its share. The planner looks for the price at which all guests together give
 * what the host needs, so the cheapest pages of the whole host go first. What
 * bounds a guest (floor, step, hold time, ...) bounds its curve.
 *
 * All sizes are in pages of 4096 bytes, at most POLICY_PAGES_MAX each; larger
 * values count as POLICY_PAGES_MAX. Times are in ns unless a name says
 * otherwise. Shares of a thousand are called permille.
 *
 * User space includes tests/unit/kernel_shim.h first.
 */
#ifndef _BELLOWS_POLICY_H
#define _BELLOWS_POLICY_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/types.h>
#endif

#include <bellows/abi.h>

#include "policy_settings.h"

/* Nodes of the host that are told apart. */
#define POLICY_NODES_MAX 8
/* 4 PiB. */
#define POLICY_PAGES_MAX BIT_ULL(40)
/* Entries of a curve: free pages, then each class and age. */
#define POLICY_BUCKETS (1 + BELLOWS_CLASSES * BELLOWS_AGES)
/* No node of the host, or none in particular. */
#define POLICY_NODE_ANY (-1)
/* &policy_result.move: nobody has to be moved. */
#define POLICY_NOBODY (-1)

/**
 * enum policy_reason - why a guest's target is what it is
 *
 * @POLICY_REASON_KEEP: Nothing to do: the balloon stays as large as it is.
 * @POLICY_REASON_RESERVE: It grows: the host is below its reserve.
 * @POLICY_REASON_NODE: It grows: a node of the host is below its reserve.
 * @POLICY_REASON_CGROUP: It grows: the VM is short in its memory cgroup.
 * @POLICY_REASON_LIMIT: It grows: the guest is above its limit.
 * @POLICY_REASON_GIVE_BACK: It shrinks: the host has memory to give.
 * @POLICY_REASON_PRESSURE: It shrinks: the guest thrashes or stalls.
 * @POLICY_REASON_BUFFER: It shrinks: too little is available in the guest.
 * @POLICY_REASON_FLOOR: It shrinks: it reaches below the guest's floor.
 * @POLICY_REASON_MANUAL: The operator set it.
 * @POLICY_REASON_EXEMPT: The guest is exempt: no balloon.
 * @POLICY_REASON_COUNT: One past the last.
 */
enum policy_reason {
	POLICY_REASON_KEEP,
	POLICY_REASON_RESERVE,
	POLICY_REASON_NODE,
	POLICY_REASON_CGROUP,
	POLICY_REASON_LIMIT,
	POLICY_REASON_GIVE_BACK,
	POLICY_REASON_PRESSURE,
	POLICY_REASON_BUFFER,
	POLICY_REASON_FLOOR,
	POLICY_REASON_MANUAL,
	POLICY_REASON_EXEMPT,
	POLICY_REASON_COUNT,
};

/**
 * enum policy_bound - what kept a guest from being asked for more
 *
 * @POLICY_BOUND_NONE: Nothing did; what it was asked for is its part.
 * @POLICY_BOUND_PRICE: Nothing did, but all its pages are dearer than what
 *	others have.
 * @POLICY_BOUND_FLOOR: Its floor, its largest target, or no page is left that
 *	it could give.
 * @POLICY_BOUND_STEP: The step for one interval, or the rate.
 * @POLICY_BOUND_HOLD: It was given memory a moment ago.
 * @POLICY_BOUND_STALE: It never reported, or long ago.
 * @POLICY_BOUND_SHORT: It says that it cannot give more for now.
 * @POLICY_BOUND_STUCK: It was asked and did not deliver: set aside for a while.
 * @POLICY_BOUND_WORTHLESS: Its balloon grew, the host got nothing: set aside.
 * @POLICY_BOUND_PRESSURE: It is under pressure now.
 * @POLICY_BOUND_BACKOFF: It was under pressure; its balloon may grow slowly.
 * @POLICY_BOUND_STRESS: Enough others are under stress already.
 * @POLICY_BOUND_BUDGET: The swap I/O of all guests reached its budget.
 * @POLICY_BOUND_BUFFER: It has less available than its buffer and is given
 *	some, or it falls so fast that it soon will have.
 * @POLICY_BOUND_EXEMPT: It is exempt, or its target is set by hand.
 * @POLICY_BOUND_COUNT: One past the last.
 */
enum policy_bound {
	POLICY_BOUND_NONE,
	POLICY_BOUND_PRICE,
	POLICY_BOUND_FLOOR,
	POLICY_BOUND_STEP,
	POLICY_BOUND_HOLD,
	POLICY_BOUND_STALE,
	POLICY_BOUND_SHORT,
	POLICY_BOUND_STUCK,
	POLICY_BOUND_WORTHLESS,
	POLICY_BOUND_PRESSURE,
	POLICY_BOUND_BACKOFF,
	POLICY_BOUND_STRESS,
	POLICY_BOUND_BUDGET,
	POLICY_BOUND_BUFFER,
	POLICY_BOUND_EXEMPT,
	POLICY_BOUND_COUNT,
};

/**
 * enum policy_mode - what the host as a whole is doing
 *
 * @POLICY_MODE_CALM: Between reserve and give-back: balloons stay.
 * @POLICY_MODE_SHORT: The host or one of its nodes is below its reserve.
 * @POLICY_MODE_EMERGENCY: It is below its minimum: buffers, hold times and the
 *	finer bounds give way; floors do not.
 * @POLICY_MODE_GIVE_BACK: Balloons shrink.
 */
enum policy_mode {
	POLICY_MODE_CALM,
	POLICY_MODE_SHORT,
	POLICY_MODE_EMERGENCY,
	POLICY_MODE_GIVE_BACK,
};

/**
 * struct policy_host_node - one NUMA node of the host
 * @total_pages: its memory; 0 when it has none (it is left out then)
 * @free_pages: free now
 * @falling_pages: by how much that falls in a second at its present rate
 * @reserve_pages: shall be free; 0 for its part of the host's reserve
 */
struct policy_host_node {
	u64 total_pages;
	u64 free_pages;
	u64 falling_pages;
	u64 reserve_pages;
};

/**
 * struct policy_host - the host now
 * @now_ns: a clock that never goes back
 * @total_pages: its memory
 * @free_pages: free
 * @promised_pages: granted to guests and perhaps not touched yet: about to go
 * @falling_pages: by how much free memory fell in the last second, 0 if it rose
 * @swapping_pages: what it swaps in and out in a second
 * @nr_nodes: entries of @node in use, 0 or 1 when nodes make no difference
 * @node: its nodes; the index is the node's number for &policy_guest
 */
struct policy_host {
	u64 now_ns;
	u64 total_pages;
	u64 free_pages;
	u64 promised_pages;
	u64 falling_pages;
	u64 swapping_pages;
	u32 nr_nodes;
	struct policy_host_node node[POLICY_NODES_MAX];
};

/**
 * struct policy_state - what the planner remembers of the host
 * @last_ns: time of the last plan, 0 before the first
 * @give_ns: time of the last give-back
 * @missing_ns: since when the need cannot be met, 0 when it can
 * @budget_pages: swap I/O that may still be caused; below 0 is debt
 * @charged_pages: swap I/O charged when it was asked for, not yet seen
 * @reclaiming: reclaim began and did not reach its aim yet
 * @node_reclaiming: the same for each node, a bit each
 *
 * All zero at the start. The caller keeps it and looks at nothing in it.
 */
struct policy_state {
	u64 last_ns;
	u64 give_ns;
	u64 missing_ns;
	s64 budget_pages;
	u64 charged_pages;
	bool reclaiming;
	u32 node_reclaiming;
};

/**
 * struct policy_guest_state - what the planner remembers of a guest
 * @last_ns: time of the last plan that had it
 * @seen_ns: host time at which the report's timestamp last moved, 0 for never
 * @timestamp_ns: that timestamp
 * @base_ns: timestamp of the report that rates are measured from
 * @faults: refaults, major faults and swapped-in pages then
 * @swap_pages: pages swapped in and out then
 * @stall_ns: stall time then
 * @oom_kills: OOM kills then
 * @unused_pages: available memory and balloon then, together
 * @fall_pages: by how much that falls in a second
 * @pressure_permille: pressure now, 1000 is the threshold
 * @pressure_ns: time that it was under pressure, less the time that it was not
 * @relief_ns: time of the last decrease
 * @cap_pages: largest balloon for now
 * @cap_ns: when @cap_pages was set or last grew
 * @capped: @cap_pages holds
 * @killed: there was an OOM kill since the last plan
 * @mild: the last report was above the threshold, but not by much
 * @refilling: its buffer was too small and is not full again yet
 * @refill_ns: time that it wanted buffer while above its share on a host that
 *	was short, less the time that it did not
 * @take_ns: last time that it was asked for more
 * @give_ns: last time that it was given some back
 * @target_pages: target of the last plan
 * @progress_ns: last time that it delivered, or was asked while it owed nothing
 * @progress_pages: its balloon then
 * @aside_ns: set aside until then, 0 when it is not
 * @aside_count: how many times in a row it was set aside
 * @aside_bound: why (enum policy_bound)
 * @speed_pages: what it delivers in a second; 0 when it keeps up or nothing is
 *	known
 * @speed_ns: when that was last measured
 * @speed_size_pages: balloon then
 * @yield_permille: worth of its balloon to the host: what the host gained for
 *	1000 pages of it; 0 while that cannot be told
 * @stress_ns: since when it is chosen to give dear pages, 0 when it is not
 * @tokens_pages: what the rate lets it be asked for
 * @size_pages: balloon at the last plan
 * @dear_pages: of what the last plan asked, pages that may need I/O
 *
 * All zero when the guest registers. The caller keeps it and may show, but
 * not change, what is in it.
 */
struct policy_guest_state {
	u64 last_ns;
	u64 seen_ns;
	u64 timestamp_ns;
	u64 base_ns;
	u64 faults;
	u64 swap_pages;
	u64 stall_ns;
	u64 oom_kills;
	u64 unused_pages;
	u64 fall_pages;
	u32 pressure_permille;
	u64 pressure_ns;
	u64 relief_ns;
	u64 cap_pages;
	u64 cap_ns;
	bool capped;
	bool killed;
	bool mild;
	bool refilling;
	u64 refill_ns;
	u64 take_ns;
	u64 give_ns;
	u64 target_pages;
	u64 progress_ns;
	u64 progress_pages;
	u64 aside_ns;
	u32 aside_count;
	u32 aside_bound;
	u64 speed_pages;
	u64 speed_ns;
	u64 speed_size_pages;
	u32 yield_permille;
	u64 stress_ns;
	u64 tokens_pages;
	u64 size_pages;
	u64 dear_pages;
};

/**
 * struct policy_work - scratch space of one plan; nothing in it outlives it
 * @sum: pages up to and with each entry of the curve
 * @held: pages that its balloon held before the head of the curve
 * @gone: pages at the head of the curve that were given since the report
 * @total: memory of the guest, balloon and all
 * @used: the same without the balloon
 * @available: available memory in the guest now, as far as is known
 * @buffer: how much of it shall stay so
 * @ahead: how much of it the guest will use before it can be helped
 * @lack: what it should be given back to have its buffer then, too
 * @room: what its floor and its pages let it give in all
 * @allow: what its bounds let it give, but for those on its pace
 * @dear_allow: of @allow, in pages that may need I/O
 * @pace: what it is asked for at a time
 * @dear_pace: of @pace, in pages that may need I/O
 * @own: what it has to give for its own sake (limit, cgroup)
 * @take: what it is asked for
 * @node_take: of @take, what serves the short nodes
 * @headroom: what its memory cgroup lets it be given back
 * @relief: what it is given back whatever the host has
 * @give: what it is given back because the host has it
 * @expect: most that it will deliver soon
 * @got: answer of the last question to policy_level()
 * @untouched: pages that the guest could use and the host does not hold
 * @swap_pages: swap I/O since the last plan
 * @pressure: pressure that is believed, permille of the threshold
 * @price: factor of its curve, 256 for 1
 * @hunger: factor of its claim to memory given back, 256 for 1
 * @part: part of its memory on the node looked at, 1024 for all of it
 * @touched: how many of its free pages take memory from the host, parts in 1024
 * @yield: worth of a page, permille, 100 to 1000
 * @relief_reason: why @relief
 * @fresh: its report is fresh and new numbers count
 * @able: it can be asked, now or after its hold time
 * @over: it uses more than its share
 * @hollow: next to nothing that it could spare takes memory from the host
 * @stressed: it may give dear pages, or is under pressure
 */
struct policy_work {
	u64 sum[POLICY_BUCKETS];
	u64 held;
	u64 gone;
	u64 total;
	u64 used;
	u64 available;
	u64 buffer;
	u64 ahead;
	u64 lack;
	u64 room;
	u64 allow;
	u64 dear_allow;
	u64 pace;
	u64 dear_pace;
	u64 own;
	u64 take;
	u64 node_take;
	u64 headroom;
	u64 relief;
	u64 give;
	u64 expect;
	u64 got;
	u64 untouched;
	u64 swap_pages;
	u32 pressure;
	u32 price;
	u32 hunger;
	u32 part;
	u32 touched;
	u32 yield;
	enum policy_reason relief_reason;
	bool fresh;
	bool able;
	bool over;
	bool hollow;
	bool stressed;
};

/**
 * struct policy_guest - one guest: what is known of it, and its plan
 * @report: the host's own copy of the guest's half of the shared page, read
 *	consistently; %NULL when there is none. Its numbers are claims: the
 *	planner checks them.
 * @features: BELLOWS_F_* settled at HELLO
 * @size_pages: the balloon by the host's account (released less granted)
 * @arriving_pages: what it gives just now: not in @size_pages, and perhaps free
 *	already
 * @resident_pages: what the VM really holds of the host's memory, 0 if unknown
 * @cgroup_limit_pages: limit of the VM's memory cgroup, 0 for none
 * @cgroup_usage_pages: usage there
 * @cgroup_growth_pages: by how much that grows in a second
 * @nr_bound: entries of @host_node that are filled in; 0 for a guest that is
 *	not bound to nodes of the host
 * @host_node: the host node that each guest node is bound to, or
 *	POLICY_NODE_ANY
 * @node_resident_pages: where the VM's pages lie; all 0 if unknown. Looked at
 *	only for a guest that is not bound.
 * @settings: its knobs
 * @state: what the planner remembers of it
 * @target_pages: (out) what its balloon shall hold
 * @nr_nodes: (out) entries of @node_target_pages in use, 0 to leave the choice
 *	to the guest
 * @node_target_pages: (out) what its balloon shall hold of each guest node
 * @host_node_take_pages: (out) how much of it shall come from each host node;
 *	for guests that are not bound: ask for ranges there
 * @reason: (out) why
 * @abi_reason: (out) the same for the shared page
 * @bound: (out) what kept it from being asked for more
 * @floor_pages: (out) memory that the planner leaves it
 * @share_pages: (out) its share of the memory that guests can have
 * @work: scratch space
 */
struct policy_guest {
	const struct bellows_guest_half *report;
	u32 features;
	u64 size_pages;
	u64 arriving_pages;
	u64 resident_pages;
	u64 cgroup_limit_pages;
	u64 cgroup_usage_pages;
	u64 cgroup_growth_pages;
	u32 nr_bound;
	int host_node[BELLOWS_NODES_MAX];
	u64 node_resident_pages[POLICY_NODES_MAX];
	struct policy_guest_settings settings;
	struct policy_guest_state state;

	u64 target_pages;
	u32 nr_nodes;
	u64 node_target_pages[BELLOWS_NODES_MAX];
	u64 host_node_take_pages[POLICY_NODES_MAX];
	enum policy_reason reason;
	enum bellows_reason abi_reason;
	enum policy_bound bound;
	u64 floor_pages;
	u64 share_pages;

	struct policy_work work;
};

/**
 * struct policy_result - the plan as a whole
 * @mode: what the host is doing
 * @need_pages: what the host wants now, and its nodes each for itself
 * @node_need_pages: what each node wants
 * @asked_pages: what guests are asked for over what their balloons hold
 * @given_pages: what they are given back
 * @missing_pages: what cannot be had, however long one waits
 * @missing_node: the node that misses it, POLICY_NODE_ANY for the whole host
 * @move: index of the guest to move elsewhere, or POLICY_NOBODY
 * @nr_asked: guests asked for more
 * @nr_stressed: guests that may give dear pages, or are under pressure
 * @nr_aside: guests set aside
 * @sweep: inflation is likely: ask guests to keep ages (BELLOWS_REQ_SWEEP)
 * @distress: single pages are welcome too (BELLOWS_REQ_DISTRESS)
 */
struct policy_result {
	enum policy_mode mode;
	u64 need_pages;
	u64 node_need_pages[POLICY_NODES_MAX];
	u64 asked_pages;
	u64 given_pages;
	u64 missing_pages;
	int missing_node;
	int move;
	u32 nr_asked;
	u32 nr_stressed;
	u32 nr_aside;
	bool sweep;
	bool distress;
};

/**
 * policy_plan() - make a plan
 * @settings: knobs of the host
 * @host: the host now
 * @state: what the planner remembers of the host
 * @guests: the guests, in any order; each needs its inputs filled in. Guests
 *	that left or died are not among them.
 * @nr: how many, may be 0
 * @result: (out) the plan as a whole; each guest's part is in the guest
 *
 * May be called as often as wanted; steps, rates and hold times go by
 * &policy_host.now_ns. Takes time in proportion to @nr and, when nodes are
 * short, to their number.
 *
 * Context: Any; the caller serialises calls for the same @state and guests.
 * The stack use is small.
 */
void policy_plan(const struct policy_settings *settings,
		 const struct policy_host *host, struct policy_state *state,
		 struct policy_guest *guests[], unsigned int nr,
		 struct policy_result *result);

/**
 * policy_grant() - how much a guest may take back now
 * @settings: knobs of the host
 * @host: the host now; @promised_pages counts
 * @guest: the guest; its inputs and the last plan's @target_pages are read
 * @asked_pages: what it asks for
 *
 * Above the reserve everything is granted. Below it, what the guest was told to
 * take, or half of what lies above the minimum if it was not told. Never what
 * would bring the host below its minimum, the VM into its cgroup's limit, or
 * the guest above its own.
 *
 * Context: Any; changes nothing.
 * Return: pages, 0 to @asked_pages.
 */
u64 policy_grant(const struct policy_settings *settings,
		 const struct policy_host *host,
		 const struct policy_guest *guest, u64 asked_pages);

/**
 * policy_reason_name() - a reason as a word for sysfs
 * @reason: the reason
 *
 * Return: a constant, "?" when it is out of range.
 */
const char *policy_reason_name(enum policy_reason reason);

/**
 * policy_bound_name() - a bound as a word for sysfs
 * @bound: the bound
 *
 * Return: a constant, "?" when it is out of range.
 */
const char *policy_bound_name(enum policy_bound bound);

#endif /* _BELLOWS_POLICY_H */
