/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little of the kernel that the pure files of the modules use, for user
 * space. Include it before them. What it defines means what it means in the
 * kernel.
 */
#ifndef _TESTS_UNIT_KERNEL_SHIM_H
#define _TESTS_UNIT_KERNEL_SHIM_H

#include <linux/types.h>
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define BIT(bit)		(1UL << (bit))
#define BIT_ULL(bit)		(1ULL << (bit))

#define ALIGN(value, to)	(((value) + (to) - 1) / (to) * (to))

/*
 * Reading what somebody else writes. A test may define its own first, and be that
 * somebody between two reads.
 */
#ifndef READ_ONCE
#define READ_ONCE(value)	(*(const volatile __typeof__(value) *)&(value))
#endif
#ifndef virt_rmb
/* Later reads come later. */
#define virt_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#define cpu_relax()		((void)0)

#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

/* Like the kernel's, min() and max() refuse to compare different types. */
#define shim_same_type(a, b) \
	((void)sizeof((__typeof__(a) *)1 == (__typeof__(b) *)1))

#define min(a, b) (__extension__ ({				\
	__typeof__(a) shim_min_a = (a);				\
	__typeof__(b) shim_min_b = (b);				\
	shim_same_type(shim_min_a, shim_min_b);			\
	shim_min_a < shim_min_b ? shim_min_a : shim_min_b; }))

#define max(a, b) (__extension__ ({				\
	__typeof__(a) shim_max_a = (a);				\
	__typeof__(b) shim_max_b = (b);				\
	shim_same_type(shim_max_a, shim_max_b);			\
	shim_max_a > shim_max_b ? shim_max_a : shim_max_b; }))

#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define min3(a, b, c)		min((__typeof__(a))min(a, b), c)
#define max3(a, b, c)		max((__typeof__(a))max(a, b), c)
#define clamp(value, low, high)	min((__typeof__(value))max(value, low), high)
#define clamp_t(type, value, low, high) \
	clamp((type)(value), (type)(low), (type)(high))

static inline int fls64(__u64 value)
{
	return value ? 64 - __builtin_clzll(value) : 0;
}

static inline __u64 div64_u64(__u64 dividend, __u64 divisor)
{
	return dividend / divisor;
}

static inline __u64 div_u64(__u64 dividend, __u32 divisor)
{
	return dividend / divisor;
}

#endif /* _TESTS_UNIT_KERNEL_SHIM_H */
