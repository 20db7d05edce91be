/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tries again what `make fuzz` has found. Include it after a harness of
 * tests/fuzz, which ends the program when something is broken.
 */
#ifndef _TESTS_UNIT_FUZZ_CORPUS_H
#define _TESTS_UNIT_FUZZ_CORPUS_H

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CORPUS_INPUT_MAX (FUZZ_STEPS * FUZZ_STEP_BYTES)
/* Made of each input by chance, the same ones in each run. */
#define CORPUS_VARIANTS 40

#define CORPUS_TEXT(name) #name
#define CORPUS_STRING(name) CORPUS_TEXT(name)

static u64 corpus_seed;

static u64 corpus_chance(u64 below)
{
	corpus_seed ^= corpus_seed << 13;
	corpus_seed ^= corpus_seed >> 7;
	corpus_seed ^= corpus_seed << 17;

	return (corpus_seed * 0x2545f4914f6cdd1dULL >> 16) % below;
}

static size_t corpus_read(const char *directory, const char *name, u8 *input)
{
	char path[PATH_MAX];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(input, 1, CORPUS_INPUT_MAX, file);
	fclose(file);

	return size;
}

static void corpus_try(u8 *input, size_t size)
{
	unsigned int i;

	corpus_seed = 1;
	LLVMFuzzerTestOneInput(input, size);
	for (i = 0; i < CORPUS_VARIANTS && size; i++) {
		input[corpus_chance(size)] = corpus_chance(256);
		if (size >= FUZZ_STEP_BYTES &&
		    size + FUZZ_STEP_BYTES <= CORPUS_INPUT_MAX) {
			memcpy(input + size,
			       input + corpus_chance(size / FUZZ_STEP_BYTES) *
					       FUZZ_STEP_BYTES,
			       FUZZ_STEP_BYTES);
			size += FUZZ_STEP_BYTES;
		}
		LLVMFuzzerTestOneInput(input, size);
	}
}

/* All of tests/fuzz/corpus/@name, of which there must be some. */
static void corpus_replay(const char *name)
{
	u8 input[CORPUS_INPUT_MAX + FUZZ_STEP_BYTES];
	char directory[PATH_MAX / 2];
	struct dirent *entry;
	unsigned int found = 0;
	DIR *listing;

	snprintf(directory, sizeof(directory), "%s/%s",
		 CORPUS_STRING(FUZZ_CORPUS), name);
	listing = opendir(directory);
	assert_non_null(listing);
	while ((entry = readdir(listing))) {
		if (entry->d_name[0] == '.')
			continue;
		memset(input, 0, sizeof(input));
		corpus_try(input, corpus_read(directory, entry->d_name, input));
		found++;
	}
	closedir(listing);
	assert_true(found > 0);
}

#endif /* _TESTS_UNIT_FUZZ_CORPUS_H */
