/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One guest as the host knows it: its registration, its shared page, its
 * target, its life and its death.
 */
#ifndef _BELLOWS_HOST_VMEM_H
#define _BELLOWS_HOST_VMEM_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "bellows/abi.h"
#include "identity.h"
#include "policy.h"
#include "policy_arrival.h"
#include "policy_place.h"
#include "policy_poll.h"
#include "residence.h"

struct kvm;
struct mm_struct;
struct page;

/**
 * enum bellows_vmem_state - where a guest stands
 *
 * @BELLOWS_VMEM_LEFT: Not registered: it said BYE, or its shared page turned
 *	out to belong to somebody else (it was reset).
 * @BELLOWS_VMEM_PRESENT: Registered.
 * @BELLOWS_VMEM_DEAD: Its VM is gone, or this module is going.
 */
enum bellows_vmem_state {
	BELLOWS_VMEM_LEFT,
	BELLOWS_VMEM_PRESENT,
	BELLOWS_VMEM_DEAD,
};

/**
 * struct bellows_shared - a guest's shared page, as the host holds it
 * @page: pinned for as long as the guest is registered; NULL when it is not
 * @map: where the host's kernel sees it
 * @gfn: the guest's name for it
 * @cookie: what the guest's half held at HELLO
 */
struct bellows_shared {
	struct page *page;
	struct bellows_shared_page *map;
	u64 gfn;
	u64 cookie;
};

/**
 * struct bellows_vmem - one guest
 *
 * Made at its first HELLO, kept until its VM is destroyed: a guest that says
 * HELLO and BYE all day makes and destroys nothing but a pin.
 *
 * @ref: the table's reference until the VM dies, and one for each user
 * @hash_node: in the table of guests. Protected by the table's lock; read
 *	under RCU.
 * @guests_node: in bellows_guests. Protected by bellows_hostmem_lock.
 * @ring_node: on the agent's list of doorbells to ring; only the agent's thread
 * @rcu: for freeing
 * @teardown: what is left to do when the VM is destroyed, where it may sleep
 * @identity: who it is. Fixed.
 * @mm: memory of the VMM, held by mmgrab(): its counters can be read, its
 *	mappings are only touched by its own vCPUs. Fixed.
 * @watcher_data: belongs to the watcher (bellows_vmem_watch())
 *
 * @kvm_lock: protects @kvm. Innermost; never held while anything sleeps.
 * @kvm: the VM, NULL from the moment that KVM destroys it. No reference is
 *	held, so that a VM never outlives its file descriptors because of us.
 *
 * @lock: the vmem lock. Taken under bellows_hostmem_lock or alone; the VMM's
 *	mmap_lock may be taken under it. Protects all that follows.
 * @state: see &enum bellows_vmem_state
 * @generation: of the registration; differs for each HELLO on this host
 * @version: of the ABI, settled by HELLO
 * @features: of the ABI, settled by HELLO
 * @shared: the shared page
 * @memory_pages: of the VM's memory slots; no claim of the guest counts beyond
 * @size_pages: what the guest gave and did not take back, by our own count
 * @begun_pages: what its calls of RELEASE were to give, as it claimed, from the
 *	moment that they began; never falls. Read without the lock.
 * @ended_pages: of which by calls that ended and are in @size_pages, as far as
 *	they gave anything
 * @target_pages: what was last written to the shared page
 * @reason: enum bellows_reason for @target_pages
 * @request: BELLOWS_REQ_* bits last written
 * @report: last whole copy of the guest's half. Claims, not facts.
 * @incoming: room for the next one, too large for a stack
 * @report_ns: when @report last showed a new timestamp, CLOCK_MONOTONIC
 * @refused_ranges: ranges that RELEASE refused to this guest
 * @last_refusal: enum bellows_refusal of the last of them
 * @node_targets: entries of @node_target_pages in use: what was last written to
 *	the shared page of them
 * @node_target_pages: what the balloon shall hold of each of its nodes
 * @wanted: the ranges that it was asked for last; @nr of them are in the shared
 *	page. But for that written under bellows_hostmem_lock too.
 * @residence: where its memory lies
 * @policy: the planner's view: the operator's settings for this guest, what
 *	the planner remembers of it, and the last plan. Settings are written
 *	under bellows_hostmem_lock too, and all the rest only under that, so
 *	the planner needs no other.
 * @plan_report: the report that @policy was given, which keeps still while
 *	@report may change. Protected by bellows_hostmem_lock.
 * @cgroup_usage: how fast the VM's memory cgroup fills. Protected by
 *	bellows_hostmem_lock.
 * @plan_ended_pages: @ended_pages when @policy was given @size_pages. Protected
 *	by bellows_hostmem_lock.
 * @arrival: whether what it gave arrived. Protected by bellows_hostmem_lock.
 */
struct bellows_vmem {
	struct kref ref;
	struct hlist_node hash_node;
	struct list_head guests_node;
	struct list_head ring_node;
	struct rcu_head rcu;
	struct work_struct teardown;
	struct bellows_identity identity;
	struct mm_struct *mm;
	void *watcher_data;

	spinlock_t kvm_lock;
	struct kvm *kvm;

	struct mutex lock;
	enum bellows_vmem_state state;
	u32 generation;
	u32 version;
	u32 features;
	struct bellows_shared shared;
	u64 memory_pages;
	u64 size_pages;
	u64 begun_pages;
	u64 ended_pages;
	u64 target_pages;
	u32 reason;
	u32 request;
	struct bellows_guest_half report;
	struct bellows_guest_half incoming;
	u64 report_ns;
	u64 refused_ranges;
	u32 last_refusal;
	u32 node_targets;
	u64 node_target_pages[BELLOWS_NODES_MAX];
	struct policy_wanted wanted;
	struct bellows_residence residence;
	struct policy_guest policy;
	struct bellows_guest_half plan_report;
	struct policy_trend cgroup_usage;
	u64 plan_ended_pages;
	struct policy_arrival arrival;
};

/**
 * struct bellows_vmem_watcher - who wants to know of guests that come and go
 * @added: a guest was made. May sleep; no Bellows lock is held.
 * @removed: it is about to be forgotten. The same.
 */
struct bellows_vmem_watcher {
	void (*added)(struct bellows_vmem *vmem);
	void (*removed)(struct bellows_vmem *vmem);
};

int bellows_vmem_init(const struct bellows_vmem_watcher *watcher);
void bellows_vmem_exit(void);

struct bellows_vmem *bellows_vmem_find(struct kvm *kvm);
struct bellows_vmem *bellows_vmem_find_or_make(struct kvm *kvm);
void bellows_vmem_put(struct bellows_vmem *vmem);
void bellows_vmem_vm_destroyed(struct kvm *kvm);
void bellows_vmem_leave_all(void);

int bellows_vmem_register(struct bellows_vmem *vmem,
			  const struct bellows_shared *shared, u32 version,
			  u32 features, u64 memory_pages);
void bellows_vmem_unregister(struct bellows_vmem *vmem);
void bellows_vmem_account(struct bellows_vmem *vmem, u64 released, u64 taken);
bool bellows_vmem_refresh(struct bellows_vmem *vmem);
bool bellows_vmem_set_target(struct bellows_vmem *vmem, u64 pages, u32 reason,
			     u32 request);
void bellows_vmem_set_hints(struct bellows_vmem *vmem, const u64 *ranges,
			    u32 nr);
void bellows_vmem_set_places(struct bellows_vmem *vmem, u32 nr_nodes,
			     const u64 *node_target_pages);
int bellows_vmem_ring(struct bellows_vmem *vmem);
struct kvm *bellows_vmem_get_kvm(struct bellows_vmem *vmem);
u64 bellows_vmem_rss_pages(const struct bellows_vmem *vmem);
u64 bellows_vmem_hugetlb_pages(const struct bellows_vmem *vmem);

int bellows_shared_pin(unsigned long hva, u64 gfn, struct bellows_shared *shared);
void bellows_shared_unpin(struct bellows_shared *shared);

#endif /* _BELLOWS_HOST_VMEM_H */
