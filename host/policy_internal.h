/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the planner share; nobody else includes it. */
#ifndef _BELLOWS_POLICY_INTERNAL_H
#define _BELLOWS_POLICY_INTERNAL_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>
#endif

#include "policy.h"

#define POLICY_NS_PER_MS 1000000ULL
#define POLICY_NS_PER_S 1000000000ULL

/* A price or hunger of 1, and how far they go. */
#define POLICY_ONE 256U
#define POLICY_FACTOR_MIN 16U
#define POLICY_FACTOR_MAX 65536U
/* The whole of a guest in &policy_work.part. */
#define POLICY_PART_ALL 1024U
/* Pressure at its threshold, and the most that is told apart. */
#define POLICY_PRESSURE 1000U
#define POLICY_PRESSURE_MAX 8000U
/* Last entry of the curve that costs no I/O: the youngest of class (0,0). */
#define POLICY_CALM BELLOWS_AGES
/* Above every price: the dearest page of the dearest guest. */
#define POLICY_PRICE_TOP BIT_ULL(49)
/* An emergency stretches steps, and shrinks times, by so much. */
#define POLICY_STRETCH 4
/* Nobody looks farther ahead. */
#define POLICY_LOOKAHEAD_MS_MAX 10000U
/* How far ahead a guest's deliveries are counted on. */
#define POLICY_HORIZON_MS 500

/**
 * struct policy_question - what policy_level() spreads, and how
 * @pages: pages of a guest at a level; never falls when the level rises, and
 *	is 0 at level 0
 * @worth: what so many pages of it count
 * @top: a level at which every guest is at its most
 */
struct policy_question {
	u64 (*pages)(const struct policy_guest *guest, u64 level);
	u64 (*worth)(const struct policy_guest *guest, u64 pages);
	u64 top;
};

/**
 * struct policy_moment - what all guests have in common in one plan
 * @settings: knobs of the host
 * @now_ns: time of the plan
 * @elapsed_ns: since the last plan, at most a second; 0 at the first
 * @short_of: the host is below its reserve, or on its way back up
 * @deep: it is below by more than the dead band
 * @mode: what the host is doing
 */
struct policy_moment {
	const struct policy_settings *settings;
	u64 now_ns;
	u64 elapsed_ns;
	bool short_of;
	bool deep;
	enum policy_mode mode;
};

static inline u64 policy_less(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

static inline u64 policy_pages(u64 pages)
{
	return min_t(u64, pages, POLICY_PAGES_MAX);
}

/* @pages times @part in @whole, both at most 1 << 23. */
static inline u64 policy_scale(u64 pages, u64 part, u64 whole)
{
	return div64_u64(pages * part, whole);
}

/* The host node behind a guest node. */
static inline int policy_host_node(const struct policy_guest *guest,
				   unsigned int i)
{
	if (i >= min(guest->nr_bound, BELLOWS_NODES_MAX + 0U) ||
	    guest->host_node[i] >= POLICY_NODES_MAX)
		return POLICY_NODE_ANY;

	return max(guest->host_node[i], POLICY_NODE_ANY);
}

/* What a node shall have free: what it was given, or its part of the host's. */
static inline u64 policy_node_reserve(const struct policy_settings *settings,
				      const struct policy_host *host,
				      unsigned int node)
{
	u64 reserve = policy_pages(host->node[node].reserve_pages);
	u64 whole = max_t(u64, policy_pages(host->total_pages), 1), part;

	if (reserve)
		return reserve;
	part = policy_pages(host->node[node].total_pages) * 1024 / whole;

	return policy_pages(settings->reserve_pages) * min_t(u64, part, 1024) /
	       1024;
}

/* Usage of its memory cgroup up to which a VM is not short there. */
static inline u64 policy_cgroup_keep(const struct policy_settings *settings,
				     const struct policy_guest *guest)
{
	u64 limit = policy_pages(guest->cgroup_limit_pages);
	u32 margin = min(settings->cgroup_margin_permille, 1000U);

	return limit - policy_scale(limit, margin, 1000);
}

static inline bool policy_on(const struct policy_settings *settings,
			     u32 defence)
{
	return !(settings->defences_off & defence);
}

static inline bool policy_since(u64 now_ns, u64 then_ns, u32 ms)
{
	return policy_less(now_ns, then_ns) >= ms * POLICY_NS_PER_MS;
}

/* policy_curve.c */

/**
 * policy_curve_build() - turn a guest's report into its curve
 * @settings: knobs of the host
 * @guest: fills &policy_work.sum, @held, @gone and @touched; @total and @buffer are set
 * @emergency: the buffer is up for taking too
 */
void policy_curve_build(const struct policy_settings *settings,
			struct policy_guest *guest, bool emergency);

/**
 * policy_curve_free() - free pages that a guest can give
 * @guest: with its curve
 *
 * Return: pages, bounds not applied.
 */
u64 policy_curve_free(const struct policy_guest *guest);

/**
 * policy_curve_calm() - pages that a guest can give without I/O
 * @guest: with its curve
 *
 * Return: pages, bounds not applied.
 */
u64 policy_curve_calm(const struct policy_guest *guest);

/**
 * policy_curve_all() - pages that a guest can give in all
 * @guest: with its curve
 *
 * Return: pages, bounds not applied.
 */
u64 policy_curve_all(const struct policy_guest *guest);

/**
 * policy_curve_bounded() - pages that a guest gives at a price
 * @guest: with its curve and bounds
 * @price: the price
 *
 * Return: pages, bounded by &policy_work.allow and @dear_allow.
 */
u64 policy_curve_bounded(const struct policy_guest *guest, u64 price);

/**
 * policy_level() - spread an amount over guests at one level
 * @question: what and how
 * @guests: the guests
 * @nr: how many
 * @amount: to spread, at most POLICY_PAGES_MAX
 *
 * Finds the highest level at which the guests do not exceed @amount together,
 * and spreads the rest by what each would add at the next level. Leaves each
 * guest's pages in &policy_work.got.
 *
 * Return: the worth of all of them, at most @amount.
 */
u64 policy_level(const struct policy_question *question,
		 struct policy_guest *guests[], unsigned int nr, u64 amount);

/**
 * policy_worth_plain() - for &policy_question.worth: a page is a page
 * @guest: not looked at
 * @pages: pages
 *
 * Return: @pages.
 */
u64 policy_worth_plain(const struct policy_guest *guest, u64 pages);

/* policy_feedback.c */

/**
 * policy_feedback() - learn from what a guest did since the last plan
 * @moment: the plan
 * @guest: its state and some of its scratch space are changed; @total, @used
 *	and @over are set
 */
void policy_feedback(const struct policy_moment *moment,
		     struct policy_guest *guest);

/**
 * policy_delivered_dear() - what dear pages a guest gave since the last plan
 * @guest: its state is read
 *
 * Return: pages that may have caused I/O.
 */
u64 policy_delivered_dear(const struct policy_guest *guest);

/* policy_bounds.c */

/**
 * policy_shares() - what each guest may count on
 * @settings: knobs of the host
 * @host: the host
 * @guests: the guests; sets @floor_pages, @share_pages and the first of the
 *	scratch space
 * @nr: how many
 */
void policy_shares(const struct policy_settings *settings,
		   const struct policy_host *host,
		   struct policy_guest *guests[], unsigned int nr);

/**
 * policy_relieve() - raise what a guest is given back
 * @guest: sets &policy_work.relief and @relief_reason
 * @pages: to this, if it is less
 * @reason: why
 */
void policy_relieve(struct policy_guest *guest, u64 pages,
		    enum policy_reason reason);

/**
 * policy_relief() - what a guest is given back whatever the host has
 * @moment: the plan
 * @guest: sets &policy_work.relief, and @lack to what it would be given if the
 *	host were not short
 */
void policy_relief(const struct policy_moment *moment,
		   struct policy_guest *guest);

/**
 * policy_bounds() - what a guest can be asked for
 * @moment: the plan
 * @guest: builds its curve, sets its prices, its room and what is allowed
 */
void policy_bounds(const struct policy_moment *moment,
		   struct policy_guest *guest);

/* policy_spread.c */

/**
 * policy_lend() - refill buffers while the host is short, at others' expense
 * @moment: the plan
 * @host: the host
 * @guests: the guests, bounded; raises the relief of those that lack
 * @nr: how many
 *
 * Lends what others can give without I/O, and what lies above the host's
 * minimum, whichever is less: nothing in an emergency, then, and nothing that
 * others would swap for. Does nothing when the host is not short either:
 * policy_relief() did it then.
 */
void policy_lend(const struct policy_moment *moment,
		 const struct policy_host *host, struct policy_guest *guests[],
		 unsigned int nr);

/**
 * policy_short_nodes() - the host's nodes that lack memory
 * @result: the plan, its needs filled in
 *
 * Return: a bit for each.
 */
u32 policy_short_nodes(const struct policy_result *result);

/**
 * policy_spread() - ask the guests for what the host and its nodes need
 * @moment: the plan
 * @host: the host
 * @state: what the planner remembers of the host
 * @guests: the guests, bounded; sets their takes
 * @nr: how many
 * @result: its needs are set; counts the guests under stress
 */
void policy_spread(const struct policy_moment *moment,
		   const struct policy_host *host, struct policy_state *state,
		   struct policy_guest *guests[], unsigned int nr,
		   struct policy_result *result);

/**
 * policy_give_back() - spread over the guests what the host can spare
 * @moment: the plan
 * @state: what the planner remembers of the host
 * @guests: the guests; sets what they are given
 * @nr: how many
 * @surplus: pages above the give-back threshold
 * @short_nodes: a bit for each node that is short or has little more than its
 *	reserve: nothing is given there
 */
void policy_give_back(const struct policy_moment *moment,
		      struct policy_state *state, struct policy_guest *guests[],
		      unsigned int nr, u64 surplus, u32 short_nodes);

/**
 * policy_part() - how much of a guest lies on a node of the host
 * @guest: the guest
 * @node: the node
 *
 * Return: 0 to POLICY_PART_ALL.
 */
u32 policy_part(const struct policy_guest *guest, unsigned int node);

#endif /* _BELLOWS_POLICY_INTERNAL_H */
