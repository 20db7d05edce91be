/* SPDX-License-Identifier: GPL-2.0 */
/* The reclaim agent: watches the host's memory and sets the guests' targets. */
#ifndef _BELLOWS_HOST_AGENT_H
#define _BELLOWS_HOST_AGENT_H

#include <linux/types.h>

struct bellows_vmem;

/**
 * struct bellows_agent_settings - the agent's own knobs
 * @enabled: it plans; when not, targets stay as they are
 * @poll_min_ms: how often it looks when the host is short, 1 to @poll_max_ms
 * @poll_max_ms: how often it looks when all is calm, up to 60000
 *
 * Protected by bellows_hostmem_lock.
 */
struct bellows_agent_settings {
	bool enabled;
	u32 poll_min_ms;
	u32 poll_max_ms;
};

extern struct bellows_agent_settings bellows_agent_settings;

int bellows_agent_start(void);
void bellows_agent_stop(void);
void bellows_agent_kick(void);
void bellows_agent_target_by_hand(struct bellows_vmem *vmem, u64 pages);
void bellows_agent_target_auto(struct bellows_vmem *vmem);
void bellows_agent_limit_target(struct bellows_vmem *vmem, u64 pages);

#endif /* _BELLOWS_HOST_AGENT_H */
