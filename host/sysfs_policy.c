// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/bellows_host/policy: the planner's finer knobs. Those that an
 * operator needs every day are one level up (sysfs.c).
 *
 * A change is checked together with all other settings before it takes effect;
 * nonsense is refused with -EINVAL and changes nothing.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "agent.h"
#include "hostmem.h"
#include "sysfs_guests.h"

/**
 * struct knob - a field of struct policy_settings as a file
 * @attribute: for sysfs
 * @offset: of the field
 * @is_size: it counts pages in 64 bits, and is shown in bytes; else it is a
 *	plain number in 32 bits
 */
struct knob {
	struct kobj_attribute attribute;
	size_t offset;
	bool is_size;
};

static struct knob *to_knob(struct kobj_attribute *attribute)
{
	return container_of(attribute, struct knob, attribute);
}

static ssize_t knob_show(struct kobject *kobject,
			 struct kobj_attribute *attribute, char *buffer)
{
	const struct knob *knob = to_knob(attribute);
	const void *field = (const void *)&bellows_settings + knob->offset;
	u64 value;

	mutex_lock(&bellows_hostmem_lock);
	value = knob->is_size ? *(const u64 *)field << PAGE_SHIFT :
				*(const u32 *)field;
	mutex_unlock(&bellows_hostmem_lock);
	return sysfs_emit(buffer, "%llu\n", value);
}

static int knob_parse(const struct knob *knob, const char *text, u64 *value)
{
	u32 number;

	if (knob->is_size)
		return bellows_parse_size(text, 0, value);
	if (kstrtou32(text, 0, &number))
		return -EINVAL;
	*value = number;
	return 0;
}

static ssize_t knob_store(struct kobject *kobject,
			  struct kobj_attribute *attribute, const char *text,
			  size_t count)
{
	const struct knob *knob = to_knob(attribute);
	struct policy_settings settings;
	void *field = (void *)&settings + knob->offset;
	u64 value;
	int error;

	error = knob_parse(knob, text, &value);
	if (error)
		return error;

	mutex_lock(&bellows_hostmem_lock);
	settings = bellows_settings;
	if (knob->is_size)
		*(u64 *)field = value;
	else
		*(u32 *)field = value;
	if (policy_settings_valid(&settings))
		bellows_settings = settings;
	else
		error = -EINVAL;
	mutex_unlock(&bellows_hostmem_lock);

	if (error)
		return error;
	bellows_agent_kick();
	return count;
}

#define KNOB(name, field, size)                                                \
	static struct knob name##_knob = {                                     \
		.attribute = __ATTR(name, 0644, knob_show, knob_store),        \
		.offset = offsetof(struct policy_settings, field),             \
		.is_size =                                                     \
			(size) ||                                              \
			BUILD_BUG_ON_ZERO(                                     \
				sizeof_field(struct policy_settings, field) != \
				((size) ? sizeof(u64) : sizeof(u32))),         \
	}
#define KNOB_SIZE(name) KNOB(name, name##_pages, true)
#define KNOB_NUMBER(name) KNOB(name, name, false)

KNOB_SIZE(dead_band);
KNOB_SIZE(rate);
KNOB_SIZE(granule);
KNOB_SIZE(swap_budget);
KNOB_SIZE(increase);
KNOB_NUMBER(lookahead_ms);
KNOB_NUMBER(guest_lookahead_ms);
KNOB_NUMBER(hold_take_ms);
KNOB_NUMBER(hold_give_ms);
KNOB_NUMBER(give_interval_ms);
KNOB_NUMBER(stale_ms);
KNOB_NUMBER(doubt_ms);
KNOB_NUMBER(stuck_ms);
KNOB_NUMBER(aside_ms);
KNOB_NUMBER(stress_guests);
KNOB_NUMBER(stress_permille);
KNOB_NUMBER(stress_hold_ms);
KNOB_NUMBER(pressure_stall_permille);
KNOB_NUMBER(pressure_faults);
KNOB_NUMBER(decrease_permille);
KNOB_NUMBER(relief_gap_ms);
KNOB_NUMBER(relief_trust_ms);
KNOB_NUMBER(backoff_ms);
KNOB_NUMBER(cgroup_margin_permille);
KNOB_NUMBER(move_after_ms);

static struct attribute *policy_attributes[] = {
	&dead_band_knob.attribute.attr,
	&rate_knob.attribute.attr,
	&granule_knob.attribute.attr,
	&swap_budget_knob.attribute.attr,
	&increase_knob.attribute.attr,
	&lookahead_ms_knob.attribute.attr,
	&guest_lookahead_ms_knob.attribute.attr,
	&hold_take_ms_knob.attribute.attr,
	&hold_give_ms_knob.attribute.attr,
	&give_interval_ms_knob.attribute.attr,
	&stale_ms_knob.attribute.attr,
	&doubt_ms_knob.attribute.attr,
	&stuck_ms_knob.attribute.attr,
	&aside_ms_knob.attribute.attr,
	&stress_guests_knob.attribute.attr,
	&stress_permille_knob.attribute.attr,
	&stress_hold_ms_knob.attribute.attr,
	&pressure_stall_permille_knob.attribute.attr,
	&pressure_faults_knob.attribute.attr,
	&decrease_permille_knob.attribute.attr,
	&relief_gap_ms_knob.attribute.attr,
	&relief_trust_ms_knob.attribute.attr,
	&backoff_ms_knob.attribute.attr,
	&cgroup_margin_permille_knob.attribute.attr,
	&move_after_ms_knob.attribute.attr,
	NULL,
};

/* The directory "policy". */
const struct attribute_group bellows_sysfs_policy_group = {
	.name = "policy",
	.attrs = policy_attributes,
};
