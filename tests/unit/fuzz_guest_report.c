// SPDX-License-Identifier: GPL-2.0
/*
 * The inputs that `make fuzz` has found, and others made of them by chance, the
 * same ones in each run. What is broken ends the program.
 */
#include "../fuzz/guest_report.c"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define INPUT_MAX (FUZZ_STEPS * FUZZ_STEP_BYTES)
#define VARIANTS 40

#define TEXT(name) #name
#define STRING(name) TEXT(name)
static const char corpus[] = STRING(FUZZ_CORPUS) "/guest-report";

static u64 seed = 1;

static u64 chance(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;

	return (seed * 0x2545f4914f6cdd1dULL >> 16) % below;
}

static size_t read_input(const char *name, u8 *input)
{
	char path[PATH_MAX];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", corpus, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(input, 1, INPUT_MAX, file);
	fclose(file);

	return size;
}

static void try_variants(u8 *input, size_t size)
{
	unsigned int i;

	seed = 1;
	LLVMFuzzerTestOneInput(input, size);
	for (i = 0; i < VARIANTS && size; i++) {
		input[chance(size)] = chance(256);
		if (size >= FUZZ_STEP_BYTES &&
		    size + FUZZ_STEP_BYTES <= INPUT_MAX) {
			memcpy(input + size,
			       input + chance(size / FUZZ_STEP_BYTES) *
					       FUZZ_STEP_BYTES,
			       FUZZ_STEP_BYTES);
			size += FUZZ_STEP_BYTES;
		}
		LLVMFuzzerTestOneInput(input, size);
	}
}

static void what_was_found_stays_mended(void **state)
{
	DIR *directory = opendir(corpus);
	u8 input[INPUT_MAX + FUZZ_STEP_BYTES];
	struct dirent *entry;
	unsigned int found = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		memset(input, 0, sizeof(input));
		try_variants(input, read_input(entry->d_name, input));
		found++;
	}
	closedir(directory);
	assert_true(found > 0);
}

/* All ones: nothing is above the VM's memory, and there are no nodes beyond. */
static void claims_are_cut_to_what_there_is(void **state)
{
	struct bellows_guest_half report;
	unsigned int i;

	memset(&report, 0xff, sizeof(report));
	policy_report_clamp(&report, FUZZ_MEMORY);
	assert_int_equal(report.total_pages, FUZZ_MEMORY);
	assert_int_equal(report.size_pages, FUZZ_MEMORY);
	assert_int_equal(report.block_pages, FUZZ_MEMORY);
	assert_int_equal(report.free_pages, FUZZ_MEMORY);
	assert_int_equal(report.available_pages, FUZZ_MEMORY);
	assert_int_equal(report.floor_pages, FUZZ_MEMORY);
	assert_int_equal(report.working_set_pages, FUZZ_MEMORY);
	assert_int_equal(report.cache_pages, FUZZ_MEMORY);
	assert_int_equal(report.nr_nodes, BELLOWS_NODES_MAX);
	for (i = 0; i < BELLOWS_NODES_MAX; i++) {
		assert_int_equal(report.node[i].total_pages, FUZZ_MEMORY);
		assert_int_equal(report.node[i].free_pages, FUZZ_MEMORY);
		assert_int_equal(report.node[i].size_pages, FUZZ_MEMORY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_cut_to_what_there_is),
		cmocka_unit_test(what_was_found_stays_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
