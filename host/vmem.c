// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's object on the host: found by its VM, made at the first HELLO, torn
 * down when KVM destroys the VM.
 *
 * Lifetime. The table holds one reference; whoever looks a guest up holds
 * another. KVM tells of a VM's death in a context that cannot sleep
 * (bellows_vmem_vm_destroyed()): there the guest is taken out of the table and
 * its pointer to the VM cleared, so that neither a new VM at the same address
 * nor a doorbell can meet the old one; the rest follows from a work item.
 *
 * Locks, outermost first: bellows_hostmem_lock, vmem->lock, table_lock,
 * vmem->kvm_lock. The last two are spinlocks.
 */
#define pr_fmt(fmt) "bellows_host: " fmt

#include <linux/hashtable.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "bellows/compat.h"
#include "bellows/ksym.h"
#include "hostmem.h"
#include "trace.h"
#include "vmem.h"

BELLOWS_KSYM(int, kvm_send_userspace_msi, struct kvm *kvm, struct kvm_msi *msi);

/* Guests by VM. Protects the table and @hash_node; readers use RCU. */
static DEFINE_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(table, 8);

/* For lockdep: all guests' locks are one class, under the name of the rules. */
static struct lock_class_key vmem_class;

static const struct bellows_vmem_watcher *watcher;
static struct workqueue_struct *teardown_queue;

/* Generation of the next registration. Protected by bellows_hostmem_lock. */
static u32 next_generation = 1;

static void vmem_free(struct kref *ref)
{
	struct bellows_vmem *vmem = container_of(ref, struct bellows_vmem, ref);

	WARN_ON_ONCE(vmem->shared.page);
	bellows_residence_free(vmem);
	mmdrop(vmem->mm);
	mutex_destroy(&vmem->lock);
	atomic_dec(&bellows_guest_objects);
	kfree_rcu(vmem, rcu);
}

/**
 * bellows_vmem_put() - give a reference back
 * @vmem: from bellows_vmem_find() or bellows_vmem_find_or_make()
 *
 * Context: any that may call mmdrop(); no spinlock held.
 */
void bellows_vmem_put(struct bellows_vmem *vmem)
{
	kref_put(&vmem->ref, vmem_free);
}

/**
 * bellows_vmem_find() - the guest of a VM
 * @kvm: the VM; compared, not used
 *
 * Context: any.
 * Return: the guest with a reference, NULL when the VM never said HELLO.
 */
struct bellows_vmem *bellows_vmem_find(struct kvm *kvm)
{
	struct bellows_vmem *vmem, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(table, vmem, hash_node, (unsigned long)kvm) {
		if (READ_ONCE(vmem->kvm) != kvm)
			continue;
		if (kref_get_unless_zero(&vmem->ref))
			found = vmem;
		break;
	}
	rcu_read_unlock();
	return found;
}

/*
 * Takes @vmem out of the table, if it is there, so that nobody finds it and no
 * doorbell reaches its VM any more. True for the one caller that did it, who
 * then owns the table's reference.
 */
static bool vmem_unhash(struct bellows_vmem *vmem)
{
	lockdep_assert_held(&table_lock);

	if (hlist_unhashed(&vmem->hash_node))
		return false;

	hash_del_rcu(&vmem->hash_node);
	spin_lock(&vmem->kvm_lock);
	vmem->kvm = NULL;
	spin_unlock(&vmem->kvm_lock);
	return true;
}

/* The end of a guest that is out of the table; drops the table's reference. */
static void vmem_teardown(struct work_struct *work)
{
	struct bellows_vmem *vmem =
		container_of(work, struct bellows_vmem, teardown);

	mutex_lock(&bellows_hostmem_lock);
	list_del(&vmem->guests_node);
	mutex_lock(&vmem->lock);
	bellows_vmem_unregister(vmem);
	vmem->state = BELLOWS_VMEM_DEAD;
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	watcher->removed(vmem);
	bellows_vmem_put(vmem);
}

/**
 * bellows_vmem_vm_destroyed() - KVM destroys a VM
 * @kvm: the VM; its memory goes when the caller returns
 *
 * Context: any; called with preemption off.
 */
void bellows_vmem_vm_destroyed(struct kvm *kvm)
{
	struct bellows_vmem *vmem;

	spin_lock(&table_lock);
	hash_for_each_possible(table, vmem, hash_node, (unsigned long)kvm) {
		if (vmem->kvm != kvm)
			continue;
		if (vmem_unhash(vmem))
			queue_work(teardown_queue, &vmem->teardown);
		break;
	}
	spin_unlock(&table_lock);
}

/* An object of its own, with one reference, that nobody knows yet. */
static struct bellows_vmem *vmem_make(struct kvm *kvm)
{
	struct bellows_vmem *vmem;

	vmem = kzalloc(sizeof(*vmem), GFP_KERNEL_ACCOUNT);
	if (!vmem)
		return NULL;

	kref_init(&vmem->ref);
	spin_lock_init(&vmem->kvm_lock);
	mutex_init(&vmem->lock);
	lockdep_set_class_and_name(&vmem->lock, &vmem_class, "vmem");
	INIT_LIST_HEAD(&vmem->ring_node);
	INIT_WORK(&vmem->teardown, vmem_teardown);
	bellows_identity_read(&vmem->identity);
	mmgrab(current->mm);
	vmem->mm = current->mm;
	vmem->kvm = kvm;
	vmem->state = BELLOWS_VMEM_LEFT;
	policy_guest_preset(&vmem->policy.settings, POLICY_CLASS_STANDARD, 0);
	atomic_inc(&bellows_guest_objects);
	return vmem;
}

/* Makes @vmem known, unless another vCPU was first; the guest that is known. */
static struct bellows_vmem *vmem_publish(struct bellows_vmem *vmem)
{
	struct bellows_vmem *first;

	mutex_lock(&bellows_hostmem_lock);
	first = bellows_vmem_find(vmem->kvm);
	if (!first) {
		/* One reference for the table, one for the caller. */
		kref_get(&vmem->ref);
		list_add_tail(&vmem->guests_node, &bellows_guests);
		spin_lock(&table_lock);
		hash_add_rcu(table, &vmem->hash_node, (unsigned long)vmem->kvm);
		spin_unlock(&table_lock);
	}
	mutex_unlock(&bellows_hostmem_lock);
	return first ?: vmem;
}

/**
 * bellows_vmem_find_or_make() - the guest of a VM, made if need be
 * @kvm: VM of the calling vCPU
 *
 * Context: vCPU of @kvm in its VMM's process; takes bellows_hostmem_lock, may
 *	sleep.
 * Return: the guest with a reference, NULL when there is no memory for it.
 */
struct bellows_vmem *bellows_vmem_find_or_make(struct kvm *kvm)
{
	struct bellows_vmem *vmem, *made;

	vmem = bellows_vmem_find(kvm);
	if (vmem)
		return vmem;

	/* Not under the lock: whoever frees memory for us may need it. */
	made = vmem_make(kvm);
	if (!made)
		return NULL;
	vmem = vmem_publish(made);
	if (vmem != made) {
		bellows_vmem_put(made);
		return vmem;
	}

	/*
	 * Nor this, because the watcher's readers take the lock. The guest
	 * cannot be torn down meanwhile: its VM lives as long as this vCPU
	 * runs, and the module waits for every call before it leaves.
	 */
	watcher->added(vmem);
	return vmem;
}

/**
 * bellows_vmem_register() - a guest said HELLO
 * @vmem: the guest
 * @shared: its pinned page, taken over
 * @version: settled
 * @features: settled
 * @memory_pages: of the VM's memory slots
 *
 * Context: bellows_hostmem_lock and @vmem's lock held.
 * Return: 0, or -EAGAIN when the guest's half could not be read whole: without
 *	it the account would begin wrong. The page is unpinned then.
 */
int bellows_vmem_register(struct bellows_vmem *vmem,
			  const struct bellows_shared *shared, u32 version,
			  u32 features, u64 memory_pages)
{
	const struct policy_guest_settings *settings = &vmem->policy.settings;
	u64 size;

	lockdep_assert_held(&bellows_hostmem_lock);
	lockdep_assert_held(&vmem->lock);

	bellows_vmem_unregister(vmem);
	vmem->shared = *shared;
	vmem->version = version;
	vmem->features = features;
	vmem->memory_pages = memory_pages;
	vmem->generation = next_generation++;
	/* 0 means "not registered" to PING. */
	if (!next_generation)
		next_generation = 1;
	vmem->state = BELLOWS_VMEM_PRESENT;
	vmem->request = 0;
	memset(&vmem->wanted, 0, sizeof(vmem->wanted));
	/* It may remember a list of its last host. */
	vmem->wanted.id = get_random_u32();
	vmem->arrival.seen_ns = 0;
	memset(&vmem->report, 0, sizeof(vmem->report));
	if (!bellows_vmem_refresh(vmem)) {
		bellows_vmem_unregister(vmem);
		return -EAGAIN;
	}
	/*
	 * A guest that comes back with a balloon says how large it is. A claim,
	 * and harmless: GRANT gives back no more than that.
	 */
	size = min(vmem->report.size_pages, vmem->report.total_pages);
	bellows_vmem_account(vmem, size, 0);
	memset(&vmem->policy.state, 0, sizeof(vmem->policy.state));
	/* Its old target was for its old balloon; a hand-set one still stands. */
	if (settings->manual)
		bellows_vmem_set_target(vmem, settings->manual_target_pages,
					BELLOWS_REASON_MANUAL, 0);
	else
		bellows_vmem_set_target(vmem, size, BELLOWS_REASON_NONE, 0);
	return 0;
}

/**
 * bellows_vmem_unregister() - forget a registration
 * @vmem: the guest; it need not be registered
 *
 * All that it gave counts as taken back.
 *
 * Context: @vmem's lock held; may sleep.
 */
void bellows_vmem_unregister(struct bellows_vmem *vmem)
{
	lockdep_assert_held(&vmem->lock);

	bellows_vmem_account(vmem, 0, vmem->size_pages);
	bellows_shared_unpin(&vmem->shared);
	vmem->generation = 0;
	if (vmem->state == BELLOWS_VMEM_PRESENT)
		vmem->state = BELLOWS_VMEM_LEFT;
	memset(&vmem->report, 0, sizeof(vmem->report));
	vmem->target_pages = 0;
}

/**
 * bellows_vmem_account() - a guest gave pages or took some back
 * @vmem: the guest
 * @released: pages given
 * @taken: pages taken back; what was never given is not counted
 *
 * Context: @vmem's lock held.
 */
void bellows_vmem_account(struct bellows_vmem *vmem, u64 released, u64 taken)
{
	lockdep_assert_held(&vmem->lock);

	taken = min(taken, vmem->size_pages);
	vmem->size_pages += released - taken;
	atomic64_add(released - taken, &bellows_released_pages);
}

/**
 * bellows_vmem_get_kvm() - a guest's VM
 * @vmem: the guest
 *
 * Context: any; but kvm_put_kvm() may sleep, and no Bellows lock may be held.
 * Return: the VM with a reference, NULL when it is being destroyed.
 */
struct kvm *bellows_vmem_get_kvm(struct bellows_vmem *vmem)
{
	struct kvm *kvm;

	spin_lock(&vmem->kvm_lock);
	kvm = vmem->kvm;
	if (kvm && !kvm_get_kvm_safe(kvm))
		kvm = NULL;
	spin_unlock(&vmem->kvm_lock);
	return kvm;
}

/**
 * bellows_vmem_ring() - wake a guest: its half of the page changed
 * @vmem: the guest
 *
 * Injects the MSI that the guest published. A guest that published none, or a
 * stale one, finds out by itself within its polling interval.
 *
 * Context: may sleep; no Bellows lock held, as the last reference to the VM may
 *	be dropped here.
 * Return: 0 when KVM delivered it, or a negative error.
 */
int bellows_vmem_ring(struct bellows_vmem *vmem)
{
	struct kvm_msi msi = {};
	struct kvm *kvm;
	int delivered;

	lockdep_assert_not_held(&vmem->lock);

	mutex_lock(&vmem->lock);
	bellows_vmem_refresh(vmem);
	if (vmem->state == BELLOWS_VMEM_PRESENT &&
	    vmem->report.flags & BELLOWS_GUEST_DOORBELL) {
		msi.address_lo = lower_32_bits(vmem->report.doorbell_address);
		msi.address_hi = upper_32_bits(vmem->report.doorbell_address);
		msi.data = vmem->report.doorbell_data;
	}
	mutex_unlock(&vmem->lock);

	if (!msi.address_lo || !bellows_ksym_found(kvm_send_userspace_msi))
		return -ENXIO;
	kvm = bellows_vmem_get_kvm(vmem);
	if (!kvm)
		return -ESRCH;
	delivered = bellows_ksym_call(kvm_send_userspace_msi)(kvm, &msi);
	kvm_put_kvm(kvm);

	bellows_count(delivered > 0 ? BELLOWS_DOORBELLS :
				      BELLOWS_DOORBELL_FAILURES,
		      1);
	trace_bellows_doorbell(vmem, delivered);
	return delivered > 0 ? 0 : -EIO;
}

/**
 * bellows_vmem_rss_pages() - memory that the VMM really has
 * @vmem: the guest
 *
 * Anonymous, of tmpfs and memfd, and explicit huge pages. Not what it maps of
 * files: its program and libraries can be a quarter of a small guest, and are
 * shared with other VMMs.
 *
 * Context: any.
 * Return: pages of 4 KiB, 0 when the process has gone.
 */
u64 bellows_vmem_rss_pages(const struct bellows_vmem *vmem)
{
	struct mm_struct *mm = vmem->mm;

	return get_mm_counter(mm, MM_ANONPAGES) +
	       get_mm_counter(mm, MM_SHMEMPAGES) +
	       bellows_vmem_hugetlb_pages(vmem);
}

/**
 * bellows_vmem_hugetlb_pages() - how much of that is explicit huge pages
 * @vmem: the guest
 *
 * Context: any.
 * Return: pages of 4 KiB.
 */
u64 bellows_vmem_hugetlb_pages(const struct bellows_vmem *vmem)
{
#ifdef CONFIG_HUGETLB_PAGE
	return atomic_long_read(&vmem->mm->hugetlb_usage);
#else
	return 0;
#endif
}

/* Tells every guest that this module goes, and gathers those to ring. */
static void tell_leaving(struct list_head *ring)
{
	struct bellows_vmem *vmem;

	mutex_lock(&bellows_hostmem_lock);
	list_for_each_entry(vmem, &bellows_guests, guests_node) {
		mutex_lock(&vmem->lock);
		if (bellows_vmem_set_target(vmem, vmem->target_pages,
					    vmem->reason,
					    BELLOWS_REQ_LEAVING)) {
			kref_get(&vmem->ref);
			list_add_tail(&vmem->ring_node, ring);
		}
		mutex_unlock(&vmem->lock);
	}
	mutex_unlock(&bellows_hostmem_lock);
}

/**
 * bellows_vmem_leave_all() - take leave of every guest
 *
 * They are told, rung, and forgotten; they keep their balloons for a grace
 * period in which this module may come back.
 *
 * Context: module exit: no hypercall can arrive any more and the agent has
 *	stopped, but bellows_vmem_vm_destroyed() is still called. May sleep.
 */
void bellows_vmem_leave_all(void)
{
	struct bellows_vmem *vmem, *next;
	struct hlist_node *hash_next;
	LIST_HEAD(ring);
	int bucket;

	tell_leaving(&ring);
	list_for_each_entry_safe(vmem, next, &ring, ring_node) {
		bellows_vmem_ring(vmem);
		list_del_init(&vmem->ring_node);
		bellows_vmem_put(vmem);
	}

	spin_lock(&table_lock);
	hash_for_each_safe(table, bucket, hash_next, vmem, hash_node)
		if (vmem_unhash(vmem))
			queue_work(teardown_queue, &vmem->teardown);
	spin_unlock(&table_lock);
	flush_workqueue(teardown_queue);
}

/**
 * bellows_vmem_init() - get ready for guests
 * @watch: told of guests that come and go; must stay
 *
 * Context: module init; may sleep.
 * Return: 0, or a negative error.
 */
int bellows_vmem_init(const struct bellows_vmem_watcher *watch)
{
	watcher = watch;
	teardown_queue = alloc_workqueue("bellows_teardown", WQ_UNBOUND, 0);
	if (!teardown_queue)
		return -ENOMEM;

	if (!bellows_ksym_find_as(kvm_send_userspace_msi,
				  "kvm:kvm_send_userspace_msi"))
		pr_notice("KVM's MSI entry was not found: guests will poll\n");
	return 0;
}

/**
 * bellows_vmem_exit() - undo bellows_vmem_init()
 *
 * Context: module exit, after bellows_vmem_leave_all() and after the last
 *	bellows_vmem_vm_destroyed(). May sleep.
 */
void bellows_vmem_exit(void)
{
	destroy_workqueue(teardown_queue);
	rcu_barrier();
}
