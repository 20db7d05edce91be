// SPDX-License-Identifier: GPL-2.0
/*
 * What an operator says of one guest to the planner: files in
 * /sys/kernel/bellows_host/guests/PID.
 *
 * A change is checked together with the guest's other settings before it takes
 * effect; nonsense is refused with -EINVAL and changes nothing.
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>

#include "agent.h"
#include "hostmem.h"
#include "sysfs_guests.h"
#include "vmem.h"

/* A copy of the settings, and the memory that the guest says it has. */
static struct policy_guest_settings read_settings(struct bellows_vmem *vmem,
						  u64 *total_pages)
{
	struct policy_guest_settings settings;

	mutex_lock(&vmem->lock);
	settings = vmem->policy.settings;
	*total_pages = vmem->report.total_pages;
	mutex_unlock(&vmem->lock);
	return settings;
}

/**
 * struct setting - a field of struct policy_guest_settings as a file
 * @attribute: for sysfs
 * @offset: of the field
 * @is_size: it counts pages in 64 bits, is shown in bytes, and may be written
 *	in percent of the guest's memory; else it is a number in 32 bits
 */
struct setting {
	struct kobj_attribute attribute;
	size_t offset;
	bool is_size;
};

static struct setting *to_setting(struct kobj_attribute *attribute)
{
	return container_of(attribute, struct setting, attribute);
}

static ssize_t setting_show(struct kobject *kobject,
			    struct kobj_attribute *attribute, char *buffer)
{
	const struct setting *setting = to_setting(attribute);
	struct policy_guest_settings settings;
	const void *field = (const void *)&settings + setting->offset;
	u64 total;

	settings = read_settings(bellows_sysfs_vmem(kobject), &total);
	if (setting->is_size)
		return sysfs_emit(buffer, "%llu\n",
				  *(const u64 *)field << PAGE_SHIFT);
	return sysfs_emit(buffer, "%u\n", *(const u32 *)field);
}

/* Replaces all settings but those that the agent's own functions set. */
static int
change_settings(struct bellows_vmem *vmem,
		void (*change)(struct policy_guest_settings *settings,
			       u64 total_pages, const void *what),
		const void *what)
{
	struct policy_guest_settings settings;
	int error = 0;

	mutex_lock(&bellows_hostmem_lock);
	mutex_lock(&vmem->lock);
	settings = vmem->policy.settings;
	change(&settings, vmem->report.total_pages, what);
	if (policy_guest_settings_valid(&settings))
		vmem->policy.settings = settings;
	else
		error = -EINVAL;
	mutex_unlock(&vmem->lock);
	mutex_unlock(&bellows_hostmem_lock);

	if (!error)
		bellows_agent_kick();
	return error;
}

/* A new value for one field. */
struct new_value {
	const struct setting *setting;
	u64 value;
};

static void change_field(struct policy_guest_settings *settings,
			 u64 total_pages, const void *what)
{
	const struct new_value *new_value = what;
	void *field = (void *)settings + new_value->setting->offset;

	if (new_value->setting->is_size)
		*(u64 *)field = new_value->value;
	else
		*(u32 *)field = new_value->value;
}

static ssize_t setting_store(struct kobject *kobject,
			     struct kobj_attribute *attribute, const char *text,
			     size_t count)
{
	struct bellows_vmem *vmem = bellows_sysfs_vmem(kobject);
	struct new_value new_value = { .setting = to_setting(attribute) };
	u64 total;
	u32 number;
	int error;

	if (new_value.setting->is_size) {
		read_settings(vmem, &total);
		error = bellows_parse_size(text, total, &new_value.value);
		if (!error && total && new_value.value > total)
			error = -EINVAL;
	} else {
		error = kstrtou32(text, 0, &number) ? -EINVAL : 0;
		new_value.value = error ? 0 : number;
	}
	if (!error)
		error = change_settings(vmem, change_field, &new_value);
	return error ? error : count;
}

#define SETTING(name, field, size)                                            \
	static struct setting name##_setting = {                              \
		.attribute = __ATTR(name, 0644, setting_show, setting_store), \
		.offset = offsetof(struct policy_guest_settings, field),      \
		.is_size = (size) ||                                          \
			   BUILD_BUG_ON_ZERO(                                 \
				   sizeof_field(struct policy_guest_settings, \
						field) !=                     \
				   ((size) ? sizeof(u64) : sizeof(u32))),     \
	}

SETTING(weight, weight, false);
SETTING(sensitivity, sensitivity, false);
SETTING(buffer_permille, buffer_permille, false);
SETTING(buffer_least, buffer_least_pages, true);
SETTING(reservation, reservation_pages, true);
SETTING(limit, limit_pages, true);

static void change_exempt(struct policy_guest_settings *settings,
			  u64 total_pages, const void *what)
{
	settings->exempt = *(const bool *)what;
}

static ssize_t exempt_show(struct kobject *kobject,
			   struct kobj_attribute *attribute, char *buffer)
{
	u64 total;

	return sysfs_emit(
		buffer, "%d\n",
		read_settings(bellows_sysfs_vmem(kobject), &total).exempt);
}

static ssize_t exempt_store(struct kobject *kobject,
			    struct kobj_attribute *attribute, const char *text,
			    size_t count)
{
	bool exempt;
	int error;

	if (kstrtobool(text, &exempt))
		return -EINVAL;
	error = change_settings(bellows_sysfs_vmem(kobject), change_exempt,
				&exempt);
	return error ? error : count;
}

static struct kobj_attribute exempt_attribute = __ATTR_RW(exempt);

/* What a class does not speak of stays as the operator set it. */
static void change_class(struct policy_guest_settings *settings,
			 u64 total_pages, const void *what)
{
	struct policy_guest_settings old = *settings;

	policy_guest_preset(settings, *(const enum policy_class *)what,
			    total_pages);
	settings->limit_pages = old.limit_pages;
	settings->target_max_pages = old.target_max_pages;
	settings->manual_target_pages = old.manual_target_pages;
	settings->manual = old.manual;
	settings->exempt = old.exempt;
}

static bool is_of_class(const struct policy_guest_settings *settings,
			enum policy_class preset, u64 total_pages)
{
	struct policy_guest_settings values;

	policy_guest_preset(&values, preset, total_pages);
	return settings->weight == values.weight &&
	       settings->sensitivity == values.sensitivity &&
	       settings->buffer_permille == values.buffer_permille &&
	       settings->buffer_least_pages == values.buffer_least_pages &&
	       settings->reservation_pages == values.reservation_pages;
}

static ssize_t class_show(struct kobject *kobject,
			  struct kobj_attribute *attribute, char *buffer)
{
	struct policy_guest_settings settings;
	unsigned int preset;
	u64 total;

	settings = read_settings(bellows_sysfs_vmem(kobject), &total);
	for (preset = 0; preset < POLICY_CLASS_COUNT; preset++)
		if (is_of_class(&settings, preset, total))
			return sysfs_emit(buffer, "%s\n",
					  policy_class_name(preset));
	return sysfs_emit(buffer, "custom\n");
}

static ssize_t class_store(struct kobject *kobject,
			   struct kobj_attribute *attribute, const char *text,
			   size_t count)
{
	enum policy_class preset;
	int error;

	for (preset = 0; preset < POLICY_CLASS_COUNT; preset++)
		if (sysfs_streq(text, policy_class_name(preset)))
			break;
	if (preset == POLICY_CLASS_COUNT)
		return -EINVAL;
	error = change_settings(bellows_sysfs_vmem(kobject), change_class,
				&preset);
	return error ? error : count;
}

static struct kobj_attribute class_attribute = __ATTR_RW(class);

static struct attribute *settings_attributes[] = {
	&weight_setting.attribute.attr,
	&sensitivity_setting.attribute.attr,
	&buffer_permille_setting.attribute.attr,
	&buffer_least_setting.attribute.attr,
	&reservation_setting.attribute.attr,
	&limit_setting.attribute.attr,
	&exempt_attribute.attr,
	&class_attribute.attr,
	NULL,
};

/* Beside a guest's other files. */
const struct attribute_group bellows_sysfs_settings_group = {
	.attrs = settings_attributes,
};
