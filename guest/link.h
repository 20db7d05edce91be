/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What any way to the host offers. The rest of the module knows the host only
 * through these operations.
 */
#ifndef _BELLOWS_GUEST_LINK_H
#define _BELLOWS_GUEST_LINK_H

#include <linux/types.h>

#include <bellows/abi.h>

struct bellows_batch;

/**
 * struct bellows_release_answer - what became of a batch
 * @done: ranges released, counted from the first; not more than were offered
 * @reason: why the next one was refused, BELLOWS_REFUSE_NONE when it was not
 */
struct bellows_release_answer {
	unsigned int done;
	enum bellows_refusal reason;
};

/**
 * struct bellows_link_ops - a way to the host
 *
 * Every operation may sleep, and returns a negative error number when the host
 * gave no proper answer: -ENODEV when nobody is there, -EPERM when the host
 * does not know this guest, -EINTR when the same call has to be made again,
 * -ENOMEM when later may be better, -EFAULT, -EINVAL or -EIO otherwise.
 */
struct bellows_link_ops {
	/** @name: for messages */
	const char *name;

	/**
	 * @hello: Register. Takes the physical address of the shared page and
	 * the BELLOWS_F_* offered in @features, which is set to those that both
	 * sides have. Returns 0, or -EPROTO when the two sides have no version
	 * of the ABI in common.
	 */
	int (*hello)(phys_addr_t shared, u32 *features);

	/** @bye: Leave. The host counts all that was given as taken back. */
	void (*bye)(void);

	/**
	 * @ping: Learn the generation of the registration, 0 when there is
	 * none.
	 */
	s64 (*ping)(void);

	/**
	 * @release: Give the first @nr ranges of the batch, 1 to
	 * BELLOWS_BATCH_MAX, ascending. Never takes the host's hostmem lock, so
	 * it may be called under vmem. Returns 0 and fills @answer.
	 */
	int (*release)(const struct bellows_batch *batch, unsigned int nr,
		       struct bellows_release_answer *answer);

	/**
	 * @report: As @release, of memory that is free and stays ours: it may
	 * be used again without a word. Only with BELLOWS_F_REPORT. Any task
	 * that may sleep.
	 */
	int (*report)(const struct bellows_batch *batch, unsigned int nr,
		      struct bellows_release_answer *answer);

	/**
	 * @grant: Ask to take back @pages. May take the host's hostmem lock,
	 * which comes before vmem: never called under vmem. Returns how many
	 * may be used again, 0 to @pages.
	 */
	long (*grant)(unsigned long pages);
};

/**
 * bellows_link_hypercall() - the way by hypercalls to the host's kernel
 *
 * Return: the operations, NULL when this machine is not a KVM guest or its
 * memory is hidden from the host.
 */
const struct bellows_link_ops *bellows_link_hypercall(void);

#endif /* _BELLOWS_GUEST_LINK_H */
