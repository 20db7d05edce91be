// SPDX-License-Identifier: GPL-2.0
/*
 * RELEASE of what must not be discarded, and RELEASE that is malformed: refused
 * with the right reason, and not one byte discarded.
 */
#include "pair.h"

#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RAM_BLOCKS	4
#define RAM_PAGES	((uint64_t)RAM_BLOCKS * BELLOWS_BLOCK_PAGES)
#define RAM_PFN		(RAM_ADDRESS >> BELLOWS_PAGE_SHIFT)

/* A second slot right behind the first. */
#define NEXT_SLOT	2
#define NEXT_PFN	(RAM_PFN + RAM_PAGES)
#define NOWHERE_PFN	(0xf0000000ULL >> BELLOWS_PAGE_SHIFT)

struct bed {
	struct pair pair;
	struct flatmem ram;
};

static void bed_open(struct bed *bed, enum flatmem_kind kind, bool readonly)
{
	pair_open(&bed->pair, 1);
	flatmem_new(&bed->ram, kind, RAM_ADDRESS, RAM_BLOCKS * BLOCK_BYTES);
	flatvm_set_slot(bed->pair.vm, RAM_SLOT, bed->ram.address, bed->ram.size,
			bed->ram.memory, readonly);
	expect(pair_hello(&bed->pair) > 0);
}

static void bed_close(struct bed *bed)
{
	pair_close(&bed->pair);
	flatmem_free(&bed->ram);
}

/* Releases pages of the memory, counted from its first. */
static int64_t release_pages(struct bed *bed, uint64_t first, uint32_t pages)
{
	return pair_release_one(&bed->pair,
				RAM_ADDRESS + first * BELLOWS_PAGE_SIZE, pages);
}

/* Nothing was discarded: not even unmapped, for that frees memory too. */
static void expect_untouched(struct bed *bed)
{
	expect_equal(host_read("%s", host_guest_path("size")), 0);
	expect_equal(flatmem_used(&bed->ram), RAM_PAGES);
	/* Looking at a page that is gone would wait for userfaultfd for ever. */
	if (expect_equal(flatmem_present(&bed->ram, 0, RAM_PAGES), RAM_PAGES))
		expect_equal(flatmem_damaged(&bed->ram, 0, RAM_PAGES), 0);
}

/* Memory of one kind, and why it is refused. */
struct refusal {
	enum flatmem_kind kind;
	bool readonly_slot;
	enum bellows_refusal reason;
};

static void kind_is_refused(const void *data)
{
	const struct refusal *refusal = data;
	const uint32_t lengths[] = { 1, BELLOWS_BLOCK_PAGES, RAM_PAGES };
	struct bed bed;
	size_t i;

	bed_open(&bed, refusal->kind, refusal->readonly_slot);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		expect_released(pair_release_one(&bed.pair, RAM_ADDRESS,
						 lengths[i]),
				0, refusal->reason);
	expect_untouched(&bed);
	expect_equal(host_read("%s", host_guest_path("refused_ranges")),
		     ARRAY_SIZE(lengths));
	bed_close(&bed);
}

#define KIND(...) kind_is_refused, &(const struct refusal){ __VA_ARGS__ }

/* One batch, and what must be answered. */
struct batch {
	unsigned int count;
	struct {
		uint64_t pfn;
		uint32_t pages;
	} range[4];
	unsigned int done;
	enum bellows_refusal reason;
};

/* Everything that the batch names as done is gone, all the rest is there. */
static void batch_is_refused(const void *data)
{
	const struct batch *batch = data;
	struct bed bed;
	unsigned int i;
	uint64_t gone = 0, pfn;

	bed_open(&bed, FLATMEM_ANON, false);
	for (i = 0; i < batch->count; i++)
		bed.pair.batch->range[i] = bellows_range(batch->range[i].pfn,
							 batch->range[i].pages);
	expect_released(pair_release(&bed.pair, batch->count), batch->done,
			batch->reason);
	for (i = 0; i < batch->done; i++) {
		pfn = batch->range[i].pfn - RAM_PFN;
		expect_equal(flatmem_present(&bed.ram, pfn,
					     batch->range[i].pages), 0);
		flatmem_fill(&bed.ram, pfn, batch->range[i].pages);
		gone += batch->range[i].pages;
	}
	expect_equal(host_read("%s", host_guest_path("size")),
		     gone * BELLOWS_PAGE_SIZE);
	expect_equal(flatmem_damaged(&bed.ram, 0, RAM_PAGES), 0);
	expect_equal(flatmem_used(&bed.ram), RAM_PAGES);
	bed_close(&bed);
}

#define BATCH(...) batch_is_refused, &(const struct batch){ __VA_ARGS__ }

static void across_two_slots(const void *data)
{
	struct flatmem next;
	struct bed bed;

	(void)data;
	bed_open(&bed, FLATMEM_ANON, false);
	flatmem_new(&next, FLATMEM_ANON, RAM_ADDRESS + bed.ram.size,
		    BLOCK_BYTES);
	flatvm_set_slot(bed.pair.vm, NEXT_SLOT, next.address, next.size,
			next.memory, false);
	expect_released(release_pages(&bed, RAM_PAGES - 1, 2), 0,
			BELLOWS_REFUSE_NOT_RAM);
	expect_untouched(&bed);
	expect_equal(flatmem_damaged(&next, 0, BELLOWS_BLOCK_PAGES), 0);

	/* As two ranges they may go. */
	bed.pair.batch->range[0] = bellows_range(NEXT_PFN - 1, 1);
	bed.pair.batch->range[1] = bellows_range(NEXT_PFN, 1);
	expect_released(pair_release(&bed.pair, 2), 2, BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_present(&bed.ram, RAM_PAGES - 1, 1), 0);
	expect_equal(flatmem_present(&next, 0, 2), 1);
	bed_close(&bed);
	flatmem_free(&next);
}

static void hole_behind_the_slot(const void *data)
{
	const uint64_t hole = BELLOWS_BLOCK_PAGES;
	struct bed bed;

	(void)data;
	bed_open(&bed, FLATMEM_ANON, false);
	munmap(bed.ram.memory + hole * BELLOWS_PAGE_SIZE, BELLOWS_PAGE_SIZE);
	expect_released(release_pages(&bed, hole - 1, 2), 0,
			BELLOWS_REFUSE_NOT_RAM);
	expect_released(release_pages(&bed, hole, 2), 0,
			BELLOWS_REFUSE_NOT_RAM);
	expect_equal(flatmem_damaged(&bed.ram, 0, hole), 0);
	expect_equal(flatmem_damaged(&bed.ram, hole + 1,
				     RAM_PAGES - hole - 1), 0);
	bed_close(&bed);
}

/* Locked in the middle only: the range before may go, the one with it not. */
static void locked_page_within(const void *data)
{
	const uint64_t page = 700;
	struct bed bed;

	(void)data;
	bed_open(&bed, FLATMEM_ANON, false);
	mlock(bed.ram.memory + page * BELLOWS_PAGE_SIZE, BELLOWS_PAGE_SIZE);
	bed.pair.batch->range[0] = bellows_range(RAM_PFN, 1);
	bed.pair.batch->range[1] = bellows_range(RAM_PFN + 600, 200);
	expect_released(pair_release(&bed.pair, 2), 1, BELLOWS_REFUSE_LOCKED);
	expect_equal(flatmem_present(&bed.ram, 0, 1), 0);
	expect_equal(flatmem_damaged(&bed.ram, 1, RAM_PAGES - 1), 0);
	bed_close(&bed);
}

/* Pins memory for as long as the file descriptor is open, as a device would. */
static int pin(void *memory, size_t size)
{
	struct iovec buffer = { .iov_base = memory, .iov_len = size };
	struct io_uring_params parameters = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);

	if (ring >= 0 && syscall(SYS_io_uring_register, ring,
				 IORING_REGISTER_BUFFERS, &buffer, 1)) {
		close(ring);
		return -1;
	}

	return ring;
}

static void pinned_page(const void *data)
{
	const enum flatmem_kind *kind = data;
	const uint64_t page = *kind == FLATMEM_HUGETLB ? 0 : 300;
	struct bed bed;
	int ring;

	bed_open(&bed, *kind, false);
	ring = pin(bed.ram.memory + page * BELLOWS_PAGE_SIZE,
		   BELLOWS_PAGE_SIZE);
	if (ring < 0) {
		ktap_skip("io_uring cannot pin memory here");
		goto out;
	}
	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS,
					 BELLOWS_BLOCK_PAGES),
			0, BELLOWS_REFUSE_PINNED);
	expect_untouched(&bed);

	/* Once the device lets go, the memory may go. */
	close(ring);
	sleep(1);
	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS,
					 BELLOWS_BLOCK_PAGES),
			1, BELLOWS_REFUSE_NONE);
	expect_equal(flatmem_present(&bed.ram, 0, BELLOWS_BLOCK_PAGES), 0);
out:
	bed_close(&bed);
}

/*
 * A page of a memfd that is pinned through another mapping, as vhost-user's
 * back ends do it, while the VM monitor itself has not mapped it.
 */
static void pinned_elsewhere(const void *data)
{
	const size_t size = BLOCK_BYTES;
	struct bed bed;
	char *other;
	int ring;

	(void)data;
	bed_open(&bed, FLATMEM_MEMFD, false);
	other = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bed.ram.file, 0);
	if (other == MAP_FAILED)
		die("mapping guest memory again");
	ring = pin(other, BELLOWS_PAGE_SIZE);
	if (ring < 0) {
		ktap_skip("io_uring cannot pin memory here");
		goto out;
	}
	madvise(bed.ram.memory, size, MADV_DONTNEED);
	expect_equal(flatmem_present(&bed.ram, 0, BELLOWS_BLOCK_PAGES), 0);

	expect_released(pair_release_one(&bed.pair, RAM_ADDRESS,
					 BELLOWS_BLOCK_PAGES),
			0, BELLOWS_REFUSE_PINNED);
	expect_equal(flatmem_used(&bed.ram), RAM_PAGES);
	expect_equal(flatmem_damaged(&bed.ram, 0, RAM_PAGES), 0);
	close(ring);
out:
	munmap(other, size);
	bed_close(&bed);
}

static void part_of_a_huge_page(const void *data)
{
	const enum flatmem_kind *kind = data;
	static const struct {
		uint64_t page;
		uint32_t pages;
	} parts[] = {
		{ 0, 1 }, { 0, 511 }, { 1, 511 }, { 256, 512 }, { 0, 513 },
	};
	struct bed bed;
	size_t i;

	bed_open(&bed, *kind, false);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		expect_released(release_pages(&bed, parts[i].page,
					      parts[i].pages),
				0, BELLOWS_REFUSE_HUGETLB);
	expect_untouched(&bed);
	bed_close(&bed);
}

static void own_pages(const void *data)
{
	const uint64_t shared = FLATVM_SHARED_PAGE >> BELLOWS_PAGE_SHIFT;
	struct bed bed;

	(void)data;
	bed_open(&bed, FLATMEM_ANON, false);
	expect_released(pair_release_one(&bed.pair, FLATVM_SHARED_PAGE, 1), 0,
			BELLOWS_REFUSE_OWN);
	expect_released(pair_release_one(&bed.pair, FLATVM_BATCH_PAGE, 1), 0,
			BELLOWS_REFUSE_OWN);
	/* In the middle, and at the end. */
	bed.pair.batch->range[0] = bellows_range(shared - 1, 4);
	expect_released(pair_release(&bed.pair, 1), 0, BELLOWS_REFUSE_OWN);
	bed.pair.batch->range[0] = bellows_range(shared - 1, 2);
	expect_released(pair_release(&bed.pair, 1), 0, BELLOWS_REFUSE_OWN);
	expect_equal(bed.pair.shared->guest.magic, BELLOWS_GUEST_MAGIC);
	expect_untouched(&bed);
	bed_close(&bed);
}

static void wrong_arguments(const void *data)
{
	static const struct {
		uint64_t address;
		uint64_t count;
		int64_t answer;
	} calls[] = {
		{ FLATVM_BATCH_PAGE, 0, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE, 513, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE, 1ULL << 32 | 1, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE, 1ULL << 61 | 1, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE, -1ULL, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE + 8, 1, -BELLOWS_EINVAL },
		{ FLATVM_BATCH_PAGE + 1, 1, -BELLOWS_EINVAL },
		{ FLATVM_CONTROL_SIZE, 1, -BELLOWS_EFAULT },
		{ 0xf0000000, 1, -BELLOWS_EFAULT },
		{ ~0xfffULL, 1, -BELLOWS_EFAULT },
		{ 1ULL << 52 | FLATVM_BATCH_PAGE, 1, -BELLOWS_EFAULT },
	};
	struct bed bed;
	size_t i;

	(void)data;
	bed_open(&bed, FLATMEM_ANON, false);
	for (i = 0; i < BELLOWS_BATCH_MAX; i++)
		bed.pair.batch->range[i] = bellows_range(RAM_PFN + i, 1);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		expect_equal(pair_call(&bed.pair, BELLOWS_HC_RELEASE,
				       calls[i].address, calls[i].count, 0),
			     calls[i].answer);
	expect_untouched(&bed);
	bed_close(&bed);
}

#define KIND_ONLY(function, kind) \
	function, &(const enum flatmem_kind){ FLATMEM_##kind }

static const struct ktap_test tests[] = {
	{ "read-only-slot", KIND(FLATMEM_ANON, true, BELLOWS_REFUSE_READONLY) },
	{ "unwritable-mapping",
	  KIND(FLATMEM_UNWRITABLE, false, BELLOWS_REFUSE_READONLY) },
	{ "locked", KIND(FLATMEM_LOCKED, false, BELLOWS_REFUSE_LOCKED) },
	{ "userfaultfd", KIND(FLATMEM_UFFD, false, BELLOWS_REFUSE_UFFD) },
	{ "file", KIND(FLATMEM_FILE, false, BELLOWS_REFUSE_FILE) },
	{ "file-private",
	  KIND(FLATMEM_FILE_PRIVATE, false, BELLOWS_REFUSE_FILE) },
	{ "memfd-private",
	  KIND(FLATMEM_MEMFD_PRIVATE, false, BELLOWS_REFUSE_FILE) },
	{ "memfd-sealed", KIND(FLATMEM_SEALED, false, BELLOWS_REFUSE_SEALED) },

	{ "outside-ram",
	  BATCH(1, { { NOWHERE_PFN, 1 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "behind-the-slot",
	  BATCH(1, { { NEXT_PFN, 1 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "before-the-slot",
	  BATCH(1, { { RAM_PFN - 1, 1 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "over-the-slot's-end",
	  BATCH(1, { { NEXT_PFN - 1, 2 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "over-the-slot's-start",
	  BATCH(1, { { RAM_PFN - 1, 2 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "longer-than-the-slot",
	  BATCH(1, { { RAM_PFN, 4096 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "the-last-frame-there-is",
	  BATCH(1, { { (1ULL << 52) - 1, 4096 } }, 0, BELLOWS_REFUSE_NOT_RAM) },
	{ "overlapping",
	  BATCH(2, { { RAM_PFN, 2 }, { RAM_PFN + 1, 2 } }, 1,
		BELLOWS_REFUSE_OVERLAP) },
	{ "the-same-twice",
	  BATCH(2, { { RAM_PFN, 1 }, { RAM_PFN, 1 } }, 1,
		BELLOWS_REFUSE_OVERLAP) },
	{ "descending",
	  BATCH(2, { { RAM_PFN + 8, 1 }, { RAM_PFN, 1 } }, 1,
		BELLOWS_REFUSE_OVERLAP) },
	{ "good-good-bad-good",
	  BATCH(4,
		{ { RAM_PFN, 8 }, { RAM_PFN + 9, 8 }, { NEXT_PFN, 1 }, { 0 } },
		2, BELLOWS_REFUSE_NOT_RAM) },
	{ "bad-good",
	  BATCH(2, { { 0x8000, 1 }, { RAM_PFN, 8 } }, 0,
		BELLOWS_REFUSE_NOT_RAM) },

	{ "across-two-slots", across_two_slots, NULL },
	{ "hole-behind-the-slot", hole_behind_the_slot, NULL },
	{ "locked-page-within", locked_page_within, NULL },
	{ "pinned-anon", KIND_ONLY(pinned_page, ANON) },
	{ "pinned-anon-thp", KIND_ONLY(pinned_page, THP) },
	{ "pinned-memfd", KIND_ONLY(pinned_page, MEMFD) },
	{ "pinned-hugetlb", KIND_ONLY(pinned_page, HUGETLB) },
	{ "pinned-memfd-elsewhere", pinned_elsewhere, NULL },
	{ "part-of-hugetlb", KIND_ONLY(part_of_a_huge_page, HUGETLB) },
	{ "part-of-hugetlb-private",
	  KIND_ONLY(part_of_a_huge_page, HUGETLB_PRIVATE) },
	{ "own-pages", own_pages, NULL },
	{ "wrong-arguments", wrong_arguments, NULL },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
