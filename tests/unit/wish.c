// SPDX-License-Identifier: GPL-2.0
/* What is believed of the host's half of the shared page. */

/* Whoever reads looks twice; in between is the host's turn. */
static void hosts_turn(void);
/* Here. */
#define virt_rmb()	hosts_turn()

#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../guest/wish.c"

/* Nodes that the guest has. */
#define NODES 2

static struct bellows_host_half half;
/* The host writes so many times more, whenever it has its turn. */
static unsigned int writes;
/* How often it had it. */
static unsigned int turns;

static void hosts_turn(void)
{
	turns++;
	if (!writes)
		return;
	writes--;
	half.seq += 2;
	half.target_pages++;
}

static int begin(void **state)
{
	memset(&half, 0, sizeof(half));
	half.seq = 8;
	writes = 0;
	turns = 0;

	return 0;
}

static void what_makes_sense_is_believed(void **state)
{
	struct bellows_wish wish;
	unsigned int i;

	half.target_pages = 4711;
	half.reason = BELLOWS_REASON_NODE;
	half.request = BELLOWS_REQ_SWEEP | BELLOWS_REQ_DISTRESS |
		       BELLOWS_REQ_LEAVING;
	half.nr_nodes = NODES;
	half.node_target_pages[0] = 4000;
	half.node_target_pages[1] = 711;
	half.nr_wanted = BELLOWS_WANTED_MAX;
	for (i = 0; i < BELLOWS_WANTED_MAX; i++)
		half.wanted[i] = bellows_range(i * 1024, 512);
	half.wanted_id = 9;
	half.wanted_flags = BELLOWS_WANTED_IN_USE;

	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.target_pages, 4711);
	assert_int_equal(wish.reason, BELLOWS_REASON_NODE);
	assert_int_equal(wish.request, half.request);
	assert_int_equal(wish.nr_nodes, NODES);
	assert_int_equal(wish.node_target_pages[0], 4000);
	assert_int_equal(wish.node_target_pages[1], 711);
	assert_int_equal(wish.nr_wanted, BELLOWS_WANTED_MAX);
	assert_memory_equal(wish.wanted, half.wanted, sizeof(wish.wanted));
	assert_int_equal(wish.wanted_id, 9);
	assert_true(wish.wanted_in_use);
}

static void sizes_are_those_of_addresses(void **state)
{
	struct bellows_wish wish;
	unsigned int i;

	half.target_pages = UINT64_MAX;
	half.nr_nodes = NODES;
	for (i = 0; i < BELLOWS_NODES_MAX; i++)
		half.node_target_pages[i] = 1ULL << 63;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.target_pages, BELLOWS_WISH_PAGES_MAX);
	for (i = 0; i < BELLOWS_NODES_MAX; i++)
		assert_int_equal(wish.node_target_pages[i],
				 BELLOWS_WISH_PAGES_MAX);
}

static void no_more_nodes_than_there_are(void **state)
{
	struct bellows_wish wish;

	half.nr_nodes = NODES + 1;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.nr_nodes, NODES);
	half.nr_nodes = UINT32_MAX;
	assert_true(bellows_wish_read(&wish, &half, UINT32_MAX));
	assert_int_equal(wish.nr_nodes, BELLOWS_NODES_MAX);
}

static void no_more_ranges_than_fit(void **state)
{
	struct bellows_wish wish;

	half.nr_wanted = UINT32_MAX;
	half.wanted_id = 1;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.nr_wanted, BELLOWS_WANTED_MAX);
}

static void a_list_has_a_number(void **state)
{
	struct bellows_wish wish;

	half.nr_wanted = 3;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.nr_wanted, 0);
}

static void what_we_do_not_know_is_not_asked(void **state)
{
	struct bellows_wish wish;

	half.request = ~BELLOWS_REQ_SWEEP;
	half.wanted_flags = ~BELLOWS_WANTED_IN_USE;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.request,
			 BELLOWS_REQ_DISTRESS | BELLOWS_REQ_LEAVING);
	assert_false(wish.wanted_in_use);
}

/* But the target counts: only none at all says that there is none. */
static void a_reason_that_we_do_not_know_is_one(void **state)
{
	struct bellows_wish wish;

	half.reason = UINT32_MAX;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.reason, BELLOWS_REASON_COUNT);
	half.reason = BELLOWS_REASON_NONE;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.reason, BELLOWS_REASON_NONE);
}

static void a_host_that_writes_is_looked_at_again(void **state)
{
	struct bellows_wish wish;

	/* Between the first look at seq and the fields, and then no more. */
	writes = 1;
	half.target_pages = 1;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.target_pages, 2);
	assert_int_equal(turns, 4);
	/* After the fields: what was copied is not what is there now. */
	writes = 3;
	assert_true(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(wish.target_pages, half.target_pages);
}

static void a_host_that_never_ends_is_not_waited_for(void **state)
{
	struct bellows_wish wish;

	writes = UINT32_MAX;
	assert_false(bellows_wish_read(&wish, &half, NODES));
	assert_in_range(turns, 2, 1000);
	/* Nor one that died while it wrote. */
	turns = 0;
	half.seq |= 1;
	assert_false(bellows_wish_read(&wish, &half, NODES));
	assert_int_equal(turns, 0);
}

static void blocks_lie_in_a_range_as_a_whole(void **state)
{
	u64 pfn;

	assert_int_equal(bellows_wish_blocks(bellows_range(1024, 1024), &pfn), 2);
	assert_int_equal(pfn, 1024);
	assert_int_equal(bellows_wish_blocks(bellows_range(1, 1023), &pfn), 1);
	assert_int_equal(pfn, 512);
	assert_int_equal(bellows_wish_blocks(bellows_range(1, 1022), &pfn), 0);
	assert_int_equal(bellows_wish_blocks(bellows_range(513, 8), &pfn), 0);
	/* The last that can be named reaches behind all addresses. */
	assert_int_equal(bellows_wish_blocks(UINT64_MAX, &pfn), 7);
	assert_int_equal(pfn, BELLOWS_WISH_PAGES_MAX);
}

static void hints_fit_where_they_go(void **state)
{
	u64 ranges[BELLOWS_HINTS_MAX + 1];
	u32 nr, i;

	for (i = 0; i < BELLOWS_HINTS_MAX; i++)
		half.hint[i] = bellows_range(i * BELLOWS_BLOCK_PAGES, 1);
	half.nr_hints = 2;
	assert_true(bellows_wish_read_hints(ranges, &nr, &half));
	assert_int_equal(nr, 2);
	assert_true(ranges[1] == half.hint[1]);

	ranges[BELLOWS_HINTS_MAX] = 4711;
	half.nr_hints = ~0u;
	assert_true(bellows_wish_read_hints(ranges, &nr, &half));
	assert_int_equal(nr, BELLOWS_HINTS_MAX);
	assert_true(ranges[BELLOWS_HINTS_MAX - 1] ==
		    half.hint[BELLOWS_HINTS_MAX - 1]);
	assert_int_equal(ranges[BELLOWS_HINTS_MAX], 4711);
}

static void hints_are_looked_at_again_but_not_for_ever(void **state)
{
	u64 ranges[BELLOWS_HINTS_MAX];
	u32 nr;

	writes = 3;
	assert_true(bellows_wish_read_hints(ranges, &nr, &half));
	assert_true(turns > 2);

	turns = 0;
	writes = ~0u;
	assert_false(bellows_wish_read_hints(ranges, &nr, &half));
	assert_in_range(turns, 2, 1000);

	writes = 0;
	half.seq = 9;
	assert_false(bellows_wish_read_hints(ranges, &nr, &half));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_makes_sense_is_believed, begin),
		cmocka_unit_test_setup(sizes_are_those_of_addresses, begin),
		cmocka_unit_test_setup(no_more_nodes_than_there_are, begin),
		cmocka_unit_test_setup(no_more_ranges_than_fit, begin),
		cmocka_unit_test_setup(a_list_has_a_number, begin),
		cmocka_unit_test_setup(what_we_do_not_know_is_not_asked, begin),
		cmocka_unit_test_setup(a_reason_that_we_do_not_know_is_one,
				       begin),
		cmocka_unit_test_setup(a_host_that_writes_is_looked_at_again,
				       begin),
		cmocka_unit_test_setup(a_host_that_never_ends_is_not_waited_for,
				       begin),
		cmocka_unit_test_setup(blocks_lie_in_a_range_as_a_whole, begin),
		cmocka_unit_test_setup(hints_fit_where_they_go, begin),
		cmocka_unit_test_setup(hints_are_looked_at_again_but_not_for_ever,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
