// SPDX-License-Identifier: GPL-2.0
/*
 * Gives ranges of a guest's memory back to the host, whatever stands behind
 * them: anonymous memory is zapped, shared memory (memfd, shmem, hugetlbfs) has
 * a hole punched into it. Afterwards the guest reads zeros there.
 *
 * What must not be taken is refused with a reason and left alone: see check_vma()
 * and enum bellows_refusal.
 *
 * A range of guest pages is looked up in KVM's memory slots while the VMM's
 * mmap_lock is held for reading, and discarded before the lock is dropped (a
 * hole is punched afterwards, but into a file that the lookup holds). So a VMM
 * that takes a slot away and puts something of its own at the same address
 * cannot lose it to a guest that is quick enough. KVM's srcu is held only for
 * the lookup: a VMM that changes its slots never waits for our slow work.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h> /* needs the types of fs.h */
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "bellows/abi.h"
#include "bellows/compat.h"
#include "discard.h"
#include "walk.h"

/* Longest run that is discarded without looking at signals: 1 GiB. */
#define RUN_BYTES_MAX SZ_1G

/**
 * struct run - neighbouring memory that one call can discard
 * @start: first byte, in the VMM's address space
 * @end: behind the last byte
 * @file: into which a hole is punched; NULL when the memory is zapped
 * @offset: of @start in @file
 * @ranges: ranges of the batch that it is made of
 * @pages: pages in them
 */
struct run {
	unsigned long start;
	unsigned long end;
	struct file *file;
	loff_t offset;
	u32 ranges;
	u64 pages;
};

/*
 * Finds pages that somebody has pinned for DMA: after a discard the device would
 * go on using a page that the guest does not see any more.
 */
static int pinned_pmd(pmd_t *pmd, unsigned long addr, unsigned long next,
		      struct mm_walk *walk)
{
	spinlock_t *lock = pmd_lock(walk->mm, pmd);
	int pinned = 0;

	if (pmd_present(*pmd) && pmd_trans_huge(*pmd)) {
		pinned = folio_maybe_dma_pinned(page_folio(pmd_page(*pmd)));
		walk->action = ACTION_CONTINUE;
	}
	spin_unlock(lock);
	return pinned;
}

static int pinned_pte(pte_t *pte, unsigned long addr, unsigned long next,
		      struct mm_walk *walk)
{
	if (!pte_present(*pte) || pte_special(*pte) ||
	    !pfn_valid(pte_pfn(*pte)))
		return 0;
	return folio_maybe_dma_pinned(page_folio(pte_page(*pte)));
}

static int pinned_hugetlb(pte_t *pte, unsigned long hmask, unsigned long addr,
			  unsigned long next, struct mm_walk *walk)
{
	pte_t entry = bellows_huge_pte(walk, addr, pte);

	return pte_present(entry) &&
	       folio_maybe_dma_pinned(page_folio(pte_page(entry)));
}

static const struct mm_walk_ops pinned_walk = {
	.pmd_entry = pinned_pmd,
	.pte_entry = pinned_pte,
	.hugetlb_entry = pinned_hugetlb,
};

/*
 * The same in the page cache, for shared memory: whoever pinned it may have done
 * so through another mapping, of another process perhaps.
 */
static bool pinned_in_cache(struct vm_area_struct *vma, unsigned long start,
			    unsigned long end)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	unsigned int shift = PAGE_SHIFT;
	struct folio_batch batch;
	pgoff_t index, last;
	bool pinned = false;
	unsigned int i;
	loff_t offset;

	if (is_vm_hugetlb_page(vma))
		shift = huge_page_shift(hstate_vma(vma));
	offset =
		((loff_t)vma->vm_pgoff << PAGE_SHIFT) + (start - vma->vm_start);
	index = offset >> shift;
	last = (offset + (end - start) - 1) >> shift;

	folio_batch_init(&batch);
	while (!pinned && filemap_get_folios(mapping, &index, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++)
			pinned |= folio_maybe_dma_pinned(batch.folios[i]);
		folio_batch_release(&batch);
	}
	return pinned;
}

/* Whether somebody does DMA to [@start, @end) of @vma. */
static bool is_pinned(struct vm_area_struct *vma, unsigned long start,
		      unsigned long end)
{
	if (vma->vm_flags & VM_SHARED)
		return pinned_in_cache(vma, start, end);
	return bellows_walk_range(vma->vm_mm, start, end, &pinned_walk, NULL);
}

/* Memory of tmpfs: memfd, /dev/shm, shared anonymous mappings. */
static bool vma_is_tmpfs(const struct vm_area_struct *vma)
{
	return vma->vm_file &&
	       file_inode(vma->vm_file)->i_sb->s_magic == TMPFS_MAGIC;
}

/* Why [@start, @end) of @vma must not be discarded. */
static enum bellows_refusal check_vma(struct vm_area_struct *vma,
				      unsigned long start, unsigned long end)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return BELLOWS_REFUSE_SPECIAL;
	if (vma->vm_flags & VM_LOCKED)
		return BELLOWS_REFUSE_LOCKED;
	if (userfaultfd_armed(vma))
		return BELLOWS_REFUSE_UFFD;
	if (!(vma->vm_flags & VM_WRITE))
		return BELLOWS_REFUSE_READONLY;

	if (is_vm_hugetlb_page(vma)) {
		unsigned long huge = huge_page_size(hstate_vma(vma));

		return IS_ALIGNED(start | end, huge) ? BELLOWS_REFUSE_NONE :
						       BELLOWS_REFUSE_HUGETLB;
	}
	/*
	 * A private mapping of a file shows the file's contents after a
	 * discard, not zeros; a shared one of a file on disk would lose data.
	 */
	if (vma->vm_file && !(vma_is_tmpfs(vma) && vma->vm_flags & VM_SHARED))
		return BELLOWS_REFUSE_FILE;
	if (!vma->vm_file && !vma_is_anonymous(vma))
		return BELLOWS_REFUSE_SPECIAL;
	return BELLOWS_REFUSE_NONE;
}

/* Where the guest's @pages from @gfn lie in the VMM; 0 and a reason if nowhere. */
static unsigned long range_hva(struct kvm_vcpu *vcpu, u64 gfn, u32 pages,
			       enum bellows_refusal *reason)
{
	struct kvm_memory_slot *slot;
	unsigned long hva = 0;

	kvm_vcpu_srcu_read_lock(vcpu);
	slot = __gfn_to_memslot(kvm_vcpu_memslots(vcpu), gfn);
	if (!slot || slot->flags & KVM_MEMSLOT_INVALID ||
	    gfn + pages > slot->base_gfn + slot->npages)
		*reason = BELLOWS_REFUSE_NOT_RAM;
	else if (slot->flags & KVM_MEM_READONLY)
		*reason = BELLOWS_REFUSE_READONLY;
	else
		hva = __gfn_to_hva_memslot(slot, gfn);
	kvm_vcpu_srcu_read_unlock(vcpu);
	return hva;
}

/**
 * bellows_guest_page_hva() - where a page that the guest names lies in the VMM
 * @vcpu: the calling vCPU, with KVM's srcu held
 * @gfn: the page
 *
 * Context: vCPU in its VMM's process.
 * Return: the address, valid until srcu is dropped; 0 when there is no writable
 *	memory there.
 */
unsigned long bellows_guest_page_hva(struct kvm_vcpu *vcpu, u64 gfn)
{
	struct kvm_memory_slot *slot;

	slot = __gfn_to_memslot(kvm_vcpu_memslots(vcpu), gfn);
	if (!slot || slot->flags & (KVM_MEMSLOT_INVALID | KVM_MEM_READONLY))
		return 0;
	return __gfn_to_hva_memslot(slot, gfn);
}

/* Adds [@start, @end) of @vma to the run; false when it does not continue it. */
static bool extend_run(struct run *run, struct vm_area_struct *vma,
		       unsigned long start, unsigned long end)
{
	struct file *file = vma->vm_flags & VM_SHARED ? vma->vm_file : NULL;
	loff_t offset = 0;

	if (file)
		offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) +
			 (start - vma->vm_start);

	if (run->start == run->end) {
		run->start = start;
		run->end = end;
		run->file = file;
		run->offset = offset;
		return true;
	}
	if (start != run->end || file != run->file ||
	    (file && offset != run->offset + (run->end - run->start)))
		return false;
	run->end = end;
	return true;
}

/*
 * Checks one range, [@start, @end) in the VMM, and adds it to the run, wholly or
 * not at all. Sets *@full when the run cannot take it but a new one may.
 */
static enum bellows_refusal extend_by_range(struct run *run,
					    unsigned long start,
					    unsigned long end, bool *full)
{
	struct run longer = *run;
	struct vm_area_struct *vma;
	enum bellows_refusal reason;
	unsigned long at;

	mmap_assert_locked(current->mm);

	for (at = start; at < end; at = min(end, vma->vm_end)) {
		vma = find_vma(current->mm, at);
		if (!vma || vma->vm_start > at)
			return BELLOWS_REFUSE_NOT_RAM;
		reason = check_vma(vma, at, min(end, vma->vm_end));
		if (reason)
			return reason;
		if (is_pinned(vma, at, min(end, vma->vm_end)))
			return BELLOWS_REFUSE_PINNED;
		if (!extend_run(&longer, vma, at, min(end, vma->vm_end))) {
			/* Behind a new run's start: two kinds in one range. */
			if (run->start == run->end)
				return BELLOWS_REFUSE_SPECIAL;
			*full = true;
			return BELLOWS_REFUSE_NONE;
		}
	}
	*run = longer;
	return BELLOWS_REFUSE_NONE;
}

/* What can be said of range @index of the batch without looking at memory. */
static enum bellows_refusal check_range(const struct bellows_discard *discard,
					u32 index)
{
	u64 range = discard->ranges[index];
	u64 gfn = bellows_range_pfn(range);
	u32 pages = bellows_range_pages(range);
	u32 i;

	if (index) {
		u64 before = discard->ranges[index - 1];

		if (gfn <
		    bellows_range_pfn(before) + bellows_range_pages(before))
			return BELLOWS_REFUSE_OVERLAP;
	}
	for (i = 0; i < ARRAY_SIZE(discard->own); i++)
		if (discard->own[i] >= gfn && discard->own[i] < gfn + pages)
			return BELLOWS_REFUSE_OWN;
	return BELLOWS_REFUSE_NONE;
}

/*
 * Gathers the longest run from range @discard->done on. An empty run means that
 * the range was refused, for the reason returned.
 */
static enum bellows_refusal next_run(struct kvm_vcpu *vcpu,
				     const struct bellows_discard *discard,
				     struct run *run)
{
	enum bellows_refusal reason = BELLOWS_REFUSE_NONE;
	bool full = false;
	u32 index;

	memset(run, 0, sizeof(*run));
	for (index = discard->done; index < discard->nr; index++) {
		u64 range = discard->ranges[index];
		u32 pages = bellows_range_pages(range);
		unsigned long hva;

		if (run->end - run->start >= RUN_BYTES_MAX)
			break;
		reason = check_range(discard, index);
		if (reason)
			break;
		hva = range_hva(vcpu, bellows_range_pfn(range), pages, &reason);
		if (reason)
			break;
		reason = extend_by_range(run, hva, hva + (u64)pages * PAGE_SIZE,
					 &full);
		if (reason || full)
			break;
		run->ranges++;
		run->pages += pages;
	}
	return run->ranges ? BELLOWS_REFUSE_NONE : reason;
}

/* Punches the run's hole; drops and does not retake mmap_lock. */
static enum bellows_refusal punch_run(const struct run *run)
{
	struct file *file = get_file(run->file);
	int error;

	mmap_read_unlock(current->mm);
	error = vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      run->offset, run->end - run->start);
	fput(file);

	if (error == -EPERM || error == -EBADF)
		return BELLOWS_REFUSE_SEALED;
	return error ? BELLOWS_REFUSE_FAILED : BELLOWS_REFUSE_NONE;
}

/* Somebody else wants this CPU, this lock or this task. */
static bool should_pause(void)
{
	return mmap_lock_is_contended(current->mm) || need_resched();
}

static int discard_unlocked(struct kvm_vcpu *vcpu,
			    struct bellows_discard *discard)
{
	struct mm_struct *mm = current->mm;
	bool locked = false;
	struct run run;
	int error = 0;

	while (discard->done < discard->nr && !discard->reason) {
		if (!locked && mmap_read_lock_killable(mm)) {
			error = -EINTR;
			break;
		}
		locked = true;

		discard->reason = next_run(vcpu, discard, &run);
		if (!run.ranges)
			break;
		if (run.file) {
			discard->reason = punch_run(&run);
			locked = false;
		} else {
			bellows_zap_range(mm, run.start, run.end);
		}
		if (!discard->reason) {
			discard->done += run.ranges;
			discard->pages += run.pages;
		}

		if (signal_pending(current))
			break;
		if (locked && should_pause()) {
			mmap_read_unlock(mm);
			locked = false;
			cond_resched();
		}
	}
	if (locked)
		mmap_read_unlock(mm);
	return error;
}

/**
 * bellows_discard() - give a batch of ranges back to the host
 * @vcpu: the calling vCPU, with KVM's srcu held, which is dropped meanwhile
 * @discard: the batch; @done, @pages and @reason are filled in
 *
 * Stops at the first range that is refused, and early when a signal is pending.
 * Work is bounded by BELLOWS_BATCH_MAX ranges of BELLOWS_RANGE_PAGES_MAX pages.
 *
 * Context: vCPU in its VMM's process; may sleep; takes and drops mmap_lock.
 * Return: 0, or -EINTR when the task is being killed.
 */
int bellows_discard(struct kvm_vcpu *vcpu, struct bellows_discard *discard)
{
	int error;

	discard->done = 0;
	discard->pages = 0;
	discard->reason = BELLOWS_REFUSE_NONE;
	if (bellows_has_assigned_device(vcpu->kvm)) {
		discard->reason = BELLOWS_REFUSE_ASSIGNED;
		return 0;
	}

	kvm_vcpu_srcu_read_unlock(vcpu);
	error = discard_unlocked(vcpu, discard);
	kvm_vcpu_srcu_read_lock(vcpu);
	return error;
}
