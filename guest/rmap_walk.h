/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads whether a page was used (R), and whether it would have to be written
 * (M), from the page tables that map it.
 */
#ifndef _BELLOWS_GUEST_RMAP_WALK_H
#define _BELLOWS_GUEST_RMAP_WALK_H

#include <linux/types.h>

#include "esc.h"

struct folio;

bool bellows_rmap_init(void);
u32 bellows_rmap_print(const struct folio *folio, unsigned int offset);
void bellows_rmap_look(struct folio *folio, const struct bellows_esc_page *last,
		       struct bellows_esc_look *look);
bool bellows_rmap_used_since(struct folio *folio,
			     const struct bellows_esc_page *last);
void bellows_rmap_flush(void);

#endif /* _BELLOWS_GUEST_RMAP_WALK_H */
