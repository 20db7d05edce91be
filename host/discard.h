/* SPDX-License-Identifier: GPL-2.0 */
/* Gives ranges of a guest's memory back to the host. */
#ifndef _BELLOWS_HOST_DISCARD_H
#define _BELLOWS_HOST_DISCARD_H

#include <linux/types.h>

struct kvm_vcpu;

/**
 * struct bellows_discard - a batch to discard, and how far it got
 * @ranges: bellows_range() entries, copied from the guest
 * @nr: how many
 * @own: frame numbers of the pages that the ABI itself uses (the shared page
 *	and the batch page), which no range may hold
 * @done: ranges discarded, counted from the first
 * @pages: pages in them
 * @reason: enum bellows_refusal: why range @done was refused
 */
struct bellows_discard {
	const u64 *ranges;
	u32 nr;
	u64 own[2];
	u32 done;
	u64 pages;
	u32 reason;
};

int bellows_discard(struct kvm_vcpu *vcpu, struct bellows_discard *discard);
unsigned long bellows_guest_page_hva(struct kvm_vcpu *vcpu, u64 gfn);

#endif /* _BELLOWS_HOST_DISCARD_H */
