/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels we run on, each difference named
 * once, with what changed and when. No version test stands anywhere else: the
 * rest of the source is written against the names defined here.
 */
#ifndef _BELLOWS_COMPAT_H
#define _BELLOWS_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "Bellows needs Linux 6.1 or newer"
#endif

/* --- guest ------------------------------------------------------------- */

/*
 * The largest order that the page allocator has. MAX_ORDER was one more than
 * it until 6.4, and got the name MAX_PAGE_ORDER in 6.8.
 */
#ifdef MAX_PAGE_ORDER
#define BELLOWS_MAX_PAGE_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define BELLOWS_MAX_PAGE_ORDER	MAX_ORDER
#else
#define BELLOWS_MAX_PAGE_ORDER	(MAX_ORDER - 1)
#endif

#ifdef _LINUX_VIRTIO_BALLOON_H
/* Statistics that came with 6.12; an older device ignores them. */
#ifndef VIRTIO_BALLOON_S_OOM_KILL
#define VIRTIO_BALLOON_S_OOM_KILL	10
#define VIRTIO_BALLOON_S_ALLOC_STALL	11
#define VIRTIO_BALLOON_S_ASYNC_SCAN	12
#define VIRTIO_BALLOON_S_DIRECT_SCAN	13
#define VIRTIO_BALLOON_S_ASYNC_RECLAIM	14
#define VIRTIO_BALLOON_S_DIRECT_RECLAIM	15
#endif
#endif

#ifdef __LINUX_GFP_H
/*
 * What alloc_contig_range() takes: a migratetype until 6.17, then flags, among
 * which that migratetype would mean something else.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define BELLOWS_CLAIM_FLAGS	ACR_FLAGS_NONE
#else
#define BELLOWS_CLAIM_FLAGS	MIGRATE_MOVABLE
#endif

/**
 * bellows_claim_range() - take a range of pages, whatever is in it
 * @start: first page frame
 * @end: behind the last
 *
 * What is in use is migrated or dropped.
 *
 * Return: 0, or a negative error when something could not be moved.
 */
static inline int bellows_claim_range(unsigned long start, unsigned long end)
{
	return alloc_contig_range(start, end, BELLOWS_CLAIM_FLAGS,
				  GFP_HIGHUSER_MOVABLE | __GFP_NOMEMALLOC |
					  __GFP_NORETRY | __GFP_NOWARN);
}
#endif

#ifdef _LINUX_VIRTIO_CONFIG_H
/**
 * bellows_find_queues() - set up the queues of a device
 * @vdev: the device
 * @nr: how many there may be
 * @queues: filled in; NULL for one without a name
 * @callbacks: one for each
 * @names: one for each; a queue without a name does not exist
 *
 * Callbacks and names are in one structure since 6.11.
 *
 * Context: probe or restore; may sleep.
 * Return: 0, or a negative error.
 */
static inline int bellows_find_queues(struct virtio_device *vdev,
				      unsigned int nr,
				      struct virtqueue *queues[],
				      vq_callback_t *callbacks[],
				      const char *const names[])
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	struct virtqueue_info infos[8] = {};
	unsigned int i;

	if (nr > ARRAY_SIZE(infos))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		infos[i].name = names[i];
		infos[i].callback = callbacks[i];
	}

	return virtio_find_vqs(vdev, nr, queues, infos, NULL);
#else
	return virtio_find_vqs(vdev, nr, queues, callbacks, names, NULL);
#endif
}
#endif

/* Whether a page is to be migrated without what is in it: never since 6.12. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define bellows_migrate_no_copy(mode)	false
#else
#define bellows_migrate_no_copy(mode)	((mode) == MIGRATE_SYNC_NO_COPY)
#endif

#ifdef _LINUX_SHRINKER_H
/**
 * bellows_shrinker_alloc() - get a shrinker to fill in
 *
 * By way of it the kernel asks for memory before it drops what it has use for.
 * Only the kernel allocates one since 6.7.
 *
 * Return: not registered, for bellows_shrinker_free(); NULL when there is no memory.
 */
static inline struct shrinker *bellows_shrinker_alloc(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return shrinker_alloc(0, "bellows");
#else
	return kzalloc(sizeof(struct shrinker), GFP_KERNEL);
#endif
}

/**
 * bellows_shrinker_register() - be asked from now on
 * @shrinker: filled in
 *
 * Return: 0 or -ENOMEM.
 */
static inline int bellows_shrinker_register(struct shrinker *shrinker)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	shrinker_register(shrinker);

	return 0;
#else
	return register_shrinker(shrinker, "bellows");
#endif
}

/**
 * bellows_shrinker_free() - be asked no more, and free it
 * @shrinker: registered or not
 *
 * Waits for one who is asking.
 */
static inline void bellows_shrinker_free(struct shrinker *shrinker)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	shrinker_free(shrinker);
#else
	unregister_shrinker(shrinker);
	kfree(shrinker);
#endif
}
#endif

/* The kernel's own queues have had names that say what they are since 6.17. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define bellows_percpu_wq		system_percpu_wq
#define bellows_unbound_wq		system_dfl_wq
#else
#define bellows_percpu_wq		system_wq
#define bellows_unbound_wq		system_unbound_wq
#endif

/*
 * Were histories and made blocks tried on this kernel? On others the choice is
 * left to the kernel, as with the stock driver.
 */
#define BELLOWS_CHOOSES                               \
	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) || \
	 (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && \
	  LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)))

/* What takes a page off its list returns 0 for success until 6.2, then true. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define BELLOWS_ISOLATE_RESULT		bool
#define bellows_isolated(result)	(result)
#else
#define BELLOWS_ISOLATE_RESULT		int
#define bellows_isolated(result)	((result) == 0)
#endif

#ifdef _LINUX_MM_H
/**
 * bellows_mappings() - how many page table entries refer to a folio?
 * @folio: a reference is held, or what is found may be stale
 *
 * The kernel keeps the sum for folios of any size since 6.10. Before, each of their
 * pages has its own count, and there are none for a folio that is mapped by a
 * huge entry: that one is as large as a block.
 *
 * Context: Any.
 * Return: references that are held for them. Too few for a folio of a whole block.
 */
static inline int bellows_mappings(struct folio *folio)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return folio_mapcount(folio);
#else
	long nr = folio_nr_pages(folio), i;
	int mappings = 0;

	for (i = 0; i < nr; i++)
		mappings += atomic_read(&folio_page(folio, i)->_mapcount) + 1;

	return mappings;
#endif
}
#endif

#ifdef _LINUX_MIGRATE_H
/* What migrate_pages() asks its caller to allocate: a folio since 6.5. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define BELLOWS_MIGRATED		struct folio
#define bellows_migrate_get_t		new_folio_t
#define bellows_migrate_put_t		free_folio_t
#else
#define BELLOWS_MIGRATED		struct page
#define bellows_migrate_get_t		new_page_t
#define bellows_migrate_put_t		free_page_t
#endif
#endif

#ifdef _LINUX_MIGRATE_H
/*
 * Pages that have functions of their own to be moved with. Each page told them
 * until 6.17. Since then those marked PageOffline all have the functions of the
 * kernel's own balloon, and our single pages stay where they are.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define bellows_page_is_movable(page)		page_has_movable_ops(page)
#define bellows_page_set_movable(page, ops)	((void)(ops))
#define bellows_page_clear_movable(page)	((void)(page))
#define BELLOWS_ISOLATE_MOVABLE_PAGE		"isolate_movable_ops_page"
#else
#define bellows_page_is_movable(page)		__PageMovable(page)
#define bellows_page_set_movable(page, ops)	__SetPageMovable(page, ops)
#define BELLOWS_ISOLATE_MOVABLE_PAGE		"isolate_movable_page"
static inline void bellows_page_clear_movable(struct page *page)
{
	if (__PageMovable(page) && page_movable_ops(page))
		__ClearPageMovable(page);
}
#endif
#endif

/*
 * Keeping everybody from allocating in a range: with the migratetype that it has
 * afterwards until 6.17. Since then that type is kept beside the mark, and asked
 * for without a mask.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
/* Which the next one takes for granted. */
#include <linux/mm.h>
#include <linux/page-isolation.h>
#define BELLOWS_START_ISOLATE \
	unsigned long start, unsigned long end, enum pb_isolate_mode mode
#define bellows_start_isolate(start, end, type, gfp) \
	start, end, PB_ISOLATE_MODE_OTHER
#define BELLOWS_UNDO_ISOLATE	unsigned long start, unsigned long end
#define bellows_undo_isolate(start, end, type)	start, end
#define BELLOWS_BLOCK_TYPE			enum migratetype
#define BELLOWS_BLOCK_TYPE_SYMBOL		"get_pfnblock_migratetype"
#define BELLOWS_BLOCK_TYPE_ARGUMENTS \
	const struct page *page, unsigned long pfn
#define BELLOWS_BLOCK_TYPE_OF(page, pfn)	page, pfn
#else
#define BELLOWS_START_ISOLATE                                         \
	unsigned long start, unsigned long end, int type, int flags, \
		gfp_t gfp
#define bellows_start_isolate(start, end, type, gfp) start, end, type, 0, gfp
#define BELLOWS_UNDO_ISOLATE	unsigned long start, unsigned long end, int type
#define bellows_undo_isolate(start, end, type)	start, end, type
#define BELLOWS_BLOCK_TYPE			unsigned long
#define BELLOWS_BLOCK_TYPE_SYMBOL		"get_pfnblock_flags_mask"
#define BELLOWS_BLOCK_TYPE_ARGUMENTS \
	const struct page *page, unsigned long pfn, unsigned long mask
#define BELLOWS_BLOCK_TYPE_OF(page, pfn)	page, pfn, MIGRATETYPE_MASK
#endif

/* What tells that a nested guest used its memory: an int in 6.12, a bool in 7.2. */
#define BELLOWS_CLEAR_YOUNG_RESULT \
	typeof(__mmu_notifier_clear_young(NULL, 0, 0))

/* The walk over all mappings of a folio does not change it, and says so since 6.18. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define BELLOWS_RMAP_CONST	const
#else
#define BELLOWS_RMAP_CONST
#endif

/*
 * An interrupt that may get another message, or move, at any moment. That is what
 * all do that do not say otherwise since 6.15.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define BELLOWS_IRQ_MOVE_AT_ONCE	0
#else
#define BELLOWS_IRQ_MOVE_AT_ONCE	IRQ_MOVE_PCNTXT
#endif

#ifdef LINUX_MM_INLINE_H
/*
 * Takes the accessed bit of an entry, under its page table's lock, and leaves the
 * TLB alone. The kernel's ptep_test_and_clear_young() is not exported.
 */
static inline bool bellows_pte_take_young(pte_t *pte)
{
	return pte_young(*pte) &&
	       test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)pte);
}

static inline bool bellows_pmd_take_young(pmd_t *pmd)
{
	return pmd_young(*pmd) &&
	       test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)pmd);
}
#endif

/* --- end of guest ------------------------------------------------------- */

/* --- host --------------------------------------------------------------- */

/* Folios in batches have a header of their own in 7.2, and pagevec.h is gone. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#include <linux/folio_batch.h>
#else
#include <linux/pagevec.h>
#endif

#ifdef __KVM_HOST_H
/*
 * Does a VM make Xen's hypercalls? What says so is among other settings of Xen
 * since 6.15, and there are none in a kernel without them.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define bellows_speaks_xen(kvm)	((kvm)->arch.xen_hvm_config.msr != 0)
#elif defined(CONFIG_KVM_XEN)
#define bellows_speaks_xen(kvm)	((kvm)->arch.xen.hvm_config.msr != 0)
#else
#define bellows_speaks_xen(kvm)	false
#endif

/* The same of Hyper-V's, which a kernel can be built without since 6.8. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0) || defined(CONFIG_KVM_HYPERV)
#define bellows_speaks_hyperv(kvm)	((kvm)->arch.hyperv.hv_guest_os_id != 0)
#else
#define bellows_speaks_hyperv(kvm)	false
#endif

/**
 * bellows_has_assigned_device() - does a device write into the VM's memory?
 * @kvm: the VM
 *
 * KVM counted them until 6.17. Since then it only has the device by which VFIO
 * talks to it, which a VM keeps once it had an assigned device.
 *
 * Context: Any; what is assigned at this moment may be missed.
 * Return: true when pages of it may be pinned for a device.
 */
static inline bool bellows_has_assigned_device(struct kvm *kvm)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	struct kvm_device *device;
	bool assigned = false;

	rcu_read_lock();
	list_for_each_entry_rcu(device, &kvm->devices, vm_node)
		assigned |= !strcmp(device->ops->name, "kvm-vfio");
	rcu_read_unlock();

	return assigned;
#else
	return kvm_arch_has_assigned_device(kvm);
#endif
}
#endif

#ifdef _LINUX_FTRACE_H
/*
 * A traced function's first argument and where it goes on. struct ftrace_regs
 * may be looked into only through functions since 6.13, which have these names
 * since 5.18 and 6.2.
 */
static __always_inline void *bellows_ftrace_argument(struct ftrace_regs *fregs)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return (void *)ftrace_regs_get_argument(fregs, 0);
#else
	return (void *)fregs->regs.di;
#endif
}

static __always_inline void bellows_ftrace_redirect(struct ftrace_regs *fregs,
						    unsigned long to)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	ftrace_regs_set_instruction_pointer(fregs, to);
#else
	ftrace_instruction_pointer_set(fregs, to);
#endif
}
#endif

#ifdef _LINUX_MM_H
/**
 * bellows_zap_range() - free the anonymous memory of a range
 * @mm: address space, with mmap_lock held
 * @start: first byte, page aligned
 * @end: behind the last byte; all mapped, by one VMA or several
 *
 * zap_page_range() takes several VMAs. Since 6.3 only a variant for one of them
 * is left, under a new name from 7.1 on.
 */
static inline void bellows_zap_range(struct mm_struct *mm, unsigned long start,
				     unsigned long end)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	struct vm_area_struct *vma;
	unsigned long stop;

	while (start < end && (vma = find_vma(mm, start))) {
		stop = min(vma->vm_end, end);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
		zap_vma_range(vma, start, stop - start);
#else
		zap_page_range_single(vma, start, stop - start, NULL);
#endif
		start = stop;
	}
#else
	zap_page_range(find_vma(mm, start), start, end - start);
#endif
}
#endif

/*
 * The entry of a hugetlb page that a page table walk came to. Needs the address
 * since 6.10.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define bellows_huge_pte(walk, addr, pte) huge_ptep_get((walk)->mm, addr, pte)
#else
#define bellows_huge_pte(walk, addr, pte) huge_ptep_get(pte)
#endif

#ifdef _LINUX_SWAPOPS_H
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#include <linux/leafops.h>
#endif

/**
 * bellows_pte_is_swapped() - does this entry stand for a page in swap?
 * @pte: the entry
 *
 * Of what stands for something else swapops.h tells until 6.18, then leafops.h.
 *
 * Return: true also for a page that is on its way there, or back.
 */
static inline bool bellows_pte_is_swapped(pte_t pte)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	return softleaf_is_swap(softleaf_from_pte(pte));
#else
	return !pte_none(pte) && !pte_present(pte) &&
	       !non_swap_entry(pte_to_swp_entry(pte));
#endif
}
#endif

/*
 * The source of a string is the one named in __string(), and no argument any
 * more, since 6.10.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define bellows_assign_str(field, source)	__assign_str(field)
#else
#define bellows_assign_str(field, source)	__assign_str(field, source)
#endif

/* --- end of host -------------------------------------------------------- */

#endif /* _BELLOWS_COMPAT_H */
