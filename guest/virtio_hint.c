// SPDX-License-Identifier: GPL-2.0
/*
 * Free page hints: while a VMM migrates us it asks which memory is free, and does
 * not send that.
 *
 * A hint says that what is in a block does not matter at the moment at which the
 * VMM hears of it; whatever is written to it later is sent after all. So blocks
 * are taken off the free lists, told of, and when the VMM has answered they can
 * go back. A round has a number, which the VMM chooses: it is sent before the
 * first block, and zero behind the last. All blocks of a round are held until its
 * end, so that none is told of twice; unless the kernel needs memory, which ends
 * the round. It asks by way of a shrinker, before it goes on to drop what it has
 * use for.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include <bellows/compat.h>

#include "blocks.h"
#include "counters.h"
#include "virtio.h"

/* On their way to the VMM at a time: so much nobody gets back before it answers. */
#define BELLOWS_HINT_BLOCKS (SZ_32M / SZ_2M)

/* Whose hints the kernel may need; there is one device at most. */
static struct bellows_virtio *bellows_hinter;

/*
 * Which round does the VMM want? It shows the number only until it has seen our
 * answer, and tells us when it wants something else: so it is read once.
 */
static u32 bellows_hint_asked(struct bellows_virtio *device)
{
	/* Cleared before it is read: a change after that is seen next time. */
	if (xchg(&device->hint_changed, false))
		virtio_cread_le(device->vdev, struct virtio_balloon_config,
				free_page_hint_cmd_id, &device->hint_asked);

	return device->hint_asked;
}

static int bellows_hint_send_round(struct bellows_virtio *device, u32 round)
{
	struct scatterlist sg;
	int ret;

	device->hint_round = cpu_to_virtio32(device->vdev, round);
	sg_init_one(&sg, &device->hint_round, sizeof(device->hint_round));
	ret = virtqueue_add_outbuf(device->hint, &sg, 1, device, GFP_KERNEL);

	return ret ?: bellows_virtio_flush(device, device->hint, 1);
}

/* The VMM has heard of all of it when this returns, successfully or not. */
static int bellows_hint_send(struct bellows_virtio *device,
			     const struct bellows_pages *pages)
{
	unsigned int most = virtqueue_get_vring_size(device->hint);
	unsigned int pending = 0;
	struct scatterlist sg;
	struct page *block;
	int ret = 0;

	sg_init_table(&sg, 1);
	list_for_each_entry(block, &pages->blocks, lru) {
		sg_set_page(&sg, block, SZ_2M, 0);
		ret = virtqueue_add_inbuf(device->hint, &sg, 1, device,
					  GFP_KERNEL);
		if (ret)
			break;
		if (++pending < most)
			continue;
		ret = bellows_virtio_flush(device, device->hint, pending);
		if (ret)
			return ret;
		pending = 0;
	}

	return bellows_virtio_flush(device, device->hint, pending) ?: ret;
}

/* Keeps what the VMM has heard of, if the kernel does not need it. */
static void bellows_hint_hold(struct bellows_virtio *device,
			      struct bellows_pages *heard)
{
	struct bellows_pages *held = &device->hint_held;

	spin_lock(&device->hint_lock);
	if (!device->hint_needed) {
		list_splice_tail_init(&heard->blocks, &held->blocks);
		held->nr_blocks += heard->nr_blocks;
		heard->nr_blocks = 0;
	}
	spin_unlock(&device->hint_lock);

	bellows_blocks_give_back(heard);
}

/* Gives back what is held; returns how many pages that was. */
static unsigned long bellows_hint_let_go(struct bellows_virtio *device,
					 bool needed)
{
	struct bellows_pages pages;
	unsigned long count;

	bellows_pages_init(&pages);
	spin_lock(&device->hint_lock);
	device->hint_needed = needed;
	list_splice_init(&device->hint_held.blocks, &pages.blocks);
	pages.nr_blocks = device->hint_held.nr_blocks;
	WRITE_ONCE(device->hint_held.nr_blocks, 0);
	spin_unlock(&device->hint_lock);

	count = bellows_pages_count(&pages);
	bellows_blocks_give_back(&pages);

	return count;
}

static void bellows_hint_blocks(struct bellows_virtio *device, u32 round)
{
	struct bellows_pages taken;
	bool more;

	/* The kernel may have asked for the last of a round when it was over. */
	bellows_hint_let_go(device, false);
	bellows_blocks_drain();
	do {
		bellows_pages_init(&taken);
		bellows_blocks_take_idle(&taken, BELLOWS_HINT_BLOCKS);
		more = taken.nr_blocks;
		if (bellows_hint_send(device, &taken))
			more = false;
		else
			bellows_count(BELLOWS_HINTED_PAGES,
				      bellows_pages_count(&taken));
		bellows_hint_hold(device, &taken);
	} while (more && !READ_ONCE(device->hint_needed) &&
		 bellows_hint_asked(device) == round);

	bellows_hint_let_go(device, false);
}

static unsigned long bellows_hint_count(struct shrinker *shrinker,
					struct shrink_control *unused)
{
	return READ_ONCE(bellows_hinter->hint_held.nr_blocks) *
	       BELLOWS_BLOCK_PAGES;
}

/* Everything: the kernel asks for a little at a time, and is in need. */
static unsigned long bellows_hint_scan(struct shrinker *shrinker,
				       struct shrink_control *unused)
{
	return bellows_hint_let_go(bellows_hinter, true) ?: SHRINK_STOP;
}

static int bellows_hint_shrinker(struct bellows_virtio *device)
{
	struct shrinker *shrinker = bellows_shrinker_alloc();
	int ret;

	if (!shrinker)
		return -ENOMEM;

	shrinker->count_objects = bellows_hint_count;
	shrinker->scan_objects = bellows_hint_scan;
	shrinker->seeks = DEFAULT_SEEKS;
	shrinker->batch = BELLOWS_BLOCK_PAGES;
	bellows_hinter = device;
	ret = bellows_shrinker_register(shrinker);
	if (ret)
		bellows_shrinker_free(shrinker);
	else
		device->hint_shrinker = shrinker;

	return ret;
}

static void bellows_hint_work(struct work_struct *work)
{
	struct bellows_virtio *device =
		container_of(work, struct bellows_virtio, hint_work);
	u32 round = bellows_hint_asked(device);

	if (round == VIRTIO_BALLOON_CMD_ID_STOP ||
	    round == VIRTIO_BALLOON_CMD_ID_DONE || round == device->hint_done)
		return;

	device->hint_done = round;
	if (bellows_hint_send_round(device, round) == 0)
		bellows_hint_blocks(device, round);
	bellows_hint_send_round(device, VIRTIO_BALLOON_CMD_ID_STOP);
}

/**
 * bellows_virtio_hint_start() - answer when hints are asked for
 * @device: works
 *
 * Context: May sleep.
 */
void bellows_virtio_hint_start(struct bellows_virtio *device)
{
	int ret;

	if (!device->hint)
		return;

	INIT_WORK(&device->hint_work, bellows_hint_work);
	device->hint_done = VIRTIO_BALLOON_CMD_ID_STOP;
	spin_lock_init(&device->hint_lock);
	bellows_pages_init(&device->hint_held);
	ret = bellows_hint_shrinker(device);
	if (ret) {
		pr_notice("no free page hints (error %d)\n", ret);
		return;
	}

	WRITE_ONCE(device->hints, true);
	bellows_virtio_hint_request(device);
}

/**
 * bellows_virtio_hint_request() - the VMM may want hints
 * @device: the device
 *
 * Context: Any, interrupts too.
 */
void bellows_virtio_hint_request(struct bellows_virtio *device)
{
	if (!READ_ONCE(device->hints))
		return;

	WRITE_ONCE(device->hint_changed, true);
	queue_work(system_freezable_wq, &device->hint_work);
}

/**
 * bellows_virtio_hint_stop() - give no hints any more
 * @device: still answers; its configuration does not change any more
 *
 * Context: May sleep.
 */
void bellows_virtio_hint_stop(struct bellows_virtio *device)
{
	if (!device->hints)
		return;

	WRITE_ONCE(device->hints, false);
	cancel_work_sync(&device->hint_work);
	bellows_shrinker_free(device->hint_shrinker);
}
