// SPDX-License-Identifier: GPL-2.0
/* How long a target that was too much is left alone. */
#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../guest/backoff.c"

#define FIRST	BELLOWS_BACKOFF_FIRST_MS
#define MOST	BELLOWS_BACKOFF_MOST_MS

/* Tried as soon as it may be, at @now; too much @borne later. Returns when. */
static u64 again(struct bellows_backoff *backoff, u64 now, u64 borne)
{
	while (bellows_backoff_waits(backoff, now, MOST))
		now += 100;
	bellows_backoff_tried(backoff, now);
	/* The worker goes on trying. */
	bellows_backoff_tried(backoff, now + borne / 2);
	bellows_backoff_relieved(backoff, now + borne);

	return now + borne;
}

static void nothing_happened(void **state)
{
	struct bellows_backoff backoff = {};

	assert_false(bellows_backoff_waits(&backoff, 0, MOST));
	bellows_backoff_tried(&backoff, 5);
	bellows_backoff_forgive(&backoff);
	assert_false(bellows_backoff_waits(&backoff, 5, MOST));
}

static void one_relief_is_a_short_wait(void **state)
{
	struct bellows_backoff backoff = {};

	bellows_backoff_relieved(&backoff, 1000);
	assert_true(bellows_backoff_waits(&backoff, 1000, MOST));
	assert_true(bellows_backoff_waits(&backoff, 999 + FIRST, MOST));
	assert_false(bellows_backoff_waits(&backoff, 1000 + FIRST, MOST));
}

static void one_distress_is_one_wait(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now;

	for (now = 0; now <= 2000; now += 100)
		bellows_backoff_relieved(&backoff, now);
	assert_true(bellows_backoff_waits(&backoff, 1999 + FIRST, MOST));
	assert_false(bellows_backoff_waits(&backoff, 2000 + FIRST, MOST));
}

static void too_much_again_and_again_waits_longer(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now = 7, wait = FIRST;
	int i;

	bellows_backoff_relieved(&backoff, now);
	for (i = 0; i < 40; i++) {
		now = again(&backoff, now, 3000);
		wait = min(2 * wait, (u64)MOST);
		assert_true(bellows_backoff_waits(&backoff, now + wait - 1, MOST));
		assert_false(bellows_backoff_waits(&backoff, now + wait, MOST));
	}
	assert_int_equal(wait, MOST);
}

/* An hour of a target that is too much all the time. */
static void it_is_not_tried_often(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now = 0;
	int tries = 0;

	bellows_backoff_relieved(&backoff, now);
	while (now < 3600 * 1000) {
		now = again(&backoff, now, 1000);
		tries++;
	}
	assert_in_range(tries, 5, 20);
}

static void a_target_that_was_borne_is_forgiven(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now;

	bellows_backoff_relieved(&backoff, 0);
	now = again(&backoff, 0, 100);
	now = again(&backoff, now, 100);
	now = again(&backoff, now, 4 * FIRST * BELLOWS_BACKOFF_FORGIVEN);
	assert_false(bellows_backoff_waits(&backoff, now + FIRST, MOST));
}

static void another_target_is_tried_soon(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now;

	bellows_backoff_relieved(&backoff, 0);
	now = again(&backoff, 0, 100);
	now = again(&backoff, now, 100);
	assert_true(bellows_backoff_waits(&backoff, now + FIRST, MOST));
	bellows_backoff_forgive(&backoff);
	assert_true(bellows_backoff_waits(&backoff, now + FIRST - 1, MOST));
	assert_false(bellows_backoff_waits(&backoff, now + FIRST, MOST));
}

static void who_is_heard_sooner_waits_less(void **state)
{
	struct bellows_backoff backoff = {};
	u64 now;

	bellows_backoff_relieved(&backoff, 0);
	now = again(&backoff, 0, 100);
	assert_true(bellows_backoff_waits(&backoff, now + FIRST - 1, FIRST));
	assert_false(bellows_backoff_waits(&backoff, now + FIRST, FIRST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(one_relief_is_a_short_wait),
		cmocka_unit_test(one_distress_is_one_wait),
		cmocka_unit_test(too_much_again_and_again_waits_longer),
		cmocka_unit_test(it_is_not_tried_often),
		cmocka_unit_test(a_target_that_was_borne_is_forgiven),
		cmocka_unit_test(another_target_is_tried_soon),
		cmocka_unit_test(who_is_heard_sooner_waits_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
