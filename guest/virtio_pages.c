// SPDX-License-Identifier: GPL-2.0
/*
 * Pages go to the virtio device and come back from it.
 *
 * The device is told of 4 KiB frames, whatever stands behind them. A VMM that
 * backs the guest with huge pages can free one only when it hears of all its
 * parts at once, so a whole block is one element of the queue. Many elements are
 * handed over at a time: the VMM is woken once for all of them.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include <bellows/abi.h>

#include "blocks.h"
#include "link.h"
#include "virtio.h"

#define BELLOWS_ELEMENTS_MAX 16

/**
 * struct bellows_pfns - frame numbers on their way to the device
 * @device: the device
 * @queue: the queue they go to
 * @elements: elements that are full, and in the queue
 * @pfns: frame numbers in the next one
 */
struct bellows_pfns {
	struct bellows_virtio *device;
	struct virtqueue *queue;
	unsigned int elements;
	unsigned int pfns;
};

/**
 * bellows_virtio_pages_init() - set up what the queues of pages need
 * @device: its queues exist
 *
 * Nothing is allocated later on: pages come back when there is no memory left.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_virtio_pages_init(struct bellows_virtio *device)
{
	device->elements = min3(virtqueue_get_vring_size(device->inflate),
				virtqueue_get_vring_size(device->deflate),
				(unsigned int)BELLOWS_ELEMENTS_MAX);
	device->pfns = kmalloc_array(device->elements,
				     BELLOWS_BLOCK_PAGES * sizeof(__virtio32),
				     GFP_KERNEL);

	return device->pfns ? 0 : -ENOMEM;
}

/**
 * bellows_virtio_pages_exit() - free what bellows_virtio_pages_init() took
 * @device: reset
 */
void bellows_virtio_pages_exit(struct bellows_virtio *device)
{
	kfree(device->pfns);
	device->pfns = NULL;
}

/* Takes answered elements off a queue until none of @pending is left. */
static bool bellows_virtio_answered(struct virtqueue *queue,
				    unsigned int *pending)
{
	unsigned int length;

	while (*pending && virtqueue_get_buf(queue, &length))
		(*pending)--;

	return *pending == 0;
}

/**
 * bellows_virtio_flush() - hand elements over and wait until all are answered
 * @device: the device
 * @queue: its queue
 * @pending: elements that were added to it
 *
 * Context: May sleep. The queue is the caller's alone.
 * Return: 0, or -EIO when the device was taken away.
 */
int bellows_virtio_flush(struct bellows_virtio *device, struct virtqueue *queue,
			 unsigned int pending)
{
	if (!pending)
		return 0;

	virtqueue_kick(queue);
	/* A device that was pulled out never answers, and wakes nobody. */
	while (!wait_event_timeout(device->acked,
				   bellows_virtio_answered(queue, &pending),
				   HZ))
		if (virtqueue_is_broken(queue))
			return -EIO;

	return 0;
}

static int bellows_pfns_flush(struct bellows_pfns *pfns)
{
	unsigned int pending = pfns->elements;

	pfns->elements = 0;

	return bellows_virtio_flush(pfns->device, pfns->queue, pending);
}

/* Puts the element that is being filled into the queue. */
static int bellows_pfns_push(struct bellows_pfns *pfns)
{
	__virtio32 *element =
		pfns->device->pfns + pfns->elements * BELLOWS_BLOCK_PAGES;
	struct scatterlist sg;
	int ret;

	sg_init_one(&sg, element, pfns->pfns * sizeof(*element));
	ret = virtqueue_add_outbuf(pfns->queue, &sg, 1, pfns->device,
				   GFP_NOWAIT);
	if (ret)
		return ret;

	pfns->pfns = 0;
	if (++pfns->elements < pfns->device->elements)
		return 0;

	return bellows_pfns_flush(pfns);
}

static int bellows_pfns_add(struct bellows_pfns *pfns, unsigned long pfn,
			    unsigned int pages)
{
	struct virtio_device *vdev = pfns->device->vdev;
	__virtio32 *element;
	int ret = 0;

	/* The device has 32 bits for a frame number: 16 TiB. */
	if (pfn + pages - 1 > U32_MAX)
		return -ERANGE;

	while (pages-- && ret == 0) {
		element = pfns->device->pfns +
			  pfns->elements * BELLOWS_BLOCK_PAGES;
		element[pfns->pfns++] = cpu_to_virtio32(vdev, pfn++);
		if (pfns->pfns == BELLOWS_BLOCK_PAGES)
			ret = bellows_pfns_push(pfns);
	}

	return ret;
}

static int bellows_pfns_end(struct bellows_pfns *pfns, int ret)
{
	if (ret == 0 && pfns->pfns)
		ret = bellows_pfns_push(pfns);

	/* What is in the queue already is waited for whatever happened. */
	return bellows_pfns_flush(pfns) ?: ret;
}

/**
 * bellows_virtio_release() - give ranges of pages to the device
 * @device: the device
 * @batch: the ranges, either whole blocks all of them or single pages
 * @nr: how many
 * @answer: filled in on success: the device takes everything
 *
 * Context: Worker, vmem is held. May sleep.
 * Return: 0 or an error: the device has none of it, or is gone.
 */
int bellows_virtio_release(struct bellows_virtio *device,
			   const struct bellows_batch *batch,
			   unsigned int nr,
			   struct bellows_release_answer *answer)
{
	struct bellows_pfns pfns = {
		.device = device,
		.queue = device->inflate,
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && ret == 0; i++)
		ret = bellows_pfns_add(&pfns,
				       bellows_range_pfn(batch->range[i]),
				       bellows_range_pages(batch->range[i]));
	ret = bellows_pfns_end(&pfns, ret);
	if (ret)
		return ret;

	*answer = (struct bellows_release_answer){ .done = nr };

	return 0;
}

/**
 * bellows_virtio_take_back() - tell the device what is ours again
 * @device: the device
 * @pages: what comes back, those too that it never had: they are left out
 *
 * When this returns, the pages may be used. Nothing is allocated.
 *
 * Context: vmem is held. May sleep.
 */
void bellows_virtio_take_back(struct bellows_virtio *device,
			      const struct bellows_pages *pages)
{
	struct bellows_pfns pfns = {
		.device = device,
		.queue = device->deflate,
	};
	struct page *page;
	int ret = 0;

	list_for_each_entry(page, &pages->blocks, lru)
		if (ret == 0 && bellows_page_is_devices(page))
			ret = bellows_pfns_add(&pfns, page_to_pfn(page),
					       BELLOWS_BLOCK_PAGES);
	list_for_each_entry(page, &pages->singles, lru)
		if (ret == 0 && bellows_page_is_devices(page))
			ret = bellows_pfns_add(&pfns, page_to_pfn(page), 1);

	/* A device that does not answer is gone, and has nothing of ours. */
	bellows_pfns_end(&pfns, ret);
}

/**
 * bellows_virtio_take_back_page() - tell the device that a single page is ours again
 * @device: the device
 * @page: the page, which may be in a list of somebody else's; nothing is done
 *	when the device never had it
 *
 * When this returns, the page may be used. Nothing is allocated.
 *
 * Context: vmem is held. May sleep.
 */
void bellows_virtio_take_back_page(struct bellows_virtio *device,
				   const struct page *page)
{
	struct bellows_pfns pfns = {
		.device = device,
		.queue = device->deflate,
	};

	if (bellows_page_is_devices(page))
		bellows_pfns_end(&pfns, bellows_pfns_add(&pfns,
							 page_to_pfn(page), 1));
}
