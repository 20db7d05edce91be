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
 * end, so that none is told of twice.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "blocks.h"
#include "counters.h"
#include "virtio.h"

/* Which round does the VMM want? */
static u32 bellows_hint_asked(struct bellows_virtio *device)
{
	u32 round;

	virtio_cread_le(device->vdev, struct virtio_balloon_config,
			free_page_hint_cmd_id, &round);

	return round;
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

static void bellows_hint_blocks(struct bellows_virtio *device, u32 round)
{
	struct bellows_pages held, taken;

	bellows_pages_init(&held);
	bellows_blocks_drain();
	do {
		bellows_pages_init(&taken);
		bellows_blocks_take_idle(&taken);
		if (bellows_hint_send(device, &taken))
			round = VIRTIO_BALLOON_CMD_ID_STOP;
		else
			bellows_count(BELLOWS_HINTED_PAGES,
				      bellows_pages_count(&taken));
		list_splice_tail_init(&taken.blocks, &held.blocks);
		held.nr_blocks += taken.nr_blocks;
	} while (taken.nr_blocks && bellows_hint_asked(device) == round);

	bellows_blocks_give_back(&held);
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
	INIT_WORK(&device->hint_work, bellows_hint_work);
	device->hint_done = VIRTIO_BALLOON_CMD_ID_STOP;
	WRITE_ONCE(device->hints, device->hint);
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
	if (READ_ONCE(device->hints))
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
	WRITE_ONCE(device->hints, false);
	cancel_work_sync(&device->hint_work);
}
