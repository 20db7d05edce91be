// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/bellows_host/guests: a directory for each guest, named by the
 * process ID of its VMM (PID.N for its further VMs, if it has several).
 *
 * A guest's directory is there from its first HELLO until its VM is gone.
 */
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "agent.h"
#include "hostmem.h"
#include "sysfs.h"
#include "sysfs_guests.h"
#include "vmem.h"

/* VMs of one process; a process with more has the rest without a directory. */
#define VMS_PER_PROCESS 64

static struct kset *guests_kset;
/* Serialises the choice of directory names. Taken alone. */
static DEFINE_MUTEX(names_lock);

/**
 * struct guest_directory - a guest's directory
 * @kobject: of sysfs
 * @vmem: the guest. Valid as long as the directory is there, and no file's
 *	function runs any longer when kobject_del() returns.
 */
struct guest_directory {
	struct kobject kobject;
	struct bellows_vmem *vmem;
};

/**
 * bellows_sysfs_vmem() - whose directory it is
 * @kobject: a guest's directory
 *
 * Context: any; a file of the directory is being read or written.
 * Return: the guest, without a reference.
 */
struct bellows_vmem *bellows_sysfs_vmem(struct kobject *kobject)
{
	return container_of(kobject, struct guest_directory, kobject)->vmem;
}

/* Reads one of a guest's numbers as its lock wants it. */
#define LOCKED(vmem, expression)             \
	({                                   \
		typeof(expression) value__;  \
									\
		mutex_lock(&(vmem)->lock);   \
		value__ = (expression);      \
		mutex_unlock(&(vmem)->lock); \
		value__;                     \
	})

/* The same, of what the guest said last. */
#define REPORTED(vmem, expression)           \
	({                                   \
		typeof(expression) value__;  \
									\
		mutex_lock(&(vmem)->lock);   \
		bellows_vmem_refresh(vmem);  \
		value__ = (expression);      \
		mutex_unlock(&(vmem)->lock); \
		value__;                     \
	})

#define GUEST_SHOW(file, format, value)                              \
	static ssize_t file##_show(struct kobject *kobject,          \
				   struct kobj_attribute *attribute, \
				   char *buffer)                     \
	{                                                            \
		struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);        \
									\
		return sysfs_emit(buffer, format "\n", value);       \
	}

#define GUEST_RO(file, format, value)   \
	GUEST_SHOW(file, format, value) \
	static struct kobj_attribute file##_attribute = __ATTR_RO(file)

/* All ones, which stands for "no bound", stays that. */
static u64 to_bytes(u64 pages)
{
	return pages > U64_MAX >> PAGE_SHIFT ? U64_MAX : pages << PAGE_SHIFT;
}

static const char *doorbell_name(const struct bellows_vmem *vmem)
{
	return vmem->report.flags & BELLOWS_GUEST_DOORBELL ? "valid" : "none";
}

static u64 report_age_ms(const struct bellows_vmem *vmem)
{
	if (!vmem->report_ns)
		return 0;
	return div_u64(ktime_get_ns() - vmem->report_ns, NSEC_PER_MSEC);
}

static const char *state_name(const struct bellows_vmem *vmem)
{
	switch (vmem->state) {
	case BELLOWS_VMEM_LEFT:
		return "left";
	case BELLOWS_VMEM_PRESENT:
		return "present";
	case BELLOWS_VMEM_DEAD:
		break;
	}
	return "dead";
}

static const char *refusal_name(u32 reason)
{
	static const char *const names[BELLOWS_REFUSE_COUNT] = {
		[BELLOWS_REFUSE_NONE] = "none",
		[BELLOWS_REFUSE_NOT_RAM] = "not-ram",
		[BELLOWS_REFUSE_READONLY] = "read-only",
		[BELLOWS_REFUSE_OVERLAP] = "overlap",
		[BELLOWS_REFUSE_LOCKED] = "locked",
		[BELLOWS_REFUSE_UFFD] = "userfaultfd",
		[BELLOWS_REFUSE_PINNED] = "pinned",
		[BELLOWS_REFUSE_ASSIGNED] = "assigned-device",
		[BELLOWS_REFUSE_FILE] = "file",
		[BELLOWS_REFUSE_SPECIAL] = "special",
		[BELLOWS_REFUSE_SEALED] = "sealed",
		[BELLOWS_REFUSE_HUGETLB] = "hugetlb-part",
		[BELLOWS_REFUSE_OWN] = "own-page",
		[BELLOWS_REFUSE_FAILED] = "failed",
	};

	return names[reason];
}

GUEST_RO(name, "%s", vmem->identity.name);
GUEST_RO(uuid, "%s", vmem->identity.uuid);
GUEST_RO(state, "%s", REPORTED(vmem, state_name(vmem)));
GUEST_RO(generation, "%u", LOCKED(vmem, vmem->generation));
GUEST_RO(size, "%llu", to_bytes(LOCKED(vmem, vmem->size_pages)));
GUEST_RO(total, "%llu", to_bytes(REPORTED(vmem, vmem->report.total_pages)));
GUEST_RO(free, "%llu", to_bytes(REPORTED(vmem, vmem->report.free_pages)));
GUEST_RO(available, "%llu",
	 to_bytes(REPORTED(vmem, vmem->report.available_pages)));
GUEST_RO(floor, "%llu", to_bytes(REPORTED(vmem, vmem->report.floor_pages)));
GUEST_RO(oom_kills, "%llu", REPORTED(vmem, vmem->report.oom_kills));
GUEST_RO(report_age_ms, "%llu", REPORTED(vmem, report_age_ms(vmem)));
GUEST_RO(doorbell, "%s", REPORTED(vmem, doorbell_name(vmem)));
GUEST_RO(refused_ranges, "%llu", LOCKED(vmem, vmem->refused_ranges));
GUEST_RO(last_refusal, "%s", refusal_name(LOCKED(vmem, vmem->last_refusal)));
GUEST_RO(rss, "%llu", to_bytes(bellows_vmem_rss_pages(vmem)));
GUEST_RO(given, "%llu", to_bytes(READ_ONCE(vmem->arrival.given_pages)));
GUEST_RO(arrived, "%llu", to_bytes(READ_ONCE(vmem->arrival.arrived_pages)));
GUEST_RO(cgroup_limit, "%llu",
	 to_bytes(READ_ONCE(vmem->policy.cgroup_limit_pages)));
GUEST_RO(cgroup_usage, "%llu",
	 to_bytes(READ_ONCE(vmem->policy.cgroup_usage_pages)));
GUEST_RO(reason, "%s",
	 policy_reason_name(LOCKED(vmem, vmem->policy.settings.manual) ?
				    POLICY_REASON_MANUAL :
				    READ_ONCE(vmem->policy.reason)));
GUEST_RO(bound, "%s", policy_bound_name(READ_ONCE(vmem->policy.bound)));

/* The node of the host behind each of the guest's, "any" where that is several. */
static ssize_t host_nodes_show(struct kobject *kobject,
			       struct kobj_attribute *attribute, char *buffer)
{
	const struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);
	const struct policy_guest *guest = &vmem->policy;
	int at = 0;
	u32 i;

	mutex_lock(&bellows_hostmem_lock);
	for (i = 0; i < guest->nr_bound; i++)
		at += guest->host_node[i] == POLICY_NODE_ANY ?
			      sysfs_emit_at(buffer, at, "any ") :
			      sysfs_emit_at(buffer, at, "%d ",
					    guest->host_node[i]);
	mutex_unlock(&bellows_hostmem_lock);
	if (!at)
		return sysfs_emit(buffer, "any\n");
	buffer[at - 1] = '\n';
	return at;
}

static struct kobj_attribute host_nodes_attribute = __ATTR_RO(host_nodes);

/* A guest that left keeps its hand-set target for when it comes back. */
static u64 guest_target_pages(const struct bellows_vmem *vmem)
{
	if (vmem->state != BELLOWS_VMEM_PRESENT && vmem->policy.settings.manual)
		return vmem->policy.settings.manual_target_pages;
	return vmem->target_pages;
}

GUEST_SHOW(target, "%llu", to_bytes(LOCKED(vmem, guest_target_pages(vmem))))

static ssize_t target_store(struct kobject *kobject,
			    struct kobj_attribute *attribute, const char *text,
			    size_t count)
{
	struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);
	u64 total, pages;
	int error;

	total = LOCKED(vmem, vmem->report.total_pages);
	error = bellows_parse_size(text, total, &pages);
	if (error)
		return error;
	if (total && pages > total)
		return -EINVAL;
	bellows_agent_target_by_hand(vmem, pages);
	return count;
}

static struct kobj_attribute target_attribute = __ATTR_RW(target);

GUEST_SHOW(target_mode, "%s",
	   LOCKED(vmem, vmem->policy.settings.manual) ? "manual" : "auto")

static ssize_t target_mode_store(struct kobject *kobject,
				 struct kobj_attribute *attribute,
				 const char *text, size_t count)
{
	struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);

	if (sysfs_streq(text, "auto"))
		bellows_agent_target_auto(vmem);
	else if (sysfs_streq(text, "manual"))
		bellows_agent_target_by_hand(vmem,
					     LOCKED(vmem, vmem->target_pages));
	else
		return -EINVAL;
	return count;
}

static struct kobj_attribute target_mode_attribute = __ATTR_RW(target_mode);

GUEST_SHOW(target_max, "%llu",
	   to_bytes(LOCKED(vmem, vmem->policy.settings.target_max_pages)))

static ssize_t target_max_store(struct kobject *kobject,
				struct kobj_attribute *attribute,
				const char *text, size_t count)
{
	struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);
	u64 pages;
	int error;

	error = bellows_parse_size(text, LOCKED(vmem, vmem->report.total_pages),
				   &pages);
	if (error)
		return error;
	bellows_agent_limit_target(vmem, pages);
	return count;
}

static struct kobj_attribute target_max_attribute = __ATTR_RW(target_max);

static struct attribute *guest_attrs[] = {
	&name_attribute.attr,
	&uuid_attribute.attr,
	&state_attribute.attr,
	&generation_attribute.attr,
	&total_attribute.attr,
	&size_attribute.attr,
	&target_attribute.attr,
	&target_mode_attribute.attr,
	&target_max_attribute.attr,
	&reason_attribute.attr,
	&bound_attribute.attr,
	&free_attribute.attr,
	&available_attribute.attr,
	&floor_attribute.attr,
	&rss_attribute.attr,
	&given_attribute.attr,
	&arrived_attribute.attr,
	&host_nodes_attribute.attr,
	&cgroup_limit_attribute.attr,
	&cgroup_usage_attribute.attr,
	&oom_kills_attribute.attr,
	&report_age_ms_attribute.attr,
	&doorbell_attribute.attr,
	&refused_ranges_attribute.attr,
	&last_refusal_attribute.attr,
	NULL,
};

static const struct attribute_group guest_group = { .attrs = guest_attrs };

static const struct attribute_group *guest_groups[] = {
	&guest_group,
	&bellows_sysfs_settings_group,
	NULL,
};

static void guest_directory_release(struct kobject *kobject)
{
	kfree(container_of(kobject, struct guest_directory, kobject));
}

static const struct kobj_type guest_type = {
	.release = guest_directory_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = guest_groups,
};

/* True when no other VM has the name. */
static bool name_is_free(const char *name)
{
	struct kobject *other = kset_find_obj(guests_kset, name);

	kobject_put(other);
	return !other;
}

static int choose_name(pid_t pid, char *name, size_t size)
{
	unsigned int number;

	lockdep_assert_held(&names_lock);

	snprintf(name, size, "%d", pid);
	for (number = 2; !name_is_free(name); number++) {
		if (number > VMS_PER_PROCESS)
			return -ENOSPC;
		snprintf(name, size, "%d.%u", pid, number);
	}
	return 0;
}

/* A guest without a directory works; nobody can look at it. */
static void guest_added(struct bellows_vmem *vmem)
{
	struct guest_directory *directory;
	char name[32];
	int error;

	directory = kzalloc(sizeof(*directory), GFP_KERNEL_ACCOUNT);
	if (!directory)
		return;

	directory->vmem = vmem;
	directory->kobject.kset = guests_kset;
	kobject_init(&directory->kobject, &guest_type);
	mutex_lock(&names_lock);
	error = choose_name(vmem->identity.pid, name, sizeof(name));
	if (!error)
		error = kobject_add(&directory->kobject, NULL, "%s", name);
	mutex_unlock(&names_lock);
	if (error)
		kobject_put(&directory->kobject);
	else
		vmem->watcher_data = directory;
}

static void guest_removed(struct bellows_vmem *vmem)
{
	struct guest_directory *directory = vmem->watcher_data;

	if (!directory)
		return;
	vmem->watcher_data = NULL;
	/* Waits for whoever is reading a file of it. */
	kobject_del(&directory->kobject);
	kobject_put(&directory->kobject);
}

const struct bellows_vmem_watcher bellows_sysfs_watcher = {
	.added = guest_added,
	.removed = guest_removed,
};

/**
 * bellows_sysfs_guests_init() - make the directory of the guests' directories
 * @parent: /sys/kernel/bellows_host
 *
 * Context: module init; may sleep.
 * Return: 0, or -ENOMEM.
 */
int bellows_sysfs_guests_init(struct kobject *parent)
{
	guests_kset = kset_create_and_add("guests", NULL, parent);
	return guests_kset ? 0 : -ENOMEM;
}

/**
 * bellows_sysfs_guests_exit() - undo bellows_sysfs_guests_init()
 *
 * Context: module exit, when no guest is left; may sleep.
 */
void bellows_sysfs_guests_exit(void)
{
	kset_unregister(guests_kset);
}
