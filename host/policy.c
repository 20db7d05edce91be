// SPDX-License-Identifier: GPL-2.0
/* The plan as a whole; see policy.h. */
#include "policy_internal.h"

/* A need that is smaller than all granules together goes to one of them. */
struct policy_rounding {
	u64 granule;
	u64 carry;
};

/* What the host will have, if it goes on as it does now. */
static u64 policy_ahead(const struct policy_settings *settings,
			const struct policy_host *host)
{
	u64 falling = policy_pages(host->falling_pages) *
		      min(settings->lookahead_ms, POLICY_LOOKAHEAD_MS_MAX) /
		      1000;

	return policy_less(policy_pages(host->free_pages),
			   policy_pages(host->promised_pages) + falling);
}

static u64 policy_band(const struct policy_settings *settings)
{
	return policy_on(settings, POLICY_DEFENCE_BAND) ?
		       policy_pages(settings->dead_band_pages) :
		       0;
}

/*
 * What is missing to the reserve. Reclaim that began goes on to the end of the
 * dead band, or so near to it that no guest could be asked for the difference.
 */
static u64 policy_lack(const struct policy_settings *settings, u64 ahead,
		       u64 reserve, u64 band, bool reclaiming)
{
	u64 more = policy_less(band, settings->granule_pages);

	if (ahead >= reserve + (reclaiming ? more : 0))
		return 0;

	return reserve + band - ahead;
}

static void policy_begin(struct policy_moment *moment,
			 const struct policy_host *host,
			 struct policy_state *state, u64 ahead)
{
	const struct policy_settings *settings = moment->settings;
	u64 reserve = policy_pages(settings->reserve_pages);

	if (!state->last_ns)
		state->budget_pages = policy_pages(settings->swap_budget_pages);
	else
		moment->elapsed_ns =
			min_t(u64, POLICY_NS_PER_S,
			      policy_less(host->now_ns, state->last_ns));
	state->last_ns = max_t(u64, host->now_ns, 1);

	moment->short_of = ahead < reserve || state->reclaiming;
	moment->deep = ahead + policy_band(settings) < reserve;
	moment->mode = POLICY_MODE_CALM;
	if (host->free_pages < settings->min_pages)
		moment->mode = POLICY_MODE_EMERGENCY;
}

static void policy_node_needs(const struct policy_settings *settings,
			      const struct policy_host *host,
			      struct policy_state *state,
			      struct policy_result *result)
{
	u64 total = max_t(u64, policy_pages(host->total_pages), 1);
	u64 reserve, part, band;
	unsigned int i;

	if (host->nr_nodes < 2 || !policy_on(settings, POLICY_DEFENCE_NODES))
		return;

	for (i = 0; i < min(host->nr_nodes, POLICY_NODES_MAX + 0U); i++) {
		if (!host->node[i].total_pages)
			continue;
		part = min_t(u64, 1024,
			     policy_pages(host->node[i].total_pages) * 1024 /
				     total);
		band = policy_band(settings) * part / 1024;
		reserve = policy_node_reserve(settings, host, i);

		result->node_need_pages[i] = policy_lack(
			settings, policy_pages(host->node[i].free_pages),
			reserve, band, state->node_reclaiming & 1U << i);
	}
}

/* Nodes that have less than their part of what is free before balloons shrink. */
static u32 policy_tight_nodes(const struct policy_settings *settings,
			      const struct policy_host *host)
{
	u64 total = max_t(u64, policy_pages(host->total_pages), 1), part, least;
	unsigned int i;
	u32 nodes = 0;

	if (host->nr_nodes < 2 || !policy_on(settings, POLICY_DEFENCE_NODES) ||
	    !policy_on(settings, POLICY_DEFENCE_BAND))
		return 0;

	for (i = 0; i < min(host->nr_nodes, POLICY_NODES_MAX + 0U); i++) {
		part = policy_pages(host->node[i].total_pages) * 1024 / total;
		least = policy_pages(settings->give_back_pages) *
			min_t(u64, part, 1024) / 1024;
		if (policy_pages(host->node[i].free_pages) < least)
			nodes |= 1U << i;
	}

	return nodes;
}

u32 policy_short_nodes(const struct policy_result *result)
{
	u32 nodes = 0;
	unsigned int i;

	for (i = 0; i < POLICY_NODES_MAX; i++)
		if (result->node_need_pages[i])
			nodes |= 1U << i;

	return nodes;
}

/* What cannot be had from guests that can be asked, whatever their steps. */
static void policy_missing(const struct policy_moment *moment,
			   const struct policy_host *host,
			   struct policy_state *state,
			   struct policy_guest *guests[], unsigned int nr,
			   struct policy_result *result)
{
	u64 node_reach[POLICY_NODES_MAX] = {}, reach = 0, room, missing;
	unsigned int i, node;
	u32 nodes = policy_short_nodes(result);

	for (i = 0; i < nr; i++) {
		if (!guests[i]->work.able)
			continue;
		room = policy_scale(guests[i]->work.room, guests[i]->work.yield,
				    1000);
		reach += room;
		for (node = 0; node < POLICY_NODES_MAX; node++)
			if (nodes & 1U << node)
				node_reach[node] +=
					room * policy_part(guests[i], node) /
					POLICY_PART_ALL;
	}

	result->missing_pages = policy_less(result->need_pages, reach);
	for (node = 0; node < POLICY_NODES_MAX; node++) {
		missing = policy_less(result->node_need_pages[node],
				      node_reach[node]);
		if (missing > result->missing_pages) {
			result->missing_pages = missing;
			result->missing_node = node;
		}
	}

	if (!result->missing_pages)
		state->missing_ns = 0;
	else if (!state->missing_ns)
		state->missing_ns = max_t(u64, moment->now_ns, 1);
}

/* What the host gains when the guest goes elsewhere. */
static u64 policy_weighs(const struct policy_guest *guest, int node)
{
	u64 pages = guest->work.used;

	if (guest->resident_pages)
		pages = policy_pages(guest->resident_pages);
	if (node != POLICY_NODE_ANY)
		pages = pages * policy_part(guest, node) / POLICY_PART_ALL;

	return pages;
}

/*
 * The guest to move: the smallest that makes up for what is missing, or else
 * the largest. An exempt guest only if there is no other: moving hurts it most.
 */
static int policy_move(struct policy_guest *guests[], unsigned int nr,
		       const struct policy_result *result)
{
	u64 missing = result->missing_pages, best_pages = 0, pages;
	int best = POLICY_NOBODY;
	bool better;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages = policy_weighs(guests[i], result->missing_node);
		if (!pages)
			continue;
		if (best == POLICY_NOBODY)
			better = true;
		else if (guests[i]->settings.exempt !=
			 guests[best]->settings.exempt)
			better = guests[best]->settings.exempt;
		else if (best_pages < missing)
			better = pages > best_pages;
		else
			better = pages >= missing && pages < best_pages;
		if (better) {
			best = i;
			best_pages = pages;
		}
	}

	return best;
}

/* Takes are whole granules; what is cut from one guest goes to the next. */
static void policy_round(struct policy_guest *guest,
			 struct policy_rounding *rounding)
{
	struct policy_work *work = &guest->work;
	u64 most, wanted, take;
	unsigned int node;
	u64 cut;

	if (!work->take)
		return;

	most = min(work->pace, policy_curve_bounded(guest, POLICY_PRICE_TOP));
	wanted = work->take + rounding->carry;
	take = min(most, wanted);
	take -= take % rounding->granule;
	rounding->carry = min(wanted - take, rounding->granule);

	cut = policy_less(work->take, take);
	work->take = take;
	for (node = 0; node < POLICY_NODES_MAX; node++) {
		u64 less = min(cut, guest->host_node_take_pages[node]);

		guest->host_node_take_pages[node] -= less;
		cut -= less;
	}
}

/*
 * The balloon when what the guest gives just now is given. That may be free
 * already, so that nothing seems to be missing; but who is told less than that
 * takes it back, and the host is short of it again.
 */
static u64 policy_soon(const struct policy_guest *guest)
{
	u64 soon = policy_pages(guest->size_pages) +
		   policy_pages(guest->arriving_pages);

	return max(guest->size_pages, min(guest->state.target_pages, soon));
}

static void policy_set_target(const struct policy_moment *moment,
			      struct policy_guest *guest)
{
	const struct policy_work *work = &guest->work;
	u64 size = guest->size_pages;

	if (guest->settings.manual) {
		guest->target_pages = guest->settings.manual_target_pages;
		guest->reason = POLICY_REASON_MANUAL;
	} else if (work->relief) {
		guest->target_pages = size - work->relief;
		guest->reason = work->relief_reason;
	} else if (work->take) {
		guest->target_pages = max(size + work->take, policy_soon(guest));
		if (!work->own)
			guest->reason = work->node_take && !moment->short_of ?
						POLICY_REASON_NODE :
						POLICY_REASON_RESERVE;
	} else if (work->give) {
		guest->target_pages = policy_soon(guest) - work->give;
		guest->reason = POLICY_REASON_GIVE_BACK;
	} else if (guest->state.target_pages < size && guest->state.last_ns &&
		   (moment->mode == POLICY_MODE_CALM ||
		    moment->mode == POLICY_MODE_GIVE_BACK)) {
		/* It is still on its way down. */
		guest->target_pages = guest->state.target_pages;
		guest->reason = POLICY_REASON_GIVE_BACK;
	} else {
		guest->target_pages = policy_soon(guest);
		guest->reason = guest->settings.exempt ? POLICY_REASON_EXEMPT :
							 POLICY_REASON_KEEP;
	}
}

static void policy_set_abi_reason(struct policy_guest *guest)
{
	switch (guest->reason) {
	case POLICY_REASON_RESERVE:
	case POLICY_REASON_CGROUP:
	case POLICY_REASON_LIMIT:
		guest->abi_reason = BELLOWS_REASON_RESERVE;
		break;
	case POLICY_REASON_NODE:
		guest->abi_reason = BELLOWS_REASON_NODE;
		break;
	case POLICY_REASON_MANUAL:
		guest->abi_reason = BELLOWS_REASON_MANUAL;
		break;
	case POLICY_REASON_GIVE_BACK:
	case POLICY_REASON_PRESSURE:
	case POLICY_REASON_BUFFER:
	case POLICY_REASON_FLOOR:
	case POLICY_REASON_EXEMPT:
		guest->abi_reason = BELLOWS_REASON_GIVE_BACK;
		break;
	default:
		/* The target stays for the reason that it had. */
		break;
	}
}

static void policy_remember(const struct policy_moment *moment,
			    struct policy_guest *guest)
{
	struct policy_guest_state *state = &guest->state;
	u64 size = guest->size_pages, target = guest->target_pages;

	if (target > size)
		state->take_ns = max_t(u64, moment->now_ns, 1);
	else if (target < size)
		state->give_ns = max_t(u64, moment->now_ns, 1);

	state->tokens_pages = policy_less(
		state->tokens_pages,
		policy_less(target, max(size, state->target_pages)));
	state->dear_pages =
		policy_less(guest->work.take, policy_curve_calm(guest));
	state->cap_pages = max(state->cap_pages, target);
	state->target_pages = target;
	state->size_pages = size;
	state->last_ns = max_t(u64, moment->now_ns, 1);
}

static u64 policy_node_used(const struct policy_guest *guest, unsigned int i)
{
	const struct bellows_node *node = &guest->report->node[i];

	return policy_less(policy_pages(node->total_pages), node->size_pages);
}

/* Part in 1024 of guest node @i in what the guest has on its host node. */
static u64 policy_node_weight(const struct policy_guest *guest, unsigned int nr,
			      unsigned int i)
{
	u64 all = 0;
	unsigned int j;

	for (j = 0; j < nr; j++)
		if (policy_host_node(guest, j) == policy_host_node(guest, i))
			all += policy_node_used(guest, j);

	return all ? policy_node_used(guest, i) * 1024 / all : 0;
}

/*
 * The balloon's part on each guest node: what it holds there, what was asked of
 * the host node behind it, and its part of the rest. What the guest gave since
 * its report is taken to lie where it is asked for now.
 */
static void policy_node_targets(struct policy_guest *guest)
{
	u64 left = guest->target_pages, used = 0, lag, more, rest;
	unsigned int nr = min(guest->report->nr_nodes, BELLOWS_NODES_MAX + 0U);
	unsigned int i;
	int node;

	for (i = 0; i < nr; i++) {
		guest->node_target_pages[i] =
			min_t(u64, guest->report->node[i].size_pages, left);
		left -= guest->node_target_pages[i];
		used += policy_node_used(guest, i);
	}

	lag = policy_less(left, guest->work.take);
	for (i = 0; i < nr; i++) {
		node = policy_host_node(guest, i);
		if (node == POLICY_NODE_ANY)
			continue;
		more = guest->host_node_take_pages[node];
		more += lag * (more * 1024 / guest->work.node_take) / 1024;
		more = more * policy_node_weight(guest, nr, i) / 1024;
		more = min(more, left);
		guest->node_target_pages[i] += more;
		left -= more;
	}

	/* The first takes what rounding leaves. */
	rest = left;
	for (i = 1; i < nr && used; i++) {
		more = rest * (policy_node_used(guest, i) * 1024 / used) / 1024;
		guest->node_target_pages[i] += more;
		left -= more;
	}
	guest->node_target_pages[0] += left;
	guest->nr_nodes = nr;
}

/* Whether the guest is to be told where to take from. */
static bool policy_wants_nodes(const struct policy_guest *guest)
{
	return guest->work.take && guest->work.node_take && guest->nr_bound &&
	       (guest->features & BELLOWS_F_NODES) &&
	       guest->report->nr_nodes > 1;
}

/* Everything but what is asked. Sums up what is given back in any case. */
static u64 policy_look(const struct policy_moment *moment,
		       const struct policy_host *host,
		       struct policy_guest *guests[], unsigned int nr)
{
	u64 relief = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		guests[i]->work.take = 0;
		guests[i]->work.give = 0;
		policy_feedback(moment, guests[i]);
		policy_relief(moment, guests[i]);
		policy_bounds(moment, guests[i]);
	}
	policy_lend(moment, host, guests, nr);
	for (i = 0; i < nr; i++)
		relief += guests[i]->work.relief;

	return relief;
}

static void policy_finish(const struct policy_moment *moment,
			  struct policy_guest *guests[], unsigned int nr,
			  struct policy_result *result)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct policy_guest *guest = guests[i];

		policy_set_target(moment, guest);
		policy_set_abi_reason(guest);
		guest->nr_nodes = 0;
		if (policy_wants_nodes(guest))
			policy_node_targets(guest);
		policy_remember(moment, guest);

		result->asked_pages += guest->work.take;
		if (!guest->settings.manual)
			result->given_pages += policy_less(guest->size_pages,
							   guest->target_pages);
		result->nr_asked += !!guest->work.take;
		result->nr_aside += !!guest->state.aside_ns;
	}
}

static void policy_ask(const struct policy_moment *moment,
		       const struct policy_host *host,
		       struct policy_state *state,
		       struct policy_guest *guests[], unsigned int nr,
		       struct policy_result *result)
{
	struct policy_rounding rounding = {
		.granule = max_t(u64, moment->settings->granule_pages, 1),
	};
	unsigned int i;

	policy_spread(moment, host, state, guests, nr, result);
	policy_missing(moment, host, state, guests, nr, result);
	for (i = 0; i < nr; i++)
		policy_round(guests[i], &rounding);

	if (state->missing_ns && policy_since(moment->now_ns, state->missing_ns,
					      moment->settings->move_after_ms))
		result->move = policy_move(guests, nr, result);
}

void policy_plan(const struct policy_settings *settings,
		 const struct policy_host *host, struct policy_state *state,
		 struct policy_guest *guests[], unsigned int nr,
		 struct policy_result *result)
{
	u64 ahead = policy_ahead(settings, host), reserve, surplus;
	struct policy_moment moment = {
		.settings = settings,
		.now_ns = host->now_ns,
	};

	memset(result, 0, sizeof(*result));
	result->missing_node = POLICY_NODE_ANY;
	result->move = POLICY_NOBODY;
	reserve = policy_pages(settings->reserve_pages);

	policy_begin(&moment, host, state, ahead);
	policy_shares(settings, host, guests, nr);
	ahead = policy_less(ahead, policy_look(&moment, host, guests, nr));

	/* Others make up for what some are given back in any case. */
	result->need_pages = policy_lack(settings, ahead, reserve,
					 policy_band(settings),
					 state->reclaiming);
	state->reclaiming = result->need_pages;
	policy_node_needs(settings, host, state, result);
	state->node_reclaiming = policy_short_nodes(result);
	policy_ask(&moment, host, state, guests, nr, result);

	surplus = policy_less(ahead, policy_on(settings, POLICY_DEFENCE_BAND) ?
					     settings->give_back_pages :
					     reserve);
	if (moment.mode == POLICY_MODE_CALM &&
	    (result->need_pages || state->node_reclaiming))
		moment.mode = POLICY_MODE_SHORT;
	else if (moment.mode == POLICY_MODE_CALM && surplus)
		moment.mode = POLICY_MODE_GIVE_BACK;

	if (surplus && !result->need_pages &&
	    policy_since(host->now_ns, state->give_ns,
			 settings->give_interval_ms))
		policy_give_back(&moment, state, guests, nr, surplus,
				 state->node_reclaiming |
					 policy_tight_nodes(settings, host));

	policy_finish(&moment, guests, nr, result);
	result->mode = moment.mode;
	if (moment.mode == POLICY_MODE_GIVE_BACK && !result->given_pages)
		result->mode = POLICY_MODE_CALM;
	result->sweep = ahead < settings->give_back_pages;
	result->distress = result->mode == POLICY_MODE_EMERGENCY ||
			   result->missing_pages;
}
