/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host takes from the guest by itself (H): to evict it as well would have
 * the host read it back first.
 *
 * Pure, as esc.h.
 */
#ifndef _BELLOWS_GUEST_ESC_HINTS_H
#define _BELLOWS_GUEST_ESC_HINTS_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include <bellows/abi.h>

/**
 * struct bellows_esc_span - a span of pages
 * @first: page frame number
 * @end: one past the last
 */
struct bellows_esc_span {
	u64 first;
	u64 end;
};

/**
 * struct bellows_esc_hints - all that is named
 * @nr: entries of @span in use
 * @span: ascending, with gaps in between
 */
struct bellows_esc_hints {
	u32 nr;
	struct bellows_esc_span span[BELLOWS_HINTS_MAX];
};

void bellows_esc_hints_set(struct bellows_esc_hints *hints, const u64 *ranges,
			   u32 nr);
bool bellows_esc_hinted(const struct bellows_esc_hints *hints, u64 pfn);
u64 bellows_esc_hinted_pages(const struct bellows_esc_hints *hints);

#endif /* _BELLOWS_GUEST_ESC_HINTS_H */
