// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio device's part in the size of the balloon: what the VMM wants, and
 * what it is told of what became of it.
 *
 * The VMM takes what it is told for the size that was configured. So it never
 * hears of more than it asked for: what the host's agent has on top of that is
 * between us and the agent.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "balloon.h"
#include "control.h"
#include "virtio.h"

/**
 * bellows_control_attach() - a virtio device has come
 * @control: the guest's side
 * @device: works
 *
 * Context: May sleep, takes vmem.
 */
void bellows_control_attach(struct bellows_control *control,
			    struct bellows_virtio *device)
{
	struct bellows_balloon *balloon = &control->balloon;

	mutex_lock(&balloon->vmem);
	balloon->device = device;
	device->changed = true;
	bellows_balloon_show(balloon, device->deflates_on_oom);
	mutex_unlock(&balloon->vmem);

	bellows_control_kick(control);
}

/**
 * bellows_control_detach() - the virtio device goes
 * @control: the guest's side. The device still answers, or was pulled out.
 *
 * Whatever only the VMM wanted comes back. So does the rest of what the device
 * had, unless the host's kernel knows of it: nobody else could say whose it is.
 *
 * Context: May sleep. Not under vmem.
 */
void bellows_control_detach(struct bellows_control *control)
{
	struct bellows_balloon *balloon = &control->balloon;

	mutex_lock(&balloon->vmem);
	balloon->device->leaving = true;
	WRITE_ONCE(control->device_pages, 0);
	mutex_unlock(&balloon->vmem);

	/* The worker asks the host before it takes anything back. */
	if (!READ_ONCE(control->stopped)) {
		bellows_control_kick(control);
		flush_delayed_work(&control->work);
	}

	mutex_lock(&control->accord);
	if (control->registration.state != BELLOWS_HOST_PRESENT)
		bellows_balloon_recall(balloon);
	mutex_unlock(&control->accord);
	bellows_control_tell_device(control);
	bellows_control_disown(control);
}

/**
 * bellows_control_disown() - do without the virtio device from now on
 * @control: the guest's side. The device is used no more when this returns.
 *
 * Context: May sleep, takes vmem.
 */
void bellows_control_disown(struct bellows_control *control)
{
	struct bellows_balloon *balloon = &control->balloon;

	mutex_lock(&balloon->vmem);
	balloon->device = NULL;
	WRITE_ONCE(control->device_pages, 0);
	bellows_balloon_disown(balloon);
	bellows_balloon_show(balloon, false);
	mutex_unlock(&balloon->vmem);
}

/**
 * bellows_control_has_device() - is there a virtio device?
 * @control: the guest's side
 *
 * Context: May sleep, takes vmem.
 * Return: whether there is.
 */
bool bellows_control_has_device(struct bellows_control *control)
{
	bool has;

	mutex_lock(&control->balloon.vmem);
	has = control->balloon.device;
	mutex_unlock(&control->balloon.vmem);

	return has;
}

/**
 * bellows_control_listen_device() - read what the VMM wants if it has changed
 * @control: the guest's side
 *
 * Another target than before is tried as if none had ever been too much.
 *
 * Context: Worker. May sleep, takes vmem, and accord after it.
 */
void bellows_control_listen_device(struct bellows_control *control)
{
	unsigned long before = READ_ONCE(control->device_pages);
	struct bellows_virtio *device;

	mutex_lock(&control->balloon.vmem);
	device = control->balloon.device;
	/* Cleared before it is read: a change after that is seen next time. */
	if (device && xchg(&device->changed, false))
		WRITE_ONCE(control->device_pages,
			   bellows_virtio_target(device));
	mutex_unlock(&control->balloon.vmem);

	if (READ_ONCE(control->device_pages) == before)
		return;

	mutex_lock(&control->accord);
	bellows_backoff_forgive(&control->backoff);
	mutex_unlock(&control->accord);
}

/**
 * bellows_control_tell_device() - tell the VMM how much of its wish it has
 * @control: the guest's side
 *
 * Context: May sleep, takes vmem.
 */
void bellows_control_tell_device(struct bellows_control *control)
{
	struct bellows_balloon *balloon = &control->balloon;

	mutex_lock(&balloon->vmem);
	if (balloon->device)
		bellows_virtio_tell(balloon->device,
				    min(bellows_balloon_size(balloon),
					control->device_pages));
	mutex_unlock(&balloon->vmem);
}

/**
 * bellows_control_spare() - what may come back though it is wanted
 * @control: the guest's side
 *
 * A device that does not say that the guest may help itself when it runs out of
 * memory wants what it asked for, whatever happens.
 *
 * Context: May sleep, takes vmem.
 * Return: pages.
 */
unsigned long bellows_control_spare(struct bellows_control *control)
{
	struct bellows_balloon *balloon = &control->balloon;
	unsigned long size, kept = 0;

	mutex_lock(&balloon->vmem);
	size = bellows_balloon_size(balloon);
	if (balloon->device && !balloon->device->deflates_on_oom)
		kept = min(size, control->device_pages);
	mutex_unlock(&balloon->vmem);

	return size - kept;
}
