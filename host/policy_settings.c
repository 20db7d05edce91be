// SPDX-License-Identifier: GPL-2.0
/* Knobs of the planner, their defaults and names; and what may be granted. */
#include "policy_internal.h"

#define POLICY_MIB 256ULL

/* Smallest buffer of a guest that is large enough for it. */
#define POLICY_BUFFER_LEAST (64 * POLICY_MIB)
/* Longest time that any knob is set to. */
#define POLICY_MS_MAX 86400000U

struct policy_preset {
	u32 weight;
	u32 sensitivity;
	u32 buffer_permille;
	u32 reservation_permille;
};

static const struct policy_preset policy_presets[POLICY_CLASS_COUNT] = {
	[POLICY_CLASS_STANDARD] = { 100, 100, 50, 0 },
	[POLICY_CLASS_LATENCY] = { 400, 200, 100, 750 },
	[POLICY_CLASS_BATCH] = { 50, 75, 50, 250 },
	[POLICY_CLASS_DEV] = { 25, 50, 25, 100 },
};

static const char *const policy_class_names[POLICY_CLASS_COUNT] = {
	[POLICY_CLASS_STANDARD] = "standard",
	[POLICY_CLASS_LATENCY] = "latency",
	[POLICY_CLASS_BATCH] = "batch",
	[POLICY_CLASS_DEV] = "dev",
};

static const char *const policy_reason_names[POLICY_REASON_COUNT] = {
	[POLICY_REASON_KEEP] = "keep",
	[POLICY_REASON_RESERVE] = "reserve",
	[POLICY_REASON_NODE] = "node",
	[POLICY_REASON_CGROUP] = "cgroup",
	[POLICY_REASON_LIMIT] = "limit",
	[POLICY_REASON_GIVE_BACK] = "give_back",
	[POLICY_REASON_PRESSURE] = "pressure",
	[POLICY_REASON_BUFFER] = "buffer",
	[POLICY_REASON_FLOOR] = "floor",
	[POLICY_REASON_MANUAL] = "manual",
	[POLICY_REASON_EXEMPT] = "exempt",
};

static const char *const policy_bound_names[POLICY_BOUND_COUNT] = {
	[POLICY_BOUND_NONE] = "none",
	[POLICY_BOUND_PRICE] = "price",
	[POLICY_BOUND_FLOOR] = "floor",
	[POLICY_BOUND_STEP] = "step",
	[POLICY_BOUND_HOLD] = "hold",
	[POLICY_BOUND_STALE] = "stale",
	[POLICY_BOUND_SHORT] = "short",
	[POLICY_BOUND_STUCK] = "stuck",
	[POLICY_BOUND_WORTHLESS] = "worthless",
	[POLICY_BOUND_PRESSURE] = "pressure",
	[POLICY_BOUND_BACKOFF] = "backoff",
	[POLICY_BOUND_STRESS] = "stress",
	[POLICY_BOUND_BUDGET] = "budget",
	[POLICY_BOUND_BUFFER] = "buffer",
	[POLICY_BOUND_EXEMPT] = "exempt",
};

void policy_settings_default(struct policy_settings *settings, u64 total_pages)
{
	u64 total = policy_pages(total_pages);

	*settings = (struct policy_settings){
		.reserve_pages = total / 5,
		.min_pages = total / 20,
		.give_back_pages = total / 4,
		.dead_band_pages = total / 100,
		.step_pages = 256 * POLICY_MIB,
		.granule_pages = BELLOWS_BLOCK_PAGES,
		.lookahead_ms = 100,
		.guest_lookahead_ms = 2000,
		.hold_take_ms = 1000,
		.hold_give_ms = 2000,
		.give_interval_ms = 100,
		.stale_ms = 10000,
		.doubt_ms = 250,
		.stuck_ms = 2000,
		.aside_ms = 5000,
		.stress_guests = 2,
		.stress_permille = 100,
		.stress_hold_ms = 1000,
		.swap_budget_pages = 100 * POLICY_MIB,
		.pressure_stall_permille = 50,
		.pressure_faults = 500,
		.decrease_permille = 500,
		.relief_gap_ms = 100,
		.relief_trust_ms = 60000,
		.backoff_ms = 2000,
		.increase_pages = 32 * POLICY_MIB,
		.cgroup_margin_permille = 50,
		.move_after_ms = 1000,
	};
}

static bool policy_times_valid(const struct policy_settings *settings)
{
	return settings->lookahead_ms <= POLICY_LOOKAHEAD_MS_MAX &&
	       settings->guest_lookahead_ms <= POLICY_LOOKAHEAD_MS_MAX &&
	       settings->hold_take_ms <= POLICY_MS_MAX &&
	       settings->hold_give_ms <= POLICY_MS_MAX &&
	       settings->give_interval_ms <= POLICY_MS_MAX &&
	       settings->stale_ms > 0 && settings->stale_ms <= POLICY_MS_MAX &&
	       settings->doubt_ms > 0 && settings->doubt_ms <= POLICY_MS_MAX &&
	       settings->stuck_ms > 0 && settings->stuck_ms <= POLICY_MS_MAX &&
	       settings->aside_ms <= POLICY_MS_MAX &&
	       settings->stress_hold_ms <= POLICY_MS_MAX &&
	       settings->relief_gap_ms <= POLICY_MS_MAX &&
	       settings->relief_trust_ms <= POLICY_MS_MAX &&
	       settings->backoff_ms <= POLICY_MS_MAX &&
	       settings->move_after_ms <= POLICY_MS_MAX;
}

bool policy_settings_valid(const struct policy_settings *settings)
{
	if (settings->give_back_pages > POLICY_PAGES_MAX ||
	    settings->dead_band_pages > settings->give_back_pages / 2 ||
	    settings->min_pages > settings->reserve_pages ||
	    settings->reserve_pages >
		    settings->give_back_pages - 2 * settings->dead_band_pages)
		return false;

	if (settings->step_pages < BELLOWS_BLOCK_PAGES ||
	    settings->step_pages > POLICY_PAGES_MAX ||
	    settings->rate_pages > POLICY_PAGES_MAX ||
	    settings->swap_budget_pages > POLICY_PAGES_MAX ||
	    settings->increase_pages > POLICY_PAGES_MAX ||
	    !settings->granule_pages ||
	    settings->granule_pages > settings->step_pages)
		return false;

	return settings->pressure_stall_permille > 0 &&
	       settings->pressure_stall_permille <= 1000 &&
	       settings->pressure_faults > 0 &&
	       settings->decrease_permille <= 1000 &&
	       settings->stress_permille <= 1000 &&
	       settings->cgroup_margin_permille < 1000 &&
	       policy_times_valid(settings);
}

void policy_guest_preset(struct policy_guest_settings *settings,
			 enum policy_class preset, u64 total_pages)
{
	const struct policy_preset *values;

	if ((unsigned int)preset >= POLICY_CLASS_COUNT)
		preset = POLICY_CLASS_STANDARD;
	values = &policy_presets[preset];

	*settings = (struct policy_guest_settings){
		.weight = values->weight,
		.sensitivity = values->sensitivity,
		.buffer_permille = values->buffer_permille,
		.buffer_least_pages = POLICY_BUFFER_LEAST,
		.reservation_pages = policy_scale(policy_pages(total_pages),
						  values->reservation_permille,
						  1000),
		.target_max_pages = ~0ULL,
	};
}

bool policy_guest_settings_valid(const struct policy_guest_settings *settings)
{
	return settings->weight > 0 && settings->weight <= POLICY_WEIGHT_MAX &&
	       settings->sensitivity >= 25 && settings->sensitivity <= 400 &&
	       settings->buffer_permille <= 900 &&
	       settings->buffer_least_pages <= POLICY_PAGES_MAX;
}

/* Pages that the guest was told to take back. */
static u64 policy_told(const struct policy_guest *guest)
{
	u64 target = guest->target_pages;

	if (guest->settings.manual)
		target = guest->settings.manual_target_pages;
	if (guest->settings.exempt)
		target = 0;

	return policy_less(guest->size_pages, target);
}

u64 policy_grant(const struct policy_settings *settings,
		 const struct policy_host *host,
		 const struct policy_guest *guest, u64 asked_pages)
{
	u64 free = policy_less(host->free_pages, host->promised_pages);
	u64 spare = policy_less(free, settings->min_pages);
	u64 granted, used;

	granted = max3(policy_less(free, settings->reserve_pages),
		       min(policy_told(guest), spare), spare / 2);
	granted = min(granted, spare);
	granted = min3(granted, asked_pages, guest->size_pages);

	if (guest->settings.limit_pages && guest->report) {
		used = policy_less(guest->report->total_pages,
				   guest->size_pages);
		granted = min(granted,
			      policy_less(guest->settings.limit_pages, used));
	}
	if (guest->cgroup_limit_pages)
		granted = min(granted, policy_less(guest->cgroup_limit_pages,
						   guest->cgroup_usage_pages));

	return granted;
}

const char *policy_reason_name(enum policy_reason reason)
{
	if ((unsigned int)reason >= POLICY_REASON_COUNT)
		return "?";

	return policy_reason_names[reason];
}

const char *policy_bound_name(enum policy_bound bound)
{
	if ((unsigned int)bound >= POLICY_BOUND_COUNT)
		return "?";

	return policy_bound_names[bound];
}

const char *policy_class_name(enum policy_class preset)
{
	if ((unsigned int)preset >= POLICY_CLASS_COUNT)
		return "?";

	return policy_class_names[preset];
}
