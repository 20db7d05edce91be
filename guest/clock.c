// SPDX-License-Identifier: GPL-2.0
/*
 * Takes victims by the clock, and has them evicted in batches.
 *
 * The kernel's reclaim_pages() drops what is clean, and begins to swap out what
 * is anonymous, but it does not wait for that, and it never writes to a file
 * system. So a batch goes through it twice: first everything, while dirty file
 * pages are being written; then, when it is written, what was not yet clean.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "clock.h"
#include "content.h"
#include "counters.h"
#include "reclaim.h"
#include "rmap_walk.h"
#include "sweep.h"
#include "trace.h"

/* Pages of a batch; one huge page more may come on top. */
#define BELLOWS_VICTIMS_MAX	256
#define BELLOWS_VICTIMS_ROOM	(BELLOWS_VICTIMS_MAX + BELLOWS_BLOCK_PAGES)
/* Steps of the clock in one hold of the lock. */
#define BELLOWS_CLOCK_STEPS	16384
/* File pages that are written together. */
#define BELLOWS_WRITE_AROUND	64
/* Pages that are being written, above which no more are begun with. */
#define BELLOWS_FLIGHT_MAX	512
#define BELLOWS_FLIGHT_ROOM	(BELLOWS_FLIGHT_MAX + BELLOWS_VICTIMS_ROOM)
/* Times that one page is tried. The kernel's reclaim may be at it, too. */
#define BELLOWS_TRIES_MAX	3
/* Longest wait for them in one batch; what is not done goes with the next. */
#define BELLOWS_WRITE_MS	200
/* A disk that writes nothing at all for so long is not waited for any more. */
#define BELLOWS_STALL_MS	5000
/* Compressed swap that did not pay is not tried again for so long. */
#define BELLOWS_SWAP_REST_MS	30000

/**
 * struct bellows_later - a page for the second pass
 * @pfn: its page frame
 * @tries: how often it was tried to be freed
 */
struct bellows_later {
	unsigned long pfn;
	unsigned int tries;
};

/**
 * struct bellows_victims - a batch
 * @list: isolated, clean
 * @swapped: isolated, to be swapped out
 * @pages: on both, and dirty ones of files
 * @later: for the second pass: swapped out, or dirty. What is not free by the
 *	end of a batch stays there for the next.
 * @nr_later: length of @later
 * @spared: how many are not there any more because they were used meanwhile
 * @stalled_since: jiffies when nothing more of it was written, 0 when something is
 * @meter: do batches pay?
 * @swap_rests: swap brought too little, until @swap_rests_until (jiffies)
 * @swap_rests_until: see @swap_rests
 */
struct bellows_victims {
	struct list_head list;
	struct list_head swapped;
	unsigned long pages;
	struct bellows_later later[BELLOWS_FLIGHT_ROOM];
	unsigned int nr_later;
	unsigned int spared;
	unsigned long stalled_since;
	struct bellows_esc_meter meter;
	bool swap_rests;
	unsigned long swap_rests_until;
};

/* The worker's own. */
static struct bellows_victims *bellows_victims;
/* The kernel's vm.swappiness, which it does not export; only read. */
static const int *bellows_swappiness;

/**
 * bellows_clock_init() - get ready
 *
 * Context: May sleep. After bellows_reclaim_init().
 * Return: false when there is no memory.
 */
bool bellows_clock_init(void)
{
	bellows_swappiness = (void *)bellows_ksym_address("vm_swappiness");
	bellows_victims = kzalloc(sizeof(*bellows_victims), GFP_KERNEL);

	return bellows_victims;
}

/**
 * bellows_clock_exit() - free what bellows_clock_init() allocated
 */
void bellows_clock_exit(void)
{
	kfree(bellows_victims);
	bellows_victims = NULL;
}

/**
 * bellows_clock_begin() - begin the search for victims
 * @limit: rank from which on nothing is touched
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 */
void bellows_clock_begin(unsigned int limit)
{
	mutex_lock(&bellows_histories.lock);
	bellows_esc_clock_begin(&bellows_histories.clock, bellows_histories.end,
				limit);
	mutex_unlock(&bellows_histories.lock);
	bellows_victims->meter = (struct bellows_esc_meter){};
}

/* Is there room in swap, and may it be used? */
static bool bellows_clock_swaps(struct folio *folio)
{
	if (bellows_swappiness && READ_ONCE(*bellows_swappiness) == 0)
		return false;
	if (bellows_victims->swap_rests)
		return false;

	return get_nr_swap_pages() > (long)folio_nr_pages(folio);
}

/* Can this victim go at all? */
static bool bellows_clock_possible(struct folio *folio,
				   const struct bellows_esc_page *history,
				   int node)
{
	if (!bellows_esc_knows(history, bellows_rmap_print(folio, 0)) ||
	    folio_test_unevictable(folio) || folio_test_mlocked(folio) ||
	    folio_maybe_dma_pinned(folio) || bellows_content_protected(folio))
		return false;
	if (node != NUMA_NO_NODE && folio_nid(folio) != node)
		return false;

	return !folio_test_swapbacked(folio) || folio_test_swapcache(folio) ||
	       bellows_clock_swaps(folio);
}

/* Takes one victim into the batch. Consumes the reference. */
static void bellows_clock_add(struct bellows_victims *victims,
			      struct folio *folio, unsigned long pfn)
{
	unsigned long nr = folio_nr_pages(folio), i;
	bool later = folio_test_swapbacked(folio) || folio_test_dirty(folio) ||
		     folio_test_writeback(folio);
	bool dirty_file = later && !folio_test_swapbacked(folio);

	if (dirty_file)
		folio_put(folio);
	else if (!bellows_reclaim_isolate(folio, later ? &victims->swapped :
							 &victims->list))
		return;
	if (nr > 1)
		bellows_count(BELLOWS_EVICTED_HUGE, 1);

	victims->pages += nr;
	for (i = 0; later && i < nr; i++)
		if (victims->nr_later < BELLOWS_FLIGHT_ROOM)
			victims->later[victims->nr_later++] =
				(struct bellows_later){ .pfn = pfn + i };
}

/* Fills the batch. Returns false when the clock has no victims any more. */
static bool bellows_clock_pick(struct bellows_victims *victims,
			       unsigned long wanted, int node)
{
	struct bellows_histories *histories = &bellows_histories;
	struct bellows_esc_page *history;
	struct folio *folio;
	unsigned int steps;
	bool hinted;
	u64 pfn;

	lockdep_assert_held(&histories->lock);

	for (steps = 0; steps < BELLOWS_CLOCK_STEPS; steps++) {
		if (victims->pages >= wanted)
			return true;
		if (!bellows_esc_clock_step(&histories->clock, &pfn))
			return false;
		history = &histories->page[pfn];
		hinted = bellows_esc_hinted(&histories->hints, pfn);
		if (bellows_esc_clock_judge(&histories->clock, history,
					    hinted) != BELLOWS_ESC_TAKE)
			continue;
		/* It may be used in every third sweep. */
		if (bellows_esc_class(history) < 2 &&
		    !bellows_esc_proven(history))
			continue;
		folio = bellows_reclaim_get(pfn);
		if (!folio)
			continue;
		bellows_esc_tested(history);
		if (bellows_clock_possible(folio, history, node))
			bellows_clock_add(victims, folio, pfn);
		else
			folio_put(folio);
	}

	return true;
}

/* Starts writing a dirty page of a file, and its neighbours with it. */
static void bellows_clock_write(unsigned long pfn)
{
	struct folio *folio = bellows_reclaim_get(pfn);
	struct inode *inode = NULL;
	loff_t start;

	if (!folio)
		return;
	if (!folio_test_dirty(folio) || folio_test_swapbacked(folio) ||
	    !folio_trylock(folio)) {
		folio_put(folio);
		return;
	}
	/*
	 * Under its lock the page keeps its file, and the file its inode. Only
	 * disks: a server may never answer.
	 */
	if (folio->mapping && folio->mapping->host->i_sb->s_bdev)
		inode = igrab(folio->mapping->host);
	start = round_down(folio->index, BELLOWS_WRITE_AROUND);
	folio_unlock(folio);
	folio_put(folio);
	if (!inode)
		return;

	start <<= PAGE_SHIFT;
	filemap_fdatawrite_range(inode->i_mapping, start,
				 start + BELLOWS_WRITE_AROUND * PAGE_SIZE - 1);
	iput(inode);
}

/*
 * The folio of the page that was chosen, with a reference: a huge page may be split
 * by now, or not. NULL when the page is not there any more: its place is free, or
 * has a new owner.
 */
static struct folio *bellows_clock_find(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	bool same;

	if (!page)
		return NULL;
	folio = page_folio(page);
	if (!folio_try_get(folio))
		return NULL;

	mutex_lock(&bellows_histories.lock);
	same = page_folio(page) == folio &&
	       bellows_esc_knows(&bellows_histories.page[pfn],
				 bellows_rmap_print(folio,
						    pfn - folio_pfn(folio)));
	mutex_unlock(&bellows_histories.lock);
	if (same)
		return folio;
	folio_put(folio);

	return NULL;
}

/*
 * Forgets those of the last @nr pages that are free by now, by us or by the kernel's
 * own reclaim: what compressed swap takes is written at once, and what a fast disk
 * takes not much later. Returns how many.
 */
static unsigned long bellows_clock_forget(struct bellows_victims *victims,
					  unsigned int nr)
{
	unsigned int i, left = victims->nr_later - nr;
	struct folio *folio;

	for (i = left; i < victims->nr_later; i++) {
		folio = bellows_clock_find(victims->later[i].pfn);
		if (!folio)
			continue;
		folio_put(folio);
		victims->later[left++] = victims->later[i];
	}
	nr = victims->nr_later - left;
	victims->nr_later = left;

	return nr;
}

/* Was it used since it was chosen? */
static bool bellows_clock_used(unsigned long pfn)
{
	bool used;

	mutex_lock(&bellows_histories.lock);
	used = !bellows_esc_goes(&bellows_histories.page[pfn]);
	mutex_unlock(&bellows_histories.lock);

	return used;
}

/*
 * Isolates, for the second pass, what is written by now. Returns false when there
 * is nothing more to be done about the page; @gone counts those that the kernel's
 * own reclaim, which is at it too, was faster to free.
 */
static bool bellows_clock_again(struct bellows_victims *victims,
				struct bellows_later *later,
				unsigned long deadline, struct list_head *list,
				unsigned long *gone)
{
	struct folio *folio = bellows_clock_find(later->pfn);

	if (!folio) {
		++*gone;
		return false;
	}
	if (bellows_clock_used(later->pfn)) {
		victims->spared++;
		folio_put(folio);
		return false;
	}
	if (!folio_test_lru(folio) || folio_test_unevictable(folio)) {
		folio_put(folio);
		return false;
	}
	while (folio_test_writeback(folio) && time_before(jiffies, deadline))
		usleep_range(200, 1000);
	if (folio_test_writeback(folio)) {
		folio_put(folio);
		return true;
	}
	if (later->tries++ == BELLOWS_TRIES_MAX) {
		folio_put(folio);
		return false;
	}
	bellows_reclaim_isolate(folio, list);

	return true;
}

/* Both passes; @begun of what is in flight is new. Returns the pages freed. */
static unsigned long bellows_clock_batch(struct bellows_victims *victims,
					 unsigned int begun)
{
	unsigned int i, nr = victims->nr_later, left = 0;
	unsigned long deadline, freed = 0;
	LIST_HEAD(list);

	for (i = nr - begun; i < nr; i++)
		bellows_clock_write(victims->later[i].pfn);
	if (!list_empty(&victims->list))
		freed = bellows_reclaim_list(&victims->list);
	if (!list_empty(&victims->swapped))
		bellows_reclaim_list(&victims->swapped);
	if (nr == 0)
		return freed;

	bellows_reclaim_settle();
	freed += bellows_clock_forget(victims, begun);
	nr = victims->nr_later;
	deadline = jiffies + msecs_to_jiffies(BELLOWS_WRITE_MS);
	for (i = 0; i < nr; i++)
		if (bellows_clock_again(victims, &victims->later[i], deadline,
					&list, &freed))
			victims->later[left++] = victims->later[i];
	victims->nr_later = left;
	if (!list_empty(&list)) {
		bellows_reclaim_list(&list);
		freed += bellows_clock_forget(victims, left);
	}

	return freed;
}

/* Memory that compressed swap takes, which lies in the same memory. */
static unsigned long bellows_clock_compressed(void)
{
#if IS_ENABLED(CONFIG_ZSMALLOC)
	return global_zone_page_state(NR_ZSPAGES);
#else
	return 0;
#endif
}

/*
 * Was nothing done about what is being written for too long? Slow is not enough: whoever
 * would choose instead takes what is in use.
 */
static bool bellows_clock_stalled(struct bellows_victims *victims, bool idle)
{
	if (!idle) {
		victims->stalled_since = 0;
		return false;
	}
	if (!victims->stalled_since)
		victims->stalled_since = jiffies ?: 1;

	return time_after(jiffies, victims->stalled_since +
					   msecs_to_jiffies(BELLOWS_STALL_MS));
}

/**
 * bellows_clock_evict() - evict one batch of what will be missed least
 * @wanted: pages, at least 1
 * @node: of this node only; NUMA_NO_NODE for any
 * @gain_percent: free pages that have to come of what is tried
 *
 * What compressed swap takes for them does not count as free.
 *
 * Context: Worker. May sleep, takes the lock of the histories.
 * Return: false when there are no victims any more, when it does not pay, or when
 * the swap device stands still.
 */
bool bellows_clock_evict(unsigned long wanted, int node,
			 unsigned int gain_percent)
{
	struct bellows_victims *victims = bellows_victims;
	unsigned long in_flight = victims->nr_later;
	unsigned long freed, tried;
	long compressed;
	bool more = true, idle;
	s64 net;

	if (victims->swap_rests)
		victims->swap_rests =
			time_before(jiffies, victims->swap_rests_until);
	INIT_LIST_HEAD(&victims->list);
	INIT_LIST_HEAD(&victims->swapped);
	victims->pages = 0;
	victims->spared = 0;
	/* What is being written is as good as free. */
	wanted -= min(wanted, in_flight);
	wanted = in_flight < BELLOWS_FLIGHT_MAX ?
			 min_t(unsigned long, wanted, BELLOWS_VICTIMS_MAX) :
			 0;
	while (more && victims->pages < wanted) {
		mutex_lock(&bellows_histories.lock);
		more = bellows_clock_pick(victims, wanted, node);
		mutex_unlock(&bellows_histories.lock);
		cond_resched();
	}
	if (victims->pages == 0 && in_flight == 0)
		return false;

	compressed = bellows_clock_compressed();
	freed = bellows_clock_batch(victims, victims->nr_later - in_flight);
	compressed = bellows_clock_compressed() - compressed;
	net = (s64)freed - max(compressed, 0L);
	tried = victims->pages + in_flight - victims->nr_later -
		victims->spared;
	trace_bellows_evict(bellows_histories.clock.rank, tried, freed, net);
	idle = !victims->pages && !tried && !victims->spared;
	if (bellows_clock_stalled(victims, idle))
		return false;
	if (!bellows_esc_pays(&victims->meter, tried, net, gain_percent)) {
		bellows_count(BELLOWS_NOT_PAYING, 1);
		/* The next sweep would have us try again, a batch each time. */
		victims->swap_rests = compressed > 0;
		victims->swap_rests_until =
			jiffies + msecs_to_jiffies(BELLOWS_SWAP_REST_MS);
		return false;
	}

	return true;
}
