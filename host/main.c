// SPDX-License-Identifier: GPL-2.0
/*
 * bellows_host: the host's reclaim agent of Bellows, memory ballooning for KVM.
 *
 * Starts the parts in the order in which they need each other, the hook that
 * lets guests in last, and stops them in the opposite order.
 */
#define pr_fmt(fmt) "bellows_host: " fmt

#include <linux/module.h>

#include "bellows/abi.h"
#include "agent.h"
#include "hostmem.h"
#include "kvm_hook.h"
#include "residence.h"
#include "sysfs.h"
#include "vmem.h"
#include "walk.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init bellows_host_init(void)
{
	int error;

	bellows_hostmem_init();
	/* Without it pinned memory could not be told, so nothing is discarded. */
	error = bellows_walk_init();
	if (error) {
		pr_err("this kernel lacks what finds pinned memory (%d)\n",
		       error);
		return error;
	}
	error = bellows_sysfs_init();
	if (error)
		return error;
	error = bellows_vmem_init(&bellows_sysfs_watcher);
	if (error)
		goto exit_sysfs;
	error = bellows_agent_start();
	if (error)
		goto exit_vmem;
	bellows_residence_start();
	error = bellows_kvm_hook_deaths();
	if (error)
		goto stop_agent;
	error = bellows_kvm_hook_calls();
	if (error)
		goto unhook_deaths;

	pr_info("ready, ABI version %d\n", BELLOWS_ABI_VERSION);
	return 0;

unhook_deaths:
	bellows_kvm_unhook_deaths();
stop_agent:
	bellows_residence_stop();
	bellows_agent_stop();
exit_vmem:
	bellows_vmem_exit();
exit_sysfs:
	bellows_sysfs_exit();
	return error;
}

static void __exit bellows_host_exit(void)
{
	bellows_kvm_unhook_calls();
	bellows_agent_stop();
	bellows_residence_stop();
	/* VMs may still die meanwhile, and must be seen to. */
	bellows_vmem_leave_all();
	bellows_kvm_unhook_deaths();
	bellows_vmem_exit();
	bellows_sysfs_exit();
}

module_init(bellows_host_init);
module_exit(bellows_host_exit);

MODULE_DESCRIPTION("Bellows: reclaim agent for KVM hosts, by ballooning");
MODULE_AUTHOR("The Bellows authors");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
