/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints of the host: one event for each thing that a guest or we decide. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bellows_host

#if !defined(_BELLOWS_HOST_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _BELLOWS_HOST_TRACE_H

#include <linux/tracepoint.h>

#include "bellows/abi.h"
#include "bellows/compat.h"
#include "policy.h"
#include "vmem.h"

#define show_bellows_refusal(reason)					\
	__print_symbolic(reason,					\
			 { BELLOWS_REFUSE_NONE, "none" },		\
			 { BELLOWS_REFUSE_NOT_RAM, "not-ram" },		\
			 { BELLOWS_REFUSE_READONLY, "read-only" },	\
			 { BELLOWS_REFUSE_OVERLAP, "overlap" },		\
			 { BELLOWS_REFUSE_LOCKED, "locked" },		\
			 { BELLOWS_REFUSE_UFFD, "userfaultfd" },	\
			 { BELLOWS_REFUSE_PINNED, "pinned" },		\
			 { BELLOWS_REFUSE_ASSIGNED, "assigned-device" }, \
			 { BELLOWS_REFUSE_FILE, "file" },		\
			 { BELLOWS_REFUSE_SPECIAL, "special" },		\
			 { BELLOWS_REFUSE_SEALED, "sealed" },		\
			 { BELLOWS_REFUSE_HUGETLB, "hugetlb-part" },	\
			 { BELLOWS_REFUSE_OWN, "own-page" },		\
			 { BELLOWS_REFUSE_FAILED, "failed" })

#define show_bellows_reason(reason)					\
	__print_symbolic(reason,					\
			 { BELLOWS_REASON_NONE, "none" },		\
			 { BELLOWS_REASON_RESERVE, "reserve" },		\
			 { BELLOWS_REASON_NODE, "node" },		\
			 { BELLOWS_REASON_GIVE_BACK, "give-back" },	\
			 { BELLOWS_REASON_GRANTED, "granted" },		\
			 { BELLOWS_REASON_MANUAL, "manual" })

TRACE_EVENT(bellows_hello,
	TP_PROTO(const struct bellows_vmem *vmem, u32 version, u32 features),
	TP_ARGS(vmem, version, features),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__string(name, vmem->identity.name)
		__field(u32, version)
		__field(u32, features)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		bellows_assign_str(name, vmem->identity.name);
		__entry->version = version;
		__entry->features = features;
	),
	TP_printk("pid=%d name=%s version=%u features=%#x", __entry->pid,
		  __get_str(name), __entry->version, __entry->features)
);

TRACE_EVENT(bellows_bye,
	TP_PROTO(const struct bellows_vmem *vmem),
	TP_ARGS(vmem),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__string(name, vmem->identity.name)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		bellows_assign_str(name, vmem->identity.name);
	),
	TP_printk("pid=%d name=%s", __entry->pid, __get_str(name))
);

TRACE_EVENT(bellows_release,
	TP_PROTO(const struct bellows_vmem *vmem, u32 ranges, u32 done, u64 pages,
		 u32 reason, bool reported),
	TP_ARGS(vmem, ranges, done, pages, reason, reported),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u32, ranges)
		__field(u32, done)
		__field(u64, pages)
		__field(u32, reason)
		__field(bool, reported)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		__entry->ranges = ranges;
		__entry->done = done;
		__entry->pages = pages;
		__entry->reason = reason;
		__entry->reported = reported;
	),
	TP_printk("pid=%d ranges=%u done=%u pages=%llu refusal=%s reported=%d",
		  __entry->pid, __entry->ranges, __entry->done, __entry->pages,
		  show_bellows_refusal(__entry->reason), __entry->reported)
);

TRACE_EVENT(bellows_grant,
	TP_PROTO(const struct bellows_vmem *vmem, u64 asked, u64 granted),
	TP_ARGS(vmem, asked, granted),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, asked)
		__field(u64, granted)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		__entry->asked = asked;
		__entry->granted = granted;
	),
	TP_printk("pid=%d asked=%llu granted=%llu", __entry->pid,
		  __entry->asked, __entry->granted)
);

TRACE_EVENT(bellows_target,
	TP_PROTO(const struct bellows_vmem *vmem, u64 pages, u32 reason,
		 u32 request),
	TP_ARGS(vmem, pages, reason, request),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, size)
		__field(u64, pages)
		__field(u32, reason)
		__field(u32, request)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		__entry->size = vmem->size_pages;
		__entry->pages = pages;
		__entry->reason = reason;
		__entry->request = request;
	),
	TP_printk("pid=%d size=%llu target=%llu reason=%s request=%#x",
		  __entry->pid, __entry->size, __entry->pages,
		  show_bellows_reason(__entry->reason), __entry->request)
);

TRACE_EVENT(bellows_arrival,
	TP_PROTO(const struct bellows_vmem *vmem, u64 given, u64 arrived,
		 u64 owed),
	TP_ARGS(vmem, given, arrived, owed),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, given)
		__field(u64, arrived)
		__field(u64, owed)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		__entry->given = given;
		__entry->arrived = arrived;
		__entry->owed = owed;
	),
	TP_printk("pid=%d given=%llu arrived=%llu owed=%llu", __entry->pid,
		  __entry->given, __entry->arrived, __entry->owed)
);

TRACE_EVENT(bellows_doorbell,
	TP_PROTO(const struct bellows_vmem *vmem, int delivered),
	TP_ARGS(vmem, delivered),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(int, delivered)
	),
	TP_fast_assign(
		__entry->pid = vmem->identity.pid;
		__entry->delivered = delivered;
	),
	TP_printk("pid=%d delivered=%d", __entry->pid, __entry->delivered)
);

TRACE_EVENT_CONDITION(bellows_plan,
	TP_PROTO(const struct policy_host *host,
		 const struct policy_result *result, unsigned int guests),
	TP_ARGS(host, result, guests),
	TP_CONDITION(result->need_pages || result->given_pages),
	TP_STRUCT__entry(
		__field(u32, mode)
		__field(u32, guests)
		__field(u64, free)
		__field(u64, need)
		__field(u64, asked)
		__field(u64, given)
		__field(u64, missing)
	),
	TP_fast_assign(
		__entry->mode = result->mode;
		__entry->guests = guests;
		__entry->free = host->free_pages;
		__entry->need = result->need_pages;
		__entry->asked = result->asked_pages;
		__entry->given = result->given_pages;
		__entry->missing = result->missing_pages;
	),
	TP_printk("mode=%s guests=%u free=%llu need=%llu asked=%llu given=%llu missing=%llu",
		  __print_symbolic(__entry->mode,
				   { POLICY_MODE_CALM, "calm" },
				   { POLICY_MODE_SHORT, "short" },
				   { POLICY_MODE_EMERGENCY, "emergency" },
				   { POLICY_MODE_GIVE_BACK, "give-back" }),
		  __entry->guests, __entry->free, __entry->need, __entry->asked,
		  __entry->given, __entry->missing)
);

TRACE_EVENT(bellows_missing,
	TP_PROTO(const struct bellows_identity *move, u64 missing, int node),
	TP_ARGS(move, missing, node),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(int, node)
		__field(u64, missing)
	),
	TP_fast_assign(
		__entry->pid = move->pid;
		__entry->node = node;
		__entry->missing = missing;
	),
	TP_printk("move=%d node=%d missing=%llu", __entry->pid, __entry->node,
		  __entry->missing)
);

#endif /* _BELLOWS_HOST_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
