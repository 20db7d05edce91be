// SPDX-License-Identifier: GPL-2.0
/* What `make fuzz` has found a guest to say of itself. */
#include "../fuzz/guest_report.c"
#include "fuzz_corpus.h"

static void what_was_found_stays_mended(void **state)
{
	corpus_replay("guest-report");
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
