// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/bellows_host: the host's knobs and counters, and a directory for
 * each NUMA node. The guests' directories are in sysfs_guests.c.
 *
 * One value in a file, sizes in bytes. What is written is checked as a whole
 * before it takes effect; nonsense is refused with -EINVAL and changes nothing.
 */
#include <linux/ctype.h>
#include <linux/kobject.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "agent.h"
#include "alarm.h"
#include "hostmem.h"
#include "kvm_hook.h"
#include "residence.h"
#include "sysfs.h"
#include "sysfs_guests.h"

static struct kobject *host_kobject;
static struct kobject *nodes_kobject;
static struct kobject *node_kobjects[MAX_NUMNODES];

/**
 * bellows_parse_size() - read a size as an operator writes it
 * @text: bytes, with a suffix (K, M, G, ...) if wanted, or "20%"
 * @whole_pages: what a percentage is of; 0 when percentages are not allowed
 * @pages: filled in on success, rounded down
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int bellows_parse_size(const char *text, u64 whole_pages, u64 *pages)
{
	unsigned long long value;
	char *end;

	/* memparse() takes an empty string, or a sign, for 0. */
	if (!isdigit(text[0]))
		return -EINVAL;
	value = memparse(text, &end);
	if (*end == '%' && whole_pages) {
		if (value > 100)
			return -EINVAL;
		value = div_u64(whole_pages * value, 100) << PAGE_SHIFT;
		end++;
	}
	if (*skip_spaces(end))
		return -EINVAL;
	*pages = value >> PAGE_SHIFT;
	return 0;
}

static u64 host_total_pages(void)
{
	u64 pages = 0;
	int node;

	for_each_online_node(node)
		pages += bellows_node_total_pages(node);
	return pages;
}

static u64 host_free_pages(void)
{
	u64 pages = 0;
	int node;

	for_each_online_node(node)
		pages += bellows_node_free_pages(node);
	return pages;
}

/*
 * Changes one field of the settings, if the whole makes sense with it. Above the
 * reserve, what depends on it moves along: an operator who raises one knob need
 * not know the others.
 */
static ssize_t set_pages(u64 offset, const char *text, size_t count)
{
	struct policy_settings settings;
	u64 pages, least;
	int error;

	error = bellows_parse_size(text, host_total_pages(), &pages);
	if (error)
		return error;

	mutex_lock(&bellows_hostmem_lock);
	settings = bellows_settings;
	*(u64 *)((void *)&settings + offset) = pages;
	if (offset == offsetof(struct policy_settings, reserve_pages)) {
		least = pages + 2 * settings.dead_band_pages;
		settings.give_back_pages = max(settings.give_back_pages, least);
		settings.min_pages = min(settings.min_pages, pages);
	}
	if (pages <= host_total_pages() && policy_settings_valid(&settings))
		bellows_settings = settings;
	else
		error = -EINVAL;
	mutex_unlock(&bellows_hostmem_lock);

	if (error)
		return error;
	bellows_agent_kick();
	return count;
}

static ssize_t show_pages(u64 pages, char *buffer)
{
	return sysfs_emit(buffer, "%llu\n", pages << PAGE_SHIFT);
}

#define SETTING_PAGES(file, field)                                            \
	static ssize_t file##_show(struct kobject *kobject,                   \
				   struct kobj_attribute *attribute,          \
				   char *buffer)                              \
	{                                                                     \
		return show_pages(READ_ONCE(bellows_settings.field), buffer); \
	}                                                                     \
									\
	static ssize_t file##_store(struct kobject *kobject,                  \
				    struct kobj_attribute *attribute,         \
				    const char *text, size_t count)           \
	{                                                                     \
		return set_pages(offsetof(struct policy_settings, field),     \
				 text, count);                                \
	}                                                                     \
	static struct kobj_attribute file##_attribute = __ATTR_RW(file)

SETTING_PAGES(reserve, reserve_pages);
SETTING_PAGES(minimum, min_pages);
SETTING_PAGES(give_back, give_back_pages);
SETTING_PAGES(step, step_pages);

#define HOST_RO(file, format, value)                                 \
	static ssize_t file##_show(struct kobject *kobject,          \
				   struct kobj_attribute *attribute, \
				   char *buffer)                     \
	{                                                            \
		return sysfs_emit(buffer, format "\n", value);       \
	}                                                            \
	static struct kobj_attribute file##_attribute = __ATTR_RO(file)

HOST_RO(free, "%llu", host_free_pages() << PAGE_SHIFT);
HOST_RO(total, "%llu", host_total_pages() << PAGE_SHIFT);
HOST_RO(released, "%llu",
	(u64)atomic64_read(&bellows_released_pages) << PAGE_SHIFT);

HOST_RO(swapping, "%llu", bellows_hostmem_swapping_pages() << PAGE_SHIFT);
HOST_RO(missing, "%llu", bellows_alarm_missing_pages() << PAGE_SHIFT);

static ssize_t agent_show(struct kobject *kobject,
			  struct kobj_attribute *attribute, char *buffer)
{
	return sysfs_emit(buffer, "%s\n",
			  READ_ONCE(bellows_agent_settings.enabled) ? "on" :
								      "off");
}

static ssize_t agent_store(struct kobject *kobject,
			   struct kobj_attribute *attribute, const char *text,
			   size_t count)
{
	bool enabled = sysfs_streq(text, "on");

	if (!enabled && !sysfs_streq(text, "off"))
		return -EINVAL;
	mutex_lock(&bellows_hostmem_lock);
	bellows_agent_settings.enabled = enabled;
	mutex_unlock(&bellows_hostmem_lock);
	bellows_agent_kick();
	return count;
}

static struct kobj_attribute agent_attribute = __ATTR_RW(agent);

/* Both intervals at once, so that the smaller never passes the larger. */
static ssize_t set_poll(bool least, const char *text, size_t count)
{
	struct bellows_agent_settings *settings = &bellows_agent_settings;
	int error = 0;
	u32 ms;

	if (kstrtou32(text, 0, &ms))
		return -EINVAL;
	mutex_lock(&bellows_hostmem_lock);
	if (least && ms >= 1 && ms <= settings->poll_max_ms)
		settings->poll_min_ms = ms;
	else if (!least && ms >= settings->poll_min_ms && ms <= 60000)
		settings->poll_max_ms = ms;
	else
		error = -EINVAL;
	mutex_unlock(&bellows_hostmem_lock);
	if (error)
		return error;
	bellows_agent_kick();
	return count;
}

#define POLL_RW(file, least)                                               \
	static ssize_t file##_show(struct kobject *kobject,                \
				   struct kobj_attribute *attribute,       \
				   char *buffer)                           \
	{                                                                  \
		return sysfs_emit(buffer, "%u\n",                          \
				  READ_ONCE(bellows_agent_settings.file)); \
	}                                                                  \
									\
	static ssize_t file##_store(struct kobject *kobject,               \
				    struct kobj_attribute *attribute,      \
				    const char *text, size_t count)        \
	{                                                                  \
		return set_poll(least, text, count);                       \
	}                                                                  \
	static struct kobj_attribute file##_attribute = __ATTR_RW(file)

POLL_RW(poll_min_ms, true);
POLL_RW(poll_max_ms, false);

static ssize_t residence_ms_show(struct kobject *kobject,
				 struct kobj_attribute *attribute, char *buffer)
{
	return sysfs_emit(buffer, "%u\n", READ_ONCE(bellows_residence_ms));
}

static ssize_t residence_ms_store(struct kobject *kobject,
				  struct kobj_attribute *attribute,
				  const char *text, size_t count)
{
	u32 ms;

	if (kstrtou32(text, 0, &ms) || ms > BELLOWS_RESIDENCE_MS_MAX)
		return -EINVAL;
	mutex_lock(&bellows_hostmem_lock);
	bellows_residence_ms = ms;
	mutex_unlock(&bellows_hostmem_lock);
	return count;
}

static struct kobj_attribute residence_ms_attribute = __ATTR_RW(residence_ms);

static struct attribute *host_attributes[] = {
	&agent_attribute.attr,
	&reserve_attribute.attr,
	&minimum_attribute.attr,
	&give_back_attribute.attr,
	&step_attribute.attr,
	&poll_min_ms_attribute.attr,
	&poll_max_ms_attribute.attr,
	&residence_ms_attribute.attr,
	&free_attribute.attr,
	&total_attribute.attr,
	&released_attribute.attr,
	&swapping_attribute.attr,
	&missing_attribute.attr,
	NULL,
};

static const struct attribute_group host_group = { .attrs = host_attributes };

#define COUNTER(file, counter) \
	HOST_RO(file, "%llu", (u64)atomic64_read(&bellows_counters[counter]))

COUNTER(hellos, BELLOWS_HELLOS);
COUNTER(byes, BELLOWS_BYES);
COUNTER(releases, BELLOWS_RELEASES);
COUNTER(released_pages, BELLOWS_RELEASED_PAGES);
COUNTER(arrived_pages, BELLOWS_ARRIVED_PAGES);
COUNTER(refused_ranges, BELLOWS_REFUSED_RANGES);
COUNTER(reports, BELLOWS_REPORTS);
COUNTER(reported_pages, BELLOWS_REPORTED_PAGES);
COUNTER(grants, BELLOWS_GRANTS);
COUNTER(granted_pages, BELLOWS_GRANTED_PAGES);
COUNTER(doorbells, BELLOWS_DOORBELLS);
COUNTER(doorbell_failures, BELLOWS_DOORBELL_FAILURES);
COUNTER(reactions, BELLOWS_REACTIONS);
HOST_RO(reaction_last_us, "%llu",
	div_u64(bellows_reaction_last_ns(), NSEC_PER_USEC));
HOST_RO(reaction_max_us, "%llu",
	div_u64(bellows_reaction_max_ns(), NSEC_PER_USEC));
HOST_RO(active_calls, "%d", bellows_kvm_active_calls());
HOST_RO(pinned_pages, "%d", atomic_read(&bellows_pinned_pages));
HOST_RO(guests, "%d", atomic_read(&bellows_guest_objects));

static struct attribute *counter_attributes[] = {
	&hellos_attribute.attr,
	&byes_attribute.attr,
	&releases_attribute.attr,
	&released_pages_attribute.attr,
	&arrived_pages_attribute.attr,
	&refused_ranges_attribute.attr,
	&reports_attribute.attr,
	&reported_pages_attribute.attr,
	&grants_attribute.attr,
	&granted_pages_attribute.attr,
	&doorbells_attribute.attr,
	&doorbell_failures_attribute.attr,
	&reactions_attribute.attr,
	&reaction_last_us_attribute.attr,
	&reaction_max_us_attribute.attr,
	&active_calls_attribute.attr,
	&pinned_pages_attribute.attr,
	&guests_attribute.attr,
	NULL,
};

static const struct attribute_group counter_group = {
	.name = "counters",
	.attrs = counter_attributes,
};

/**
 * struct node_attribute - a file in a node's directory
 * @attribute: for sysfs; its directory's name ends in the node's number
 * @pages: what it shows
 */
struct node_attribute {
	struct kobj_attribute attribute;
	u64 (*pages)(int node);
};

static ssize_t node_show(struct kobject *kobject,
			 struct kobj_attribute *attribute, char *buffer)
{
	struct node_attribute *file =
		container_of(attribute, struct node_attribute, attribute);
	int node;

	if (sscanf(kobject->name, "node%d", &node) != 1)
		return -EINVAL;
	return show_pages(file->pages(node), buffer);
}

/* A node's part of the host's reserve. */
static u64 node_reserve_pages(int node)
{
	return div64_u64(READ_ONCE(bellows_settings.reserve_pages) *
				 bellows_node_total_pages(node),
			 max(host_total_pages(), 1ULL));
}

#define NODE_RO(file, function)                                   \
	static struct node_attribute node_##file = {              \
		.attribute = __ATTR(file, 0444, node_show, NULL), \
		.pages = function,                                \
	}

NODE_RO(free, bellows_node_free_pages);
NODE_RO(total, bellows_node_total_pages);
NODE_RO(reserve, node_reserve_pages);

static struct attribute *node_attributes[] = {
	&node_free.attribute.attr,
	&node_total.attribute.attr,
	&node_reserve.attribute.attr,
	NULL,
};

static const struct attribute_group node_group = { .attrs = node_attributes };

static int add_nodes(void)
{
	struct kobject *kobject;
	char name[16];
	int node, error;

	nodes_kobject = kobject_create_and_add("nodes", host_kobject);
	if (!nodes_kobject)
		return -ENOMEM;
	for_each_online_node(node) {
		snprintf(name, sizeof(name), "node%d", node);
		kobject = kobject_create_and_add(name, nodes_kobject);
		if (!kobject)
			return -ENOMEM;
		node_kobjects[node] = kobject;
		error = sysfs_create_group(kobject, &node_group);
		if (error)
			return error;
	}
	return 0;
}

/**
 * bellows_sysfs_init() - make /sys/kernel/bellows_host
 *
 * Context: module init, before the first guest; may sleep.
 * Return: 0, or a negative error, and nothing is left.
 */
int bellows_sysfs_init(void)
{
	int error;

	host_kobject = kobject_create_and_add("bellows_host", kernel_kobj);
	if (!host_kobject)
		return -ENOMEM;
	error = sysfs_create_group(host_kobject, &host_group);
	if (!error)
		error = sysfs_create_group(host_kobject, &counter_group);
	if (!error)
		error = sysfs_create_group(host_kobject,
					   &bellows_sysfs_policy_group);
	if (!error)
		error = add_nodes();
	if (!error)
		error = bellows_sysfs_guests_init(host_kobject);
	if (error)
		bellows_sysfs_exit();
	return error;
}

/**
 * bellows_sysfs_exit() - undo bellows_sysfs_init(), also when it got half way
 *
 * Context: module exit, when no guest is left; may sleep.
 */
void bellows_sysfs_exit(void)
{
	int node;

	bellows_sysfs_guests_exit();
	for (node = 0; node < MAX_NUMNODES; node++)
		kobject_put(node_kobjects[node]);
	kobject_put(nodes_kobject);
	kobject_put(host_kobject);
}
