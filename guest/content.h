/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lies in a block, and what can be done with it.
 */
#ifndef _BELLOWS_GUEST_CONTENT_H
#define _BELLOWS_GUEST_CONTENT_H

#include <linux/types.h>

#include "esc.h"

struct folio;

/**
 * enum bellows_content - what a page is to someone who wants its place
 *
 * @BELLOWS_CONTENT_FREE: Free.
 * @BELLOWS_CONTENT_COLD: Class (0,0), proven: can be dropped.
 * @BELLOWS_CONTENT_MOVES: In use, and can be moved.
 * @BELLOWS_CONTENT_STUCK: Has to stay where it is, or is the host's to take.
 */
enum bellows_content {
	BELLOWS_CONTENT_FREE,
	BELLOWS_CONTENT_COLD,
	BELLOWS_CONTENT_MOVES,
	BELLOWS_CONTENT_STUCK,
};

bool bellows_content_protected(struct folio *folio);
enum bellows_content bellows_content(unsigned long pfn, unsigned long *pages);
bool bellows_content_of_block(unsigned long start, struct bellows_esc_block *block);

#endif /* _BELLOWS_GUEST_CONTENT_H */
