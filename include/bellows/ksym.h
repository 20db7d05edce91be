/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of the kernel that it does not export to modules: found by name at
 * load, called through a static call of our own.
 *
 * Why not a function pointer: kernels built with IBT overwrite the ENDBR of
 * functions whose address nobody takes, so an indirect call to one is fatal on
 * IBT hardware and works everywhere else. A static call is patched into a
 * direct call, which IBT does not track.
 *
 * Why a disabled kprobe: registering one resolves a name to an address, in a
 * named module too, without changing any code and without calling anything
 * unexported. With IBT the address is that of the instruction behind the ENDBR,
 * which is where a direct call may go. Data symbols cannot be probed, so
 * registering fails, but their address is filled in by then.
 *
 * A name that is missing leaves the static call empty, and
 * bellows_ksym_found() false: the caller does without, or refuses to load. It
 * must never call an empty one.
 *
 * Use, in one .c file:
 *
 *	BELLOWS_KSYM(int, __isolate_free_page, struct page *page, unsigned int order);
 *	...
 *	if (!bellows_ksym_find(__isolate_free_page))
 *		return -ENOENT;
 *	...
 *	taken = bellows_ksym_call(__isolate_free_page)(page, 9);
 */
#ifndef _BELLOWS_KSYM_H
#define _BELLOWS_KSYM_H

#include <linux/kprobes.h>
#include <linux/static_call.h>
#include <linux/types.h>

/**
 * bellows_ksym_address() - find a symbol of the kernel or of a loaded module
 * @symbol: its name, or "module:name"
 *
 * Context: May sleep.
 * Return: the address, 0 when there is no such symbol.
 */
static inline unsigned long bellows_ksym_address(const char *symbol)
{
	struct kprobe probe = {
		.symbol_name = symbol,
		.flags = KPROBE_FLAG_DISABLED,
	};

	if (register_kprobe(&probe) == 0)
		unregister_kprobe(&probe);

	return (unsigned long)probe.addr;
}

/* Defines the (still empty) static call for one function, once per module. */
#define BELLOWS_KSYM(ret, name, ...)					\
	typedef ret bellows_ksym_type_##name(__VA_ARGS__);		\
	static bool bellows_ksym_found_##name;				\
	DEFINE_STATIC_CALL_NULL(bellows_ksym_##name, bellows_ksym_type_##name)

/* Finds @name under the name @symbol; true when it can be called. */
#define bellows_ksym_find_as(name, symbol)				\
({									\
	unsigned long address__ = bellows_ksym_address(symbol);		\
									\
	if (address__)							\
		static_call_update(bellows_ksym_##name,			\
				   (bellows_ksym_type_##name *)address__); \
	bellows_ksym_found_##name = address__ != 0;			\
	bellows_ksym_found_##name;					\
})

#define bellows_ksym_find(name)		bellows_ksym_find_as(name, #name)
#define bellows_ksym_found(name)	bellows_ksym_found_##name
#define bellows_ksym_call(name)		static_call(bellows_ksym_##name)

#endif /* _BELLOWS_KSYM_H */
