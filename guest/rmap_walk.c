// SPDX-License-Identifier: GPL-2.0
/*
 * Reads whether a page was used (R), and whether it would have to be written
 * (M), from the page tables that map it.
 *
 * The kernel's own folio_referenced() is no help: with the multi-generational
 * LRU it clears the accessed bits of whole neighbourhoods and books them
 * elsewhere. So the walk is ours. It takes the accessed bits, which the kernel's
 * reclaim looks at too, and pays for each with folio_mark_accessed(). The other
 * way round reclaim takes accessed bits that we then do not see: it leaves a
 * trace in the page's flags, and what they were at the last look is kept in
 * the page's mark.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/swap.h>

#include <bellows/compat.h>
#include <bellows/ksym.h>

#include "counters.h"
#include "rmap_walk.h"

BELLOWS_KSYM(void, rmap_walk, struct folio *folio,
	     struct rmap_walk_control *control);
BELLOWS_KSYM(bool, page_vma_mapped_walk, struct page_vma_mapped_walk *walk);
BELLOWS_KSYM(struct anon_vma *, folio_lock_anon_vma_read,
	     BELLOWS_RMAP_CONST struct folio *folio,
	     struct rmap_walk_control *control);
BELLOWS_KSYM(void, flush_tlb_all, void);
BELLOWS_KSYM(BELLOWS_CLEAR_YOUNG_RESULT, __mmu_notifier_clear_young,
	     struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * A mark is where the page is in the kernel's lists, and above it whether we
 * left PG_referenced set.
 */
#define BELLOWS_MARK_PLACE 0x7
#define BELLOWS_MARK_INACTIVE 0
#define BELLOWS_MARK_ACTIVE 1
/* And the generations of the other LRU. */
#define BELLOWS_MARK_GENERATION 2
#define BELLOWS_MARK_REFERENCED 0x8

/**
 * bellows_rmap_init() - find what is needed
 *
 * Context: May sleep.
 * Return: false when this kernel lacks something: then nothing here is called.
 */
bool bellows_rmap_init(void)
{
	/* Without it, memory of nested guests counts as used. */
	bellows_ksym_find(__mmu_notifier_clear_young);

	return bellows_ksym_find(rmap_walk) &&
	       bellows_ksym_find(page_vma_mapped_walk) &&
	       bellows_ksym_find(folio_lock_anon_vma_read) &&
	       bellows_ksym_find(flush_tlb_all);
}

/**
 * bellows_rmap_print() - fingerprint of a page's owner
 * @folio: of which the page is part; a reference is held, or it may be stale
 * @offset: number of the page in it
 *
 * Context: Any.
 * Return: a number that another owner hardly has.
 */
u32 bellows_rmap_print(const struct folio *folio, unsigned int offset)
{
	unsigned long owner = (unsigned long)READ_ONCE(folio->mapping);
	unsigned long index = READ_ONCE(folio->index) + offset;

	/* The low bits say what kind of owner it is. */
	return (owner >> 3) ^ (owner >> 35) ^ (u32)index * 0x85ebca6bU;
}

/* Was it used by a nested guest, whose page tables are not Linux's own? */
static bool bellows_rmap_nested_young(struct mm_struct *mm,
				      unsigned long address, unsigned long size)
{
	if (!mm_has_notifiers(mm))
		return false;
	if (!bellows_ksym_found(__mmu_notifier_clear_young))
		return true;

	return bellows_ksym_call(__mmu_notifier_clear_young)(mm, address,
							     address + size);
}

/* Looks at one mapping of the folio. */
static bool bellows_rmap_one(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, void *data)
{
	/* DEFINE_FOLIO_VMA_WALK() calls what is not exported. */
	struct page_vma_mapped_walk walk = {
		.pfn = folio_pfn(folio),
		.nr_pages = folio_nr_pages(folio),
		.pgoff = folio->index,
		.vma = vma,
		.address = address,
	};
	struct bellows_esc_look *look = data;
	unsigned long size;

	while (bellows_ksym_call(page_vma_mapped_walk)(&walk)) {
		if (walk.pte) {
			look->used |= bellows_pte_take_young(walk.pte);
			look->modified |= pte_dirty(*walk.pte);
			size = PAGE_SIZE;
		} else {
			look->used |= bellows_pmd_take_young(walk.pmd);
			look->modified |= pmd_dirty(*walk.pmd);
			size = PMD_SIZE;
		}
		look->used |= bellows_rmap_nested_young(vma->vm_mm,
							walk.address, size);
	}
	/* What is locked into memory is there because it is wanted. */
	look->used |= vma->vm_flags & VM_LOCKED;
	look->executable |= vma->vm_flags & VM_EXEC && folio_is_file_lru(folio);

	return true;
}

static struct anon_vma *
bellows_rmap_lock(BELLOWS_RMAP_CONST struct folio *folio,
		  struct rmap_walk_control *control)
{
	return bellows_ksym_call(folio_lock_anon_vma_read)(folio, control);
}

static u8 bellows_rmap_place(struct folio *folio)
{
	int generation = folio_lru_gen(folio);

	if (generation >= 0)
		return BELLOWS_MARK_GENERATION + generation;

	return folio_test_active(folio) ? BELLOWS_MARK_ACTIVE :
					  BELLOWS_MARK_INACTIVE;
}

/*
 * What the flags tell of a use that the page tables do not, by read() or one
 * that the kernel's reclaim has found before us.
 */
static bool bellows_rmap_flags_used(struct folio *folio, u8 mark)
{
	u8 place = bellows_rmap_place(folio), last = mark & BELLOWS_MARK_PLACE;
	bool was_referenced = mark & BELLOWS_MARK_REFERENCED;

	/*
	 * Nobody can use it there. Reclaim that meets it while it is being
	 * written puts it among the active ones, to have it out of the way.
	 */
	if (folio_test_swapcache(folio) && !folio_mapped(folio))
		return false;
	if (place != last && place != BELLOWS_MARK_INACTIVE)
		return true;

	return folio_test_referenced(folio) && !was_referenced;
}

/*
 * Pays back to the kernel's LRU, and leaves the flags so that the next use
 * changes them. A page on the active list has what it can get.
 */
static void bellows_rmap_pay_back(struct folio *folio, bool mapped_use,
				  bool used_before)
{
	if (!folio_test_active(folio) && (mapped_use || used_before)) {
		folio_mark_accessed(folio);
		if (used_before)
			folio_mark_accessed(folio);
	}
	/* Elsewhere the flag is the first of the two uses that activate. */
	if (folio_test_active(folio) || folio_lru_gen(folio) >= 0 ||
	    !mapped_use)
		folio_clear_referenced(folio);
}

/*
 * Takes the accessed bits of all mappings of a locked folio. Returns true when
 * somebody would have to be waited for in order to look: that counts as a use.
 */
static bool bellows_rmap_mappings(struct folio *folio,
				  struct bellows_esc_look *look)
{
	struct rmap_walk_control control = {
		.arg = look,
		.try_lock = true,
		.rmap_one = bellows_rmap_one,
		.anon_lock = bellows_rmap_lock,
	};

	if (folio_mapped(folio))
		bellows_ksym_call(rmap_walk)(folio, &control);

	return control.contended;
}

/**
 * bellows_rmap_look() - look at a folio, and take the traces of its use
 * @folio: on an LRU list, with a reference held
 * @last: its history so far, of the first page
 * @look: filled in but for the fingerprint and the hint. A folio that somebody
 *	works on at the moment counts as used.
 *
 * Context: May sleep.
 */
void bellows_rmap_look(struct folio *folio, const struct bellows_esc_page *last,
		       struct bellows_esc_look *look)
{
	bool mapped_use, contended;

	*look = (struct bellows_esc_look){ .mark = last->mark };
	if (!folio_trylock(folio)) {
		look->used = true;
		look->modified = last->modified;
		return;
	}

	contended = bellows_rmap_mappings(folio, look);
	mapped_use = look->used;
	look->used |= contended;
	look->used |= bellows_rmap_flags_used(folio, last->mark);
	if (look->used)
		bellows_rmap_pay_back(folio, mapped_use, last->uses & 0x80);

	look->modified |= folio_test_dirty(folio) ||
			  folio_test_writeback(folio);
	/* It has no copy anywhere. */
	if (folio_test_swapbacked(folio) && !folio_test_swapcache(folio))
		look->modified = true;

	look->mark = bellows_rmap_place(folio);
	if (folio_test_referenced(folio))
		look->mark |= BELLOWS_MARK_REFERENCED;
	folio_unlock(folio);
}

/**
 * bellows_rmap_used_since() - was a folio used since the last look?
 * @folio: off its LRU list, with a reference held. Uses by way of its mappings are
 *	taken, and paid back.
 * @last: its history, of the first page
 *
 * Context: May sleep.
 * Return: true if it was, or when somebody works on it at the moment.
 */
bool bellows_rmap_used_since(struct folio *folio,
			     const struct bellows_esc_page *last)
{
	struct bellows_esc_look look = {};
	u8 mark = last->mark;
	bool contended;

	if (!folio_trylock(folio))
		return true;
	contended = bellows_rmap_mappings(folio, &look);
	if (look.used)
		folio_mark_accessed(folio);
	look.used |= contended;
	/* Off its list it is in no generation any more, and that is no use. */
	if ((mark & BELLOWS_MARK_PLACE) >= BELLOWS_MARK_GENERATION)
		mark = (mark & BELLOWS_MARK_REFERENCED) | BELLOWS_MARK_ACTIVE;
	/* Without a history a flag may be of any time. */
	if (!bellows_esc_knows(last, bellows_rmap_print(folio, 0)))
		mark = BELLOWS_MARK_REFERENCED | BELLOWS_MARK_ACTIVE;
	look.used |= bellows_rmap_flags_used(folio, mark);
	folio_unlock(folio);

	return look.used;
}

/**
 * bellows_rmap_flush() - make the CPUs look at the page tables again
 *
 * A CPU sets an accessed bit only when it loads the entry: what is in its TLB it
 * uses without a trace. Once for all pages of a sweep.
 *
 * Context: May sleep.
 */
void bellows_rmap_flush(void)
{
	bellows_ksym_call(flush_tlb_all)();
	bellows_count(BELLOWS_TLB_FLUSHES, 1);
}
