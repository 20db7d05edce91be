// SPDX-License-Identifier: GPL-2.0
/*
 * Who gives how much: the short nodes first, then the host as a whole, each at
 * the price at which the guests meet the need. And the other way round: who is
 * given back how much.
 */
#include "policy_internal.h"

/* Level of policy_give_at() at which everything is given back. */
#define POLICY_GIVE_TOP BIT_ULL(45)

/* What the host gains by so many pages, and soon. */
static u64 policy_worth(const struct policy_guest *guest, u64 pages)
{
	const struct policy_work *work = &guest->work;
	u64 free, worth;

	/* Free pages go first, and the untouched among them bring nothing. */
	pages = min(pages, work->expect);
	free = policy_curve_free(guest);
	worth = policy_less(pages, free);
	free = min(pages, free);
	if (free)
		worth += policy_scale(free, work->touched, 1024);

	return policy_scale(worth, work->yield, 1000);
}

static void policy_lend_to(struct policy_guest *guest, u64 pages)
{
	struct policy_work *work = &guest->work;

	if (pages <= work->relief)
		return;

	policy_relieve(guest, pages, POLICY_REASON_BUFFER);
	work->allow = 0;
	work->dear_allow = 0;
	work->able = false;
	guest->bound = POLICY_BOUND_BUFFER;
}

/*
 * Whoever pays has more than its own buffer available, and gives nothing once
 * it has not: the same pages do not go back and forth.
 */
void policy_lend(const struct policy_moment *moment,
		 const struct policy_host *host, struct policy_guest *guests[],
		 unsigned int nr)
{
	const struct policy_settings *settings = moment->settings;
	u64 lack = 0, cheap = 0, relief = 0, most, part;
	unsigned int i;

	if (!moment->short_of || !policy_on(settings, POLICY_DEFENCE_LEND))
		return;

	for (i = 0; i < nr; i++) {
		const struct policy_work *work = &guests[i]->work;

		relief += work->relief;
		if (work->lack)
			lack += work->lack;
		else if (work->allow)
			cheap += policy_worth(
				guests[i],
				min(work->allow, policy_curve_calm(guests[i])));
	}

	most = policy_less(policy_pages(host->free_pages),
			   host->promised_pages);
	most = policy_less(most, settings->min_pages);
	most = min(cheap, policy_less(most, relief));
	if (!lack || !most)
		return;

	part = (min(most, lack) << 10) / lack;
	for (i = 0; i < nr; i++)
		policy_lend_to(guests[i], guests[i]->work.lack * part >> 10);
}

static u64 policy_node_at(const struct policy_guest *guest, u64 level)
{
	const struct policy_work *work = &guest->work;
	u64 pages;

	if (!work->part)
		return 0;

	pages = policy_curve_bounded(guest, level) * work->part /
		POLICY_PART_ALL;

	return min(pages, policy_less(work->allow, work->take));
}

static u64 policy_host_at(const struct policy_guest *guest, u64 level)
{
	return policy_less(policy_curve_bounded(guest, level),
			   guest->work.take);
}

/* The part of a guest's nodes that are bound to @node, by what they hold. */
static u32 policy_part_bound(const struct policy_guest *guest,
			     unsigned int node, unsigned int nr_nodes)
{
	u64 here = 0, all = 0, used;
	unsigned int i;

	for (i = 0; i < nr_nodes; i++) {
		used = policy_less(
			policy_pages(guest->report->node[i].total_pages),
			guest->report->node[i].size_pages);
		all += used;
		if (policy_host_node(guest, i) == (int)node)
			here += used;
	}

	return all ? here * POLICY_PART_ALL / all : 0;
}

u32 policy_part(const struct policy_guest *guest, unsigned int node)
{
	unsigned int nr_nodes = 0, i;
	u64 here, all = 0;

	if (guest->report)
		nr_nodes = min(guest->report->nr_nodes, BELLOWS_NODES_MAX + 0U);
	if (guest->nr_bound && nr_nodes > 1)
		return policy_part_bound(guest, node, nr_nodes);
	if (guest->nr_bound)
		return policy_host_node(guest, 0) == (int)node ?
			       POLICY_PART_ALL :
			       0;

	for (i = 0; i < POLICY_NODES_MAX; i++)
		all += policy_pages(guest->node_resident_pages[i]);
	here = policy_pages(guest->node_resident_pages[node]);

	return all ? here * POLICY_PART_ALL / all : 0;
}

/* Asks the guests on each short node for what it needs. */
static void policy_take_nodes(const struct policy_host *host,
			      struct policy_guest *guests[], unsigned int nr,
			      const struct policy_result *result)
{
	const struct policy_question question = {
		.pages = policy_node_at,
		.worth = policy_worth,
		.top = POLICY_PRICE_TOP,
	};
	unsigned int node, i;

	for (node = 0; node < min(host->nr_nodes, POLICY_NODES_MAX + 0U);
	     node++) {
		if (!result->node_need_pages[node])
			continue;
		for (i = 0; i < nr; i++)
			guests[i]->work.part = policy_part(guests[i], node);

		policy_level(&question, guests, nr,
			     result->node_need_pages[node]);
		for (i = 0; i < nr; i++) {
			guests[i]->work.take += guests[i]->work.got;
			guests[i]->work.node_take += guests[i]->work.got;
			guests[i]->host_node_take_pages[node] =
				guests[i]->work.got;
		}
	}
}

/*
 * What a guest was asked for and did not give yet. It may be half done, so it is
 * neither asked of others nor taken back while the host is short. Of nodes it is
 * not known how much of it they get, so it does not count when one is short.
 */
static u64 policy_on_its_way(const struct policy_guest *guest)
{
	return policy_less(guest->state.target_pages, guest->size_pages);
}

static void policy_take(const struct policy_host *host,
			struct policy_guest *guests[], unsigned int nr,
			const struct policy_result *result)
{
	const struct policy_question question = {
		.pages = policy_host_at,
		.worth = policy_worth,
		.top = POLICY_PRICE_TOP,
	};
	u64 need = result->need_pages;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 least = guests[i]->work.own;

		if (need && !policy_short_nodes(result))
			least = max(least, policy_on_its_way(guests[i]));
		guests[i]->work.take =
			min(least,
			    policy_curve_bounded(guests[i], POLICY_PRICE_TOP));
		guests[i]->work.node_take = 0;
		memset(guests[i]->host_node_take_pages, 0,
		       sizeof(guests[i]->host_node_take_pages));
	}

	policy_take_nodes(host, guests, nr, result);
	for (i = 0; i < nr; i++)
		need = policy_less(need, policy_worth(guests[i],
						      guests[i]->work.take));
	if (!need)
		return;

	policy_level(&question, guests, nr, need);
	for (i = 0; i < nr; i++)
		guests[i]->work.take += guests[i]->work.got;
}

/* The part of @pages when @cut is cut from @whole. */
static u64 policy_cut(u64 pages, u64 cut, u64 whole)
{
	return min(pages, pages * ((cut << 10) / whole + 1) >> 10);
}

static u64 policy_dear(const struct policy_guest *guest)
{
	return policy_less(guest->work.take, policy_curve_calm(guest));
}

/*
 * How many guests may be under stress at once: never all, and those under
 * pressure are among them.
 */
static u32 policy_stress_most(const struct policy_moment *moment,
			      struct policy_guest *guests[], unsigned int nr)
{
	const struct policy_settings *settings = moment->settings;
	u64 most = max_t(u64, settings->stress_guests,
			 (u64)nr * settings->stress_permille / 1000);
	u32 pressed = 0, present = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (guests[i]->work.pressure >= POLICY_PRESSURE)
			pressed++;
		if (guests[i]->work.fresh)
			present++;
	}
	if (moment->mode == POLICY_MODE_EMERGENCY)
		most = max_t(u64, 2 * most, pressed + 1);
	most = min_t(u64, most, max(present, 2U) - 1);

	return policy_less(most, pressed);
}

/* Swap I/O that may be caused now; takes what was caused off the budget. */
static u64 policy_budget(const struct policy_moment *moment,
			 struct policy_state *state,
			 struct policy_guest *guests[], unsigned int nr)
{
	s64 budget = policy_pages(moment->settings->swap_budget_pages);
	u64 seen = 0, dear = 0, used;
	unsigned int i;

	if (moment->mode == POLICY_MODE_EMERGENCY)
		budget *= 2;

	/* A guest that lies can spend half of it. */
	for (i = 0; i < nr; i++) {
		seen += min_t(u64, guests[i]->work.swap_pages, budget / 2);
		dear += policy_delivered_dear(guests[i]);
	}

	state->charged_pages += dear;
	used = min(seen, state->charged_pages);
	state->charged_pages -= used;
	state->charged_pages -= state->charged_pages *
				div_u64(moment->elapsed_ns, POLICY_NS_PER_MS) /
				4000;

	state->budget_pages +=
		budget * (s64)div_u64(moment->elapsed_ns, 1000) / 1000000;
	state->budget_pages -= dear + (seen - used);
	state->budget_pages = clamp(state->budget_pages, -budget, budget);

	return max_t(s64, state->budget_pages, 0);
}

/*
 * The order in which guests are chosen to give dear pages: the cheapest, and of
 * equals the one squeezed least. One that was chosen a moment ago stays, unless
 * another is better by a sixteenth.
 */
static u64 policy_rank(const struct policy_moment *moment,
		       const struct policy_guest *guest)
{
	const struct policy_work *work = &guest->work;
	u64 squeeze = policy_scale(guest->size_pages, 1024 * 4,
				   max_t(u64, work->total, 1));
	u64 rank = work->price * (1024 + squeeze);

	if (guest->state.stress_ns &&
	    !policy_since(moment->now_ns, guest->state.stress_ns,
			  moment->settings->stress_hold_ms))
		rank -= rank / 16;

	return rank;
}

/* Marks the @most best ranked of the guests that would give dear pages. */
static u32 policy_choose(const struct policy_moment *moment,
			 struct policy_guest *guests[], unsigned int nr,
			 u32 most)
{
	struct policy_guest *best;
	unsigned int i;
	u64 rank, best_rank = 0;
	u32 chosen;

	for (i = 0; i < nr; i++)
		guests[i]->work.stressed = false;

	for (chosen = 0; chosen < most; chosen++) {
		best = NULL;
		for (i = 0; i < nr; i++) {
			if (guests[i]->work.stressed || !policy_dear(guests[i]))
				continue;
			rank = policy_rank(moment, guests[i]);
			if (!best || rank < best_rank) {
				best = guests[i];
				best_rank = rank;
			}
		}
		if (!best)
			break;
		best->work.stressed = true;
	}

	return chosen;
}

/* Bounds the dear pages of every guest; true when a bound became tighter. */
static bool policy_bound_dear(const struct policy_moment *moment,
			      struct policy_guest *guests[], unsigned int nr,
			      u32 chosen, u64 budget)
{
	u64 each = budget / max(chosen, 1U);
	bool tighter = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct policy_guest *guest = guests[i];
		enum policy_bound bound = POLICY_BOUND_STRESS;
		u64 allow = guest->work.dear_allow;

		if (!policy_on(moment->settings, POLICY_DEFENCE_STRESS))
			guest->work.stressed = policy_dear(guest);
		else if (!guest->work.stressed)
			allow = 0;
		if (policy_on(moment->settings, POLICY_DEFENCE_BUDGET) &&
		    each < allow) {
			allow = each;
			bound = POLICY_BOUND_BUDGET;
		}
		if (policy_dear(guest) > allow) {
			tighter = true;
			guest->bound = bound;
		}
		guest->work.dear_allow = min(allow, guest->work.dear_allow);
	}

	return tighter;
}

/* What bounded it, now that its part is known. */
static void policy_set_bound(struct policy_guest *guest, bool need)
{
	const struct policy_work *work = &guest->work;
	bool forbidden = !work->allow && guest->bound != POLICY_BOUND_FLOOR;

	if (forbidden)
		return;
	if (!need)
		guest->bound = POLICY_BOUND_NONE;
	else if (work->take + 1 < policy_curve_bounded(guest, POLICY_PRICE_TOP))
		guest->bound = work->take ? POLICY_BOUND_NONE :
					    POLICY_BOUND_PRICE;
}

/* What a guest's part is comes in steps. */
static void policy_pace(struct policy_guest *guest)
{
	struct policy_work *work = &guest->work;
	u64 take, dear = policy_dear(guest), cut;
	unsigned int node;

	take = min(work->pace, work->take - dear + min(dear, work->dear_pace));
	cut = policy_less(work->take, take);
	if (!cut)
		return;

	for (node = 0; node < POLICY_NODES_MAX; node++)
		guest->host_node_take_pages[node] -= policy_cut(
			guest->host_node_take_pages[node], cut, work->take);
	work->node_take -= policy_cut(work->node_take, cut, work->take);
	work->take = take;
	guest->bound = POLICY_BOUND_STEP;
}

void policy_spread(const struct policy_moment *moment,
		   const struct policy_host *host, struct policy_state *state,
		   struct policy_guest *guests[], unsigned int nr,
		   struct policy_result *result)
{
	u64 budget = policy_budget(moment, state, guests, nr);
	u32 most = policy_stress_most(moment, guests, nr);
	bool need = result->need_pages;
	u32 chosen;
	unsigned int i;

	for (i = 0; i < POLICY_NODES_MAX; i++)
		need |= result->node_need_pages[i] > 0;

	policy_take(host, guests, nr, result);
	chosen = policy_choose(moment, guests, nr, most);
	if (policy_bound_dear(moment, guests, nr, chosen, budget))
		policy_take(host, guests, nr, result);

	for (i = 0; i < nr; i++) {
		struct policy_guest_state *guest = &guests[i]->state;

		policy_set_bound(guests[i], need);
		policy_pace(guests[i]);
		if (!policy_dear(guests[i]))
			guest->stress_ns = 0;
		else if (!guest->stress_ns ||
			 policy_since(moment->now_ns, guest->stress_ns,
				      moment->settings->stress_hold_ms))
			guest->stress_ns = max_t(u64, moment->now_ns, 1);

		guests[i]->work.stressed = guest->stress_ns ||
					   guests[i]->work.pressure >=
						   POLICY_PRESSURE;
		result->nr_stressed += guests[i]->work.stressed;
	}
}

/*
 * Everybody's balloon comes down to the same part of its memory, divided by its
 * hunger. The part is the inverse of the level.
 */
static u64 policy_give_at(const struct policy_guest *guest, u64 level)
{
	const struct policy_work *work = &guest->work;
	u64 keep;

	if (!work->allow || !level)
		return 0;

	keep = min_t(u64, div64_u64(POLICY_GIVE_TOP / 2, level * work->hunger),
		     65536);
	keep = work->total * keep >> 16;

	return min(work->allow, policy_less(guest->size_pages, keep));
}

static bool policy_on_short_node(const struct policy_guest *guest,
				 u32 short_nodes)
{
	unsigned int node;

	for (node = 0; node < POLICY_NODES_MAX; node++)
		if ((short_nodes & 1U << node) &&
		    policy_part(guest, node) > POLICY_PART_ALL / 16)
			return true;

	return false;
}

static bool policy_may_give(const struct policy_moment *moment,
			    const struct policy_guest *guest, u32 short_nodes)
{
	if (guest->settings.manual || guest->work.relief || guest->work.take)
		return false;
	if (policy_on(moment->settings, POLICY_DEFENCE_BAND) &&
	    guest->state.take_ns &&
	    !policy_since(moment->now_ns, guest->state.take_ns,
			  moment->settings->hold_give_ms))
		return false;

	return !policy_on_short_node(guest, short_nodes);
}

void policy_give_back(const struct policy_moment *moment,
		      struct policy_state *state, struct policy_guest *guests[],
		      unsigned int nr, u64 surplus, u32 short_nodes)
{
	const struct policy_question question = {
		.pages = policy_give_at,
		.worth = policy_worth_plain,
		.top = POLICY_GIVE_TOP,
	};
	u64 limit, step = moment->settings->step_pages;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct policy_guest *guest = guests[i];

		/* What its limit keeps it from having stays in the balloon. */
		limit = guest->settings.limit_pages;
		limit = limit ? policy_less(guest->work.total, limit) : 0;
		guest->work.allow = min(policy_less(guest->size_pages, limit),
					guest->work.headroom);
		if (!policy_may_give(moment, guest, short_nodes))
			guest->work.allow = 0;
	}

	policy_level(&question, guests, nr, surplus);
	for (i = 0; i < nr; i++)
		guests[i]->work.give = min(guests[i]->work.got, step);
	state->give_ns = moment->now_ns;
}
