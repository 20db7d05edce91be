// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest's behaviour since the last plan tells: whether its report is
 * fresh, whether it is under pressure, whether it delivers what it is asked
 * for, and what a page of its balloon is worth to the host.
 */
#include "policy_internal.h"

/* Deltas of counters are cut here, so that products fit in 64 bits. */
#define POLICY_DELTA_MAX BIT_ULL(32)
/* Reports that cover less time than this say nothing about rates... */
#define POLICY_REPORT_NS_MIN (10 * POLICY_NS_PER_MS)
/* ...those that cover less than this would make more of what they saw... */
#define POLICY_RATE_NS_MIN (20 * POLICY_NS_PER_MS)
/* ...and fewer faults than this mean nothing. */
#define POLICY_FAULTS_MIN 16
/* Pressure that one report is enough for, if it covers so much time. */
#define POLICY_SEVERE (4 * POLICY_PRESSURE)
#define POLICY_SEVERE_NS (200 * POLICY_NS_PER_MS)
/* How long after pressure a bound grows more slowly than it may. */
#define POLICY_RAMP_MS 10000
/* How long a fall has to last to be believed, and to be over. */
#define POLICY_FALL_MS 250
#define POLICY_FALL_END_MS 500
/* Longest time between two reports that makes a difference. */
#define POLICY_REPORT_MS_MAX BIT_ULL(20)
/* The worth of a page below which a guest is set aside, permille. */
#define POLICY_YIELD_MIN 100
/* What QEMU holds besides the guest's memory, at most. */
#define POLICY_OVERHEAD 16384
#define POLICY_ASIDE_DOUBLINGS 5

static u64 policy_faults(const struct bellows_guest_half *report)
{
	return report->refaults_file + report->refaults_anon +
	       report->major_faults + report->swap_in_pages;
}

static u64 policy_swap(const struct bellows_guest_half *report)
{
	return report->swap_in_pages + report->swap_out_pages;
}

/* How much a counter of the guest grew; nothing when it was reset. */
static u64 policy_grown(u64 now, u64 then)
{
	return min_t(u64, policy_less(now, then), POLICY_DELTA_MAX);
}

/* Pressure that the newest report speaks of, permille of the threshold. */
static u32 policy_pressure(const struct policy_settings *settings,
			   const struct policy_guest *guest, u64 ns)
{
	const struct policy_guest_state *state = &guest->state;
	u64 faults, stall, pressure;

	ns = max(ns, POLICY_RATE_NS_MIN);
	faults = policy_grown(policy_faults(guest->report), state->faults);
	if (faults < POLICY_FAULTS_MIN)
		faults = 0;
	faults = div64_u64(faults * POLICY_NS_PER_S, ns);
	faults = min_t(u64, faults, POLICY_DELTA_MAX) * 1000 /
		 max(settings->pressure_faults, 1U);

	stall = min_t(
		u64, policy_less(guest->report->stall_ns, state->stall_ns), ns);
	stall = div64_u64(stall * 1000, max_t(u64, ns / 1000, 1)) /
		max(settings->pressure_stall_permille, 1U);

	pressure = min_t(u64, max(faults, stall), POLICY_PRESSURE_MAX);
	pressure = pressure * guest->settings.sensitivity / 100;

	return min_t(u64, pressure, POLICY_PRESSURE_MAX);
}

/*
 * What the guest does not use: its balloon takes from what is available and
 * gives back to it, so only the guest's own work changes the sum.
 */
static u64 policy_unused(const struct bellows_guest_half *report)
{
	return policy_pages(report->available_pages) +
	       policy_pages(report->size_pages);
}

/* How fast that falls; quick to rise and slow to fall itself. */
static void policy_fall(struct policy_guest *guest, u64 ns)
{
	struct policy_guest_state *state = &guest->state;
	u64 now = policy_unused(guest->report), then = state->unused_pages;
	s64 ms = clamp_t(u64, div_u64(ns, POLICY_NS_PER_MS), 1,
			 POLICY_REPORT_MS_MAX);
	s64 rate = state->fall_pages, speed;

	speed = (s64)policy_grown(then, now) - (s64)policy_grown(now, then);
	speed = speed * 1000 / ms;
	rate += (speed - rate) * ms /
		(ms + (speed > rate ? POLICY_FALL_MS : POLICY_FALL_END_MS));
	state->fall_pages = max_t(s64, rate, 0);
}

/* What the guest will use before a report tells and a new target helps. */
static void policy_look_ahead(const struct policy_moment *moment,
			      struct policy_guest *guest)
{
	u32 ms = min(moment->settings->guest_lookahead_ms,
		     POLICY_LOOKAHEAD_MS_MAX);

	guest->work.ahead = 0;
	if (!guest->report || !policy_on(moment->settings, POLICY_DEFENCE_FALL))
		return;
	if (moment->mode == POLICY_MODE_EMERGENCY)
		ms /= POLICY_STRETCH;

	guest->work.ahead = min_t(u64, guest->work.total,
				  guest->state.fall_pages * ms / 1000);
}

/* A new report came @ns of the guest's time after the last one. */
static void policy_measure(const struct policy_settings *settings,
			   struct policy_guest *guest, u64 ns)
{
	struct policy_guest_state *state = &guest->state;
	u32 pressure = policy_pressure(settings, guest, ns);
	bool mild;

	guest->work.swap_pages =
		policy_grown(policy_swap(guest->report), state->swap_pages);
	policy_fall(guest, ns);

	/* One report may be noise, and the more so the less it covers. */
	mild = pressure >= POLICY_PRESSURE &&
	       pressure * min_t(u64, ns, POLICY_SEVERE_NS) <
		       POLICY_SEVERE * POLICY_SEVERE_NS;
	if (mild && !state->mild &&
	    state->pressure_permille < POLICY_PRESSURE &&
	    policy_on(settings, POLICY_DEFENCE_NOISE))
		pressure = POLICY_PRESSURE - 1;
	state->mild = mild;

	if (guest->report->oom_kills > state->oom_kills) {
		state->killed = true;
		pressure = POLICY_PRESSURE_MAX;
	}
	state->pressure_permille = pressure;
}

/* Looks at the report; true when there is a new one. */
static bool policy_read(const struct policy_moment *moment,
			struct policy_guest *guest)
{
	const struct bellows_guest_half *report = guest->report;
	struct policy_guest_state *state = &guest->state;
	bool first;
	u64 ns;

	guest->work.fresh = false;
	if (!report)
		return false;

	if (state->seen_ns && report->timestamp_ns == state->timestamp_ns) {
		guest->work.fresh = !policy_since(moment->now_ns,
						  state->seen_ns,
						  moment->settings->stale_ms);
		if (!policy_on(moment->settings, POLICY_DEFENCE_FRESH))
			guest->work.fresh = true;
		return false;
	}

	guest->work.fresh = true;
	first = !state->seen_ns || report->timestamp_ns < state->timestamp_ns;
	state->seen_ns = max_t(u64, moment->now_ns, 1);
	state->timestamp_ns = report->timestamp_ns;

	/* Only a report that follows another one in its clock tells rates. */
	ns = policy_less(report->timestamp_ns, state->base_ns);
	if (!first && ns < POLICY_REPORT_NS_MIN)
		return false;
	if (first) {
		state->pressure_permille = 0;
		state->fall_pages = 0;
	} else {
		policy_measure(moment->settings, guest, ns);
	}

	state->base_ns = report->timestamp_ns;
	state->faults = policy_faults(report);
	state->swap_pages = policy_swap(report);
	state->stall_ns = report->stall_ns;
	state->oom_kills = report->oom_kills;
	state->unused_pages = policy_unused(report);

	return true;
}

/*
 * Claims of pressure cost a guest nothing, so their time is counted: when the
 * host is short and the guest has more than its share they end to count. They may
 * be true all the same: its bound stays, and grows as in peace.
 */
static void policy_believe(const struct policy_moment *moment,
			   struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_guest_state *state = &guest->state;
	u64 trust = settings->relief_trust_ms * POLICY_NS_PER_MS;

	if (!guest->work.fresh)
		state->pressure_permille = 0;

	if (state->pressure_permille >= POLICY_PRESSURE)
		state->pressure_ns =
			min_t(u64, 2 * trust,
			      state->pressure_ns + moment->elapsed_ns);
	else
		state->pressure_ns =
			policy_less(state->pressure_ns, moment->elapsed_ns);

	guest->work.pressure = state->pressure_permille;
	if (policy_on(settings, POLICY_DEFENCE_SHARE) && moment->short_of &&
	    guest->work.over && state->pressure_ns > trust)
		guest->work.pressure = 0;
	if (!policy_on(settings, POLICY_DEFENCE_BACKOFF))
		guest->work.pressure = 0;
}

/*
 * How much a bound may grow in @ms. What is taken of a guest at work is pressure
 * soon, half a balloon is given back for it, and read back from a disk more slowly
 * than it was taken: so it begins slowly, and who was left in peace for some time
 * gives as fast as others.
 */
static u64 policy_increase(const struct policy_settings *settings, u64 peace_ms,
			   u64 ms)
{
	u64 pages = settings->increase_pages * ms / 1000;

	return pages * min_t(u64, peace_ms, POLICY_RAMP_MS) / POLICY_RAMP_MS;
}

/* Multiplicative decrease, additive increase of the largest balloon. */
static void policy_backoff(const struct policy_moment *moment,
			   struct policy_guest *guest, bool news)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_guest_state *state = &guest->state;
	u64 now = moment->now_ns, since, peace, ms;

	if (guest->work.pressure >= POLICY_PRESSURE) {
		if (!news || !guest->size_pages ||
		    (state->relief_ns && !state->killed &&
		     !policy_since(now, state->relief_ns,
				   settings->relief_gap_ms)))
			return;

		state->cap_pages =
			state->killed ?
				0 :
				guest->size_pages -
					policy_scale(
						guest->size_pages,
						min(settings->decrease_permille,
						    1000U),
						1000);
		state->killed = false;
		state->capped = true;
		state->relief_ns = now;
		state->cap_ns = now;
		return;
	}

	state->killed = false;
	if (!state->capped)
		return;

	peace = state->relief_ns + settings->backoff_ms * POLICY_NS_PER_MS;
	since = max_t(u64, state->cap_ns, peace);
	ms = min_t(u64, div_u64(policy_less(now, since), POLICY_NS_PER_MS),
		   1000);
	if (ms < 100)
		return;

	state->cap_pages += policy_increase(
		settings, div_u64(now - peace, POLICY_NS_PER_MS), ms);
	state->cap_ns = now;
	if (state->cap_pages >= guest->work.total)
		state->capped = false;
}

static void policy_set_aside(const struct policy_moment *moment,
			     struct policy_guest *guest,
			     enum policy_bound bound, u64 ms)
{
	guest->state.aside_ns = moment->now_ns + ms * POLICY_NS_PER_MS;
	guest->state.aside_bound = bound;
}

/* The same, for longer each time in a row. */
static void policy_set_aside_again(const struct policy_moment *moment,
				   struct policy_guest *guest,
				   enum policy_bound bound)
{
	struct policy_guest_state *state = &guest->state;

	policy_set_aside(moment, guest, bound,
			 (u64)moment->settings->aside_ms << state->aside_count);
	if (state->aside_count < POLICY_ASIDE_DOUBLINGS)
		state->aside_count++;
}

/* How fast it delivers; 0 when it keeps up with what it is asked for. */
static void policy_speed(const struct policy_moment *moment,
			 struct policy_guest *guest, bool owes)
{
	struct policy_guest_state *state = &guest->state;
	u64 now = moment->now_ns, ms, grown;

	if (!owes) {
		/* Only who delivered is trusted again, not who was let off. */
		if (state->target_pages > state->size_pages)
			state->speed_pages = 0;
		state->speed_ns = 0;
		return;
	}
	if (!state->speed_ns) {
		state->speed_ns = now;
		state->speed_size_pages = guest->size_pages;
		return;
	}
	if (!policy_since(now, state->speed_ns, moment->settings->doubt_ms))
		return;

	ms = max_t(u64, div_u64(now - state->speed_ns, POLICY_NS_PER_MS), 1);
	grown = policy_less(guest->size_pages, state->speed_size_pages);
	grown = max_t(u64, div64_u64(grown * 1000, ms), 1);
	state->speed_pages = state->speed_pages ?
				     (state->speed_pages + grown + 1) / 2 :
				     grown;
	state->speed_ns = now;
	state->speed_size_pages = guest->size_pages;
}

/* Whether it delivers at all. */
static void policy_progress(const struct policy_moment *moment,
			    struct policy_guest *guest)
{
	const struct policy_settings *settings = moment->settings;
	struct policy_guest_state *state = &guest->state;
	u64 now = moment->now_ns;
	bool owes = state->target_pages > guest->size_pages, cannot;

	guest->work.expect = POLICY_PAGES_MAX;
	if (state->aside_ns && now >= state->aside_ns)
		state->aside_ns = 0;

	cannot = guest->work.fresh &&
		 (guest->report->flags & BELLOWS_GUEST_SHORT);
	if (cannot && !state->aside_ns)
		policy_set_aside(moment, guest, POLICY_BOUND_SHORT,
				 settings->aside_ms / 4);
	else if (!cannot && state->aside_bound == POLICY_BOUND_SHORT &&
		 moment->mode == POLICY_MODE_EMERGENCY)
		state->aside_ns = 0;

	if (!policy_on(settings, POLICY_DEFENCE_STUCK))
		return;

	policy_speed(moment, guest, owes);
	if (state->speed_pages)
		guest->work.expect =
			min_t(u64, state->speed_pages, POLICY_PAGES_MAX) *
			POLICY_HORIZON_MS / 1000;

	if (!owes || guest->size_pages > state->progress_pages) {
		/* Being asked for nothing is no merit; to deliver late is one. */
		if (guest->size_pages > state->progress_pages) {
			state->aside_count = 0;
			if (state->aside_bound == POLICY_BOUND_STUCK)
				state->aside_ns = 0;
		}
		state->progress_ns = now;
		state->progress_pages = guest->size_pages;
	} else if (!state->aside_ns &&
		   policy_since(now, state->progress_ns, settings->stuck_ms)) {
		policy_set_aside_again(moment, guest, POLICY_BOUND_STUCK);
	}
}

/*
 * What a page is worth to the host. The VM cannot hold more than its memory
 * less its balloon, and what QEMU needs itself: what it holds above that is
 * balloon that freed nothing. And a free page that the guest never touched frees
 * nothing either, but nobody cheats with that.
 */
static void policy_yield(const struct policy_moment *moment,
			 struct policy_guest *guest)
{
	struct policy_guest_state *state = &guest->state;
	struct policy_work *work = &guest->work;
	u64 resident = policy_pages(guest->resident_pages), slack, hollow;

	work->yield = 1000;
	work->untouched = 0;
	state->yield_permille = 0;
	if (!resident || !policy_on(moment->settings, POLICY_DEFENCE_YIELD))
		return;

	work->untouched = policy_less(work->used, resident);
	slack = work->total / 32 + POLICY_OVERHEAD;
	if (guest->size_pages <= slack)
		return;

	hollow = min_t(u64, guest->size_pages,
		       policy_less(resident, work->used + slack));
	work->yield = policy_scale(guest->size_pages - hollow, 1000,
				   guest->size_pages);
	state->yield_permille = max(work->yield, 1U);
	if (work->yield >= POLICY_YIELD_MIN)
		return;

	/* Some more may be tried when it had its time. */
	work->yield = POLICY_YIELD_MIN;
	if (!state->aside_ns)
		policy_set_aside_again(moment, guest, POLICY_BOUND_WORTHLESS);
}

u64 policy_delivered_dear(const struct policy_guest *guest)
{
	const struct policy_guest_state *state = &guest->state;
	u64 start = policy_less(state->target_pages, state->dear_pages);

	/* The cheap ones come first. */
	return policy_less(min(guest->size_pages, state->target_pages),
			   max(start, state->size_pages));
}

void policy_feedback(const struct policy_moment *moment,
		     struct policy_guest *guest)
{
	bool news;

	guest->work.swap_pages = 0;
	news = policy_read(moment, guest);
	policy_look_ahead(moment, guest);
	policy_believe(moment, guest);
	policy_backoff(moment, guest, news);
	policy_progress(moment, guest);
	policy_yield(moment, guest);
}
