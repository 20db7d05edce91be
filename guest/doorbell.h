/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interrupt with which the host asks us to look at the shared page.
 */
#ifndef _BELLOWS_GUEST_DOORBELL_H
#define _BELLOWS_GUEST_DOORBELL_H

#include <linux/types.h>

struct bellows_shared;
struct fwnode_handle;
struct irq_domain;

/**
 * struct bellows_doorbell - an MSI without a device
 * @fwnode: names @domain
 * @domain: the interrupt domain above the CPUs' vectors, NULL when there is no
 *	doorbell
 * @irq: Linux's number of the interrupt
 * @shared: where its message is published
 * @ring: called in the interrupt handler
 * @data: for @ring
 */
struct bellows_doorbell {
	struct fwnode_handle *fwnode;
	struct irq_domain *domain;
	int irq;
	struct bellows_shared *shared;
	void (*ring)(void *data);
	void *data;
};

int bellows_doorbell_init(struct bellows_doorbell *doorbell,
			  struct bellows_shared *shared,
			  void (*ring)(void *data), void *data);
void bellows_doorbell_exit(struct bellows_doorbell *doorbell);
void bellows_doorbell_enable(struct bellows_doorbell *doorbell);
void bellows_doorbell_disable(struct bellows_doorbell *doorbell);

#endif /* _BELLOWS_GUEST_DOORBELL_H */
