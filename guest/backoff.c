// SPDX-License-Identifier: GPL-2.0
/*
 * A target that the guest cannot bear: how long until it is tried again?
 *
 * A VMM that sets a target knows nothing of what the guest needs, and takes no
 * notice when some of it comes back. A guest that went for it again each time
 * would swap out and in for ever. So each relief that follows upon an inflation
 * doubles the time until the next, as long as they follow soon.
 */
#ifdef __KERNEL__
#include <linux/minmax.h>
#endif

#include "backoff.h"

/**
 * bellows_backoff_relieved() - the guest had to take memory back
 * @backoff: what is remembered
 * @now_ms: by a clock that never goes back
 *
 * Without an inflation since the last time it is the same distress, and only its
 * wait begins anew.
 */
void bellows_backoff_relieved(struct bellows_backoff *backoff, u64 now_ms)
{
	u32 wait_ms = backoff->wait_ms;

	if (wait_ms == 0)
		backoff->wait_ms = BELLOWS_BACKOFF_FIRST_MS;
	else if (backoff->tried &&
		 now_ms - backoff->tried_ms >=
			 (u64)wait_ms * BELLOWS_BACKOFF_FORGIVEN)
		backoff->wait_ms = BELLOWS_BACKOFF_FIRST_MS;
	else if (backoff->tried)
		backoff->wait_ms =
			min_t(u32, 2 * wait_ms, BELLOWS_BACKOFF_MOST_MS);
	backoff->relieved_ms = now_ms;
	backoff->tried = false;
}

/**
 * bellows_backoff_tried() - an inflation begins
 * @backoff: what is remembered
 * @now_ms: by the same clock
 */
void bellows_backoff_tried(struct bellows_backoff *backoff, u64 now_ms)
{
	if (backoff->tried)
		return;

	backoff->tried = true;
	backoff->tried_ms = now_ms;
}

/**
 * bellows_backoff_forgive() - the target is another: what was learnt is void
 * @backoff: the guest recovers from its last relief all the same
 */
void bellows_backoff_forgive(struct bellows_backoff *backoff)
{
	if (backoff->wait_ms)
		backoff->wait_ms = BELLOWS_BACKOFF_FIRST_MS;
}

/**
 * bellows_backoff_waits() - is it too early for an inflation?
 * @backoff: what is remembered
 * @now_ms: by the same clock
 * @most_ms: wait for no longer than this
 *
 * Return: whether it is.
 */
bool bellows_backoff_waits(const struct bellows_backoff *backoff, u64 now_ms,
			   u32 most_ms)
{
	return backoff->wait_ms && now_ms - backoff->relieved_ms <
					   min(backoff->wait_ms, most_ms);
}
