// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile kernel in a guest: makes hypercalls whose arguments are nearly right,
 * or chosen by chance, while a thread writes what it likes into the pages that
 * the host reads.
 *
 *	insmod bellows_fuzz.ko seed=1 calls=20000
 *
 * Loading takes as long as the calls do. What was answered is in the parameters
 * then: "done" calls that succeeded, "refused" ones with an error of the ABI,
 * "unheard" ones, and "strange" answers that the ABI does not know.
 *
 * A guest may well give away what it cannot live without. So that this one lives
 * to tell, it names of its memory only what belongs to this module, and what is
 * no memory at all; and its doorbells go to processors that it does not have.
 */
#define pr_fmt(fmt) "bellows_fuzz: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "bellows/abi.h"

#define FUZZ_BLOCKS 8
#define FUZZ_BLOCK_ORDER 9

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of what is chosen by chance");

static unsigned int calls = 20000;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many are made");

static unsigned int done, refused, unheard, strange;
module_param(done, uint, 0444);
MODULE_PARM_DESC(done, "calls that succeeded");
module_param(refused, uint, 0444);
MODULE_PARM_DESC(refused, "calls that were answered with an error");
module_param(unheard, uint, 0444);
MODULE_PARM_DESC(unheard, "calls that nobody knew");
module_param(strange, uint, 0444);
MODULE_PARM_DESC(strange, "answers that the ABI does not know");

/* Where the ranges lie that are ours. */
static struct page *block[FUZZ_BLOCKS];
static struct bellows_shared_page *shared, *spare;
static struct bellows_batch_page *batch;

/* Numbers at which something begins or ends. */
static const u64 edges[] = {
	0, 1, 2, 511, 512, 513, 4095, 4096, 1ULL << 31, U32_MAX, 1ULL << 32,
	1ULL << 51, (1ULL << 52) - 1, S64_MAX, 1ULL << 63, U64_MAX - 1, U64_MAX,
};

/* Frames that are no memory: a ROM, the APIC's, beyond the end, the last one. */
static const u64 nowhere[] = {
	0xfffc0, 0xfee00, 1ULL << 24, 1ULL << 40, (1ULL << 52) - 1,
};

static u32 fuzz_below(struct rnd_state *chance, u32 end)
{
	return prandom_u32_state(chance) % end;
}

static u64 fuzz_any(struct rnd_state *chance)
{
	u64 high = prandom_u32_state(chance);

	return high << 32 | prandom_u32_state(chance);
}

static u64 fuzz_number(struct rnd_state *chance)
{
	return fuzz_below(chance, 2) ?
		       edges[fuzz_below(chance, ARRAY_SIZE(edges))] :
		       fuzz_any(chance);
}

static u64 fuzz_range(struct rnd_state *chance)
{
	u32 first, pages;
	u64 pfn;

	switch (fuzz_below(chance, 16)) {
	case 0:
		pfn = nowhere[fuzz_below(chance, ARRAY_SIZE(nowhere))];
		return bellows_range(pfn, 1 + fuzz_below(chance, 4096));
	case 1:
		return bellows_range(virt_to_phys(shared) >> PAGE_SHIFT, 1);
	case 2:
		return bellows_range(virt_to_phys(batch) >> PAGE_SHIFT, 1);
	}

	first = fuzz_below(chance, 4) ?
			fuzz_below(chance, BELLOWS_BLOCK_PAGES) : 0;
	pages = BELLOWS_BLOCK_PAGES - first;
	if (fuzz_below(chance, 2))
		pages = 1 + fuzz_below(chance, pages);
	pfn = page_to_pfn(block[fuzz_below(chance, FUZZ_BLOCKS)]);

	return bellows_range(pfn + first, pages);
}

/* Ranges by chance, or one after the other as they ought to be. */
static void fuzz_fill_batch(struct rnd_state *chance)
{
	bool ordered = fuzz_below(chance, 2);
	u64 pfn = page_to_pfn(block[fuzz_below(chance, FUZZ_BLOCKS)]);
	u32 i, nr = fuzz_below(chance, 32);

	for (i = 0; i < nr; i++)
		WRITE_ONCE(batch->range[i],
			   ordered ? bellows_range(pfn + 16 * i,
						   1 + fuzz_below(chance, 16)) :
				     fuzz_range(chance));
}

/* A doorbell that is some MSI, but goes to an APIC ID that nobody has. */
static void fuzz_doorbell(struct rnd_state *chance,
			  struct bellows_guest_half *half)
{
	u64 id = 0x80 + fuzz_below(chance, 0x70);

	WRITE_ONCE(half->doorbell_address,
		   (fuzz_any(chance) & 0xffffff0000000000ULL) | 0xfee00000 |
			   id << 12);
	WRITE_ONCE(half->doorbell_data, prandom_u32_state(chance));
}

/* What a guest says of itself, with a hand that is anything but steady. */
static void fuzz_scribble(struct rnd_state *chance,
			  struct bellows_guest_half *half)
{
	u64 *word = &half->total_pages;
	u32 i, nr = (u64 *)(half + 1) - word;

	WRITE_ONCE(half->magic, fuzz_below(chance, 64) ? BELLOWS_GUEST_MAGIC :
							 0);
	WRITE_ONCE(half->cookie, fuzz_below(chance, 64) ? 0x5eed : 0);
	WRITE_ONCE(half->seq, prandom_u32_state(chance));
	WRITE_ONCE(half->flags, prandom_u32_state(chance));
	WRITE_ONCE(half->timestamp_ns, fuzz_number(chance));
	WRITE_ONCE(half->nr_nodes, fuzz_number(chance));
	fuzz_doorbell(chance, half);
	for (i = 0; i < nr; i++)
		WRITE_ONCE(word[i], fuzz_number(chance));
	WRITE_ONCE(half->seq, prandom_u32_state(chance));
}

static int fuzz_scribbler(void *unused)
{
	struct rnd_state chance;

	prandom_seed_state(&chance, seed + 1000);
	while (!kthread_should_stop()) {
		fuzz_scribble(&chance, &shared->guest);
		fuzz_scribble(&chance, &spare->guest);
		fuzz_fill_batch(&chance);
		cond_resched();
	}

	return 0;
}

static s64 fuzz_hypercall(u64 number, const u64 *argument, u64 magic)
{
	s64 answer;

	asm volatile(ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL)
		     : "=a"(answer)
		     : "a"(number), "b"(argument[0]), "c"(argument[1]),
		       "d"(argument[2]), "S"(magic)
		     : "memory");

	return answer;
}

/* The address of a page for HELLO or RELEASE: @page, or none that will do. */
static u64 fuzz_address(struct rnd_state *chance, void *page)
{
	switch (fuzz_below(chance, 16)) {
	case 0:
		return virt_to_phys(page) + 1 + fuzz_below(chance, 4095);
	case 1:
		return nowhere[fuzz_below(chance, ARRAY_SIZE(nowhere))]
		       << PAGE_SHIFT;
	}

	return virt_to_phys(page);
}

static void fuzz_arguments(struct rnd_state *chance, u32 call, u64 *argument)
{
	u32 i;

	for (i = 0; i < 3; i++)
		argument[i] = fuzz_number(chance);

	switch (call) {
	case BELLOWS_HC_HELLO:
		if (fuzz_below(chance, 4))
			argument[0] = BELLOWS_ABI_VERSION;
		argument[2] = fuzz_address(chance, fuzz_below(chance, 4) ?
							   shared : spare);
		break;
	case BELLOWS_HC_RELEASE:
	case BELLOWS_HC_REPORT:
		argument[0] = fuzz_address(chance, batch);
		if (fuzz_below(chance, 8))
			argument[1] = 1 + fuzz_below(chance, BELLOWS_BATCH_MAX);
		break;
	case BELLOWS_HC_GRANT:
		if (fuzz_below(chance, 2))
			argument[0] = fuzz_below(chance, 8192);
		break;
	}
}

/* Could the host have answered that to a call that it heard and did? */
static bool fuzz_is_possible(u32 call, const u64 *argument, u64 answer)
{
	switch (call) {
	case BELLOWS_HC_HELLO:
		return bellows_hello_version(answer) == BELLOWS_ABI_VERSION &&
		       !(bellows_hello_features(answer) & ~argument[1]);
	case BELLOWS_HC_BYE:
		return answer == 0;
	case BELLOWS_HC_RELEASE:
	case BELLOWS_HC_REPORT:
		return bellows_release_done(answer) <= argument[1] &&
		       bellows_release_reason(answer) < BELLOWS_REFUSE_COUNT;
	case BELLOWS_HC_GRANT:
		return answer <= argument[0];
	case BELLOWS_HC_PING:
		return answer <= U32_MAX;
	}

	return false;
}

static void fuzz_judge(u32 call, const u64 *argument, s64 answer)
{
	switch (answer) {
	case -BELLOWS_EPERM:
	case -BELLOWS_EFAULT:
	case -BELLOWS_EINTR:
	case -BELLOWS_ENOMEM:
	case -BELLOWS_EINVAL:
		refused++;
		return;
	case -BELLOWS_ENOSYS:
		unheard++;
		return;
	}
	if (answer >= 0 && fuzz_is_possible(call, argument, answer)) {
		done++;
		return;
	}
	if (!strange++)
		pr_info("call %u (%llx, %llx, %llx) was answered with %llx\n",
			call, argument[0], argument[1], argument[2], answer);
}

static void fuzz_calls(void)
{
	struct rnd_state chance;
	u64 argument[3], magic;
	u32 i, call;

	prandom_seed_state(&chance, seed);
	for (i = 0; i < calls; i++) {
		call = fuzz_below(&chance, BELLOWS_HC_END + 1);
		magic = fuzz_below(&chance, 32) ? BELLOWS_HC_MAGIC :
						  fuzz_number(&chance);
		fuzz_arguments(&chance, call, argument);
		fuzz_judge(call, argument,
			   fuzz_hypercall(BELLOWS_HC_BASE + call, argument,
					  magic));
		cond_resched();
	}
}

/* The host must not write to our pages any more. */
static void fuzz_leave(void)
{
	const u64 argument[3] = {};

	fuzz_hypercall(BELLOWS_HC_BASE + BELLOWS_HC_BYE, argument,
		       BELLOWS_HC_MAGIC);
}

static void fuzz_free(void)
{
	u32 i;

	for (i = 0; i < FUZZ_BLOCKS && block[i]; i++)
		__free_pages(block[i], FUZZ_BLOCK_ORDER);
	free_page((unsigned long)batch);
	free_page((unsigned long)spare);
	free_page((unsigned long)shared);
}

static int fuzz_allocate(void)
{
	struct rnd_state chance;
	u32 i;

	shared = (void *)get_zeroed_page(GFP_KERNEL);
	spare = (void *)get_zeroed_page(GFP_KERNEL);
	batch = (void *)get_zeroed_page(GFP_KERNEL);
	if (!shared || !spare || !batch)
		return -ENOMEM;
	for (i = 0; i < FUZZ_BLOCKS; i++) {
		block[i] = alloc_pages(GFP_KERNEL, FUZZ_BLOCK_ORDER);
		if (!block[i])
			return -ENOMEM;
	}
	/* A range of zero would be the guest's first page. */
	prandom_seed_state(&chance, seed);
	for (i = 0; i < BELLOWS_BATCH_MAX; i++)
		batch->range[i] = fuzz_range(&chance);

	return 0;
}

static int __init bellows_fuzz_init(void)
{
	struct task_struct *scribbler;
	int error;

	error = fuzz_allocate();
	if (error)
		goto out;
	scribbler = kthread_run(fuzz_scribbler, NULL, "bellows_fuzz");
	if (IS_ERR(scribbler)) {
		error = PTR_ERR(scribbler);
		goto out;
	}
	fuzz_calls();
	kthread_stop(scribbler);
	fuzz_leave();
out:
	fuzz_free();

	return error;
}

static void __exit bellows_fuzz_exit(void)
{
}

module_init(bellows_fuzz_init);
module_exit(bellows_fuzz_exit);

MODULE_DESCRIPTION("Bellows: a hostile guest, for tests");
MODULE_LICENSE("GPL");
