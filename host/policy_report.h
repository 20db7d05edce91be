/* SPDX-License-Identifier: GPL-2.0 */
/* What a guest says of itself, checked. Pure, as policy.h. */
#ifndef _BELLOWS_POLICY_REPORT_H
#define _BELLOWS_POLICY_REPORT_H

#include "bellows/abi.h"

/**
 * policy_report_clamp() - make a report something to rely on
 * @report: the host's own copy of a guest's half of the shared page; changed
 * @memory_pages: memory of its VM
 *
 * Afterwards no size is above the guest's memory, nor that above what its VM has,
 * and nothing is counted beyond the nodes that there can be. Totals that only
 * ever grow (faults, times) and the histogram are not looked at.
 */
void policy_report_clamp(struct bellows_guest_half *report, __u64 memory_pages);

#endif /* _BELLOWS_POLICY_REPORT_H */
