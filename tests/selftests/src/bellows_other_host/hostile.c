// SPDX-License-Identifier: GPL-2.0
/*
 * A host that lies: with hostile=1 a part of all calls is answered with anything,
 * the ranges of each RELEASE and REPORT are written over while the guest waits for
 * the answer, and the host's half of the guest's shared page never stands still.
 * With hostile=2 it only names ranges to take memory from, others whenever the
 * guest has something from the last ones, and does not take it.
 *
 * What was asked for is done before the answer is made up, and nothing else of
 * the guest's memory is written: a host that wants to harm a guest needs no
 * balloon for it. This is about numbers that make no sense.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "bellows/abi.h"
#include "host/calls.h"
#include "host/discard.h"
#include "host/vmem.h"

u64 hostile_call(struct kvm_vcpu *vcpu, const struct bellows_call *call);
int hostile_shared_pin(unsigned long hva, u64 gfn,
		       struct bellows_shared *shared);
void hostile_shared_unpin(struct bellows_shared *shared);

/*
 * Of so many answers one is a lie: seldom to HELLO and PING, or the guest would
 * hardly ever believe that it is registered and call for something else.
 */
#define HOSTILE_LIES 2
#define HOSTILE_LIES_WHO 16

/* Protects page and page_pins, and keeps the page pinned while it is written. */
static DEFINE_SPINLOCK(page_lock);
static struct bellows_shared_page *page;
static unsigned int page_pins;

enum hostile_mode { HOSTILE_HONEST, HOSTILE_LIAR, HOSTILE_LISTS };

static enum hostile_mode mode;
static unsigned long lies, scribbles, overwritten, lists;
module_param(lies, ulong, 0444);
MODULE_PARM_DESC(lies, "answers that were made up");
module_param(scribbles, ulong, 0444);
MODULE_PARM_DESC(scribbles, "times that the shared page was written to");
module_param(overwritten, ulong, 0444);
MODULE_PARM_DESC(overwritten, "ranges of guests that were written over");
module_param(lists, ulong, 0444);
MODULE_PARM_DESC(lists, "lists of ranges that were made up");

static struct task_struct *scribbler;

static const u64 edges[] = {
	0, 1, 511, 512, 513, 16384, 40000, 1ULL << 20, S32_MAX, U32_MAX,
	1ULL << 32, (1ULL << 52) - 1, S64_MAX, 1ULL << 63, U64_MAX,
};

static u64 hostile_number(void)
{
	u32 which = get_random_u32();

	return which & 1 ? get_random_u64() :
			   edges[(which >> 1) % ARRAY_SIZE(edges)];
}

static u64 hostile_lie(u64 answer)
{
	switch (get_random_u32() % 4) {
	case 0:
		return hostile_number();
	case 1:
		return -(u64)(get_random_u32() % 64);
	case 2:
		return bellows_release_result(get_random_u32() % 1024,
					      get_random_u32() % 32);
	}

	return answer + get_random_u32() % 3 - 1;
}

/* What the guest handed over is something else when it looks again. */
static void hostile_overwrite(struct kvm_vcpu *vcpu,
			      const struct bellows_call *call)
{
	u64 nr = min_t(u64, call->argument[1], BELLOWS_BATCH_MAX), range;
	unsigned long hva =
		bellows_guest_page_hva(vcpu, call->argument[0] >> PAGE_SHIFT);
	u64 __user *at = (u64 __user *)hva;

	for (; hva && nr; nr--, at++) {
		range = hostile_number();
		if (put_user(range, at))
			return;
		overwritten++;
	}
}

/* All of a guest's memory, by a number that it has not yet heard. */
static void hostile_list(struct bellows_host_half *half)
{
	u32 seq = READ_ONCE(half->seq) | 1, i;

	WRITE_ONCE(half->seq, seq);
	smp_wmb();	/* see bellows_vmem_set_target() */
	WRITE_ONCE(half->target_pages, S32_MAX);
	WRITE_ONCE(half->reason, BELLOWS_REASON_RESERVE);
	for (i = 0; i < BELLOWS_WANTED_MAX; i++)
		WRITE_ONCE(half->wanted[i],
			   bellows_range(i * BELLOWS_RANGE_PAGES_MAX,
					 BELLOWS_RANGE_PAGES_MAX));
	WRITE_ONCE(half->nr_wanted, BELLOWS_WANTED_MAX);
	WRITE_ONCE(half->wanted_id, ++lists);
	smp_wmb();	/* the same */
	WRITE_ONCE(half->seq, seq + 1);
}

static void hostile_next_list(void)
{
	spin_lock(&page_lock);
	if (page)
		hostile_list(&page->host);
	spin_unlock(&page_lock);
}

/* Called by the hook instead of bellows_call(). */
u64 hostile_call(struct kvm_vcpu *vcpu, const struct bellows_call *call)
{
	bool who = call->number == BELLOWS_HC_HELLO ||
		   call->number == BELLOWS_HC_PING;
	u64 answer;

	if (mode == HOSTILE_LISTS && call->number == BELLOWS_HC_RELEASE) {
		hostile_next_list();
		return -BELLOWS_EINTR;
	}
	answer = bellows_call(vcpu, call);
	if (mode != HOSTILE_LIAR)
		return answer;
	if (call->number == BELLOWS_HC_RELEASE ||
	    call->number == BELLOWS_HC_REPORT)
		hostile_overwrite(vcpu, call);
	if (get_random_u32() % (who ? HOSTILE_LIES_WHO : HOSTILE_LIES))
		return answer;
	lies++;

	return hostile_lie(answer);
}

/* The same for bellows_shared_pin(). */
int hostile_shared_pin(unsigned long hva, u64 gfn,
		       struct bellows_shared *shared)
{
	int error = bellows_shared_pin(hva, gfn, shared);

	if (error)
		return error;
	spin_lock(&page_lock);
	if (page != shared->map)
		page_pins = 0;
	page = shared->map;
	page_pins++;
	spin_unlock(&page_lock);

	return 0;
}

/* And for bellows_shared_unpin(). */
void hostile_shared_unpin(struct bellows_shared *shared)
{
	spin_lock(&page_lock);
	if (page && page == shared->map && --page_pins == 0)
		page = NULL;
	spin_unlock(&page_lock);
	bellows_shared_unpin(shared);
}

/* As the host writes it, or with a seq that says nothing, but for what is in it. */
static void hostile_scribble(struct bellows_host_half *half)
{
	u64 *word = (u64 *)half;
	u32 how = get_random_u32() % 8, seq = READ_ONCE(half->seq), i;

	WRITE_ONCE(half->seq, how ? seq | 1 : get_random_u32());
	smp_wmb();	/* see bellows_vmem_set_target() */
	for (i = 1; i < sizeof(*half) / sizeof(*word); i++)
		WRITE_ONCE(word[i], hostile_number());
	/* Or no target would be believed, and no list looked at. */
	if (how > 2) {
		WRITE_ONCE(half->reason,
			   1 + get_random_u32() % (BELLOWS_REASON_COUNT - 1));
		WRITE_ONCE(half->request, get_random_u32() & ~BELLOWS_REQ_LEAVING);
		WRITE_ONCE(half->nr_wanted, get_random_u32() % 3 ? 0 : U32_MAX);
	}
	smp_wmb();	/* the same */
	if (how > 1)
		WRITE_ONCE(half->seq, (seq | 1) + 1);
	scribbles++;
}

static int hostile_scribbler(void *unused)
{
	while (!kthread_should_stop()) {
		spin_lock(&page_lock);
		if (page)
			hostile_scribble(&page->host);
		spin_unlock(&page_lock);
		usleep_range(500, 50000);
	}

	return 0;
}

static int hostile_set(const char *text, const struct kernel_param *parameter)
{
	struct task_struct *task;

	mode = HOSTILE_HONEST;
	if (scribbler) {
		kthread_stop(scribbler);
		scribbler = NULL;
	}
	if (text[0] == '2') {
		mode = HOSTILE_LISTS;
		hostile_next_list();
	}
	if (text[0] != '1')
		return 0;
	task = kthread_run(hostile_scribbler, NULL, "bellows_hostile");
	if (IS_ERR(task))
		return PTR_ERR(task);
	scribbler = task;
	mode = HOSTILE_LIAR;

	return 0;
}

static const struct kernel_param_ops hostile_ops = {
	.set = hostile_set,
};

module_param_cb(hostile, &hostile_ops, NULL, 0200);
MODULE_PARM_DESC(hostile, "1: lie; 2: name ranges without end; 0, before it is unloaded: stop");
