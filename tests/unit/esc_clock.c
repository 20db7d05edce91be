// SPDX-License-Identifier: GPL-2.0
/*
 * The clock that looks for victims, on random guests: properties that hold
 * whatever the pages' histories are.
 */
#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../guest/esc.c"

#define PAGES	4096
#define RUNS	50

/* A guest: histories, and what befell each page in this inflation. */
struct guest {
	struct bellows_esc_page page[PAGES];
	bool hinted[PAGES];
	bool taken[PAGES];
	unsigned int tests[PAGES];
	unsigned int visits[PAGES];
	struct bellows_esc_clock clock;
	u64 seed;
};

static u32 any(struct guest *guest, u32 below)
{
	guest->seed = guest->seed * 6364136223846793005ULL + 1442695040888963407ULL;

	return (guest->seed >> 33) % below;
}

static struct guest *new_guest(u64 seed)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	int i;

	guest->seed = seed;
	for (i = 0; i < PAGES; i++) {
		guest->page[i] = (struct bellows_esc_page){
			.uses = any(guest, 2) ? 0 : any(guest, 256),
			.idle = any(guest, BELLOWS_ESC_IDLES),
			.modified = any(guest, 2),
			.known = any(guest, 10) != 0,
		};
		guest->hinted[i] = any(guest, 20) == 0;
	}

	return guest;
}

static void sweep(struct guest *guest, bool fresh_round)
{
	struct bellows_esc_look look = {};
	int i;

	for (i = 0; i < PAGES; i++) {
		if (!guest->page[i].known)
			continue;
		look.modified = guest->page[i].modified;
		look.used = any(guest, 4) == 0;
		bellows_esc_observe(&guest->page[i], &look, fresh_round);
	}
}

/* Steps until a victim is found; -1 when there is none. Some are in use. */
static int victim(struct guest *guest)
{
	enum bellows_esc_verdict verdict;
	u64 number;

	while (bellows_esc_clock_step(&guest->clock, &number)) {
		guest->visits[number]++;
		verdict = bellows_esc_clock_judge(&guest->clock,
						  &guest->page[number],
						  guest->hinted[number]);
		if (verdict != BELLOWS_ESC_TAKE)
			continue;
		guest->tests[number]++;
		bellows_esc_tested(&guest->page[number]);
		if (any(guest, 3) == 0)
			continue;
		guest->taken[number] = true;
		return number;
	}

	return -1;
}

static void victims_come_in_order(void **state)
{
	int run, found;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);
		unsigned int rank, last = 0;

		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		while ((found = victim(guest)) >= 0) {
			rank = bellows_esc_rank(&guest->page[found]);
			assert_true(rank >= last);
			last = rank;
		}
		free(guest);
	}
}

/* Nothing of (1,M) goes before every page of (0,M) had its turn. */
static void used_pages_wait_for_all_unused(void **state)
{
	int run, found, i;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		for (i = 0; i < PAGES; i++)
			guest->page[i].chance = BELLOWS_ESC_CHANCE_OVER;
		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		do {
			found = victim(guest);
		} while (found >= 0 &&
			 bellows_esc_class(&guest->page[found]) < 2);
		assert_true(found >= 0);
		for (i = 0; i < PAGES; i++)
			if (guest->page[i].known && !guest->hinted[i] &&
			    bellows_esc_class(&guest->page[i]) < 2)
				assert_int_equal(guest->tests[i], 1);
		free(guest);
	}
}

static void used_page_has_a_second_chance(void **state)
{
	int run, found, i;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		while ((found = victim(guest)) >= 0)
			assert_true(bellows_esc_class(&guest->page[found]) < 2);
		/* The same inflation goes on, and asks again. */
		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		assert_int_equal(victim(guest), -1);

		sweep(guest, false);
		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		for (i = 0; (found = victim(guest)) >= 0; i++)
			assert_true(guest->page[found].idle > 0);
		assert_true(i > PAGES / 20);
		free(guest);
	}
}

/* A use after the chance was given, or even used up, undoes it. */
static void use_restores_the_second_chance(void **state)
{
	struct bellows_esc_look look = { .used = true };
	struct bellows_esc_page page = { .known = 1, .uses = 1, .idle = 7 };
	struct bellows_esc_clock clock = {};

	for (look.used = true;; look.used = false) {
		bellows_esc_clock_begin(&clock, 1, BELLOWS_ESC_RANKS);
		clock.rank = BELLOWS_ESC_RANKS - 1;
		page.print = bellows_esc_print(0);
		assert_int_equal(bellows_esc_clock_judge(&clock, &page, false),
				 BELLOWS_ESC_SPARE);
		bellows_esc_observe(&page, &look, true);
		if (!look.used)
			break;
	}
	assert_int_equal(bellows_esc_clock_judge(&clock, &page, false),
			 BELLOWS_ESC_TAKE);
	look.used = true;
	bellows_esc_observe(&page, &look, true);
	assert_int_equal(bellows_esc_clock_judge(&clock, &page, false),
			 BELLOWS_ESC_SPARE);
}

static void limit_is_kept(void **state)
{
	int run, found;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);
		unsigned int limit = any(guest, BELLOWS_ESC_RANKS);

		bellows_esc_clock_begin(&guest->clock, PAGES, limit);
		while ((found = victim(guest)) >= 0)
			assert_true(bellows_esc_rank(&guest->page[found]) <
				    limit);
		free(guest);
	}
}

static void hinted_or_unknown_is_never_picked(void **state)
{
	int run, found, i;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		for (i = 0; i < 3; i++) {
			bellows_esc_clock_begin(&guest->clock, PAGES,
						BELLOWS_ESC_RANKS);
			while ((found = victim(guest)) >= 0) {
				assert_false(guest->hinted[found]);
				assert_true(guest->page[found].known);
			}
			sweep(guest, true);
		}
		free(guest);
	}
}

/* However long it goes on, and however many sweeps come in between. */
static void tested_at_most_once_an_inflation(void **state)
{
	int run, i, round;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		for (round = 0; round < 5; round++) {
			bellows_esc_clock_begin(&guest->clock, PAGES,
						BELLOWS_ESC_RANKS);
			while (victim(guest) >= 0)
				;
			for (i = 0; i < PAGES; i++)
				assert_true(guest->tests[i] <= 1);
			sweep(guest, false);
		}
		/* The next inflation is another matter. */
		sweep(guest, true);
		for (i = 0; i < PAGES; i++)
			assert_false(guest->page[i].tested);
		free(guest);
	}
}

static void hand_visits_every_page_once_a_lap(void **state)
{
	int run, i, lap;
	u64 number;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		guest->clock.hand = any(guest, 2 * PAGES);
		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		for (lap = 1; lap < 4; lap++) {
			for (i = 0; i < PAGES; i++) {
				assert_true(bellows_esc_clock_step(&guest->clock,
								   &number));
				assert_true(number < PAGES);
				guest->visits[number]++;
				assert_int_equal(guest->clock.rank, lap - 1);
				guest->clock.next = lap;
			}
			for (i = 0; i < PAGES; i++)
				assert_int_equal(guest->visits[i], lap);
		}
		free(guest);
	}
}

/* Ranks that nobody has cost no lap. */
static void search_ends(void **state)
{
	int run, i;

	for (run = 0; run < RUNS; run++) {
		struct guest *guest = new_guest(run);

		for (i = 0; i < PAGES; i++)
			guest->page[i].idle = 3;
		bellows_esc_clock_begin(&guest->clock, PAGES,
					BELLOWS_ESC_RANKS);
		while (victim(guest) >= 0)
			;
		for (i = 0; i < PAGES; i++)
			assert_true(guest->visits[i] <= BELLOWS_CLASSES + 1);
		free(guest);
	}
}

static void next_search_goes_on_where_the_last_ended(void **state)
{
	struct guest *guest = new_guest(1);
	u64 hand;

	bellows_esc_clock_begin(&guest->clock, PAGES, BELLOWS_ESC_RANKS);
	assert_true(victim(guest) >= 0);
	hand = guest->clock.hand;
	bellows_esc_clock_begin(&guest->clock, PAGES, BELLOWS_ESC_RANKS);
	assert_int_equal(guest->clock.hand, hand);
	/* Memory has gone away meanwhile. */
	bellows_esc_clock_begin(&guest->clock, hand ?: 1, BELLOWS_ESC_RANKS);
	assert_int_equal(guest->clock.hand, 0);
	free(guest);
}

static void empty_guest_has_no_victim(void **state)
{
	struct bellows_esc_clock clock = {};
	u64 number;

	bellows_esc_clock_begin(&clock, 0, BELLOWS_ESC_RANKS);
	assert_false(bellows_esc_clock_step(&clock, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(victims_come_in_order),
		cmocka_unit_test(used_pages_wait_for_all_unused),
		cmocka_unit_test(used_page_has_a_second_chance),
		cmocka_unit_test(use_restores_the_second_chance),
		cmocka_unit_test(limit_is_kept),
		cmocka_unit_test(hinted_or_unknown_is_never_picked),
		cmocka_unit_test(tested_at_most_once_an_inflation),
		cmocka_unit_test(hand_visits_every_page_once_a_lap),
		cmocka_unit_test(search_ends),
		cmocka_unit_test(next_search_goes_on_where_the_last_ended),
		cmocka_unit_test(empty_guest_has_no_victim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
