// SPDX-License-Identifier: GPL-2.0
/*
 * Bellows: a memory balloon in a KVM guest that gives whole blocks to the host.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "blocks.h"
#include "control.h"
#include "inspect.h"
#include "link.h"
#include "relief.h"
#include "stats.h"
#include "sweep.h"
#include "sysfs.h"
#include "victims.h"
#include "virtio.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static struct bellows_control bellows;

/*
 * The kernel that comes next, by kexec too, uses this memory for something
 * else: the host must not write to it.
 */
static int bellows_reboot(struct notifier_block *block, unsigned long action,
			  void *unused)
{
	/* Only the driver core changes it, which is busy with the reboot. */
	struct bellows_virtio *device = bellows.balloon.device;

	bellows_control_stop(&bellows);
	if (device)
		bellows_virtio_quiesce(device);

	return NOTIFY_DONE;
}

static struct notifier_block bellows_reboot_block = {
	.notifier_call = bellows_reboot,
};

/*
 * A hibernated kernel wakes up on a host that may not know it, and the kernel
 * that restores it has a shared page of its own, over which the image goes. A
 * suspended one stays where it is, but its host may be another afterwards.
 */
static int bellows_power(struct notifier_block *block, unsigned long event,
			 void *unused)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
	case PM_SUSPEND_PREPARE:
		bellows_control_stop(&bellows);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
	case PM_POST_SUSPEND:
		bellows_control_start(&bellows);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block bellows_power_block = {
	.notifier_call = bellows_power,
};

static int __init bellows_guest_init(void)
{
	const struct bellows_link_ops *link = bellows_link_hypercall();
	int ret;

	if (!link) {
		pr_err("not a KVM guest, or one with encrypted memory\n");
		return -ENODEV;
	}

	bellows_blocks_init();
	bellows_stats_init();
	bellows_sweep_init();
	bellows_victims_init();
	bellows_inspect_init();

	ret = bellows_control_init(&bellows, link);
	if (ret)
		goto exit_sweep;

	ret = bellows_sysfs_init(&bellows);
	if (ret)
		goto exit_control;

	ret = bellows_relief_init(&bellows);
	if (ret)
		goto exit_sysfs;

	ret = register_reboot_notifier(&bellows_reboot_block);
	if (ret)
		goto exit_relief;

	ret = register_pm_notifier(&bellows_power_block);
	if (ret)
		goto unregister_reboot;

	bellows_control_start(&bellows);

	ret = bellows_virtio_init(&bellows);
	if (ret)
		goto stop_control;

	return 0;

stop_control:
	bellows_control_stop(&bellows);
	unregister_pm_notifier(&bellows_power_block);
unregister_reboot:
	unregister_reboot_notifier(&bellows_reboot_block);
exit_relief:
	bellows_relief_exit();
exit_sysfs:
	bellows_sysfs_exit();
exit_control:
	bellows_control_exit(&bellows);
exit_sweep:
	bellows_inspect_exit();
	bellows_victims_exit();
	bellows_sweep_exit();

	return ret;
}

static void __exit bellows_guest_exit(void)
{
	bellows_virtio_exit();
	unregister_pm_notifier(&bellows_power_block);
	unregister_reboot_notifier(&bellows_reboot_block);
	bellows_relief_exit();
	bellows_sysfs_exit();
	/* BYE before any page goes back: it declares all of them taken back. */
	bellows_control_stop(&bellows);
	bellows_control_exit(&bellows);
	bellows_inspect_exit();
	bellows_victims_exit();
	bellows_sweep_exit();
}

module_init(bellows_guest_init);
module_exit(bellows_guest_exit);

MODULE_DESCRIPTION("Bellows memory balloon for KVM guests");
MODULE_AUTHOR("The Bellows developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
