// SPDX-License-Identifier: GPL-2.0
/*
 * Free page reporting: the kernel's core takes free blocks off the free lists,
 * tells us, and puts them back marked as reported. The host may drop what is in
 * them; nobody asked for a size.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <linux/virtio.h>

#include "counters.h"
#include "virtio.h"

/* Called by the core, one call at a time. */
static int bellows_report(struct page_reporting_dev_info *reporting,
			  struct scatterlist *sg, unsigned int nr)
{
	struct bellows_virtio *device =
		container_of(reporting, struct bellows_virtio, reporting);
	struct scatterlist *entry;
	unsigned int i;
	int ret;

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

	device->reporting.report = bellows_report;
	ret = page_reporting_register(&device->reporting);
	device->reports = ret == 0;

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
	if (device->reports)
		page_reporting_unregister(&device->reporting);
	device->reports = false;
}
