// SPDX-License-Identifier: GPL-2.0
/* Whether memory that a guest gave really arrived; see policy_arrival.h. */
#include "policy_arrival.h"
#include "policy_internal.h"

#define POLICY_ARRIVAL_MS 1000

u64 policy_arrival_look(struct policy_arrival *arrival, u64 now_ns,
			u64 size_pages, u64 resident_pages)
{
	u64 grown = policy_less(size_pages, arrival->size_pages);
	u64 shrunk = policy_less(arrival->size_pages, size_pages);
	u64 fell = policy_less(arrival->resident_pages, resident_pages);

	/* A balloon that it came with was given to somebody else. */
	if (!arrival->seen_ns) {
		grown = 0;
		fell = 0;
	}
	arrival->seen_ns = now_ns;
	arrival->size_pages = size_pages;
	arrival->resident_pages = resident_pages;

	if (grown)
		arrival->grown_ns = now_ns;
	else if (policy_since(now_ns, arrival->grown_ns, POLICY_ARRIVAL_MS))
		arrival->owed_pages = 0;
	arrival->owed_pages = policy_less(arrival->owed_pages, shrunk) + grown;
	arrival->given_pages += grown;

	fell = min(fell, arrival->owed_pages);
	arrival->owed_pages -= fell;
	arrival->arrived_pages += fell;

	return fell;
}
