// SPDX-License-Identifier: GPL-2.0
/*
 * The page that guest and host share: our half written, theirs read.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/nodemask.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/barrier.h>

#include "shared.h"
#include "wish.h"

/**
 * bellows_shared_init() - allocate the page and begin our half
 * @shared: filled in
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int bellows_shared_init(struct bellows_shared *shared)
{
	struct bellows_guest_half *own;

	raw_spin_lock_init(&shared->lock);

	own = kzalloc(sizeof(*own), GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	own->magic = BELLOWS_GUEST_MAGIC;
	own->version = BELLOWS_ABI_VERSION;

	shared->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!shared->page) {
		kfree(own);
		return -ENOMEM;
	}
	shared->own = own;

	return 0;
}

/**
 * bellows_shared_exit() - free what bellows_shared_init() allocated
 * @shared: no longer known to the host, no longer written by the doorbell
 */
void bellows_shared_exit(struct bellows_shared *shared)
{
	free_page((unsigned long)shared->page);
	kfree(shared->own);
}

/**
 * bellows_shared_address() - where the page is, for HELLO
 * @shared: the shared page
 *
 * Return: its guest physical address.
 */
phys_addr_t bellows_shared_address(const struct bellows_shared *shared)
{
	return virt_to_phys(shared->page);
}

/* Copies our half out. A reader sees an odd or a changed seq if it looks. */
static void bellows_shared_publish(struct bellows_shared *shared)
{
	struct bellows_guest_half *half = &shared->page->guest;

	lockdep_assert_held(&shared->lock);

	shared->own->seq |= 1;
	WRITE_ONCE(half->seq, shared->own->seq);
	/* The odd seq before any new field, */
	virt_wmb();
	memcpy(half, shared->own, sizeof(*half));
	/* and every new field before the even one. */
	virt_wmb();
	shared->own->seq++;
	WRITE_ONCE(half->seq, shared->own->seq);
}

/**
 * bellows_shared_renew() - make the page fit for a new registration
 * @shared: the shared page
 *
 * The new cookie comes first: a host that still writes for an older
 * registration sees it and stops, and what it wrote is then wiped out.
 *
 * Context: Any.
 */
void bellows_shared_renew(struct bellows_shared *shared)
{
	unsigned long flags;
	u64 cookie;

	do {
		cookie = get_random_u64();
	} while (cookie == 0);

	raw_spin_lock_irqsave(&shared->lock, flags);
	shared->own->cookie = cookie;
	bellows_shared_publish(shared);
	raw_spin_unlock_irqrestore(&shared->lock, flags);

	/* The new cookie before the host's half is wiped. */
	virt_mb();
	memset(&shared->page->host, 0, sizeof(shared->page->host));
}

/**
 * bellows_shared_read() - what does the host want?
 * @shared: the shared page
 * @wish: as bellows_wish_read() fills it in
 *
 * Context: Any. Bounded.
 * Return: false when no consistent copy could be had, which is no error: look
 * again later.
 */
bool bellows_shared_read(const struct bellows_shared *shared,
			 struct bellows_wish *wish)
{
	return bellows_wish_read(wish, &shared->page->host, nr_node_ids);
}

/**
 * bellows_shared_read_hints() - what does the host take by itself?
 * @shared: the shared page
 * @ranges: room for BELLOWS_HINTS_MAX of them; they may lie anywhere
 * @nr: set to how many there are
 *
 * Context: Any. Bounded.
 * Return: false when no consistent copy could be had; look again later.
 */
bool bellows_shared_read_hints(const struct bellows_shared *shared, u64 *ranges,
			       u32 *nr)
{
	return bellows_wish_read_hints(ranges, nr, &shared->page->host);
}

/**
 * bellows_shared_report() - publish new figures
 * @shared: the shared page
 * @report: everything from @timestamp_ns on but the doorbell, and the
 *	BELLOWS_GUEST_SHORT flag; the rest is filled in here
 *
 * Context: Any.
 */
void bellows_shared_report(struct bellows_shared *shared,
			   struct bellows_guest_half *report)
{
	struct bellows_guest_half *own = shared->own;
	unsigned long flags;

	raw_spin_lock_irqsave(&shared->lock, flags);
	report->magic = own->magic;
	report->version = own->version;
	report->cookie = own->cookie;
	report->seq = own->seq;
	report->flags &= ~BELLOWS_GUEST_DOORBELL;
	report->flags |= own->flags & BELLOWS_GUEST_DOORBELL;
	report->doorbell_address = own->doorbell_address;
	report->doorbell_data = own->doorbell_data;
	*own = *report;
	bellows_shared_publish(shared);
	raw_spin_unlock_irqrestore(&shared->lock, flags);
}

/**
 * bellows_shared_set_doorbell() - publish how the host can ring
 * @shared: the shared page
 * @address: MSI address
 * @data: MSI data
 *
 * Context: Any; called with an interrupt descriptor's lock held.
 */
void bellows_shared_set_doorbell(struct bellows_shared *shared, u64 address,
				 u32 data)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&shared->lock, flags);
	shared->own->doorbell_address = address;
	shared->own->doorbell_data = data;
	shared->own->flags |= BELLOWS_GUEST_DOORBELL;
	bellows_shared_publish(shared);
	raw_spin_unlock_irqrestore(&shared->lock, flags);
}

/**
 * bellows_shared_clear_doorbell() - the host cannot ring any more
 * @shared: the shared page
 *
 * Context: Any; called with an interrupt descriptor's lock held.
 */
void bellows_shared_clear_doorbell(struct bellows_shared *shared)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&shared->lock, flags);
	shared->own->doorbell_address = 0;
	shared->own->doorbell_data = 0;
	shared->own->flags &= ~BELLOWS_GUEST_DOORBELL;
	bellows_shared_publish(shared);
	raw_spin_unlock_irqrestore(&shared->lock, flags);
}

/**
 * bellows_shared_doorbell() - how can the host ring?
 * @shared: the shared page
 * @address: set to the MSI address
 * @data: set to the MSI data
 *
 * Context: Any.
 * Return: false when it cannot.
 */
bool bellows_shared_doorbell(struct bellows_shared *shared, u64 *address,
			     u32 *data)
{
	unsigned long flags;
	bool valid;

	raw_spin_lock_irqsave(&shared->lock, flags);
	*address = shared->own->doorbell_address;
	*data = shared->own->doorbell_data;
	valid = shared->own->flags & BELLOWS_GUEST_DOORBELL;
	raw_spin_unlock_irqrestore(&shared->lock, flags);

	return valid;
}
