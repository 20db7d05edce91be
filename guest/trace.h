/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bellows_guest

#if !defined(_BELLOWS_GUEST_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _BELLOWS_GUEST_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(bellows_target,
	TP_PROTO(u64 asked, unsigned long wanted, unsigned long size, u32 source,
		 u32 reason),
	TP_ARGS(asked, wanted, size, source, reason),
	TP_STRUCT__entry(
		__field(u64, asked)
		__field(unsigned long, wanted)
		__field(unsigned long, size)
		__field(u32, source)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->asked = asked;
		__entry->wanted = wanted;
		__entry->size = size;
		__entry->source = source;
		__entry->reason = reason;
	),
	TP_printk("asked_pages=%llu wanted_pages=%lu size_pages=%lu source=%u reason=%u",
		  __entry->asked, __entry->wanted, __entry->size,
		  __entry->source, __entry->reason)
);

TRACE_EVENT(bellows_inflate,
	TP_PROTO(unsigned long wanted, unsigned long got, unsigned long blocks,
		 unsigned long singles, unsigned long refused, u64 ns),
	TP_ARGS(wanted, got, blocks, singles, refused, ns),
	TP_STRUCT__entry(
		__field(unsigned long, wanted)
		__field(unsigned long, got)
		__field(unsigned long, blocks)
		__field(unsigned long, singles)
		__field(unsigned long, refused)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->wanted = wanted;
		__entry->got = got;
		__entry->blocks = blocks;
		__entry->singles = singles;
		__entry->refused = refused;
		__entry->ns = ns;
	),
	TP_printk("wanted_pages=%lu got_pages=%lu blocks=%lu single_pages=%lu refused_pages=%lu ns=%llu",
		  __entry->wanted, __entry->got, __entry->blocks,
		  __entry->singles, __entry->refused, __entry->ns)
);

TRACE_EVENT(bellows_deflate,
	TP_PROTO(unsigned long wanted, long granted, unsigned long got, u64 ns),
	TP_ARGS(wanted, granted, got, ns),
	TP_STRUCT__entry(
		__field(unsigned long, wanted)
		__field(long, granted)
		__field(unsigned long, got)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->wanted = wanted;
		__entry->granted = granted;
		__entry->got = got;
		__entry->ns = ns;
	),
	TP_printk("wanted_pages=%lu granted_pages=%ld got_pages=%lu ns=%llu",
		  __entry->wanted, __entry->granted, __entry->got, __entry->ns)
);

TRACE_EVENT(bellows_release,
	TP_PROTO(unsigned int ranges, unsigned int done, unsigned int reason),
	TP_ARGS(ranges, done, reason),
	TP_STRUCT__entry(
		__field(unsigned int, ranges)
		__field(unsigned int, done)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		__entry->ranges = ranges;
		__entry->done = done;
		__entry->reason = reason;
	),
	TP_printk("ranges=%u done=%u reason=%u",
		  __entry->ranges, __entry->done, __entry->reason)
);

TRACE_EVENT(bellows_hello,
	TP_PROTO(s64 result),
	TP_ARGS(result),
	TP_STRUCT__entry(
		__field(s64, result)
	),
	TP_fast_assign(
		__entry->result = result;
	),
	TP_printk("result=%#llx", __entry->result)
);

TRACE_EVENT(bellows_doorbell,
	TP_PROTO(int irq),
	TP_ARGS(irq),
	TP_STRUCT__entry(
		__field(int, irq)
	),
	TP_fast_assign(
		__entry->irq = irq;
	),
	TP_printk("irq=%d", __entry->irq)
);

TRACE_EVENT(bellows_sweep,
	TP_PROTO(u64 pages, u64 changed, u64 ns, u32 gap_ms),
	TP_ARGS(pages, changed, ns, gap_ms),
	TP_STRUCT__entry(
		__field(u64, pages)
		__field(u64, changed)
		__field(u64, ns)
		__field(u32, gap_ms)
	),
	TP_fast_assign(
		__entry->pages = pages;
		__entry->changed = changed;
		__entry->ns = ns;
		__entry->gap_ms = gap_ms;
	),
	TP_printk("pages=%llu changed_pages=%llu ns=%llu gap_ms=%u",
		  __entry->pages, __entry->changed, __entry->ns,
		  __entry->gap_ms)
);

TRACE_EVENT(bellows_evict,
	TP_PROTO(unsigned int rank, unsigned long pages, unsigned long freed,
		 s64 net),
	TP_ARGS(rank, pages, freed, net),
	TP_STRUCT__entry(
		__field(unsigned int, rank)
		__field(unsigned long, pages)
		__field(unsigned long, freed)
		__field(s64, net)
	),
	TP_fast_assign(
		__entry->rank = rank;
		__entry->pages = pages;
		__entry->freed = freed;
		__entry->net = net;
	),
	TP_printk("class=%u idle=%u tried_pages=%lu freed_pages=%lu net_pages=%lld",
		  __entry->rank / 16, 15 - __entry->rank % 16, __entry->pages,
		  __entry->freed, __entry->net)
);

TRACE_EVENT(bellows_rank,
	TP_PROTO(unsigned long looked, unsigned long blocks, u64 ns),
	TP_ARGS(looked, blocks, ns),
	TP_STRUCT__entry(
		__field(unsigned long, looked)
		__field(unsigned long, blocks)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->looked = looked;
		__entry->blocks = blocks;
		__entry->ns = ns;
	),
	TP_printk("looked=%lu blocks=%lu ns=%llu", __entry->looked,
		  __entry->blocks, __entry->ns)
);

TRACE_EVENT(bellows_evacuate,
	TP_PROTO(unsigned long pfn, unsigned int cold, unsigned int moves,
		 unsigned long evicted, unsigned long migrated, bool made, u64 ns),
	TP_ARGS(pfn, cold, moves, evicted, migrated, made, ns),
	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, cold)
		__field(unsigned int, moves)
		__field(unsigned long, evicted)
		__field(unsigned long, migrated)
		__field(bool, made)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->cold = cold;
		__entry->moves = moves;
		__entry->evicted = evicted;
		__entry->migrated = migrated;
		__entry->made = made;
		__entry->ns = ns;
	),
	TP_printk("pfn=%#lx cold_pages=%u moving_pages=%u evicted_pages=%lu migrated_pages=%lu made=%d ns=%llu",
		  __entry->pfn, __entry->cold, __entry->moves,
		  __entry->evicted, __entry->migrated, __entry->made,
		  __entry->ns)
);

#endif /* _BELLOWS_GUEST_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
