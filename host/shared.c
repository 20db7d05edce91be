// SPDX-License-Identifier: GPL-2.0
/*
 * The page that a guest shares with us: pinned while the guest is registered,
 * its half read, our half written.
 *
 * Everything in it can change under our eyes, because the guest, or the VMM, may
 * write to it at any time. So a report is copied once and the copy checked, our
 * own half is only ever written, and nothing is written before the guest's
 * cookie shows that the page is still what it was at HELLO.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "bellows/abi.h"
#include "hostmem.h"
#include "policy_report.h"
#include "trace.h"
#include "vmem.h"

/* How often a torn report is read again before the old one is kept. */
#define REPORT_TRIES 16

/**
 * bellows_shared_pin() - pin a guest's page for sharing
 * @hva: where the VMM has it
 * @gfn: the guest's name for it
 * @shared: filled in on success
 *
 * Context: process of the VMM; may sleep, no Bellows lock held, as the page
 *	may have to be read from swap.
 * Return: 0, or a negative error.
 */
int bellows_shared_pin(unsigned long hva, u64 gfn,
		       struct bellows_shared *shared)
{
	struct page *page;
	int pinned;

	pinned = pin_user_pages_fast(hva, 1, FOLL_WRITE | FOLL_LONGTERM, &page);
	if (pinned < 0)
		return pinned;
	if (pinned != 1)
		return -EFAULT;

	atomic_inc(&bellows_pinned_pages);
	shared->page = page;
	shared->map = page_address(page);
	shared->gfn = gfn;
	shared->cookie = READ_ONCE(shared->map->guest.cookie);
	return 0;
}

/**
 * bellows_shared_unpin() - undo bellows_shared_pin()
 * @shared: pinned, or with no page, which does nothing
 *
 * The page is not marked dirty, which would take its lock, and this is called
 * under ours: what the guest wrote its own mapping knows of, and what we wrote
 * is worth nothing once we are gone.
 *
 * Context: any.
 */
void bellows_shared_unpin(struct bellows_shared *shared)
{
	if (!shared->page)
		return;
	unpin_user_page(shared->page);
	atomic_dec(&bellows_pinned_pages);
	memset(shared, 0, sizeof(*shared));
}

/*
 * The page still belongs to the guest that registered it. A guest that was
 * reset without a BYE loses its cookie as soon as its new kernel uses the page
 * for something else, and from then on nothing may be written there.
 */
static bool shared_is_ours(const struct bellows_shared *shared)
{
	const struct bellows_guest_half *guest;

	if (!shared->page)
		return false;
	guest = &shared->map->guest;
	return READ_ONCE(guest->magic) == BELLOWS_GUEST_MAGIC &&
	       READ_ONCE(guest->cookie) == shared->cookie;
}

/* One try at a copy that the guest did not change meanwhile. */
static bool copy_report(struct bellows_guest_half *copy,
			const struct bellows_guest_half *half)
{
	u32 seq = READ_ONCE(half->seq);

	if (seq & 1)
		return false;
	/* Pairs with the guest's barriers around its writing. */
	smp_rmb();
	memcpy(copy, half, sizeof(*copy));
	/* The same. */
	smp_rmb();
	return READ_ONCE(half->seq) == seq;
}

/* Is the page still the guest's? When it is not, that ends the registration. */
static bool is_there(struct bellows_vmem *vmem)
{
	lockdep_assert_held(&vmem->lock);

	if (vmem->state != BELLOWS_VMEM_PRESENT)
		return false;
	if (shared_is_ours(&vmem->shared))
		return true;
	bellows_vmem_unregister(vmem);

	return false;
}

/**
 * bellows_vmem_refresh() - read what the guest says of itself
 * @vmem: the guest
 *
 * Copies the guest's half, checks the copy, and keeps it as vmem->report; what
 * cannot be read whole in a bounded number of tries leaves the old report, which
 * then grows stale. A page that is not the guest's any more ends the
 * registration.
 *
 * Context: @vmem's lock held.
 * Return: true when the report is up to date.
 */
bool bellows_vmem_refresh(struct bellows_vmem *vmem)
{
	struct bellows_guest_half *copy = &vmem->incoming;
	unsigned int try;

	if (!is_there(vmem))
		return false;

	for (try = 0; try < REPORT_TRIES; try++) {
		if (copy_report(copy, &vmem->shared.map->guest))
			break;
		cpu_relax();
	}
	if (try == REPORT_TRIES)
		return false;

	policy_report_clamp(copy, vmem->memory_pages);
	if (copy->timestamp_ns != vmem->report.timestamp_ns)
		vmem->report_ns = ktime_get_ns();
	vmem->report = *copy;
	return true;
}

/* Our half, to be written; NULL when it is not there any more. */
static struct bellows_host_half *begin_writing(struct bellows_vmem *vmem)
{
	struct bellows_host_half *half;

	if (!is_there(vmem))
		return NULL;

	half = &vmem->shared.map->host;
	WRITE_ONCE(half->seq, READ_ONCE(half->seq) | 1);
	/* Odd before anything changes, even after all did: see the guest. */
	smp_wmb();
	return half;
}

static void end_writing(struct bellows_host_half *half)
{
	/* The same. */
	smp_wmb();
	WRITE_ONCE(half->seq, (READ_ONCE(half->seq) | 1) + 1);
}

/**
 * bellows_vmem_set_hints() - tell a guest what the host takes of it by itself
 * @vmem: the guest
 * @ranges: bellows_range() entries
 * @nr: how many, at most BELLOWS_HINTS_MAX; 0 for nothing
 *
 * The guest is not rung for it: it looks now and then, and when it is asked for
 * memory.
 *
 * Context: @vmem's lock held.
 */
void bellows_vmem_set_hints(struct bellows_vmem *vmem, const u64 *ranges,
			    u32 nr)
{
	struct bellows_host_half *half;
	u32 i;

	lockdep_assert_held(&vmem->lock);

	if (!(vmem->features & BELLOWS_F_HINTS))
		return;
	half = begin_writing(vmem);
	if (!half)
		return;
	for (i = 0; i < nr; i++)
		WRITE_ONCE(half->hint[i], ranges[i]);
	WRITE_ONCE(half->nr_hints, nr);
	end_writing(half);
}

/**
 * bellows_vmem_set_places() - choose where a guest's balloon shall grow
 * @vmem: the guest
 * @nr_nodes: entries of @node_target_pages, 0 to leave it to the guest
 * @node_target_pages: what it shall hold of each of the guest's nodes
 *
 * With the ranges in &bellows_vmem.wanted they are told with the next target
 * that makes the balloon grow.
 *
 * Context: @vmem's lock held.
 */
void bellows_vmem_set_places(struct bellows_vmem *vmem, u32 nr_nodes,
			     const u64 *node_target_pages)
{
	u32 i;

	lockdep_assert_held(&vmem->lock);

	vmem->node_targets = min_t(u32, nr_nodes, BELLOWS_NODES_MAX);
	for (i = 0; i < vmem->node_targets; i++)
		vmem->node_target_pages[i] = node_target_pages[i];
}

/* From where the balloon shall grow, if it shall. */
static void write_places(const struct bellows_vmem *vmem,
			 struct bellows_host_half *half)
{
	bool grows = vmem->target_pages > vmem->size_pages;
	u32 nodes = grows ? vmem->node_targets : 0, i;
	u32 ranges = grows && vmem->features & BELLOWS_F_WANTED ?
			     vmem->wanted.nr :
			     0;

	for (i = 0; i < nodes; i++)
		WRITE_ONCE(half->node_target_pages[i],
			   vmem->node_target_pages[i]);
	WRITE_ONCE(half->nr_nodes, nodes);
	for (i = 0; i < ranges; i++)
		WRITE_ONCE(half->wanted[i], vmem->wanted.range[i]);
	WRITE_ONCE(half->nr_wanted, ranges);
	WRITE_ONCE(half->wanted_id, ranges ? vmem->wanted.id : 0);
	WRITE_ONCE(half->wanted_flags,
		   vmem->wanted.in_use ? BELLOWS_WANTED_IN_USE : 0);
}

/**
 * bellows_vmem_set_target() - tell a guest what its balloon shall hold
 * @vmem: the guest
 * @pages: target, cut at the operator's bound and the guest's memory
 * @reason: enum bellows_reason
 * @request: BELLOWS_REQ_* bits
 *
 * Only writes; bellows_vmem_ring() wakes the guest, once no lock is held.
 *
 * Context: @vmem's lock held; may sleep.
 * Return: true when the shared page was written.
 */
bool bellows_vmem_set_target(struct bellows_vmem *vmem, u64 pages, u32 reason,
			     u32 request)
{
	struct bellows_host_half *half = begin_writing(vmem);

	if (!half)
		return false;

	pages = min3(pages, vmem->policy.settings.target_max_pages,
		     vmem->report.total_pages);
	vmem->target_pages = pages;
	vmem->reason = reason;
	vmem->request = request;

	WRITE_ONCE(half->target_pages, pages);
	WRITE_ONCE(half->reason, reason);
	WRITE_ONCE(half->request, request);
	write_places(vmem, half);
	end_writing(half);

	trace_bellows_target(vmem, pages, reason, request);
	return true;
}
