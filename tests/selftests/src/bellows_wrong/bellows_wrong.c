// SPDX-License-Identifier: GPL-2.0
/*
 * For the test of the tests: does one thing that a kernel which watches must
 * report, and is gone again.
 *
 *	insmod bellows_wrong.ko what=leak
 *
 * insmod always says that it failed.
 */
#define pr_fmt(fmt) "bellows_wrong: " fmt

#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *what = "";
module_param(what, charp, 0444);

/* They protect nothing; "order" takes them both ways round. */
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
/* The same, for "sleep". */
static DEFINE_SPINLOCK(spin);

static void leak_memory(void)
{
	void *lost = kmalloc(200, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(lost);
}

static void reverse_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_under_spinlock(void)
{
	spin_lock(&spin);
	msleep(20);
	spin_unlock(&spin);
}

static void read_what_is_free(void)
{
	u8 *memory = kzalloc(64, GFP_KERNEL);

	if (!memory)
		return;
	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	pr_info("read %u\n", *(volatile u8 *)memory);
}

static void shift_too_far(void)
{
	unsigned int by = 40, value = 1;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("shifted: %u\n", value << by);
}

static void add_twice(void)
{
	LIST_HEAD(list);
	struct list_head entry;

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static int __init bellows_wrong_init(void)
{
	if (!strcmp(what, "leak"))
		leak_memory();
	else if (!strcmp(what, "order"))
		reverse_order();
	else if (!strcmp(what, "sleep"))
		sleep_under_spinlock();
	else if (!strcmp(what, "freed"))
		read_what_is_free();
	else if (!strcmp(what, "shift"))
		shift_too_far();
	else if (!strcmp(what, "list"))
		add_twice();
	else
		return -EINVAL;

	return -ECANCELED;
}

module_init(bellows_wrong_init);

MODULE_DESCRIPTION("What a kernel that watches has to report");
MODULE_LICENSE("GPL");
