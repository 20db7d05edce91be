// SPDX-License-Identifier: GPL-2.0
/*
 * Every defence of the planner is needed: for each there is a world in which
 * something holds, and does not when that defence is switched off.
 */
#include "policy_world.h"

/*
 * @nr guests of 4 GiB, touched all over, on a host with @lack pages less than
 * its reserve. Its budget and number of guests under stress are no bound.
 */
static void open_lacking(struct world *world, unsigned int nr, u64 lack,
			 u32 off)
{
	unsigned int i;

	world_open(world, 1, (u64)(nr + 1) * 4 * WORLD_GIB, nr, 1);
	for (i = 0; i < nr; i++) {
		world_guest(world, i, 4 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
			    WORLD_GIB);
		world_touch(world, i);
	}
	world->settings.reserve_pages = 3 * WORLD_GIB;
	world->settings.give_back_pages = 7 * WORLD_GIB / 2;
	world->settings.min_pages = 256 * WORLD_MIB;
	world->settings.swap_budget_pages = 10 * WORLD_GIB;
	world->settings.stress_guests = 100;
	world->settings.defences_off = off;
	world->node_base[0] = 0;
	world_account(world);
	world->node_base[0] =
		world->host.free_pages + lack - world->settings.reserve_pages;
	world_account(world);
}

/* Sets what a guest holds, after open_lacking(). */
static void holds(struct world *world, unsigned int i, u64 hot, u64 cold,
		  u64 cache)
{
	world_guest(world, i, 4 * WORLD_GIB, hot, cold, cache);
	world_touch(world, i);
}

static bool recovered(const struct world *world)
{
	return world->host.free_pages >= world->settings.reserve_pages;
}

/* A guest that fell silent is not squeezed on what it once said. */
static bool silent_guest_is_spared(u32 off)
{
	struct world world;
	u64 size;

	open_lacking(&world, 2, 0, off);
	world_run(&world, 500);
	world.guests[0].ways = WORLD_SILENT;
	world_run(&world, 15000);
	size = world.guests[0].size;
	world.node_base[0] += WORLD_GIB;
	world_run(&world, 2000);
	size = world.guests[0].size - size;
	world_close(&world);

	return !size;
}

/* The cheapest guest gives nothing: others make up for it. */
static bool stuck_guest_delays_nobody(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 4, WORLD_GIB, off);
	holds(&world, 0, WORLD_GIB / 4, 0, 0);
	world.guests[0].ways = WORLD_STUCK;
	world.guests[0].guest.settings.weight = 1;
	for (unsigned int i = 1; i < 4; i++)
		holds(&world, i, WORLD_GIB, WORLD_GIB, 2 * WORLD_GIB);
	world_run(&world, 1500);
	well = recovered(&world);
	world_close(&world);

	return well;
}

/* The cheapest guest's balloon frees nothing: others make up for it. */
static bool hollow_guest_delays_nobody(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 4, WORLD_GIB, off);
	holds(&world, 0, WORLD_GIB / 4, 0, 0);
	world.guests[0].ways = WORLD_HOLLOW;
	for (unsigned int i = 1; i < 4; i++)
		holds(&world, i, WORLD_GIB, WORLD_GIB, 2 * WORLD_GIB);
	world_run(&world, 1400);
	well = recovered(&world);
	world_close(&world);

	return well;
}

static bool floor_holds(u32 off)
{
	struct world world;
	u64 size = 0;

	open_lacking(&world, 2, 5 * WORLD_GIB / 2, off);
	world.guests[0].guest.settings.reservation_pages = 7 * WORLD_GIB / 2;
	world_run(&world, 3000);
	size = world.guests[0].size;
	world_close(&world);

	return size <= WORLD_GIB / 2;
}

static bool step_holds(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 2, 2 * WORLD_GIB, off);
	world_step(&world, 10);
	well = world.guests[0].guest.target_pages <= world.settings.step_pages;
	world_close(&world);

	return well;
}

/* Guests that can only swap: how many do so at one time. */
static bool few_are_under_stress(u32 off)
{
	struct world world;
	unsigned int i, step, swapping, most = 0;
	u64 before[8];

	open_lacking(&world, 8, WORLD_GIB, off);
	world.settings.stress_guests = 2;
	for (i = 0; i < 8; i++)
		holds(&world, i, WORLD_GIB, 3 * WORLD_GIB, 0);
	for (step = 0; step < 100; step++) {
		for (i = 0; i < 8; i++)
			before[i] = world.guests[i].swap_out;
		world_step(&world, 10);
		for (i = 0, swapping = 0; i < 8; i++)
			swapping += world.guests[i].swap_out > before[i];
		most = max(most, swapping);
	}
	world_close(&world);

	return most <= 2;
}

static bool swap_stays_in_its_budget(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 4, WORLD_GIB, off);
	world.settings.swap_budget_pages = 20 * WORLD_MIB;
	for (unsigned int i = 0; i < 4; i++)
		holds(&world, i, WORLD_GIB, 3 * WORLD_GIB - WORLD_MARGIN, 0);
	world_run(&world, 5000);
	/* A second's worth may have been saved up. */
	well = world.swap_worst <= 2 * world.settings.swap_budget_pages;
	world_close(&world);

	return well;
}

/* Has free memory and stalls all the same: its balloon halves at once. */
static bool pressure_shrinks_the_balloon(u32 off)
{
	struct world world;
	u64 size;
	bool well;

	open_lacking(&world, 4, 2 * WORLD_GIB, off);
	world_run(&world, 2000);
	size = world.guests[0].size;
	world.guests[0].ways = WORLD_CRIES;
	world.node_base[0] += WORLD_GIB;
	world_account(&world);
	world_run(&world, 250);
	well = size && world.guests[0].guest.target_pages <= size / 2;
	world_close(&world);

	return well;
}

/* Free memory trembles about both thresholds; balloons do not. */
static bool balloons_do_not_swing(u32 off)
{
	struct world world;
	unsigned int step, reversals;
	u64 base;

	open_lacking(&world, 2, WORLD_GIB, off);
	world_run(&world, 3000);
	base = world.node_base[0];
	world.guests[0].reversals = 0;
	for (step = 0; step < 200; step++) {
		world.node_base[0] =
			base + world_random(&world,
					    world.settings.dead_band_pages / 2);
		world_run(&world, 50);
	}
	reversals = world.guests[0].reversals;
	world_close(&world);

	return reversals <= 1;
}

/* Memory that others claim too is not had by claiming all. */
static bool liar_gets_its_share(u32 off)
{
	struct world world;
	u64 used;

	open_lacking(&world, 4, 0, off);
	for (unsigned int i = 1; i < 4; i++)
		holds(&world, i, 2 * WORLD_GIB, WORLD_GIB / 2, WORLD_GIB / 2);
	world.guests[0].ways = WORLD_LIES;
	/* Of 17/2 GiB that are left to them, 10 are claimed. */
	world.node_base[0] += 15 * WORLD_GIB / 2;
	world_account(&world);
	world_run(&world, 30000);
	used = world.guests[0].total - world.guests[0].size;
	world_close(&world);

	return used < 3 * WORLD_GIB;
}

/* One node is short, the host is not. */
static bool short_node_is_served(u32 off)
{
	struct world world;
	unsigned int i;
	bool well;

	world_open(&world, 1, 16 * WORLD_GIB, 4, 2);
	world.settings.defences_off = off;
	for (i = 0; i < 4; i++) {
		world_guest(&world, i, 3 * WORLD_GIB, WORLD_GIB, 0, WORLD_GIB);
		if (!world.guests[i].node)
			world_touch(&world, i);
	}
	world.node_base[0] = 3 * WORLD_GIB / 2;
	world_run(&world, 3000);
	well = world.host.node[0].free_pages >=
		       world.settings.reserve_pages / 2 &&
	       !world.guests[1].size && !world.guests[3].size;
	world_close(&world);

	return well;
}

/* Reports are rare: what was given since is not asked for once more. */
static bool nothing_is_taken_twice(u32 off)
{
	struct world world;
	bool well;

	/* Nor is it given back once it is missed. */
	open_lacking(&world, 2, WORLD_GIB, off | POLICY_DEFENCE_LEND);
	holds(&world, 0, WORLD_GIB, 5 * WORLD_GIB / 2, 0);
	holds(&world, 1, WORLD_GIB, 0, 3 * WORLD_GIB);
	world.guests[0].report_ms = 5000;
	world.guests[1].report_ms = 5000;
	world_run(&world, 3000);
	well = recovered(&world) && !world.guests[0].swap_out;
	world_close(&world);

	return well;
}

static bool some_stays_available(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 2, 5 * WORLD_GIB / 2, off);
	holds(&world, 0, WORLD_GIB, 2 * WORLD_GIB, WORLD_GIB / 2);
	world.guests[0].guest.settings.weight = 1;
	world_run(&world, 3000);
	well = world.guests[0].free + world.guests[0].cache >=
	       world.guests[0].total / 50;
	world_close(&world);

	return well;
}

/* Two balloons alike; one guest has next to nothing available. */
static bool neediest_gets_first(u32 off)
{
	struct world world;
	struct world_guest *guest;
	bool well;
	u32 i;

	open_lacking(&world, 2, 0, off | POLICY_DEFENCE_BUFFER);
	for (i = 0; i < 2; i++) {
		guest = &world.guests[i];
		guest->size = WORLD_GIB;
		guest->free = i ? WORLD_GIB / 16 : 2 * WORLD_GIB;
		guest->cache = 0;
		guest->cold = i ? 31 * WORLD_GIB / 16 : 0;
	}
	world_account(&world);
	world.node_base[0] += world.host.free_pages;
	world.node_base[0] -= world.settings.give_back_pages + WORLD_GIB / 2;
	world_run(&world, 150);
	well = world.guests[1].guest.target_pages <
	       world.guests[0].guest.target_pages * 9 / 10;
	world_close(&world);

	return well;
}

static bool cheapest_goes_first(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 2, WORLD_GIB, off);
	holds(&world, 0, WORLD_GIB / 2, 0, 0);
	holds(&world, 1, WORLD_GIB, 3 * WORLD_GIB, 0);
	world_run(&world, 2000);
	well = recovered(&world) && !world.guests[1].swap_out;
	world_close(&world);

	return well;
}

static bool short_cgroup_is_relieved(u32 off)
{
	struct world world;
	bool well;

	open_lacking(&world, 2, 0, off);
	world.guests[0].guest.cgroup_limit_pages = 4 * WORLD_GIB;
	world.guests[0].guest.cgroup_usage_pages = 4 * WORLD_GIB - 1;
	world_run(&world, 100);
	well = world.guests[0].guest.target_pages > 0;
	world_close(&world);

	return well;
}

/* Grows by 80 MiB/s and reports once a second, when the host falls short. */
static bool growing_guest_is_left_enough(u32 off)
{
	struct world world;
	struct world_guest *needy;
	bool well;

	/* What it gave is not given back in time. */
	open_lacking(&world, 2, 0, off | POLICY_DEFENCE_LEND);
	holds(&world, 1, WORLD_GIB, 0, 3 * WORLD_GIB - WORLD_MARGIN);
	needy = &world.guests[0];
	needy->report_ms = 1000;
	needy->grow = 20;
	needy->peak = 250 * WORLD_MIB;
	needy->period_ms = 100000;
	needy->length_ms = 50000;
	world_guest(&world, 0, 768 * WORLD_MIB, 450 * WORLD_MIB, 0, 0);
	world_touch(&world, 0);
	world_account(&world);
	world.node_base[0] +=
		world.host.free_pages - world.settings.give_back_pages;
	world_run(&world, 2000);
	world.node_base[0] += WORLD_GIB;
	world_run(&world, 4000);
	well = !needy->stall_ns && !needy->swap_out;
	world_close(&world);

	return well;
}

/* Squeezed, and the host is short; another has cache that nobody reads. */
static bool buffer_is_lent(u32 off)
{
	struct world world;
	struct world_guest *needy;
	bool well;

	open_lacking(&world, 2, 0, off);
	holds(&world, 1, WORLD_GIB, 0, 3 * WORLD_GIB - WORLD_MARGIN);
	needy = &world.guests[0];
	world_guest(&world, 0, 768 * WORLD_MIB, 540 * WORLD_MIB, 0, 0);
	world_touch(&world, 0);
	needy->size = 200 * WORLD_MIB;
	needy->free = 28 * WORLD_MIB;
	world_account(&world);
	world.node_base[0] += world.host.free_pages -
			      world.settings.reserve_pages + WORLD_GIB;
	world_run(&world, 500);
	well = needy->free >= 60 * WORLD_MIB;
	world_close(&world);

	return well;
}

/* Tasks waited for 15 of 100 ms, once. */
static bool noise_changes_nothing(u32 off)
{
	struct world world;
	bool well;
	u64 size;

	open_lacking(&world, 4, 2 * WORLD_GIB, off);
	world_run(&world, 2000);
	size = world.guests[0].size;
	world.guests[0].stall_ns += 15 * WORLD_NS;
	world_run(&world, 300);
	well = size && world.guests[0].size >= size;
	world_close(&world);

	return well;
}

struct defence {
	u32 bit;
	bool (*holds)(u32 off);
};

static void defence_is_needed(void **state)
{
	const struct defence *defence = *state;

	assert_true(defence->holds(0));
	assert_false(defence->holds(defence->bit));
}

#define DEFENCE(test, name_of_bit)                                             \
	{                                                                      \
		.name = #test, .test_func = defence_is_needed,                 \
		.initial_state = &(                                            \
			struct defence){ POLICY_DEFENCE_##name_of_bit, test }, \
	}

int main(void)
{
	const struct CMUnitTest tests[POLICY_DEFENCE_COUNT] = {
		DEFENCE(silent_guest_is_spared, FRESH),
		DEFENCE(stuck_guest_delays_nobody, STUCK),
		DEFENCE(hollow_guest_delays_nobody, YIELD),
		DEFENCE(floor_holds, FLOOR),
		DEFENCE(step_holds, STEP),
		DEFENCE(few_are_under_stress, STRESS),
		DEFENCE(swap_stays_in_its_budget, BUDGET),
		DEFENCE(pressure_shrinks_the_balloon, BACKOFF),
		DEFENCE(balloons_do_not_swing, BAND),
		DEFENCE(liar_gets_its_share, SHARE),
		DEFENCE(short_node_is_served, NODES),
		DEFENCE(nothing_is_taken_twice, LAG),
		DEFENCE(some_stays_available, BUFFER),
		DEFENCE(neediest_gets_first, NEEDIEST),
		DEFENCE(cheapest_goes_first, CURVE),
		DEFENCE(short_cgroup_is_relieved, CGROUP),
		DEFENCE(growing_guest_is_left_enough, FALL),
		DEFENCE(buffer_is_lent, LEND),
		DEFENCE(noise_changes_nothing, NOISE),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
