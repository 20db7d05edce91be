// SPDX-License-Identifier: GPL-2.0
/* The planner at its edges: grants, knobs, noise, numbers of guests. */
#include "policy_plans.h"

#define GUESTS_MANY 500

static void unregistered_and_empty_are_survived(void **state)
{
	struct world world;

	open_short(&world, 1, WORLD_GIB);
	guest_of(&world, 0)->report = NULL;
	world_plan(&world);
	assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	assert_int_equal(guest_of(&world, 0)->bound, POLICY_BOUND_STALE);

	world.nr = 0;
	world_plan(&world);
	assert_int_equal(world.result.asked_pages, 0);
	assert_true(world.result.missing_pages > 0);
	world.host = (struct policy_host){};
	world_plan(&world);
	world_close(&world);
}

static void grants_follow_the_host(void **state)
{
	struct world world;
	struct policy_guest *guest;
	const u64 reserve = 4 * WORLD_GIB, min = WORLD_GIB, most = 100000;

	open_short(&world, 1, 0);
	guest = guest_of(&world, 0);
	world.settings.reserve_pages = reserve;
	world.settings.min_pages = min;
	guest->size_pages = most;
	guest->target_pages = most;

#define GRANTED(pages, asked)                                             \
	({                                                                \
		world.host.free_pages = (pages);                          \
		policy_grant(&world.settings, &world.host, guest, asked); \
	})

	assert_int_equal(GRANTED(reserve + most, most), most);
	/* Not more than there is in the balloon. */
	assert_int_equal(GRANTED(reserve + most, 2 * most), most);
	/* Half of what lies above the minimum... */
	assert_int_equal(GRANTED(min + 1000, most), 500);
	/* ...all of it if it was told to take... */
	guest->target_pages = 0;
	assert_int_equal(GRANTED(min + 1000, most), 1000);
	/* ...never what is below, or promised to others. */
	assert_int_equal(GRANTED(min, most), 0);
	assert_int_equal(GRANTED(0, most), 0);
	world.host.promised_pages = 600;
	assert_int_equal(GRANTED(min + 1000, most), 400);
	world.host.promised_pages = 0;

	/* What the operator tells it counts, too. */
	guest->target_pages = most;
	guest->settings.exempt = true;
	assert_int_equal(GRANTED(min + 1000, most), 1000);
	guest->settings.exempt = false;
	guest->settings.manual = true;
	guest->settings.manual_target_pages = most - 700;
	assert_int_equal(GRANTED(min + 1000, most), 700);
	guest->settings.manual = false;

	guest->cgroup_limit_pages = 1000;
	guest->cgroup_usage_pages = 990;
	assert_int_equal(GRANTED(reserve + most, most), 10);
	guest->cgroup_limit_pages = 0;
	guest->settings.limit_pages = 4 * WORLD_GIB - most + 20;
	assert_int_equal(GRANTED(reserve + most, most), 20);
	world_close(&world);
}

/*
 * The host looks while guests are giving: it is free already, and in nobody's
 * size. Who were told to stay as they are would take it back.
 */
static void what_arrives_is_not_given_back(void **state)
{
	struct world world;
	struct policy_guest *guest;
	u64 asked;

	open_short(&world, 1, WORLD_GIB);
	world_plan(&world);
	guest = guest_of(&world, 0);
	asked = guest->target_pages;
	assert_in_range(asked, WORLD_GIB, WORLD_GIB + WORLD_MIB);
	guest->arriving_pages = asked;
	world.host.free_pages += WORLD_GIB / 2;
	plan_after(&world, 5);
	assert_int_equal(guest->target_pages, asked);
	world.host.free_pages += WORLD_GIB / 2;
	plan_after(&world, 5);
	assert_int_equal(world.result.need_pages, 0);
	assert_int_equal(guest->target_pages, asked);

	/* What is too much then is counted from there, */
	world.guests[0].size = asked / 2;
	guest->arriving_pages = asked / 2;
	world.host.free_pages += world.settings.give_back_pages;
	plan_after(&world, 2000);
	assert_int_equal(guest->reason, POLICY_REASON_GIVE_BACK);
	assert_in_range(guest->target_pages, asked / 2, asked - 1);

	/* and a mere claim makes no target. */
	world_close(&world);
	open_short(&world, 1, 0);
	guest = guest_of(&world, 0);
	guest->arriving_pages = ~0ULL;
	world.host.free_pages += WORLD_GIB;
	world_plan(&world);
	assert_int_equal(guest->target_pages, 0);
	world_close(&world);
}

static void what_arrives_on_a_node_is_not_given_back(void **state)
{
	struct world world;
	struct policy_guest *guest;
	u64 asked;

	open_nodes(&world);
	world_plan(&world);
	guest = guest_of(&world, 0);
	asked = guest->target_pages;
	assert_true(asked > 256 * WORLD_MIB);
	/* All but a little of it is there. */
	guest->arriving_pages = asked;
	world.host.node[0].free_pages += world.result.node_need_pages[0] -
					 32 * WORLD_MIB;
	world.host.free_pages += world.result.node_need_pages[0] -
				 32 * WORLD_MIB;
	plan_after(&world, 5);
	assert_true(world.result.node_need_pages[0] > 0);
	assert_int_equal(guest->target_pages, asked);
	world_close(&world);
}

/* Nearly all was given since the guest reported, and only a little still lacks. */
static void what_was_given_since_lies_where_it_was_asked_for(void **state)
{
	struct world world;
	struct policy_guest *both;

	open_nodes(&world);
	both = guest_of(&world, 2);
	world.guests[0].ways = WORLD_DEAD;
	world.guests[1].ways = WORLD_DEAD;
	world.guests[3].ways = WORLD_DEAD;
	world_plan(&world);
	world.guests[2].size = WORLD_GIB;
	world.host.node[0].free_pages += world.result.node_need_pages[0] -
					 4 * WORLD_MIB;
	world.host.now_ns += 5 * POLICY_NS_PER_MS;
	world_plan(&world);
	assert_int_equal(both->nr_nodes, 2);
	assert_true(both->target_pages > WORLD_GIB);
	/* Its node 1 lies on the host's node 0, which is short. */
	assert_true(both->node_target_pages[0] * 100 <= both->target_pages);
	assert_int_equal(both->node_target_pages[0] +
				 both->node_target_pages[1],
			 both->target_pages);
	world_close(&world);
}

static void cries_are_not_believed_for_ever(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 2, WORLD_GIB);
	world.settings.relief_trust_ms = 10000;
	world.guests[0].ways = WORLD_CRIES;
	plan_after(&world, 50);
	for (i = 0; i < 180; i++) {
		plan_after(&world, 50);
		assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	}
	assert_int_equal(guest_of(&world, 0)->bound, POLICY_BOUND_PRESSURE);
	for (i = 0; i < 60; i++)
		plan_after(&world, 50);
	/* It has more than its share, and the host is short. */
	assert_true(guest_of(&world, 0)->target_pages > 0);
	world_close(&world);
}

static void who_is_not_believed_loses_it_bit_by_bit(void **state)
{
	struct world world;
	struct world_guest *guest;
	unsigned int i;
	u64 most = 0;

	open_short(&world, 2, WORLD_GIB);
	world.settings.relief_trust_ms = 1000;
	guest = &world.guests[0];
	guest->ways = WORLD_CRIES;
	guest->size = WORLD_GIB;
	for (i = 0; i < 200; i++) {
		plan_after(&world, 100);
		/* What it was asked for before it cried is not meant. */
		if (i > 5)
			most = max(most, policy_less(guest->guest.target_pages,
						     guest->size));
		guest->size = guest->guest.target_pages;
	}
	/* What a tenth of a second brings, and what it is rounded to. */
	assert_in_range(most, 1, 4 * WORLD_MIB);
	assert_true(guest->size > 64 * WORLD_MIB);
	world_close(&world);
}

/* Pressure after two reports, each of @faults in @ms. */
static u32 pressure_of(unsigned int ms, unsigned int faults)
{
	struct world world;
	unsigned int i;
	u32 pressure;

	open_short(&world, 1, WORLD_GIB);
	plan_after(&world, 100);
	for (i = 0; i < 2; i++) {
		world.guests[0].swap_in += faults;
		plan_after(&world, ms);
	}
	pressure = guest_of(&world, 0)->state.pressure_permille;
	world_close(&world);

	return pressure;
}

/* Who looks again after a moment sees no more in it than who waits. */
static void looks_in_haste_see_no_more(void **state)
{
	assert_int_equal(pressure_of(20, 30), 3000);
	assert_int_equal(pressure_of(12, 30), 3000);
	assert_int_equal(pressure_of(10, 30), 3000);
	assert_int_equal(pressure_of(40, 30), 1500);
	assert_int_equal(pressure_of(4, 30), 0);
}

static void oom_kill_takes_the_balloon_away(void **state)
{
	struct world world;

	open_short(&world, 2, WORLD_GIB);
	world.guests[0].size = WORLD_GIB;
	plan_after(&world, 100);
	plan_after(&world, 100);
	assert_true(guest_of(&world, 0)->target_pages >= WORLD_GIB);
	world.guests[0].report.oom_kills++;
	plan_after(&world, 50);
	assert_int_equal(guest_of(&world, 0)->target_pages, 0);
	assert_int_equal(guest_of(&world, 0)->reason, POLICY_REASON_PRESSURE);
	world_close(&world);
}

static void bound_after_pressure_grows_and_ends(void **state)
{
	struct world world;
	struct policy_guest_state *guest;
	unsigned int second;
	u64 cap = 0;

	open_short(&world, 2, WORLD_GIB);
	guest = &guest_of(&world, 0)->state;
	world.guests[0].size = WORLD_GIB;
	plan_after(&world, 100);
	world.guests[0].stall_ns += 80 * POLICY_NS_PER_MS;
	plan_after(&world, 100);
	assert_int_equal(guest_of(&world, 0)->target_pages, WORLD_GIB / 2);
	world.guests[0].size = WORLD_GIB / 2;

	/* Not at all for two seconds, then more each second, up to 32 MiB. */
	for (second = 0; second < 15; second++) {
		cap = guest->cap_pages;
		plan_after(&world, 1000);
		assert_int_equal(guest->cap_pages - cap,
				 32 * WORLD_MIB *
					 (second < 2 ? 0 : min(second - 1, 10U)) /
					 10);
		assert_true(guest_of(&world, 0)->target_pages <=
			    guest->cap_pages);
	}
	for (second = 0; second < 150; second++)
		plan_after(&world, 1000);
	assert_false(guest->capped);
	world_close(&world);
}

static void rate_is_bounded(void **state)
{
	struct world world;
	unsigned int i;

	open_short(&world, 1, WORLD_GIB);
	world.settings.rate_pages = 10000;
	world.settings.defences_off = POLICY_DEFENCE_STUCK;
	for (i = 0; i < 40; i++) {
		world.host.now_ns += 50 * POLICY_NS_PER_MS;
		world_report(&world, &world.guests[0]);
		world_plan(&world);
	}
	/* Two seconds, less one interval. */
	assert_near(guest_of(&world, 0)->target_pages, 19500, 1);
	assert_int_equal(guest_of(&world, 0)->bound, POLICY_BOUND_STEP);
	world_close(&world);
}

static void settings_are_checked(void **state)
{
	struct policy_guest_settings guest;
	struct policy_settings settings, bad;
	enum policy_class preset;
	u64 weight = ~0ULL;

	policy_settings_default(&settings, 16 * WORLD_GIB);
	assert_true(policy_settings_valid(&settings));
	assert_int_equal(settings.reserve_pages, 16 * WORLD_GIB / 5);
	policy_settings_default(&bad, ~0ULL);
	assert_true(policy_settings_valid(&bad));

#define REFUSED(field, value)                              \
	do {                                               \
		bad = settings;                            \
		bad.field = (value);                       \
		assert_false(policy_settings_valid(&bad)); \
	} while (0)

	REFUSED(reserve_pages, settings.give_back_pages);
	REFUSED(min_pages, settings.reserve_pages + 1);
	REFUSED(give_back_pages, ~0ULL);
	REFUSED(give_back_pages, settings.reserve_pages);
	REFUSED(dead_band_pages, ~0ULL);
	REFUSED(step_pages, 0);
	REFUSED(step_pages, ~0ULL);
	REFUSED(granule_pages, 0);
	REFUSED(guest_lookahead_ms, 10001);
	REFUSED(stale_ms, 0);
	REFUSED(stuck_ms, ~0U);
	REFUSED(pressure_faults, 0);
	REFUSED(decrease_permille, 1001);

	for (preset = 0; preset < POLICY_CLASS_COUNT; preset++) {
		policy_guest_preset(&guest, preset, WORLD_GIB);
		assert_true(policy_guest_settings_valid(&guest));
		assert_true(guest.reservation_pages <= WORLD_GIB);
		assert_string_not_equal(policy_class_name(preset), "?");
	}
	policy_guest_preset(&guest, 99, WORLD_GIB);
	assert_int_equal(guest.weight, 100);
	guest.weight = 0;
	assert_false(policy_guest_settings_valid(&guest));
	policy_guest_preset(&guest, POLICY_CLASS_LATENCY, WORLD_GIB);
	weight = guest.weight;
	policy_guest_preset(&guest, POLICY_CLASS_DEV, WORLD_GIB);
	assert_true(weight > guest.weight);
}

static void names_are_complete(void **state)
{
	unsigned int i;

	for (i = 0; i < POLICY_REASON_COUNT; i++)
		assert_string_not_equal(policy_reason_name(i), "?");
	for (i = 0; i < POLICY_BOUND_COUNT; i++)
		assert_string_not_equal(policy_bound_name(i), "?");
	assert_string_equal(policy_reason_name(POLICY_REASON_COUNT), "?");
	assert_string_equal(policy_bound_name(POLICY_BOUND_COUNT), "?");
	assert_string_equal(policy_class_name(POLICY_CLASS_COUNT), "?");
}

static void fill_with_noise(struct world *world, void *memory, size_t length)
{
	u8 *byte = memory;
	size_t i;

	for (i = 0; i < length; i++)
		byte[i] = world_random(world, 4) ? world_random(world, 256) :
						   255;
}

/* Whatever guests write, the plan keeps to what the host itself knows. */
static void noise_is_survived(void **state)
{
	struct world world;
	struct policy_guest *guest;
	unsigned int run, i, node;
	u64 sum;

	for (run = 1; run <= 300; run++) {
		open_nodes(&world);
		world.seed = run * 104729;
		for (i = 0; i < 60; i++) {
			guest = guest_of(&world, i % 4);
			fill_with_noise(&world, &world.guests[i % 4].report,
					sizeof(world.guests[0].report));
			guest->settings.reservation_pages = WORLD_GIB;
			world.host.now_ns +=
				world_random(&world, POLICY_NS_PER_S);
			world.host.free_pages =
				world_random(&world, 32 * WORLD_GIB);
			world.guests[i % 4].size =
				world_random(&world, 4 * WORLD_GIB);
			world_plan(&world);

			for (node = 0, sum = 0; node < guest->nr_nodes; node++)
				sum += guest->node_target_pages[node];
			if (guest->nr_nodes)
				assert_int_equal(sum, guest->target_pages);
			assert_true(guest->target_pages <=
				    guest->size_pages +
					    4 * world.settings.step_pages);
			assert_true(world.result.given_pages <= 20 * WORLD_GIB);
		}
		world_close(&world);
	}
}

/* Nonsense in the settings does no harm either. */
static void noise_in_settings_is_survived(void **state)
{
	struct world world;
	unsigned int run;

	for (run = 1; run <= 300; run++) {
		open_nodes(&world);
		world.seed = run * 15485863;
		fill_with_noise(&world, &world.settings,
				sizeof(world.settings) - sizeof(u64));
		fill_with_noise(&world, &world.host.node,
				sizeof(world.host.node));
		world.host.total_pages = world_random(&world, ~0ULL);
		world.host.falling_pages = world_random(&world, ~0ULL);
		guest_of(&world, 0)->settings.weight =
			world_random(&world, ~0U);
		guest_of(&world, 1)->settings.target_max_pages =
			world_random(&world, ~0ULL);
		guest_of(&world, 2)->settings.limit_pages =
			world_random(&world, ~0ULL);
		world_plan(&world);
		world.host.now_ns += POLICY_NS_PER_S;
		world_plan(&world);
		world_close(&world);
	}
}

static u64 work_done;

static u64 counted_pages(const struct policy_guest *guest, u64 price)
{
	work_done++;
	return policy_curve_bounded(guest, price);
}

/* Looks at curves, not time: that is the same on every machine. */
static void many_guests_cost_little(void **state)
{
	const struct policy_question question = {
		.pages = counted_pages,
		.worth = policy_worth_plain,
		.top = POLICY_PRICE_TOP,
	};
	struct world world;

	open_short(&world, GUESTS_MANY, 100 * WORLD_GIB);
	world_plan(&world);
	assert_near(world.result.asked_pages, 100 * WORLD_GIB, 10);
	policy_level(&question, world.order, GUESTS_MANY, 100 * WORLD_GIB);
	assert_true(work_done <= 55 * GUESTS_MANY);
	world_close(&world);
}

/* What it was asked for came at last: it is slow, and may be asked again. */
static void late_guest_is_not_stuck(void **state)
{
	struct world world;
	struct policy_guest *guest;

	open_short(&world, 2, WORLD_GIB);
	guest = guest_of(&world, 0);
	world_plan(&world);
	assert_true(guest->target_pages > 0);
	plan_after(&world, world.settings.stuck_ms);
	assert_int_equal(guest->bound, POLICY_BOUND_STUCK);
	assert_int_equal(guest->target_pages, 0);

	plan_after(&world, 100);
	assert_int_equal(guest->bound, POLICY_BOUND_STUCK);
	world.guests[0].size = 2 * WORLD_MIB;
	plan_after(&world, 100);
	assert_int_not_equal(guest->bound, POLICY_BOUND_STUCK);
	assert_true(guest->target_pages > 2 * WORLD_MIB);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unregistered_and_empty_are_survived),
		cmocka_unit_test(grants_follow_the_host),
		cmocka_unit_test(what_arrives_is_not_given_back),
		cmocka_unit_test(what_arrives_on_a_node_is_not_given_back),
		cmocka_unit_test(
			what_was_given_since_lies_where_it_was_asked_for),
		cmocka_unit_test(late_guest_is_not_stuck),
		cmocka_unit_test(cries_are_not_believed_for_ever),
		cmocka_unit_test(who_is_not_believed_loses_it_bit_by_bit),
		cmocka_unit_test(looks_in_haste_see_no_more),
		cmocka_unit_test(oom_kill_takes_the_balloon_away),
		cmocka_unit_test(bound_after_pressure_grows_and_ends),
		cmocka_unit_test(rate_is_bounded),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(names_are_complete),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(noise_in_settings_is_survived),
		cmocka_unit_test(many_guests_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
