// SPDX-License-Identifier: GPL-2.0
/* What the host takes by itself, as the guest looks it up. */
#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../guest/esc_hints.c"

static void nothing_is_named(void **state)
{
	struct bellows_esc_hints hints = { .nr = 7 };
	u64 range = bellows_range(5, 5);

	bellows_esc_hints_set(&hints, &range, 0);
	assert_false(bellows_esc_hinted(&hints, 0));
	assert_false(bellows_esc_hinted(&hints, 5));
	assert_int_equal(bellows_esc_hinted_pages(&hints), 0);
}

static void ends_are_exact(void **state)
{
	struct bellows_esc_hints hints;
	u64 ranges[] = { bellows_range(1024, 512), bellows_range(10, 1) };

	bellows_esc_hints_set(&hints, ranges, 2);
	assert_false(bellows_esc_hinted(&hints, 9));
	assert_true(bellows_esc_hinted(&hints, 10));
	assert_false(bellows_esc_hinted(&hints, 11));
	assert_false(bellows_esc_hinted(&hints, 1023));
	assert_true(bellows_esc_hinted(&hints, 1024));
	assert_true(bellows_esc_hinted(&hints, 1535));
	assert_false(bellows_esc_hinted(&hints, 1536));
	assert_int_equal(bellows_esc_hinted_pages(&hints), 513);
}

static void what_meets_is_one(void **state)
{
	struct bellows_esc_hints hints;
	u64 ranges[] = { bellows_range(200, 100), bellows_range(100, 100),
			 bellows_range(250, 10), bellows_range(301, 9) };

	bellows_esc_hints_set(&hints, ranges, 4);
	assert_int_equal(hints.nr, 2);
	assert_int_equal(bellows_esc_hinted_pages(&hints), 209);
	assert_false(bellows_esc_hinted(&hints, 300));
}

/* As a hostile host may write it. */
static void nonsense_does_no_harm(void **state)
{
	static u64 ranges[BELLOWS_HINTS_MAX + 50];
	struct bellows_esc_hints hints;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = ~0ULL;
	bellows_esc_hints_set(&hints, ranges, ~0U);
	assert_int_equal(hints.nr, 1);
	assert_true(bellows_esc_hinted(&hints, (1ULL << 52) - 1));
	assert_false(bellows_esc_hinted(&hints, (1ULL << 52) - 2));
	assert_false(bellows_esc_hinted(&hints, ~0ULL));
}

/* Against the list itself, page by page. */
static void any_list_is_looked_up_right(void **state)
{
	static u64 ranges[BELLOWS_HINTS_MAX];
	struct bellows_esc_hints hints;
	u64 pfn, pages;
	u32 nr, i;
	int round;
	bool named;

	srandom(4);
	for (round = 0; round < 200; round++) {
		nr = random() % (BELLOWS_HINTS_MAX + 1);
		for (i = 0; i < nr; i++)
			ranges[i] = bellows_range(random() % 3000,
						  random() % 40 + 1);
		bellows_esc_hints_set(&hints, ranges, nr);
		for (pfn = 0, pages = 0; pfn < 3100; pfn++) {
			for (i = 0, named = false; i < nr && !named; i++)
				named = pfn - bellows_range_pfn(ranges[i]) <
					bellows_range_pages(ranges[i]);
			assert_int_equal(bellows_esc_hinted(&hints, pfn),
					 named);
			pages += named;
		}
		assert_int_equal(bellows_esc_hinted_pages(&hints), pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_named),
		cmocka_unit_test(ends_are_exact),
		cmocka_unit_test(what_meets_is_one),
		cmocka_unit_test(nonsense_does_no_harm),
		cmocka_unit_test(any_list_is_looked_up_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
