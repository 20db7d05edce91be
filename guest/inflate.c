// SPDX-License-Identifier: GPL-2.0
/*
 * One inflation: memory goes from the kernel to the host, batch by batch. A
 * batch is sorted and neighbours are merged, so that a GiB of free memory costs
 * one call.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/list_sort.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "allocate.h"
#include "balloon.h"
#include "batch.h"
#include "counters.h"
#include "inflate.h"
#include "link.h"
#include "registration.h"
#include "trace.h"
#include "victims.h"
#include "virtio.h"
#include "wanted.h"

/* Ranges refused in one inflation before it is given up. */
#define BELLOWS_REFUSALS_MAX 64
/* Calls in a row that a signal may cut short before anything was done. */
#define BELLOWS_CUT_SHORT_MAX 100

/**
 * bellows_inflation_begin() - begin an inflation
 * @inflation: filled in
 * @balloon: the pool that is to grow
 * @registration: the host that is to take
 * @wanted: how much, for the record
 *
 * Context: Worker. May sleep.
 */
void bellows_inflation_begin(struct bellows_inflation *inflation,
			     struct bellows_balloon *balloon,
			     struct bellows_registration *registration,
			     unsigned long wanted)
{
	*inflation = (struct bellows_inflation){
		.balloon = balloon,
		.registration = registration,
		.wanted = wanted,
		.started_ns = ktime_get_ns(),
	};
	bellows_pages_init(&inflation->refused);
	bellows_blocks_drain();
	bellows_allocate_begin();
	bellows_victims_begin();
}

/**
 * bellows_inflation_end() - give back what the host refused, and tell
 * @inflation: the inflation
 *
 * Context: Worker. May sleep.
 */
void bellows_inflation_end(struct bellows_inflation *inflation)
{
	unsigned long got =
		inflation->blocks * BELLOWS_BLOCK_PAGES + inflation->singles;

	bellows_victims_end(got >= inflation->wanted);
	bellows_blocks_give_back(&inflation->refused);
	trace_bellows_inflate(inflation->wanted, got, inflation->blocks,
			      inflation->singles, inflation->refused_pages,
			      ktime_get_ns() - inflation->started_ns);
}

static int bellows_by_address(void *unused, const struct list_head *a,
			      const struct list_head *b)
{
	return page_to_pfn(list_entry(a, struct page, lru)) >
	       page_to_pfn(list_entry(b, struct page, lru));
}

/*
 * Fills the batch from a sorted list of units (blocks or single pages),
 * neighbours merged. Returns the number of ranges; when the batch is full, the
 * rest of the list is for the next call.
 */
static unsigned int bellows_fill_batch(struct bellows_batch *batch,
				       const struct list_head *units,
				       unsigned int unit_pages)
{
	unsigned long start = 0, pfn;
	unsigned int pages = 0, nr = 0;
	struct page *page;

	list_for_each_entry(page, units, lru) {
		pfn = page_to_pfn(page);
		if (nr && pfn == start + pages &&
		    pages + unit_pages <= BELLOWS_RANGE_PAGES_MAX) {
			pages += unit_pages;
		} else {
			if (nr == BELLOWS_BATCH_MAX)
				break;
			nr++;
			start = pfn;
			pages = unit_pages;
		}
		batch->range[nr - 1] = bellows_range(start, pages);
	}

	return nr;
}

/* The units of one range, the first on the list, are the host's now. */
static void bellows_range_done(struct bellows_inflation *inflation,
			       struct bellows_pages *taken, bool block,
			       u64 range)
{
	struct list_head *units = block ? &taken->blocks : &taken->singles;
	unsigned int nr_units =
		bellows_range_pages(range) / (block ? BELLOWS_BLOCK_PAGES : 1);
	unsigned int unit;

	for (unit = 0; unit < nr_units; unit++)
		bellows_balloon_add(inflation->balloon,
				    list_first_entry(units, struct page, lru),
				    block, inflation->devices, taken);
	if (block)
		inflation->blocks += nr_units;
	else
		inflation->singles += nr_units;
	bellows_count(BELLOWS_RELEASED_RANGES, 1);
}

/* The units of one range are not wanted. Returns an error to stop with. */
static int bellows_range_refused(struct bellows_inflation *inflation,
				 struct bellows_pages *taken, bool block,
				 u64 range, enum bellows_refusal reason)
{
	struct list_head *units = block ? &taken->blocks : &taken->singles;
	unsigned int nr_units =
		bellows_range_pages(range) / (block ? BELLOWS_BLOCK_PAGES : 1);
	unsigned int unit;

	for (unit = 0; unit < nr_units; unit++)
		bellows_pages_move(list_first_entry(units, struct page, lru),
				   block, taken, &inflation->refused);
	inflation->nr_refusals++;
	inflation->refused_pages += bellows_range_pages(range);
	bellows_count(BELLOWS_REFUSED_RANGES, 1);
	atomic64_set(&bellows_counters[BELLOWS_LAST_REFUSAL], reason);

	if (reason == BELLOWS_REFUSE_ASSIGNED ||
	    reason == BELLOWS_REFUSE_LOCKED) {
		inflation->hopeless = true;
		return -EBUSY;
	}

	return inflation->nr_refusals < BELLOWS_REFUSALS_MAX ? 0 : -EBUSY;
}

/*
 * Gives a batch to the host's kernel, or where that does not know us to the
 * virtio device.
 */
static int bellows_release(struct bellows_inflation *inflation, unsigned int nr,
			   struct bellows_release_answer *answer)
{
	struct bellows_registration *registration = inflation->registration;
	struct bellows_virtio *device = inflation->balloon->device;

	inflation->devices = registration->state != BELLOWS_HOST_PRESENT;
	if (!inflation->devices)
		return bellows_registration_release(registration, nr, answer);
	if (!device)
		return -ENODEV;

	return bellows_virtio_release(device, &registration->batch, nr, answer);
}

/*
 * Gives all blocks, or all single pages, of @taken to the host. What is left in
 * @taken afterwards the host does not have. Returns 0 or why it stopped.
 */
static int bellows_release_units(struct bellows_inflation *inflation,
				 struct bellows_pages *taken, bool block)
{
	struct bellows_batch *batch = &inflation->registration->batch;
	struct list_head *units = block ? &taken->blocks : &taken->singles;
	struct bellows_release_answer answer;
	unsigned int i, nr, cut_short = 0;
	int ret = 0;

	lockdep_assert_held(&inflation->balloon->vmem);

	list_sort(NULL, units, bellows_by_address);
	while (!list_empty(units) && ret == 0) {
		nr = bellows_fill_batch(batch, units,
					block ? BELLOWS_BLOCK_PAGES : 1);
		ret = bellows_release(inflation, nr, &answer);
		if (ret == -EINTR)
			answer = (struct bellows_release_answer){};
		else if (ret)
			break;
		ret = 0;

		for (i = 0; i < answer.done; i++)
			bellows_range_done(inflation, taken, block,
					   batch->range[i]);
		if (answer.reason != BELLOWS_REFUSE_NONE)
			ret = bellows_range_refused(inflation, taken, block,
						    batch->range[i],
						    answer.reason);
		else if (answer.done == 0 &&
			 ++cut_short == BELLOWS_CUT_SHORT_MAX)
			ret = -EINTR;
		cond_resched();
	}

	return ret;
}

/*
 * Gives @taken to the host; what it does not take goes back to the kernel.
 * Returns the pages that it took, 0 when there is no point in another step.
 *
 * RELEASE is made under vmem: it is the one call that never takes hostmem on the
 * host's side, and so the pool never differs from what the host was told.
 */
static unsigned long bellows_hand_over(struct bellows_inflation *inflation,
				       struct bellows_pages *taken)
{
	struct bellows_balloon *balloon = inflation->balloon;
	unsigned long got;
	int ret;

	if (bellows_pages_count(taken) == 0)
		return 0;

	mutex_lock(&balloon->vmem);
	got = bellows_balloon_size(balloon);
	ret = bellows_release_units(inflation, taken, true);
	if (ret == 0)
		ret = bellows_release_units(inflation, taken, false);
	got = bellows_balloon_size(balloon) - got;
	mutex_unlock(&balloon->vmem);

	if (ret)
		pr_debug("inflation stopped: error %d\n", ret);
	bellows_blocks_give_back(taken);

	return ret ? 0 : got;
}

/**
 * bellows_inflation_step() - move one batch from the kernel to the host
 * @inflation: the inflation
 * @wanted: pages, at least 1
 * @node: take from this node only; NUMA_NO_NODE for any
 *
 * Context: Worker. May sleep, takes vmem.
 * Return: pages that the host took, 0 when there is no point in another step.
 */
unsigned long bellows_inflation_step(struct bellows_inflation *inflation,
				     unsigned long wanted, int node)
{
	struct bellows_pages taken;

	bellows_pages_init(&taken);
	bellows_blocks_take(&taken, wanted, node);

	return bellows_hand_over(inflation, &taken);
}

/**
 * bellows_inflation_step_wanted() - the same, from where the host wants it
 * @inflation: the inflation
 * @wanted: pages, at least 1
 * @list: how far the host's list has been gone through
 * @wish: the list
 *
 * Context: Worker. May sleep, takes vmem.
 * Return: pages that the host took; 0 says nothing, @list tells when there is no
 *	point in another step.
 */
unsigned long bellows_inflation_step_wanted(struct bellows_inflation *inflation,
					    unsigned long wanted,
					    struct bellows_wanted *list,
					    const struct bellows_wish *wish)
{
	struct bellows_pages taken;
	unsigned long got;
	bool some;

	bellows_pages_init(&taken);
	bellows_wanted_take(list, &taken, wanted, wish);
	some = bellows_pages_count(&taken);
	got = bellows_hand_over(inflation, &taken);
	/* The host would not have it. */
	if (some && got == 0)
		list->done = true;

	return got;
}
