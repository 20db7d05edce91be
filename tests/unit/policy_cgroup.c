// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that is short in a memory cgroup of its own while the host is not, and how
 * soon the agent looks again.
 */
#include "policy_plans.h"

#include "../../host/policy_cgroup.c"
#include "../../host/policy_poll.c"

#define MARGIN 50

static void narrowest_cgroup_counts(void **state)
{
	const struct policy_cgroup cgroups[] = {
		{ .limit_pages = 100000, .usage_pages = 60000 },
		{ .limit_pages = 70000, .usage_pages = 60000 },
		{ .limit_pages = 900000, .usage_pages = 880000 },
		{ .limit_pages = 200000, .usage_pages = 60000 },
	};
	struct policy_guest guest = { .resident_pages = 880000 };

	/* 50000 pages of the third shall be free, and 20000 are. */
	policy_cgroup_apply(cgroups, 4, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 900000);
	assert_int_equal(guest.cgroup_usage_pages, 880000);
	policy_cgroup_apply(cgroups, 2, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 70000);
	policy_cgroup_apply(cgroups, 0, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 0);
	assert_int_equal(guest.cgroup_usage_pages, 0);
}

/* It goes by itself before anybody is throttled. */
static void page_cache_does_not_count(void **state)
{
	const struct policy_cgroup cached = { 100000, 99000, 30000 };
	const struct policy_cgroup nonsense = { 100000, 99000, ~0ULL };
	struct policy_guest guest = { .resident_pages = 69000 };

	policy_cgroup_apply(&cached, 1, MARGIN, &guest);
	assert_int_equal(guest.cgroup_usage_pages, 69000);
	policy_cgroup_apply(&nonsense, 1, MARGIN, &guest);
	assert_int_equal(guest.cgroup_usage_pages, 0);
}

/* Three VMs and a database of 100000 pages in one cgroup. */
static void members_answer_for_their_part(void **state)
{
	const struct policy_cgroup slice = { 400000, 400000, 0 };
	struct policy_guest guest = { .resident_pages = 100000 };

	policy_cgroup_apply(&slice, 1, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 100000);
	assert_int_equal(guest.cgroup_usage_pages, 100000);
	guest.resident_pages = 0;
	policy_cgroup_apply(&slice, 1, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 400000);
}

static void a_limit_of_nothing_is_a_limit(void **state)
{
	const struct policy_cgroup none = { 0, 5000, 0 };
	struct policy_guest guest = { .resident_pages = 5000 };

	policy_cgroup_apply(&none, 1, MARGIN, &guest);
	assert_int_equal(guest.cgroup_limit_pages, 1);
	assert_int_equal(guest.cgroup_usage_pages, 5000);
}

/* A host with plenty, and guest 0 with a balloon of 1 GiB and a limit. */
static void open_limited(struct world *world, u64 limit, u64 usage)
{
	open_short(world, 2, 0);
	world->guests[0].size = WORLD_GIB;
	world->guests[0].cold -= WORLD_GIB;
	world->guests[0].guest.size_pages = WORLD_GIB;
	world->guests[0].guest.resident_pages = 3 * WORLD_GIB;
	world->host.free_pages = world->settings.give_back_pages + WORLD_GIB;
	world->host.node[0].free_pages = world->host.free_pages;
	guest_of(world, 0)->cgroup_limit_pages = limit;
	guest_of(world, 0)->cgroup_usage_pages = usage;
	guest_of(world, 0)->size_pages = WORLD_GIB;
}

/* 38 of 40 may be used, and 30 are: what is given is what that leaves. */
static void no_more_is_given_back_than_fits(void **state)
{
	struct world world;

	open_limited(&world, 40 * WORLD_GIB / 10, 30 * WORLD_GIB / 10);
	world_plan(&world);
	plan_after(&world, 10000);
	assert_near(WORLD_GIB - guest_of(&world, 0)->target_pages,
		    8 * WORLD_GIB / 10 - 4 * WORLD_GIB / 64, 10);
	world_close(&world);

	open_limited(&world, 30 * WORLD_GIB / 10, 29 * WORLD_GIB / 10);
	world_plan(&world);
	plan_after(&world, 10000);
	assert_true(guest_of(&world, 0)->target_pages >= WORLD_GIB);
	world_close(&world);
}

/*
 * It has used little yet, but would be killed if it used all that it has: what it
 * can never use is asked for while it is free.
 */
static void what_never_fits_is_asked_for_at_once(void **state)
{
	struct world world;

	open_limited(&world, 5 * WORLD_GIB / 2, 11 * WORLD_GIB / 5);
	world.guests[0].untouched = 8 * WORLD_GIB / 10;
	world_plan(&world);
	plan_after(&world, 1500);
	/* 2.2 are used, 0.8 more can be, 2.375 are to be had. */
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_CGROUP);
	assert_near(guest_of(&world, 0)->target_pages - WORLD_GIB,
		    625 * WORLD_GIB / 1000, 10);
	world_close(&world);
}

/* 40 MiB too much: what goes first brings nothing if it was never touched. */
static void untouched_pages_are_not_counted_on(void **state)
{
	struct world world;

	open_limited(&world, 2 * WORLD_GIB,
		     2 * WORLD_GIB * 95 / 100 + 40 * WORLD_MIB);
	world_plan(&world);
	plan_after(&world, 1500);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_CGROUP);
	assert_near(guest_of(&world, 0)->target_pages - WORLD_GIB,
		    40 * WORLD_MIB, 10);

	world.guests[0].untouched = 300 * WORLD_MIB;
	plan_after(&world, 100);
	assert_near(guest_of(&world, 0)->target_pages - WORLD_GIB,
		    340 * WORLD_MIB, 10);
	world_close(&world);
}

/* What 500 cgroups are worth, nobody goes through again for 10 ms. */
static void sums_are_kept_for_what_they_took(void **state)
{
	struct policy_cgroup_sums sums = {};
	u64 now = POLICY_NS_PER_S, pages = 0;

	assert_false(policy_cgroup_recall(&sums, 7, now, &pages));
	policy_cgroup_keep_sum(&sums, 7, now, 500, 1234);
	policy_cgroup_keep_sum(&sums, 8, now, 1, 55);
	assert_true(policy_cgroup_recall(&sums, 7, now, &pages));
	assert_int_equal(pages, 1234);
	assert_true(policy_cgroup_recall(&sums, 8, now + 19999, &pages));
	assert_int_equal(pages, 55);
	assert_false(policy_cgroup_recall(&sums, 8, now + 20000, &pages));
	assert_false(policy_cgroup_recall(&sums, 9, now, &pages));

	now += 10 * POLICY_NS_PER_MS - 1;
	assert_true(policy_cgroup_recall(&sums, 7, now, &pages));
	assert_false(policy_cgroup_recall(&sums, 7, now + 1, &pages));
	policy_cgroup_keep_sum(&sums, 7, now + 1, 400, 99);
	assert_true(policy_cgroup_recall(&sums, 7, now + 1, &pages));
	assert_int_equal(pages, 99);
}

/* A slice of many VMs, and each VM's own cgroup, of which there are more than room. */
static void the_dearest_sums_are_kept(void **state)
{
	struct policy_cgroup_sums sums = {};
	u64 now = POLICY_NS_PER_S, pages = 0;
	unsigned int vm;

	policy_cgroup_keep_sum(&sums, 1000, now, 1000, 4321);
	for (vm = 1; vm <= 3 * POLICY_CGROUP_SUMS; vm++)
		policy_cgroup_keep_sum(&sums, vm, now + vm, 2, vm);
	assert_true(policy_cgroup_recall(&sums, 1000, now + vm, &pages));
	assert_int_equal(pages, 4321);

	/* And a full table of long ones takes nothing that is shorter. */
	for (vm = 1; vm <= POLICY_CGROUP_SUMS; vm++)
		policy_cgroup_keep_sum(&sums, 2000 + vm, now, 2000, vm);
	policy_cgroup_keep_sum(&sums, 1, now, 2, 1);
	assert_false(policy_cgroup_recall(&sums, 1, now, &pages));
	for (vm = 1; vm <= POLICY_CGROUP_SUMS; vm++)
		assert_true(policy_cgroup_recall(&sums, 2000 + vm, now, &pages));
}

static void changes_are_measured(void **state)
{
	struct policy_trend rate = {};
	u64 ms, value = 1000000;

	assert_int_equal(policy_trend(&rate, POLICY_NS_PER_S, value), 0);
	assert_int_equal(policy_trend(&rate, POLICY_NS_PER_S + 1, value), 0);
	for (ms = 5; ms <= 1000; ms += 5)
		policy_trend(&rate, POLICY_NS_PER_S + ms * POLICY_NS_PER_MS,
			     value - ms * 10);
	assert_int_equal(policy_trend(&rate, 2 * POLICY_NS_PER_S,
				      value - 10000),
			 -10000);
	/* One look after a long time. */
	rate = (struct policy_trend){};
	policy_trend(&rate, POLICY_NS_PER_S, 1000);
	assert_int_equal(policy_trend(&rate, 11 * POLICY_NS_PER_S, 6000), 500);
	policy_trend(&rate, 12 * POLICY_NS_PER_S, ~0ULL);
	policy_trend(&rate, 12 * POLICY_NS_PER_S, 0);
}

static void looks_follow_what_is_nearest(void **state)
{
	struct policy_settings settings = { .reserve_pages = 200000 };
	struct policy_result result = { .mode = POLICY_MODE_CALM };
	struct policy_host host = {
		.total_pages = 1000000,
		.free_pages = 700000,
		.nr_nodes = 2,
		.node = { { .total_pages = 500000, .free_pages = 350000 },
			  { .total_pages = 500000, .free_pages = 350000 } },
	};

	assert_int_equal(policy_poll_ms(&settings, &host, &result, 5, 1000),
			 1000);
	/* A tenth of it above its own reserve. */
	host.node[1].free_pages = 150000;
	assert_in_range(policy_poll_ms(&settings, &host, &result, 5, 1000), 390,
			405);
	/* 50000 pages, gone in half a second. */
	host.node[1].falling_pages = 100000;
	assert_in_range(policy_poll_ms(&settings, &host, &result, 5, 1000), 120,
			130);
	host.falling_pages = 10000000;
	assert_in_range(policy_poll_ms(&settings, &host, &result, 5, 1000), 10,
			13);
	host.free_pages = 200000;
	assert_int_equal(policy_poll_ms(&settings, &host, &result, 5, 1000), 5);

	host.free_pages = 700000;
	host.falling_pages = 0;
	host.node[1].free_pages = 350000;
	host.node[1].falling_pages = 0;
	host.swapping_pages = 1;
	assert_int_equal(policy_poll_ms(&settings, &host, &result, 5, 1000), 5);
	host.swapping_pages = 0;
	result.mode = POLICY_MODE_SHORT;
	assert_int_equal(policy_poll_ms(&settings, &host, &result, 5, 1000), 5);
	/* Nonsense is survived. */
	host = (struct policy_host){ .nr_nodes = ~0U };
	result.mode = POLICY_MODE_CALM;
	assert_int_equal(policy_poll_ms(&settings, &host, &result, 5, 1000), 5);
}

static void looks_follow_a_cgroup(void **state)
{
	struct policy_settings settings = { .cgroup_margin_permille = 50 };
	struct policy_guest guest = {};

	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000),
			 1000);
	guest.cgroup_limit_pages = 100000;
	guest.cgroup_usage_pages = 85000;
	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000), 400);
	guest.cgroup_growth_pages = 100000;
	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000), 25);
	guest.cgroup_usage_pages = 99000;
	guest.target_pages = 100;
	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000), 5);
	/* It has nothing to give. */
	guest.size_pages = 100;
	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000), 100);
	guest.settings.exempt = true;
	assert_int_equal(policy_poll_guest_ms(&settings, &guest, 5, 1000),
			 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrowest_cgroup_counts),
		cmocka_unit_test(page_cache_does_not_count),
		cmocka_unit_test(members_answer_for_their_part),
		cmocka_unit_test(a_limit_of_nothing_is_a_limit),
		cmocka_unit_test(no_more_is_given_back_than_fits),
		cmocka_unit_test(what_never_fits_is_asked_for_at_once),
		cmocka_unit_test(untouched_pages_are_not_counted_on),
		cmocka_unit_test(sums_are_kept_for_what_they_took),
		cmocka_unit_test(the_dearest_sums_are_kept),
		cmocka_unit_test(changes_are_measured),
		cmocka_unit_test(looks_follow_what_is_nearest),
		cmocka_unit_test(looks_follow_a_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
