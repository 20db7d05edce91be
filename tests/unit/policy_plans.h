/* SPDX-License-Identifier: GPL-2.0 */
/* Situations that the tests of single plans begin with. */
#ifndef _TESTS_UNIT_POLICY_PLANS_H
#define _TESTS_UNIT_POLICY_PLANS_H

#include "policy_world.h"

/* @nr equal guests of 4 GiB on a host that is @lack pages below its reserve. */
static inline void open_short(struct world *world, unsigned int nr, u64 lack)
{
	unsigned int i;

	world_open(world, 1, (u64)(nr + 1) * 4 * WORLD_GIB, nr, 1);
	for (i = 0; i < nr; i++) {
		world_guest(world, i, 4 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
			    WORLD_GIB);
		world_touch(world, i);
	}
	world->settings.step_pages = 4 * WORLD_GIB;
	world->settings.granule_pages = 1;
	world->settings.dead_band_pages = 0;
	world->settings.swap_budget_pages = POLICY_PAGES_MAX;
	world->settings.min_pages = 0;
	world->settings.lookahead_ms = 0;
	world->host.free_pages = world->settings.reserve_pages - lack;
	world->host.node[0].free_pages = world->host.free_pages;
}

static inline struct policy_guest *guest_of(struct world *world, unsigned int i)
{
	return &world->guests[i].guest;
}

/* Time passes, guests report, nothing else changes. */
static inline void plan_after(struct world *world, u64 ms)
{
	unsigned int i;

	world->host.now_ns += ms * POLICY_NS_PER_MS;
	for (i = 0; i < world->nr; i++)
		world_report(world, &world->guests[i]);
	world_plan(world);
}

static inline void assert_near(u64 value, u64 wanted, u64 permille)
{
	u64 most = wanted * permille / 1000 + 1;

	if (value > wanted + most || value + most < wanted)
		fail_msg("%llu is not near %llu", (unsigned long long)value,
			 (unsigned long long)wanted);
}

/* Two nodes; guests 0 and 1 are bound to one each, 2 to both, 3 to none. */
static inline void open_nodes(struct world *world)
{
	struct world_guest *both;
	unsigned int i;

	world_open(world, 1, 32 * WORLD_GIB, 4, 2);
	for (i = 0; i < 4; i++)
		world_guest(world, i, 8 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
			    2 * WORLD_GIB);
	for (i = 0; i < 4; i++)
		world_touch(world, i);
	both = &world->guests[2];
	both->report.nr_nodes = 2;
	both->report.node[0].total_pages = 4 * WORLD_GIB;
	both->report.node[1].total_pages = 4 * WORLD_GIB;
	both->guest.nr_bound = 2;
	both->guest.host_node[0] = 1;
	both->guest.host_node[1] = 0;
	world->guests[3].guest.nr_bound = 0;
	world->guests[3].guest.node_resident_pages[0] = 3 * WORLD_GIB;
	world->guests[3].guest.node_resident_pages[1] = WORLD_GIB;
	world->settings.step_pages = 8 * WORLD_GIB;
	/* Half of it free, but node 0 is 2 GiB below its reserve. */
	world->host.node[0].free_pages = 3 * WORLD_GIB / 2;
	world->host.node[1].free_pages = 14 * WORLD_GIB;
	world->host.free_pages = 31 * WORLD_GIB / 2;
}

#endif /* _TESTS_UNIT_POLICY_PLANS_H */
