// SPDX-License-Identifier: GPL-2.0
/*
 * Finds a VM's name and UUID in the command line of its VMM, so that an
 * operator sees the names that libvirt shows him.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "identity.h"

/* libvirt's longest command lines have some 10 KiB; -name and -uuid come early. */
#define COMMAND_LINE_MAX 16384

/* What a command line's words may put into sysfs and the log. */
static void copy_printable(char *to, size_t size, const char *from,
			   size_t length)
{
	size_t i;

	length = min(length, size - 1);
	for (i = 0; i < length; i++)
		to[i] = from[i] > ' ' && from[i] < 0x7f ? from[i] : '_';
	to[length] = '\0';
}

/* QEMU's "-name NAME", "-name guest=NAME,key=value": the first key may be left out. */
static void copy_name(struct bellows_identity *identity, const char *value)
{
	const char *name = strstr(value, "guest=");

	if (name && (name == value || name[-1] == ','))
		value = name + strlen("guest=");
	copy_printable(identity->name, sizeof(identity->name), value,
		       strcspn(value, ","));
}

/* @words: @length bytes of words, each ended by a NUL, the last one surely. */
static void parse_words(struct bellows_identity *identity, const char *words,
			size_t length)
{
	const char *end = words + length;
	const char *word, *value;

	for (word = words; word < end; word += strlen(word) + 1) {
		value = word + strlen(word) + 1;
		if (value >= end)
			return;
		if (!strcmp(word, "-name"))
			copy_name(identity, value);
		else if (!strcmp(word, "-uuid"))
			copy_printable(identity->uuid, sizeof(identity->uuid),
				       value, strlen(value));
	}
}

/**
 * bellows_identity_read() - find out who the current process's VM is
 * @identity: filled in; at the least with the process's own ID and name
 *
 * Context: process of the VMM; may sleep, takes its mmap_lock.
 */
void bellows_identity_read(struct bellows_identity *identity)
{
	struct mm_struct *mm = current->mm;
	unsigned long start, end, length;
	char *words;

	memset(identity, 0, sizeof(*identity));
	identity->pid = task_tgid_nr(current);
	copy_printable(identity->name, sizeof(identity->name),
		       current->group_leader->comm,
		       strnlen(current->group_leader->comm, TASK_COMM_LEN));

	spin_lock(&mm->arg_lock);
	start = mm->arg_start;
	end = mm->arg_end;
	spin_unlock(&mm->arg_lock);
	if (end <= start)
		return;

	length = min(end - start, (unsigned long)COMMAND_LINE_MAX);
	words = kmalloc(length + 1, GFP_KERNEL);
	if (!words)
		return;
	length -= copy_from_user(words, (const char __user *)start, length);
	words[length] = '\0';
	parse_words(identity, words, length + 1);
	kfree(words);
}
