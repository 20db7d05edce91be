// SPDX-License-Identifier: GPL-2.0
/* The planner in simulated worlds: what holds in all of them. */
#include "policy_world.h"

#define WORLDS 5000
#define WORLDS_LARGE 3

/*
 * Pages that a well-behaved guest could give without I/O, above its floor, and
 * that it is not asked for yet as fast as it can give. What a guest that grew a
 * moment ago would use in half a second is not among them.
 */
static u64 left_in(const struct world *world, const struct world_guest *guest)
{
	u64 floor = max(guest->guest.settings.reservation_pages, guest->hot);
	u64 soon = guest->grow * 500, left;

	if ((guest->ways & ~WORLD_LEAN) || guest->guest.settings.exempt ||
	    guest->guest.work.pressure)
		return 0;

	if (!guest->grew_ns ||
	    policy_since(world->host.now_ns, guest->grew_ns, 2000))
		soon = 0;
	left = min(policy_less(guest->free + guest->cache,
			       WORLD_MARGIN + guest->total / 10 + soon),
		   policy_less(guest->total - guest->size, floor));
	if (policy_less(guest->guest.target_pages, guest->size) >=
	    min_t(u64, left, 10 * WORLD_SPEED))
		return 0;

	return left;
}

static bool claims_fit(const struct world *world)
{
	u64 claims = 0;
	unsigned int i;

	for (i = 0; i < world->nr; i++) {
		if (world->guests[i].ways & WORLD_DEAD)
			continue;
		claims += policy_claim(&world->guests[i].guest);
		/* What lies in such a balloon nobody can have. */
		if (world->guests[i].ways & WORLD_HOLLOW)
			claims += world->guests[i].size;
	}

	return claims + world->settings.reserve_pages <
	       world->host.total_pages * 8 / 10;
}

static void check_guest(const struct world *world,
			const struct world_guest *guest, bool fits)
{
	u64 floor = guest->guest.settings.reservation_pages;
	u64 step = world->settings.step_pages;

	if (fits)
		floor = max_t(u64, floor, guest->report.working_set_pages);
	if (world->result.mode == POLICY_MODE_EMERGENCY)
		step *= 4;

	if (guest->guest.target_pages > guest->size) {
		assert_true(guest->guest.target_pages + floor <= guest->total);
		assert_true(guest->guest.target_pages - guest->size <= step);
		assert_false(guest->guest.settings.exempt);
		assert_false(guest->guest.work.pressure >= POLICY_PRESSURE);
	}
}

/* What holds in every world after every plan. */
static void check(struct world *world)
{
	u64 left = 0, most = max_t(u64, 2, world->nr / 10);
	unsigned int i, dear = 0, present = 0;
	bool fits = claims_fit(world);

	for (i = 0; i < world->nr; i++) {
		struct world_guest *guest = &world->guests[i];

		if (guest->ways & WORLD_DEAD)
			continue;
		present++;
		left += left_in(world, guest);
		check_guest(world, guest, fits);
		if (guest->guest.target_pages > guest->guest.size_pages &&
		    guest->guest.target_pages >
			    guest->report.size_pages +
				    guest->report.available_pages)
			dear++;
	}

	/* Never all guests at once, and few in any case. */
	if (world->result.mode == POLICY_MODE_EMERGENCY)
		most *= 2;
	assert_true(dear <= most);
	assert_true(dear < max(present, 2U));

	/* The minimum holds while there is anything more to take. */
	if (world->host.free_pages < world->settings.min_pages &&
	    world->result.asked_pages < world->result.need_pages &&
	    left > world->host.total_pages / 100)
		fail_msg("world %llu of %u: %llu free, %llu left",
			 (unsigned long long)world->number, world->nr,
			 (unsigned long long)world->host.free_pages,
			 (unsigned long long)left);
}

/* A guest of any kind; those that misbehave are a third at most. */
static void random_guest(struct world *world, unsigned int i, u64 total)
{
	struct world_guest *guest = &world->guests[i];
	u64 part = total / 16;

	if (i % 3 == 2)
		guest->ways = BIT(world_random(world, 7));
	if (!world_random(world, 4))
		guest->ways |= WORLD_LEAN;
	world_guest(world, i, total, part * (1 + world_random(world, 4)),
		    part * world_random(world, 4),
		    part * world_random(world, 4));
	guest->peak = part * world_random(world, 4);
	guest->period_ms = 1 + world_random(world, 8000);
	guest->length_ms = guest->period_ms / 2;
	/* Half of the worlds peak all at once. */
	guest->offset_ms =
		world->seed & 1 ? 0 : world_random(world, guest->period_ms);
	guest->report_ms = 20 + world_random(world, 200);
	guest->guest.settings.reservation_pages = part * world_random(world, 4);
	guest->guest.settings.weight = 25 + world_random(world, 400);
	guest->guest.settings.exempt = !world_random(world, 20);
}

static void run_random(u64 seed, unsigned int nr, u64 ms)
{
	struct world world;
	unsigned int i, nodes;

	/* Half of them have one node, the others 1 to 8. */
	nodes = seed & 2 ? 1 + seed / 4 % 8 : 1;
	world_open(&world, seed,
		   nr * WORLD_GIB * 3 / 2 + (1 + seed % 3) * WORLD_GIB, nr,
		   nodes);
	for (i = 0; i < nr; i++)
		random_guest(&world, i,
			     WORLD_GIB * (1 + world_random(&world, 4)));
	world.check = check;
	world_run(&world, ms / 2);
	/* One dies on the way. */
	world.guests[world_random(&world, nr)].ways |= WORLD_DEAD;
	world_run(&world, ms / 2);
	world_close(&world);
}

static void random_worlds_keep_the_rules(void **state)
{
	u64 seed;

	for (seed = 1; seed <= WORLDS; seed++)
		run_random(seed, 1 + seed % 12, 3000);
}

static void large_worlds_keep_the_rules(void **state)
{
	unsigned int i;

	for (i = 0; i < WORLDS_LARGE; i++)
		run_random(i + 1, i ? 100 * i : 500, 1000);
}

/* @nr equal guests, and a hog on the host that takes all but @free pages. */
static void open_equal(struct world *world, unsigned int nr, u64 free)
{
	unsigned int i;
	u64 total = 2 * WORLD_GIB;

	world_open(world, nr, (u64)nr * total + 4 * WORLD_GIB, nr, 1);
	for (i = 0; i < nr; i++) {
		world_guest(world, i, total, total / 4, total / 4, total / 4);
		world_touch(world, i);
	}
	world_account(world);
	world->node_base[0] += world->host.free_pages - free;
	world_account(world);
}

static void hog_leaves(struct world *world)
{
	world->node_base[0] = 0;
}

static void equal_guests_end_alike(void **state)
{
	static const unsigned int counts[] = { 2, 3, 5, 8, 20, 64 };
	struct world world;
	unsigned int i, quarter;
	u64 jain;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		/* From a little to all free, all cache, and some that is cold. */
		for (quarter = 0; quarter < 3; quarter++) {
			open_equal(&world, counts[i], 0);
			world.node_base[0] =
				world.node_base[0] -
				world.settings.reserve_pages +
				counts[i] * WORLD_GIB * (1 + 2 * quarter) / 4;
			world_account(&world);
			world.settings.swap_budget_pages *= counts[i];
			world_run(&world, 20000);
			jain = world_jain(&world);
			if (jain < 990)
				fail_msg("%u guests: %llu", counts[i],
					 (unsigned long long)jain);
			assert_true(world.host.free_pages + WORLD_GIB / 100 >=
				    world.settings.reserve_pages);
			world_close(&world);
		}
	}
}

/* Time until free memory is at the reserve again, in ms. */
static u64 time_to_recover(struct world *world, u64 most_ms)
{
	u64 start = world->host.now_ns, ms = 0;

	do {
		world_run(world, 10);
		ms = (world->host.now_ns - start) / WORLD_NS;
	} while (world->host.free_pages < world->settings.reserve_pages &&
		 ms < most_ms);

	return ms;
}

static void reserve_is_back_in_a_few_intervals(void **state)
{
	static const unsigned int counts[] = { 1, 2, 4, 16, 100, 500 };
	struct world world;
	unsigned int i;
	u64 ms;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		/* Half of what is free in the guests is what lacks. */
		open_equal(&world, counts[i], 0);
		world.node_base[0] += counts[i] * WORLD_GIB / 4 -
				      world.settings.reserve_pages;
		world_account(&world);
		ms = time_to_recover(&world, 5000);
		/* 256 MiB of each at 2 GB/s is 131 ms. */
		if (ms > 300)
			fail_msg("%u guests: %llu ms", counts[i],
				 (unsigned long long)ms);
		world_close(&world);
	}
}

/* Some are slow, and go on for a while when what they owe came from others. */
static void no_more_is_taken_than_lacks(void **state)
{
	struct world world;
	unsigned int nr, i, step;
	u64 lacks, held, most;

	for (nr = 2; nr <= 16; nr++) {
		open_equal(&world, nr, 0);
		for (i = 0; i < nr; i += 2)
			world.guests[i].ways = WORLD_SLOW | WORLD_LATE;
		lacks = nr * WORLD_GIB / 8;
		world.node_base[0] -= world.settings.reserve_pages - lacks;
		world_account(&world);
		for (step = 0, most = 0; step < 500; step++) {
			world_run(&world, 10);
			for (i = 0, held = 0; i < nr; i++)
				held += world.guests[i].size;
			most = max(most, held);
		}
		lacks += world.settings.dead_band_pages;
		if (most > lacks + lacks / 5)
			fail_msg("%u guests: %llu for %llu", nr,
				 (unsigned long long)most,
				 (unsigned long long)lacks);
		assert_true(world.host.free_pages >=
			    world.settings.reserve_pages);
		world_close(&world);
	}
}

static void bad_guests_delay_nobody(void **state)
{
	static const u32 ways[] = {
		0,	    WORLD_STUCK,  WORLD_LIES,  WORLD_HIDDEN,
		WORLD_SLOW, WORLD_SILENT, WORLD_CRIES, WORLD_DEAD,
	};
	struct world world;
	unsigned int i;
	u64 ms;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		open_equal(&world, 8, 0);
		world.guests[0].ways = ways[i];
		world.guests[1].ways = ways[i];
		world.node_base[0] -= world.settings.reserve_pages - WORLD_GIB;
		world_account(&world);
		ms = time_to_recover(&world, 10000);
		if (ms > 700)
			fail_msg("%x: %llu ms", ways[i],
				 (unsigned long long)ms);
		world_close(&world);
	}
}

static void balloons_are_gone_after_the_peak(void **state)
{
	struct world world;
	unsigned int i;
	u64 held = 0;

	open_equal(&world, 10, WORLD_GIB);
	world_run(&world, 5000);
	for (i = 0; i < 10; i++)
		held += world.guests[i].size;
	assert_true(held > WORLD_GIB);
	hog_leaves(&world);
	world_run(&world, 10000);
	for (i = 0; i < 10; i++)
		assert_int_equal(world.guests[i].size, 0);
	world_close(&world);
}

/* A steady need, and free memory that trembles: balloons do not. */
static void nothing_swings(void **state)
{
	struct world world;
	unsigned int i, seed, step;
	u64 base, band;

	for (seed = 1; seed <= 20; seed++) {
		open_equal(&world, 1 + seed % 8, 0);
		world.seed = seed;
		world.node_base[0] -=
			world.settings.reserve_pages - WORLD_GIB / 4;
		base = world.node_base[0];
		band = world.settings.dead_band_pages;
		world_run(&world, 5000);
		for (i = 0; i < world.nr; i++)
			world.guests[i].reversals = 0;
		for (step = 0; step < 400; step++) {
			world.node_base[0] =
				base + world_random(&world, band) - band / 2;
			world_run(&world, 50);
		}
		for (i = 0; i < world.nr; i++)
			assert_true(world.guests[i].reversals <= 1);
		world_close(&world);
	}
}

/* Two guests in turn need what the host cannot give to both. */
static void offset_peaks_are_followed(void **state)
{
	struct world world;
	unsigned int i;

	world_open(&world, 1, 8 * WORLD_GIB, 2, 1);
	for (i = 0; i < 2; i++) {
		world_guest(&world, i, 5 * WORLD_GIB, WORLD_GIB, 0,
			    WORLD_GIB / 2);
		world.guests[i].peak = 5 * WORLD_GIB / 2;
		world.guests[i].period_ms = 40000;
		world.guests[i].length_ms = 18000;
		world.guests[i].offset_ms = 20000 * i;
		world.guests[i].grow = 25;
	}
	world.check = check;
	world_run(&world, 160000);
	assert_true(world.lowest_free >= world.settings.min_pages);
	/* Four peaks of each, a few changes of direction for each of them. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(world.guests[i].out, 0);
		assert_true(world.guests[i].swap_in < WORLD_GIB / 10);
		assert_true(world.guests[i].reversals <= 4 * 4);
	}
	world_close(&world);
}

static void four_peaks_at_once_make_no_storm(void **state)
{
	struct world world;
	unsigned int i;

	world_open(&world, 1, 16 * WORLD_GIB, 4, 1);
	for (i = 0; i < 4; i++) {
		world_guest(&world, i, 5 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
			    WORLD_GIB);
		world.guests[i].peak = WORLD_GIB / 2;
		world.guests[i].period_ms = 30000;
		world.guests[i].length_ms = 15000;
		world.guests[i].grow = 50;
	}
	world.check = check;
	world_run(&world, 60000);
	assert_true(world.lowest_free >= world.settings.min_pages);
	assert_true(world.swap_worst <= world.settings.swap_budget_pages);
	assert_int_equal(world.host_swap, 0);
	world_close(&world);
}

/* A guest that thrashes gets memory back while others pay. */
static void thrashing_guest_is_relieved(void **state)
{
	struct world world;
	unsigned int i;
	u64 before, others = 0;

	open_equal(&world, 4, 0);
	/* Else it would be helped before. */
	world.settings.defences_off = POLICY_DEFENCE_FALL | POLICY_DEFENCE_LEND;
	world.node_base[0] -= world.settings.reserve_pages;
	world.node_base[0] += 2 * WORLD_GIB;
	world_account(&world);
	world_run(&world, 10000);
	before = world.guests[0].size;
	assert_true(before > WORLD_GIB / 4);
	for (i = 1; i < 4; i++)
		others += world.guests[i].size;

	/* It outgrows what it is left, faster than it reports. */
	world.guests[0].base = world.guests[0].total - before + WORLD_GIB / 8;
	world.guests[0].grow = 2000;
	for (i = 0; !world.guests[0].guest.state.pressure_permille; i++) {
		assert_true(i < 1000);
		world_run(&world, 10);
	}
	/* Told in the very plan that saw it, half gone in 50 ms. */
	assert_true(world.guests[0].guest.target_pages <= before / 2 + 1);
	world_run(&world, 2000);
	assert_int_equal(world.guests[0].out, 0);
	for (i = 1; i < 4; i++)
		others -= min(others, world.guests[i].size);
	assert_int_equal(others, 0);
	world_close(&world);
}

/* An hour of a host whose own load comes at eight and goes at eight. */
static void run_hour(struct world *world, unsigned int hour)
{
	unsigned int minute;

	for (minute = 0; minute < 60; minute++) {
		if (hour == 8)
			world->node_base[0] += WORLD_GIB / 20;
		if (hour == 20)
			world->node_base[0] -= WORLD_GIB / 20;
		world_run(world, 60000);
	}
}

/* Two days and nights of load, in steps of a second while the host is calm. */
static void a_day_leaves_no_drift(void **state)
{
	u64 held[2][24] = {}, swapped[3] = {}, most = 0;
	u32 reversals[3] = {};
	struct world world;
	unsigned int i, day, hour;

	world_open(&world, 5, 16 * WORLD_GIB, 4, 1);
	world.calm_ms = 1000;
	for (i = 0; i < 4; i++) {
		world_guest(&world, i, 5 * WORLD_GIB, WORLD_GIB, WORLD_GIB / 4,
			    WORLD_GIB);
		world.guests[i].peak = WORLD_GIB;
		world.guests[i].period_ms = 3600000;
		world.guests[i].length_ms = 1200000;
		world.guests[i].offset_ms = i * 600000;
		world.guests[i].grow = 5;
		world.guests[i].report_ms = 1000;
	}
	world.check = check;
	for (day = 0; day < 2; day++) {
		for (hour = 0; hour < 24; hour++) {
			run_hour(&world, hour);
			for (i = 0; i < 4; i++)
				held[day][hour] += world.guests[i].size;
			most = max(most, held[day][hour]);
		}
		swapped[day + 1] = world_swapped(&world);
		for (i = 0; i < 4; i++)
			reversals[day + 1] += world.guests[i].reversals;
	}
	assert_true(world.lowest_free >= world.settings.min_pages);
	/* Balloons were needed by day, and the second is like the first. */
	assert_true(most > WORLD_GIB);
	for (hour = 8; hour < 20; hour++)
		assert_true(held[1][hour] <= held[0][hour] + WORLD_GIB / 4);
	for (hour = 20; hour < 24; hour++)
		assert_int_equal(held[0][hour] + held[1][hour], 0);
	assert_true(swapped[2] - swapped[1] <= swapped[1] + WORLD_GIB / 100);
	assert_true(reversals[2] - reversals[1] <=
		    reversals[1] + reversals[1] / 4);
	for (i = 0; i < 4; i++)
		assert_true(world.guests[i].reversals <= 2 * 24 * 6);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_worlds_keep_the_rules),
		cmocka_unit_test(large_worlds_keep_the_rules),
		cmocka_unit_test(equal_guests_end_alike),
		cmocka_unit_test(reserve_is_back_in_a_few_intervals),
		cmocka_unit_test(no_more_is_taken_than_lacks),
		cmocka_unit_test(bad_guests_delay_nobody),
		cmocka_unit_test(balloons_are_gone_after_the_peak),
		cmocka_unit_test(nothing_swings),
		cmocka_unit_test(offset_peaks_are_followed),
		cmocka_unit_test(four_peaks_at_once_make_no_storm),
		cmocka_unit_test(thrashing_guest_is_relieved),
		cmocka_unit_test(a_day_leaves_no_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
