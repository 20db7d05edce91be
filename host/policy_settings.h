/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Knobs of the planner, see policy.h, which includes this: those of the whole
 * host, and those of each guest.
 */
#ifndef _BELLOWS_POLICY_SETTINGS_H
#define _BELLOWS_POLICY_SETTINGS_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/types.h>
#endif

#define POLICY_WEIGHT_MAX 10000U

/**
 * enum policy_class - what a guest is for; a preset of its settings
 *
 * @POLICY_CLASS_STANDARD: Nothing is known: weight 100.
 * @POLICY_CLASS_LATENCY: Somebody waits for its answers: weight 400, twice as
 *	sensitive, three quarters of its memory reserved.
 * @POLICY_CLASS_BATCH: It works through a queue: weight 50, a quarter reserved.
 * @POLICY_CLASS_DEV: Development and test: weight 25, a tenth reserved.
 * @POLICY_CLASS_COUNT: One past the last.
 */
enum policy_class {
	POLICY_CLASS_STANDARD,
	POLICY_CLASS_LATENCY,
	POLICY_CLASS_BATCH,
	POLICY_CLASS_DEV,
	POLICY_CLASS_COUNT,
};

/*
 * Defences, bits of &policy_settings.defences_off. Tests switch one off to show
 * that it is needed; nobody else does.
 */
#define POLICY_DEFENCE_FRESH BIT(0) /* nothing asked on a stale report */
#define POLICY_DEFENCE_STUCK BIT(1) /* who does not deliver is set aside */
#define POLICY_DEFENCE_YIELD BIT(2) /* a page's worth to the host learned */
#define POLICY_DEFENCE_FLOOR BIT(3) /* balloons stop at the floor */
#define POLICY_DEFENCE_STEP BIT(4) /* step for each guest and interval */
#define POLICY_DEFENCE_STRESS BIT(5) /* few guests under stress at once */
#define POLICY_DEFENCE_BUDGET BIT(6) /* swap I/O of all guests bounded */
#define POLICY_DEFENCE_BACKOFF BIT(7) /* balloon shrinks under pressure */
#define POLICY_DEFENCE_BAND BIT(8) /* dead band and hold times */
#define POLICY_DEFENCE_SHARE BIT(9) /* claims count up to the share */
#define POLICY_DEFENCE_NODES BIT(10) /* short nodes are served first */
#define POLICY_DEFENCE_LAG BIT(11) /* what was given since the report */
#define POLICY_DEFENCE_BUFFER BIT(12) /* a guest keeps some available */
#define POLICY_DEFENCE_NEEDIEST BIT(13) /* give-back to the neediest first */
#define POLICY_DEFENCE_CURVE BIT(14) /* cheapest pages first */
#define POLICY_DEFENCE_CGROUP BIT(15) /* short in the VM's own cgroup */
#define POLICY_DEFENCE_FALL BIT(16) /* nothing of what it will need soon */
#define POLICY_DEFENCE_LEND BIT(17) /* buffers refilled while short */
#define POLICY_DEFENCE_NOISE BIT(18) /* one noisy report changes nothing */
#define POLICY_DEFENCE_COUNT 19

/**
 * struct policy_settings - the knobs for the whole host
 * @reserve_pages: free memory that the host shall have; default 20 % of it
 * @min_pages: below this it is an emergency; default 5 %. At most
 *	@reserve_pages.
 * @give_back_pages: above this balloons shrink; default 25 %. At least
 *	@reserve_pages and twice @dead_band_pages more.
 * @dead_band_pages: once reclaim began it goes on to this much above the
 *	reserve; default 1 %
 * @step_pages: most that one guest is asked for at a time, over what its
 *	balloon holds; default 256 MiB. At least a block. Four times as much
 *	in an emergency; an eighth of it for pages that may need I/O. A guest's
 *	part of the need comes in steps; what is left for the next step is not
 *	asked of others, unless it is an emergency.
 * @rate_pages: most that one guest's target grows in a second, 0 for no bound;
 *	default 0
 * @granule_pages: takes are multiples of this; default 512 (a block), at least
 *	1. Balloons shrink by any number.
 * @lookahead_ms: free memory is judged as it will be in this time at the rate
 *	at which it falls now; default 100
 * @guest_lookahead_ms: a guest is left what it will use in this time at the
 *	rate at which its available memory falls, on top of its buffer;
 *	default 2000, at most 10000. As long as a report may be old and a
 *	target may take to arrive. A quarter of it in an emergency.
 * @hold_take_ms: a guest that was given memory is not asked again for so long,
 *	unless the host is more than the dead band below its reserve;
 *	default 1000
 * @hold_give_ms: a guest that was asked is given none back for so long, unless
 *	it is under pressure; default 2000
 * @give_interval_ms: memory is given back at most this often; default 100
 * @stale_ms: a report is stale when its timestamp did not move for so long;
 *	default 10000. At least twice the guests' report period.
 * @doubt_ms: over so long it is measured how fast a guest delivers; no more
 *	than it delivers is counted on; default 250
 * @stuck_ms: a guest that makes no progress for so long is set aside;
 *	default 2000
 * @aside_ms: how long a guest is set aside the first time; each time in a row
 *	doubles it, up to 32 times; default 5000
 * @stress_guests: most guests that give pages which may need I/O, or are under
 *	pressure, at one time; default 2. Twice as many in an emergency, never
 *	all.
 * @stress_permille: the same as a part of all guests; the larger counts;
 *	default 100
 * @stress_hold_ms: a guest chosen to give such pages is kept for so long if no
 *	other is much better; default 1000
 * @swap_budget_pages: swap I/O of all guests in a second; default 25600
 *	(100 MiB/s). Twice as much in an emergency.
 * @pressure_stall_permille: share of time with tasks waiting for memory that is
 *	pressure; default 50. It takes two reports in a row, or one that covers
 *	200 ms and shows four times as much; a shorter one has to show more.
 * @pressure_faults: refaults, major faults and swapped-in pages in a second
 *	that are pressure, by the same rule; default 500
 * @decrease_permille: what a guest under pressure gets back of its balloon at
 *	once; default 500. After an OOM kill it gets all.
 * @relief_gap_ms: least time between two such decreases; default 100
 * @relief_trust_ms: pressure that lasts so long is no longer believed of a
 *	guest above its share while the host is short, nor is a want of
 *	buffer; default 10000
 * @backoff_ms: after pressure a guest's balloon does not grow for so long;
 *	default 2000
 * @increase_pages: then its bound grows by so much in a second; default 32 MiB
 * @cgroup_margin_permille: part of a VM's memory cgroup that shall be free;
 *	default 50
 * @move_after_ms: a need that cannot be met for so long names a guest to move;
 *	default 1000
 * @defences_off: POLICY_DEFENCE_* bits; 0 but in tests
 */
struct policy_settings {
	u64 reserve_pages;
	u64 min_pages;
	u64 give_back_pages;
	u64 dead_band_pages;
	u64 step_pages;
	u64 rate_pages;
	u64 granule_pages;
	u32 lookahead_ms;
	u32 guest_lookahead_ms;
	u32 hold_take_ms;
	u32 hold_give_ms;
	u32 give_interval_ms;
	u32 stale_ms;
	u32 doubt_ms;
	u32 stuck_ms;
	u32 aside_ms;
	u32 stress_guests;
	u32 stress_permille;
	u32 stress_hold_ms;
	u64 swap_budget_pages;
	u32 pressure_stall_permille;
	u32 pressure_faults;
	u32 decrease_permille;
	u32 relief_gap_ms;
	u32 relief_trust_ms;
	u32 backoff_ms;
	u64 increase_pages;
	u32 cgroup_margin_permille;
	u32 move_after_ms;
	u32 defences_off;
};

/**
 * struct policy_guest_settings - the knobs for one guest
 * @weight: shares, 1 to POLICY_WEIGHT_MAX; default 100. Twice the weight, half
 *	the pages taken of two guests that are alike.
 * @sensitivity: what losing a page means to it, in percent, 25 to 400;
 *	default 100
 * @buffer_permille: part of its memory that shall stay available, 0 to 900;
 *	default 50
 * @buffer_least_pages: its buffer is at least this, but for that never more
 *	than a quarter of its memory; default 64 MiB. What a kernel keeps back
 *	for itself does not shrink with the guest: with transparent huge pages
 *	the watermarks of one of 768 MiB lie at 34 MiB, nearly the 5 % that its
 *	part comes to.
 * @reservation_pages: memory that it keeps whatever happens; default 0
 * @limit_pages: most memory that it may use, 0 for all it has; its balloon
 *	holds the rest. The floor goes before the limit.
 * @target_max_pages: largest balloon; default ~0, no bound
 * @manual_target_pages: target when @manual
 * @manual: the operator sets the target; the planner leaves it alone
 * @exempt: it is never asked for anything
 */
struct policy_guest_settings {
	u32 weight;
	u32 sensitivity;
	u32 buffer_permille;
	u64 buffer_least_pages;
	u64 reservation_pages;
	u64 limit_pages;
	u64 target_max_pages;
	u64 manual_target_pages;
	bool manual;
	bool exempt;
};

/**
 * policy_settings_default() - the settings that hold unless somebody changes
 * them
 * @settings: filled in
 * @total_pages: memory of the host
 *
 * Context: Any.
 */
void policy_settings_default(struct policy_settings *settings, u64 total_pages);

/**
 * policy_settings_valid() - whether settings make sense
 * @settings: to look at
 *
 * Check a changed copy before it takes effect; the answer to nonsense is
 * -EINVAL. policy_plan() survives nonsense, but promises nothing then.
 *
 * Context: Any.
 * Return: true when they do.
 */
bool policy_settings_valid(const struct policy_settings *settings);

/**
 * policy_guest_preset() - settings of a guest of some class
 * @settings: filled in
 * @preset: the class; a value out of range counts as POLICY_CLASS_STANDARD
 * @total_pages: memory of the guest
 *
 * Context: Any.
 */
void policy_guest_preset(struct policy_guest_settings *settings,
			 enum policy_class preset, u64 total_pages);

/**
 * policy_guest_settings_valid() - whether a guest's settings make sense
 * @settings: to look at
 *
 * Context: Any.
 * Return: true when they do.
 */
bool policy_guest_settings_valid(const struct policy_guest_settings *settings);

/**
 * policy_class_name() - a class as a word for sysfs
 * @preset: the class
 *
 * Return: a constant, "?" when it is out of range.
 */
const char *policy_class_name(enum policy_class preset);

#endif /* _BELLOWS_POLICY_SETTINGS_H */
