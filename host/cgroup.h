/* SPDX-License-Identifier: GPL-2.0 */
/* The memory cgroups of the host that a VM is in. */
#ifndef _BELLOWS_HOST_CGROUP_H
#define _BELLOWS_HOST_CGROUP_H

struct mm_struct;
struct policy_cgroup;

unsigned int bellows_cgroups_look(struct mm_struct *mm,
				  struct policy_cgroup *cgroups,
				  unsigned int most);

#endif /* _BELLOWS_HOST_CGROUP_H */
