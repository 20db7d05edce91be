// SPDX-License-Identifier: GPL-2.0
/*
 * What a call to the host costs a guest: loaded, it measures and says so, in
 * cycles, which are instructions where the host VM counts those.
 */
#define pr_fmt(fmt) "bellows_calls: " fmt

#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/timex.h>

#include <bellows/abi.h>

#define CALLS		1000
/* Where firmware writes its progress: QEMU does nothing with it. */
#define POST_PORT	0x80
/* Nobody's. */
#define UNKNOWN_CALL	9999

static long hypercall(unsigned long number)
{
	long result;

	/* AMD's instruction; the test bed emulates nothing else. */
	asm volatile("vmmcall"
		     : "=a" (result)
		     : "a" (number), "b" (0), "c" (0), "d" (0),
		       "S" (BELLOWS_HC_MAGIC)
		     : "memory");
	return result;
}

static void ping(void)
{
	hypercall(BELLOWS_HC_BASE + BELLOWS_HC_PING);
}

static void unknown(void)
{
	hypercall(UNKNOWN_CALL);
}

static void port(void)
{
	outb(0, POST_PORT);
}

static void nothing(void)
{
}

/* Cycles of one call, the calling of the function included. */
static u64 measure(void (*call)(void))
{
	unsigned long flags;
	u64 start, cycles;
	int i;

	call();
	local_irq_save(flags);
	start = get_cycles();
	for (i = 0; i < CALLS; i++)
		call();
	cycles = get_cycles() - start;
	local_irq_restore(flags);

	return div_u64(cycles, CALLS);
}

static int __init bellows_calls_init(void)
{
	u64 empty = measure(nothing);

	pr_info("answer %ld ping %llu unknown %llu port %llu\n",
		hypercall(BELLOWS_HC_BASE + BELLOWS_HC_PING),
		measure(ping) - empty, measure(unknown) - empty,
		measure(port) - empty);
	/* It has nothing more to do. */
	return -EAGAIN;
}
module_init(bellows_calls_init);

MODULE_DESCRIPTION("Cost of hypercalls");
MODULE_AUTHOR("The Bellows developers");
MODULE_LICENSE("GPL");
