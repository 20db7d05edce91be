// SPDX-License-Identifier: GPL-2.0
/*
 * What each hypercall does. All of them run in the calling vCPU's thread, which
 * is the VMM's process, may sleep, and hold KVM's srcu as they are entered.
 *
 * Everything here can be called by a hostile guest, on all of its vCPUs at
 * once, as fast as it can. What it can reach is its own object and its own
 * memory; what it can hold others up with is bellows_hostmem_lock (HELLO, BYE
 * and GRANT), under which the work is a few hundred instructions.
 */
#define pr_fmt(fmt) "bellows_host: " fmt

#include <linux/kvm_host.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bellows/abi.h"
#include "bellows/compat.h"
#include "calls.h"
#include "discard.h"
#include "hostmem.h"
#include "residence.h"
#include "trace.h"
#include "vmem.h"

/* May be a moment old when slots are plugged in: PING brings it up to date. */
static u64 memory_pages(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->kvm->nr_memslot_pages);
}

static u64 call_hello(struct kvm_vcpu *vcpu, const struct bellows_call *call)
{
	u32 version = min_t(u64, call->argument[0], BELLOWS_ABI_VERSION);
	u32 features = call->argument[1] & BELLOWS_F_ALL;
	u64 address = call->argument[2];
	struct bellows_shared shared;
	struct bellows_vmem *vmem;
	unsigned long hva;
	int error;

	if (!version || !PAGE_ALIGNED(address))
		return -BELLOWS_EINVAL;
	hva = bellows_guest_page_hva(vcpu, address >> PAGE_SHIFT);
	if (!hva)
		return -BELLOWS_EFAULT;

	kvm_vcpu_srcu_read_unlock(vcpu);
	error = bellows_shared_pin(hva, address >> PAGE_SHIFT, &shared);
	kvm_vcpu_srcu_read_lock(vcpu);
	if (error)
		return -BELLOWS_EFAULT;
	if (READ_ONCE(shared.map->guest.magic) != BELLOWS_GUEST_MAGIC ||
	    !shared.cookie) {
		error = -BELLOWS_EINVAL;
		goto unpin;
	}

	vmem = bellows_vmem_find_or_make(vcpu->kvm);
	if (!vmem) {
		error = -BELLOWS_ENOMEM;
		goto unpin;
	}
	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	error = bellows_vmem_register(vmem, &shared, version, features,
				      memory_pages(vcpu));
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	if (!error) {
		bellows_count(BELLOWS_HELLOS, 1);
		trace_bellows_hello(vmem, version, features);
	}
	bellows_vmem_put(vmem);
	return error ? -BELLOWS_EINTR : bellows_hello_result(version, features);

unpin:
	bellows_shared_unpin(&shared);
	return error;
}

static u64 call_bye(struct kvm_vcpu *vcpu)
{
	struct bellows_vmem *vmem = bellows_vmem_find(vcpu->kvm);

	if (!vmem)
		return 0;

	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	bellows_vmem_unregister(vmem);
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	bellows_count(BELLOWS_BYES, 1);
	trace_bellows_bye(vmem);
	bellows_vmem_put(vmem);
	return 0;
}

static u64 call_ping(struct kvm_vcpu *vcpu)
{
	struct bellows_vmem *vmem = bellows_vmem_find(vcpu->kvm);
	u32 generation;

	if (!vmem)
		return 0;

	mutex_lock(&vmem->lock);
	generation = vmem->generation;
	vmem->memory_pages = memory_pages(vcpu);
	mutex_unlock(&vmem->lock);
	bellows_vmem_put(vmem);
	return generation;
}

/* The frame that the guest shares, and its registration; 0 if it has none. */
static u32 registration(struct bellows_vmem *vmem, u64 *shared_gfn)
{
	u32 generation;

	mutex_lock(&vmem->lock);
	generation = vmem->generation;
	*shared_gfn = vmem->shared.gfn;
	mutex_unlock(&vmem->lock);
	return generation;
}

/* Pages of a batch, as the guest claims; of one that is only reported none count. */
static u64 claimed_pages(const u64 *ranges, u32 nr, bool reported)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < nr && !reported; i++)
		pages += bellows_range_pages(ranges[i]);
	return pages;
}

static void begin_release(struct bellows_vmem *vmem, u64 claimed)
{
	mutex_lock(&vmem->lock);
	WRITE_ONCE(vmem->begun_pages, vmem->begun_pages + claimed);
	mutex_unlock(&vmem->lock);
}

/*
 * Books what was discarded. A guest that said HELLO or BYE from another vCPU
 * meanwhile has a new account, to which these pages do not belong.
 */
static void book_release(struct bellows_vmem *vmem, u32 generation,
			 const struct bellows_discard *discard, bool reported,
			 u64 claimed)
{
	mutex_lock(&vmem->lock);
	vmem->ended_pages += claimed;
	/* What is only reported the guest may use again already. */
	if (vmem->generation == generation && !reported)
		bellows_vmem_account(vmem, discard->pages, 0);
	bellows_residence_released(vmem, discard->ranges, discard->done);
	if (discard->reason) {
		vmem->refused_ranges++;
		vmem->last_refusal = discard->reason;
	}
	mutex_unlock(&vmem->lock);

	bellows_count(reported ? BELLOWS_REPORTS : BELLOWS_RELEASES, 1);
	bellows_count(reported ? BELLOWS_REPORTED_PAGES :
				 BELLOWS_RELEASED_PAGES, discard->pages);
	/* Nobody was asked for what is reported: it is no reaction. */
	if (discard->pages && !reported)
		bellows_hostmem_arrived();
	if (discard->reason)
		bellows_count(BELLOWS_REFUSED_RANGES, 1);
	trace_bellows_release(vmem, discard->nr, discard->done, discard->pages,
			      discard->reason, reported);
}

static u64 release_batch(struct kvm_vcpu *vcpu, struct bellows_vmem *vmem,
			 u64 address, u32 nr, bool reported)
{
	struct bellows_discard discard = { .nr = nr };
	unsigned long hva;
	u32 generation;
	u64 *ranges, claimed, result;
	int error;

	generation = registration(vmem, &discard.own[0]);
	if (!generation)
		return -BELLOWS_EPERM;
	discard.own[1] = address >> PAGE_SHIFT;
	hva = bellows_guest_page_hva(vcpu, address >> PAGE_SHIFT);
	if (!hva)
		return -BELLOWS_EFAULT;

	/* Copied once: the guest may write there while we work. */
	ranges = kmalloc_array(nr, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -BELLOWS_ENOMEM;
	if (copy_from_user(ranges, (const void __user *)hva,
			   nr * sizeof(*ranges))) {
		kfree(ranges);
		return -BELLOWS_EFAULT;
	}

	discard.ranges = ranges;
	claimed = claimed_pages(ranges, nr, reported);
	begin_release(vmem, claimed);
	error = bellows_discard(vcpu, &discard);
	book_release(vmem, generation, &discard, reported, claimed);
	/* What was done is told even to a task that is being killed. */
	result = error && !discard.done ?
			 -BELLOWS_EINTR :
			 bellows_release_result(discard.done, discard.reason);
	kfree(ranges);
	return result;
}

/* RELEASE and REPORT. */
static u64 call_release(struct kvm_vcpu *vcpu, const struct bellows_call *call)
{
	u64 address = call->argument[0], nr = call->argument[1];
	struct bellows_vmem *vmem;
	u64 result;

	if (!PAGE_ALIGNED(address) || !nr || nr > BELLOWS_BATCH_MAX)
		return -BELLOWS_EINVAL;
	vmem = bellows_vmem_find(vcpu->kvm);
	if (!vmem)
		return -BELLOWS_EPERM;
	result = release_batch(vcpu, vmem, address, nr,
			       call->number == BELLOWS_HC_REPORT);
	bellows_vmem_put(vmem);
	return result;
}

/*
 * How much of @pages @vmem may have. What its target lets it have was given
 * away when the target was set; what goes beyond comes out of the host's free
 * memory, as far as the plan allows.
 */
static u64 grant_pages(struct bellows_vmem *vmem, u64 pages)
{
	struct policy_host host;
	u64 owed;

	lockdep_assert_held(&bellows_hostmem_lock);
	lockdep_assert_held(&vmem->lock);

	pages = min(pages, vmem->size_pages);
	owed = vmem->size_pages - min(vmem->size_pages, vmem->target_pages);
	if (owed >= pages)
		return pages;
	bellows_hostmem_sample(&host);
	vmem->policy.report = &vmem->report;
	vmem->policy.size_pages = vmem->size_pages;
	return max(owed, policy_grant(&bellows_settings, &host, &vmem->policy,
				      pages));
}

static u64 call_grant(struct kvm_vcpu *vcpu, const struct bellows_call *call)
{
	u64 pages = call->argument[0], granted = 0;
	struct bellows_vmem *vmem;

	vmem = bellows_vmem_find(vcpu->kvm);
	if (!vmem)
		return -BELLOWS_EPERM;

	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	if (vmem->state != BELLOWS_VMEM_PRESENT) {
		granted = -BELLOWS_EPERM;
		goto unlock;
	}
	granted = grant_pages(vmem, pages);
	bellows_vmem_account(vmem, 0, granted);
	bellows_hostmem_promise(granted);
	/* Or it would be asked for the same pages again at once. */
	if (vmem->target_pages > vmem->size_pages &&
	    !vmem->policy.settings.manual)
		bellows_vmem_set_target(vmem, vmem->size_pages,
					BELLOWS_REASON_GRANTED, vmem->request);
	bellows_count(BELLOWS_GRANTS, 1);
	bellows_count(BELLOWS_GRANTED_PAGES, granted);
	trace_bellows_grant(vmem, pages, granted);
unlock:
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);
	bellows_vmem_put(vmem);
	return granted;
}

/**
 * bellows_call() - do what a guest asks
 * @vcpu: the calling vCPU, in 64-bit mode at CPL 0, outside a nested guest
 * @call: number and arguments
 *
 * Context: vCPU in its VMM's process, KVM's srcu held; may sleep.
 * Return: what RAX shall hold: see &enum bellows_hypercall.
 */
u64 bellows_call(struct kvm_vcpu *vcpu, const struct bellows_call *call)
{
	switch (call->number) {
	case BELLOWS_HC_HELLO:
		return call_hello(vcpu, call);
	case BELLOWS_HC_BYE:
		return call_bye(vcpu);
	case BELLOWS_HC_RELEASE:
	case BELLOWS_HC_REPORT:
		return call_release(vcpu, call);
	case BELLOWS_HC_GRANT:
		return call_grant(vcpu, call);
	case BELLOWS_HC_PING:
		return call_ping(vcpu);
	}
	return -BELLOWS_ENOSYS;
}
