// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt with which the host asks us to look at the shared page.
 *
 * It is an MSI that no device sends: the host injects the message that we
 * publish. So there is nothing to mask or to program, and "writing the message
 * to the device" is publishing it in the shared page.
 *
 * The message names a CPU and a vector. When the interrupt moves, because of
 * its affinity or because its CPU goes away, an old message still seems to be
 * delivered, but nobody hears it. So the new one is published before the change
 * is over, under the lock that the interrupt core holds for it. A message that
 * the host had read just before may still be lost; we look at the page now and
 * then anyway.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/printk.h>

#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include <bellows/compat.h>

#include "counters.h"
#include "doorbell.h"
#include "shared.h"
#include "trace.h"

/* Composes the message for where the interrupt goes now, and publishes it. */
static void bellows_doorbell_publish(struct irq_data *irq_data)
{
	struct bellows_doorbell *doorbell = irq_data->domain->host_data;
	struct irq_data *parent = irq_data->parent_data;
	struct msi_msg message = {};
	u64 address;

	parent->chip->irq_compose_msi_msg(parent, &message);
	address = (u64)message.address_hi << 32 | message.address_lo;
	bellows_shared_set_doorbell(doorbell->shared, address, message.data);
}

static int bellows_doorbell_set_affinity(struct irq_data *irq_data,
					 const struct cpumask *mask, bool force)
{
	struct irq_data *parent = irq_data->parent_data;
	int ret;

	ret = parent->chip->irq_set_affinity(parent, mask, force);
	if (ret < 0 || ret == IRQ_SET_MASK_OK_DONE)
		return ret;

	bellows_doorbell_publish(irq_data);
	/*
	 * Ring once ourselves. It makes up for a ring that went to the old
	 * place, and it lets go of the old vector, which otherwise waits for
	 * the first ring at the new place and allows no other move until then.
	 */
	if (irqd_is_started(irq_data))
		parent->chip->irq_retrigger(parent);

	return ret;
}

/* There is no source to silence; a ring too many only has us look once more. */
static void bellows_doorbell_no_mask(struct irq_data *irq_data)
{
}

static struct irq_chip bellows_doorbell_chip = {
	.name = "Bellows-MSI",
	.irq_mask = bellows_doorbell_no_mask,
	.irq_unmask = bellows_doorbell_no_mask,
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = bellows_doorbell_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
	.flags = IRQCHIP_SKIP_SET_WAKE | IRQCHIP_AFFINITY_PRE_STARTUP,
};

static int bellows_doorbell_alloc(struct irq_domain *domain, unsigned int irq,
				  unsigned int nr, void *arg)
{
	int ret;

	ret = irq_domain_alloc_irqs_parent(domain, irq, nr, arg);
	if (ret)
		return ret;

	irq_domain_set_info(domain, irq, 0, &bellows_doorbell_chip, NULL,
			    handle_edge_irq, NULL, "edge");
	/* The message changes as a whole, so it may change at any time. */
	irq_set_status_flags(irq, BELLOWS_IRQ_MOVE_AT_ONCE);

	return 0;
}

static void bellows_doorbell_free(struct irq_domain *domain, unsigned int irq,
				  unsigned int nr)
{
	irq_clear_status_flags(irq, BELLOWS_IRQ_MOVE_AT_ONCE);
	irq_domain_free_irqs_common(domain, irq, nr);
}

static int bellows_doorbell_activate(struct irq_domain *domain,
				     struct irq_data *irq_data, bool reserve)
{
	/* A reservation has no vector of its own yet. */
	if (!reserve)
		bellows_doorbell_publish(irq_data);

	return 0;
}

static void bellows_doorbell_deactivate(struct irq_domain *domain,
					struct irq_data *irq_data)
{
	struct bellows_doorbell *doorbell = domain->host_data;

	bellows_shared_clear_doorbell(doorbell->shared);
}

static const struct irq_domain_ops bellows_doorbell_ops = {
	.alloc = bellows_doorbell_alloc,
	.free = bellows_doorbell_free,
	.activate = bellows_doorbell_activate,
	.deactivate = bellows_doorbell_deactivate,
};

static irqreturn_t bellows_doorbell_handler(int irq, void *data)
{
	struct bellows_doorbell *doorbell = data;

	trace_bellows_doorbell(irq);
	bellows_count(BELLOWS_DOORBELLS, 1);
	doorbell->ring(doorbell->data);

	return IRQ_HANDLED;
}

/**
 * bellows_doorbell_init() - set up the interrupt and publish its message
 * @doorbell: filled in; bellows_doorbell_exit() may be called even on failure
 * @shared: where the message is published
 * @ring: called in interrupt context for each ring
 * @data: for @ring
 *
 * Context: May sleep.
 * Return: 0, or an error when there can be no doorbell: polling has to do.
 */
int bellows_doorbell_init(struct bellows_doorbell *doorbell,
			  struct bellows_shared *shared,
			  void (*ring)(void *data), void *data)
{
	/* What the vector domain is told: one ordinary vector, on any CPU. */
	struct irq_alloc_info info = {};
	int ret;

	doorbell->shared = shared;
	doorbell->ring = ring;
	doorbell->data = data;

	doorbell->fwnode = irq_domain_alloc_named_fwnode("bellows");
	if (!doorbell->fwnode)
		return -ENOMEM;

	/*
	 * Right on top of the vectors, also when the guest has interrupt
	 * remapping: the host injects the message behind any remapping unit.
	 */
	doorbell->domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 1,
						       doorbell->fwnode,
						       &bellows_doorbell_ops,
						       doorbell);
	if (!doorbell->domain) {
		ret = -ENOMEM;
		goto free_fwnode;
	}

	doorbell->irq =
		irq_domain_alloc_irqs(doorbell->domain, 1, NUMA_NO_NODE, &info);
	if (doorbell->irq <= 0) {
		ret = doorbell->irq ?: -ENOSPC;
		goto remove_domain;
	}

	ret = request_irq(doorbell->irq, bellows_doorbell_handler, 0, "bellows",
			  doorbell);
	if (ret)
		goto free_irq;

	return 0;

free_irq:
	irq_dispose_mapping(doorbell->irq);
remove_domain:
	irq_domain_remove(doorbell->domain);
	doorbell->domain = NULL;
free_fwnode:
	irq_domain_free_fwnode(doorbell->fwnode);

	return ret;
}

/**
 * bellows_doorbell_exit() - free the interrupt
 * @doorbell: the host does not ring any more
 *
 * Context: May sleep.
 */
void bellows_doorbell_exit(struct bellows_doorbell *doorbell)
{
	if (!doorbell->domain)
		return;

	free_irq(doorbell->irq, doorbell);
	irq_dispose_mapping(doorbell->irq);
	irq_domain_remove(doorbell->domain);
	irq_domain_free_fwnode(doorbell->fwnode);
	doorbell->domain = NULL;
}

/**
 * bellows_doorbell_disable() - hear no rings for a while
 * @doorbell: the doorbell. Its handler does not run when this returns.
 *
 * Context: May sleep.
 */
void bellows_doorbell_disable(struct bellows_doorbell *doorbell)
{
	if (doorbell->domain)
		disable_irq(doorbell->irq);
}

/**
 * bellows_doorbell_enable() - hear rings again
 * @doorbell: the doorbell
 *
 * Context: Any.
 */
void bellows_doorbell_enable(struct bellows_doorbell *doorbell)
{
	if (doorbell->domain)
		enable_irq(doorbell->irq);
}
