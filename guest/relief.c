// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel needs memory that the balloon holds.
 *
 * One case is the last resort before the OOM killer: the kernel asks whoever
 * holds memory to let go of some, and kills nobody if anybody does. Another is
 * memory that is being unplugged: whoever holds some of it is asked. Before the
 * first, a guest that can swap may wait for memory for ever: nobody asks then, so
 * we look ourselves.
 *
 * The first asks in the context of the task that could not get a page, which holds
 * the kernel's oom_lock. Nothing is allocated here, and nothing is ever allocated
 * under vmem, which this takes: otherwise the two would wait for each other.
 */
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sizes.h>
#include <linux/time64.h>

#include "blocks.h"
#include "control.h"
#include "relief.h"

/* Given back each time; the stock driver's 1 MiB is gone at once. */
#define BELLOWS_OOM_PAGES	(SZ_64M >> PAGE_SHIFT)

/* A guest that waits for memory most of the time bears it for so long; */
#define BELLOWS_PATIENCE_NS	(200 * NSEC_PER_MSEC)
/* longer when it has told a host, which knows who needs memory most. */
#define BELLOWS_PATIENCE_HOST_NS NSEC_PER_SEC

static struct bellows_control *bellows_control;

static int bellows_relief_oom(struct notifier_block *block, unsigned long unused,
			      void *freed)
{
	*(unsigned long *)freed += bellows_control_relieve(bellows_control,
							   BELLOWS_OOM_PAGES);
	return NOTIFY_OK;
}

static struct notifier_block bellows_oom_block = {
	.notifier_call = bellows_relief_oom,
};

/*
 * Memory that is to be unplugged cannot be moved elsewhere by the kernel when the
 * balloon holds it.
 */
static int bellows_relief_unplug(struct notifier_block *block,
				 unsigned long action, void *data)
{
	const struct memory_notify *range = data;
	int ret;

	if (action != MEM_GOING_OFFLINE)
		return NOTIFY_OK;

	ret = bellows_control_vacate(bellows_control, range->start_pfn,
				     range->nr_pages);

	return notifier_from_errno(ret);
}

static struct notifier_block bellows_memory_block = {
	.notifier_call = bellows_relief_unplug,
};

/**
 * bellows_relief_init() - be asked from now on
 * @control: the guest's side
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int bellows_relief_init(struct bellows_control *control)
{
	int ret;

	bellows_control = control;

	ret = register_oom_notifier(&bellows_oom_block);
	if (ret)
		return ret;

	ret = register_memory_notifier(&bellows_memory_block);
	if (ret)
		unregister_oom_notifier(&bellows_oom_block);

	return ret;
}

/**
 * bellows_relief_exit() - be asked no more
 *
 * Context: May sleep. Waits for one who is asking.
 */
void bellows_relief_exit(void)
{
	unregister_memory_notifier(&bellows_memory_block);
	unregister_oom_notifier(&bellows_oom_block);
}

/**
 * bellows_relief_watches() - is there any use in watching for strain?
 * @control: the guest's side
 *
 * Context: Worker. Takes vmem.
 * Return: true if there is a balloon, and a host to tell or something that we may
 * take back without one.
 */
bool bellows_relief_watches(struct bellows_control *control)
{
	if (bellows_balloon_size(&control->balloon) == 0)
		return false;

	return control->registration.state == BELLOWS_HOST_PRESENT ||
	       bellows_control_spare(control);
}

/**
 * bellows_relief_due() - must the guest have memory back now, whoever wants it?
 * @control: the guest's side
 *
 * It must when nothing is left to allocate, and when tasks have waited for memory
 * for too long: a host that was told has not reacted, or there is none.
 *
 * Context: Worker. What was waited for so far is taken as dealt with.
 * Return: whether it must.
 */
bool bellows_relief_due(struct bellows_control *control)
{
	u64 patience_ns = control->registration.state == BELLOWS_HOST_PRESENT ?
				  BELLOWS_PATIENCE_HOST_NS :
				  BELLOWS_PATIENCE_NS;

	if (bellows_blocks_room() == 0)
		return true;
	if (bellows_strain_suffered(&control->strain) < patience_ns)
		return false;

	bellows_strain_relieved(&control->strain);

	return true;
}
