// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio balloon device, as the VMM emulates it: the way for its own wishes,
 * and the way for memory when the host's kernel does not answer our calls.
 *
 * The device has its own wish for our size, which control.c reconciles with the
 * host agent's. Where the host's kernel answers, memory goes there, whoever asked
 * for it; the device only learns how much of its wish is fulfilled.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_reporting.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "bellows/compat.h"
#include "control.h"
#include "virtio.h"

enum bellows_queue {
	BELLOWS_QUEUE_INFLATE,
	BELLOWS_QUEUE_DEFLATE,
	BELLOWS_QUEUE_STATS,
	BELLOWS_QUEUE_HINT,
	BELLOWS_QUEUE_REPORT,
	BELLOWS_QUEUES,
};

/* What devices are given to, from bellows_virtio_init() on. */
static struct bellows_control *bellows_control;

/**
 * bellows_virtio_target() - what the VMM wants the balloon to hold
 * @device: the device
 *
 * Context: vmem is held. May sleep.
 * Return: pages.
 */
unsigned long bellows_virtio_target(struct bellows_virtio *device)
{
	u32 pages = 0;

	lockdep_assert_held(&device->control->balloon.vmem);

	if (!device->leaving)
		virtio_cread_le(device->vdev, struct virtio_balloon_config,
				num_pages, &pages);

	return pages;
}

/**
 * bellows_virtio_tell() - let the VMM know what the balloon holds for it
 * @device: the device
 * @pages: how much
 *
 * Context: vmem is held. May sleep.
 */
void bellows_virtio_tell(struct bellows_virtio *device, unsigned long pages)
{
	u32 actual = min_t(unsigned long, pages, U32_MAX);

	lockdep_assert_held(&device->control->balloon.vmem);

	if (device->told && device->told_pages == actual)
		return;

	virtio_cwrite_le(device->vdev, struct virtio_balloon_config, actual,
			 &actual);
	device->told_pages = actual;
	device->told = true;
}

static void bellows_virtio_acked(struct virtqueue *queue)
{
	struct bellows_virtio *device = queue->vdev->priv;

	wake_up(&device->acked);
}

static int bellows_virtio_find_queues(struct bellows_virtio *device)
{
	struct virtqueue *queues[BELLOWS_QUEUES] = {};
	vq_callback_t *callbacks[BELLOWS_QUEUES] = {
		[BELLOWS_QUEUE_INFLATE] = bellows_virtio_acked,
		[BELLOWS_QUEUE_DEFLATE] = bellows_virtio_acked,
		[BELLOWS_QUEUE_STATS] = bellows_virtio_stats_request,
		[BELLOWS_QUEUE_HINT] = bellows_virtio_acked,
		[BELLOWS_QUEUE_REPORT] = bellows_virtio_acked,
	};
	/* One without a name does not exist. */
	const char *names[BELLOWS_QUEUES] = {
		[BELLOWS_QUEUE_INFLATE] = "inflate",
		[BELLOWS_QUEUE_DEFLATE] = "deflate",
	};
	struct virtio_device *vdev = device->vdev;
	int ret;

	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_STATS_VQ))
		names[BELLOWS_QUEUE_STATS] = "stats";
	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		names[BELLOWS_QUEUE_HINT] = "hint";
	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_REPORTING))
		names[BELLOWS_QUEUE_REPORT] = "report";

	ret = bellows_find_queues(vdev, BELLOWS_QUEUES, queues, callbacks,
				  names);
	if (ret)
		return ret;

	device->inflate = queues[BELLOWS_QUEUE_INFLATE];
	device->deflate = queues[BELLOWS_QUEUE_DEFLATE];
	device->stats = queues[BELLOWS_QUEUE_STATS];
	device->hint = queues[BELLOWS_QUEUE_HINT];
	device->report = queues[BELLOWS_QUEUE_REPORT];

	return 0;
}

/*
 * A VMM that puts pages back in another way than by zeroing them has to know
 * what our kernel expects to find in free memory.
 */
static void bellows_virtio_tell_poison(struct bellows_virtio *device)
{
	u32 poison = 0;

	if (!virtio_has_feature(device->vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		return;

	if (!want_init_on_free())
		memset(&poison, PAGE_POISON, sizeof(poison));
	virtio_cwrite_le(device->vdev, struct virtio_balloon_config, poison_val,
			 &poison);
}

/* Everything between a reset device and one that works. */
static int bellows_virtio_start(struct bellows_virtio *device)
{
	struct virtio_device *vdev = device->vdev;
	int ret;

	ret = bellows_virtio_find_queues(device);
	if (ret)
		return ret;

	ret = bellows_virtio_pages_init(device);
	if (ret)
		goto delete_queues;

	bellows_virtio_tell_poison(device);
	device->told = false;
	device->leaving = false;
	virtio_device_ready(vdev);

	/* The rest works without either. */
	ret = bellows_virtio_stats_start(device);
	if (ret)
		pr_notice("no statistics for the VMM (error %d)\n", ret);
	ret = bellows_virtio_report_start(device);
	if (ret)
		pr_notice("no free page reporting (error %d)\n", ret);
	bellows_virtio_hint_start(device);

	bellows_control_attach(device->control, device);

	return 0;

delete_queues:
	vdev->config->del_vqs(vdev);
	device->inflate = NULL;

	return ret;
}

/* The way back, with a device that still answers or one that was pulled out. */
static void bellows_virtio_stop(struct bellows_virtio *device)
{
	struct virtio_device *vdev = device->vdev;

	/* It may have failed to come back from a suspension. */
	if (!device->inflate)
		return;

	bellows_virtio_hint_stop(device);
	bellows_virtio_report_stop(device);
	bellows_control_detach(device->control);
	virtio_reset_device(vdev);
	bellows_virtio_stats_stop(device);
	vdev->config->del_vqs(vdev);
	device->inflate = NULL;
	bellows_virtio_pages_exit(device);
}

static int bellows_virtio_probe(struct virtio_device *vdev)
{
	struct bellows_virtio *device;
	int ret;

	if (!vdev->config->get)
		return -EINVAL;

	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;

	device->vdev = vdev;
	device->control = bellows_control;
	device->deflates_on_oom =
		virtio_has_feature(vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	init_waitqueue_head(&device->acked);
	vdev->priv = device;

	/* A guest has one size, so one device can have a say in it. */
	if (bellows_control_has_device(bellows_control)) {
		ret = -EBUSY;
		goto free_device;
	}

	ret = bellows_virtio_start(device);
	if (ret)
		goto free_device;

	return 0;

free_device:
	kfree(device);

	return ret;
}

static void bellows_virtio_remove(struct virtio_device *vdev)
{
	struct bellows_virtio *device = vdev->priv;

	bellows_virtio_stop(device);
	kfree(device);
}

static void bellows_virtio_changed(struct virtio_device *vdev)
{
	struct bellows_virtio *device = vdev->priv;

	WRITE_ONCE(device->changed, true);
	bellows_control_kick(device->control);
	bellows_virtio_hint_request(device);
}

#ifdef CONFIG_PM
/*
 * What the device had comes back: the next VMM that runs this guest, from a
 * hibernation image, may not know of it.
 */
static int bellows_virtio_freeze(struct virtio_device *vdev)
{
	bellows_virtio_stop(vdev->priv);

	return 0;
}

static int bellows_virtio_restore(struct virtio_device *vdev)
{
	return bellows_virtio_start(vdev->priv);
}
#endif

/**
 * bellows_virtio_quiesce() - leave the device to the kernel that comes next
 * @device: the device, used no more
 *
 * The bus resets it, now that nobody waits for its answers any more.
 *
 * Context: Reboot notifier. May sleep.
 */
void bellows_virtio_quiesce(struct bellows_virtio *device)
{
	bellows_virtio_hint_stop(device);
	bellows_virtio_report_stop(device);
	bellows_control_disown(device->control);
	bellows_virtio_stats_stop(device);
}

static int bellows_virtio_validate(struct virtio_device *vdev)
{
	/*
	 * Free pages of a kernel that poisons them, or counts on their being
	 * zero, must not come back from the host with something else in them.
	 */
	if (!want_init_on_free() && !page_poisoning_enabled_static())
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_PAGE_POISON);
	else if (!virtio_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_REPORTING);

	/* An indirect descriptor would be allocated for each report. */
	__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	/* A balloon is about the guest's physical addresses, not the bus's. */
	__virtio_clear_bit(vdev, VIRTIO_F_ACCESS_PLATFORM);

	return 0;
}

static const unsigned int bellows_virtio_features[] = {
	VIRTIO_BALLOON_F_MUST_TELL_HOST, VIRTIO_BALLOON_F_STATS_VQ,
	VIRTIO_BALLOON_F_DEFLATE_ON_OOM, VIRTIO_BALLOON_F_FREE_PAGE_HINT,
	VIRTIO_BALLOON_F_PAGE_POISON,	 VIRTIO_BALLOON_F_REPORTING,
};

static const struct virtio_device_id bellows_virtio_ids[] = {
	{ VIRTIO_ID_BALLOON, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, bellows_virtio_ids);

static struct virtio_driver bellows_virtio_driver = {
	.driver.name = "bellows_guest",
	.driver.owner = THIS_MODULE,
	.id_table = bellows_virtio_ids,
	.feature_table = bellows_virtio_features,
	.feature_table_size = ARRAY_SIZE(bellows_virtio_features),
	.validate = bellows_virtio_validate,
	.probe = bellows_virtio_probe,
	.remove = bellows_virtio_remove,
	.config_changed = bellows_virtio_changed,
#ifdef CONFIG_PM
	.freeze = bellows_virtio_freeze,
	.restore = bellows_virtio_restore,
#endif
};

/**
 * bellows_virtio_init() - take the balloon device, now or when it comes
 * @control: what sets the size. Its worker runs already.
 *
 * One that the stock driver has is left to it.
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int bellows_virtio_init(struct bellows_control *control)
{
	bellows_control = control;

	return register_virtio_driver(&bellows_virtio_driver);
}

/**
 * bellows_virtio_exit() - let go of the device
 *
 * What the device had comes back, as far as nobody else wants it.
 *
 * Context: May sleep. The worker still runs.
 */
void bellows_virtio_exit(void)
{
	unregister_virtio_driver(&bellows_virtio_driver);
}
