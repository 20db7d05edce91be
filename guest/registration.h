/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does the host know us? Says HELLO, notices that the host forgot us, and
 * decides for how long it is worth waiting.
 */
#ifndef _BELLOWS_GUEST_REGISTRATION_H
#define _BELLOWS_GUEST_REGISTRATION_H

#include <linux/types.h>

#include <bellows/abi.h>

#include "batch.h"

struct bellows_link_ops;
struct bellows_release_answer;
struct bellows_shared;

/**
 * enum bellows_host_state - what we know of the host
 *
 * @BELLOWS_HOST_ABSENT: Nobody answers; nobody wants our memory.
 * @BELLOWS_HOST_PRESENT: We are registered.
 * @BELLOWS_HOST_LOST: We were registered and are not any more. The balloon
 *	stays as it is for a while: a host module that is reloaded, or the host
 *	that we were migrated to, may take us up again.
 * @BELLOWS_HOST_UNAVAILABLE: Somebody answers HELLO, but not with yes.
 */
enum bellows_host_state {
	BELLOWS_HOST_ABSENT,
	BELLOWS_HOST_PRESENT,
	BELLOWS_HOST_LOST,
	BELLOWS_HOST_UNAVAILABLE,
};

/**
 * struct bellows_registration - our standing with the host
 * @link: the way to it
 * @shared: the shared page
 * @batch: the ranges of a RELEASE; used under vmem
 * @state: see enum bellows_host_state
 * @offered: BELLOWS_F_* that HELLO offers
 * @features: BELLOWS_F_* that both sides have, 0 when not registered
 * @generation: the host's number for this registration
 * @last_call: jiffies of the last HELLO or PING that was due by time
 * @lost_at: jiffies when the registration was lost
 * @hurry: make the next call without waiting for its time
 * @hello_interval_ms: between two HELLOs that nobody answers; set from sysfs
 * @grace_ms: how long the balloon outlives a lost registration; set from sysfs
 *
 * Only the worker, or whoever has stopped it, changes any of this but the two
 * times, and but that GRANT may find the host gone in any task, with
 * &bellows_control.accord held, as every GRANT is. Others look at single fields
 * with READ_ONCE().
 */
struct bellows_registration {
	const struct bellows_link_ops *link;
	struct bellows_shared *shared;
	struct bellows_batch batch;
	enum bellows_host_state state;
	u32 offered;
	u32 features;
	s64 generation;
	unsigned long last_call;
	unsigned long lost_at;
	bool hurry;
	unsigned int hello_interval_ms;
	unsigned int grace_ms;
};

int bellows_registration_init(struct bellows_registration *registration,
			      const struct bellows_link_ops *link,
			      struct bellows_shared *shared);
void bellows_registration_exit(struct bellows_registration *registration);
void bellows_registration_maintain(struct bellows_registration *registration);
void bellows_registration_lose(struct bellows_registration *registration,
			       bool hurry);
void bellows_registration_leave(struct bellows_registration *registration);
int bellows_registration_release(struct bellows_registration *registration,
				 unsigned int nr,
				 struct bellows_release_answer *answer);
int bellows_registration_report(struct bellows_registration *registration,
				const struct bellows_batch *batch,
				unsigned int nr,
				struct bellows_release_answer *answer);
long bellows_registration_grant(struct bellows_registration *registration,
				unsigned long pages);

#endif /* _BELLOWS_GUEST_REGISTRATION_H */
