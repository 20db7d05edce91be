/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A world for the planner: a host and its guests, simulated. Guests hold hot
 * and cold memory and page cache, swap when they must, and give and take by
 * their balloons as the real ones do, or as badly as they were told to.
 *
 * Each test program that includes this holds the planner as well.
 */
#ifndef _TESTS_UNIT_POLICY_WORLD_H
#define _TESTS_UNIT_POLICY_WORLD_H

#include "kernel_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../host/policy_curve.c"
#include "../../host/policy_feedback.c"
#include "../../host/policy_bounds.c"
#include "../../host/policy_spread.c"
#include "../../host/policy_settings.c"
#include "../../host/policy.c"

#define WORLD_MIB 256ULL
#define WORLD_GIB (1024 * WORLD_MIB)
#define WORLD_NS 1000000ULL
/* Pages in 1 ms that a balloon takes or gives. */
#define WORLD_SPEED 500ULL
/* Guests do not inflate into their last pages. */
#define WORLD_MARGIN (16 * WORLD_MIB)

/* How a guest behaves; bits. */
#define WORLD_SLOW BIT(0) /* gives 2 MiB in 10 ms at most */
#define WORLD_STUCK BIT(1) /* gives nothing */
#define WORLD_HIDDEN BIT(2) /* gives an eighth of its memory at most */
#define WORLD_LIES BIT(3) /* claims that all is hot and in use */
#define WORLD_CRIES BIT(4) /* claims pressure all the time */
#define WORLD_SILENT BIT(5) /* writes no report any more */
#define WORLD_HOLLOW BIT(6) /* its balloon frees nothing */
#define WORLD_DEAD BIT(7) /* is gone */
#define WORLD_LEAN BIT(8) /* keeps no classes */
#define WORLD_LATE BIT(9) /* finishes first what it was told to do, for a second */

struct world_guest {
	struct policy_guest guest;
	struct bellows_guest_half report;
	u32 ways;
	u32 node;
	u64 total;
	/* total = size + (hot - out) + cold + cache + free */
	u64 size;
	u64 hot;
	u64 out;
	u64 cold;
	u64 cache;
	u64 free;
	/* Of free: never touched, or not since the balloon gave it back. */
	u64 untouched;
	/* What it wants to be hot. */
	u64 wanted;
	u64 base;
	u64 peak;
	u64 period_ms;
	u64 offset_ms;
	u64 length_ms;
	/* How fast what is hot grows, in pages in 1 ms. */
	u64 grow;
	u64 grew_ns;
	u64 report_ms;
	u64 told_ns;
	/* The target that it is at work on, and when it was told. */
	u64 heard;
	u64 heard_ns;
	u64 swap_in;
	u64 swap_out;
	u64 stall_ns;
	int direction;
	u32 reversals;
};

struct world {
	struct policy_settings settings;
	struct policy_host host;
	struct policy_state state;
	struct policy_result result;
	struct world_guest *guests;
	struct policy_guest **order;
	unsigned int nr;
	u64 number;
	u64 node_base[POLICY_NODES_MAX];
	u64 seed;
	/* Time between plans while the host is calm. */
	u64 calm_ms;
	/* Looks at the world after each plan. */
	void (*check)(struct world *world);
	/* Over the whole run. */
	u64 host_swap;
	u64 lowest_free;
	u64 swap_in_second;
	u64 swap_worst;
	u64 second_ns;
};

static inline u64 world_random(struct world *world, u64 below)
{
	u64 x = world->seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	world->seed = x;

	return below ? (x * 0x2545f4914f6cdd1dULL >> 16) % below : 0;
}

static inline u64 world_resident(const struct world_guest *guest)
{
	if (guest->ways & WORLD_DEAD)
		return 0;
	if (guest->ways & WORLD_HOLLOW)
		return guest->total - guest->untouched;

	return guest->total - guest->size - guest->untouched;
}

/* What the guest writes about itself. */
static inline void world_report(struct world *world, struct world_guest *guest)
{
	struct bellows_guest_half *report = &guest->report;
	unsigned int age;

	report->timestamp_ns = world->host.now_ns + 12345;
	report->total_pages = guest->total;
	report->size_pages = guest->size;
	report->free_pages = guest->free;
	report->available_pages = guest->free + guest->cache;
	report->working_set_pages = guest->hot;
	report->cache_pages = guest->cache;
	report->swap_in_pages = guest->swap_in;
	report->swap_out_pages = guest->swap_out;
	report->major_faults = 0;
	report->stall_ns = guest->stall_ns;
	report->nr_nodes = 1;
	report->node[0].total_pages = guest->total;
	report->node[0].free_pages = guest->free;
	report->node[0].size_pages = guest->size;

	memset(report->class_pages, 0, sizeof(report->class_pages));
	for (age = 0; age < BELLOWS_AGES; age++) {
		report->class_pages[0][age] = guest->cache / BELLOWS_AGES;
		report->class_pages[1][age] = guest->cold / BELLOWS_AGES;
	}
	report->class_pages[3][0] = guest->hot - guest->out;

	if (guest->ways & WORLD_LIES) {
		report->free_pages = 0;
		report->available_pages = 0;
		report->working_set_pages = guest->total;
		memset(report->class_pages, 0, sizeof(report->class_pages));
		report->class_pages[3][0] = guest->total - guest->size;
	}
	if (guest->ways & WORLD_CRIES)
		report->stall_ns = world->host.now_ns;
}

/* Makes room: cache, then cold memory, which costs I/O. */
static inline u64 world_make(struct world_guest *guest, u64 wanted)
{
	u64 from;

	from = min(guest->cache, policy_less(wanted, guest->free));
	guest->cache -= from;
	guest->free += from;
	from = min(guest->cold, policy_less(wanted, guest->free));
	guest->cold -= from;
	guest->free += from;
	guest->swap_out += from;

	return min(wanted, guest->free);
}

static inline void world_use(struct world_guest *guest, u64 pages)
{
	guest->free -= pages;
	guest->untouched = min(guest->untouched, guest->free);
}

/* The guest's own work for @ms. */
static inline void world_work(struct world_guest *guest, u64 ms, u64 now_ms)
{
	u64 phase =
		(now_ms + guest->offset_ms) % max_t(u64, guest->period_ms, 1);
	u64 most = ms * guest->grow, less, more;

	guest->wanted = guest->base;
	if (phase < guest->length_ms)
		guest->wanted += guest->peak;

	if (guest->wanted < guest->hot) {
		less = min(guest->hot - guest->wanted, most);
		more = min(less, guest->out);
		guest->out -= more;
		guest->hot -= less;
		guest->free += less - more;
	} else {
		more = min(guest->wanted - guest->hot, most);
		if (more)
			guest->grew_ns = now_ms * WORLD_NS;
		less = world_make(guest, more);
		world_use(guest, less);
		guest->hot += more;
		guest->out += more - less;
		guest->swap_out += more - less;
	}

	/* What is hot and not there is wanted back, and somebody waits. */
	if (guest->out) {
		more = min(guest->out, ms * 100);
		less = world_make(guest, more);
		world_use(guest, less);
		guest->out -= less;
		guest->swap_in += more;
		/* Half of the time when a sixteenth or more is out. */
		less = guest->hot / 16 + 1;
		guest->stall_ns +=
			ms * WORLD_NS * min(guest->out, less) / less / 2;
	}
}

/* The balloon for @ms. */
static inline void world_balloon(struct world *world, struct world_guest *guest,
				 u64 ms)
{
	u64 target, most = ms * WORLD_SPEED, pages;

	if (!(guest->ways & WORLD_LATE) || guest->size == guest->heard ||
	    policy_since(world->host.now_ns, guest->heard_ns, 1000)) {
		guest->heard = guest->guest.target_pages;
		guest->heard_ns = world->host.now_ns;
	}
	target = guest->heard;
	guest->report.flags &= ~BELLOWS_GUEST_SHORT;
	if (target < guest->size) {
		pages = policy_grant(&world->settings, &world->host,
				     &guest->guest,
				     min(guest->size - target, most));
		guest->size -= pages;
		guest->free += pages;
		guest->untouched += pages;
		world->host.promised_pages += pages;
		return;
	}

	pages = min(target - guest->size, most);
	if (guest->ways & WORLD_SLOW)
		pages = min(pages, ms * 51);
	if (guest->ways & WORLD_HIDDEN)
		pages = min(pages, policy_less(guest->total / 8, guest->size));
	if (guest->ways & WORLD_STUCK)
		pages = 0;
	if (!pages)
		return;

	pages = min(pages, policy_less(world_make(guest, pages + WORLD_MARGIN),
				       WORLD_MARGIN));
	if (!pages)
		guest->report.flags |= BELLOWS_GUEST_SHORT;
	guest->untouched -=
		guest->free ? guest->untouched * pages / guest->free : 0;
	guest->free -= pages;
	guest->size += pages;
}

/* What the host has now. Memory that is not there is swapped. */
static inline void world_account(struct world *world)
{
	u64 used[POLICY_NODES_MAX] = {}, all = 0, free = 0;
	unsigned int i;

	for (i = 0; i < world->nr; i++)
		used[world->guests[i].node] +=
			world_resident(&world->guests[i]);
	for (i = 0; i < world->host.nr_nodes; i++) {
		used[i] += world->node_base[i];
		all += used[i];
		world->host.node[i].free_pages =
			policy_less(world->host.node[i].total_pages, used[i]);
		free += world->host.node[i].free_pages;
	}
	world->host_swap += policy_less(all, world->host.total_pages);
	world->host.free_pages = policy_less(world->host.total_pages, all);
	world->lowest_free = min(world->lowest_free, world->host.free_pages);
}

static inline u64 world_swapped(const struct world *world)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < world->nr; i++)
		sum += world->guests[i].swap_in + world->guests[i].swap_out;

	return sum;
}

static inline void world_plan(struct world *world)
{
	unsigned int i, nr = 0;

	for (i = 0; i < world->nr; i++) {
		struct world_guest *guest = &world->guests[i];

		if (guest->ways & WORLD_DEAD)
			continue;
		guest->guest.size_pages = guest->size;
		guest->guest.resident_pages = world_resident(guest);
		world->order[nr++] = &guest->guest;
	}
	policy_plan(&world->settings, &world->host, &world->state, world->order,
		    nr, &world->result);

	for (i = 0; i < nr; i++) {
		struct world_guest *guest = container_of(
			world->order[i], struct world_guest, guest);
		int direction = (guest->guest.target_pages > guest->size) -
				(guest->guest.target_pages < guest->size);

		if (direction && guest->direction &&
		    direction != guest->direction)
			guest->reversals++;
		if (direction)
			guest->direction = direction;
	}
}

/* Lets @ms pass, and makes a plan at the end. */
static inline void world_step(struct world *world, u64 ms)
{
	u64 now_ms;
	unsigned int i;

	world->host.now_ns += ms * WORLD_NS;
	now_ms = world->host.now_ns / WORLD_NS;
	for (i = 0; i < world->nr; i++) {
		struct world_guest *guest = &world->guests[i];

		if (guest->ways & WORLD_DEAD)
			continue;
		world_balloon(world, guest, ms);
		world_work(guest, ms, now_ms);
		if (!(guest->ways & WORLD_SILENT) &&
		    policy_since(world->host.now_ns, guest->told_ns,
				 guest->report_ms)) {
			world_report(world, guest);
			guest->told_ns = world->host.now_ns;
		}
	}
	/* Most of what was granted is touched soon. */
	world->host.promised_pages -= world->host.promised_pages / 4;
	world_account(world);

	if (policy_since(world->host.now_ns, world->second_ns, 1000)) {
		u64 swapped = world_swapped(world);

		world->swap_worst =
			max(world->swap_worst, swapped - world->swap_in_second);
		world->swap_in_second = swapped;
		world->second_ns = world->host.now_ns;
	}
	world_plan(world);
}

/* Lets time pass as the agent does: the shorter, the faster. */
static inline void world_run(struct world *world, u64 ms)
{
	u64 step, end = world->host.now_ns + ms * WORLD_NS;

	while (world->host.now_ns < end) {
		step = world->result.mode == POLICY_MODE_SHORT ||
				       world->result.mode ==
					       POLICY_MODE_EMERGENCY ?
			       10 :
			       world->calm_ms;
		world_step(world, step);
		if (world->check)
			world->check(world);
	}
}

/* A host of @pages, a tenth of it for itself, and @nr guests without memory. */
static inline void world_open(struct world *world, u64 seed, u64 pages,
			      unsigned int nr, unsigned int nr_nodes)
{
	unsigned int i;

	memset(world, 0, sizeof(*world));
	world->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	world->number = seed;
	world->nr = nr;
	world->guests = calloc(nr + 1, sizeof(*world->guests));
	world->order = calloc(nr + 1, sizeof(*world->order));
	assert_non_null(world->guests);
	assert_non_null(world->order);
	world->lowest_free = ~0ULL;
	world->calm_ms = 50;

	policy_settings_default(&world->settings, pages);
	world->host.now_ns = 1000 * WORLD_NS;
	world->host.total_pages = pages;
	world->host.nr_nodes = nr_nodes;
	for (i = 0; i < nr_nodes; i++) {
		world->host.node[i].total_pages = pages / nr_nodes;
		world->node_base[i] = pages / nr_nodes / 10;
	}
	for (i = 0; i < nr; i++) {
		struct world_guest *guest = &world->guests[i];

		guest->node = i % nr_nodes;
		guest->report_ms = 100;
		guest->grow = 400 / nr + 1;
		guest->guest.report = &guest->report;
		guest->guest.features = BELLOWS_F_CLASSES | BELLOWS_F_NODES;
		guest->guest.nr_bound = 1;
		guest->guest.host_node[0] = guest->node;
	}
}

/* Gives a guest @total pages: @hot, @cold, @cache, and the rest is free. */
static inline void world_guest(struct world *world, unsigned int i, u64 total,
			       u64 hot, u64 cold, u64 cache)
{
	struct world_guest *guest = &world->guests[i];

	assert_true(hot + cold + cache <= total);
	guest->total = total;
	guest->hot = hot;
	guest->base = hot;
	guest->cold = cold;
	guest->cache = cache;
	guest->free = total - hot - cold - cache;
	guest->untouched = guest->free;
	policy_guest_preset(&guest->guest.settings, POLICY_CLASS_STANDARD,
			    total);
	world_report(world, guest);
	if (guest->ways & WORLD_LEAN)
		guest->guest.features = 0;
}

/* The guest has used all its memory at some time. */
static inline void world_touch(struct world *world, unsigned int i)
{
	world->guests[i].untouched = 0;
}

static inline void world_close(struct world *world)
{
	free(world->guests);
	free(world->order);
}

/* Jain's index of fairness, permille. */
static inline u64 world_jain(const struct world *world)
{
	double sum = 0, squares = 0, value;
	unsigned int i;

	for (i = 0; i < world->nr; i++) {
		value = world->guests[i].total - world->guests[i].size;
		sum += value;
		squares += value * value;
	}

	return squares > 0 ? 1000 * sum * sum / (world->nr * squares) : 1000;
}

#endif /* _TESTS_UNIT_POLICY_WORLD_H */
