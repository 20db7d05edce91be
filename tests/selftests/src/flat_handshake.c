// SPDX-License-Identifier: GPL-2.0
/*
 * Who is heard, and what HELLO, PING, BYE and the rest answer to right and to
 * wrong arguments.
 */
#include "pair.h"

#include <string.h>
#include <sys/mman.h>

#define NOBODY (-(int64_t)BELLOWS_ENOSYS)

#define READONLY_ADDRESS	0x20000000ULL
#define READONLY_SLOT		2

/* bellows_hello_result(), for tables. */
#define ANSWER(features) ((int64_t)BELLOWS_ABI_VERSION << 32 | (features))
/* What HELLO answers when both sides have everything. */
#define WELCOME ANSWER(BELLOWS_F_ALL)

static void hello_answers_version_and_features(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	expect_equal(pair_hello(&pair), WELCOME);
	expect_equal(host_read("%s", host_guest_path("generation")),
		     pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0));
	expect(!strcmp(host_read_word(host_guest_path("state")), "present"));
	expect_equal(host_read("counters/guests"), 1);
	expect_equal(host_read("counters/pinned_pages"), 1);
	pair_close(&pair);
}

/* One HELLO and what it must answer. */
struct hello {
	uint64_t version;
	uint64_t features;
	uint64_t address;
	int64_t answer;
};

static void hello_answers(const void *data)
{
	const struct hello *hello = data;
	struct flatmem readonly;
	struct pair pair;
	int64_t answer;

	pair_open(&pair, 1);
	flatmem_new(&readonly, FLATMEM_ANON, READONLY_ADDRESS, BLOCK_BYTES);
	memcpy(readonly.memory, pair.shared, sizeof(*pair.shared));
	flatvm_set_slot(pair.vm, READONLY_SLOT, readonly.address, readonly.size,
			readonly.memory, true);

	answer = pair_call(&pair, BELLOWS_HC_HELLO, hello->version,
			   hello->features, hello->address);
	expect_equal(answer, hello->answer);
	if (answer < 0) {
		expect_equal(host_read("counters/pinned_pages"), 0);
		expect_equal(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0), 0);
	}
	pair_close(&pair);
	flatmem_free(&readonly);
}

#define HELLO(...) hello_answers, &(const struct hello){ __VA_ARGS__ }

static void hello_needs_a_guest_half(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	pair.shared->guest.magic ^= 1;
	expect_equal(pair_hello(&pair), -BELLOWS_EINVAL);
	pair.shared->guest.magic ^= 1;
	pair.shared->guest.cookie = 0;
	expect_equal(pair_hello(&pair), -BELLOWS_EINVAL);
	expect_equal(host_read("counters/pinned_pages"), 0);
	pair_close(&pair);
}

static void second_hello_replaces_the_first(const void *data)
{
	struct pair pair;
	int64_t first;

	(void)data;
	pair_open(&pair, 1);
	expect_equal(pair_hello(&pair), WELCOME);
	first = pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0);
	expect(first > 0);

	memcpy(flatvm_control(pair.vm, FLATVM_SPARE_PAGE), pair.shared,
	       sizeof(*pair.shared));
	expect_equal(pair_call(&pair, BELLOWS_HC_HELLO, BELLOWS_ABI_VERSION,
			       BELLOWS_F_ALL, FLATVM_SPARE_PAGE), WELCOME);
	expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) > 0);
	expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) != first);
	expect_equal(host_read("counters/pinned_pages"), 1);
	expect_equal(host_guests(), 1);
	pair_close(&pair);
}

static void bye_may_be_said_twice(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	expect_equal(pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0), 0);
	expect_equal(pair_hello(&pair), WELCOME);
	expect_equal(pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0), 0);
	expect_equal(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0), 0);
	expect_equal(host_read("counters/pinned_pages"), 0);
	expect(!strcmp(host_read_word(host_guest_path("state")), "left"));
	expect_equal(pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0), 0);
	expect_equal(pair_hello(&pair), WELCOME);
	pair_close(&pair);
}

static void nothing_before_hello(const void *data)
{
	struct pair pair;
	int said_bye;

	(void)data;
	pair_open(&pair, 1);
	for (said_bye = 0; said_bye < 2; said_bye++) {
		expect_equal(pair_release_one(&pair, FLATVM_SPARE_PAGE, 1),
			     -BELLOWS_EPERM);
		expect_equal(pair_call(&pair, BELLOWS_HC_GRANT, 1, 0, 0),
			     -BELLOWS_EPERM);
		expect_equal(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0), 0);
		pair_hello(&pair);
		pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0);
	}
	pair_close(&pair);
}

static void strangers_are_not_ours(const void *data)
{
	static const int64_t numbers[] = { -1, 0, BELLOWS_HC_END, 100, 0xffff };
	struct pair pair;
	size_t i;

	(void)data;
	pair_open(&pair, 1);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		expect_equal(flatvm_hypercall(pair.vm,
					      BELLOWS_HC_BASE + numbers[i],
					      BELLOWS_ABI_VERSION,
					      BELLOWS_F_ALL, FLATVM_SHARED_PAGE,
					      BELLOWS_HC_MAGIC), NOBODY);
	/* Our number, but not our magic. */
	expect_equal(flatvm_hypercall(pair.vm,
				      BELLOWS_HC_BASE + BELLOWS_HC_HELLO,
				      BELLOWS_ABI_VERSION, BELLOWS_F_ALL,
				      FLATVM_SHARED_PAGE, BELLOWS_HC_MAGIC ^ 1),
		     NOBODY);
	/* The lower half of our number alone. */
	expect_equal(flatvm_hypercall(pair.vm,
				      (uint32_t)(BELLOWS_HC_BASE + 1),
				      BELLOWS_ABI_VERSION, BELLOWS_F_ALL,
				      FLATVM_SHARED_PAGE, BELLOWS_HC_MAGIC),
		     NOBODY);
	expect_equal(host_read("counters/guests"), 0);
	pair_close(&pair);
}

static void kvm_still_answers_its_own(const void *data)
{
	const uint64_t vapic_poll_irq = 1;
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	expect_equal(flatvm_hypercall(pair.vm, vapic_poll_irq, 0, 0, 0, 0), 0);
	pair_close(&pair);
}

static void user_space_is_refused(const void *data)
{
	struct pair pair;
	unsigned int call;

	(void)data;
	pair_open(&pair, 1);
	for (call = 1; call < BELLOWS_HC_END; call++) {
		flatvm_set_mode(pair.vm, FLATVM_USER);
		expect_equal(pair_call(&pair, call, BELLOWS_ABI_VERSION,
				       BELLOWS_F_ALL, FLATVM_SHARED_PAGE),
			     -BELLOWS_EPERM);
	}
	expect_equal(host_read("counters/guests"), 0);

	/* Nor may it act for its kernel. */
	flatvm_set_mode(pair.vm, FLATVM_KERNEL);
	expect_equal(pair_hello(&pair), WELCOME);
	flatvm_set_mode(pair.vm, FLATVM_USER);
	expect_equal(pair_release_one(&pair, FLATVM_SPARE_PAGE, 1),
		     -BELLOWS_EPERM);
	expect_equal(pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0), -BELLOWS_EPERM);
	flatvm_set_mode(pair.vm, FLATVM_KERNEL);
	expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) > 0);
	pair_close(&pair);
}

/*
 * Code outside 64-bit mode cannot load our number. It can run with the number
 * left in RAX by 64-bit code before, and is not heard even so.
 */
static void code_of_32_bit_is_not_heard(const void *data)
{
	const enum flatvm_mode *mode = data;
	struct pair pair;

	pair_open(&pair, 1);
	flatvm_set_mode(pair.vm, *mode);
	expect_equal((int32_t)pair_hello(&pair), NOBODY);
	expect_equal(host_read("counters/guests"), 0);
	pair_close(&pair);
}

static const enum flatvm_mode compat = FLATVM_COMPAT;
static const enum flatvm_mode protected = FLATVM_PROTECTED;

static const struct ktap_test tests[] = {
	{ "hello-answers-version-and-features",
	  hello_answers_version_and_features, NULL },
	{ "hello-of-an-older-guest",
	  HELLO(0, BELLOWS_F_ALL, FLATVM_SHARED_PAGE, -BELLOWS_EINVAL) },
	{ "hello-of-a-newer-guest",
	  HELLO(7, BELLOWS_F_ALL, FLATVM_SHARED_PAGE, WELCOME) },
	{ "hello-of-the-newest-guest",
	  HELLO(-1ULL, BELLOWS_F_ALL, FLATVM_SHARED_PAGE, WELCOME) },
	/* Its lower half is 0, which is no version. */
	{ "hello-version-above-32-bits",
	  HELLO(1ULL << 32, BELLOWS_F_ALL, FLATVM_SHARED_PAGE, WELCOME) },
	{ "hello-without-features", HELLO(1, 0, FLATVM_SHARED_PAGE, ANSWER(0)) },
	{ "hello-with-one-feature",
	  HELLO(1, BELLOWS_F_HINTS, FLATVM_SHARED_PAGE,
		ANSWER(BELLOWS_F_HINTS)) },
	{ "hello-with-unknown-features",
	  HELLO(1, -1ULL, FLATVM_SHARED_PAGE, WELCOME) },
	{ "hello-unaligned",
	  HELLO(1, 0, FLATVM_SHARED_PAGE + 8, -BELLOWS_EINVAL) },
	{ "hello-outside-ram", HELLO(1, 0, 0xf0000000, -BELLOWS_EFAULT) },
	{ "hello-behind-ram",
	  HELLO(1, 0, FLATVM_CONTROL_SIZE, -BELLOWS_EFAULT) },
	{ "hello-address-huge", HELLO(1, 0, ~0xfffULL, -BELLOWS_EFAULT) },
	{ "hello-address-beyond-52-bits",
	  HELLO(1, 0, 1ULL << 52 | FLATVM_SHARED_PAGE, -BELLOWS_EFAULT) },
	{ "hello-in-a-read-only-slot",
	  HELLO(1, 0, READONLY_ADDRESS, -BELLOWS_EFAULT) },
	{ "hello-needs-a-guest-half", hello_needs_a_guest_half, NULL },
	{ "second-hello-replaces-the-first", second_hello_replaces_the_first,
	  NULL },
	{ "bye-may-be-said-twice", bye_may_be_said_twice, NULL },
	{ "nothing-before-hello", nothing_before_hello, NULL },
	{ "strangers-are-not-ours", strangers_are_not_ours, NULL },
	{ "kvm-still-answers-its-own", kvm_still_answers_its_own, NULL },
	{ "user-space-is-refused", user_space_is_refused, NULL },
	{ "compat-code-is-not-heard", code_of_32_bit_is_not_heard, &compat },
	{ "protected-mode-is-not-heard", code_of_32_bit_is_not_heard,
	  &protected },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
