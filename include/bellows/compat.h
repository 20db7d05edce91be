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
/**
 * bellows_claim_range() - take a range of pages, whatever is in it
 * @start: first page frame
 * @end: behind the last
 *
 * What is in use is migrated or dropped. alloc_contig_range() takes other flags
 * in place of the migratetype since 7.0.
 *
 * Return: 0, or a negative error when something could not be moved.
 */
static inline int bellows_claim_range(unsigned long start, unsigned long end)
{
	return alloc_contig_range(start, end, MIGRATE_MOVABLE,
				  GFP_HIGHUSER_MOVABLE | __GFP_NOMEMALLOC |
					  __GFP_NORETRY | __GFP_NOWARN);
}
#endif

/* --- end of guest ------------------------------------------------------- */

/* --- host --------------------------------------------------------------- */

/*
 * Where KVM handles a hypercall of its own convention, all vendors alike: one
 * function until 6.11.
 */
#define BELLOWS_HYPERCALL_FUNCTION	"kvm_emulate_hypercall"

#ifdef _LINUX_FTRACE_H
/*
 * A traced function's first argument and where it goes on. Macros of their own
 * names since 6.11 and 6.2.
 */
static __always_inline void *bellows_ftrace_argument(struct ftrace_regs *fregs)
{
	return (void *)fregs->regs.di;
}

static __always_inline void bellows_ftrace_redirect(struct ftrace_regs *fregs,
						    unsigned long to)
{
	ftrace_instruction_pointer_set(fregs, to);
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
	zap_page_range(find_vma(mm, start), start, end - start);
}
#endif

#ifdef _LINUX_MEMCONTROL_H
/**
 * bellows_memcg_cache_pages() - idle page cache charged to a memory cgroup
 * @memcg: the cgroup; those below it count too
 *
 * lruvec_page_state() is no function for modules, and the statistics that it
 * reads are hidden from them since 6.10.
 *
 * Return: pages, as of up to some seconds ago.
 */
static inline u64 bellows_memcg_cache_pages(struct mem_cgroup *memcg)
{
	const struct lruvec_stats *stats;
	long pages = 0;
	int node;

	for_each_node_state(node, N_MEMORY) {
		stats = &memcg->nodeinfo[node]->lruvec_stats;
		pages += READ_ONCE(stats->state[NR_INACTIVE_FILE]);
	}
	/* Parts that are summed up at different times. */
	return max(pages, 0L);
}
#endif

/* --- end of host -------------------------------------------------------- */

#endif /* _BELLOWS_COMPAT_H */
