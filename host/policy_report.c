// SPDX-License-Identifier: GPL-2.0
/* What a guest says of itself, checked; see policy_report.h. */
#include "policy_internal.h"
#include "policy_report.h"

void policy_report_clamp(struct bellows_guest_half *report, __u64 memory_pages)
{
	struct bellows_node *node;
	u32 i;

	report->total_pages = min(report->total_pages, memory_pages);
	report->size_pages = min(report->size_pages, report->total_pages);
	report->block_pages = min(report->block_pages, report->size_pages);
	report->free_pages = min(report->free_pages, report->total_pages);
	report->available_pages =
		min(report->available_pages, report->total_pages);
	report->floor_pages = min(report->floor_pages, report->total_pages);
	report->working_set_pages =
		min(report->working_set_pages, report->total_pages);
	report->cache_pages = min(report->cache_pages, report->total_pages);
	report->nr_nodes = min_t(u32, report->nr_nodes, BELLOWS_NODES_MAX);
	for (i = 0; i < report->nr_nodes; i++) {
		node = &report->node[i];
		node->total_pages = min(node->total_pages, report->total_pages);
		node->free_pages = min(node->free_pages, node->total_pages);
		node->size_pages = min(node->size_pages, node->total_pages);
	}
}
