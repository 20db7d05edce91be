// SPDX-License-Identifier: GPL-2.0
/*
 * The host's account of a guest: what it released, less what it was granted,
 * beginning with what it declared in HELLO.
 */
#include "pair.h"

#include <string.h>

#define RAM_BLOCKS	4
#define RAM_PAGES	(RAM_BLOCKS * BELLOWS_BLOCK_PAGES)

struct bed {
	struct pair pair;
	struct flatmem ram;
};

static void bed_open(struct bed *bed)
{
	pair_open(&bed->pair, 1);
	flatmem_new(&bed->ram, FLATMEM_ANON, RAM_ADDRESS,
		    RAM_BLOCKS * BLOCK_BYTES);
	flatvm_set_slot(bed->pair.vm, RAM_SLOT, bed->ram.address, bed->ram.size,
			bed->ram.memory, false);
}

static void bed_close(struct bed *bed)
{
	pair_close(&bed->pair);
	flatmem_free(&bed->ram);
	expect_equal(host_read("released"), 0);
}

static void expect_size(uint64_t pages)
{
	expect_equal(host_read("%s", host_guest_path("size")),
		     pages * BELLOWS_PAGE_SIZE);
	expect_equal(host_read("released"), pages * BELLOWS_PAGE_SIZE);
}

static int64_t grant(struct bed *bed, uint64_t pages)
{
	return pair_call(&bed->pair, BELLOWS_HC_GRANT, pages, 0, 0);
}

static void released_less_granted(const void *data)
{
	struct bed bed;

	(void)data;
	bed_open(&bed);
	pair_hello(&bed.pair);
	expect_size(0);
	expect_equal(grant(&bed, 1), 0);

	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS, 1000), 1, 0);
	expect_size(1000);
	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS +
					 1000 * BELLOWS_PAGE_SIZE, 24), 1, 0);
	expect_size(1024);

	/* Its target says that it may have everything. */
	expect_equal(host_write(host_guest_path("target"), "0"), 0);
	expect_equal(grant(&bed, 0), 0);
	expect_size(1024);
	expect_equal(grant(&bed, 300), 300);
	expect_size(724);
	expect_equal(grant(&bed, -1ULL), 724);
	expect_size(0);
	expect_equal(grant(&bed, 1), 0);
	bed_close(&bed);
}

/* What is only reported is gone, and was not given. */
static void reports_do_not_count(const void *data)
{
	int64_t reports, pages;
	struct bed bed;

	(void)data;
	bed_open(&bed);
	expect(!(pair_call(&bed.pair, BELLOWS_HC_REPORT, FLATVM_BATCH_PAGE, 1,
			   0) > 0));
	pair_hello(&bed.pair);
	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS, 1), 1, 0);
	reports = host_read("counters/reports");
	pages = host_read("counters/reported_pages");

	bed.pair.batch->range[0] = bellows_range(
		(RAM_ADDRESS + BLOCK_BYTES) >> BELLOWS_PAGE_SHIFT,
		BELLOWS_BLOCK_PAGES);
	expect_released(pair_call(&bed.pair, BELLOWS_HC_REPORT,
				  FLATVM_BATCH_PAGE, 1, 0), 1, 0);
	expect_equal(flatmem_present(&bed.ram, BELLOWS_BLOCK_PAGES,
				     BELLOWS_BLOCK_PAGES), 0);
	expect_size(1);
	expect_equal(host_read("counters/reports") - reports, 1);
	expect_equal(host_read("counters/reported_pages") - pages,
		     BELLOWS_BLOCK_PAGES);

	/* No GRANT is needed to use it again. */
	flatvm_write(bed.pair.vm, RAM_ADDRESS + BLOCK_BYTES, 42);
	expect_equal(flatvm_read(bed.pair.vm, RAM_ADDRESS + BLOCK_BYTES), 42);
	expect_size(1);
	bed_close(&bed);
}

static void bye_settles_it(const void *data)
{
	struct bed bed;

	(void)data;
	bed_open(&bed);
	pair_hello(&bed.pair);
	pair_release_one(&bed.pair, RAM_ADDRESS, 512);
	expect_size(512);
	pair_call(&bed.pair, BELLOWS_HC_BYE, 0, 0, 0);
	expect_size(0);
	bed_close(&bed);
}

static void hello_declares_a_balloon(const void *data)
{
	struct bed bed;

	(void)data;
	bed_open(&bed);
	bed.pair.shared->guest.size_pages = 1234;
	pair_hello(&bed.pair);
	expect_size(1234);
	pair_release_one(&bed.pair, RAM_ADDRESS, 512);
	expect_size(1746);

	/* Said again, it starts again. */
	pair_begin_write(&bed.pair)->size_pages = 1746;
	pair_end_write(&bed.pair);
	pair_hello(&bed.pair);
	expect_size(1746);
	pair_begin_write(&bed.pair)->size_pages = 0;
	pair_end_write(&bed.pair);
	pair_hello(&bed.pair);
	expect_size(0);
	bed_close(&bed);
}

/* A guest cannot declare more than it has, nor have more than its VM. */
static void hello_declares_too_much(const void *data)
{
	struct bed bed;

	(void)data;
	bed_open(&bed);
	bed.pair.shared->guest.size_pages = -1ULL;
	pair_hello(&bed.pair);
	expect_size(CLAIMED_PAGES);
	bed.pair.shared->guest.total_pages = -1ULL;
	pair_hello(&bed.pair);
	expect_size(RAM_PAGES + CLAIMED_PAGES +
		    FLATVM_CONTROL_SIZE / BELLOWS_PAGE_SIZE);
	pair_call(&bed.pair, BELLOWS_HC_BYE, 0, 0, 0);
	expect_size(0);
	bed_close(&bed);
}

/* Released again without a GRANT, or never there: counted as often as said. */
static void death_settles_it(const void *data)
{
	struct bed bed;

	(void)data;
	bed_open(&bed);
	pair_hello(&bed.pair);
	pair_release_one(&bed.pair, RAM_ADDRESS, RAM_PAGES);
	expect_size(RAM_PAGES);
	bed_close(&bed);
}

static void counters_move(const void *data)
{
	static const char * const names[] = {
		"hellos", "byes", "releases", "released_pages", "grants",
		"granted_pages", "refused_ranges",
	};
	static const int64_t moves[ARRAY_SIZE(names)] = {
		1, 1, 2, 10, 1, 4, 1,
	};
	int64_t before[ARRAY_SIZE(names)];
	struct bed bed;
	size_t i;

	(void)data;
	bed_open(&bed);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		before[i] = host_read("counters/%s", names[i]);
	pair_hello(&bed.pair);
	pair_release_one(&bed.pair, RAM_ADDRESS, 10);
	pair_release_one(&bed.pair, 0xf0000000, 10);
	expect(!strcmp(host_read_word(host_guest_path("last_refusal")),
		       "not-ram"));
	host_write(host_guest_path("target"), "0");
	expect_equal(grant(&bed, 4), 4);
	pair_call(&bed.pair, BELLOWS_HC_BYE, 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		expect_note(host_read("counters/%s", names[i]) - before[i] ==
			    moves[i], "counters/%s moved by %lld, not %lld",
			    names[i],
			    (long long)host_read("counters/%s", names[i]) -
			    before[i], (long long)moves[i]);
	expect_equal(host_read("counters/active_calls"), 0);
	bed_close(&bed);
}

static const struct ktap_test tests[] = {
	{ "released-less-granted", released_less_granted, NULL },
	{ "reports-do-not-count", reports_do_not_count, NULL },
	{ "bye-settles-it", bye_settles_it, NULL },
	{ "hello-declares-a-balloon", hello_declares_a_balloon, NULL },
	{ "hello-declares-too-much", hello_declares_too_much, NULL },
	{ "death-settles-it", death_settles_it, NULL },
	{ "counters-move", counters_move, NULL },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
