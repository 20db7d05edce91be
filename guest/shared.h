/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page that guest and host share: our half written, theirs read.
 */
#ifndef _BELLOWS_GUEST_SHARED_H
#define _BELLOWS_GUEST_SHARED_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include <bellows/abi.h>

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

/**
 * struct bellows_wish - what the host asks for, checked
 * @target_pages: what the balloon shall hold
 * @reason: why (enum bellows_reason), for people
 * @request: BELLOWS_REQ_* bits that we know
 * @nr_nodes: entries of @node_target_pages in use, 0 when we may choose
 * @node_target_pages: what it shall hold of each node
 * @nr_wanted: entries of @wanted in use, 0 when any memory will do
 * @wanted: ranges (bellows_range()) to take from first; they may lie anywhere
 * @wanted_id: the host's number for them
 * @wanted_in_use: what is in use there shall be moved elsewhere
 */
struct bellows_wish {
	u64 target_pages;
	u32 reason;
	u32 request;
	u32 nr_nodes;
	u64 node_target_pages[BELLOWS_NODES_MAX];
	u32 nr_wanted;
	u64 wanted[BELLOWS_WANTED_MAX];
	u32 wanted_id;
	bool wanted_in_use;
};

int bellows_shared_init(struct bellows_shared *shared);
void bellows_shared_exit(struct bellows_shared *shared);
phys_addr_t bellows_shared_address(const struct bellows_shared *shared);
void bellows_shared_renew(struct bellows_shared *shared);
bool bellows_shared_read(const struct bellows_shared *shared,
			 struct bellows_wish *wish);
void bellows_shared_report(struct bellows_shared *shared,
			   struct bellows_guest_half *report);
void bellows_shared_set_doorbell(struct bellows_shared *shared, u64 address,
				 u32 data);
void bellows_shared_clear_doorbell(struct bellows_shared *shared);
bool bellows_shared_doorbell(struct bellows_shared *shared, u64 *address,
			     u32 *data);

#endif /* _BELLOWS_GUEST_SHARED_H */
