// SPDX-License-Identifier: GPL-2.0
/* Enhanced Second-Chance, one page or one call at a time. */
#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../guest/esc.c"

/* One sweep over a page of owner 7. */
static bool sweep(struct bellows_esc_page *page, bool used, bool modified)
{
	struct bellows_esc_look look = {
		.print = 7, .used = used, .modified = modified,
	};

	return bellows_esc_observe(page, &look, true);
}

static void sweeps(struct bellows_esc_page *page, bool used, bool modified,
		   int count)
{
	while (count--)
		sweep(page, used, modified);
}

static void first_sight_says_nothing(void **state)
{
	struct bellows_esc_page page = {};

	sweep(&page, true, false);
	assert_int_equal(page.uses, 0);
	assert_int_equal(page.idle, 0);
	assert_false(bellows_esc_proven(&page));
}

static void class_is_right_from_the_second_sweep(void **state)
{
	unsigned int group;

	for (group = 0; group < BELLOWS_CLASSES; group++) {
		struct bellows_esc_page page = {};

		sweeps(&page, group >> 1, group & 1, 2);
		assert_int_equal(bellows_esc_class(&page), group);
	}
}

static void a_use_counts_for_the_whole_window(void **state)
{
	struct bellows_esc_page page = {};
	int i;

	sweeps(&page, true, false, 2);
	for (i = 1; i < BELLOWS_ESC_WINDOW; i++) {
		sweep(&page, false, false);
		assert_int_equal(bellows_esc_class(&page), 2);
		assert_int_equal(bellows_esc_age(&page), i);
		assert_false(bellows_esc_proven(&page));
	}
	sweep(&page, false, false);
	assert_int_equal(bellows_esc_class(&page), 0);
	assert_true(bellows_esc_proven(&page));
}

/* As if a sweep had just seen it. */
static void use_between_sweeps_counts_for_the_whole_window(void **state)
{
	struct bellows_esc_page page = {};

	sweeps(&page, false, false, BELLOWS_ESC_WINDOW + 1);
	assert_true(bellows_esc_proven(&page));
	page.chance = BELLOWS_ESC_CHANCE_OVER;
	bellows_esc_used(&page);
	assert_int_equal(bellows_esc_class(&page), 2);
	assert_int_equal(bellows_esc_age(&page), 0);
	assert_int_equal(page.chance, BELLOWS_ESC_CHANCE_NONE);
	sweeps(&page, false, false, BELLOWS_ESC_WINDOW - 1);
	assert_int_equal(bellows_esc_class(&page), 2);
	assert_false(bellows_esc_proven(&page));
	sweep(&page, false, false);
	assert_int_equal(bellows_esc_class(&page), 0);
}

/* It was taken, and is being written. */
static void what_is_used_on_its_way_out_stays(void **state)
{
	struct bellows_esc_page page = {};

	sweeps(&page, false, true, BELLOWS_ESC_WINDOW + 1);
	assert_true(bellows_esc_goes(&page));
	bellows_esc_used(&page);
	assert_false(bellows_esc_goes(&page));
	/* One of a class that was used, whose use was forgiven. */
	page.chance = BELLOWS_ESC_CHANCE_OVER;
	assert_true(bellows_esc_goes(&page));
	bellows_esc_used(&page);
	assert_false(bellows_esc_goes(&page));
}

/* What a single bit, or a short window, gets wrong. */
static void used_every_third_sweep_is_used(void **state)
{
	struct bellows_esc_page page = {};
	int i;

	for (i = 0; i < 100; i++) {
		sweep(&page, i % 3 == 0, false);
		if (i >= 3) {
			assert_int_equal(bellows_esc_class(&page), 2);
			assert_false(bellows_esc_proven(&page));
		}
	}
}

static void code_lives_longer(void **state)
{
	struct bellows_esc_look look = { .print = 7, .executable = true };
	struct bellows_esc_page code = {}, data = {};
	int i;

	sweeps(&data, true, false, 2);
	look.used = true;
	bellows_esc_observe(&code, &look, true);
	bellows_esc_observe(&code, &look, true);
	look.used = false;
	for (i = 0; i < BELLOWS_ESC_WINDOW; i++) {
		bellows_esc_observe(&code, &look, true);
		sweep(&data, false, false);
	}
	assert_int_equal(bellows_esc_class(&data), 0);
	assert_int_equal(bellows_esc_class(&code), 2);
	for (; i < BELLOWS_ESC_CODE_IDLE; i++)
		bellows_esc_observe(&code, &look, true);
	assert_int_equal(bellows_esc_class(&code), 0);
}

static void hint_counts_as_use(void **state)
{
	struct bellows_esc_look look = { .print = 7, .hinted = true };
	struct bellows_esc_page page = {};

	bellows_esc_observe(&page, &look, true);
	bellows_esc_observe(&page, &look, true);
	assert_int_equal(bellows_esc_class(&page), 2);
	assert_int_equal(page.idle, 0);
}

static void reused_page_starts_afresh(void **state)
{
	struct bellows_esc_look look = { .used = true };
	struct bellows_esc_page page = {};
	unsigned int print, same = 0;

	for (print = 1; print < 20000; print++) {
		bellows_esc_forget(&page);
		sweeps(&page, false, true, 12);
		look.print = print;
		same += bellows_esc_knows(&page, print);
		if (bellows_esc_knows(&page, print))
			continue;
		bellows_esc_observe(&page, &look, true);
		assert_int_equal(page.idle, 0);
		assert_int_equal(page.uses, 0);
		assert_false(page.chance);
		assert_true(bellows_esc_knows(&page, print));
	}
	/* Few bits are kept, but they are well mixed. */
	assert_in_range(same, 1, 20000 / 1024 * 2);
}

static void forgotten_page_is_unknown(void **state)
{
	struct bellows_esc_page page = {};

	assert_false(bellows_esc_knows(&page, 0));
	sweep(&page, false, false);
	assert_true(bellows_esc_knows(&page, 7));
	bellows_esc_forget(&page);
	assert_false(bellows_esc_knows(&page, 7));
}

/* And so does what is on its way to be proven, or watching would slow down. */
static void observing_tells_what_is_new(void **state)
{
	struct bellows_esc_page page = {};
	int i;

	assert_true(sweep(&page, false, false));
	for (i = 0; i < BELLOWS_ESC_WINDOW; i++)
		assert_true(sweep(&page, false, false));
	assert_true(bellows_esc_proven(&page));
	assert_false(sweep(&page, false, false));
	assert_true(sweep(&page, true, false));
	assert_false(sweep(&page, true, false));
	assert_true(sweep(&page, false, false));
}

/* (0,0), (0,1), (1,0), (1,1), and older before younger inside each. */
static void ranks_are_in_order(void **state)
{
	unsigned int group, idle, last = 0;

	for (group = 0; group < BELLOWS_CLASSES; group++) {
		for (idle = BELLOWS_ESC_IDLES; idle-- > 0;) {
			struct bellows_esc_page page = {
				.uses = group >> 1, .modified = group & 1,
				.idle = idle, .known = 1,
			};
			unsigned int rank = bellows_esc_rank(&page);

			assert_int_equal(rank / BELLOWS_ESC_IDLES, group);
			assert_true(rank == 0 || rank == last + 1);
			last = rank;
		}
	}
	assert_int_equal(last, BELLOWS_ESC_RANKS - 1);
	assert_int_equal(BELLOWS_ESC_RANK_USED / BELLOWS_ESC_IDLES, 2);
}

static void histogram_loses_no_page(void **state)
{
	struct bellows_esc_census census = {};
	__u64 pages[BELLOWS_CLASSES][BELLOWS_AGES];
	u64 sum = 0, wanted = 0;
	unsigned int i, j;

	for (i = 0; i < 1000; i++) {
		struct bellows_esc_page page = {
			.uses = i % 5 ? 0 : 1, .modified = i % 3 == 0,
			.idle = i % BELLOWS_ESC_IDLES, .known = 1,
		};

		bellows_esc_count(&census, &page, i);
		wanted += i;
	}
	memset(pages, 0xff, sizeof(pages));
	bellows_esc_histogram(&census, pages);
	for (i = 0; i < BELLOWS_CLASSES; i++)
		for (j = 0; j < BELLOWS_AGES; j++)
			sum += pages[i][j];
	assert_int_equal(sum, wanted);
}

static void working_set_is_what_is_not_known_to_be_idle(void **state)
{
	struct bellows_esc_census census = {};
	struct bellows_esc_page page = {};

	sweep(&page, false, false);
	bellows_esc_count(&census, &page, 100);
	assert_int_equal(bellows_esc_working_set(&census, 1000), 1000);
	sweeps(&page, false, true, BELLOWS_ESC_WINDOW);
	bellows_esc_count(&census, &page, 300);
	assert_int_equal(bellows_esc_working_set(&census, 1000), 700);
	sweep(&page, true, true);
	bellows_esc_count(&census, &page, 50);
	assert_int_equal(bellows_esc_working_set(&census, 1000), 700);
	assert_int_equal(bellows_esc_working_set(&census, 200), 0);
	page = (struct bellows_esc_page){ .executable = 1, .idle = 9 };
	bellows_esc_count(&census, &page, 10);
	assert_int_equal(bellows_esc_working_set(&census, 1000), 700);
}

static void block_costs(void **state)
{
	struct bellows_esc_block block = { .free = 512 };

	assert_int_equal(bellows_esc_block_cost(&block, 512), 0);
	block = (struct bellows_esc_block){ .free = 500, .cold = 12 };
	assert_int_equal(bellows_esc_block_cost(&block, 512), 12);
	block = (struct bellows_esc_block){ .free = 500, .moves = 12 };
	assert_int_equal(bellows_esc_block_cost(&block, 512), 24);
	assert_int_equal(bellows_esc_block_cost(&block, 12), 24);
	assert_int_equal(bellows_esc_block_cost(&block, 11), BELLOWS_ESC_NEVER);
	block = (struct bellows_esc_block){ .moves = 512 };
	assert_int_equal(bellows_esc_block_cost(&block, 512),
			 BELLOWS_ESC_COST_MAX);
	block = (struct bellows_esc_block){ .free = 511, .stuck = 1 };
	assert_int_equal(bellows_esc_block_cost(&block, 512),
			 BELLOWS_ESC_NEVER);
}

/* Failures in a row, each as soon as it may be. */
static void block_that_fails_rests_longer_each_time(void **state)
{
	struct bellows_esc_trials trials = {};
	u32 sweep = 0xfffffff0, rest, last = 0;
	int i;

	assert_false(bellows_esc_block_rests(&trials, sweep));
	for (i = 0; i < 300; i++) {
		bellows_esc_block_tried(&trials, false, sweep);
		/* Never again in the same sweep. */
		assert_true(bellows_esc_block_rests(&trials, sweep));
		for (rest = 1; bellows_esc_block_rests(&trials, ++sweep); rest++)
			assert_true(rest < BELLOWS_ESC_REST_MAX);
		assert_int_equal(rest, i ? min(2 * last, 32U) : 1);
		last = rest;
	}
	assert_int_equal(last, BELLOWS_ESC_REST_MAX);
}

static void block_that_was_emptied_starts_afresh(void **state)
{
	struct bellows_esc_trials trials = {};
	int i;

	for (i = 0; i < 10; i++)
		bellows_esc_block_tried(&trials, false, 100);
	bellows_esc_block_tried(&trials, true, 100);
	assert_false(bellows_esc_block_rests(&trials, 100));
	bellows_esc_block_tried(&trials, false, 200);
	assert_true(bellows_esc_block_rests(&trials, 200));
	assert_false(bellows_esc_block_rests(&trials, 201));
}

static void meter_stops_what_does_not_pay(void **state)
{
	struct bellows_esc_meter meter = {};
	int i;

	/* Too little to tell. */
	assert_true(bellows_esc_pays(&meter, 10, 0, 50));
	for (i = 0; i < 10; i++)
		assert_true(bellows_esc_pays(&meter, 512, 300, 50));
	assert_true(bellows_esc_pays(&meter, 512, 250, 50));
	for (i = 0; bellows_esc_pays(&meter, 512, 40, 50); i++)
		assert_true(i < 4);
	meter = (struct bellows_esc_meter){};
	assert_false(bellows_esc_pays(&meter, 512, -5000, 50));
	assert_true(meter.gained == 0);
}

static void rest_keeps_to_the_budget(void **state)
{
	static const unsigned int percents[] = { 1, 2, 3, 10, 50, 99, 100 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		u64 worked = 1234567, rest;

		rest = bellows_esc_rest_ns(worked, percents[i]);
		assert_true(worked * 100 <=
			    (worked + rest + 1) * percents[i]);
		assert_true(worked * 1000 >=
			    (worked + rest) * percents[i] * 9);
	}
	assert_int_equal(bellows_esc_rest_ns(100, 0),
			 bellows_esc_rest_ns(100, 1));
	assert_int_equal(bellows_esc_rest_ns(100, 1000), 0);
}

static void gap_adapts(void **state)
{
	u32 gap = 1000;
	int i;

	for (i = 0; i < 30; i++) {
		u32 next = bellows_esc_gap_ms(gap, 5, 100000, 1000, 20000);

		assert_in_range(next, gap, 20000);
		gap = next;
	}
	assert_int_equal(gap, 20000);
	assert_int_equal(bellows_esc_gap_ms(gap, 5000, 100000, 1000, 20000),
			 1000);
	/* A knob set the wrong way round. */
	assert_int_equal(bellows_esc_gap_ms(gap, 0, 100, 5000, 100), 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_sight_says_nothing),
		cmocka_unit_test(class_is_right_from_the_second_sweep),
		cmocka_unit_test(a_use_counts_for_the_whole_window),
		cmocka_unit_test(use_between_sweeps_counts_for_the_whole_window),
		cmocka_unit_test(what_is_used_on_its_way_out_stays),
		cmocka_unit_test(used_every_third_sweep_is_used),
		cmocka_unit_test(code_lives_longer),
		cmocka_unit_test(hint_counts_as_use),
		cmocka_unit_test(reused_page_starts_afresh),
		cmocka_unit_test(forgotten_page_is_unknown),
		cmocka_unit_test(observing_tells_what_is_new),
		cmocka_unit_test(ranks_are_in_order),
		cmocka_unit_test(histogram_loses_no_page),
		cmocka_unit_test(working_set_is_what_is_not_known_to_be_idle),
		cmocka_unit_test(block_costs),
		cmocka_unit_test(block_that_fails_rests_longer_each_time),
		cmocka_unit_test(block_that_was_emptied_starts_afresh),
		cmocka_unit_test(meter_stops_what_does_not_pay),
		cmocka_unit_test(rest_keeps_to_the_budget),
		cmocka_unit_test(gap_adapts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
