// SPDX-License-Identifier: GPL-2.0
/*
 * Makes whole blocks: evicts what is cold in them, and moves the rest away.
 *
 * What is evicted and where the hole is are two questions. The first is answered
 * by history: cold clean pages only. The second by cost: the block in which there
 * is least to do. Pages that are in use are copied to a free place elsewhere,
 * which costs a memcpy and no I/O, and nobody misses anything. So that there
 * are free places, cold pages of the blocks that are not worth emptying go first.
 *
 * A large folio goes as a whole where it is cold, and is moved as a whole where as
 * much is free in one piece: nobody compacts or reclaims for it. Where it is not,
 * it is split, and its pages move. One that fills its block stays: moving it would
 * take a block to make one.
 *
 * alloc_contig_range() does something similar and is no good here: it drops clean
 * pages that are in use, zeroes the result, and lets its copies reclaim.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "blocks.h"
#include "content.h"
#include "counters.h"
#include "evacuate.h"
#include "reclaim.h"
#include "sweep.h"
#include "trace.h"

/* Blocks that are out of the allocator's reach at a time. */
#define BELLOWS_EVACUATE_MAX	4
/* Passes over one block: a page may be busy for a moment. */
#define BELLOWS_EVACUATE_PASSES	3
/*
 * Whoever is in a hurry looks at no fewer blocks, and for no less time, before the
 * cheapest of those go.
 */
#define BELLOWS_PART_BLOCKS	64
#define BELLOWS_PART_MS		20
/* Of a part one in so many: those that were not looked at may be cheaper. */
#define BELLOWS_PART_SHARE	4
/* A block that has become dearer than that waits for the next ranking. */
#define BELLOWS_COST_SLACK	(BELLOWS_BLOCK_PAGES / 4)

/* A copy that has to reclaim would take from what is in use. */
#define BELLOWS_COPY_GFP                                             \
	((GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | \
	 __GFP_NOWARN)

BELLOWS_KSYM(int, start_isolate_page_range, BELLOWS_START_ISOLATE);
BELLOWS_KSYM(void, undo_isolate_page_range, BELLOWS_UNDO_ISOLATE);
BELLOWS_KSYM(int, migrate_pages, struct list_head *from,
	     bellows_migrate_get_t *get, bellows_migrate_put_t *put,
	     unsigned long private, enum migrate_mode mode, int reason,
	     unsigned int *succeeded);
BELLOWS_KSYM(void, putback_movable_pages, struct list_head *list);
BELLOWS_KSYM(BELLOWS_ISOLATE_RESULT, isolate_movable_page, struct page *page,
	     isolate_mode_t mode);

/**
 * struct bellows_ranked - a block in the order of cost
 * @start: first page frame
 * @cost: see bellows_esc_block_cost()
 */
struct bellows_ranked {
	unsigned long start;
	unsigned int cost;
};

/**
 * struct bellows_evacuation - the blocks, in order; the worker's own
 * @ranked: all of them, or a part
 * @trials: what came of trying to empty them, by their number
 * @size: room in @ranked, and length of @trials
 * @next: number of the block at which the next part begins
 * @nr: length of @ranked
 * @end: one past the last of @ranked that may be emptied
 * @best: the first not yet tried
 * @worst: one past the last of which the cold pages were not yet dropped
 * @moves_max: pages that may be moved for one block
 * @planned: those that are to be emptied next
 * @nr_planned: length of @planned
 * @planned_from: what @best was before
 */
struct bellows_evacuation {
	struct bellows_ranked *ranked;
	struct bellows_esc_trials *trials;
	unsigned long size;
	unsigned long next;
	unsigned long nr;
	unsigned long end;
	unsigned long best;
	unsigned long worst;
	unsigned int moves_max;
	unsigned long planned[BELLOWS_EVACUATE_MAX];
	unsigned int nr_planned;
	unsigned long planned_from;
};

static struct bellows_evacuation bellows_evacuation;

/**
 * bellows_evacuate_exit() - free what bellows_evacuate_init() allocated
 */
void bellows_evacuate_exit(void)
{
	vfree(bellows_evacuation.ranked);
	bellows_evacuation.ranked = NULL;
	vfree(bellows_evacuation.trials);
	bellows_evacuation.trials = NULL;
}

/**
 * bellows_evacuate_init() - find what is needed
 *
 * Context: May sleep. After the histories.
 * Return: false when this kernel lacks something, or there is no memory.
 */
bool bellows_evacuate_init(void)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;

	/* Without it, compressed memory stays where it is. */
	bellows_ksym_find_as(isolate_movable_page,
			     BELLOWS_ISOLATE_MOVABLE_PAGE);
	if (!bellows_ksym_find(start_isolate_page_range) ||
	    !bellows_ksym_find(undo_isolate_page_range) ||
	    !bellows_ksym_find(migrate_pages) ||
	    !bellows_ksym_find(putback_movable_pages))
		return false;

	evacuation->size = bellows_histories.end / BELLOWS_BLOCK_PAGES;
	evacuation->ranked = __vmalloc(
		array_size(evacuation->size, sizeof(*evacuation->ranked)),
		BELLOWS_TABLE_GFP);
	evacuation->trials = __vmalloc(
		array_size(evacuation->size, sizeof(*evacuation->trials)),
		BELLOWS_TABLE_GFP);
	if (evacuation->ranked && evacuation->trials)
		return true;
	bellows_evacuate_exit();

	return false;
}

static int bellows_by_cost(const void *a, const void *b)
{
	const struct bellows_ranked *first = a, *second = b;

	if (first->cost == second->cost)
		return first->start < second->start ? -1 : 1;

	return first->cost < second->cost ? -1 : 1;
}

/* What came of trying to empty this block. */
static struct bellows_esc_trials *bellows_evacuate_trials(unsigned long start)
{
	return &bellows_evacuation.trials[start / BELLOWS_BLOCK_PAGES];
}

/* Is there no point in trying to empty this block, whatever is in it? */
static bool bellows_evacuate_futile(unsigned long start)
{
	return bellows_blocks_type(start) < 0 ||
	       bellows_esc_block_rests(bellows_evacuate_trials(start),
				       READ_ONCE(bellows_histories.sweeps));
}

/* Looks at one block, and adds it to those that are put in order. */
static void bellows_evacuate_look(unsigned long start, unsigned int moves_max,
				  int node)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;
	struct bellows_esc_block block;
	struct bellows_ranked *ranked;

	if (!bellows_content_of_block(start, &block) ||
	    (node != NUMA_NO_NODE && node != pfn_to_nid(start)))
		return;
	if (bellows_evacuate_futile(start))
		block.stuck = BELLOWS_BLOCK_PAGES;
	ranked = &evacuation->ranked[evacuation->nr++];
	ranked->start = start;
	ranked->cost = bellows_esc_block_cost(&block, moves_max);
}

/**
 * bellows_evacuate_blocks() - how many blocks are there to be looked at?
 *
 * Context: Any.
 * Return: of all nodes, those without memory too.
 */
unsigned long bellows_evacuate_blocks(void)
{
	return bellows_evacuation.size;
}

/**
 * bellows_evacuate_rank() - look at blocks and put them in order
 * @moves_max: pages that may be moved for one block
 * @node: of this node only; NUMA_NO_NODE for all
 * @hurry: look at a part only, each time at the next one, and empty the cheapest of
 *	it: to look at all of a large guest takes longer than to make the first
 *	hundred blocks, and a host in need does not wait for that
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: how many it looked at, bellows_evacuate_blocks() at most.
 */
unsigned long bellows_evacuate_rank(unsigned int moves_max, int node, bool hurry)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;
	u64 started_ns = ktime_get_ns(), most_ns = BELLOWS_PART_MS * NSEC_PER_MSEC;
	unsigned long looked = 0;

	/* A page on its way to a list looks stuck. */
	bellows_reclaim_settle();
	evacuation->nr = 0;
	while (looked < evacuation->size) {
		if (hurry && evacuation->nr >= BELLOWS_PART_BLOCKS &&
		    ktime_get_ns() - started_ns >= most_ns)
			break;
		bellows_evacuate_look(evacuation->next * BELLOWS_BLOCK_PAGES,
				      moves_max, node);
		evacuation->next = (evacuation->next + 1) % evacuation->size;
		looked++;
		cond_resched();
	}
	sort(evacuation->ranked, evacuation->nr, sizeof(*evacuation->ranked),
	     bellows_by_cost, NULL);
	evacuation->best = 0;
	evacuation->worst = evacuation->nr;
	evacuation->end = evacuation->nr;
	if (looked < evacuation->size)
		evacuation->end /= BELLOWS_PART_SHARE;
	evacuation->moves_max = moves_max;
	evacuation->nr_planned = 0;
	trace_bellows_rank(looked, evacuation->size,
			   ktime_get_ns() - started_ns);

	return looked;
}

/**
 * bellows_evacuate_cold() - drop cold pages where no block is to be made
 * @wanted: pages, at most
 *
 * From the blocks that cost most to empty, or cannot be emptied.
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: pages that are free now; 0 when no such pages are left.
 */
unsigned long bellows_evacuate_cold(unsigned long wanted)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;
	unsigned long freed = 0;

	while (freed < wanted && evacuation->worst > evacuation->best) {
		evacuation->worst--;
		freed += bellows_reclaim_cold(
			evacuation->ranked[evacuation->worst].start,
			BELLOWS_BLOCK_PAGES);
		cond_resched();
	}

	return freed;
}

/* What is in a block now? False when it is not what it was ranked for. */
static bool bellows_evacuate_still(const struct bellows_ranked *ranked,
				   struct bellows_esc_block *block)
{
	unsigned int moves_max = bellows_evacuation.moves_max, cost;

	if (!bellows_content_of_block(ranked->start, block))
		return false;
	cost = bellows_esc_block_cost(block, moves_max);

	return cost != BELLOWS_ESC_NEVER &&
	       cost <= ranked->cost + BELLOWS_COST_SLACK;
}

/**
 * bellows_evacuate_plan() - choose the blocks to be emptied next
 * @blocks: how many, at most
 * @room: set to the free pages that there have to be beside them
 *
 * A plan that was not carried out is made anew.
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: how many were chosen, 0 when there are none any more.
 */
unsigned long bellows_evacuate_plan(unsigned int blocks, unsigned long *room)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;
	struct bellows_esc_block block;
	struct bellows_ranked *ranked;

	*room = 0;
	if (evacuation->nr_planned)
		evacuation->best = evacuation->planned_from;
	evacuation->nr_planned = 0;
	evacuation->planned_from = evacuation->best;
	blocks = min_t(unsigned int, blocks, BELLOWS_EVACUATE_MAX);
	while (evacuation->nr_planned < blocks &&
	       evacuation->best < min(evacuation->worst, evacuation->end)) {
		ranked = &evacuation->ranked[evacuation->best];
		if (ranked->cost == BELLOWS_ESC_NEVER)
			break;
		evacuation->best++;
		if (!bellows_evacuate_still(ranked, &block))
			continue;
		/* What is free is no longer spare when the block is taken. */
		*room += block.free + block.moves;
		evacuation->planned[evacuation->nr_planned++] = ranked->start;
	}

	return evacuation->nr_planned;
}

/**
 * struct bellows_move - what becomes of the large folios of one block
 * @start: first page frame of the block
 * @homeless: those for which there was no place, by the offset of their first page
 * @whole: those that were moved as they are
 * @split: those whose pages go one by one
 */
struct bellows_move {
	unsigned long start;
	DECLARE_BITMAP(homeless, BELLOWS_BLOCK_PAGES);
	unsigned int whole;
	unsigned int split;
};

/*
 * Allocates where a folio is moved to. When there is no such place for a large one,
 * migrate_pages() splits it and asks again for each of its pages.
 */
static BELLOWS_MIGRATED *bellows_copy_target(BELLOWS_MIGRATED *from,
					     unsigned long private)
{
	struct bellows_move *move = (void *)private;
	struct folio *folio = page_folio((struct page *)from), *target;
	unsigned long offset = folio_pfn(folio) - move->start;
	unsigned int order = folio_order(folio);

	target = __folio_alloc(BELLOWS_COPY_GFP, order, folio_nid(folio), NULL);
	if (!order)
		move->split += __test_and_clear_bit(offset, move->homeless);
	else if (target)
		move->whole++;
	else
		__set_bit(offset, move->homeless);

	return (void *)target;
}

/* It was not moved there after all. */
static void bellows_copy_undo(BELLOWS_MIGRATED *target, unsigned long private)
{
	struct bellows_move *move = (void *)private;
	struct folio *folio = page_folio((struct page *)target);

	move->whole -= folio_test_large(folio);
	folio_put(folio);
}

/* Takes what is no LRU page, but can be moved all the same, to @moving. */
static void bellows_evacuate_movable(struct page *page,
				     struct list_head *moving)
{
	if (bellows_ksym_found(isolate_movable_page) &&
	    bellows_isolated(bellows_ksym_call(isolate_movable_page)(page, 0)))
		list_add_tail(&page->lru, moving);
}

/*
 * Can this folio be moved now? A large one that is being read or written cannot
 * be split either, and to try that waits for the disk.
 */
static bool bellows_evacuate_moves(struct folio *folio)
{
	return !folio_test_large(folio) ||
	       (folio_order(folio) < BELLOWS_BLOCK_ORDER &&
		!folio_test_locked(folio) && !folio_test_writeback(folio));
}

/* Takes an LRU folio: what is cold to @cold, the rest to @moving. */
static void bellows_evacuate_lru(unsigned long pfn, bool is_cold,
				 struct list_head *cold,
				 struct list_head *moving)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));
	bool isolated;

	if (!folio_try_get(folio))
		return;
	if (folio_pfn(folio) != pfn ||
	    (!is_cold && !bellows_evacuate_moves(folio))) {
		folio_put(folio);
		return;
	}
	isolated = bellows_reclaim_isolate(folio, is_cold ? cold : moving);
	if (isolated && is_cold)
		bellows_count(BELLOWS_EVICTED_HUGE, folio_test_large(folio));
	/* migrate_pages() takes what is moved off the account again. */
	if (isolated && !is_cold)
		mod_node_page_state(folio_pgdat(folio),
				    NR_ISOLATED_ANON + folio_is_file_lru(folio),
				    folio_nr_pages(folio));
}

/*
 * Takes all of a block that is in somebody's hands off its lists: what is cold to
 * @cold, the rest to @moving.
 */
static void bellows_evacuate_collect(unsigned long start,
				     struct list_head *cold,
				     struct list_head *moving)
{
	unsigned long pfn, pages;
	enum bellows_content content;

	mutex_lock(&bellows_histories.lock);
	for (pfn = start; pfn < start + BELLOWS_BLOCK_PAGES; pfn += pages) {
		content = bellows_content(pfn, &pages);
		if (content != BELLOWS_CONTENT_COLD &&
		    content != BELLOWS_CONTENT_MOVES)
			continue;
		if (bellows_page_is_movable(pfn_to_page(pfn)))
			bellows_evacuate_movable(pfn_to_page(pfn), moving);
		else
			bellows_evacuate_lru(pfn,
					     content == BELLOWS_CONTENT_COLD,
					     cold, moving);
	}
	mutex_unlock(&bellows_histories.lock);
}

/* One pass over a block. Adds to what was evicted and moved. */
static void bellows_evacuate_pass(unsigned long start, unsigned long *evicted,
				  unsigned long *moved)
{
	struct bellows_move move = { .start = start };
	unsigned int succeeded = 0;
	LIST_HEAD(moving);
	LIST_HEAD(cold);

	bellows_evacuate_collect(start, &cold, &moving);
	if (!list_empty(&cold))
		*evicted += bellows_reclaim_list(&cold);
	if (list_empty(&moving))
		return;
	/* Waits for nobody: a server that does not answer must not stop us. */
	bellows_ksym_call(migrate_pages)(&moving, bellows_copy_target,
					 bellows_copy_undo,
					 (unsigned long)&move, MIGRATE_ASYNC,
					 MR_CONTIG_RANGE, &succeeded);
	if (!list_empty(&moving))
		bellows_ksym_call(putback_movable_pages)(&moving);
	*moved += succeeded;
	bellows_count(BELLOWS_MIGRATED_HUGE, move.whole);
	bellows_count(BELLOWS_SPLIT_HUGE, move.split);
}

/* Empties one block that nobody can allocate from, and takes it. */
static bool bellows_evacuate_block(struct bellows_pages *taken,
				   unsigned long start)
{
	unsigned long evicted = 0, moved = 0;
	u64 started_ns = ktime_get_ns();
	struct bellows_esc_block block;
	bool made = false;
	int pass;

	bellows_content_of_block(start, &block);
	for (pass = 0; pass < BELLOWS_EVACUATE_PASSES && !made; pass++) {
		/* What could not go is back on its way to a list. */
		if (pass)
			bellows_reclaim_settle();
		bellows_evacuate_pass(start, &evicted, &moved);
		made = bellows_blocks_capture(taken, pfn_to_page(start));
	}
	bellows_count(BELLOWS_MIGRATED_PAGES, moved);
	bellows_count(made ? BELLOWS_MADE_BLOCKS : BELLOWS_SPOILED_BLOCKS, 1);
	trace_bellows_evacuate(start, block.cold, block.moves, evicted, moved,
			       made, ktime_get_ns() - started_ns);

	return made;
}

/* Keeps everybody from allocating in a block, empties it, and takes it. */
static bool bellows_evacuate_planned(struct bellows_pages *taken,
				     unsigned long start)
{
	unsigned long end = start + BELLOWS_BLOCK_PAGES;
	int type = bellows_blocks_type(start);
	bool made;

	if (type < 0 ||
	    bellows_ksym_call(start_isolate_page_range)(bellows_start_isolate(
		    start, end, type, BELLOWS_COPY_GFP))) {
		bellows_count(BELLOWS_SPOILED_BLOCKS, 1);
		return false;
	}
	/* Free pages of it lie on the CPUs' own lists. */
	bellows_blocks_drain();
	made = bellows_evacuate_block(taken, start);
	bellows_ksym_call(undo_isolate_page_range)(
		bellows_undo_isolate(start, end, type));

	return made;
}

/**
 * bellows_evacuate_do() - empty the blocks that were planned, and take them
 * @taken: the set that gets them
 *
 * One at a time: two neighbours that nobody may allocate from would merge when
 * they are free, into something that is not a block.
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: how many were made.
 */
unsigned int bellows_evacuate_do(struct bellows_pages *taken)
{
	struct bellows_evacuation *evacuation = &bellows_evacuation;
	unsigned long start;
	unsigned int i, made = 0;
	bool emptied;

	bellows_reclaim_settle();
	for (i = 0; i < evacuation->nr_planned; i++) {
		start = evacuation->planned[i];
		emptied = bellows_evacuate_planned(taken, start);
		bellows_esc_block_tried(bellows_evacuate_trials(start), emptied,
					READ_ONCE(bellows_histories.sweeps));
		made += emptied;
		cond_resched();
	}
	evacuation->nr_planned = 0;

	return made;
}
