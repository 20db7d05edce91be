// SPDX-License-Identifier: GPL-2.0
/*
 * RELEASE of memory of every kind: what may go is gone afterwards, its
 * neighbours untouched, and the host really has the pages.
 */
#include "pair.h"

#define RAM_BLOCKS	8
#define RAM_PAGES	(RAM_BLOCKS * BELLOWS_BLOCK_PAGES)

static void set_range(struct pair_bed *bed, unsigned int index, uint64_t page,
		      uint32_t pages)
{
	uint64_t pfn = (RAM_ADDRESS >> BELLOWS_PAGE_SHIFT) + page;

	bed->pair.batch->range[index] = bellows_range(pfn, pages);
}

/*
 * States that [@first, @first + @pages) is gone, that everything else is there,
 * and that the guest can use the pages again.
 */
static void expect_gone(struct pair_bed *bed, uint64_t first, uint64_t pages)
{
	struct flatmem *ram = &bed->ram;
	uint64_t end = first + pages;

	expect_equal(flatmem_present(ram, first, pages), 0);
	expect_equal(flatmem_used(ram), RAM_PAGES - pages);
	expect_equal(flatmem_damaged(ram, 0, first), 0);
	expect_equal(flatmem_damaged(ram, end, RAM_PAGES - end), 0);
	expect_equal(flatvm_read(bed->pair.vm, RAM_ADDRESS +
				 first * BELLOWS_PAGE_SIZE), 0);
	expect_equal(flatmem_nonzero(ram, first, pages), 0);

	flatvm_write(bed->pair.vm, RAM_ADDRESS + first * BELLOWS_PAGE_SIZE, 42);
	expect_equal(*(uint64_t *)(ram->memory + first * BELLOWS_PAGE_SIZE),
		     42);
	flatmem_fill(ram, first, pages);
	expect_equal(flatmem_damaged(ram, 0, RAM_PAGES), 0);
	expect_equal(flatmem_used(ram), RAM_PAGES);
}

static void one_block(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	expect_equal(flatmem_used(&bed.ram), RAM_PAGES);
	set_range(&bed, 0, 2 * BELLOWS_BLOCK_PAGES, BELLOWS_BLOCK_PAGES);
	expect_released(pair_release(&bed.pair, 1), 1, BELLOWS_REFUSE_NONE);
	expect_gone(&bed, 2 * BELLOWS_BLOCK_PAGES, BELLOWS_BLOCK_PAGES);
	pair_bed_close(&bed);
}

static void largest_range(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	set_range(&bed, 0, 0, BELLOWS_RANGE_PAGES_MAX);
	expect_released(pair_release(&bed.pair, 1), 1, BELLOWS_REFUSE_NONE);
	expect_gone(&bed, 0, BELLOWS_RANGE_PAGES_MAX);
	pair_bed_close(&bed);
}

/* Explicit huge pages go back to the host's pool, and come from there again. */
static void huge_pages_return(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;
	uint64_t free;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	free = read_meminfo("HugePages_Free");
	set_range(&bed, 0, BELLOWS_BLOCK_PAGES, 3 * BELLOWS_BLOCK_PAGES);
	expect_released(pair_release(&bed.pair, 1), 1, BELLOWS_REFUSE_NONE);
	expect_equal(read_meminfo("HugePages_Free"), free + 3);
	flatmem_fill(&bed.ram, 0, RAM_PAGES);
	expect_equal(read_meminfo("HugePages_Free"), free);
	pair_bed_close(&bed);
}

/* A full batch of neighbours, which the host may treat as one. */
static void full_batch(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;
	unsigned int i;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	for (i = 0; i < BELLOWS_BATCH_MAX; i++)
		set_range(&bed, i, BELLOWS_BLOCK_PAGES + i, 1);
	expect_released(pair_release(&bed.pair, BELLOWS_BATCH_MAX),
			BELLOWS_BATCH_MAX, BELLOWS_REFUSE_NONE);
	expect_gone(&bed, BELLOWS_BLOCK_PAGES, BELLOWS_BATCH_MAX);
	pair_bed_close(&bed);
}

/* Every second page: exactly those, none beside. */
static void scattered_pages(const void *data)
{
	const enum flatmem_kind *kind = data;
	const unsigned int count = 200;
	struct pair_bed bed;
	unsigned int i;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	for (i = 0; i < count; i++)
		set_range(&bed, i, 100 + 2 * i, 1);
	expect_released(pair_release(&bed.pair, count), count,
			BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_present(&bed.ram, 0, RAM_PAGES),
		     RAM_PAGES - count);
	for (i = 0; i < count; i++) {
		expect_equal(flatmem_damaged(&bed.ram, 101 + 2 * i, 1), 0);
		expect_equal(flatmem_nonzero(&bed.ram, 100 + 2 * i, 1), 0);
	}
	expect_equal(flatmem_damaged(&bed.ram, 0, 100), 0);
	expect_equal(flatmem_damaged(&bed.ram, 500, RAM_PAGES - 500), 0);
	pair_bed_close(&bed);
}

static void again_and_never_touched(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;
	int i;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	set_range(&bed, 0, 0, BELLOWS_BLOCK_PAGES);
	for (i = 0; i < 3; i++)
		expect_released(pair_release(&bed.pair, 1), 1,
				BELLOWS_REFUSE_NONE);
	expect_gone(&bed, 0, BELLOWS_BLOCK_PAGES);
	pair_bed_close(&bed);
}

static void first_and_last_page(const void *data)
{
	const enum flatmem_kind *kind = data;
	struct pair_bed bed;

	pair_bed_open(&bed, *kind, RAM_BLOCKS);
	set_range(&bed, 0, 0, 1);
	set_range(&bed, 1, RAM_PAGES - 1, 1);
	expect_released(pair_release(&bed.pair, 2), 2, BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_damaged(&bed.ram, 1, RAM_PAGES - 2), 0);
	expect_equal(flatmem_nonzero(&bed.ram, 0, 1), 0);
	expect_equal(flatmem_nonzero(&bed.ram, RAM_PAGES - 1, 1), 0);
	pair_bed_close(&bed);
}

/* Two machines in one process: a guest reaches its own memory and no other. */
static void two_machines(const void *data)
{
	struct pair_bed one, two;

	(void)data;
	pair_bed_open(&one, FLATMEM_ANON, RAM_BLOCKS);
	pair_bed_open(&two, FLATMEM_MEMFD, RAM_BLOCKS);
	expect_equal(host_guests(), 2);
	set_range(&one, 0, 0, BELLOWS_BLOCK_PAGES);
	expect_released(pair_release(&one.pair, 1), 1, BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_damaged(&two.ram, 0, RAM_PAGES), 0);
	expect_gone(&one, 0, BELLOWS_BLOCK_PAGES);
	flatvm_free(one.pair.vm);
	pair_bed_close(&two);
	flatmem_free(&one.ram);
}

#define KINDS(function, kind) \
	function, &(const enum flatmem_kind){ FLATMEM_##kind }

static const struct ktap_test tests[] = {
	{ "block-of-anon", KINDS(one_block, ANON) },
	{ "block-of-anon-thp", KINDS(one_block, THP) },
	{ "block-of-memfd", KINDS(one_block, MEMFD) },
	{ "block-of-hugetlb", KINDS(one_block, HUGETLB) },
	{ "block-of-hugetlb-private", KINDS(one_block, HUGETLB_PRIVATE) },
	{ "largest-range-of-anon", KINDS(largest_range, ANON) },
	{ "largest-range-of-anon-thp", KINDS(largest_range, THP) },
	{ "largest-range-of-memfd", KINDS(largest_range, MEMFD) },
	{ "largest-range-of-hugetlb", KINDS(largest_range, HUGETLB) },
	{ "largest-range-of-hugetlb-private",
	  KINDS(largest_range, HUGETLB_PRIVATE) },
	{ "huge-pages-return", KINDS(huge_pages_return, HUGETLB) },
	{ "private-huge-pages-return",
	  KINDS(huge_pages_return, HUGETLB_PRIVATE) },
	{ "full-batch-of-anon", KINDS(full_batch, ANON) },
	{ "full-batch-of-anon-thp", KINDS(full_batch, THP) },
	{ "full-batch-of-memfd", KINDS(full_batch, MEMFD) },
	{ "scattered-pages-of-anon", KINDS(scattered_pages, ANON) },
	{ "scattered-pages-of-anon-thp", KINDS(scattered_pages, THP) },
	{ "scattered-pages-of-memfd", KINDS(scattered_pages, MEMFD) },
	{ "again-anon", KINDS(again_and_never_touched, ANON) },
	{ "again-memfd", KINDS(again_and_never_touched, MEMFD) },
	{ "again-hugetlb", KINDS(again_and_never_touched, HUGETLB) },
	{ "first-and-last-page-of-anon", KINDS(first_and_last_page, ANON) },
	{ "first-and-last-page-of-memfd", KINDS(first_and_last_page, MEMFD) },
	{ "two-machines", two_machines, NULL },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
