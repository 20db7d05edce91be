// SPDX-License-Identifier: GPL-2.0
/*
 * On a host without the module every call of ours is one that KVM does not
 * know: -KVM_ENOSYS, and -KVM_EPERM from a guest's user space. That answer is
 * how a guest tells that nobody is there.
 */
#include "pair.h"

#define NOBODY (-(int64_t)BELLOWS_ENOSYS)

static void every_call_is_unknown(const void *data)
{
	struct pair pair;
	unsigned int call;

	(void)data;
	pair_open(&pair, 1);
	for (call = 0; call <= BELLOWS_HC_END; call++)
		expect_equal(pair_call(&pair, call, 1, 1, FLATVM_SHARED_PAGE),
			     NOBODY);
	pair_close(&pair);
}

static void user_space_is_refused(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	flatvm_set_mode(pair.vm, FLATVM_USER);
	expect_equal(pair_hello(&pair), -BELLOWS_EPERM);
	pair_close(&pair);
}

static void unknown_in_32_bit_code(const void *data)
{
	const enum flatvm_mode *mode = data;
	struct pair pair;

	pair_open(&pair, 1);
	flatvm_set_mode(pair.vm, *mode);
	expect_equal((int32_t)pair_hello(&pair), NOBODY);
	pair_close(&pair);
}

/* That the machine itself can be trusted. */
static void machine_works(const void *data)
{
	struct flatmem memory;
	struct pair pair;

	(void)data;
	pair_open(&pair, 2);
	flatmem_new(&memory, FLATMEM_ANON, RAM_ADDRESS, BLOCK_BYTES);
	flatvm_set_slot(pair.vm, RAM_SLOT, memory.address, memory.size,
			memory.memory, false);
	expect_equal(flatvm_read(pair.vm, RAM_ADDRESS + 8),
		     ((uint64_t *)memory.memory)[1]);
	flatvm_write(pair.vm, RAM_ADDRESS + 4096, 42);
	expect_equal(((uint64_t *)memory.memory)[512], 42);
	expect_equal(flatmem_damaged(&memory, 0, 512), 1);
	expect_equal(flatmem_present(&memory, 0, 512), 512);
	expect_equal(flatvm_hypercall_on(pair.vm, 1, 999, 0, 0, 0, 0), NOBODY);
	flatvm_take_interrupts(pair.vm, 0);
	expect_equal(flatvm_interrupts_all(pair.vm), 0);
	pair_close(&pair);
	flatmem_free(&memory);
}

static const enum flatvm_mode compat = FLATVM_COMPAT;
static const enum flatvm_mode protected = FLATVM_PROTECTED;

static const struct ktap_test tests[] = {
	{ "machine-works", machine_works, NULL },
	{ "every-call-is-unknown", every_call_is_unknown, NULL },
	{ "user-space-is-refused", user_space_is_refused, NULL },
	{ "compat-code-is-unknown", unknown_in_32_bit_code, &compat },
	{ "protected-mode-is-unknown", unknown_in_32_bit_code, &protected },
};

int main(int argc, char **argv)
{
	if (host_is_there()) {
		ktap_note("this is for a host without bellows_host");
		return KTAP_EXIT_FAIL;
	}

	return ktap_main(tests, ARRAY_SIZE(tests), argc, argv);
}
