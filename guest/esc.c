// SPDX-License-Identifier: GPL-2.0
/*
 * Enhanced Second-Chance: which page will the guest not miss?
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>
#endif

#include "esc.h"

/* The newest bit of a history. */
#define BELLOWS_ESC_NEWEST	0x80
/*
 * Code is read once for all who run it, and missing it stops them all: it has
 * to be idle for nearly two windows before it counts as unused.
 */
#define BELLOWS_ESC_CODE_IDLE	BELLOWS_ESC_IDLE_MAX
/* Tried pages before a meter says anything. */
#define BELLOWS_ESC_METER_LEAST	64
/* A sweep that changed fewer pages than one in so many told little new. */
#define BELLOWS_ESC_CALM	100

static_assert(sizeof(struct bellows_esc_page) == 4);

/* Folds any number into the bits that are kept; the high bits are the best. */
static u16 bellows_esc_print(u32 print)
{
	return (print * 0x9e3779b1U) >> (32 - BELLOWS_ESC_PRINT_BITS);
}

/**
 * bellows_esc_knows() - is this history that of this page?
 * @page: the history
 * @print: fingerprint of whose page it is now
 *
 * Return: false when there is none, or it is of another use of the memory.
 */
bool bellows_esc_knows(const struct bellows_esc_page *page, u32 print)
{
	return page->known && page->print == bellows_esc_print(print);
}

/**
 * bellows_esc_forget() - the page is free, or nobody's business any more
 * @page: its history
 */
void bellows_esc_forget(struct bellows_esc_page *page)
{
	memset(page, 0, sizeof(*page));
}

/**
 * bellows_esc_observe() - one sweep goes over one page
 * @page: its history
 * @look: what the sweep sees
 * @fresh_round: pages that were tested and found in use may be tested again
 *
 * What is seen of a page for the first time says nothing: it may have been used
 * at any time before.
 *
 * Return: whether the sweep told something: the page is new, its use changed, or
 * it is on its way to be proven unused.
 */
bool bellows_esc_observe(struct bellows_esc_page *page,
			 const struct bellows_esc_look *look, bool fresh_round)
{
	bool used = look->used || look->hinted;
	bool known = bellows_esc_knows(page, look->print);
	bool was_used = page->uses & BELLOWS_ESC_NEWEST;

	if (!known) {
		bellows_esc_forget(page);
		page->known = 1;
		page->print = bellows_esc_print(look->print);
	} else if (used) {
		page->uses = page->uses >> 1 | BELLOWS_ESC_NEWEST;
		page->idle = 0;
		page->chance = BELLOWS_ESC_CHANCE_NONE;
	} else {
		page->uses >>= 1;
		page->idle = min(page->idle + 1, BELLOWS_ESC_IDLE_MAX);
		if (page->chance)
			page->chance = BELLOWS_ESC_CHANCE_OVER;
	}

	page->mark = look->mark;
	page->modified = look->modified;
	page->executable = look->executable;
	if (fresh_round)
		page->tested = 0;

	return !known || used != was_used ||
	       (page->idle && page->idle <= BELLOWS_ESC_WINDOW);
}

/**
 * bellows_esc_used() - a use is found between two sweeps
 * @page: its history
 *
 * That of a page that was to go, and stays for it.
 */
void bellows_esc_used(struct bellows_esc_page *page)
{
	page->uses |= BELLOWS_ESC_NEWEST;
	page->idle = 0;
	page->chance = BELLOWS_ESC_CHANCE_NONE;
}

/**
 * bellows_esc_class() - the class of Enhanced Second-Chance
 * @page: its history
 *
 * Return: R << 1 | M, 0 to 3.
 */
unsigned int bellows_esc_class(const struct bellows_esc_page *page)
{
	bool used = page->uses ||
		    (page->executable && page->idle < BELLOWS_ESC_CODE_IDLE);

	return used << 1 | page->modified;
}

/**
 * bellows_esc_goes() - may a page that was taken still go?
 * @page: its history
 *
 * Return: false when a use was found since that was not forgiven.
 */
bool bellows_esc_goes(const struct bellows_esc_page *page)
{
	return bellows_esc_class(page) < 2 ||
	       page->chance == BELLOWS_ESC_CHANCE_OVER;
}

/**
 * bellows_esc_age() - how long was it idle, as the host is told
 * @page: its history
 *
 * Return: sweeps, 0 to BELLOWS_AGES - 1, which stands for all longer times.
 */
unsigned int bellows_esc_age(const struct bellows_esc_page *page)
{
	return min_t(unsigned int, page->idle, BELLOWS_AGES - 1);
}

/**
 * bellows_esc_rank() - its place in the order of victims
 * @page: its history
 *
 * Return: 0, the first to go, to BELLOWS_ESC_RANKS - 1.
 */
unsigned int bellows_esc_rank(const struct bellows_esc_page *page)
{
	return bellows_esc_class(page) * BELLOWS_ESC_IDLES +
	       BELLOWS_ESC_IDLE_MAX - page->idle;
}

/**
 * bellows_esc_proven() - was it watched long enough to believe that R is 0?
 * @page: its history
 *
 * A page that was seen for two sweeps may be used in every third.
 *
 * Return: true after a whole window without a use.
 */
bool bellows_esc_proven(const struct bellows_esc_page *page)
{
	return page->idle >= BELLOWS_ESC_WINDOW;
}

/**
 * bellows_esc_count() - add to a census
 * @census: the census
 * @page: history of the first of them
 * @pages: how many are alike: the length of a folio
 */
void bellows_esc_count(struct bellows_esc_census *census,
		       const struct bellows_esc_page *page, u64 pages)
{
	census->rank[bellows_esc_rank(page)] += pages;
}

/**
 * bellows_esc_histogram() - a census as the host is told it
 * @census: the census
 * @pages: filled in, by class and age
 */
void bellows_esc_histogram(const struct bellows_esc_census *census,
			   __u64 pages[BELLOWS_CLASSES][BELLOWS_AGES])
{
	unsigned int rank, idle;

	memset(pages, 0, sizeof(*pages) * BELLOWS_CLASSES);
	for (rank = 0; rank < BELLOWS_ESC_RANKS; rank++) {
		idle = BELLOWS_ESC_IDLE_MAX - rank % BELLOWS_ESC_IDLES;
		idle = min_t(unsigned int, idle, BELLOWS_AGES - 1);
		pages[rank / BELLOWS_ESC_IDLES][idle] += census->rank[rank];
	}
}

/**
 * bellows_esc_working_set() - what would be missed
 * @census: of the pages that can be watched
 * @present: pages that are in use in any way: memory that is not free
 *
 * All that is present but known to be idle: what cannot be watched counts as
 * used, and so does what was not yet watched for a whole window.
 *
 * Return: pages.
 */
u64 bellows_esc_working_set(const struct bellows_esc_census *census,
			    u64 present)
{
	unsigned int rank, idle;
	u64 cold = 0;

	for (rank = 0; rank < BELLOWS_ESC_RANK_USED; rank++) {
		idle = BELLOWS_ESC_IDLE_MAX - rank % BELLOWS_ESC_IDLES;
		if (idle >= BELLOWS_ESC_WINDOW)
			cold += census->rank[rank];
	}

	return present > cold ? present - cold : 0;
}

/**
 * bellows_esc_clock_begin() - begin an inflation's search, where the last ended
 * @clock: zeroed, or of the last inflation
 * @end: one past the last page
 * @limit: touch no rank from here on; BELLOWS_ESC_RANKS for all
 */
void bellows_esc_clock_begin(struct bellows_esc_clock *clock, u64 end,
			     unsigned int limit)
{
	clock->end = end;
	if (clock->hand >= end)
		clock->hand = 0;
	clock->left = end;
	clock->rank = 0;
	clock->next = BELLOWS_ESC_RANKS;
	clock->limit = limit;
}

/**
 * bellows_esc_clock_step() - move the hand
 * @clock: the clock
 * @number: set to the page it pointed at
 *
 * After a lap it is the turn of the next rank that was met.
 *
 * Return: false when no rank is left.
 */
bool bellows_esc_clock_step(struct bellows_esc_clock *clock, u64 *number)
{
	if (clock->left == 0) {
		clock->rank = clock->next;
		clock->next = BELLOWS_ESC_RANKS;
		clock->left = clock->end;
	}
	if (clock->left == 0 || clock->rank >= clock->limit)
		return false;

	*number = clock->hand++;
	clock->left--;
	if (clock->hand == clock->end)
		clock->hand = 0;

	return true;
}

/**
 * bellows_esc_clock_judge() - what becomes of the page that was pointed at?
 * @clock: the clock
 * @page: its history
 * @hinted: the host takes it by itself
 *
 * Return: the verdict; BELLOWS_ESC_TAKE is for once: see bellows_esc_tested().
 */
enum bellows_esc_verdict
bellows_esc_clock_judge(struct bellows_esc_clock *clock,
			struct bellows_esc_page *page, bool hinted)
{
	unsigned int rank = bellows_esc_rank(page);

	if (!page->known || page->tested || hinted)
		return BELLOWS_ESC_PASS;
	if (rank > clock->rank) {
		clock->next = min(clock->next, rank);
		return BELLOWS_ESC_PASS;
	}
	if (rank < BELLOWS_ESC_RANK_USED)
		return BELLOWS_ESC_TAKE;

	/* R is forgiven once; the sweep that comes then has the last word. */
	if (page->chance == BELLOWS_ESC_CHANCE_OVER)
		return BELLOWS_ESC_TAKE;
	if (page->chance == BELLOWS_ESC_CHANCE_GIVEN)
		return BELLOWS_ESC_PASS;
	page->chance = BELLOWS_ESC_CHANCE_GIVEN;

	return BELLOWS_ESC_SPARE;
}

/**
 * bellows_esc_tested() - a page that was to be taken is not, or was tried
 * @page: its history. It is not judged again before a sweep has gone over it
 *	that opens a fresh round.
 */
void bellows_esc_tested(struct bellows_esc_page *page)
{
	page->tested = 1;
}

/**
 * bellows_esc_block_cost() - what would it cost to empty this block?
 * @block: what is in it
 * @moves_max: pages that may at most be moved for one block
 *
 * Free pages cost nothing, a cold clean page costs dropping it, any other costs
 * a copy, which is dearer than dropping and far cheaper than I/O.
 *
 * Return: 0 to BELLOWS_ESC_COST_MAX; BELLOWS_ESC_NEVER when it cannot be done.
 */
unsigned int bellows_esc_block_cost(const struct bellows_esc_block *block,
				    unsigned int moves_max)
{
	if (block->stuck || block->moves > moves_max)
		return BELLOWS_ESC_NEVER;

	return block->cold + 2 * block->moves;
}

/**
 * bellows_esc_block_tried() - it was tried to empty this block
 * @trials: what came of it before; zeroed when nothing did
 * @emptied: what came of it now
 * @sweep: number of the last sweep; they may wrap around
 *
 * Something in it cannot go, and does not show it: what it shares the block with
 * was moved for nothing, and what was moved into its place goes next time. So each
 * failure doubles the time until the next attempt, up to a limit.
 */
void bellows_esc_block_tried(struct bellows_esc_trials *trials, bool emptied,
			     u32 sweep)
{
	u32 rest = BELLOWS_ESC_REST_MAX;

	if (emptied) {
		*trials = (struct bellows_esc_trials){};
		return;
	}
	if (BIT(trials->failures) < BELLOWS_ESC_REST_MAX)
		rest = BIT(trials->failures++);
	trials->rests_until = sweep + rest;
}

/**
 * bellows_esc_block_rests() - is it too early to try to empty this block again?
 * @trials: what came of it before
 * @sweep: number of the last sweep
 *
 * Return: whether it is.
 */
bool bellows_esc_block_rests(const struct bellows_esc_trials *trials, u32 sweep)
{
	return trials->failures && (s32)(sweep - trials->rests_until) < 0;
}

/**
 * bellows_esc_pays() - one batch more; shall there be another?
 * @meter: zeroed before the first
 * @spent: pages that were tried
 * @gained: free pages there are more; may be negative, others allocate too
 * @least_percent: what has to come of what is tried
 *
 * On compressed memory a page swapped out does not free a page. Old batches
 * count less than the last.
 *
 * Return: false when it brings too little.
 */
bool bellows_esc_pays(struct bellows_esc_meter *meter, u64 spent, s64 gained,
		      unsigned int least_percent)
{
	meter->spent = meter->spent / 2 + spent;
	meter->gained = meter->gained / 2 + (gained > 0 ? gained : 0);
	if (meter->spent < BELLOWS_ESC_METER_LEAST)
		return true;

	return meter->gained * 100 >= meter->spent * least_percent;
}

/**
 * bellows_esc_rest_ns() - how long to rest after work
 * @worked_ns: time that was worked
 * @percent: of one CPU that the work may cost, 1 to 100
 *
 * Return: ns.
 */
u64 bellows_esc_rest_ns(u64 worked_ns, unsigned int percent)
{
	percent = clamp_t(unsigned int, percent, 1, 100);

	return div_u64(worked_ns * (100 - percent), percent);
}

/**
 * bellows_esc_gap_ms() - how long to wait before the next sweep
 * @gap_ms: the wait before the last one
 * @changed: pages of which the last sweep told something new
 * @pages: pages it looked at
 * @least_ms: shortest wait
 * @most_ms: longest wait
 *
 * Sweeps that tell nothing new come less often, up to a limit; one that does
 * brings the short wait back at once, as what changes now is what matters.
 *
 * Return: ms.
 */
u32 bellows_esc_gap_ms(u32 gap_ms, u64 changed, u64 pages, u32 least_ms,
		       u32 most_ms)
{
	if (changed * BELLOWS_ESC_CALM >= pages)
		return least_ms;

	return clamp_t(u64, gap_ms + (u64)gap_ms / 2, least_ms,
		       max(least_ms, most_ms));
}
