/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides how large the balloon shall be, and makes it so.
 */
#ifndef _BELLOWS_GUEST_CONTROL_H
#define _BELLOWS_GUEST_CONTROL_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "backoff.h"
#include "balloon.h"
#include "doorbell.h"
#include "registration.h"
#include "shared.h"
#include "strain.h"
#include "wanted.h"
#include "wish.h"

struct bellows_link_ops;
struct bellows_virtio;

/**
 * enum bellows_target_source - who set the size that the balloon works towards
 *
 * @BELLOWS_TARGET_NONE: Nobody wants anything.
 * @BELLOWS_TARGET_AGENT: The host's agent.
 * @BELLOWS_TARGET_VIRTIO: The VMM, through the virtio device.
 * @BELLOWS_TARGET_FLOOR: The guest: somebody wants more than it will give.
 */
enum bellows_target_source {
	BELLOWS_TARGET_NONE,
	BELLOWS_TARGET_AGENT,
	BELLOWS_TARGET_VIRTIO,
	BELLOWS_TARGET_FLOOR,
};

/**
 * struct bellows_control - the guest's side as a whole
 * @accord: keeps what the host is told of our size and the size itself
 *	together: HELLO declares it, GRANT changes it on the host's side, and the
 *	pool follows. Held over report and HELLO or PING, over GRANT and what is
 *	then taken from the pool, and over BYE. Comes before all other locks,
 *	those that the host takes for a call included. Nothing is allocated under
 *	it: the OOM notifier takes it.
 * @balloon: the pool
 * @registration: our standing with the host
 * @shared: the shared page
 * @doorbell: how the host calls us
 * @queue: runs @work, one at a time; freezes with user space, so that nothing
 *	moves while a hibernation image is made
 * @work: the worker: all changes of size, all calls to the host
 * @strain: has @work report early, or give memory back; watches while there is
 *	a balloon of which a host, or the guest, could take something back. The
 *	worker starts and stops it.
 * @report: where the worker puts the figures for the host together
 * @wish: the last that the host asked for; the worker's own
 * @hints: room to read the host's hints to; the worker's own
 * @device_pages: the last that the VMM asked for through the virtio device.
 *	Written under vmem, read anywhere.
 * @wanted: how far the ranges in @wish have been gone through; the worker's own
 * @target_pages: what the balloon works towards. Written by the worker, read
 *	anywhere.
 * @source: who set it; as @target_pages
 * @floor_pages: what the guest keeps, whatever the target. Written from sysfs.
 * @is_short: the last inflation ended before the target; the worker's own
 * @retry_at: jiffies before which no inflation is tried while @holds_off
 * @holds_off: the host told us not to try soon; the worker's own
 * @backoff: how long no inflation is tried after a relief; under accord
 * @stopped: the worker shall do nothing
 */
struct bellows_control {
	struct mutex accord;
	struct bellows_balloon balloon;
	struct bellows_registration registration;
	struct bellows_shared shared;
	struct bellows_doorbell doorbell;
	struct workqueue_struct *queue;
	struct delayed_work work;
	struct bellows_strain strain;
	struct bellows_guest_half *report;
	struct bellows_wish wish;
	u64 hints[BELLOWS_HINTS_MAX];
	unsigned long device_pages;
	struct bellows_wanted wanted;
	unsigned long target_pages;
	enum bellows_target_source source;
	unsigned long floor_pages;
	bool is_short;
	unsigned long retry_at;
	bool holds_off;
	struct bellows_backoff backoff;
	bool stopped;
};

int bellows_control_init(struct bellows_control *control,
			 const struct bellows_link_ops *link);
void bellows_control_exit(struct bellows_control *control);
void bellows_control_kick(struct bellows_control *control);
void bellows_control_start(struct bellows_control *control);
void bellows_control_stop(struct bellows_control *control);

/* control_relief.c: what the guest itself needs back */
unsigned long bellows_control_relieve(struct bellows_control *control,
				      unsigned long most);
bool bellows_control_recovers(struct bellows_control *control);
int bellows_control_vacate(struct bellows_control *control,
			   unsigned long start_pfn, unsigned long nr);

/* control_virtio.c: the virtio device's part in it */
void bellows_control_attach(struct bellows_control *control,
			    struct bellows_virtio *device);
void bellows_control_detach(struct bellows_control *control);
void bellows_control_disown(struct bellows_control *control);
bool bellows_control_has_device(struct bellows_control *control);
void bellows_control_listen_device(struct bellows_control *control);
void bellows_control_tell_device(struct bellows_control *control);
unsigned long bellows_control_spare(struct bellows_control *control);

#endif /* _BELLOWS_GUEST_CONTROL_H */
