// SPDX-License-Identifier: GPL-2.0
/* The planner, one plan at a time. */
#include "policy_plans.h"

static void calm_host_asks_for_nothing(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 3, 0);
	world_plan(&world);
	assert_int_equal(world.result.mode, POLICY_MODE_CALM);
	for (i = 0; i < 3; i++) {
		assert_int_equal(guest_of(&world, i)->target_pages, 0);
		assert_int_equal(guest_of(&world, i)->reason,
				 POLICY_REASON_KEEP);
	}
	world_close(&world);
}

static void free_pages_go_first(void **state)
{
	struct world world;

	/* The dearest guest has 3 GiB free, the cheapest none. */
	open_short(&world, 2, WORLD_GIB);
	world_guest(&world, 0, 4 * WORLD_GIB, WORLD_GIB, 0, 0);
	world_touch(&world, 0);
	world_guest(&world, 1, 4 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
		    2 * WORLD_GIB);
	guest_of(&world, 0)->settings.weight = POLICY_WEIGHT_MAX;
	guest_of(&world, 1)->settings.weight = 1;
	world_plan(&world);
	assert_near(guest_of(&world, 0)->target_pages, WORLD_GIB, 1);
	assert_int_equal(guest_of(&world, 1)->target_pages, 0);
	assert_int_equal(guest_of(&world, 1)->bound, POLICY_BOUND_PRICE);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_RESERVE);
	assert_int_equal(guest_of(&world, 0)->abi_reason,
			 BELLOWS_REASON_RESERVE);
	world_close(&world);
}

static void what_brings_nothing_is_asked_last(void **state)
{
	struct world world;
	unsigned int i;

	/* One has 3 GiB free, never touched or all; the other 3 GiB of cache. */
	for (i = 0; i < 2; i++) {
		open_short(&world, 2, WORLD_GIB);
		world_guest(&world, 0, 4 * WORLD_GIB, WORLD_GIB, 0, 0);
		if (i)
			world_touch(&world, 0);
		world_guest(&world, 1, 4 * WORLD_GIB, WORLD_GIB, 0,
			    3 * WORLD_GIB);
		world_touch(&world, 1);
		world_plan(&world);
		assert_near(guest_of(&world, !i)->target_pages, WORLD_GIB, 1);
		assert_int_equal(guest_of(&world, i)->target_pages, 0);
		assert_int_equal(guest_of(&world, i)->bound,
				 POLICY_BOUND_PRICE);
		world_close(&world);
	}

	/* Nobody else can give: then what there is. */
	open_short(&world, 1, WORLD_GIB);
	world_guest(&world, 0, 4 * WORLD_GIB, WORLD_GIB, 0, 0);
	world_plan(&world);
	assert_true(guest_of(&world, 0)->target_pages > WORLD_GIB);
	world_close(&world);
}

/*
 * One gave much of what it had free; the other has cache, and of what it has free a
 * quarter takes memory from the host.
 */
static void free_memory_costs_by_what_it_brings(void **state)
{
	struct world world;
	u64 more[2];

	open_short(&world, 2, WORLD_GIB / 2);
	world_guest(&world, 0, 4 * WORLD_GIB, WORLD_GIB, 0, 0);
	world_guest(&world, 1, 4 * WORLD_GIB, WORLD_GIB, 0, 2 * WORLD_GIB);
	world_touch(&world, 0);
	world.guests[0].size = WORLD_GIB;
	world.guests[0].free = 2 * WORLD_GIB;
	world.guests[1].untouched = WORLD_GIB * 3 / 4;
	world.settings.defences_off = POLICY_DEFENCE_SHARE;
	plan_after(&world, 10);
	more[0] = guest_of(&world, 0)->target_pages - WORLD_GIB;
	more[1] = guest_of(&world, 1)->target_pages;
	/* A third of 3 GiB is out already; of 1 GiB goes a quarter of that part. */
	assert_true(more[0] > 3 * more[1]);
	assert_near(more[0] + more[1] / 4, WORLD_GIB / 2, 20);
	world_close(&world);
}

/* Guests of which each has all its memory in one class and at one age. */
static void classes_go_in_order(void **state)
{
	struct world world;
	struct policy_guest *guest;
	unsigned int group, i;
	u64 before = 0;

	/* Ask for half of one guest more each time. */
	for (group = 0; group < BELLOWS_CLASSES; group++) {
		open_short(&world, 4, 0);
		world.settings.reserve_pages = 18 * WORLD_GIB;
		world.settings.give_back_pages = 20 * WORLD_GIB;
		world.settings.stress_guests = 100;
		world.host.free_pages = (16 - 4 * group) * WORLD_GIB;
		for (i = 0; i < 4; i++) {
			guest = guest_of(&world, i);
			world_guest(&world, i, 4 * WORLD_GIB, 0, 0, 0);
			world_touch(&world, i);
			world.guests[i].report.free_pages = 0;
			world.guests[i].report.available_pages =
				i ? 0 : 4 * WORLD_GIB;
			world.guests[i].report.class_pages[3][0] = 0;
			world.guests[i].report.class_pages[i][4] =
				4 * WORLD_GIB;
			guest->settings.buffer_permille = 0;
			guest->settings.buffer_least_pages = 0;
		}
		/* No floor but the least, and no bound on dear pages. */
		world.settings.step_pages = 64 * WORLD_GIB;
		world.settings.defences_off = POLICY_DEFENCE_SHARE |
					      POLICY_DEFENCE_FLOOR;
		world_plan(&world);

		for (i = 0; i < group; i++)
			assert_near(guest_of(&world, i)->target_pages,
				    i ? 3 * WORLD_GIB : 4 * WORLD_GIB, 400);
		for (i = group + 1; i < 4; i++)
			assert_int_equal(guest_of(&world, i)->target_pages, 0);
		assert_true(world.result.asked_pages > before);
		before = world.result.asked_pages;
		world_close(&world);
	}
}

static void older_goes_before_younger(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 2, WORLD_GIB);
	for (i = 0; i < 2; i++) {
		world_guest(&world, i, 4 * WORLD_GIB, WORLD_GIB, 0,
			    3 * WORLD_GIB);
		memset(world.guests[i].report.class_pages, 0,
		       sizeof(world.guests[i].report.class_pages));
	}
	world.guests[0].report.class_pages[0][1] = 3 * WORLD_GIB;
	world.guests[1].report.class_pages[0][6] = 3 * WORLD_GIB;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	assert_near(guest_of(&world, 1)->target_pages, WORLD_GIB, 1);
	world_close(&world);
}

static void weights_show_in_what_is_taken(void **state)
{
	struct world world;
	unsigned int i;
	u64 taken[3];

	open_short(&world, 3, WORLD_GIB);
	for (i = 0; i < 3; i++)
		guest_of(&world, i)->settings.weight = 100 << i;
	/* The price alone: shares sharpen it. */
	world.settings.defences_off = POLICY_DEFENCE_SHARE;
	world_plan(&world);
	for (i = 0; i < 3; i++)
		taken[i] = guest_of(&world, i)->target_pages;
	assert_near(taken[0], 2 * taken[1], 20);
	assert_near(taken[1], 2 * taken[2], 20);
	assert_near(taken[0] + taken[1] + taken[2], WORLD_GIB, 1);

	world.settings.defences_off = 0;
	memset(&world.state, 0, sizeof(world.state));
	world_plan(&world);
	assert_true(guest_of(&world, 0)->target_pages >= 2 * taken[1]);
	assert_true(guest_of(&world, 2)->target_pages <= taken[2]);
	world_close(&world);
}

/* One is slow, the others were told of the rest of what is lacking later. */
static void weights_show_in_what_is_taken_bit_by_bit(void **state)
{
	struct world world;
	u64 lack;
	unsigned int i;

	open_short(&world, 3, 0);
	for (i = 0; i < 3; i++)
		guest_of(&world, i)->settings.weight = 100 << i;
	world.settings.defences_off = POLICY_DEFENCE_SHARE;
	for (lack = 0; lack < WORLD_GIB; lack += WORLD_GIB / 8) {
		world.host.free_pages -= WORLD_GIB / 8;
		world.host.node[0].free_pages = world.host.free_pages;
		plan_after(&world, 1100);
		for (i = 0; i < 3; i++) {
			struct world_guest *guest = &world.guests[i];
			u64 more = guest->guest.target_pages - guest->size;

			/* The lightest owes half of it, and so on. */
			more = i ? more : more / 2;
			guest->size += more;
			guest->free -= more;
			world.host.free_pages += more;
		}
		world.host.node[0].free_pages = world.host.free_pages;
	}
	assert_near(guest_of(&world, 0)->target_pages,
		    2 * guest_of(&world, 1)->target_pages, 20);
	assert_near(guest_of(&world, 1)->target_pages,
		    2 * guest_of(&world, 2)->target_pages, 20);
	world_close(&world);
}

static void what_is_on_its_way_is_not_asked_again(void **state)
{
	struct world world;

	open_short(&world, 2, WORLD_GIB);
	world_plan(&world);
	assert_near(guest_of(&world, 0)->target_pages, WORLD_GIB / 2, 1);
	assert_near(guest_of(&world, 1)->target_pages, WORLD_GIB / 2, 1);

	/* The quick one has delivered: the slow one still owes its part. */
	world.guests[0].size = guest_of(&world, 0)->target_pages;
	world.guests[0].free -= world.guests[0].size;
	world.host.free_pages += world.guests[0].size;
	world.host.node[0].free_pages = world.host.free_pages;
	plan_after(&world, 20);
	assert_near(guest_of(&world, 0)->target_pages, WORLD_GIB / 2, 1);
	assert_near(guest_of(&world, 1)->target_pages, WORLD_GIB / 2, 1);

	/* It comes from elsewhere: then it need not give any more. */
	world.host.free_pages += WORLD_GIB / 2;
	world.host.node[0].free_pages = world.host.free_pages;
	plan_after(&world, 20);
	assert_int_equal(guest_of(&world, 1)->target_pages, 0);
	world_close(&world);
}

static void equal_guests_give_alike(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 10, 8 * WORLD_GIB);
	world.settings.granule_pages = BELLOWS_BLOCK_PAGES;
	world_plan(&world);
	for (i = 0; i < 10; i++)
		world.guests[i].size = guest_of(&world, i)->target_pages;
	assert_true(world.guests[0].size > 0);
	assert_true(world_jain(&world) >= 999);
	world_close(&world);
}

/* What the first @pages of a guest cost, by the prices that policy.h tells. */
static double cost_of(const struct policy_guest *guest, u64 pages)
{
	const struct bellows_guest_half *report = guest->report;
	double left = pages, from = 1 << 24, cost = 0, part, here;
	unsigned int group, age;

	here = report->free_pages;
	part = left < here ? left : here;
	if (here > 0)
		cost += part * part / here / 2 * 4096;
	left -= part;
	for (group = 0; group < BELLOWS_CLASSES; group++) {
		for (age = BELLOWS_AGES; age-- > 0; from *= 1.189207115) {
			here = report->class_pages[group][age];
			part = left < here ? left : here;
			if (here > 0)
				cost += part * (from + part / here * from *
							       0.189207115 / 2);
			left -= part;
		}
	}

	return cost * guest->settings.weight / 100;
}

#define CHUNKS 120
#define CHUNK 1024ULL

/* The least that @chunks cost, by trying every split. */
static double least_cost(struct world *world, unsigned int chunks)
{
	static double best[CHUNKS + 1], next[CHUNKS + 1];
	unsigned int i, all, own;

	for (all = 0; all <= chunks; all++)
		best[all] = all ? 1e300 : 0;
	for (i = 0; i < world->nr; i++) {
		for (all = 0; all <= chunks; all++) {
			next[all] = 1e300;
			for (own = 0; own <= all; own++) {
				double cost = best[all - own] +
					      cost_of(guest_of(world, i),
						      own * CHUNK);

				if (own * CHUNK <=
					    guest_of(world, i)->work.allow &&
				    cost < next[all])
					next[all] = cost;
			}
		}
		memcpy(best, next, sizeof(best));
	}

	return best[chunks];
}

static void cost_is_near_the_optimum(void **state)
{
	struct world world;
	unsigned int run, i, group, age, chunks;
	struct bellows_guest_half *report;
	double cost;

	for (run = 1; run <= 60; run++) {
		open_short(&world, 3, 1);
		world.seed = run * 7919;
		world.settings.stress_guests = 100;
		world.settings.defences_off = POLICY_DEFENCE_SHARE |
					      POLICY_DEFENCE_STRESS |
					      POLICY_DEFENCE_STEP;
		for (i = 0; i < 3; i++) {
			world_guest(&world, i, WORLD_GIB, 0, 0, 0);
			world_touch(&world, i);
			report = &world.guests[i].report;
			report->free_pages = world_random(&world, 20000);
			for (group = 0; group < BELLOWS_CLASSES; group++)
				for (age = 0; age < BELLOWS_AGES; age++)
					report->class_pages[group][age] =
						world_random(&world, 7000);
			report->available_pages = WORLD_GIB;
			guest_of(&world, i)->settings.buffer_permille = 0;
			guest_of(&world, i)->settings.buffer_least_pages = 0;
			guest_of(&world, i)->settings.weight =
				50 + world_random(&world, 300);
		}
		chunks = 1 + world_random(&world, CHUNKS);
		world.host.free_pages =
			world.settings.reserve_pages - chunks * CHUNK;
		world_plan(&world);

		for (i = 0, cost = 0; i < 3; i++)
			cost += cost_of(guest_of(&world, i),
					guest_of(&world, i)->target_pages);
		assert_near(world.result.asked_pages, chunks * CHUNK, 1);
		assert_true(cost <= 1.01 * least_cost(&world, chunks) + 1e6);
		world_close(&world);
	}
}

static void floors_hold_to_the_page(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 3, 3 * WORLD_GIB);
	world.settings.min_pages = world.settings.reserve_pages;
	world.settings.granule_pages = BELLOWS_BLOCK_PAGES;
	guest_of(&world, 0)->settings.reservation_pages = 3 * WORLD_GIB + 77;
	guest_of(&world, 1)->settings.target_max_pages = 1000;
	world.guests[2].report.floor_pages = 4 * WORLD_GIB - 511;
	world_plan(&world);
	assert_int_equal(world.result.mode, POLICY_MODE_EMERGENCY);
	assert_true(world.result.distress);
	assert_int_equal(guest_of(&world, 0)->target_pages,
			 (WORLD_GIB - 77) / 512 * 512);
	assert_int_equal(guest_of(&world, 1)->target_pages, 512);
	assert_int_equal(guest_of(&world, 2)->target_pages, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(guest_of(&world, i)->bound,
				 POLICY_BOUND_FLOOR);

	/* A floor that is raised takes effect at once, to the page. */
	for (i = 0; i < 3; i++)
		world.guests[i].size = guest_of(&world, i)->target_pages;
	guest_of(&world, 0)->settings.reservation_pages = 4 * WORLD_GIB - 99;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 99);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_FLOOR);
	world_close(&world);
}

static void exempt_and_manual_are_left_alone(void **state)
{
	struct world world;

	open_short(&world, 3, 2 * WORLD_GIB);
	guest_of(&world, 0)->settings.exempt = true;
	guest_of(&world, 1)->settings.manual = true;
	guest_of(&world, 1)->settings.manual_target_pages = 4711;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_EXEMPT);
	assert_int_equal(guest_of(&world, 1)->target_pages, 4711);
	assert_int_equal(guest_of(&world, 1)->abi_reason,
			 BELLOWS_REASON_MANUAL);
	assert_true(guest_of(&world, 2)->target_pages > 0);

	/* A balloon from before it was exempt goes. */
	world.guests[0].size = 5000;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_EXEMPT);
	world_close(&world);
}

static void limit_is_kept_without_any_need(void **state)
{
	struct world world;

	open_short(&world, 2, 0);
	guest_of(&world, 0)->settings.limit_pages = 3 * WORLD_GIB;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, WORLD_GIB);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_LIMIT);
	assert_int_equal(guest_of(&world, 1)->target_pages, 0);

	/* And give-back stops there. */
	world.guests[0].size = WORLD_GIB + 100000;
	world.host.free_pages = world.host.total_pages;
	world.host.now_ns += 100 * POLICY_NS_PER_S;
	world_report(&world, &world.guests[0]);
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, WORLD_GIB);
	world_close(&world);
}

static void short_cgroup_counts_as_short(void **state)
{
	struct world world;

	open_short(&world, 2, 0);
	guest_of(&world, 0)->cgroup_limit_pages = 1000000;
	guest_of(&world, 0)->cgroup_usage_pages = 990000;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 40000);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_CGROUP);
	assert_int_equal(guest_of(&world, 1)->target_pages, 0);
	world_close(&world);
}

static void missing_names_who_should_move(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 3, 3 * WORLD_GIB);
	for (i = 0; i < 3; i++)
		guest_of(&world, i)->settings.reservation_pages =
			4 * WORLD_GIB - 256 * WORLD_MIB;
	/* 3 GiB lack, 768 MiB can be had. */
	world.guests[1].untouched = WORLD_GIB;
	world_plan(&world);
	assert_near(world.result.missing_pages, 9 * WORLD_GIB / 4, 1);
	assert_int_equal(world.result.move, POLICY_NOBODY);

	world.host.now_ns += 2 * POLICY_NS_PER_S;
	world_plan(&world);
	/* The smallest that is enough. */
	assert_int_equal(world.result.move, 1);
	guest_of(&world, 1)->settings.exempt = true;
	world_plan(&world);
	assert_int_not_equal(world.result.move, 1);

	world.host.free_pages = world.settings.reserve_pages;
	world_plan(&world);
	assert_int_equal(world.result.missing_pages, 0);
	assert_int_equal(world.result.move, POLICY_NOBODY);
	world_close(&world);
}

static void short_node_is_served_by_its_own(void **state)
{
	struct world world;
	struct policy_guest *both;
	u64 here = 0, all = 0, need;
	unsigned int i;

	open_nodes(&world);
	world_plan(&world);
	need = world.result.node_need_pages[0];
	assert_near(need, WORLD_GIB * 17 / 10 + 16 * WORLD_GIB / 100, 40);
	assert_int_equal(world.result.node_need_pages[1], 0);
	assert_int_equal(world.result.need_pages, 0);
	assert_int_equal(guest_of(&world, 1)->target_pages, 0);

	both = guest_of(&world, 2);
	assert_int_equal(both->nr_nodes, 2);
	assert_int_equal(both->node_target_pages[0] +
				 both->node_target_pages[1],
			 both->target_pages);
	for (i = 0; i < 4; i++) {
		all += guest_of(&world, i)->target_pages;
		here += guest_of(&world, i)->host_node_take_pages[0];
	}
	here -= both->host_node_take_pages[0];
	here += both->node_target_pages[1];
	assert_near(all, need, 10);
	assert_true(here * 100 >= all * 95);
	assert_true(guest_of(&world, 0)->target_pages > 0);
	assert_true(guest_of(&world, 3)->target_pages > 0);
	assert_int_equal(guest_of(&world, 0)->abi_reason, BELLOWS_REASON_NODE);
	world_close(&world);
}

/* Just enough there is no reason to give back, whatever other nodes have. */
static void balloons_of_a_node_stay_while_it_is_tight(void **state)
{
	struct world world;
	unsigned int i;

	open_nodes(&world);
	for (i = 0; i < 2; i++) {
		world.guests[i].size = WORLD_GIB;
		world.guests[i].free -= WORLD_GIB;
	}
	/* Of 16 GiB a fifth shall be free, and a quarter is plenty. */
	world.host.node[0].free_pages = 37 * WORLD_GIB / 10;
	world.host.free_pages = 177 * WORLD_GIB / 10;
	plan_after(&world, 50);
	plan_after(&world, 5000);
	assert_int_equal(world.result.node_need_pages[0], 0);
	assert_int_equal(guest_of(&world, 0)->target_pages, WORLD_GIB);
	assert_true(guest_of(&world, 1)->target_pages < WORLD_GIB);

	world.host.node[0].free_pages = 5 * WORLD_GIB;
	plan_after(&world, 5000);
	assert_true(guest_of(&world, 0)->target_pages < WORLD_GIB);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calm_host_asks_for_nothing),
		cmocka_unit_test(free_pages_go_first),
		cmocka_unit_test(what_brings_nothing_is_asked_last),
		cmocka_unit_test(free_memory_costs_by_what_it_brings),
		cmocka_unit_test(classes_go_in_order),
		cmocka_unit_test(older_goes_before_younger),
		cmocka_unit_test(weights_show_in_what_is_taken),
		cmocka_unit_test(weights_show_in_what_is_taken_bit_by_bit),
		cmocka_unit_test(what_is_on_its_way_is_not_asked_again),
		cmocka_unit_test(equal_guests_give_alike),
		cmocka_unit_test(cost_is_near_the_optimum),
		cmocka_unit_test(floors_hold_to_the_page),
		cmocka_unit_test(exempt_and_manual_are_left_alone),
		cmocka_unit_test(limit_is_kept_without_any_need),
		cmocka_unit_test(short_cgroup_counts_as_short),
		cmocka_unit_test(missing_names_who_should_move),
		cmocka_unit_test(short_node_is_served_by_its_own),
		cmocka_unit_test(balloons_of_a_node_stay_while_it_is_tight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
