/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's memory: how much is free and where, what the operator wants of
 * it, and what the guests have given.
 */
#ifndef _BELLOWS_HOST_HOSTMEM_H
#define _BELLOWS_HOST_HOSTMEM_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "policy.h"

/*
 * The hostmem lock. First of all Bellows locks on the host: a guest's vmem lock
 * may be taken under it, never the other way round (Documentation/locking.rst).
 * Held for short, bounded work only; nobody waits for a guest under it.
 *
 * It protects bellows_guests, bellows_settings, what hostmem.c remembers between
 * samples, and, with a guest's vmem lock, that guest's &bellows_vmem.policy.
 */
extern struct mutex bellows_hostmem_lock;

/* Every guest that said HELLO and whose VM lives, in order of arrival. */
extern struct list_head bellows_guests;

/* What the operator wants. */
extern struct policy_settings bellows_settings;

/**
 * enum bellows_counter - what is counted, since the module was loaded
 *
 * @BELLOWS_HELLOS: HELLO calls that were answered with a registration.
 * @BELLOWS_BYES: BYE calls.
 * @BELLOWS_RELEASES: RELEASE calls.
 * @BELLOWS_RELEASED_PAGES: pages that RELEASE gave to the host.
 * @BELLOWS_REFUSED_RANGES: ranges that RELEASE or REPORT refused.
 * @BELLOWS_REPORTS: REPORT calls.
 * @BELLOWS_REPORTED_PAGES: pages that were free in a guest and went to the host.
 * @BELLOWS_GRANTS: GRANT calls.
 * @BELLOWS_GRANTED_PAGES: pages that GRANT let guests take back.
 * @BELLOWS_DOORBELLS: doorbells that KVM delivered.
 * @BELLOWS_DOORBELL_FAILURES: doorbells that it did not.
 * @BELLOWS_REACTIONS: times that the host went short and memory came.
 * @BELLOWS_ARRIVED_PAGES: pages by which VMs really shrank as their guests gave.
 * @BELLOWS_COUNTER_COUNT: how many there are.
 */
enum bellows_counter {
	BELLOWS_HELLOS,
	BELLOWS_BYES,
	BELLOWS_RELEASES,
	BELLOWS_RELEASED_PAGES,
	BELLOWS_REFUSED_RANGES,
	BELLOWS_REPORTS,
	BELLOWS_REPORTED_PAGES,
	BELLOWS_GRANTS,
	BELLOWS_GRANTED_PAGES,
	BELLOWS_DOORBELLS,
	BELLOWS_DOORBELL_FAILURES,
	BELLOWS_REACTIONS,
	BELLOWS_ARRIVED_PAGES,
	BELLOWS_COUNTER_COUNT,
};

/* Read without a lock; only ever grow. */
extern atomic64_t bellows_counters[BELLOWS_COUNTER_COUNT];

/* Pages that all guests together have given and not taken back. */
extern atomic64_t bellows_released_pages;
/* Shared pages that are pinned, and guest objects that exist: for tests. */
extern atomic_t bellows_pinned_pages;
extern atomic_t bellows_guest_objects;

/**
 * bellows_count() - add to a counter
 * @counter: which
 * @by: how much
 *
 * Context: any.
 */
static inline void bellows_count(enum bellows_counter counter, u64 by)
{
	atomic64_add(by, &bellows_counters[counter]);
}

void bellows_hostmem_init(void);
void bellows_hostmem_sample(struct policy_host *host);
u64 bellows_hostmem_swapping_pages(void);
void bellows_hostmem_promise(u64 pages);
void bellows_hostmem_short(u64 since_ns);
void bellows_hostmem_arrived(void);
u64 bellows_reaction_last_ns(void);
u64 bellows_reaction_max_ns(void);
u64 bellows_node_free_pages(int node);
u64 bellows_node_total_pages(int node);

#endif /* _BELLOWS_HOST_HOSTMEM_H */
