/* SPDX-License-Identifier: GPL-2.0 */
/* What each hypercall does. */
#ifndef _BELLOWS_HOST_CALLS_H
#define _BELLOWS_HOST_CALLS_H

#include <linux/types.h>

struct kvm_vcpu;

/**
 * struct bellows_call - a hypercall as the guest made it
 * @number: enum bellows_hypercall
 * @argument: RBX, RCX, RDX
 */
struct bellows_call {
	u32 number;
	u64 argument[3];
};

u64 bellows_call(struct kvm_vcpu *vcpu, const struct bellows_call *call);

#endif /* _BELLOWS_HOST_CALLS_H */
