// SPDX-License-Identifier: GPL-2.0
/*
 * Finds out on which NUMA nodes of the host a guest's memory lies, so that memory
 * can be asked for where it is short, and what of it is in the host's swap, so that
 * the guest does not have it read back to evict it: walks through the page tables
 * of each VMM, a GiB of the guest's memory at a time, and keeps the node of each
 * block.
 *
 * It takes at most a fiftieth of one CPU, whatever the guests' size, waits for no
 * lock of a VMM, and holds none of ours while it walks. So what it knows may be
 * old. That costs a guest the trouble of looking for memory that it does not
 * have, or the host some reading from its swap, and nothing else.
 */
#include <linux/hugetlb.h>
#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/nodemask.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/swapops.h>
#include <linux/workqueue.h>

#include "bellows/compat.h"
#include "hostmem.h"
#include "residence.h"
#include "vmem.h"
#include "walk.h"

/* Blocks looked at in one go. */
#define LOOK_BLOCKS 512
/* For each ns of looking so many of rest. */
#define REST 50
/* When nothing is due, and when nothing will be unless the host begins to swap. */
#define IDLE_MS 100
#define IDLE_ONE_NODE_MS 1000
/* Pages of a block in swap, for which the whole block counts as swapped. */
#define SWAPPED_PAGES (BELLOWS_BLOCK_PAGES / 2)

#define BLOCK_BYTES ((u64)BELLOWS_BLOCK_PAGES << PAGE_SHIFT)

u32 bellows_residence_ms = 2000;

/**
 * struct stretch - a stretch of a guest that is looked at
 * @start: where it lies in the VMM
 * @first_pfn: and in the guest
 * @blocks: length
 * @pages: of each block, what lies on each node
 * @swapped: of each block, what is in the host's swap or on its way there
 * @hints: room for what a guest is told of that
 *
 * There is one, as there is one work item that looks.
 */
static struct stretch {
	unsigned long start;
	u64 first_pfn;
	unsigned int blocks;
	u16 pages[LOOK_BLOCKS][POLICY_NODES_MAX];
	u16 swapped[LOOK_BLOCKS];
	u64 hints[BELLOWS_HINTS_MAX];
} look;

static struct delayed_work look_work;

static bool has_nodes(void)
{
	return num_node_state(N_MEMORY) > 1;
}

/* [@at, @next) lies on @node. */
static void count_range(unsigned long at, unsigned long next, int node)
{
	unsigned long end, block;

	if (node >= POLICY_NODES_MAX)
		return;
	for (; at < next; at = end) {
		block = (at - look.start) / BLOCK_BYTES;
		end = min(next, look.start + (block + 1) * BLOCK_BYTES);
		look.pages[block][node] += (end - at) >> PAGE_SHIFT;
	}
}

static int look_pmd(pmd_t *pmd, unsigned long at, unsigned long next,
		    struct mm_walk *walk)
{
	spinlock_t *lock = pmd_lock(walk->mm, pmd);
	struct page *page;

	/* What is no table, or under migration, would be split to be looked at. */
	if (!pmd_present(*pmd) || pmd_leaf(*pmd))
		walk->action = ACTION_CONTINUE;
	if (pmd_present(*pmd) && pmd_trans_huge(*pmd)) {
		page = pmd_page(*pmd);
		/* Or it is the zero page, which is nobody's. */
		if (!vma_is_anonymous(walk->vma) || PageAnon(page))
			count_range(at, next, page_to_nid(page));
	}
	spin_unlock(lock);
	return 0;
}

static int look_pte(pte_t *pte, unsigned long at, unsigned long next,
		    struct mm_walk *walk)
{
	if (pte_present(*pte) && !pte_special(*pte) && pfn_valid(pte_pfn(*pte)))
		count_range(at, next, page_to_nid(pte_page(*pte)));
	else if (bellows_pte_is_swapped(*pte))
		look.swapped[(at - look.start) / BLOCK_BYTES]++;
	return 0;
}

static int look_hugetlb(pte_t *pte, unsigned long hmask, unsigned long at,
			unsigned long next, struct mm_walk *walk)
{
	pte_t entry = bellows_huge_pte(walk, at, pte);

	if (pte_present(entry))
		count_range(at, next, page_to_nid(pte_page(entry)));
	return 0;
}

static const struct mm_walk_ops look_walk = {
	.pmd_entry = look_pmd,
	.pte_entry = look_pte,
	.hugetlb_entry = look_hugetlb,
};

/* The node that holds most of a block of the stretch, if it is in memory. */
static u8 block_node(unsigned int block)
{
	const u16 *pages = look.pages[block];
	unsigned int node, best = 0;

	if (look.swapped[block] >= SWAPPED_PAGES)
		return POLICY_NODE_SWAPPED;
	for (node = 1; node < POLICY_NODES_MAX; node++)
		if (pages[node] > pages[best])
			best = node;
	return pages[best] ? best : POLICY_NODE_NONE;
}

/* Adds the whole blocks of a slot, in the order of their addresses. */
static void add_extent(struct bellows_residence *layout,
		       const struct kvm_memory_slot *slot)
{
	u64 first = ALIGN(slot->base_gfn, BELLOWS_BLOCK_PAGES);
	u64 end =
		ALIGN_DOWN(slot->base_gfn + slot->npages, BELLOWS_BLOCK_PAGES);
	u32 i = layout->nr_extents;

	if (slot->flags & (KVM_MEMSLOT_INVALID | KVM_MEM_READONLY) ||
	    end <= first || i == POLICY_EXTENTS_MAX)
		return;
	for (; i && layout->extents[i - 1].first_pfn > first; i--)
		layout->extents[i] = layout->extents[i - 1];
	layout->extents[i].first_pfn = first;
	layout->extents[i].blocks = (end - first) / BELLOWS_BLOCK_PAGES;
	layout->nr_extents++;
	layout->blocks += (end - first) / BELLOWS_BLOCK_PAGES;
}

/* Makes room for what the VM has now; false when there is none to look at. */
static bool lay_out(struct bellows_vmem *vmem, struct kvm *kvm)
{
	struct bellows_residence *now = &vmem->residence;
	struct bellows_residence layout = {};
	struct kvm_memory_slot *slot;
	int bucket, srcu;
	u8 *map;

	srcu = srcu_read_lock(&kvm->srcu);
	kvm_for_each_memslot(slot, bucket, kvm_memslots(kvm))
		add_extent(&layout, slot);
	srcu_read_unlock(&kvm->srcu, srcu);
	if (!layout.blocks)
		return false;

	mutex_lock(&vmem->lock);
	if (now->map && now->nr_extents == layout.nr_extents &&
	    !memcmp(now->extents, layout.extents, sizeof(layout.extents))) {
		mutex_unlock(&vmem->lock);
		return true;
	}
	mutex_unlock(&vmem->lock);

	layout.map = kvmalloc(layout.blocks, GFP_KERNEL);
	if (!layout.map)
		return false;
	memset(layout.map, POLICY_NODE_NONE, layout.blocks);
	mutex_lock(&vmem->lock);
	map = now->map;
	/* What the guest was told is to be taken back. */
	layout.nr_hints = now->nr_hints;
	*now = layout;
	mutex_unlock(&vmem->lock);
	kvfree(map);
	return true;
}

/* Where the look around goes on: the extent's block, and where that lies. */
static bool next_stretch(struct bellows_vmem *vmem, struct kvm *kvm)
{
	const struct bellows_residence *residence = &vmem->residence;
	struct kvm_memory_slot *slot;
	u64 at;
	int srcu;
	u32 i;

	look.blocks = 0;
	mutex_lock(&vmem->lock);
	at = residence->at;
	for (i = 0; i < residence->nr_extents; i++) {
		if (at < residence->extents[i].blocks) {
			look.first_pfn = residence->extents[i].first_pfn +
					 at * BELLOWS_BLOCK_PAGES;
			look.blocks = min_t(u64, LOOK_BLOCKS,
					    residence->extents[i].blocks - at);
			break;
		}
		at -= residence->extents[i].blocks;
	}
	mutex_unlock(&vmem->lock);
	if (!look.blocks)
		return false;

	look.start = 0;
	srcu = srcu_read_lock(&kvm->srcu);
	slot = __gfn_to_memslot(kvm_memslots(kvm), look.first_pfn);
	if (slot && !(slot->flags & KVM_MEMSLOT_INVALID) &&
	    look.first_pfn + look.blocks * BELLOWS_BLOCK_PAGES <=
		    slot->base_gfn + slot->npages)
		look.start = __gfn_to_hva_memslot(slot, look.first_pfn);
	srcu_read_unlock(&kvm->srcu, srcu);
	memset(look.pages, 0, sizeof(look.pages));
	memset(look.swapped, 0, sizeof(look.swapped));
	return true;
}

/* Looks at the stretch; false when the VMM's mappings are changing just now. */
static bool look_at_stretch(struct bellows_vmem *vmem)
{
	struct mm_struct *mm = vmem->mm;
	bool done = false;

	/* Its slot has gone: so has its memory. */
	if (!look.start)
		return true;
	if (!mmget_not_zero(mm))
		return true;
	if (mmap_read_trylock(mm)) {
		bellows_walk_range(mm, look.start,
				   look.start + look.blocks * BLOCK_BYTES,
				   &look_walk, NULL);
		mmap_read_unlock(mm);
		done = true;
	}
	/* Not here, if it is the last: that takes as long as the VM is large. */
	mmput_async(mm);
	return done;
}

/* Names what is swapped: as much as there is room for, another part each time. */
static void tell_swapped(struct bellows_vmem *vmem)
{
	struct bellows_residence *residence = &vmem->residence;
	u32 nr = 0;

	lockdep_assert_held(&vmem->lock);

	if (READ_ONCE(bellows_residence_ms))
		nr = policy_place_ranges(residence->extents,
					 residence->nr_extents, residence->map,
					 POLICY_NODES_SWAPPED,
					 &residence->hints_cursor, look.hints,
					 BELLOWS_HINTS_MAX);
	if (nr || residence->nr_hints)
		bellows_vmem_set_hints(vmem, look.hints, nr);
	WRITE_ONCE(residence->nr_hints, nr);
}

static void keep_stretch(struct bellows_vmem *vmem)
{
	struct bellows_residence *residence = &vmem->residence;
	unsigned int i, node;
	u64 pfn;

	mutex_lock(&vmem->lock);
	for (i = 0; i < look.blocks; i++) {
		pfn = look.first_pfn + i * BELLOWS_BLOCK_PAGES;
		node = policy_place_guest_node(&vmem->report, pfn);
		policy_place_put(&residence->place,
				 &residence->map[residence->at + i], node,
				 block_node(i));
	}
	residence->at += look.blocks;
	if (residence->at == residence->blocks) {
		residence->at = 0;
		residence->looked_ns = ktime_get_ns();
		tell_swapped(vmem);
	}
	mutex_unlock(&vmem->lock);
}

/* One step of looking around in a guest. */
static void look_around(struct bellows_vmem *vmem)
{
	struct kvm *kvm = bellows_vmem_get_kvm(vmem);

	if (!kvm)
		return;
	if (!READ_ONCE(bellows_residence_ms)) {
		mutex_lock(&vmem->lock);
		tell_swapped(vmem);
		mutex_unlock(&vmem->lock);
		goto put;
	}
	/* Between two looks around the VM may have got memory, or lost some. */
	if (!vmem->residence.at && !lay_out(vmem, kvm)) {
		mutex_lock(&vmem->lock);
		vmem->residence.looked_ns = ktime_get_ns();
		mutex_unlock(&vmem->lock);
	} else if (next_stretch(vmem, kvm) && look_at_stretch(vmem)) {
		keep_stretch(vmem);
	}
put:
	kvm_put_kvm(kvm);
}

/* What is there to find out, or to take back? */
static bool is_of_interest(const struct bellows_vmem *vmem)
{
	if (READ_ONCE(vmem->residence.nr_hints))
		return true;
	return bellows_residence_ms &&
	       (has_nodes() || get_mm_counter(vmem->mm, MM_SWAPENTS));
}

/* A look around in it is under way, or it is time for one. */
static bool is_due(const struct bellows_vmem *vmem, u64 now)
{
	const struct bellows_residence *residence = &vmem->residence;
	u64 looked = READ_ONCE(residence->looked_ns);

	/* Where its nodes are is in its report. */
	if (READ_ONCE(vmem->state) != BELLOWS_VMEM_PRESENT ||
	    !READ_ONCE(vmem->report_ns) || !is_of_interest(vmem))
		return false;
	return !looked || READ_ONCE(residence->at) ||
	       now - looked >= bellows_residence_ms * (u64)NSEC_PER_MSEC;
}

/* The guest whose turn it is, with a reference; NULL when none is due. */
static struct bellows_vmem *choose_guest(void)
{
	struct bellows_vmem *vmem, *chosen = NULL;
	u64 now = ktime_get_ns();

	mutex_lock(&bellows_hostmem_lock);
	list_for_each_entry(vmem, &bellows_guests, guests_node) {
		if (!is_due(vmem, now))
			continue;
		if (!chosen ||
		    vmem->residence.turn_ns < chosen->residence.turn_ns)
			chosen = vmem;
	}
	if (chosen) {
		chosen->residence.turn_ns = now;
		kref_get(&chosen->ref);
	}
	mutex_unlock(&bellows_hostmem_lock);
	return chosen;
}

static void look_step(struct work_struct *work)
{
	struct bellows_vmem *vmem = choose_guest();
	unsigned long rest = msecs_to_jiffies(has_nodes() ? IDLE_MS :
							    IDLE_ONE_NODE_MS);
	u64 started_ns = ktime_get_ns();

	if (vmem) {
		look_around(vmem);
		bellows_vmem_put(vmem);
		rest = nsecs_to_jiffies((ktime_get_ns() - started_ns) * REST) +
		       1;
	}
	queue_delayed_work(bellows_unbound_wq, &look_work, rest);
}

/**
 * bellows_residence_place() - how a guest's memory is spread
 * @vmem: the guest
 *
 * Context: bellows_hostmem_lock and @vmem's lock held.
 * Return: the sums, valid under the lock; NULL when nothing is known yet, or
 *	nobody wants to know, as on a host with one node.
 */
const struct policy_place *bellows_residence_place(struct bellows_vmem *vmem)
{
	const struct bellows_residence *residence = &vmem->residence;

	lockdep_assert_held(&bellows_hostmem_lock);
	lockdep_assert_held(&vmem->lock);

	if (!has_nodes() || !bellows_residence_ms || !residence->map ||
	    !residence->looked_ns)
		return NULL;
	return &residence->place;
}

/**
 * bellows_residence_released() - a guest gave memory
 * @vmem: the guest
 * @ranges: what it gave
 * @nr: how many
 *
 * Context: @vmem's lock held.
 */
void bellows_residence_released(struct bellows_vmem *vmem, const u64 *ranges,
				u32 nr)
{
	struct bellows_residence *residence = &vmem->residence;
	u32 i;

	lockdep_assert_held(&vmem->lock);

	if (!residence->map)
		return;
	for (i = 0; i < nr; i++)
		policy_place_clear(&residence->place, residence->extents,
				   residence->nr_extents, residence->map,
				   ranges[i]);
}

/**
 * bellows_residence_free() - forget where a guest's memory lies
 * @vmem: the guest, which nobody knows any more
 *
 * Context: may sleep.
 */
void bellows_residence_free(struct bellows_vmem *vmem)
{
	kvfree(vmem->residence.map);
}

/**
 * bellows_residence_start() - begin to look around
 *
 * On a host with one node only guests that it swaps are looked at.
 *
 * Context: module init; may sleep.
 */
void bellows_residence_start(void)
{
	INIT_DELAYED_WORK(&look_work, look_step);
	queue_delayed_work(bellows_unbound_wq, &look_work, 0);
}

/**
 * bellows_residence_stop() - look no more
 *
 * Context: module exit; may sleep.
 */
void bellows_residence_stop(void)
{
	cancel_delayed_work_sync(&look_work);
}
