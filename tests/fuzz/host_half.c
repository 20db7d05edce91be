// SPDX-License-Identifier: GPL-2.0
/*
 * A host that writes anything into its half of the shared page, at any moment: in
 * particular between two looks of the guest's. Sanitizers look for what must not
 * happen in C; here is looked for numbers that the rest of the guest's module
 * does not expect, and for what is looked at twice.
 *
 * The input is a list of writes of ten bytes: how many looks of the guest's they
 * come after the one before, which of the half's 256 words, and what.
 */
#include <stdint.h>

static void fuzz_looked(const volatile void *at);
#define READ_ONCE(value) (__extension__ ({			\
	__typeof__(value) fuzz_value =				\
		*(const volatile __typeof__(value) *)&(value);	\
	fuzz_looked(&(value));					\
	fuzz_value; }))

#include "../unit/kernel_shim.h"

#include "fuzz.h"

#include "../../guest/esc_hints.c"
#include "../../guest/wish.c"

#define FUZZ_STEPS 64
#define FUZZ_STEP_BYTES 10
#define FUZZ_NODES 3
#define FUZZ_READS 8

/* The host's half, who writes it, and what the guest has looked at. */
static struct bellows_host_half fuzz_half;
static const u8 *fuzz_steps;
static size_t fuzz_left;
static unsigned int fuzz_wait;
static u8 fuzz_looks[sizeof(fuzz_half)];

/* The next write is due after so many looks. */
static void fuzz_next(void)
{
	fuzz_wait = fuzz_left ? fuzz_steps[0] : 0;
}

/* All writes that are due now. */
static void fuzz_write(void)
{
	while (fuzz_left && fuzz_wait == 0) {
		memcpy((u8 *)&fuzz_half + fuzz_steps[1] * sizeof(u64),
		       fuzz_steps + 2, sizeof(u64));
		fuzz_steps += FUZZ_STEP_BYTES;
		fuzz_left--;
		fuzz_next();
	}
}

/* Between two looks at seq no field is looked at twice. */
static void fuzz_looked(const volatile void *at)
{
	size_t offset = (const volatile u8 *)at - (const u8 *)&fuzz_half;

	FUZZ_MUST(offset < sizeof(fuzz_half));
	if (offset == offsetof(struct bellows_host_half, seq))
		memset(fuzz_looks, 0, sizeof(fuzz_looks));
	else
		FUZZ_MUST(++fuzz_looks[offset] == 1);
	if (fuzz_wait)
		fuzz_wait--;
	fuzz_write();
}

static void fuzz_check(const struct bellows_wish *wish)
{
	u32 i, blocks;
	u64 pfn;

	FUZZ_MUST(wish->target_pages <= BELLOWS_WISH_PAGES_MAX);
	FUZZ_MUST(wish->reason <= BELLOWS_REASON_COUNT);
	FUZZ_MUST((wish->request & ~BELLOWS_WISH_REQUESTS) == 0);
	FUZZ_MUST(wish->nr_nodes <= FUZZ_NODES);
	for (i = 0; i < BELLOWS_NODES_MAX; i++)
		FUZZ_MUST(wish->node_target_pages[i] <=
			  BELLOWS_WISH_PAGES_MAX);
	FUZZ_MUST(wish->nr_wanted <= BELLOWS_WANTED_MAX);
	FUZZ_MUST(wish->nr_wanted == 0 || wish->wanted_id);
	for (i = 0; i < wish->nr_wanted; i++) {
		blocks = bellows_wish_blocks(wish->wanted[i], &pfn);
		FUZZ_MUST(blocks <=
			  BELLOWS_RANGE_PAGES_MAX / BELLOWS_BLOCK_PAGES);
		FUZZ_MUST(pfn <= BELLOWS_WISH_PAGES_MAX);
		FUZZ_MUST(pfn % BELLOWS_BLOCK_PAGES == 0);
	}
}

/* In order and apart, so that a page is found by halves. */
static void fuzz_check_hints(const u64 *ranges, u32 nr)
{
	struct bellows_esc_hints hints;
	u32 i;

	FUZZ_MUST(nr <= BELLOWS_HINTS_MAX);
	bellows_esc_hints_set(&hints, ranges, nr);
	FUZZ_MUST(hints.nr <= nr);
	for (i = 0; i < hints.nr; i++) {
		FUZZ_MUST(hints.span[i].first <= hints.span[i].end);
		FUZZ_MUST(i == 0 ||
			  hints.span[i - 1].end < hints.span[i].first);
	}
	for (i = 0; i < nr; i++)
		FUZZ_MUST(bellows_range_pages(ranges[i]) == 0 ||
			  bellows_esc_hinted(&hints,
					     bellows_range_pfn(ranges[i])));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 hints[BELLOWS_HINTS_MAX];
	struct bellows_wish wish;
	unsigned int reads;
	u32 nr;

	memset(&fuzz_half, 0, sizeof(fuzz_half));
	fuzz_steps = data;
	fuzz_left = min(size / FUZZ_STEP_BYTES, (size_t)FUZZ_STEPS);
	fuzz_next();
	fuzz_write();
	for (reads = 0; reads < FUZZ_READS; reads++) {
		if (bellows_wish_read(&wish, &fuzz_half, FUZZ_NODES))
			fuzz_check(&wish);
		if (bellows_wish_read_hints(hints, &nr, &fuzz_half))
			fuzz_check_hints(hints, nr);
	}

	return 0;
}
