// SPDX-License-Identifier: GPL-2.0
/* What `make fuzz` has found a host to write into its half of the shared page. */
#include "../fuzz/host_half.c"
#include "fuzz_corpus.h"

static void what_was_found_stays_mended(void **state)
{
	corpus_replay("host-half");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_stays_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
