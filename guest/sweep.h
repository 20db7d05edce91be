/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps the histories of all pages: looks at them again and again while
 * somebody may soon want memory.
 */
#ifndef _BELLOWS_GUEST_SWEEP_H
#define _BELLOWS_GUEST_SWEEP_H

#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "esc.h"
#include "esc_hints.h"

/* For what is known of all pages, or blocks. Who can do without says so himself. */
#define BELLOWS_TABLE_GFP (GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)

/**
 * struct bellows_sweep_settings - knobs, set from sysfs
 * @percent: of one CPU that sweeping may cost in the background
 * @urgent_percent: the same while an inflation waits for histories
 * @gap_ms: shortest time between the starts of two sweeps
 * @gap_max_ms: longest
 * @always: sweep also when nobody wants anything
 */
struct bellows_sweep_settings {
	unsigned int percent;
	unsigned int urgent_percent;
	unsigned int gap_ms;
	unsigned int gap_max_ms;
	bool always;
};

/**
 * struct bellows_histories - what is known of every page
 * @lock: guards all of it. Held for a millisecond or so at a time; nothing is
 *	allocated and no memory is reclaimed under it. Comes after no lock of
 *	ours, and before those of the kernel's memory management.
 * @page: by page frame number
 * @end: length of @page
 * @census: of the last sweep that was completed
 * @clock: looks for victims
 * @hints: what the host takes by itself, and is passed over
 * @sweeps: completed since the module was loaded
 * @swept_at: jiffies when the last one ended
 * @inflating: an inflation is going on: what it tested is not tested again
 * @guessing: it cannot wait for a whole window: what looks unused counts as cold
 */
struct bellows_histories {
	struct mutex lock;
	struct bellows_esc_page *page;
	unsigned long end;
	struct bellows_esc_census census;
	struct bellows_esc_clock clock;
	struct bellows_esc_hints hints;
	unsigned long sweeps;
	unsigned long swept_at;
	bool inflating;
	bool guessing;
};

extern struct bellows_histories bellows_histories;
extern struct bellows_sweep_settings bellows_sweep_settings;

bool bellows_sweep_init(void);
void bellows_sweep_exit(void);
bool bellows_sweep_works(void);
void bellows_sweep_want(bool urgent);
bool bellows_sweep_ready(void);
void bellows_sweep_hear_hints(const u64 *ranges, u32 nr);
u64 bellows_sweep_hinted_pages(void);
void bellows_sweep_figures(u64 *working_set,
			   __u64 pages[BELLOWS_CLASSES][BELLOWS_AGES]);

#endif /* _BELLOWS_GUEST_SWEEP_H */
