/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes whole blocks: evicts what is cold in them, and moves the rest away.
 */
#ifndef _BELLOWS_GUEST_EVACUATE_H
#define _BELLOWS_GUEST_EVACUATE_H

#include <linux/types.h>

struct bellows_pages;

bool bellows_evacuate_init(void);
void bellows_evacuate_exit(void);
unsigned long bellows_evacuate_blocks(void);
unsigned long bellows_evacuate_rank(unsigned int moves_max, int node,
				    bool hurry);
unsigned long bellows_evacuate_cold(unsigned long wanted);
unsigned long bellows_evacuate_plan(unsigned int blocks, unsigned long *room);
unsigned int bellows_evacuate_do(struct bellows_pages *taken);

#endif /* _BELLOWS_GUEST_EVACUATE_H */
