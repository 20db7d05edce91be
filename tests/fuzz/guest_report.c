// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that says anything of itself, whatever the host's memory does meanwhile:
 * what it writes goes the way that it goes in the module, through the check of
 * its report into the sums of where memory lies, the plan and the grants.
 * Sanitizers look for what must not happen in C; here is looked for what must not
 * happen to the host and to the other guest.
 *
 * The input is a list of steps of ten bytes: what, where, and a number.
 */
#include "../unit/kernel_shim.h"

#include "fuzz.h"

#include "../../host/policy_curve.c"
#include "../../host/policy_feedback.c"
#include "../../host/policy_bounds.c"
#include "../../host/policy_spread.c"
#include "../../host/policy_settings.c"
#include "../../host/policy_place.c"
#include "../../host/policy_report.c"
#include "../../host/policy.c"

#define FUZZ_GIB 262144ULL
#define FUZZ_MEMORY (4 * FUZZ_GIB)
#define FUZZ_HOST (10 * FUZZ_GIB)
#define FUZZ_BLOCKS (FUZZ_MEMORY / BELLOWS_BLOCK_PAGES)
#define FUZZ_STEPS 64
#define FUZZ_STEP_BYTES 10
#define FUZZ_RANGES 8

enum fuzz_step {
	FUZZ_REPORT,
	FUZZ_PLAN,
	FUZZ_HOST_FREE,
	FUZZ_SIZE,
	FUZZ_LIES_ON,
	FUZZ_RELEASED,
	FUZZ_GRANT,
	FUZZ_WANTED,
	FUZZ_STEP_COUNT,
};

struct fuzz {
	struct policy_settings settings;
	struct policy_host host;
	struct policy_state state;
	struct policy_result result;
	struct policy_guest guests[2];
	struct policy_guest *order[2];
	/* What the first one wrote, and the host's copies. */
	struct bellows_guest_half written;
	struct bellows_guest_half reports[2];
	struct policy_place place;
	struct policy_extent extent;
	u8 map[FUZZ_BLOCKS];
	u64 cursor;
};

static void fuzz_open(struct fuzz *fuzz)
{
	struct bellows_guest_half *honest = &fuzz->reports[1];
	unsigned int i;

	policy_settings_default(&fuzz->settings, FUZZ_HOST);
	fuzz->host.now_ns = POLICY_NS_PER_S;
	fuzz->host.total_pages = FUZZ_HOST;
	fuzz->host.free_pages = FUZZ_HOST / 2;
	fuzz->host.nr_nodes = 2;
	for (i = 0; i < 2; i++) {
		fuzz->host.node[i].total_pages = FUZZ_HOST / 2;
		fuzz->host.node[i].free_pages = FUZZ_HOST / 4;
		policy_guest_preset(&fuzz->guests[i].settings,
				    POLICY_CLASS_STANDARD, FUZZ_MEMORY);
		fuzz->guests[i].report = &fuzz->reports[i];
		fuzz->guests[i].resident_pages = FUZZ_MEMORY;
		fuzz->order[i] = &fuzz->guests[i];
	}
	honest->total_pages = FUZZ_MEMORY;
	honest->free_pages = FUZZ_GIB;
	honest->available_pages = 2 * FUZZ_GIB;
	honest->working_set_pages = FUZZ_GIB;
	honest->cache_pages = FUZZ_GIB;
	fuzz->extent.blocks = FUZZ_BLOCKS;
	memset(fuzz->map, POLICY_NODE_NONE, sizeof(fuzz->map));
}

/* No guest is asked for more than it has, nor for what is to be left to it. */
static void fuzz_check_guest(const struct policy_guest *guest)
{
	u64 total = guest->report->total_pages;
	unsigned int i;

	FUZZ_MUST(guest->target_pages <= max(FUZZ_MEMORY, guest->size_pages));
	if (guest->target_pages > guest->size_pages)
		FUZZ_MUST(guest->target_pages + guest->floor_pages <= total);
	FUZZ_MUST(guest->nr_nodes <= BELLOWS_NODES_MAX);
	for (i = 0; i < guest->nr_nodes; i++)
		FUZZ_MUST(guest->node_target_pages[i] <= FUZZ_MEMORY);
	FUZZ_MUST(guest->reason < POLICY_REASON_COUNT);
	FUZZ_MUST(guest->bound < POLICY_BOUND_COUNT);
}

static void fuzz_plan(struct fuzz *fuzz, u64 number)
{
	unsigned int i;

	fuzz->host.now_ns += number % (4 * POLICY_NS_PER_S);
	fuzz->reports[0] = fuzz->written;
	policy_report_clamp(&fuzz->reports[0], FUZZ_MEMORY);
	fuzz->reports[1].timestamp_ns = fuzz->host.now_ns;
	policy_place_apply(&fuzz->place, fuzz->reports[0].nr_nodes,
			   &fuzz->guests[0]);
	policy_plan(&fuzz->settings, &fuzz->host, &fuzz->state, fuzz->order, 2,
		    &fuzz->result);
	for (i = 0; i < 2; i++)
		fuzz_check_guest(&fuzz->guests[i]);
	FUZZ_MUST(fuzz->result.missing_pages <= FUZZ_HOST);
}

/* A block is found on a node, or nowhere. */
static void fuzz_lies_on(struct fuzz *fuzz, u8 node, u64 number)
{
	u64 block = number % FUZZ_BLOCKS;

	policy_place_put(&fuzz->place, &fuzz->map[block],
			 policy_place_guest_node(&fuzz->reports[0],
						 block * BELLOWS_BLOCK_PAGES),
			 node % 4 == 3 ? POLICY_NODE_NONE : node % 4);
}

static void fuzz_wanted(struct fuzz *fuzz, u8 nodes)
{
	u64 ranges[FUZZ_RANGES];
	unsigned int i, nr;

	nr = policy_place_ranges(&fuzz->extent, 1, fuzz->map, nodes,
				 &fuzz->cursor, ranges, FUZZ_RANGES);
	FUZZ_MUST(nr <= FUZZ_RANGES);
	for (i = 0; i < nr; i++)
		FUZZ_MUST(bellows_range_pfn(ranges[i]) +
				  bellows_range_pages(ranges[i]) <=
			  FUZZ_MEMORY);
}

static void fuzz_grant(struct fuzz *fuzz, u64 number)
{
	u64 granted = policy_grant(&fuzz->settings, &fuzz->host,
				   &fuzz->guests[0], number);

	FUZZ_MUST(granted <= number);
	FUZZ_MUST(granted <= fuzz->guests[0].size_pages);
}

static void fuzz_one(struct fuzz *fuzz, u8 step, u8 where, u64 number)
{
	switch (step % FUZZ_STEP_COUNT) {
	case FUZZ_REPORT:
		memcpy((u8 *)&fuzz->written + where * sizeof(number), &number,
		       sizeof(number));
		break;
	case FUZZ_PLAN:
		fuzz_plan(fuzz, number);
		break;
	case FUZZ_HOST_FREE:
		fuzz->host.free_pages = number % FUZZ_HOST;
		fuzz->host.node[where % 2].free_pages =
			number % (FUZZ_HOST / 2);
		fuzz->host.falling_pages = number >> 40;
		break;
	case FUZZ_SIZE:
		fuzz->guests[where % 2].size_pages = number % FUZZ_MEMORY;
		break;
	case FUZZ_LIES_ON:
		fuzz_lies_on(fuzz, where, number);
		break;
	case FUZZ_RELEASED:
		policy_place_clear(&fuzz->place, &fuzz->extent, 1, fuzz->map,
				   number);
		break;
	case FUZZ_GRANT:
		fuzz_grant(fuzz, number);
		break;
	case FUZZ_WANTED:
		fuzz_wanted(fuzz, where);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz *fuzz = calloc(1, sizeof(*fuzz));
	size_t step;
	u64 number;

	if (!fuzz)
		abort();
	fuzz_open(fuzz);
	for (step = 0; step < FUZZ_STEPS && size >= FUZZ_STEP_BYTES; step++) {
		memcpy(&number, data + 2, sizeof(number));
		fuzz_one(fuzz, data[0], data[1], number);
		data += FUZZ_STEP_BYTES;
		size -= FUZZ_STEP_BYTES;
	}
	fuzz_plan(fuzz, POLICY_NS_PER_MS);
	free(fuzz);

	return 0;
}
