// SPDX-License-Identifier: GPL-2.0
/*
 * Makes our hypercalls from a guest's user space, where nobody may:
 *
 *	usercall
 *
 * Passes when each is refused: by the answer -KVM_EPERM, or by a signal, and the
 * process lives on.
 */
#include <bellows/abi.h>

#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf after_signal;

static void on_signal(int number)
{
	siglongjmp(after_signal, number);
}

static long hypercall(int is_intel, unsigned long number, unsigned long rbx,
		      unsigned long rcx, unsigned long rdx)
{
	const unsigned long magic = BELLOWS_HC_MAGIC;
	long result;

	if (is_intel)
		asm volatile("vmcall"
			     : "=a"(result)
			     : "a"(number), "b"(rbx), "c"(rcx), "d"(rdx),
			       "S"(magic)
			     : "memory");
	else
		asm volatile("vmmcall"
			     : "=a"(result)
			     : "a"(number), "b"(rbx), "c"(rcx), "d"(rdx),
			       "S"(magic)
			     : "memory");

	return result;
}

static int is_intel_cpu(void)
{
	unsigned int eax, ebx = 0, ecx = 0, edx = 0;

	__cpuid(0, eax, ebx, ecx, edx);

	return ebx == signature_INTEL_ebx;
}

int main(void)
{
	static char page[BELLOWS_PAGE_SIZE]
		__attribute__((aligned(BELLOWS_PAGE_SIZE)));
	const int is_intel = is_intel_cpu();
	volatile unsigned int call;
	volatile int heard = 0;
	int number;
	long answer;

	signal(SIGILL, on_signal);
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	signal(SIGTRAP, on_signal);

	for (call = 0; call <= BELLOWS_HC_END; call++) {
		number = sigsetjmp(after_signal, 1);
		if (number) {
			printf("call %u: signal %d\n", call, number);
			continue;
		}
		answer = hypercall(is_intel, BELLOWS_HC_BASE + call, 1, 1,
				   (unsigned long)page);
		printf("call %u: %ld\n", call, answer);
		if (answer != -BELLOWS_EPERM)
			heard++;
	}
	printf("%s\n", heard ? "HEARD" : "refused");

	return heard != 0;
}
