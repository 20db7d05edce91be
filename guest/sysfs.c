// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/bellows_guest: one value a file, sizes in bytes.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "control.h"
#include "counters.h"
#include "sysfs.h"
#include "victims.h"

/* Longest time that may be set: an hour. */
#define BELLOWS_TIME_MAX_MS 3600000
#define BELLOWS_INTERVAL_MIN_MS 100

static struct kobject *bellows_kobject;
/* Set before the files appear; there is one balloon in a guest. */
static struct bellows_control *bellows_control;

static ssize_t bellows_emit_pages(char *buf, unsigned long pages)
{
	return sysfs_emit(buf, "%llu\n", (u64)pages << PAGE_SHIFT);
}

/* A size in bytes, with the suffixes of memparse(), which misses overflows. */
static int bellows_parse_bytes(const char *buf, u64 *bytes)
{
	static const char suffixes[] = "kmgtpe";
	const char *suffix = NULL;
	unsigned int shift = 0;
	char text[32], *trimmed;
	size_t length;
	u64 value;
	int ret;

	if (strscpy(text, buf, sizeof(text)) < 0)
		return -EINVAL;
	trimmed = strim(text);
	length = strlen(trimmed);
	if (length)
		suffix = strchr(suffixes, tolower(trimmed[length - 1]));
	if (suffix) {
		trimmed[length - 1] = '\0';
		shift = 10 * (suffix - suffixes + 1);
	}

	ret = kstrtou64(trimmed, 10, &value);
	if (ret || check_shl_overflow(value, shift, bytes))
		return -EINVAL;

	return 0;
}

static ssize_t target_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return bellows_emit_pages(buf,
				  READ_ONCE(bellows_control->target_pages));
}

static struct kobj_attribute target_attribute = __ATTR_RO(target);

static ssize_t target_source_show(struct kobject *kobj,
				  struct kobj_attribute *attr, char *buf)
{
	static const char *const names[] = {
		[BELLOWS_TARGET_NONE] = "none",
		[BELLOWS_TARGET_AGENT] = "agent",
		[BELLOWS_TARGET_VIRTIO] = "virtio",
		[BELLOWS_TARGET_FLOOR] = "floor",
	};

	return sysfs_emit(buf, "%s\n",
			  names[READ_ONCE(bellows_control->source)]);
}

static struct kobj_attribute target_source_attribute = __ATTR_RO(target_source);

static ssize_t size_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct bellows_balloon *balloon = &bellows_control->balloon;

	return bellows_emit_pages(buf, bellows_balloon_size(balloon));
}

static struct kobj_attribute size_attribute = __ATTR_RO(size);

static ssize_t blocks_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%lu\n",
			  READ_ONCE(bellows_control->balloon.nr_blocks));
}

static struct kobj_attribute blocks_attribute = __ATTR_RO(blocks);

static ssize_t single_pages_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n",
			  READ_ONCE(bellows_control->balloon.nr_singles));
}

static struct kobj_attribute single_pages_attribute = __ATTR_RO(single_pages);

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", bellows_victims_policy());
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return bellows_victims_set_policy(buf) ? count : -EINVAL;
}

static struct kobj_attribute policy_attribute = __ATTR_RW(policy);

static ssize_t floor_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return bellows_emit_pages(buf, READ_ONCE(bellows_control->floor_pages));
}

static ssize_t floor_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	u64 total = bellows_balloon_total(&bellows_control->balloon);
	u64 bytes;

	if (bellows_parse_bytes(buf, &bytes) || bytes >> PAGE_SHIFT > total)
		return -EINVAL;

	WRITE_ONCE(bellows_control->floor_pages, bytes >> PAGE_SHIFT);
	bellows_control_kick(bellows_control);

	return count;
}

static struct kobj_attribute floor_attribute = __ATTR_RW(floor);

static ssize_t host_state_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	static const char *const names[] = {
		[BELLOWS_HOST_ABSENT] = "absent",
		[BELLOWS_HOST_PRESENT] = "present",
		[BELLOWS_HOST_LOST] = "lost",
		[BELLOWS_HOST_UNAVAILABLE] = "unavailable",
	};

	struct bellows_registration *registration =
		&bellows_control->registration;

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(registration->state)]);
}

static struct kobj_attribute host_state_attribute = __ATTR_RO(host_state);

static ssize_t bellows_store_ms(const char *buf, size_t count,
				unsigned int least, unsigned int *value)
{
	unsigned int ms;

	if (kstrtouint(buf, 10, &ms) || ms < least || ms > BELLOWS_TIME_MAX_MS)
		return -EINVAL;

	WRITE_ONCE(*value, ms);
	bellows_control_kick(bellows_control);

	return count;
}

static ssize_t hello_interval_ms_show(struct kobject *kobj,
				      struct kobj_attribute *attr, char *buf)
{
	struct bellows_registration *registration =
		&bellows_control->registration;

	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(registration->hello_interval_ms));
}

static ssize_t hello_interval_ms_store(struct kobject *kobj,
				       struct kobj_attribute *attr,
				       const char *buf, size_t count)
{
	struct bellows_registration *registration =
		&bellows_control->registration;

	return bellows_store_ms(buf, count, BELLOWS_INTERVAL_MIN_MS,
				&registration->hello_interval_ms);
}

static struct kobj_attribute hello_interval_ms_attribute =
	__ATTR_RW(hello_interval_ms);

static ssize_t grace_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(bellows_control->registration.grace_ms));
}

static ssize_t grace_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	return bellows_store_ms(buf, count, 0,
				&bellows_control->registration.grace_ms);
}

static struct kobj_attribute grace_ms_attribute = __ATTR_RW(grace_ms);

static ssize_t features_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%#x\n",
			  READ_ONCE(bellows_control->registration.features));
}

static struct kobj_attribute features_attribute = __ATTR_RO(features);

static ssize_t doorbell_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	u64 address;
	u32 data;

	if (!bellows_shared_doorbell(&bellows_control->shared, &address, &data))
		return sysfs_emit(buf, "none\n");

	return sysfs_emit(buf, "%#llx %#x\n", address, data);
}

static struct kobj_attribute doorbell_attribute = __ATTR_RO(doorbell);

static ssize_t virtio_target_show(struct kobject *kobj,
				  struct kobj_attribute *attr, char *buf)
{
	if (!bellows_control_has_device(bellows_control))
		return sysfs_emit(buf, "none\n");

	return bellows_emit_pages(buf,
				  READ_ONCE(bellows_control->device_pages));
}

static struct kobj_attribute virtio_target_attribute = __ATTR_RO(virtio_target);

static struct attribute *bellows_attributes[] = {
	&virtio_target_attribute.attr,
	&target_attribute.attr,
	&target_source_attribute.attr,
	&size_attribute.attr,
	&blocks_attribute.attr,
	&single_pages_attribute.attr,
	&policy_attribute.attr,
	&floor_attribute.attr,
	&host_state_attribute.attr,
	&hello_interval_ms_attribute.attr,
	&grace_ms_attribute.attr,
	&features_attribute.attr,
	&doorbell_attribute.attr,
	NULL
};

static const struct attribute_group bellows_group = {
	.attrs = bellows_attributes,
};

/**
 * struct bellows_counter_attribute - the file of one counter
 * @attribute: the file
 * @counter: what it shows
 */
struct bellows_counter_attribute {
	struct kobj_attribute attribute;
	enum bellows_counter counter;
};

static ssize_t bellows_counter_show(struct kobject *kobj,
				    struct kobj_attribute *attr, char *buf)
{
	struct bellows_counter_attribute *file =
		container_of(attr, struct bellows_counter_attribute, attribute);

	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&bellows_counters[file->counter]));
}

#define BELLOWS_COUNTER(_name, _which)                                        \
	static struct bellows_counter_attribute _name##_counter = {           \
		.attribute = __ATTR(_name, 0444, bellows_counter_show, NULL), \
		.counter = _which,                                            \
	}

BELLOWS_COUNTER(inflated_pages, BELLOWS_INFLATED_PAGES);
BELLOWS_COUNTER(deflated_pages, BELLOWS_DEFLATED_PAGES);
BELLOWS_COUNTER(released_ranges, BELLOWS_RELEASED_RANGES);
BELLOWS_COUNTER(refused_ranges, BELLOWS_REFUSED_RANGES);
BELLOWS_COUNTER(last_refusal, BELLOWS_LAST_REFUSAL);
BELLOWS_COUNTER(hypercalls, BELLOWS_HYPERCALLS);
BELLOWS_COUNTER(hello_calls, BELLOWS_HELLO_CALLS);
BELLOWS_COUNTER(release_calls, BELLOWS_RELEASE_CALLS);
BELLOWS_COUNTER(report_calls, BELLOWS_REPORT_CALLS);
BELLOWS_COUNTER(grant_calls, BELLOWS_GRANT_CALLS);
BELLOWS_COUNTER(granted_pages, BELLOWS_GRANTED_PAGES);
BELLOWS_COUNTER(ping_calls, BELLOWS_PING_CALLS);
BELLOWS_COUNTER(doorbells, BELLOWS_DOORBELLS);
BELLOWS_COUNTER(isolated_blocks, BELLOWS_ISOLATED_BLOCKS);
BELLOWS_COUNTER(allocated_blocks, BELLOWS_ALLOCATED_BLOCKS);
BELLOWS_COUNTER(allocated_pages, BELLOWS_ALLOCATED_PAGES);
BELLOWS_COUNTER(short_events, BELLOWS_SHORT_EVENTS);
BELLOWS_COUNTER(reliefs, BELLOWS_RELIEFS);
BELLOWS_COUNTER(reported_pages, BELLOWS_REPORTED_PAGES);
BELLOWS_COUNTER(hinted_pages, BELLOWS_HINTED_PAGES);
BELLOWS_COUNTER(moved_pages, BELLOWS_MOVED_PAGES);
BELLOWS_COUNTER(sweeps, BELLOWS_SWEEPS);
BELLOWS_COUNTER(sweep_ns, BELLOWS_SWEEP_NS);
BELLOWS_COUNTER(tlb_flushes, BELLOWS_TLB_FLUSHES);
BELLOWS_COUNTER(evicted_pages, BELLOWS_EVICTED_PAGES);
BELLOWS_COUNTER(evicted_huge, BELLOWS_EVICTED_HUGE);
BELLOWS_COUNTER(migrated_pages, BELLOWS_MIGRATED_PAGES);
BELLOWS_COUNTER(migrated_huge, BELLOWS_MIGRATED_HUGE);
BELLOWS_COUNTER(split_huge, BELLOWS_SPLIT_HUGE);
BELLOWS_COUNTER(made_blocks, BELLOWS_MADE_BLOCKS);
BELLOWS_COUNTER(spoiled_blocks, BELLOWS_SPOILED_BLOCKS);
BELLOWS_COUNTER(not_paying, BELLOWS_NOT_PAYING);
BELLOWS_COUNTER(left_to_kernel, BELLOWS_LEFT_TO_KERNEL);
BELLOWS_COUNTER(strains, BELLOWS_STRAINS);

static struct attribute *bellows_counter_attributes[] = {
	&inflated_pages_counter.attribute.attr,
	&deflated_pages_counter.attribute.attr,
	&released_ranges_counter.attribute.attr,
	&refused_ranges_counter.attribute.attr,
	&last_refusal_counter.attribute.attr,
	&hypercalls_counter.attribute.attr,
	&hello_calls_counter.attribute.attr,
	&release_calls_counter.attribute.attr,
	&report_calls_counter.attribute.attr,
	&grant_calls_counter.attribute.attr,
	&granted_pages_counter.attribute.attr,
	&ping_calls_counter.attribute.attr,
	&doorbells_counter.attribute.attr,
	&isolated_blocks_counter.attribute.attr,
	&allocated_blocks_counter.attribute.attr,
	&allocated_pages_counter.attribute.attr,
	&short_events_counter.attribute.attr,
	&reliefs_counter.attribute.attr,
	&reported_pages_counter.attribute.attr,
	&hinted_pages_counter.attribute.attr,
	&moved_pages_counter.attribute.attr,
	&sweeps_counter.attribute.attr,
	&sweep_ns_counter.attribute.attr,
	&tlb_flushes_counter.attribute.attr,
	&evicted_pages_counter.attribute.attr,
	&evicted_huge_counter.attribute.attr,
	&migrated_pages_counter.attribute.attr,
	&migrated_huge_counter.attribute.attr,
	&split_huge_counter.attribute.attr,
	&made_blocks_counter.attribute.attr,
	&spoiled_blocks_counter.attribute.attr,
	&not_paying_counter.attribute.attr,
	&left_to_kernel_counter.attribute.attr,
	&strains_counter.attribute.attr,
	NULL
};

static const struct attribute_group bellows_counter_group = {
	.name = "counters",
	.attrs = bellows_counter_attributes,
};

static const struct attribute_group *bellows_groups[] = {
	&bellows_group, &bellows_counter_group, &bellows_esc_group, NULL
};

/**
 * bellows_sysfs_init() - make the files appear
 * @control: what they show
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int bellows_sysfs_init(struct bellows_control *control)
{
	int ret;

	bellows_control = control;
	bellows_kobject = kobject_create_and_add("bellows_guest", kernel_kobj);
	if (!bellows_kobject)
		return -ENOMEM;

	ret = sysfs_create_groups(bellows_kobject, bellows_groups);
	if (ret)
		kobject_put(bellows_kobject);

	return ret;
}

/**
 * bellows_sysfs_exit() - take the files away
 *
 * Context: May sleep; nobody is in one of them when it returns.
 */
void bellows_sysfs_exit(void)
{
	sysfs_remove_groups(bellows_kobject, bellows_groups);
	kobject_put(bellows_kobject);
}
