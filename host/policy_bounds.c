// SPDX-License-Identifier: GPL-2.0
/*
 * What each guest may keep, what it is given back in any case, and what it can
 * be asked for.
 */
#include "policy_internal.h"

/* A guest that tells no working set keeps at least this, or a quarter. */
#define POLICY_FLOOR_LEAST 16384ULL

/* Memory that a guest says, or its operator says, it must have. */
static u64 policy_claim(const struct policy_guest *guest)
{
	const struct bellows_guest_half *report = guest->report;
	u64 total = guest->work.total;
	u64 claim = min_t(u64, POLICY_FLOOR_LEAST, total / 4);

	claim = max(claim, guest->settings.reservation_pages);
	if (report)
		claim = max3(claim, policy_pages(report->working_set_pages),
			     policy_pages(report->floor_pages));

	return min(claim, total);
}

static u64 policy_weight(const struct policy_guest *guest)
{
	return clamp(guest->settings.weight, 1U, POLICY_WEIGHT_MAX);
}

static u64 policy_most(const struct policy_guest *guest)
{
	u64 limit = guest->settings.limit_pages;

	return limit ? min(limit, guest->work.total) : guest->work.total;
}

/* By weight, up to what a guest claims. */
static u64 policy_claim_at(const struct policy_guest *guest, u64 level)
{
	return min_t(u64, policy_claim(guest), level * policy_weight(guest));
}

/* By weight, up to what a guest has. */
static u64 policy_share_at(const struct policy_guest *guest, u64 level)
{
	return min_t(u64, policy_most(guest), level * policy_weight(guest));
}

static void policy_size_up(struct policy_guest *guest)
{
	const struct bellows_guest_half *report = guest->report;
	struct policy_work *work = &guest->work;
	u64 claimed, gone;

	guest->size_pages = policy_pages(guest->size_pages);
	work->total = report ? policy_pages(report->total_pages) : 0;
	work->total = max(work->total, guest->size_pages);
	work->used = work->total - guest->size_pages;
	work->buffer = policy_scale(
		work->total, min(guest->settings.buffer_permille, 900U), 1000);
	work->buffer = max(work->buffer, min(guest->settings.buffer_least_pages,
					     work->total / 4));
	work->available = 0;
	if (!report)
		return;

	claimed = min_t(u64, report->size_pages, work->total);
	gone = policy_less(guest->size_pages, claimed);
	work->available =
		policy_less(min_t(u64, report->available_pages, work->total),
			    gone) +
		policy_less(claimed, guest->size_pages);
}

void policy_shares(const struct policy_settings *settings,
		   const struct policy_host *host,
		   struct policy_guest *guests[], unsigned int nr)
{
	struct policy_question question = {
		.pages = policy_share_at,
		.worth = policy_worth_plain,
	};
	u64 there = policy_pages(host->free_pages), claims = 0, resident;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		policy_size_up(guests[i]);
		resident = guests[i]->resident_pages;
		there += resident ? min(resident, guests[i]->work.used) :
				    guests[i]->work.used;
		claims += policy_claim(guests[i]);
	}
	there = policy_less(there, settings->reserve_pages);
	/* A weight is at least 1. */
	question.top = policy_pages(there);

	policy_level(&question, guests, nr, there);
	for (i = 0; i < nr; i++) {
		guests[i]->share_pages = guests[i]->work.got;
		guests[i]->work.over = guests[i]->work.used >
				       guests[i]->work.got;
		guests[i]->floor_pages = policy_claim(guests[i]);
	}

	/* Claims that fit are all honoured; else each up to its part. */
	if (claims <= there || !policy_on(settings, POLICY_DEFENCE_SHARE))
		return;

	question.pages = policy_claim_at;
	policy_level(&question, guests, nr, there);
	for (i = 0; i < nr; i++)
		guests[i]->floor_pages =
			max(guests[i]->work.got,
			    min(guests[i]->settings.reservation_pages,
				guests[i]->work.total));
}

void policy_relieve(struct policy_guest *guest, u64 pages,
		    enum policy_reason reason)
{
	if (reason != POLICY_REASON_EXEMPT)
		pages = min(pages, guest->work.headroom);
	if (pages <= guest->work.relief)
		return;

	guest->work.relief = min(pages, guest->size_pages);
	guest->work.relief_reason = reason;
}

/* What the guest's memory lacks to its floor. */
static u64 policy_below_floor(const struct policy_guest *guest)
{
	u64 used = guest->work.used, hard;

	/* What was set by hand holds to the page, an estimate is one. */
	hard = guest->settings.reservation_pages;
	if (guest->report)
		hard = max_t(u64, hard, guest->report->floor_pages);
	hard = min(hard, guest->floor_pages);

	if (used < guest->floor_pages - guest->floor_pages / 16)
		return guest->floor_pages - used;

	return policy_less(hard, used);
}

/* Whether what its pressure earned it is still owed. */
static bool policy_relief_due(const struct policy_moment *moment,
			      const struct policy_guest *guest)
{
	if (!guest->state.capped ||
	    !policy_on(moment->settings, POLICY_DEFENCE_BACKOFF))
		return false;

	/* In an emergency not to a guest that has enough by now. */
	return moment->mode != POLICY_MODE_EMERGENCY ||
	       guest->work.pressure >= POLICY_PRESSURE / 2 ||
	       guest->work.available < guest->work.buffer;
}

/*
 * Whether it falls so fast that it soon has less than it shall keep. What it
 * could swap out does not help: its balloon would take what is available first.
 */
static bool policy_runs_out(const struct policy_moment *moment,
			    const struct policy_guest *guest)
{
	const struct policy_work *work = &guest->work;
	u64 keep = work->ahead;

	if (moment->mode != POLICY_MODE_EMERGENCY)
		keep += work->buffer;

	return work->ahead > work->buffer / 4 && work->available < keep;
}

/* Claims of a guest above its share are not believed for ever. */
static bool policy_credible(const struct policy_moment *moment,
			    const struct policy_guest *guest)
{
	return !moment->short_of || !guest->work.over ||
	       !policy_on(moment->settings, POLICY_DEFENCE_SHARE) ||
	       guest->state.refill_ns <=
		       moment->settings->relief_trust_ms * POLICY_NS_PER_MS;
}

static void policy_count_claim(const struct policy_moment *moment,
			       struct policy_guest *guest)
{
	struct policy_guest_state *state = &guest->state;
	u64 trust = moment->settings->relief_trust_ms * POLICY_NS_PER_MS;

	if (moment->short_of && guest->work.over &&
	    (state->refilling || policy_runs_out(moment, guest)))
		state->refill_ns = min_t(u64, 2 * trust,
					 state->refill_ns + moment->elapsed_ns);
	else
		state->refill_ns =
			policy_less(state->refill_ns, moment->elapsed_ns);
}

/*
 * What it lacks to have its buffer a moment ahead, too. Nothing is taken of the
 * buffer; it is refilled once a quarter of it is gone, and then to the brim. A
 * burst earns a guest no more than a quarter of its memory at a time.
 */
static u64 policy_buffer_lack(const struct policy_moment *moment,
			      struct policy_guest *guest)
{
	const struct policy_work *work = &guest->work;
	u64 keep = work->buffer + min(work->ahead, work->total / 4), low = keep;

	if (!guest->state.refilling)
		low -= work->buffer / 4;
	guest->state.refilling =
		work->fresh && guest->size_pages && work->available < low &&
		policy_on(moment->settings, POLICY_DEFENCE_BUFFER);
	policy_count_claim(moment, guest);
	if (!guest->state.refilling || !policy_credible(moment, guest))
		return 0;

	return min(keep - work->available, guest->size_pages);
}

/*
 * What it can be given back before its memory cgroup is short: it would be
 * throttled or killed there, or asked for it again. What it has and did not touch
 * yet will be charged, too. A little less, or the same pages go back and forth.
 */
static u64 policy_headroom(const struct policy_settings *settings,
			   const struct policy_guest *guest)
{
	if (!guest->cgroup_limit_pages ||
	    !policy_on(settings, POLICY_DEFENCE_CGROUP))
		return POLICY_PAGES_MAX;

	return policy_less(policy_cgroup_keep(settings, guest),
			   policy_pages(guest->cgroup_usage_pages) +
				   guest->work.untouched +
				   policy_pages(guest->cgroup_limit_pages) /
					   64);
}

void policy_relief(const struct policy_moment *moment,
		   struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_work *work = &guest->work;
	u64 above = policy_less(guest->size_pages,
				guest->settings.target_max_pages);

	work->relief = 0;
	work->relief_reason = POLICY_REASON_KEEP;
	work->lack = 0;
	work->headroom = policy_headroom(settings, guest);
	if (guest->settings.manual)
		return;

	if (guest->settings.exempt) {
		policy_relieve(guest, guest->size_pages, POLICY_REASON_EXEMPT);
		return;
	}
	work->lack = policy_buffer_lack(moment, guest);
	if (!guest->size_pages)
		return;

	if (policy_relief_due(moment, guest))
		policy_relieve(guest,
			       policy_less(guest->size_pages,
					   guest->state.cap_pages),
			       POLICY_REASON_PRESSURE);
	if (policy_on(settings, POLICY_DEFENCE_FLOOR))
		policy_relieve(guest, max(policy_below_floor(guest), above),
			       POLICY_REASON_FLOOR);

	/* While the host is short it depends on what others have. */
	if (!moment->short_of)
		policy_relieve(guest, work->lack, POLICY_REASON_BUFFER);
}

static u32 policy_factor(u64 factor)
{
	return clamp_t(u64, factor, POLICY_FACTOR_MIN, POLICY_FACTOR_MAX);
}

static void policy_price(const struct policy_moment *moment,
			 struct policy_guest *guest)
{
	struct policy_work *work = &guest->work;
	u64 price, plenty = max_t(u64, 4 * work->buffer, 1);
	u64 left = policy_less(work->available, work->ahead);

	price = POLICY_ONE * policy_weight(guest) *
		clamp(guest->settings.sensitivity, 25U, 400U) / 10000;
	price = price * (1000 + work->pressure) / 1000;

	/* Dear below its share, cheap above: a factor of 4 either way. */
	if (policy_on(moment->settings, POLICY_DEFENCE_SHARE))
		price = price *
			clamp_t(u64,
				guest->share_pages * 64 /
					max_t(u64, work->used, 1),
				16, 256) /
			64;

	work->hunger = policy_factor(
		price * (plenty + 7 * policy_less(plenty, left)) / plenty);
	if (!policy_on(moment->settings, POLICY_DEFENCE_NEEDIEST))
		work->hunger = POLICY_ONE;

	/* What is worth half to the host costs twice as much. */
	work->price = policy_factor(price * 1000 / work->yield);
}

/* Why nothing can be asked of it now; POLICY_BOUND_NONE if nothing forbids. */
static enum policy_bound policy_forbidden(const struct policy_moment *moment,
					  const struct policy_guest *guest)
{
	const struct policy_guest_state *state = &guest->state;

	if (guest->settings.exempt || guest->settings.manual)
		return POLICY_BOUND_EXEMPT;
	if (!guest->work.fresh)
		return POLICY_BOUND_STALE;
	if (state->aside_ns)
		return state->aside_bound;
	/* It stops well before its balloon is made to shrink. */
	if (guest->work.pressure >= POLICY_PRESSURE / 2 ||
	    guest->work.relief_reason == POLICY_REASON_PRESSURE)
		return POLICY_BOUND_PRESSURE;
	if (guest->work.relief)
		return guest->work.relief_reason == POLICY_REASON_BUFFER ?
			       POLICY_BOUND_BUFFER :
			       POLICY_BOUND_FLOOR;
	if (policy_runs_out(moment, guest) && policy_credible(moment, guest))
		return POLICY_BOUND_BUFFER;
	if (policy_on(moment->settings, POLICY_DEFENCE_BAND) && !moment->deep &&
	    state->give_ns &&
	    !policy_since(moment->now_ns, state->give_ns,
			  moment->settings->hold_take_ms))
		return POLICY_BOUND_HOLD;

	return POLICY_BOUND_NONE;
}

static void policy_bound_by(struct policy_guest *guest, u64 pages,
			    enum policy_bound bound)
{
	if (pages >= guest->work.allow)
		return;

	guest->work.allow = pages;
	guest->bound = bound;
}

/* What the rate lets it be asked for, over what its balloon holds. */
static u64 policy_rate(const struct policy_moment *moment,
		       struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_guest_state *state = &guest->state;

	if (!settings->rate_pages)
		return POLICY_PAGES_MAX;

	state->tokens_pages += policy_pages(settings->rate_pages) *
			       div_u64(moment->elapsed_ns, 1000) / 1000000;
	state->tokens_pages = min(state->tokens_pages, settings->rate_pages);

	return state->tokens_pages +
	       policy_less(state->target_pages, guest->size_pages);
}

/* What it can give after it was under pressure. */
static u64 policy_cap(const struct policy_guest *guest, bool emergency)
{
	u64 more = policy_less(guest->state.cap_pages, guest->size_pages);

	/* In an emergency, what it plainly has too much of as well. */
	if (emergency)
		more = max(more, policy_less(policy_curve_calm(guest),
					     guest->work.buffer));

	return more;
}

/* What it has to give for its own sake: its limit, its memory cgroup. */
static void policy_own(const struct policy_moment *moment,
		       struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	u64 keep, usage, excess;

	guest->work.own = policy_less(guest->work.used, policy_most(guest));
	guest->reason = POLICY_REASON_LIMIT;
	if (!guest->cgroup_limit_pages ||
	    !policy_on(settings, POLICY_DEFENCE_CGROUP))
		return;

	keep = policy_cgroup_keep(settings, guest);
	usage = policy_pages(guest->cgroup_usage_pages);
	/*
	 * Free pages go first, and those that it never touched bring nothing;
	 * but it can touch them faster than anybody can look, and must not.
	 */
	excess = min(policy_less(usage + guest->work.untouched, keep),
		     policy_less(usage, keep) + policy_curve_free(guest));
	if (excess > guest->work.own) {
		guest->work.own = excess;
		guest->reason = POLICY_REASON_CGROUP;
	}
}

void policy_bounds(const struct policy_moment *moment,
		   struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_work *work = &guest->work;
	bool emergency = moment->mode == POLICY_MODE_EMERGENCY;
	u64 step = policy_pages(settings->step_pages);
	enum policy_bound forbidden;
	u64 most;

	policy_price(moment, guest);
	policy_curve_build(settings, guest, emergency);
	policy_own(moment, guest);

	most = min_t(u64, guest->settings.target_max_pages,
		     work->total - guest->floor_pages);
	if (!policy_on(settings, POLICY_DEFENCE_FLOOR))
		most = work->total;
	work->room = min(policy_less(most, guest->size_pages),
			 policy_curve_all(guest));

	if (emergency)
		step *= POLICY_STRETCH;
	if (!policy_on(settings, POLICY_DEFENCE_STEP))
		step = POLICY_PAGES_MAX;

	work->pace = min(step, policy_rate(moment, guest));
	work->dear_pace = policy_on(settings, POLICY_DEFENCE_STEP) ? step / 8 :
								     step;

	work->allow = POLICY_PAGES_MAX;
	guest->bound = POLICY_BOUND_NONE;
	policy_bound_by(guest, work->room, POLICY_BOUND_FLOOR);
	/*
	 * Its pace does not make the pages of others cheaper, so what it is too
	 * slow for is not asked of them, unless time matters more than cost.
	 */
	if (emergency)
		policy_bound_by(guest, work->pace, POLICY_BOUND_STEP);
	if (guest->state.capped && policy_on(settings, POLICY_DEFENCE_BACKOFF))
		policy_bound_by(guest, policy_cap(guest, emergency),
				POLICY_BOUND_BACKOFF);

	forbidden = policy_forbidden(moment, guest);
	if (forbidden != POLICY_BOUND_NONE) {
		work->allow = 0;
		guest->bound = forbidden;
	}
	work->able = forbidden == POLICY_BOUND_NONE ||
		     forbidden == POLICY_BOUND_HOLD;
	work->dear_allow = work->allow;
	if (emergency)
		work->dear_allow = min(work->allow, work->dear_pace);
}
