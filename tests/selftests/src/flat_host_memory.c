// SPDX-License-Identifier: GPL-2.0
/*
 * RELEASE of memory that the host's kernel does something of its own with:
 * userfaultfd, mlock, KSM, zswap. What is held stays, for as long as it is held;
 * the rest goes, and the host has it; nothing else is damaged. The host must have
 * swap behind zswap, and ksmd run.
 */
#include "pair.h"

#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BLOCKS	16
#define HALF_BLOCKS	(RAM_BLOCKS / 2)
#define RAM_PAGES	((uint64_t)RAM_BLOCKS * BELLOWS_BLOCK_PAGES)
#define HALF_PAGES	(RAM_PAGES / 2)
#define HALF_BYTES	(HALF_PAGES * BELLOWS_PAGE_SIZE)

#define ZSWAP		"/sys/kernel/debug/zswap/"

/* Page tables, and what else a host does meanwhile. */
#define SLACK_PAGES	1024
#define SLACK_KIB	(SLACK_PAGES * 4)
/* Swap that was freed, which a CPU keeps for itself. */
#define SLOTS_KEPT	64

/* Times ten seconds that KSM may take to look through it all. */
#define KSM_TRIES	6
#define KSM_ROUNDS	10

/* What is free, with what lies on the CPUs' own lists. */
static int64_t free_pages(void)
{
	uint64_t pages, all = read_meminfo("MemFree") / 4;
	FILE *zones = fopen("/proc/zoneinfo", "r");
	char line[256];

	if (!zones)
		die("opening zoneinfo");
	while (fgets(line, sizeof(line), zones))
		if (sscanf(line, " count: %lu", &pages) == 1)
			all += pages;
	fclose(zones);

	return all;
}

/* States that the host has @pages more than @before. */
#define expect_freed(before, pages)					\
({									\
	int64_t freed__ = free_pages() - (before);			\
									\
	expect_note(llabs(freed__ - (int64_t)(pages)) <= SLACK_PAGES,	\
		    "the host has %ld pages more, expected %ld",	\
		    (long)freed__, (long)(pages));			\
})

/* States that blocks are gone, and may be used again. */
static void expect_gone(struct pair_bed *bed, unsigned int first,
			unsigned int blocks)
{
	uint64_t page = first * BELLOWS_BLOCK_PAGES;
	uint64_t pages = blocks * BELLOWS_BLOCK_PAGES;

	expect_equal(flatmem_present(&bed->ram, page, pages), 0);
	expect_equal(flatvm_read(bed->pair.vm,
				 RAM_ADDRESS + page * BELLOWS_PAGE_SIZE), 0);
	expect_equal(flatmem_nonzero(&bed->ram, page, pages), 0);
	flatmem_fill(&bed->ram, page, pages);
	expect_equal(flatmem_damaged(&bed->ram, page, pages), 0);
}

/* ---- userfaultfd and mlock ---- */

/* How memory is held, from which block on, and why it is refused. */
struct hold {
	enum flatmem_kind kind;
	unsigned int first;
	uint64_t watch;
	int lock;
	int lock_all;
	enum bellows_refusal reason;
};

static void take_hold(struct pair_bed *bed, const struct hold *hold)
{
	const uint64_t first = hold->first * BELLOWS_BLOCK_PAGES;
	char *memory = bed->ram.memory + first * BELLOWS_PAGE_SIZE;

	if (hold->watch)
		flatmem_watch(&bed->ram, first, RAM_PAGES - first, hold->watch);
	if (hold->lock >= 0 &&
	    mlock2(memory, bed->ram.size - first * BELLOWS_PAGE_SIZE,
		   hold->lock))
		die("locking guest memory");
	if (hold->lock_all && mlockall(hold->lock_all))
		die("locking everything");
}

static void let_go(struct pair_bed *bed)
{
	if (bed->ram.uffd >= 0)
		close(bed->ram.uffd);
	bed->ram.uffd = -1;
	munlockall();
}

static void held_memory_stays(const void *data)
{
	const struct hold *hold = data;
	const unsigned int loose = hold->first;
	const unsigned int held = RAM_BLOCKS - loose;
	const uint64_t held_pages = held * BELLOWS_BLOCK_PAGES;
	uint64_t locked = read_meminfo("Mlocked");
	int64_t before;
	struct pair_bed bed;

	pair_bed_open(&bed, hold->kind, RAM_BLOCKS);
	take_hold(&bed, hold);
	if (hold->reason == BELLOWS_REFUSE_LOCKED)
		expect(read_meminfo("Mlocked") + SLACK_KIB >=
		       locked + held_pages * 4);

	before = free_pages();
	expect_released(pair_bed_release(&bed, 0, RAM_BLOCKS), loose,
			hold->reason);
	expect_freed(before, loose * BELLOWS_BLOCK_PAGES);
	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS + bed.ram.size -
						    BELLOWS_PAGE_SIZE, 1),
			0, hold->reason);
	expect_equal(host_read("%s", host_guest_path("refused_ranges")), 2);
	expect_equal(host_read("%s", host_guest_path("size")),
		     loose * BLOCK_BYTES);
	/* To look at a page that is gone would wait for userfaultfd for ever. */
	if (expect_equal(flatmem_present(&bed.ram, RAM_PAGES - held_pages,
					 held_pages), held_pages))
		expect_equal(flatmem_damaged(&bed.ram, RAM_PAGES - held_pages,
					     held_pages), 0);
	if (loose)
		expect_gone(&bed, 0, loose);

	let_go(&bed);
	expect_equal(flatmem_damaged(&bed.ram, 0, RAM_PAGES), 0);
	before = free_pages();
	expect_released(pair_bed_release(&bed, loose, held), held,
			BELLOWS_REFUSE_NONE);
	expect_freed(before, held_pages);
	expect_gone(&bed, loose, held);
	pair_bed_close(&bed);
	expect(read_meminfo("Mlocked") <= locked + SLACK_KIB);
}

/*
 * A VM that arrives by post-copy: its pages are not there yet, and nobody brings
 * them. They are refused, and not waited for.
 */
static void missing_pages_are_not_waited_for(const void *data)
{
	struct pair_bed bed;

	(void)data;
	pair_bed_open(&bed, FLATMEM_ANON, RAM_BLOCKS);
	madvise(bed.ram.memory, HALF_BYTES, MADV_DONTNEED);
	flatmem_watch(&bed.ram, 0, RAM_PAGES, UFFDIO_REGISTER_MODE_MISSING);
	expect_released(pair_bed_release(&bed, 0, RAM_BLOCKS), 0,
			BELLOWS_REFUSE_UFFD);
	expect_equal(flatmem_present(&bed.ram, 0, RAM_PAGES), HALF_PAGES);
	let_go(&bed);
	expect_equal(flatmem_damaged(&bed.ram, HALF_PAGES, HALF_PAGES), 0);
	pair_bed_close(&bed);
}

#define WATCHED(kind, mode) \
	held_memory_stays, &(const struct hold){ \
		FLATMEM_##kind, HALF_BLOCKS, UFFDIO_REGISTER_MODE_##mode, -1, \
		0, BELLOWS_REFUSE_UFFD }
#define LOCKED(kind, flags) \
	held_memory_stays, &(const struct hold){ \
		FLATMEM_##kind, HALF_BLOCKS, 0, flags, 0, \
		BELLOWS_REFUSE_LOCKED }
#define LOCKED_ALL(kind, flags) \
	held_memory_stays, &(const struct hold){ \
		FLATMEM_##kind, 0, 0, -1, flags, BELLOWS_REFUSE_LOCKED }

/* ---- KSM ---- */

/* Of this process, and so of all machines here. */
static uint64_t merged_pages(void)
{
	return read_number("/proc/self/ksm_merging_pages", "");
}

static bool are_merged(const void *data)
{
	const uint64_t *pages = data;

	return merged_pages() == *pages;
}

static bool some_are_merged(const void *data)
{
	(void)data;

	return merged_pages() > 0;
}

static bool wait_merged(uint64_t pages)
{
	int tries;

	for (tries = 0; tries < KSM_TRIES; tries++)
		if (wait_until(are_merged, &pages))
			return true;
	ktap_note("%lu pages are merged, expected %lu", merged_pages(), pages);

	return false;
}

static void let_merge(struct pair_bed *bed)
{
	if (madvise(bed->ram.memory, bed->ram.size, MADV_MERGEABLE))
		die("offering guest memory to KSM");
}

/*
 * Two machines with the same content. What one of them gives the other keeps, and
 * the host gains nothing; when both have given it, it has what they shared.
 */
static void merged_memory_goes_when_nobody_has_it(const void *data)
{
	struct pair_bed one, two;
	int64_t before;

	(void)data;
	pair_bed_open(&one, FLATMEM_ANON, RAM_BLOCKS);
	pair_bed_open(&two, FLATMEM_ANON, RAM_BLOCKS);
	let_merge(&one);
	let_merge(&two);
	if (!expect(wait_merged(2 * RAM_PAGES)))
		goto out;

	before = free_pages();
	expect_released(pair_bed_release(&one, 0, HALF_BLOCKS), HALF_BLOCKS,
			BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_present(&one.ram, 0, RAM_PAGES), HALF_PAGES);
	expect_freed(before, 0);
	expect_equal(flatmem_present(&two.ram, 0, RAM_PAGES), RAM_PAGES);
	expect_equal(flatmem_damaged(&two.ram, 0, RAM_PAGES), 0);

	expect_released(pair_bed_release(&two, 0, HALF_BLOCKS), HALF_BLOCKS,
			BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_present(&two.ram, 0, RAM_PAGES), HALF_PAGES);
	expect_freed(before, HALF_PAGES);
	/* KSM does not count them any more, either. */
	expect(wait_merged(RAM_PAGES));
	expect_gone(&one, 0, HALF_BLOCKS);
	expect_gone(&two, 0, HALF_BLOCKS);
	expect_equal(flatmem_damaged(&one.ram, 0, RAM_PAGES), 0);
	expect_equal(flatmem_damaged(&two.ram, 0, RAM_PAGES), 0);
out:
	flatvm_free(one.pair.vm);
	pair_bed_close(&two);
	flatmem_free(&one.ram);
}

/* Blocks go and come while KSM compares and merges them. */
static void released_while_merging(const void *data)
{
	struct pair_bed one, two;
	unsigned int i;

	(void)data;
	pair_bed_open(&one, FLATMEM_ANON, RAM_BLOCKS);
	pair_bed_open(&two, FLATMEM_ANON, RAM_BLOCKS);
	let_merge(&one);
	let_merge(&two);
	expect(wait_until(some_are_merged, NULL));
	for (i = 0; i < KSM_ROUNDS; i++) {
		expect_released(pair_bed_release(&one, 0, HALF_BLOCKS),
				HALF_BLOCKS, BELLOWS_REFUSE_NONE);
		expect_equal(flatmem_present(&one.ram, 0, RAM_PAGES),
			     HALF_PAGES);
		usleep(1000 * (i * 70 % 200));
		flatmem_fill(&one.ram, 0, HALF_PAGES);
		expect_equal(flatmem_damaged(&one.ram, 0, RAM_PAGES), 0);
	}
	expect(wait_merged(2 * RAM_PAGES));
	expect_equal(flatmem_damaged(&one.ram, 0, RAM_PAGES), 0);
	expect_equal(flatmem_damaged(&two.ram, 0, RAM_PAGES), 0);
	flatvm_free(one.pair.vm);
	pair_bed_close(&two);
	flatmem_free(&one.ram);
}

/* ---- zswap ---- */

static int64_t stored_pages(void)
{
	return read_number(ZSWAP "stored_pages", "");
}

static void compressed_memory_goes(const void *data)
{
	const enum flatmem_kind *kind = data;
	int64_t before, stored, pool, empty = stored_pages();
	struct pair_bed bed;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	madvise(bed.ram.memory, bed.ram.size, MADV_PAGEOUT);
	stored = stored_pages() - empty;
	pool = read_number(ZSWAP "pool_total_size", "") / BELLOWS_PAGE_SIZE;
	ktap_note("%ld pages are in zswap, in %ld", stored, pool);
	if (!expect(stored >= (int64_t)(RAM_PAGES - RAM_PAGES / 16)))
		goto out;

	before = free_pages();
	expect_released(pair_bed_release(&bed, 0, HALF_BLOCKS), HALF_BLOCKS,
			BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_used(&bed.ram), HALF_PAGES);
	expect_equal(flatmem_present(&bed.ram, 0, HALF_PAGES), 0);
	expect(stored_pages() <= empty + (int64_t)HALF_PAGES + SLOTS_KEPT);
	expect_freed(before, pool / 2);
	/* Read back, out of zswap. */
	expect_equal(flatmem_damaged(&bed.ram, HALF_PAGES, HALF_PAGES), 0);
	expect_gone(&bed, 0, HALF_BLOCKS);
out:
	pair_bed_close(&bed);
	expect(stored_pages() <= empty + SLOTS_KEPT);
}

#define KIND_ONLY(function, kind) \
	function, &(const enum flatmem_kind){ FLATMEM_##kind }

static const struct ktap_test tests[] = {
	{ "userfaultfd-missing", WATCHED(ANON, MISSING) },
	{ "userfaultfd-missing-memfd", WATCHED(MEMFD, MISSING) },
	{ "userfaultfd-minor-memfd", WATCHED(MEMFD, MINOR) },
	{ "userfaultfd-write-protect", WATCHED(ANON, WP) },
	{ "userfaultfd-missing-pages", missing_pages_are_not_waited_for, NULL },
	{ "locked-anon", LOCKED(ANON, 0) },
	{ "locked-memfd", LOCKED(MEMFD, 0) },
	{ "locked-on-fault", LOCKED(ANON, MLOCK_ONFAULT) },
	{ "all-locked", LOCKED_ALL(ANON, MCL_CURRENT | MCL_ONFAULT) },
	{ "merged", merged_memory_goes_when_nobody_has_it, NULL },
	{ "released-while-merging", released_while_merging, NULL },
	{ "zswap-anon", KIND_ONLY(compressed_memory_goes, ANON) },
	{ "zswap-memfd", KIND_ONLY(compressed_memory_goes, MEMFD) },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
