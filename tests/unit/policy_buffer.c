// SPDX-License-Identifier: GPL-2.0
/* What guests have left: buffers, how fast they are used up, and relief. */
#include "policy_plans.h"

#define SMALL (768 * WORLD_MIB)
#define BUFFER (64 * WORLD_MIB)

/*
 * Guest 0 is small, with a balloon of @size and @free pages free; guest 1 has
 * 2 GiB of cache. The host is @lack below its reserve.
 */
static struct world_guest *open_needy(struct world *world, u64 size, u64 free,
				      u64 lack)
{
	struct world_guest *needy;

	open_short(world, 2, lack);
	needy = &world->guests[0];
	world_guest(world, 0, SMALL, SMALL - size - free, 0, 0);
	needy->size = size;
	needy->free = free;
	world_touch(world, 0);
	world_guest(world, 1, 4 * WORLD_GIB, WORLD_GIB, WORLD_GIB,
		    2 * WORLD_GIB);
	world_touch(world, 1);
	/* Its share is all it has. */
	needy->guest.settings.weight = 400;

	return needy;
}

/* A guest uses up @pages of what is free in @ms. */
static void use_up(struct world *world, unsigned int i, u64 pages, u64 ms)
{
	world->guests[i].free -= pages;
	world->guests[i].hot += pages;
	plan_after(world, ms);
}

static void small_guests_keep_enough(void **state)
{
	static const u64 sizes[][2] = {
		{ 128 * WORLD_MIB, 32 * WORLD_MIB },
		{ 256 * WORLD_MIB, 64 * WORLD_MIB },
		{ SMALL, 64 * WORLD_MIB },
		{ 4 * WORLD_GIB, 4 * WORLD_GIB / 20 },
	};
	struct world world;
	unsigned int i;
	u64 left;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		open_short(&world, 1, WORLD_GIB);
		world_guest(&world, 0, sizes[i][0], sizes[i][0] / 2, 0, 0);
		world_touch(&world, 0);
		world_plan(&world);
		left = world.guests[0].free - guest_of(&world, 0)->target_pages;
		assert_int_equal(guest_of(&world, 0)->work.buffer, sizes[i][1]);
		assert_true(left >= sizes[i][1]);
		world_close(&world);
	}
}

static void falling_guest_keeps_what_it_will_use(void **state)
{
	struct world world;
	struct world_guest *needy;
	u64 left;

	needy = open_needy(&world, 0, 300 * WORLD_MIB, 0);
	plan_after(&world, 1000);
	world.host.free_pages -= WORLD_GIB;
	use_up(&world, 0, 40 * WORLD_MIB, 1000);
	/* Of 260 MiB, not its buffer, nor most of 80 MiB for two seconds. */
	left = needy->free - needy->guest.target_pages;
	assert_true(needy->guest.target_pages > 0);
	assert_true(left >= BUFFER + 60 * WORLD_MIB);
	assert_true(left <= BUFFER + 80 * WORLD_MIB);

	/* Often told is not less told. */
	while (needy->free > 220 * WORLD_MIB)
		use_up(&world, 0, 4 * WORLD_MIB, 100);
	left = needy->free - needy->guest.target_pages;
	assert_true(left >= BUFFER + 60 * WORLD_MIB);
	world_close(&world);
}

static void fall_is_over_when_it_ends(void **state)
{
	struct world world;
	struct world_guest *needy;
	unsigned int i;

	needy = open_needy(&world, 0, 300 * WORLD_MIB, 0);
	plan_after(&world, 1000);
	use_up(&world, 0, 40 * WORLD_MIB, 1000);
	for (i = 0; i < 30; i++)
		plan_after(&world, 100);
	assert_true(needy->guest.work.ahead <= WORLD_MIB);
	world_close(&world);
}

static void own_balloon_is_no_fall(void **state)
{
	struct world world;
	struct world_guest *needy;

	needy = open_needy(&world, 0, 300 * WORLD_MIB, WORLD_GIB);
	plan_after(&world, 1000);
	needy->size += 100 * WORLD_MIB;
	needy->free -= 100 * WORLD_MIB;
	plan_after(&world, 100);
	assert_int_equal(needy->guest.work.ahead, 0);

	/* And what it is given back hides none. */
	needy->size -= 50 * WORLD_MIB;
	needy->free += 50 * WORLD_MIB;
	use_up(&world, 0, 10 * WORLD_MIB, 1000);
	assert_near(needy->guest.work.ahead, 16 * WORLD_MIB, 10);
	world_close(&world);
}

/* What it could swap out would come out of what it is about to use. */
static void falling_guest_gives_nothing_dear(void **state)
{
	struct world world;
	struct world_guest *needy;
	unsigned int falls;

	for (falls = 0; falls < 2; falls++) {
		needy = open_needy(&world, 0, 150 * WORLD_MIB, 0);
		needy->hot -= 400 * WORLD_MIB;
		needy->cold += 400 * WORLD_MIB;
		guest_of(&world, 1)->settings.exempt = true;
		plan_after(&world, 1000);
		world.host.free_pages -= WORLD_GIB;
		use_up(&world, 0, 50 * WORLD_MIB * falls, 1000);
		if (falls) {
			assert_int_equal(needy->guest.target_pages, 0);
			assert_int_equal(needy->guest.bound,
					 POLICY_BOUND_BUFFER);
		} else {
			assert_true(needy->guest.target_pages > needy->free);
		}
		world_close(&world);
	}
}

static void falling_guest_is_helped_ahead(void **state)
{
	struct world world;
	struct world_guest *needy;
	unsigned int is_short;

	for (is_short = 0; is_short < 2; is_short++) {
		needy = open_needy(&world, 150 * WORLD_MIB, 120 * WORLD_MIB, 0);
		plan_after(&world, 1000);
		assert_true(needy->guest.target_pages >= needy->size);
		world.host.free_pages -= is_short * WORLD_GIB;
		use_up(&world, 0, 40 * WORLD_MIB, 1000);
		/* It has its buffer yet, and will have used it up. */
		assert_true(needy->free > BUFFER);
		assert_int_equal(needy->guest.reason, POLICY_REASON_BUFFER);
		assert_true(needy->guest.target_pages <=
			    needy->size - 45 * WORLD_MIB);
		world_close(&world);
	}
}

static void buffer_is_refilled_at_the_expense_of_others(void **state)
{
	struct world world;
	struct world_guest *needy;
	u64 others;

	needy = open_needy(&world, 200 * WORLD_MIB, 40 * WORLD_MIB,
			   WORLD_GIB / 2);
	world_plan(&world);
	assert_int_equal(needy->guest.reason, POLICY_REASON_BUFFER);
	assert_int_equal(needy->guest.abi_reason, BELLOWS_REASON_GIVE_BACK);
	assert_int_equal(needy->guest.bound, POLICY_BOUND_BUFFER);
	assert_near(needy->guest.target_pages, 176 * WORLD_MIB, 1);
	others = guest_of(&world, 1)->target_pages;
	assert_near(others, WORLD_GIB / 2 + 24 * WORLD_MIB, 1);

	/* To the brim, not until it is a little better. */
	needy->size -= 20 * WORLD_MIB;
	needy->free += 20 * WORLD_MIB;
	plan_after(&world, 100);
	assert_near(needy->guest.target_pages, 176 * WORLD_MIB, 1);
	world_close(&world);
}

static void buffer_is_not_refilled_at_any_price(void **state)
{
	struct world world;
	struct world_guest *needy;

	/* The host is below its minimum. */
	needy = open_needy(&world, 200 * WORLD_MIB, 40 * WORLD_MIB, WORLD_GIB);
	world.settings.min_pages = world.host.free_pages + 1;
	world_plan(&world);
	assert_int_equal(world.result.mode, POLICY_MODE_EMERGENCY);
	assert_true(needy->guest.target_pages >= needy->size);

	/* It is a little above. */
	world.settings.min_pages = world.host.free_pages - 1000;
	memset(&world.state, 0, sizeof(world.state));
	world_plan(&world);
	assert_near(needy->guest.target_pages, needy->size - 1000, 1);
	world_close(&world);

	/* Others have what they use, and what they would swap. */
	needy = open_needy(&world, 200 * WORLD_MIB, 40 * WORLD_MIB, WORLD_GIB);
	world_guest(&world, 1, 4 * WORLD_GIB, WORLD_GIB,
		    3 * WORLD_GIB - 150 * WORLD_MIB, 0);
	world_touch(&world, 1);
	world_plan(&world);
	assert_true(needy->guest.target_pages >= needy->size);
	assert_true(guest_of(&world, 1)->target_pages > 0);
	world_close(&world);
}

/* Nothing available, and more than its share: true or not, not for ever. */
static void want_above_the_share_ends_to_count(void **state)
{
	struct world world;
	struct world_guest *needy;
	unsigned int i;

	needy = open_needy(&world, 200 * WORLD_MIB, 0, WORLD_GIB);
	needy->guest.settings.weight = 1;
	world.settings.relief_trust_ms = 10000;
	/* Nobody gives anything here. */
	world.settings.defences_off = POLICY_DEFENCE_STUCK;
	plan_after(&world, 100);
	assert_true(needy->guest.work.over);
	for (i = 0; i < 95; i++) {
		plan_after(&world, 100);
		assert_int_equal(needy->guest.reason, POLICY_REASON_BUFFER);
	}
	for (i = 0; i < 10; i++)
		plan_after(&world, 100);
	assert_true(needy->guest.target_pages >= needy->size);
	world_close(&world);
}

/*
 * Equal guests, all of them squeezed down to their buffers, with a need that
 * trembles and memory that each uses and frees: what one is lent is not asked
 * of it, and of the other, in turn.
 */
static void lending_makes_no_swing(void **state)
{
	struct world world;
	unsigned int seed, step, i;
	u64 base;

	for (seed = 1; seed <= 20; seed++) {
		world_open(&world, seed, 8 * WORLD_GIB, 4, 1);
		for (i = 0; i < 4; i++) {
			world_guest(&world, i, 2 * WORLD_GIB, WORLD_GIB, 0,
				    WORLD_GIB / 2);
			world_touch(&world, i);
			world.guests[i].grow = 20;
		}
		world_account(&world);
		base = world.host.free_pages - world.settings.reserve_pages +
		       29 * WORLD_GIB / 10;
		world.node_base[0] += base;
		base = world.node_base[0];
		world_run(&world, 8000);
		for (i = 0; i < 4; i++)
			world.guests[i].reversals = 0;
		for (step = 0; step < 400; step++) {
			i = world_random(&world, 4);
			world.guests[i].base =
				WORLD_GIB + world_random(&world, BUFFER / 2);
			world.node_base[0] =
				base + world_random(&world, 64 * WORLD_MIB);
			world_run(&world, 50);
		}
		/* 20 s; one change of direction in two seconds is the most. */
		for (i = 0; i < 4; i++)
			assert_true(world.guests[i].reversals <= 10);
		world_close(&world);
	}
}

/* A balloon of 1 GiB; then reports of so many ms in which tasks waited. */
static u64 target_after(const u64 (*reports)[2], unsigned int nr)
{
	struct world world;
	unsigned int i;
	u64 target;

	open_short(&world, 2, 0);
	world.guests[0].size = WORLD_GIB;
	world.guests[0].free -= WORLD_GIB;
	plan_after(&world, 100);
	for (i = 0; i < nr; i++) {
		world.guests[0].stall_ns += reports[i][1] * POLICY_NS_PER_MS;
		plan_after(&world, reports[i][0]);
	}
	target = guest_of(&world, 0)->target_pages;
	world_close(&world);

	return target;
}

static void one_noisy_report_shrinks_nothing(void **state)
{
	static const u64 one[][2] = { { 100, 30 } };
	static const u64 two[][2] = { { 100, 6 }, { 100, 6 } };
	static const u64 apart[][2] = { { 100, 30 }, { 100, 0 }, { 100, 30 } };
	static const u64 second[][2] = { { 1000, 190 } };
	static const u64 severe[][2] = { { 1000, 210 } };
	static const u64 severe_soon[][2] = { { 100, 45 } };
	static const u64 below[][2] = { { 100, 4 }, { 100, 4 }, { 100, 4 } };

	assert_int_equal(target_after(one, 1), WORLD_GIB);
	assert_int_equal(target_after(two, 2), WORLD_GIB / 2);
	assert_int_equal(target_after(apart, 3), WORLD_GIB);
	assert_int_equal(target_after(second, 1), WORLD_GIB);
	assert_int_equal(target_after(severe, 1), WORLD_GIB / 2);
	assert_int_equal(target_after(severe_soon, 1), WORLD_GIB / 2);
	assert_int_equal(target_after(below, 3), WORLD_GIB);
}

/* What guests were given is asked of others in time, but not of their buffers. */
static void what_is_promised_is_no_emergency(void **state)
{
	struct world world;

	open_short(&world, 1, 0);
	world.settings.min_pages = WORLD_GIB / 4;
	world.host.promised_pages =
		world.host.free_pages - world.settings.min_pages + 1;
	world_plan(&world);
	assert_int_equal(world.result.mode, POLICY_MODE_SHORT);
	assert_true(world.result.need_pages >= world.host.promised_pages);
	assert_false(world.result.distress);

	/* It was touched. */
	world.host.free_pages -= world.host.promised_pages;
	world.host.promised_pages = 0;
	world.host.node[0].free_pages = world.host.free_pages;
	plan_after(&world, 10);
	assert_int_equal(world.result.mode, POLICY_MODE_EMERGENCY);
	assert_true(world.result.distress);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_guests_keep_enough),
		cmocka_unit_test(falling_guest_keeps_what_it_will_use),
		cmocka_unit_test(fall_is_over_when_it_ends),
		cmocka_unit_test(own_balloon_is_no_fall),
		cmocka_unit_test(falling_guest_gives_nothing_dear),
		cmocka_unit_test(falling_guest_is_helped_ahead),
		cmocka_unit_test(buffer_is_refilled_at_the_expense_of_others),
		cmocka_unit_test(buffer_is_not_refilled_at_any_price),
		cmocka_unit_test(want_above_the_share_ends_to_count),
		cmocka_unit_test(lending_makes_no_swing),
		cmocka_unit_test(one_noisy_report_shrinks_nothing),
		cmocka_unit_test(what_is_promised_is_no_emergency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
