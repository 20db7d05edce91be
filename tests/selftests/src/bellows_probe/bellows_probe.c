// SPDX-License-Identifier: GPL-2.0
/*
 * For tests in a Linux guest: makes any of our hypercalls from its kernel.
 *
 *	echo 'NUMBER RBX RCX RDX' >/sys/kernel/debug/bellows_probe/call
 *	cat /sys/kernel/debug/bellows_probe/answer
 *
 * NUMBER counts from BELLOWS_HC_BASE. RBX and RDX may be the word "page", which
 * stands for the physical address of a page of ours that holds a filled-in
 * guest's half, and "batch", a page of ranges; debugfs "page" and "batch" are
 * those pages.
 */
#define pr_fmt(fmt) "bellows_probe: " fmt

#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bellows/abi.h"

static struct dentry *directory;
static struct bellows_shared_page *shared;
static struct bellows_batch_page *batch;
static struct debugfs_blob_wrapper shared_blob, batch_blob;

/* Protects last_answer. */
static DEFINE_MUTEX(answer_lock);
static long last_answer;

static int parse_argument(const char *word, u64 *value)
{
	if (!strcmp(word, "page")) {
		*value = virt_to_phys(shared);
		return 0;
	}
	if (!strcmp(word, "batch")) {
		*value = virt_to_phys(batch);
		return 0;
	}

	return kstrtou64(word, 0, value);
}

static ssize_t call_write(struct file *file, const char __user *text,
			  size_t count, loff_t *position)
{
	u64 argument[4] = {};
	char line[128], *rest, *word;
	unsigned int i = 0;
	int error;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, text, count))
		return -EFAULT;
	line[count] = '\0';

	rest = strim(line);
	while ((word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		if (i == ARRAY_SIZE(argument))
			return -EINVAL;
		error = parse_argument(word, &argument[i++]);
		if (error)
			return error;
	}
	if (!i)
		return -EINVAL;

	mutex_lock(&answer_lock);
	/* The parameter of kvm_hypercall4() is narrower than its register. */
	asm volatile(ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL)
		     : "=a"(last_answer)
		     : "a"(BELLOWS_HC_BASE + argument[0]), "b"(argument[1]),
		       "c"(argument[2]), "d"(argument[3]),
		       "S"(BELLOWS_HC_MAGIC)
		     : "memory");
	mutex_unlock(&answer_lock);

	return count;
}

static ssize_t answer_read(struct file *file, char __user *buffer, size_t count,
			   loff_t *position)
{
	char line[32];
	int length;

	mutex_lock(&answer_lock);
	length = scnprintf(line, sizeof(line), "%ld\n", last_answer);
	mutex_unlock(&answer_lock);

	return simple_read_from_buffer(buffer, count, position, line, length);
}

static const struct file_operations call_operations = {
	.owner = THIS_MODULE,
	.write = call_write,
};

static const struct file_operations answer_operations = {
	.owner = THIS_MODULE,
	.read = answer_read,
};

static void fill_pages(void)
{
	shared->guest.magic = BELLOWS_GUEST_MAGIC;
	shared->guest.version = BELLOWS_ABI_VERSION;
	shared->guest.cookie = 0x5eed;
	shared->guest.timestamp_ns = 1;
	shared->guest.total_pages = totalram_pages();
	/* Unreleasable, so that no test takes the guest's memory by mistake. */
	batch->range[0] = bellows_range(virt_to_phys(batch) >> PAGE_SHIFT, 1);
}

static int __init bellows_probe_init(void)
{
	shared = (void *)get_zeroed_page(GFP_KERNEL);
	batch = (void *)get_zeroed_page(GFP_KERNEL);
	if (!shared || !batch) {
		free_page((unsigned long)shared);
		free_page((unsigned long)batch);
		return -ENOMEM;
	}
	fill_pages();

	shared_blob.data = shared;
	shared_blob.size = PAGE_SIZE;
	batch_blob.data = batch;
	batch_blob.size = PAGE_SIZE;
	directory = debugfs_create_dir("bellows_probe", NULL);
	debugfs_create_file("call", 0200, directory, NULL, &call_operations);
	debugfs_create_file("answer", 0400, directory, NULL,
			    &answer_operations);
	debugfs_create_blob("page", 0400, directory, &shared_blob);
	debugfs_create_blob("batch", 0400, directory, &batch_blob);

	return 0;
}

static void __exit bellows_probe_exit(void)
{
	debugfs_remove(directory);
	/* The host must not write there any more. */
	asm volatile(ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL)
		     : "=a"(last_answer)
		     : "a"(BELLOWS_HC_BASE + BELLOWS_HC_BYE), "b"(0), "c"(0),
		       "d"(0), "S"(BELLOWS_HC_MAGIC)
		     : "memory");
	free_page((unsigned long)batch);
	free_page((unsigned long)shared);
}

module_init(bellows_probe_init);
module_exit(bellows_probe_exit);

MODULE_DESCRIPTION("Bellows: makes hypercalls for tests");
MODULE_LICENSE("GPL");
