// SPDX-License-Identifier: GPL-2.0
/*
 * Who chooses what the guest parts with: its history, or the kernel.
 *
 * Free blocks come first in any case, see blocks.c. Then blocks are made: cold
 * clean pages are evicted until there is room to move the rest of the cheapest
 * blocks to; when no cold clean pages are left, the next classes are, in the order
 * of Enhanced Second-Chance. When that brings nothing any more the inflation ends
 * short of its target, or the kernel chooses as it would for the stock driver.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <bellows/abi.h>

#include "blocks.h"
#include "clock.h"
#include "counters.h"
#include "evacuate.h"
#include "reclaim.h"
#include "sweep.h"
#include "victims.h"

/* Blocks that are made in one bite. */
#define BELLOWS_BITE_BLOCKS	4
/* Bites in a row that may fail. */
#define BELLOWS_FAILURES_MAX	8
/* Longest time for one bite: the host may have changed its mind by then. */
#define BELLOWS_BITE_MS		1000
/*
 * Blocks stay in the order in which they were put for so long. To look at all of
 * them takes as long as to drop hundreds of MiB, and a host that is short asks
 * for a little more many times a second.
 */
#define BELLOWS_ORDER_MS	5000

struct bellows_victims_settings bellows_victims_settings = {
	.policy = BELLOWS_POLICY_AUTO,
	.block_moves_max = BELLOWS_BLOCK_PAGES,
	.patience_ms = 15000,
	.gain_percent = 50,
};

/**
 * struct bellows_choice - where we are; the worker's own
 * @possible: this kernel has all that is needed
 * @waiting_since: jiffies when an inflation began to wait for histories, 0 when
 *	none does
 * @waited_at: jiffies when one last found none
 * @ranked: the blocks are in order, as of @ranked_at (jiffies)
 * @ranked_at: see @ranked
 * @node: of which node they are
 * @part: they are only some of its blocks
 * @fruitless: blocks looked at, part by part, since the last one was made
 * @thorough: no part brought anything, since the host is short or there are histories;
 *	so all blocks are looked at
 * @exhausted: nothing can be missed any more, as of @exhausted_at
 * @exhausted_at: number of the sweep that said so
 * @unfinished: the last bite took too long, and goes on with the next
 * @in_need: the host is short
 * @distress: the host cannot wait, whatever it costs
 */
struct bellows_choice {
	bool possible;
	unsigned long waiting_since;
	unsigned long waited_at;
	bool ranked;
	unsigned long ranked_at;
	int node;
	bool part;
	unsigned long fruitless;
	bool thorough;
	bool exhausted;
	unsigned long exhausted_at;
	bool unfinished;
	bool in_need;
	bool distress;
};

static struct bellows_choice bellows_choice;

static const char *const bellows_policies[] = {
	[BELLOWS_POLICY_KERNEL] = "kernel",
	[BELLOWS_POLICY_ESC] = "esc",
	[BELLOWS_POLICY_AUTO] = "auto",
};

/**
 * bellows_victims_init() - find out what this kernel allows
 *
 * Context: May sleep. After the histories and the blocks.
 */
void bellows_victims_init(void)
{
	struct bellows_choice *choice = &bellows_choice;

	if (!bellows_sweep_works() || !bellows_blocks_isolates() ||
	    !bellows_reclaim_init() || !bellows_clock_init())
		goto kernel;
	if (!bellows_evacuate_init()) {
		bellows_clock_exit();
		goto kernel;
	}
	choice->possible = true;
	return;

kernel:
	bellows_victims_settings.policy = BELLOWS_POLICY_KERNEL;
	pr_notice("leaving the choice of pages to the kernel\n");
}

/**
 * bellows_victims_exit() - free what bellows_victims_init() allocated
 *
 * Context: May sleep. Nobody inflates any more.
 */
void bellows_victims_exit(void)
{
	if (!bellows_choice.possible)
		return;
	bellows_evacuate_exit();
	bellows_clock_exit();
	bellows_choice.possible = false;
}

/**
 * bellows_victims_set_policy() - have somebody else choose
 * @name: of the policy, a newline behind it or not
 *
 * Context: Any.
 * Return: false when there is no such policy, or not on this kernel.
 */
bool bellows_victims_set_policy(const char *name)
{
	int policy = sysfs_match_string(bellows_policies, name);

	if (policy < 0 ||
	    (policy != BELLOWS_POLICY_KERNEL && !bellows_choice.possible))
		return false;
	WRITE_ONCE(bellows_victims_settings.policy, policy);

	return true;
}

/**
 * bellows_victims_policy() - who chooses
 *
 * Context: Any.
 * Return: the policy's name; what is behind it is for people to read.
 */
const char *bellows_victims_policy(void)
{
	if (!bellows_blocks_isolates())
		return "kernel (allocated blocks only)";

	return bellows_policies[READ_ONCE(bellows_victims_settings.policy)];
}

static bool bellows_victims_by_history(void)
{
	return bellows_choice.possible &&
	       READ_ONCE(bellows_victims_settings.policy) !=
		       BELLOWS_POLICY_KERNEL;
}

/* From here on parts are worth a look again. */
static void bellows_victims_by_parts(void)
{
	bellows_choice.fruitless = 0;
	bellows_choice.thorough = false;
}

/**
 * bellows_victims_hear() - what the host says of its own need
 * @request: BELLOWS_REQ_* bits
 *
 * Context: Worker.
 */
void bellows_victims_hear(u32 request)
{
	bellows_choice.in_need = request & BELLOWS_REQ_SWEEP;
	bellows_choice.distress = request & BELLOWS_REQ_DISTRESS;
	if (bellows_choice.in_need)
		bellows_sweep_want(false);
	else
		bellows_victims_by_parts();
}

/**
 * bellows_victims_in_need() - is the host short?
 *
 * Context: Worker.
 * Return: true when it decides by what we say of ourselves.
 */
bool bellows_victims_in_need(void)
{
	return bellows_choice.in_need;
}

/**
 * bellows_victims_unfinished() - is there more to be had at once?
 *
 * Says so once: whoever then does not inflate any more has no reason to hurry.
 *
 * Context: Worker.
 * Return: true when the last bite of an inflation was cut short.
 */
bool bellows_victims_unfinished(void)
{
	bool unfinished = bellows_choice.unfinished;

	bellows_choice.unfinished = false;

	return unfinished;
}

/**
 * bellows_victims_begin() - an inflation begins
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 */
void bellows_victims_begin(void)
{
	if (!bellows_victims_by_history())
		return;

	mutex_lock(&bellows_histories.lock);
	bellows_histories.inflating = true;
	mutex_unlock(&bellows_histories.lock);
	bellows_clock_begin(READ_ONCE(bellows_victims_settings.policy) ==
			      BELLOWS_POLICY_ESC ? BELLOWS_ESC_RANKS :
						   BELLOWS_ESC_RANK_USED);
}

/**
 * bellows_victims_end() - an inflation ends
 * @reached: it has reached its target
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 */
void bellows_victims_end(bool reached)
{
	if (reached) {
		bellows_choice.waiting_since = 0;
		bellows_choice.unfinished = false;
	}
	if (!bellows_choice.possible)
		return;

	mutex_lock(&bellows_histories.lock);
	bellows_histories.inflating = false;
	mutex_unlock(&bellows_histories.lock);
}

/* How long is waiting for histories worth it? In jiffies. */
static unsigned long bellows_victims_patience(void)
{
	return msecs_to_jiffies(READ_ONCE(bellows_victims_settings.patience_ms));
}

/*
 * Has cold pages found by a guess, or by history. What was found out of blocks
 * does not hold for the other.
 */
static void bellows_victims_guess(bool guessing)
{
	struct bellows_histories *histories = &bellows_histories;

	if (READ_ONCE(histories->guessing) == guessing)
		return;
	mutex_lock(&histories->lock);
	WRITE_ONCE(histories->guessing, guessing);
	mutex_unlock(&histories->lock);
	bellows_choice.ranked = false;
	bellows_victims_by_parts();
	bellows_choice.exhausted = false;
}

/*
 * Is there something to choose by? Sees to it that there will be histories; a host
 * that is short has what can be guessed until then.
 */
static bool bellows_victims_ready(void)
{
	struct bellows_choice *choice = &bellows_choice;
	bool ready = bellows_sweep_ready();

	bellows_sweep_want(!ready);
	bellows_victims_guess(!ready);
	if (ready) {
		choice->waiting_since = 0;
		return true;
	}
	/* 0 stands for "not waiting"; a wait that was given up is over. */
	if (!choice->waiting_since ||
	    time_after(jiffies, choice->waited_at + bellows_victims_patience()))
		choice->waiting_since = jiffies ?: 1;
	choice->waited_at = jiffies;

	return choice->in_need;
}

/* Is it of no use to ask again before the next sweep? */
static bool bellows_victims_exhausted(void)
{
	return bellows_choice.exhausted &&
	       bellows_choice.exhausted_at == READ_ONCE(bellows_histories.sweeps);
}

/* What is missing until blocks can be emptied and the guest still lives. */
static unsigned long bellows_victims_missing(unsigned long blocks,
					     unsigned long room, int node)
{
	unsigned long need = room + BELLOWS_ROOM_MARGIN, missing = 0;
	unsigned long spare = bellows_blocks_spare(node);

	if (spare < need)
		missing = need - spare;
	need = blocks * BELLOWS_BLOCK_PAGES + BELLOWS_ROOM_MARGIN;
	if (bellows_blocks_room() < need)
		missing = max(missing, need - bellows_blocks_room());

	return missing;
}

/* Evicts until there is room. Returns false when that is not to be had (now). */
static bool bellows_victims_make_room(unsigned long blocks, unsigned long room,
				      int node)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(BELLOWS_BITE_MS);
	unsigned int percent = READ_ONCE(bellows_victims_settings.gain_percent);
	bool cold = true, more = true;
	unsigned long missing;

	while (more) {
		missing = bellows_victims_missing(blocks, room, node);
		if (missing == 0)
			return true;
		if (time_after(jiffies, deadline)) {
			bellows_choice.unfinished = true;
			return false;
		}
		/*
		 * Dropping cache makes nothing available that was not before,
		 * and a guess is good enough for nothing else. There may be cold
		 * cache in the next part.
		 */
		if (cold)
			cold = bellows_blocks_room() >=
				       blocks * BELLOWS_BLOCK_PAGES +
					       BELLOWS_ROOM_MARGIN &&
			       bellows_evacuate_cold(missing);
		else
			more = !bellows_histories.guessing &&
			       !bellows_choice.part &&
			       bellows_clock_evict(missing, node, percent);
		bellows_blocks_drain();
	}

	return bellows_victims_missing(blocks, room, node) == 0;
}

/* Are the blocks in an order that still says something? */
static bool bellows_victims_ranked(int node)
{
	struct bellows_choice *choice = &bellows_choice;

	return choice->ranked && choice->node == node &&
	       time_before(jiffies, choice->ranked_at +
			   msecs_to_jiffies(BELLOWS_ORDER_MS));
}

/*
 * Puts blocks in order: all of them, or, as long as the host is short and there is
 * cold cache to be found, the next part.
 */
static void bellows_victims_rank(int node)
{
	struct bellows_choice *choice = &bellows_choice;
	unsigned long looked;

	if (choice->fruitless >= bellows_evacuate_blocks()) {
		choice->thorough = true;
		choice->fruitless = 0;
	}
	choice->part = choice->in_need && !choice->thorough;
	looked = bellows_evacuate_rank(
		READ_ONCE(bellows_victims_settings.block_moves_max), node,
		choice->part);
	choice->fruitless += choice->part ? looked : 0;
	choice->ranked = true;
	choice->ranked_at = jiffies;
	choice->node = node;
}

/*
 * Makes blocks, in the order in which they are. Returns false when that is gone
 * through; what took too long goes on with the next bite.
 */
static bool bellows_victims_make(struct bellows_pages *taken,
				 unsigned long blocks, int node)
{
	unsigned long room, planned;
	int failures;

	for (failures = 0; failures < BELLOWS_FAILURES_MAX; failures++) {
		planned = bellows_evacuate_plan(blocks, &room);
		if (!planned)
			return false;
		if (!bellows_victims_make_room(planned, room, node))
			return bellows_choice.unfinished;
		if (bellows_evacuate_do(taken)) {
			bellows_choice.fruitless = 0;
			return true;
		}
	}

	return false;
}

/**
 * bellows_victims_take() - make whole blocks of what will be missed least
 * @taken: an empty set, filled with a bounded number of blocks
 * @blocks: how many are wanted
 * @node: take from this node only; NUMA_NO_NODE for any
 *
 * Context: Worker. May sleep, takes the lock of the histories. No locks held.
 */
void bellows_victims_take(struct bellows_pages *taken, unsigned long blocks,
			  int node)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(BELLOWS_BITE_MS);
	struct bellows_choice *choice = &bellows_choice;

	choice->unfinished = false;
	if (!blocks || !bellows_victims_by_history() ||
	    !bellows_victims_ready() || bellows_victims_exhausted())
		return;

	blocks = min_t(unsigned long, blocks, BELLOWS_BITE_BLOCKS);
	if (bellows_victims_ranked(node) &&
	    bellows_victims_make(taken, blocks, node))
		return;
	do {
		bellows_victims_rank(node);
		if (bellows_victims_make(taken, blocks, node))
			return;
		choice->unfinished = choice->part && time_after(jiffies, deadline);
		if (choice->unfinished)
			return;
	} while (choice->part);

	choice->ranked = false;
	choice->exhausted = true;
	choice->exhausted_at = READ_ONCE(bellows_histories.sweeps);
}

/**
 * bellows_victims_leave_it_to_kernel() - shall the kernel choose now?
 *
 * Context: Worker.
 * Return: true when the policy says so, or when it allows it and the history has
 * nothing (more) to offer, or is not there and was waited for.
 */
bool bellows_victims_leave_it_to_kernel(void)
{
	struct bellows_choice *choice = &bellows_choice;

	if (!bellows_victims_by_history())
		return true;
	if (READ_ONCE(bellows_victims_settings.policy) == BELLOWS_POLICY_ESC)
		return false;
	if (choice->unfinished ||
	    (choice->waiting_since && !choice->distress &&
	     time_before(jiffies,
			 choice->waiting_since + bellows_victims_patience())))
		return false;
	bellows_count(BELLOWS_LEFT_TO_KERNEL, 1);

	return true;
}
