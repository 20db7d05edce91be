/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/debug/bellows_guest: what is known of single pages.
 */
#ifndef _BELLOWS_GUEST_INSPECT_H
#define _BELLOWS_GUEST_INSPECT_H

void bellows_inspect_init(void);
void bellows_inspect_exit(void);

#endif /* _BELLOWS_GUEST_INSPECT_H */
