// SPDX-License-Identifier: GPL-2.0
/*
 * The way to the host by hypercalls, which end in the host's kernel and never
 * reach its user space.
 */
#define pr_fmt(fmt) "bellows_guest: " fmt

#include <linux/cc_platform.h>
#include <linux/errno.h>
#include <linux/kvm_para.h>
#include <linux/printk.h>

#include <bellows/abi.h>

#include "batch.h"
#include "counters.h"
#include "link.h"
#include "trace.h"

/*
 * kvm_hypercall4() takes the number as an unsigned int. Ours needs all 64 bits
 * of the register.
 */
static s64 bellows_hypercall(enum bellows_hypercall number, u64 rbx, u64 rcx,
			     u64 rdx)
{
	s64 result;

	bellows_count(BELLOWS_HYPERCALLS, 1);
	asm volatile(KVM_HYPERCALL
		     : "=a"(result)
		     : "a"(BELLOWS_HC_BASE + number), "b"(rbx), "c"(rcx),
		       "d"(rdx), "S"(BELLOWS_HC_MAGIC)
		     : "memory");

	return result;
}

/* The errors of the ABI are numbered as ours are, but for "nobody there". */
static int bellows_hypercall_error(s64 result)
{
	switch (-result) {
	case BELLOWS_ENOSYS:
		return -ENODEV;
	case BELLOWS_EPERM:
	case BELLOWS_EFAULT:
	case BELLOWS_EINTR:
	case BELLOWS_ENOMEM:
	case BELLOWS_EINVAL:
		return result;
	default:
		return -EIO;
	}
}

static int bellows_hypercall_hello(phys_addr_t shared, u32 *features)
{
	u32 version, offered = *features;
	s64 result;

	bellows_count(BELLOWS_HELLO_CALLS, 1);
	result = bellows_hypercall(BELLOWS_HC_HELLO, BELLOWS_ABI_VERSION,
				   offered, shared);
	trace_bellows_hello(result);
	if (result < 0)
		return bellows_hypercall_error(result);

	version = bellows_hello_version(result);
	if (version == 0 || version > BELLOWS_ABI_VERSION) {
		pr_warn_once("the host speaks version %u of the ABI, not %u\n",
			     version, BELLOWS_ABI_VERSION);
		bellows_hypercall(BELLOWS_HC_BYE, 0, 0, 0);
		return -EPROTO;
	}
	*features = bellows_hello_features(result) & offered;

	return 0;
}

static void bellows_hypercall_bye(void)
{
	bellows_hypercall(BELLOWS_HC_BYE, 0, 0, 0);
}

static s64 bellows_hypercall_ping(void)
{
	s64 result;

	bellows_count(BELLOWS_PING_CALLS, 1);
	result = bellows_hypercall(BELLOWS_HC_PING, 0, 0, 0);

	return result < 0 ? bellows_hypercall_error(result) : result;
}

static int bellows_hypercall_batch(enum bellows_hypercall number,
				   const struct bellows_batch *batch,
				   unsigned int nr,
				   struct bellows_release_answer *answer)
{
	u32 reason;
	s64 result;

	result = bellows_hypercall(number, bellows_batch_publish(batch, nr), nr,
				   0);
	if (result < 0)
		return bellows_hypercall_error(result);

	answer->done = min(bellows_release_done(result), nr);
	reason = bellows_release_reason(result);
	if (reason >= BELLOWS_REFUSE_COUNT)
		reason = BELLOWS_REFUSE_FAILED;
	answer->reason = answer->done < nr ? reason : BELLOWS_REFUSE_NONE;

	return 0;
}

static int bellows_hypercall_release(const struct bellows_batch *batch,
				     unsigned int nr,
				     struct bellows_release_answer *answer)
{
	int ret;

	bellows_count(BELLOWS_RELEASE_CALLS, 1);
	ret = bellows_hypercall_batch(BELLOWS_HC_RELEASE, batch, nr, answer);
	if (ret == 0)
		trace_bellows_release(nr, answer->done, answer->reason);

	return ret;
}

static int bellows_hypercall_report(const struct bellows_batch *batch,
				    unsigned int nr,
				    struct bellows_release_answer *answer)
{
	bellows_count(BELLOWS_REPORT_CALLS, 1);

	return bellows_hypercall_batch(BELLOWS_HC_REPORT, batch, nr, answer);
}

static long bellows_hypercall_grant(unsigned long pages)
{
	s64 result;

	bellows_count(BELLOWS_GRANT_CALLS, 1);
	result = bellows_hypercall(BELLOWS_HC_GRANT, pages, 0, 0);
	if (result < 0)
		return bellows_hypercall_error(result);

	result = min_t(s64, result, pages);
	bellows_count(BELLOWS_GRANTED_PAGES, result);

	return result;
}

static const struct bellows_link_ops bellows_hypercall_ops = {
	.name = "hypercall",
	.hello = bellows_hypercall_hello,
	.bye = bellows_hypercall_bye,
	.ping = bellows_hypercall_ping,
	.release = bellows_hypercall_release,
	.report = bellows_hypercall_report,
	.grant = bellows_hypercall_grant,
};

const struct bellows_link_ops *bellows_link_hypercall(void)
{
	/* On anything but KVM the instruction itself is an invalid opcode. */
	if (!kvm_para_available())
		return NULL;

	/*
	 * The host reads our pages and discards them by their addresses: with
	 * encrypted memory it can do neither, nor see our registers.
	 */
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return NULL;

	return &bellows_hypercall_ops;
}
