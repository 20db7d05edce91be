/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page that guest and host share: our half written, theirs read.
 */
#ifndef _BELLOWS_GUEST_SHARED_H
#define _BELLOWS_GUEST_SHARED_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include <bellows/abi.h>

struct bellows_wish;

/**
 * struct bellows_shared - the shared page and our own copy of our half
 * @page: the page, which the host may read and write at any time
 * @lock: serializes writers of our half. A raw spinlock that nests inside the
 *	interrupt core's descriptor lock, because the doorbell's message changes
 *	under that; nothing but memory is touched under it.
 * @own: what our half says; the page is only ever written from it. Protected
 *	by @lock.
 */
struct bellows_shared {
	struct bellows_shared_page *page;
	raw_spinlock_t lock;
	struct bellows_guest_half *own;
};

int bellows_shared_init(struct bellows_shared *shared);
void bellows_shared_exit(struct bellows_shared *shared);
phys_addr_t bellows_shared_address(const struct bellows_shared *shared);
void bellows_shared_renew(struct bellows_shared *shared);
bool bellows_shared_read(const struct bellows_shared *shared,
			 struct bellows_wish *wish);
bool bellows_shared_read_hints(const struct bellows_shared *shared, u64 *ranges,
			       u32 *nr);
void bellows_shared_report(struct bellows_shared *shared,
			   struct bellows_guest_half *report);
void bellows_shared_set_doorbell(struct bellows_shared *shared, u64 address,
				 u32 data);
void bellows_shared_clear_doorbell(struct bellows_shared *shared);
bool bellows_shared_doorbell(struct bellows_shared *shared, u64 *address,
			     u32 *data);

#endif /* _BELLOWS_GUEST_SHARED_H */
