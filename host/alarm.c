// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the operator that the guests cannot give what the host needs: a uevent
 * of this module's directory in /sys/module, for whoever can move a guest to
 * another host. Its variables are
 *
 *	BELLOWS_EVENT		"missing", or "met" when it is over
 *	BELLOWS_MISSING_KIB	how much is missing
 *	BELLOWS_NODE		the NUMA node that misses it, or "any"
 *	BELLOWS_GUEST_PID	the guest to move: the process of its VMM,
 *	BELLOWS_GUEST_NAME	its name, and
 *	BELLOWS_GUEST_UUID	its UUID
 */
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "alarm.h"
#include "identity.h"
#include "trace.h"

/* As long as nothing changes, it is told again after so long. */
#define REPEAT_NS (10 * NSEC_PER_SEC)

/*
 * What was told last; the agent's thread alone writes it.
 *
 * @missing_pages: 0 when nothing is missing
 * @pid: the guest to move
 * @told_ns: when, CLOCK_MONOTONIC
 */
static struct {
	u64 missing_pages;
	pid_t pid;
	u64 told_ns;
} alarm;

static void send(char *variables[])
{
	/* Nobody may be listening, and that is no error of ours. */
	kobject_uevent_env(&THIS_MODULE->mkobj.kobj, KOBJ_CHANGE, variables);
}

static void send_missing(const struct bellows_identity *move, u64 missing_pages,
			 int node)
{
	char missing[48], where[24] = "BELLOWS_NODE=any", pid[32];
	char name[BELLOWS_NAME_MAX + 24], uuid[BELLOWS_UUID_MAX + 24];
	char *variables[] = {
		"BELLOWS_EVENT=missing", missing, where, pid, name, uuid, NULL,
	};

	snprintf(missing, sizeof(missing), "BELLOWS_MISSING_KIB=%llu",
		 missing_pages << (PAGE_SHIFT - 10));
	if (node >= 0)
		snprintf(where, sizeof(where), "BELLOWS_NODE=%d", node);
	snprintf(pid, sizeof(pid), "BELLOWS_GUEST_PID=%d", move->pid);
	snprintf(name, sizeof(name), "BELLOWS_GUEST_NAME=%s", move->name);
	snprintf(uuid, sizeof(uuid), "BELLOWS_GUEST_UUID=%s", move->uuid);
	send(variables);
}

/**
 * bellows_alarm_missing() - a need cannot be met, and a guest should go
 * @move: the guest to move
 * @missing_pages: how much is missing
 * @node: the NUMA node that misses it, negative for the whole host
 *
 * Called in each round of the agent; tells when it begins, when another guest
 * is to be moved, and every ten seconds.
 *
 * Context: the agent's thread; may sleep, no Bellows lock held.
 */
void bellows_alarm_missing(const struct bellows_identity *move,
			   u64 missing_pages, int node)
{
	u64 now = ktime_get_ns();
	bool known = alarm.missing_pages && alarm.pid == move->pid &&
		     now - alarm.told_ns < REPEAT_NS;

	WRITE_ONCE(alarm.missing_pages, missing_pages);
	if (known)
		return;
	alarm.pid = move->pid;
	alarm.told_ns = now;
	trace_bellows_missing(move, missing_pages, node);
	send_missing(move, missing_pages, node);
}

/**
 * bellows_alarm_met() - nothing is missing
 *
 * Context: the agent's thread; may sleep, no Bellows lock held.
 */
void bellows_alarm_met(void)
{
	char *variables[] = { "BELLOWS_EVENT=met", NULL };

	if (!alarm.missing_pages)
		return;
	WRITE_ONCE(alarm.missing_pages, 0);
	send(variables);
}

/**
 * bellows_alarm_missing_pages() - how much is missing now
 *
 * Context: any.
 * Return: pages; 0 when all is well, or may still become so.
 */
u64 bellows_alarm_missing_pages(void)
{
	return READ_ONCE(alarm.missing_pages);
}
