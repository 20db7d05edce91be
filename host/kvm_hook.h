/* SPDX-License-Identifier: GPL-2.0 */
/* Takes our hypercalls out of KVM, and learns when it destroys a VM. */
#ifndef _BELLOWS_HOST_KVM_HOOK_H
#define _BELLOWS_HOST_KVM_HOOK_H

int bellows_kvm_hook_deaths(void);
void bellows_kvm_unhook_deaths(void);
int bellows_kvm_hook_calls(void);
void bellows_kvm_unhook_calls(void);
int bellows_kvm_active_calls(void);

#endif /* _BELLOWS_HOST_KVM_HOOK_H */
