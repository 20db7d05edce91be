// SPDX-License-Identifier: GPL-2.0
/*
 * Where a guest's memory lies: bound or not, and which ranges to ask for; and
 * whether what it gave arrived.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_shim.h"

#include "../../host/policy_arrival.c"
#include "../../host/policy_place.c"

#define BLOCK ((u64)BELLOWS_BLOCK_PAGES)

static void pages_are_found_in_their_node(void **state)
{
	struct bellows_guest_half report = {
		.nr_nodes = 2,
		.node_span = { { 1, 999 }, { 1000, 500 } },
	};

	assert_int_equal(policy_place_guest_node(&report, 0),
			 BELLOWS_NODES_MAX);
	assert_int_equal(policy_place_guest_node(&report, 1), 0);
	assert_int_equal(policy_place_guest_node(&report, 999), 0);
	assert_int_equal(policy_place_guest_node(&report, 1000), 1);
	assert_int_equal(policy_place_guest_node(&report, 1499), 1);
	assert_int_equal(policy_place_guest_node(&report, 1500),
			 BELLOWS_NODES_MAX);
	assert_int_equal(policy_place_guest_node(&report, ~0ULL),
			 BELLOWS_NODES_MAX);
}

/* Whatever a hostile guest says of itself. */
static void nonsense_is_on_no_node(void **state)
{
	struct bellows_guest_half report = {
		.nr_nodes = ~0U,
		.node_span = { { ~0ULL, ~0ULL }, { 5, ~0ULL } },
	};

	assert_int_equal(policy_place_guest_node(&report, 4),
			 BELLOWS_NODES_MAX);
	assert_int_equal(policy_place_guest_node(&report, 5), 1);
	assert_int_equal(policy_place_guest_node(&report, ~0ULL), 0);
}

static void nodes_that_lie_together_are_bound(void **state)
{
	struct policy_place place = {};
	struct policy_guest guest = {};

	place.pages[0][1] = 10000;
	place.pages[0][0] = 200;
	place.pages[1][0] = 5000;
	policy_place_apply(&place, 2, &guest);
	assert_int_equal(guest.nr_bound, 2);
	assert_int_equal(guest.host_node[0], 1);
	assert_int_equal(guest.host_node[1], 0);
	assert_int_equal(guest.node_resident_pages[0], 5200);
	assert_int_equal(guest.node_resident_pages[1], 10000);

	/* A little more elsewhere, and it is not. */
	place.pages[0][0] = 210;
	policy_place_apply(&place, 2, &guest);
	assert_int_equal(guest.nr_bound, 0);
}

static void an_untouched_node_is_on_none(void **state)
{
	struct policy_place place = {};
	struct policy_guest guest = {};

	place.pages[0][2] = 100;
	policy_place_apply(&place, 2, &guest);
	assert_int_equal(guest.nr_bound, 2);
	assert_int_equal(guest.host_node[0], 2);
	assert_int_equal(guest.host_node[1], POLICY_NODE_ANY);
}

static void video_memory_does_not_count(void **state)
{
	struct policy_place place = {};
	struct policy_guest guest = {};

	place.pages[0][1] = 1000;
	place.pages[BELLOWS_NODES_MAX][0] = 1000;
	policy_place_apply(&place, 1, &guest);
	assert_int_equal(guest.nr_bound, 1);
	assert_int_equal(guest.host_node[0], 1);
	assert_int_equal(guest.node_resident_pages[0], 0);
}

static void without_spans_nothing_is_bound(void **state)
{
	struct policy_place place = {};
	struct policy_guest guest = {};

	place.pages[BELLOWS_NODES_MAX][1] = 1000;
	policy_place_apply(&place, 1, &guest);
	assert_int_equal(guest.nr_bound, 0);
	assert_int_equal(guest.node_resident_pages[1], 1000);

	policy_place_apply(&(struct policy_place){}, ~0U, &guest);
	assert_int_equal(guest.nr_bound, 0);
	assert_int_equal(guest.node_resident_pages[1], 0);
}

static const struct policy_extent extents[] = {
	{ 10 * BELLOWS_BLOCK_PAGES, 4 },
	{ 100 * BELLOWS_BLOCK_PAGES, 12 },
};

static void neighbours_are_one_range(void **state)
{
	const u8 map[16] = { 0, 0, 1, 1, 1, 0, POLICY_NODE_NONE, 0 };
	u64 cursor = 0, ranges[8];

	assert_int_equal(policy_place_ranges(extents, 2, map, 1U << 1, &cursor,
					     ranges, 8),
			 2);
	assert_int_equal(ranges[0], bellows_range(12 * BLOCK, 2 * BLOCK));
	assert_int_equal(ranges[1], bellows_range(100 * BLOCK, BLOCK));
	assert_int_equal(cursor, 0);
}

static void long_stretches_are_split(void **state)
{
	const u8 map[16] = {};
	u64 cursor = 0, ranges[8];

	assert_int_equal(policy_place_ranges(extents, 2, map, 1U, &cursor,
					     ranges, 8),
			 3);
	assert_int_equal(bellows_range_pages(ranges[0]), 4 * BLOCK);
	assert_int_equal(bellows_range_pages(ranges[1]), 8 * BLOCK);
	assert_int_equal(bellows_range_pages(ranges[2]), 4 * BLOCK);
}

/* Each call goes on where the last one had no room, and all get their turn. */
static void a_full_list_goes_on(void **state)
{
	const u8 map[16] = { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 };
	u64 cursor = 0, ranges[3];
	bool seen[16] = {};
	int call, i;

	for (call = 0; call < 3; call++) {
		assert_int_equal(policy_place_ranges(extents, 2, map, 1U << 1,
						     &cursor, ranges, 3),
				 3);
		for (i = 0; i < 3; i++) {
			u64 block = bellows_range_pfn(ranges[i]) / BLOCK;

			seen[block < 100 ? block - 10 : block - 96] = true;
		}
	}
	for (i = 0; i < 16; i++)
		assert_int_equal(seen[i], map[i]);
}

static void stray_cursors_and_empty_maps_are_survived(void **state)
{
	const u8 map[16] = { POLICY_NODE_NONE, 250, 8, 9 };
	u64 cursor = ~0ULL, ranges[2];

	assert_int_equal(policy_place_ranges(extents, 1, map, ~0U, &cursor,
					     ranges, 2),
			 0);
	cursor = 7;
	assert_int_equal(
		policy_place_ranges(NULL, 0, NULL, ~0U, &cursor, ranges, 2), 0);
}

/* The sums of a map, from scratch. */
static void assert_sums(const u8 *map, unsigned int nr,
			const struct policy_place *place)
{
	struct policy_place sums = {};
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (map[i] != POLICY_NODE_NONE)
			sums.pages[map[i] >> POLICY_MAP_GUEST_SHIFT]
				  [map[i] & POLICY_MAP_HOST] += BLOCK;
	assert_memory_equal(&sums, place, sizeof(sums));
}

static void memory_is_counted_where_it_lies(void **state)
{
	struct policy_place place = {};
	u8 map[8];

	memset(map, POLICY_NODE_NONE, sizeof(map));
	policy_place_put(&place, &map[0], 0, 0);
	policy_place_put(&place, &map[1], 0, 7);
	policy_place_put(&place, &map[2], 1, 7);
	policy_place_put(&place, &map[3], BELLOWS_NODES_MAX, 7);
	policy_place_put(&place, &map[4], BELLOWS_NODES_MAX, POLICY_NODE_NONE);
	policy_place_put(&place, &map[5], 1, 7);
	assert_int_equal(place.pages[0][0], BLOCK);
	assert_int_equal(place.pages[0][7], BLOCK);
	assert_int_equal(place.pages[1][7], 2 * BLOCK);
	assert_int_equal(place.pages[BELLOWS_NODES_MAX][7], BLOCK);
	assert_sums(map, 8, &place);
}

static void what_moves_is_counted_once(void **state)
{
	struct policy_place place = {};
	u8 map[64];
	u32 seed = 1;
	int i;

	memset(map, POLICY_NODE_NONE, sizeof(map));
	for (i = 0; i < 10000; i++) {
		seed = seed * 1664525 + 1013904223;
		policy_place_put(&place, &map[seed >> 26],
				 (seed >> 8) % POLICY_GUEST_NODES,
				 (seed >> 16) % (POLICY_NODES_MAX + 2));
	}
	assert_sums(map, sizeof(map), &place);
}

static void what_is_given_is_nowhere(void **state)
{
	static const u8 wanted[16] = {
		0, 0, POLICY_NODE_NONE, POLICY_NODE_NONE, POLICY_NODE_NONE, 0
	};
	struct policy_place place = { .pages = { { 16 * BLOCK } } };
	u8 map[16] = {};

	/* From the last blocks of one extent; then into the next. */
	policy_place_clear(&place, extents, 2, map,
			   bellows_range(12 * BLOCK, 4 * BLOCK));
	policy_place_clear(&place, extents, 2, map,
			   bellows_range(98 * BLOCK, 3 * BLOCK));
	/* No whole block, none of its, nonsense. */
	policy_place_clear(&place, extents, 2, map,
			   bellows_range(102 * BLOCK + 1, BLOCK));
	policy_place_clear(&place, extents, 2, map,
			   bellows_range(50 * BLOCK, BLOCK));
	policy_place_clear(&place, extents, 2, map, ~0ULL);
	policy_place_clear(&place, extents, 2, map, 0);
	assert_memory_equal(map, wanted, sizeof(map));
	assert_sums(map, 16, &place);
	/* What is given twice is not missed twice. */
	policy_place_clear(&place, extents, 2, map,
			   bellows_range(12 * BLOCK, 2 * BLOCK));
	assert_sums(map, 16, &place);
}

/* 200 blocks, every second on node 1. */
static void open_wanted(u8 map[200], struct policy_extent *extent)
{
	int i;

	extent->first_pfn = 0;
	extent->blocks = 200;
	for (i = 0; i < 200; i++)
		map[i] = i % 2;
}

/* What the host has swapped out is on no node of it, and is found all the same. */
static void what_is_swapped_is_found(void **state)
{
	struct policy_extent extent = { .first_pfn = 0, .blocks = 4 };
	struct policy_place place = {};
	u64 cursor = 0, ranges[4];
	u8 map[4];
	int i;

	memset(map, POLICY_NODE_NONE, sizeof(map));
	for (i = 0; i < 3; i++)
		policy_place_put(&place, &map[i], 0, 0);
	policy_place_put(&place, &map[1], 0, POLICY_NODE_SWAPPED);
	policy_place_put(&place, &map[3], 0, POLICY_NODE_SWAPPED);
	assert_int_equal(place.pages[0][0], 2 * BLOCK);
	assert_int_equal(policy_place_ranges(&extent, 1, map,
					     POLICY_NODES_SWAPPED, &cursor,
					     ranges, 4), 2);
	assert_int_equal(ranges[0], bellows_range(BLOCK, BLOCK));
	assert_int_equal(ranges[1], bellows_range(3 * BLOCK, BLOCK));
	/* Nobody who looks for nodes finds it. */
	assert_int_equal(policy_place_ranges(&extent, 1, map,
					     (1U << POLICY_NODES_MAX) - 1,
					     &cursor, ranges, 4), 2);
	assert_int_equal(ranges[0], bellows_range(0, BLOCK));

	/* Given, or back in memory, it is not swapped any more. */
	policy_place_clear(&place, &extent, 1, map, bellows_range(BLOCK, BLOCK));
	policy_place_put(&place, &map[3], 0, 1);
	assert_int_equal(policy_place_ranges(&extent, 1, map,
					     POLICY_NODES_SWAPPED, &cursor,
					     ranges, 4), 0);
	assert_int_equal(place.pages[0][0], 2 * BLOCK);
	assert_int_equal(place.pages[0][1], BLOCK);
}

static void a_list_gone_through_is_followed_by_another(void **state)
{
	struct policy_wanted wanted = {};
	struct policy_extent extent;
	u64 ms = POLICY_NS_PER_MS, now = 1000 * ms, first;
	u8 map[200];

	open_wanted(map, &extent);
	assert_true(policy_wanted_due(&wanted, 2, now, 0, 0));
	policy_wanted_make(&wanted, &extent, 1, map, 2, now, 0);
	assert_int_equal(wanted.nr, BELLOWS_WANTED_MAX);
	assert_false(wanted.in_use);
	first = wanted.range[0];

	/* It is at work. */
	assert_false(policy_wanted_due(&wanted, 2, now + 900 * ms, 512, 0));
	/* It is done, and it helped. */
	assert_true(policy_wanted_due(&wanted, 2, now, 512, wanted.id));
	policy_wanted_make(&wanted, &extent, 1, map, 2, now, 512);
	assert_int_not_equal(wanted.range[0], first);
	assert_int_equal(bellows_range_pfn(wanted.range[0]), 193 * BLOCK);
	assert_false(wanted.in_use);

	/* All was on a list: what is left is in use. */
	policy_wanted_make(&wanted, &extent, 1, map, 2, now, 1024);
	assert_true(wanted.in_use);
	/* Another node. */
	assert_true(policy_wanted_due(&wanted, 1, now, 1024, 0));
	policy_wanted_make(&wanted, &extent, 1, map, 1, now, 1024);
	assert_false(wanted.in_use);
	assert_int_equal(bellows_range_pfn(wanted.range[0]), 0);
}

/* Lists that bring nothing come more and more seldom. */
static void who_has_nothing_is_left_in_peace(void **state)
{
	struct policy_wanted wanted = {};
	struct policy_extent extent;
	u64 ms, lists = 0, size = 100;
	u8 map[200];

	open_wanted(map, &extent);
	for (ms = 1000; ms < 61000; ms += 5) {
		if (!policy_wanted_due(&wanted, 2, ms * POLICY_NS_PER_MS, size,
				       wanted.id))
			continue;
		policy_wanted_make(&wanted, &extent, 1, map, 2,
				   ms * POLICY_NS_PER_MS, size);
		lists++;
	}
	assert_in_range(lists, 60, 75);
	/* Until one brings something. */
	assert_true(policy_wanted_due(&wanted, 2, ms * POLICY_NS_PER_MS,
				      size + 512, wanted.id));
	/* One that it never goes through is forgotten. */
	policy_wanted_make(&wanted, &extent, 1, map, 2, ms * POLICY_NS_PER_MS,
			   size + 512);
	assert_false(policy_wanted_due(&wanted, 2,
				       (ms + 999) * POLICY_NS_PER_MS, size, 0));
	assert_true(policy_wanted_due(&wanted, 2,
				      (ms + 1000) * POLICY_NS_PER_MS, size, 0));
	wanted.id = ~0U;
	policy_wanted_make(&wanted, &extent, 1, map, 2, 0, 0);
	assert_int_equal(wanted.id, 1);
}

static u64 look(struct policy_arrival *arrival, u64 ms, u64 size, u64 resident)
{
	return policy_arrival_look(arrival, ms * POLICY_NS_PER_MS, size,
				   resident);
}

static void what_was_given_is_seen_to_arrive(void **state)
{
	struct policy_arrival arrival = {};

	/* A guest that comes with a balloon gave nothing to us. */
	assert_int_equal(look(&arrival, 1, 1000, 9000), 0);
	assert_int_equal(arrival.given_pages, 0);
	/* All of it at once; some of it a little later. */
	assert_int_equal(look(&arrival, 6, 1500, 8500), 500);
	assert_int_equal(look(&arrival, 11, 2000, 8300), 200);
	assert_int_equal(look(&arrival, 16, 2000, 8000), 300);
	/* What falls beyond that is not the balloon's doing. */
	assert_int_equal(look(&arrival, 21, 2000, 7000), 0);
	/* It took some back before it arrived, and the VM grows. */
	assert_int_equal(look(&arrival, 26, 2600, 7000), 0);
	assert_int_equal(look(&arrival, 31, 2400, 7100), 0);
	assert_int_equal(arrival.owed_pages, 400);
	/* Untouched memory never arrives. */
	assert_int_equal(look(&arrival, 1031, 2400, 6900), 0);
	assert_int_equal(arrival.given_pages, 1600);
	assert_int_equal(arrival.arrived_pages, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_found_in_their_node),
		cmocka_unit_test(nonsense_is_on_no_node),
		cmocka_unit_test(nodes_that_lie_together_are_bound),
		cmocka_unit_test(an_untouched_node_is_on_none),
		cmocka_unit_test(video_memory_does_not_count),
		cmocka_unit_test(without_spans_nothing_is_bound),
		cmocka_unit_test(neighbours_are_one_range),
		cmocka_unit_test(long_stretches_are_split),
		cmocka_unit_test(a_full_list_goes_on),
		cmocka_unit_test(stray_cursors_and_empty_maps_are_survived),
		cmocka_unit_test(memory_is_counted_where_it_lies),
		cmocka_unit_test(what_moves_is_counted_once),
		cmocka_unit_test(what_is_given_is_nowhere),
		cmocka_unit_test(what_is_swapped_is_found),
		cmocka_unit_test(a_list_gone_through_is_followed_by_another),
		cmocka_unit_test(who_has_nothing_is_left_in_peace),
		cmocka_unit_test(what_was_given_is_seen_to_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
