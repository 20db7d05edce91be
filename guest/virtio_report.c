// SPDX-License-Identifier: GPL-2.0
/*
 * Free page reporting: the kernel's core takes free blocks off the free lists,
 * tells us, and puts them back marked as reported. The host may drop what is in
 * them; nobody asked for a size.
 *
 * Whether to report at all is the VMM's to say. Where the host's kernel listens,
 * the reports go there; to the device otherwise.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/virtio.h>

#include <bellows/abi.h>

#include "control.h"
#include "counters.h"
#include "link.h"
#include "virtio.h"

/* Calls for one report that a signal may cut short before anything was done. */
#define BELLOWS_CUT_SHORT_MAX 100

static int bellows_report_compare(const void *a, const void *b)
{
	const u64 *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

/* Fills the batch: ascending, which the free lists are not. */
static void bellows_report_fill(struct bellows_batch *batch,
				struct scatterlist *sg, unsigned int nr)
{
	struct scatterlist *entry;
	unsigned int i;

	for_each_sg(sg, entry, nr, i)
		batch->range[i] = bellows_range(page_to_pfn(sg_page(entry)),
						entry->length >> PAGE_SHIFT);
	sort(batch->range, nr, sizeof(batch->range[0]), bellows_report_compare,
	     NULL);
}

/* Drops what was answered from the front of the batch; returns the rest. */
static unsigned int
bellows_report_answered(struct bellows_batch *batch, unsigned int nr,
			const struct bellows_release_answer *answer)
{
	unsigned int answered = answer->done, i;

	for (i = 0; i < answer->done; i++)
		bellows_count(BELLOWS_REPORTED_PAGES,
			      bellows_range_pages(batch->range[i]));
	/* What the host does not want is not offered again until it was used. */
	if (answer->reason != BELLOWS_REFUSE_NONE)
		answered++;
	memmove(batch->range, batch->range + answered,
		(nr - answered) * sizeof(batch->range[0]));

	return nr - answered;
}

/* By call to the host's kernel; -ENOTCONN when that does not listen. */
static int bellows_report_call(struct bellows_virtio *device,
			       struct scatterlist *sg, unsigned int nr)
{
	struct bellows_registration *registration =
		&device->control->registration;
	struct bellows_release_answer answer;
	unsigned int cut_short = 0;
	int ret;

	/* The host drops what the kernel expects to find in its free pages. */
	if (page_poisoning_enabled_static())
		return -ENOTCONN;
	/* It said that it gains nothing: leave it in peace. */
	if (device->report_futile &&
	    device->report_futile == READ_ONCE(registration->generation))
		return 0;

	bellows_report_fill(&device->report_batch, sg, nr);
	while (nr) {
		ret = bellows_registration_report(
			registration, &device->report_batch, nr, &answer);
		if (ret == -EINTR)
			answer = (struct bellows_release_answer){};
		else if (ret)
			return ret;
		if (answer.done == 0 && answer.reason == BELLOWS_REFUSE_NONE &&
		    ++cut_short == BELLOWS_CUT_SHORT_MAX)
			return -EINTR;

		nr = bellows_report_answered(&device->report_batch, nr, &answer);
		if (answer.reason == BELLOWS_REFUSE_ASSIGNED ||
		    answer.reason == BELLOWS_REFUSE_LOCKED) {
			device->report_futile = registration->generation;
			break;
		}
	}

	return 0;
}

/* Called by the core, one call at a time. */
static int bellows_report(struct page_reporting_dev_info *reporting,
			  struct scatterlist *sg, unsigned int nr)
{
	struct bellows_virtio *device =
		container_of(reporting, struct bellows_virtio, reporting);
	struct scatterlist *entry;
	unsigned int i;
	int ret;

	ret = bellows_report_call(device, sg, nr);
	if (ret != -ENOTCONN)
		return ret;

	ret = virtqueue_add_inbuf(device->report, sg, nr, device,
				  GFP_NOWAIT | __GFP_NOWARN);
	/* Not reported now: the core will try these again. */
	if (ret)
		return ret;

	ret = bellows_virtio_flush(device, device->report, 1);
	if (ret)
		return ret;

	for_each_sg(sg, entry, nr, i)
		bellows_count(BELLOWS_REPORTED_PAGES,
			      entry->length >> PAGE_SHIFT);

	return 0;
}

/**
 * bellows_virtio_report_start() - report free memory from now on
 * @device: its queues exist
 *
 * Whole blocks only, which is what the order's default is: smaller pieces would
 * break the host's huge pages.
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int bellows_virtio_report_start(struct bellows_virtio *device)
{
	int ret;

	if (!device->report)
		return 0;
	if (virtqueue_get_vring_size(device->report) < PAGE_REPORTING_CAPACITY)
		return -ENOSPC;

	ret = bellows_batch_init(&device->report_batch);
	if (ret)
		return ret;

	device->report_futile = 0;
	device->reporting.report = bellows_report;
	ret = page_reporting_register(&device->reporting);
	device->reports = ret == 0;
	if (ret)
		bellows_batch_exit(&device->report_batch);

	return ret;
}

/**
 * bellows_virtio_report_stop() - report nothing any more
 * @device: still answers
 *
 * Context: May sleep.
 */
void bellows_virtio_report_stop(struct bellows_virtio *device)
{
	if (!device->reports)
		return;

	page_reporting_unregister(&device->reporting);
	bellows_batch_exit(&device->report_batch);
	device->reports = false;
}
