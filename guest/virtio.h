/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtio balloon device: how the VMM, and libvirt through it, sees us.
 */
#ifndef _BELLOWS_GUEST_VIRTIO_H
#define _BELLOWS_GUEST_VIRTIO_H

#include <linux/page_reporting.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "batch.h"
#include "blocks.h"

struct bellows_control;
struct bellows_release_answer;

/* Statistics that have come since the kernel's header was made. */
#define BELLOWS_STATS_MAX 16

/**
 * struct bellows_virtio - the balloon device
 * @vdev: the device
 * @control: what sets the size
 * @inflate: queue of pages that the device gets, NULL when it has no queues at all
 * @deflate: queue of pages that it gets no more
 * @stats: queue of statistics, NULL without VIRTIO_BALLOON_F_STATS_VQ
 * @hint: queue of free pages for a migration, NULL without
 *	VIRTIO_BALLOON_F_FREE_PAGE_HINT
 * @report: queue of free pages, NULL without VIRTIO_BALLOON_F_REPORTING
 * @acked: woken when the device has answered on any queue but @stats
 * @pfns: elements for @inflate and @deflate, each of a block's frame numbers.
 *	Used under vmem.
 * @elements: how many of them may be under way at a time
 * @deflates_on_oom: the device allows the guest to take memory back when it has
 *	none left, whatever the VMM wants
 * @told_pages: what the device was last told that the balloon holds. Under vmem.
 * @told: @told_pages is true
 * @leaving: the device goes: it wants nothing any more. Written under vmem.
 * @changed: its configuration changed, and nobody has looked yet
 * @stats_work: answers a request for statistics
 * @stats_buffer: the answer. Used by @stats_work, which does not run when the
 *	queue is filled for the first time.
 * @report_batch: the free pages that the host's kernel is told of. Used by
 *	@reporting's core, which makes one call at a time.
 * @report_futile: generation of a registration whose host has nothing from reports,
 *	0 for none. As @report_batch.
 * @reporting: what the kernel knows us by for free page reporting
 * @reports: it is registered
 * @hint_work: tells the device of free memory during a migration
 * @hint_changed: the device may ask for another round, and nobody has looked yet
 * @hint_asked: the round that it asks for; @hint_work's own
 * @hint_round: a round's number on its way to the device; @hint_work's own
 * @hint_done: the round last answered; @hint_work's own
 * @hint_lock: protects @hint_held and @hint_needed. Innermost: nothing is taken or
 *	allocated under it.
 * @hint_held: blocks that the device has heard of and that nobody may use yet
 * @hint_needed: the kernel needed them: the round is over
 * @hint_shrinker: how it says so; registered while @hints is true
 * @hints: @hint_work may be queued
 */
struct bellows_virtio {
	struct virtio_device *vdev;
	struct bellows_control *control;
	struct virtqueue *inflate;
	struct virtqueue *deflate;
	struct virtqueue *stats;
	struct virtqueue *hint;
	struct virtqueue *report;
	wait_queue_head_t acked;
	__virtio32 *pfns;
	unsigned int elements;
	bool deflates_on_oom;
	unsigned long told_pages;
	bool told;
	bool leaving;
	bool changed;
	struct work_struct stats_work;
	struct virtio_balloon_stat stats_buffer[BELLOWS_STATS_MAX];
	struct bellows_batch report_batch;
	s64 report_futile;
	struct page_reporting_dev_info reporting;
	bool reports;
	struct work_struct hint_work;
	bool hint_changed;
	u32 hint_asked;
	__virtio32 hint_round;
	u32 hint_done;
	spinlock_t hint_lock;
	struct bellows_pages hint_held;
	bool hint_needed;
	struct shrinker *hint_shrinker;
	bool hints;
};

/* link_virtio.c: the device comes and goes */
int bellows_virtio_init(struct bellows_control *control);
void bellows_virtio_exit(void);
void bellows_virtio_quiesce(struct bellows_virtio *device);
unsigned long bellows_virtio_target(struct bellows_virtio *device);
void bellows_virtio_tell(struct bellows_virtio *device, unsigned long pages);

/* virtio_pages.c: pages go to the device and come back */
int bellows_virtio_pages_init(struct bellows_virtio *device);
void bellows_virtio_pages_exit(struct bellows_virtio *device);
int bellows_virtio_flush(struct bellows_virtio *device, struct virtqueue *queue,
			 unsigned int pending);
int bellows_virtio_release(struct bellows_virtio *device,
			   const struct bellows_batch *batch,
			   unsigned int nr,
			   struct bellows_release_answer *answer);
void bellows_virtio_take_back(struct bellows_virtio *device,
			      const struct bellows_pages *pages);
void bellows_virtio_take_back_page(struct bellows_virtio *device,
				   const struct page *page);

/* virtio_hint.c: free page hints during a migration */
void bellows_virtio_hint_start(struct bellows_virtio *device);
void bellows_virtio_hint_request(struct bellows_virtio *device);
void bellows_virtio_hint_stop(struct bellows_virtio *device);

/* virtio_report.c: free page reporting */
int bellows_virtio_report_start(struct bellows_virtio *device);
void bellows_virtio_report_stop(struct bellows_virtio *device);

/* virtio_stats.c: the guest's figures */
int bellows_virtio_stats_start(struct bellows_virtio *device);
void bellows_virtio_stats_stop(struct bellows_virtio *device);
void bellows_virtio_stats_request(struct virtqueue *queue);

#endif /* _BELLOWS_GUEST_VIRTIO_H */
