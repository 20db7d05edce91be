// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/bellows_guest: what is known of single pages.
 *
 * "pages" has a byte for each page frame, as /proc/kpageflags has a word: the
 * class in bits 6 and 7, the sweeps that it was idle in bits 0 to 3, bit 5 set
 * when there is a history at all.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "inspect.h"
#include "sweep.h"

#define BELLOWS_INSPECT_KNOWN	0x20
#define BELLOWS_INSPECT_CLASS	6

static struct dentry *bellows_inspect_dir;

/* Fills @bytes for @nr pages from @pfn on. */
static void bellows_inspect_fill(u8 *bytes, unsigned long pfn, size_t nr)
{
	const struct bellows_esc_page *page = &bellows_histories.page[pfn];
	size_t i;

	mutex_lock(&bellows_histories.lock);
	for (i = 0; i < nr; i++, page++)
		bytes[i] = !page->known ? 0 :
			   bellows_esc_class(page) << BELLOWS_INSPECT_CLASS |
			   BELLOWS_INSPECT_KNOWN | page->idle;
	mutex_unlock(&bellows_histories.lock);
}

static ssize_t bellows_inspect_read(struct file *file, char __user *buffer,
				    size_t count, loff_t *position)
{
	size_t done = 0, nr;
	u8 bytes[256];

	while (done < count && *position < bellows_histories.end) {
		nr = min3(count - done, sizeof(bytes),
			  (size_t)(bellows_histories.end - *position));
		bellows_inspect_fill(bytes, *position, nr);
		if (copy_to_user(buffer + done, bytes, nr))
			return done ?: -EFAULT;
		done += nr;
		*position += nr;
	}

	return done;
}

static const struct file_operations bellows_inspect_operations = {
	.owner = THIS_MODULE,
	.read = bellows_inspect_read,
	.llseek = default_llseek,
};

/**
 * bellows_inspect_init() - make the files appear, if there is something to see
 *
 * Context: May sleep.
 */
void bellows_inspect_init(void)
{
	if (!bellows_sweep_works())
		return;
	bellows_inspect_dir = debugfs_create_dir("bellows_guest", NULL);
	debugfs_create_file("pages", 0400, bellows_inspect_dir, NULL,
			    &bellows_inspect_operations);
}

/**
 * bellows_inspect_exit() - take the files away
 *
 * Context: May sleep; nobody is in one of them when it returns.
 */
void bellows_inspect_exit(void)
{
	debugfs_remove(bellows_inspect_dir);
	bellows_inspect_dir = NULL;
}
