// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/bellows_guest/esc: how victims are found, and what is known of the
 * guest's memory.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "sweep.h"
#include "sysfs.h"
#include "victims.h"

/* Longest time that may be set: an hour. */
#define BELLOWS_ESC_TIME_MAX_MS 3600000

/**
 * struct bellows_knob - the file of one number
 * @attribute: the file
 * @value: where it is kept
 * @least: smallest that may be set
 * @most: largest that may be set
 */
struct bellows_knob {
	struct kobj_attribute attribute;
	unsigned int *value;
	unsigned int least;
	unsigned int most;
};

static ssize_t bellows_knob_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	struct bellows_knob *knob =
		container_of(attr, struct bellows_knob, attribute);

	return sysfs_emit(buf, "%u\n", READ_ONCE(*knob->value));
}

static ssize_t bellows_knob_store(struct kobject *kobj,
				  struct kobj_attribute *attr, const char *buf,
				  size_t count)
{
	struct bellows_knob *knob =
		container_of(attr, struct bellows_knob, attribute);
	unsigned int value;

	if (kstrtouint(buf, 10, &value) || value < knob->least ||
	    value > knob->most)
		return -EINVAL;
	WRITE_ONCE(*knob->value, value);

	return count;
}

#define BELLOWS_KNOB(_name, _value, _least, _most)                     \
	static struct bellows_knob _name##_knob = {                    \
		.attribute = __ATTR(_name, 0644, bellows_knob_show,    \
				    bellows_knob_store),               \
		.value = &(_value),                                    \
		.least = _least,                                       \
		.most = _most,                                         \
	}

BELLOWS_KNOB(sweep_percent, bellows_sweep_settings.percent, 1, 100);
BELLOWS_KNOB(sweep_urgent_percent, bellows_sweep_settings.urgent_percent, 1,
	     100);
BELLOWS_KNOB(sweep_gap_ms, bellows_sweep_settings.gap_ms, 10,
	     BELLOWS_ESC_TIME_MAX_MS);
BELLOWS_KNOB(sweep_gap_max_ms, bellows_sweep_settings.gap_max_ms, 10,
	     BELLOWS_ESC_TIME_MAX_MS);
BELLOWS_KNOB(block_moves_max, bellows_victims_settings.block_moves_max, 0,
	     BELLOWS_BLOCK_PAGES);
BELLOWS_KNOB(patience_ms, bellows_victims_settings.patience_ms, 0,
	     BELLOWS_ESC_TIME_MAX_MS);
BELLOWS_KNOB(gain_percent, bellows_victims_settings.gain_percent, 0, 100);

static ssize_t sweep_always_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  READ_ONCE(bellows_sweep_settings.always));
}

static ssize_t sweep_always_store(struct kobject *kobj,
				  struct kobj_attribute *attr, const char *buf,
				  size_t count)
{
	bool always;

	if (kstrtobool(buf, &always))
		return -EINVAL;
	WRITE_ONCE(bellows_sweep_settings.always, always);
	if (always)
		bellows_sweep_want(false);

	return count;
}

static struct kobj_attribute sweep_always_attribute = __ATTR_RW(sweep_always);

static ssize_t working_set_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	__u64 pages[BELLOWS_CLASSES][BELLOWS_AGES];
	u64 working_set;

	bellows_sweep_figures(&working_set, pages);

	return sysfs_emit(buf, "%llu\n", working_set << PAGE_SHIFT);
}

static struct kobj_attribute working_set_attribute = __ATTR_RO(working_set);

static ssize_t hinted_pages_show(struct kobject *kobj,
				 struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", bellows_sweep_hinted_pages());
}

static struct kobj_attribute hinted_pages_attribute = __ATTR_RO(hinted_pages);

/* Pages of one class, by age: an array of like values. */
static ssize_t bellows_class_show(unsigned int group, char *buf)
{
	__u64 pages[BELLOWS_CLASSES][BELLOWS_AGES];
	u64 working_set;
	int age, at = 0;

	bellows_sweep_figures(&working_set, pages);
	for (age = 0; age < BELLOWS_AGES; age++)
		at += sysfs_emit_at(buf, at, "%llu%c", pages[group][age],
				    age == BELLOWS_AGES - 1 ? '\n' : ' ');

	return at;
}

#define BELLOWS_CLASS(_name, _group)                                       \
	static ssize_t _name##_show(struct kobject *kobj,                  \
				    struct kobj_attribute *attr, char *buf) \
	{                                                                  \
		return bellows_class_show(_group, buf);                    \
	}                                                                  \
	static struct kobj_attribute _name##_attribute = __ATTR_RO(_name)

BELLOWS_CLASS(unused_clean_pages, 0);
BELLOWS_CLASS(unused_dirty_pages, 1);
BELLOWS_CLASS(used_clean_pages, 2);
BELLOWS_CLASS(used_dirty_pages, 3);

static struct attribute *bellows_esc_attributes[] = {
	&sweep_percent_knob.attribute.attr,
	&sweep_urgent_percent_knob.attribute.attr,
	&sweep_gap_ms_knob.attribute.attr,
	&sweep_gap_max_ms_knob.attribute.attr,
	&block_moves_max_knob.attribute.attr,
	&patience_ms_knob.attribute.attr,
	&gain_percent_knob.attribute.attr,
	&sweep_always_attribute.attr,
	&working_set_attribute.attr,
	&hinted_pages_attribute.attr,
	&unused_clean_pages_attribute.attr,
	&unused_dirty_pages_attribute.attr,
	&used_clean_pages_attribute.attr,
	&used_dirty_pages_attribute.attr,
	NULL
};

const struct attribute_group bellows_esc_group = {
	.name = "esc",
	.attrs = bellows_esc_attributes,
};
