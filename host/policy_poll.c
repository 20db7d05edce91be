// SPDX-License-Identifier: GPL-2.0
/* How soon the agent has to look again; see policy_poll.h. */
#include "policy_internal.h"
#include "policy_poll.h"

/* With so much to spare, in parts of 1000, all is calm. */
#define POLICY_CALM_PERMILLE 250
/* Looks on the way down. */
#define POLICY_LOOKS 4

/* Over what time a change is measured. */
#define POLICY_WINDOW_NS (250 * POLICY_NS_PER_MS)
#define POLICY_WINDOW_MIN_NS (20 * POLICY_NS_PER_MS)

s64 policy_trend(struct policy_trend *trend, u64 now_ns, u64 value)
{
	u64 passed_us, change;

	if (!trend->ns[0] || now_ns - trend->ns[0] >= POLICY_WINDOW_NS) {
		trend->ns[1] = trend->ns[0];
		trend->value[1] = trend->value[0];
		trend->ns[0] = now_ns;
		trend->value[0] = value;
	}
	if (!trend->ns[1] || now_ns - trend->ns[1] < POLICY_WINDOW_MIN_NS)
		return 0;

	passed_us = div_u64(now_ns - trend->ns[1], 1000);
	change = value < trend->value[1] ? trend->value[1] - value :
					   value - trend->value[1];
	change = div64_u64(policy_pages(change) * 1000000, passed_us);

	return value < trend->value[1] ? -(s64)change : (s64)change;
}

/* @margin: pages to spare of @whole, which go at @falling pages a second. */
static u64 policy_interval(u64 margin, u64 whole, u64 falling, u32 most)
{
	u64 ms;

	ms = policy_scale(margin, 1000, max_t(u64, whole, 1)) * most /
	     POLICY_CALM_PERMILLE;
	if (falling)
		ms = min_t(u64, ms,
			   div64_u64(margin * 1000 / POLICY_LOOKS, falling));

	return ms;
}

u32 policy_poll_ms(const struct policy_settings *settings,
		   const struct policy_host *host,
		   const struct policy_result *result, u32 least, u32 most)
{
	unsigned int nr_nodes = 0, i;
	u64 margin, ms;

	if (result->mode == POLICY_MODE_SHORT ||
	    result->mode == POLICY_MODE_EMERGENCY || host->swapping_pages)
		return least;

	margin = policy_less(policy_pages(host->free_pages),
			     settings->reserve_pages);
	ms = policy_interval(margin, policy_pages(host->total_pages),
			     policy_pages(host->falling_pages), most);
	if (host->nr_nodes > 1)
		nr_nodes = min(host->nr_nodes, POLICY_NODES_MAX + 0U);
	for (i = 0; i < nr_nodes; i++) {
		const struct policy_host_node *node = &host->node[i];
		u64 keep = policy_node_reserve(settings, host, i);

		if (!node->total_pages)
			continue;
		margin = policy_less(policy_pages(node->free_pages), keep);
		ms = min(ms, policy_interval(
				     margin, policy_pages(node->total_pages),
				     policy_pages(node->falling_pages), most));
	}
	if (result->mode == POLICY_MODE_GIVE_BACK)
		ms = min_t(u64, ms, settings->give_interval_ms);

	return clamp_t(u64, ms, least, most);
}

u32 policy_poll_guest_ms(const struct policy_settings *settings,
			 const struct policy_guest *guest, u32 least, u32 most)
{
	u64 limit = policy_pages(guest->cgroup_limit_pages), margin, ms;

	if (!limit || guest->settings.manual || guest->settings.exempt ||
	    !policy_on(settings, POLICY_DEFENCE_CGROUP))
		return most;

	margin = policy_less(policy_cgroup_keep(settings, guest),
			     guest->cgroup_usage_pages);
	/* Looking at a guest that has nothing to give changes nothing. */
	if (!margin && guest->target_pages <= guest->size_pages)
		return max(least, most / 10);
	ms = policy_interval(margin, limit,
			     policy_pages(guest->cgroup_growth_pages), most);

	return clamp_t(u64, ms, least, most);
}
