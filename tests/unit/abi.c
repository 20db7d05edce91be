// SPDX-License-Identifier: GPL-2.0
/*
 * What both sides take for granted of include/bellows/abi.h: sizes, and that
 * what is packed can be unpacked, at every boundary. Offsets are asserted in the
 * header itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bellows/abi.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define PFN_MAX ((1ULL << 52) - 1)

static void structures_fill_their_pages(void **state)
{
	assert_int_equal(sizeof(struct bellows_shared_page), 4096);
	assert_int_equal(sizeof(struct bellows_batch_page), 4096);
	assert_int_equal(sizeof(struct bellows_host_half), 2048);
	assert_int_equal(sizeof(struct bellows_guest_half), 2048);
	assert_int_equal(offsetof(struct bellows_shared_page, guest), 2048);
	assert_int_equal(BELLOWS_BATCH_MAX * sizeof(uint64_t), 4096);
	assert_int_equal(1 << BELLOWS_PAGE_SHIFT, BELLOWS_PAGE_SIZE);
	assert_int_equal(BELLOWS_BLOCK_PAGES * BELLOWS_PAGE_SIZE, 2 << 20);
}

static void ranges_can_be_unpacked(void **state)
{
	static const uint64_t pfns[] = {
		0, 1, 511, 512, 0xfffff, 0x100000, 1ULL << 31, 1ULL << 32,
		(1ULL << 40) + 1, PFN_MAX - 1, PFN_MAX,
	};
	static const uint32_t lengths[] = {
		1, 2, 511, 512, 513, 4095, BELLOWS_RANGE_PAGES_MAX,
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(pfns); i++) {
		for (j = 0; j < ARRAY_SIZE(lengths); j++) {
			uint64_t range = bellows_range(pfns[i], lengths[j]);

			assert_int_equal(bellows_range_pfn(range), pfns[i]);
			assert_int_equal(bellows_range_pages(range),
					 lengths[j]);
		}
	}
}

/* Whatever a hostile guest writes, a range is never empty, never too long. */
static void any_word_is_a_bounded_range(void **state)
{
	uint64_t word = 1;
	int i;

	for (i = 0; i < 1000000; i++) {
		word = word * 6364136223846793005ULL + 1442695040888963407ULL;
		assert_in_range(bellows_range_pages(word), 1,
				BELLOWS_RANGE_PAGES_MAX);
		assert_true(bellows_range_pfn(word) <= PFN_MAX);
		assert_true(bellows_range(bellows_range_pfn(word),
					  bellows_range_pages(word)) == word);
	}
}

static void hello_answer_can_be_unpacked(void **state)
{
	static const uint32_t versions[] = { 1, 2, 0xffff, 0x7fffffff };
	static const uint32_t features[] = { 0, 1, BELLOWS_F_ALL, 0xffffffff };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		for (j = 0; j < ARRAY_SIZE(features); j++) {
			uint64_t answer = bellows_hello_result(versions[i],
							       features[j]);

			assert_true((int64_t)answer > 0);
			assert_int_equal(bellows_hello_version(answer),
					 versions[i]);
			assert_int_equal(bellows_hello_features(answer),
					 features[j]);
		}
	}
}

/* No version can be mistaken for an error. */
static void hello_answer_is_never_negative(void **state)
{
	assert_true((int64_t)bellows_hello_result(0xffffffff, 0xffffffff) >= 0);
	assert_true((int64_t)bellows_hello_result(0x80000000, 0) >= 0);
}

static void release_answer_can_be_unpacked(void **state)
{
	uint32_t done, reason;

	for (done = 0; done <= BELLOWS_BATCH_MAX; done++) {
		for (reason = 0; reason < BELLOWS_REFUSE_COUNT; reason++) {
			uint64_t answer = bellows_release_result(done, reason);

			assert_true((int64_t)answer >= 0);
			assert_int_equal(bellows_release_done(answer), done);
			assert_int_equal(bellows_release_reason(answer),
					 reason);
		}
	}
}

/* A vCPU outside 64-bit mode cannot form one, and KVM has none up there. */
static void numbers_are_above_32_bits(void **state)
{
	uint64_t call;

	for (call = 1; call < BELLOWS_HC_END; call++) {
		uint64_t number = BELLOWS_HC_BASE + call;

		assert_true(number > UINT32_MAX);
		assert_true((int64_t)number > 0);
		assert_int_equal(number >> 16, BELLOWS_HC_BASE >> 16);
	}
}

static void errors_are_those_of_linux(void **state)
{
	static const int errors[] = {
		BELLOWS_EPERM, BELLOWS_EFAULT, BELLOWS_EINTR, BELLOWS_ENOMEM,
		BELLOWS_EINVAL, BELLOWS_ENOSYS,
	};
	static const int wanted[] = { 1, 14, 4, 12, 22, 1000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		assert_int_equal(errors[i], wanted[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures_fill_their_pages),
		cmocka_unit_test(ranges_can_be_unpacked),
		cmocka_unit_test(any_word_is_a_bounded_range),
		cmocka_unit_test(hello_answer_can_be_unpacked),
		cmocka_unit_test(hello_answer_is_never_negative),
		cmocka_unit_test(release_answer_can_be_unpacked),
		cmocka_unit_test(numbers_are_above_32_bits),
		cmocka_unit_test(errors_are_those_of_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
