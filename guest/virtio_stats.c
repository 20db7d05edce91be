// SPDX-License-Identifier: GPL-2.0
/*
 * The statistics that the virtio device asks for: every tag that this kernel
 * can fill.
 *
 * The device always holds one buffer. When it gives it back, it wants new
 * figures.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/scatterlist.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/vmstat.h>

#include <bellows/compat.h>

#include "virtio.h"

static void bellows_stat(struct bellows_virtio *device, unsigned int *nr,
			 u16 tag, u64 value)
{
	struct virtio_balloon_stat *stat = &device->stats_buffer[*nr];

	if (WARN_ON_ONCE(*nr == BELLOWS_STATS_MAX))
		return;

	stat->tag = cpu_to_virtio16(device->vdev, tag);
	stat->val = cpu_to_virtio64(device->vdev, value);
	(*nr)++;
}

static u64 bellows_stat_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

#ifdef CONFIG_VM_EVENT_COUNTERS
/* Allocations that had to wait for reclaim, counted by zone. */
static unsigned long bellows_stat_stalls(const unsigned long *events)
{
	unsigned long stalls = 0;
	int zone;

	for (zone = 0; zone <= ZONE_MOVABLE; zone++)
		stalls += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];

	return stalls;
}

static void bellows_stats_of_events(struct bellows_virtio *device,
				    unsigned int *nr)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	bellows_stat(device, nr, VIRTIO_BALLOON_S_SWAP_IN,
		     bellows_stat_bytes(events[PSWPIN]));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_SWAP_OUT,
		     bellows_stat_bytes(events[PSWPOUT]));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_MAJFLT, events[PGMAJFAULT]);
	/* All faults: the stock driver's figure, which tools are used to. */
	bellows_stat(device, nr, VIRTIO_BALLOON_S_MINFLT, events[PGFAULT]);
#ifdef CONFIG_HUGETLB_PAGE
	bellows_stat(device, nr, VIRTIO_BALLOON_S_HTLB_PGALLOC,
		     events[HTLB_BUDDY_PGALLOC]);
	bellows_stat(device, nr, VIRTIO_BALLOON_S_HTLB_PGFAIL,
		     events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
	bellows_stat(device, nr, VIRTIO_BALLOON_S_OOM_KILL, events[OOM_KILL]);
	bellows_stat(device, nr, VIRTIO_BALLOON_S_ALLOC_STALL,
		     bellows_stat_stalls(events));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_ASYNC_SCAN,
		     bellows_stat_bytes(events[PGSCAN_KSWAPD]));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_DIRECT_SCAN,
		     bellows_stat_bytes(events[PGSCAN_DIRECT]));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_ASYNC_RECLAIM,
		     bellows_stat_bytes(events[PGSTEAL_KSWAPD]));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_DIRECT_RECLAIM,
		     bellows_stat_bytes(events[PGSTEAL_DIRECT]));
}
#else
static void bellows_stats_of_events(struct bellows_virtio *device,
				    unsigned int *nr)
{
}
#endif

/*
 * What /proc/meminfo says under MemFree, MemTotal, MemAvailable, and under
 * Cached, Buffers and SwapCached together.
 */
static void bellows_stats_of_memory(struct bellows_virtio *device,
				    unsigned int *nr)
{
	unsigned long caches = global_node_page_state(NR_FILE_PAGES);

	bellows_stat(device, nr, VIRTIO_BALLOON_S_MEMFREE,
		     bellows_stat_bytes(global_zone_page_state(NR_FREE_PAGES)));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_MEMTOT,
		     bellows_stat_bytes(totalram_pages()));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_AVAIL,
		     bellows_stat_bytes(max(si_mem_available(), 0L)));
	bellows_stat(device, nr, VIRTIO_BALLOON_S_CACHES,
		     bellows_stat_bytes(caches));
}

/* Fills the buffer and hands it to the device. */
static int bellows_stats_send(struct bellows_virtio *device)
{
	struct scatterlist sg;
	unsigned int nr = 0;
	int ret;

	bellows_stats_of_events(device, &nr);
	bellows_stats_of_memory(device, &nr);
	sg_init_one(&sg, device->stats_buffer,
		    nr * sizeof(device->stats_buffer[0]));
	ret = virtqueue_add_outbuf(device->stats, &sg, 1, device, GFP_KERNEL);
	if (ret == 0)
		virtqueue_kick(device->stats);

	return ret;
}

static void bellows_stats_answer(struct work_struct *work)
{
	struct bellows_virtio *device =
		container_of(work, struct bellows_virtio, stats_work);
	unsigned int length;

	if (virtqueue_get_buf(device->stats, &length))
		bellows_stats_send(device);
}

/**
 * bellows_virtio_stats_request() - the device wants figures
 * @queue: the queue of statistics
 *
 * Not in the worker that sets the size: that may be busy for long, and whoever
 * asks wants to know how the guest fares meanwhile.
 *
 * Context: Interrupt.
 */
void bellows_virtio_stats_request(struct virtqueue *queue)
{
	struct bellows_virtio *device = queue->vdev->priv;

	queue_work(system_freezable_wq, &device->stats_work);
}

/**
 * bellows_virtio_stats_start() - hand the device the buffer that it asks with
 * @device: its queues exist
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int bellows_virtio_stats_start(struct bellows_virtio *device)
{
	INIT_WORK(&device->stats_work, bellows_stats_answer);
	if (!device->stats)
		return 0;

	return bellows_stats_send(device);
}

/**
 * bellows_virtio_stats_stop() - wait for the last answer
 * @device: reset, so that no request comes any more
 *
 * Context: May sleep.
 */
void bellows_virtio_stats_stop(struct bellows_virtio *device)
{
	cancel_work_sync(&device->stats_work);
}
