// SPDX-License-Identifier: GPL-2.0
/*
 * Single pages of the balloon get out of the way of compaction and of memory that
 * is unplugged: the host is given the page that the kernel offers instead, and the
 * old one goes back to the kernel. Blocks are what compaction wants to make, and
 * stay where they are.
 *
 * The kernel comes here from any allocation, with both pages locked. So nothing
 * is waited for but the host's answer: who finds a lock taken lets the kernel try
 * again, or another page.
 */
#include <linux/errno.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "bellows/compat.h"
#include "balloon.h"
#include "control.h"
#include "link.h"
#include "movable.h"
#include "virtio.h"

static struct bellows_control *bellows_control;

static bool bellows_movable_isolate(struct page *page, isolate_mode_t mode)
{
	return bellows_balloon_isolate(&bellows_control->balloon, page);
}

static void bellows_movable_putback(struct page *page)
{
	bellows_balloon_putback(&bellows_control->balloon, page);
}

/* Gives the host one page. Says whether it was the device that took it. */
static int bellows_movable_release(struct page *page, bool *devices)
{
	struct bellows_registration *registration =
		&bellows_control->registration;
	struct bellows_virtio *device = bellows_control->balloon.device;
	struct bellows_release_answer answer;
	int ret;

	registration->batch.range[0] = bellows_range(page_to_pfn(page), 1);
	*devices = registration->state != BELLOWS_HOST_PRESENT;
	if (!*devices)
		ret = bellows_registration_release(registration, 1, &answer);
	else if (device)
		ret = bellows_virtio_release(device, &registration->batch, 1,
					     &answer);
	else
		ret = -ENODEV;

	return ret == 0 && answer.done == 1 ? 0 : -EAGAIN;
}

/*
 * GRANT comes last, against the rule that it comes before the page is ours: the
 * host has one page too many at that moment, and need not think about it. When
 * it does not agree after all, HELLO puts its account right.
 */
static void bellows_movable_grant(struct bellows_registration *registration)
{
	if (registration->state == BELLOWS_HOST_PRESENT &&
	    bellows_registration_grant(registration, 1) != 1)
		bellows_registration_lose(registration, true);
}

static int bellows_movable_migrate(struct page *to, struct page *from,
				   enum migrate_mode mode)
{
	struct bellows_balloon *balloon = &bellows_control->balloon;
	int ret = -EAGAIN;
	bool devices;

	/* What is in the page is the host's business. */
	if (bellows_migrate_no_copy(mode))
		return -EINVAL;

	if (!mutex_trylock(&bellows_control->accord))
		return -EAGAIN;
	if (!mutex_trylock(&balloon->vmem))
		goto unlock_accord;

	ret = bellows_movable_release(to, &devices);
	if (ret == 0) {
		if (balloon->device)
			bellows_virtio_take_back_page(balloon->device, from);
		bellows_balloon_exchange(balloon, to, from, devices);
	}
	mutex_unlock(&balloon->vmem);

	if (ret == 0) {
		if (!devices)
			bellows_movable_grant(&bellows_control->registration);
		put_page(from);
	}
unlock_accord:
	mutex_unlock(&bellows_control->accord);

	return ret;
}

const struct movable_operations bellows_movable_ops = {
	.isolate_page = bellows_movable_isolate,
	.migrate_page = bellows_movable_migrate,
	.putback_page = bellows_movable_putback,
};

/**
 * bellows_movable_init() - before the balloon holds anything
 * @control: the guest's side
 */
void bellows_movable_init(struct bellows_control *control)
{
	bellows_control = control;
}
