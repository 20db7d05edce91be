/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Enhanced Second-Chance: which page will the guest not miss?
 *
 * Pure: numbers in, verdicts out. Nothing here knows what a page is to the
 * kernel, so that it runs in user space too (include tests/unit/kernel_shim.h
 * first there). Whoever calls it sees to it that two do not at a time.
 *
 * A sweep looks at every page once and shifts what it saw (R: used since the
 * last sweep?) into a byte of history. A page's class is (R, M): R is any use
 * within the byte, M that its content would have to be written before it can
 * go. Its idle time is counted in sweeps. Victims go by rank: class (0,0), then
 * (0,1), (1,0) and (1,1), and inside a class those first that were idle longer.
 */
#ifndef _BELLOWS_GUEST_ESC_H
#define _BELLOWS_GUEST_ESC_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include <bellows/abi.h>

/* Sweeps that the history of a page goes back. */
#define BELLOWS_ESC_WINDOW	8
/* Idle times that are told apart; the last stands for all longer ones. */
#define BELLOWS_ESC_IDLES	16
#define BELLOWS_ESC_IDLE_MAX	(BELLOWS_ESC_IDLES - 1)
/* Ranks: a class has one for each idle time. */
#define BELLOWS_ESC_RANKS	(BELLOWS_CLASSES * BELLOWS_ESC_IDLES)
/* First rank of the classes that were used, (1,0) and (1,1). */
#define BELLOWS_ESC_RANK_USED	(2 * BELLOWS_ESC_IDLES)

/* Bits of a fingerprint that are kept, in struct bellows_esc_page. */
#define BELLOWS_ESC_PRINT_BITS	10

/**
 * enum bellows_esc_chance - where a page of class (1,M) is on its way out
 *
 * @BELLOWS_ESC_CHANCE_NONE: Its turn has not come, or it was used since.
 * @BELLOWS_ESC_CHANCE_GIVEN: Its turn came and its use was forgiven.
 * @BELLOWS_ESC_CHANCE_OVER: A sweep after that did not find it used.
 */
enum bellows_esc_chance {
	BELLOWS_ESC_CHANCE_NONE,
	BELLOWS_ESC_CHANCE_GIVEN,
	BELLOWS_ESC_CHANCE_OVER,
};

/**
 * struct bellows_esc_page - what is remembered of one page
 * @uses: a bit for each of the last sweeps, newest highest: was it used?
 * @idle: sweeps since its last use, or since it was first seen; saturates
 * @mark: what the kernel's own lists said of it last; not ours to interpret
 * @print: fingerprint of whose page it is; another's history is not its own
 * @known: there is a history
 * @modified: M
 * @executable: it is code that runs: it lives longer than data
 * @tested: it had its turn in this round: not before the next
 * @chance: its second chance, see enum bellows_esc_chance
 *
 * Kept small: there is one for every page of the guest.
 */
struct bellows_esc_page {
	u8 uses;
	u8 idle : 4;
	u8 mark : 4;
	u16 print : 10;
	u16 known : 1;
	u16 modified : 1;
	u16 executable : 1;
	u16 tested : 1;
	u16 chance : 2;
};

/**
 * struct bellows_esc_look - what a sweep sees of a page
 * @print: fingerprint of its owner, any number
 * @mark: what the kernel's lists say, for the next sweep to compare; 0 to 15
 * @used: used since the last sweep
 * @modified: has to be written before it can go
 * @executable: mapped as code
 * @hinted: the host takes it by itself (H), which counts as a use
 */
struct bellows_esc_look {
	u32 print;
	u8 mark;
	bool used;
	bool modified;
	bool executable;
	bool hinted;
};

/**
 * struct bellows_esc_census - how many pages of which rank
 * @rank: pages of each
 */
struct bellows_esc_census {
	u64 rank[BELLOWS_ESC_RANKS];
};

bool bellows_esc_knows(const struct bellows_esc_page *page, u32 print);
bool bellows_esc_observe(struct bellows_esc_page *page,
			 const struct bellows_esc_look *look, bool fresh_round);
void bellows_esc_used(struct bellows_esc_page *page);
void bellows_esc_forget(struct bellows_esc_page *page);
unsigned int bellows_esc_class(const struct bellows_esc_page *page);
bool bellows_esc_goes(const struct bellows_esc_page *page);
unsigned int bellows_esc_age(const struct bellows_esc_page *page);
unsigned int bellows_esc_rank(const struct bellows_esc_page *page);
bool bellows_esc_proven(const struct bellows_esc_page *page);

void bellows_esc_count(struct bellows_esc_census *census,
		       const struct bellows_esc_page *page, u64 pages);
void bellows_esc_histogram(const struct bellows_esc_census *census,
			   __u64 pages[BELLOWS_CLASSES][BELLOWS_AGES]);
u64 bellows_esc_working_set(const struct bellows_esc_census *census,
			    u64 present);

/**
 * enum bellows_esc_verdict - what becomes of a page that the hand points at
 *
 * @BELLOWS_ESC_PASS: Nothing: not its turn, or not to be touched.
 * @BELLOWS_ESC_SPARE: It got its second chance: it may be a victim if the next
 *	sweep finds it unused.
 * @BELLOWS_ESC_TAKE: It is the next victim.
 */
enum bellows_esc_verdict {
	BELLOWS_ESC_PASS,
	BELLOWS_ESC_SPARE,
	BELLOWS_ESC_TAKE,
};

/**
 * struct bellows_esc_clock - the hand that looks for victims
 * @hand: the page it points at next
 * @end: one past the last page
 * @left: pages of this lap to go
 * @rank: whose turn it is
 * @next: the lowest rank above @rank that this lap has met
 * @limit: no rank from here on is touched
 */
struct bellows_esc_clock {
	u64 hand;
	u64 end;
	u64 left;
	unsigned int rank;
	unsigned int next;
	unsigned int limit;
};

void bellows_esc_clock_begin(struct bellows_esc_clock *clock, u64 end,
			     unsigned int limit);
bool bellows_esc_clock_step(struct bellows_esc_clock *clock, u64 *number);
enum bellows_esc_verdict
bellows_esc_clock_judge(struct bellows_esc_clock *clock,
			struct bellows_esc_page *page, bool hinted);
void bellows_esc_tested(struct bellows_esc_page *page);

/**
 * struct bellows_esc_block - what lies in a block of 512 pages
 * @free: free pages
 * @cold: pages of class (0,0)
 * @moves: all others that can be moved
 * @stuck: pages that cannot: pinned, unmovable, huge, hinted
 */
struct bellows_esc_block {
	u16 free;
	u16 cold;
	u16 moves;
	u16 stuck;
};

/* The cost of a block that cannot be had. */
#define BELLOWS_ESC_NEVER	(~0U)
/* The dearest block that can. */
#define BELLOWS_ESC_COST_MAX	(2 * BELLOWS_BLOCK_PAGES)

unsigned int bellows_esc_block_cost(const struct bellows_esc_block *block,
				    unsigned int moves_max);

/* A block that could not be emptied rests for at most so many sweeps. */
#define BELLOWS_ESC_REST_MAX	32

/**
 * struct bellows_esc_trials - what came of trying to empty a block
 * @rests_until: the sweep from which on it may be tried again; nothing counts
 *	while @failures is 0
 * @failures: in a row
 */
struct bellows_esc_trials {
	u32 rests_until;
	u8 failures;
};

void bellows_esc_block_tried(struct bellows_esc_trials *trials, bool emptied,
			     u32 sweep);
bool bellows_esc_block_rests(const struct bellows_esc_trials *trials,
			     u32 sweep);

/**
 * struct bellows_esc_meter - does it pay?
 * @spent: pages that were tried
 * @gained: free pages that came of them
 */
struct bellows_esc_meter {
	u64 spent;
	u64 gained;
};

bool bellows_esc_pays(struct bellows_esc_meter *meter, u64 spent, s64 gained,
		      unsigned int least_percent);

u64 bellows_esc_rest_ns(u64 worked_ns, unsigned int percent);
u32 bellows_esc_gap_ms(u32 gap_ms, u64 changed, u64 pages, u32 least_ms,
		       u32 most_ms);

#endif /* _BELLOWS_GUEST_ESC_H */
