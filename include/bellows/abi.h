/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The Bellows hypercall ABI: everything the guest's balloon and the host's
 * agent know of each other.
 *
 * Two channels:
 *
 *  - Hypercalls from the guest's kernel to the host's kernel. x86-64 KVM
 *    convention: the number in RAX, arguments in RBX, RCX, RDX and RSI, the
 *    result in RAX. They never leave the host kernel. Only a vCPU in 64-bit
 *    mode at CPL 0, outside any nested guest, is heard; everyone else gets
 *    what KVM answers to an unknown number (-KVM_ENOSYS, or -KVM_EPERM from
 *    user space).
 *  - One shared page for each guest. It lies in guest memory; the host pins it
 *    at HELLO. Each side writes its own half and reads the other's, which
 *    costs no exit.
 *
 * Neither side trusts what it reads: copy once, then check the copy.
 *
 * All fields are little-endian, which on x86-64, the only architecture that
 * has this ABI, is the native order. Sizes are in pages of 4096 bytes unless a
 * name says otherwise. Every field called reserved is zero and stays zero.
 *
 * This header is included by kernel code on both sides and by user-space
 * tests. Documentation/abi.rst says the same in prose.
 */
#ifndef _BELLOWS_ABI_H
#define _BELLOWS_ABI_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

/* Version of this ABI. HELLO settles on the smaller of the two sides'. */
#define BELLOWS_ABI_VERSION	1

#define BELLOWS_PAGE_SHIFT	12
#define BELLOWS_PAGE_SIZE	4096
/* A block is 2 MiB, aligned: what a host huge page maps. */
#define BELLOWS_BLOCK_PAGES	512

/*
 * Hypercall numbers. The base is above 32 bits, so a vCPU outside 64-bit mode
 * cannot form one, and the magic in the last argument register keeps a
 * stranger that uses the same number from being mistaken for ours.
 */
#define BELLOWS_HC_BASE		0x42454c4c4f570000ULL	/* "BELLOW", 0, 0 */
#define BELLOWS_HC_MAGIC	0x5942616c6c6f6f6eULL	/* "YBalloon", in RSI */

/**
 * enum bellows_hypercall - what a guest can ask, added to BELLOWS_HC_BASE
 *
 * @BELLOWS_HC_HELLO: Register. RBX: highest ABI version the guest speaks
 *	(1 or more). RCX: features it offers (BELLOWS_F_*). RDX: physical
 *	address of its shared page, page aligned, in writable RAM, with the
 *	guest's half filled in. Answers bellows_hello_result(), or a negative
 *	error. A second HELLO replaces the first: a guest that was reset, or
 *	whose host module was reloaded, says it again. The host's account of
 *	what the guest has given starts at &bellows_guest_half.size_pages.
 * @BELLOWS_HC_BYE: Leave; no argument. The host unpins the shared page, counts
 *	all that the guest gave as taken back, and answers 0 (also when there
 *	was no registration).
 * @BELLOWS_HC_RELEASE: Give memory. RBX: physical address of a batch page,
 *	page aligned: up to BELLOWS_BATCH_MAX ranges (bellows_range()),
 *	ascending, not overlapping. RCX: how many, at least 1. Answers
 *	bellows_release_result(): the ranges done, counted from the first,
 *	and why the next one was refused. BELLOWS_REFUSE_NONE with fewer than
 *	all done means that the call was cut short, by a signal as a rule:
 *	call again with the rest. A released page reads as zeros; the guest
 *	must not touch it before a GRANT.
 * @BELLOWS_HC_GRANT: Ask to take memory back, before doing so. RBX: pages.
 *	Answers how many the guest may use again, 0 up to that.
 * @BELLOWS_HC_PING: Ask whether the host still knows this guest; no argument.
 *	Answers the generation of the registration, which is above 0 and
 *	differs for every HELLO; 0 means "say HELLO again". This is how a
 *	guest finds out that it was migrated, restored, or left behind.
 * @BELLOWS_HC_REPORT: Say what is free, for a registration that has
 *	BELLOWS_F_REPORT. Arguments and answer as of RELEASE; but the memory
 *	stays the guest's, which may use it again at any time, without GRANT,
 *	and finds zeros. It does not count as given.
 */
enum bellows_hypercall {
	BELLOWS_HC_HELLO	= 1,
	BELLOWS_HC_BYE		= 2,
	BELLOWS_HC_RELEASE	= 3,
	BELLOWS_HC_GRANT	= 4,
	BELLOWS_HC_PING		= 5,
	BELLOWS_HC_REPORT	= 6,
};

/* One past the last number; the host hears nothing from here on. */
#define BELLOWS_HC_END		(BELLOWS_HC_REPORT + 1)

/*
 * Errors of every hypercall, as KVM's own have them (linux/kvm_para.h): the
 * negative of these. 1000 is what a host without the module answers.
 */
#define BELLOWS_EPERM		1	/* not registered: say HELLO first */
#define BELLOWS_EFAULT		14	/* a page named is not writable RAM */
#define BELLOWS_EINTR		4	/* something came between: call again */
#define BELLOWS_ENOMEM		12	/* the host could not: call later */
#define BELLOWS_EINVAL		22	/* an argument is out of range */
#define BELLOWS_ENOSYS		1000	/* nobody there, or number not known */

/* Features. HELLO answers those that both sides have. */
#define BELLOWS_F_DOORBELL	(1U << 0) /* host may inject the guest's MSI */
#define BELLOWS_F_NODES		(1U << 1) /* per-node sizes and targets */
#define BELLOWS_F_CLASSES	(1U << 2) /* class and age histogram is kept */
#define BELLOWS_F_HINTS		(1U << 3) /* hint ranges are looked at */
#define BELLOWS_F_REPORT	(1U << 4) /* REPORT is answered */
#define BELLOWS_F_WANTED	(1U << 5) /* wanted ranges are gone through */
#define BELLOWS_F_ALL		(BELLOWS_F_DOORBELL | BELLOWS_F_NODES | \
				 BELLOWS_F_CLASSES | BELLOWS_F_HINTS | \
				 BELLOWS_F_REPORT | BELLOWS_F_WANTED)

/**
 * bellows_hello_result() - the answer to HELLO
 * @version: ABI version to use, 1 or more
 * @features: BELLOWS_F_* that both sides have
 *
 * Return: the value of RAX; never negative as a signed number.
 */
static inline __u64 bellows_hello_result(__u32 version, __u32 features)
{
	return (__u64)(version & 0x7fffffff) << 32 | features;
}

static inline __u32 bellows_hello_version(__u64 result)
{
	return result >> 32;
}

static inline __u32 bellows_hello_features(__u64 result)
{
	return (__u32)result;
}

/*
 * A range of guest pages in 64 bits: the physical address of the first page
 * in bits 63..12, the number of pages less one in bits 11..0.
 */
#define BELLOWS_RANGE_PAGES_MAX	4096
/* Ranges in a batch page: 8 bytes each. */
#define BELLOWS_BATCH_MAX	512

/**
 * bellows_range() - pack a range
 * @pfn: guest frame number of the first page, below 1 << 52
 * @pages: length, 1 to BELLOWS_RANGE_PAGES_MAX
 *
 * Return: the entry for a batch page or a hint.
 */
static inline __u64 bellows_range(__u64 pfn, __u32 pages)
{
	return pfn << BELLOWS_PAGE_SHIFT | (pages - 1);
}

static inline __u64 bellows_range_pfn(__u64 range)
{
	return range >> BELLOWS_PAGE_SHIFT;
}

static inline __u32 bellows_range_pages(__u64 range)
{
	return (range & (BELLOWS_RANGE_PAGES_MAX - 1)) + 1;
}

/**
 * enum bellows_refusal - why a range was not released
 *
 * @BELLOWS_REFUSE_NONE: It was not refused.
 * @BELLOWS_REFUSE_NOT_RAM: It lies outside the VM's memory, wholly or in part,
 *	or across two of its memory slots.
 * @BELLOWS_REFUSE_READONLY: The memory slot or mapping cannot be written.
 * @BELLOWS_REFUSE_OVERLAP: It begins before the end of the range before it.
 * @BELLOWS_REFUSE_LOCKED: The VM's memory is locked (mlock).
 * @BELLOWS_REFUSE_UFFD: The VM's memory is registered with userfaultfd, as
 *	during post-copy migration.
 * @BELLOWS_REFUSE_PINNED: A page of it is pinned for DMA.
 * @BELLOWS_REFUSE_ASSIGNED: The VM has an assigned device (VFIO).
 * @BELLOWS_REFUSE_FILE: The VM's memory is a file on a disk, not memfd,
 *	shmem or hugetlbfs.
 * @BELLOWS_REFUSE_SPECIAL: It is mapped device memory or the like.
 * @BELLOWS_REFUSE_SEALED: The memfd is sealed against holes.
 * @BELLOWS_REFUSE_HUGETLB: It is part of an explicit huge page; those go whole.
 * @BELLOWS_REFUSE_OWN: It holds the shared page or the batch page.
 * @BELLOWS_REFUSE_FAILED: The host's kernel could not free it.
 * @BELLOWS_REFUSE_COUNT: One past the last reason.
 *
 * The same for REPORT. ASSIGNED, and LOCKED for memory that was locked as a whole, will be the
 * answer for every other range too; a guest need not try them all.
 */
enum bellows_refusal {
	BELLOWS_REFUSE_NONE	= 0,
	BELLOWS_REFUSE_NOT_RAM	= 1,
	BELLOWS_REFUSE_READONLY	= 2,
	BELLOWS_REFUSE_OVERLAP	= 3,
	BELLOWS_REFUSE_LOCKED	= 4,
	BELLOWS_REFUSE_UFFD	= 5,
	BELLOWS_REFUSE_PINNED	= 6,
	BELLOWS_REFUSE_ASSIGNED	= 7,
	BELLOWS_REFUSE_FILE	= 8,
	BELLOWS_REFUSE_SPECIAL	= 9,
	BELLOWS_REFUSE_SEALED	= 10,
	BELLOWS_REFUSE_HUGETLB	= 11,
	BELLOWS_REFUSE_OWN	= 12,
	BELLOWS_REFUSE_FAILED	= 13,
	BELLOWS_REFUSE_COUNT,
};

/**
 * bellows_release_result() - the answer to RELEASE
 * @done: ranges released, counted from the first
 * @reason: why range number @done was refused (enum bellows_refusal)
 *
 * Return: the value of RAX; never negative as a signed number.
 */
static inline __u64 bellows_release_result(__u32 done, __u32 reason)
{
	return (__u64)reason << 32 | done;
}

static inline __u32 bellows_release_done(__u64 result)
{
	return (__u32)result;
}

static inline __u32 bellows_release_reason(__u64 result)
{
	return result >> 32;
}

/* Requests of the host, bits of &bellows_host_half.request. */
#define BELLOWS_REQ_SWEEP	(1U << 0) /* inflation is likely: keep ages */
#define BELLOWS_REQ_DISTRESS	(1U << 1) /* single pages are welcome too */
#define BELLOWS_REQ_LEAVING	(1U << 2) /* host module is being unloaded */

/**
 * enum bellows_reason - why the target is what it is
 *
 * @BELLOWS_REASON_NONE: No target was set yet.
 * @BELLOWS_REASON_RESERVE: The host's free memory is below its reserve.
 * @BELLOWS_REASON_NODE: A NUMA node of the host is short.
 * @BELLOWS_REASON_GIVE_BACK: The host has memory to give back.
 * @BELLOWS_REASON_GRANTED: The guest asked to take memory back.
 * @BELLOWS_REASON_MANUAL: The host's operator set it by hand.
 * @BELLOWS_REASON_COUNT: One past the last reason.
 */
enum bellows_reason {
	BELLOWS_REASON_NONE		= 0,
	BELLOWS_REASON_RESERVE		= 1,
	BELLOWS_REASON_NODE		= 2,
	BELLOWS_REASON_GIVE_BACK	= 3,
	BELLOWS_REASON_GRANTED		= 4,
	BELLOWS_REASON_MANUAL		= 5,
	BELLOWS_REASON_COUNT,
};

#define BELLOWS_NODES_MAX	8
#define BELLOWS_HINTS_MAX	128
#define BELLOWS_WANTED_MAX	96
/* What is in use in the ranges shall be moved elsewhere in the guest. */
#define BELLOWS_WANTED_IN_USE	(1U << 0)

/**
 * struct bellows_host_half - what the host tells the guest
 * @seq: odd while the host writes; changes with every write
 * @request: BELLOWS_REQ_* bits
 * @target_pages: what the balloon shall hold in all, in pages
 * @reason: why (enum bellows_reason); BELLOWS_REASON_NONE means that there is
 *	no target yet and that a guest which comes back keeps what it has
 * @nr_nodes: entries of @node_target_pages in use, 0 when the host leaves the
 *	choice of nodes to the guest
 * @node_target_pages: what the balloon shall hold of each guest node
 * @nr_hints: entries of @hint in use
 * @nr_wanted: entries of @wanted in use, 0 when any memory will do
 * @hint: ranges (bellows_range()) that the host takes by itself (BELLOWS_F_HINTS):
 *	they are in its swap or on their way there, for the most part, and not worth
 *	the guest's evicting. Not all there are, if they are many: each list has
 *	another part of them.
 * @wanted: ranges from which the balloon shall grow (BELLOWS_F_WANTED): they lie
 *	on a node of the host that is short. Other memory only when these bring
 *	nothing more, and none of it for BELLOWS_REASON_NODE, for which it is
 *	useless. Not all of the guest's memory there: others follow when it has
 *	gone through these.
 * @wanted_id: number of the list, another for each; never 0 when there is one
 * @wanted_flags: BELLOWS_WANTED_* bits
 * @reserved: zero
 *
 * Nothing here is part of a guest's migrated state: the guest zeroes this half
 * before every HELLO, and believes it only while registered.
 */
struct bellows_host_half {
	__u32 seq;
	__u32 request;
	__u64 target_pages;
	__u32 reason;
	__u32 nr_nodes;
	__u64 node_target_pages[BELLOWS_NODES_MAX];
	__u32 nr_hints;
	__u32 nr_wanted;
	__u64 hint[BELLOWS_HINTS_MAX];
	__u64 wanted[BELLOWS_WANTED_MAX];
	__u32 wanted_id;
	__u32 wanted_flags;
	__u8 reserved[152];
};

/* The first word of the guest's half. */
#define BELLOWS_GUEST_MAGIC	0x42454c47U	/* "BELG" */

/* State of the guest, bits of &bellows_guest_half.flags. */
#define BELLOWS_GUEST_DOORBELL	(1U << 0) /* the doorbell fields are valid */
#define BELLOWS_GUEST_SHORT	(1U << 1) /* it cannot give more for now */

/* Classes of Enhanced Second-Chance, index = R << 1 | M; ages 0 (just used) up. */
#define BELLOWS_CLASSES		4
#define BELLOWS_AGES		8

/**
 * struct bellows_node - one NUMA node of the guest
 * @total_pages: memory of the node
 * @free_pages: free now
 * @size_pages: in the balloon
 */
struct bellows_node {
	__u64 total_pages;
	__u64 free_pages;
	__u64 size_pages;
};

/**
 * struct bellows_node_span - where a NUMA node of the guest lies
 * @first_pfn: its first page
 * @pages: from there to its end, holes included; 0 when the guest does not say
 */
struct bellows_node_span {
	__u64 first_pfn;
	__u64 pages;
};

/**
 * struct bellows_guest_half - what the guest tells the host
 * @magic: BELLOWS_GUEST_MAGIC
 * @version: ABI version that this half is laid out in
 * @cookie: random, not zero, made anew for every HELLO. The host looks at it
 *	before each write of its own half and stops writing when it changed:
 *	the page belongs to somebody else then (the guest was reset).
 * @seq: odd while the guest writes; changes with every write
 * @flags: BELLOWS_GUEST_* bits
 * @timestamp_ns: guest's clock when this was written; a report whose timestamp
 *	does not move is stale
 * @doorbell_address: MSI address of the guest's doorbell
 * @doorbell_data: MSI data of the doorbell
 * @nr_nodes: entries of @node in use
 * @total_pages: memory of the guest, the balloon included
 * @size_pages: held by the balloon, whoever asked
 * @block_pages: of @size_pages, held in whole blocks
 * @free_pages: free
 * @available_pages: what could be had without swapping (MemAvailable)
 * @floor_pages: what the guest will keep, whatever the target
 * @working_set_pages: estimate of what is in use
 * @cache_pages: page cache
 * @swap_total_pages: swap space
 * @swap_free_pages: swap space that is free
 * @swap_in_pages: since boot
 * @swap_out_pages: since boot
 * @major_faults: since boot
 * @minor_faults: since boot
 * @refaults_file: file pages that came back soon after eviction, since boot
 * @refaults_anon: the same for anonymous pages
 * @oom_kills: since boot
 * @stall_ns: time that tasks waited for memory, since boot
 * @wanted_id: &bellows_host_half.wanted_id of the last list of ranges that the
 *	guest has gone through, whatever it brought; 0 for none
 * @reserved0: zero
 * @reserved1: zero
 * @node: the guest's NUMA nodes
 * @class_pages: pages by class and age (BELLOWS_F_CLASSES)
 * @node_span: where @node lie; all zero from a guest that does not say
 * @reserved: zero
 */
struct bellows_guest_half {
	__u32 magic;
	__u32 version;
	__u64 cookie;
	__u32 seq;
	__u32 flags;
	__u64 timestamp_ns;
	__u64 doorbell_address;
	__u32 doorbell_data;
	__u32 nr_nodes;
	__u64 total_pages;
	__u64 size_pages;
	__u64 block_pages;
	__u64 free_pages;
	__u64 available_pages;
	__u64 floor_pages;
	__u64 working_set_pages;
	__u64 cache_pages;
	__u64 swap_total_pages;
	__u64 swap_free_pages;
	__u64 swap_in_pages;
	__u64 swap_out_pages;
	__u64 major_faults;
	__u64 minor_faults;
	__u64 refaults_file;
	__u64 refaults_anon;
	__u64 oom_kills;
	__u64 stall_ns;
	__u32 wanted_id;
	__u32 reserved0;
	__u64 reserved1;
	struct bellows_node node[BELLOWS_NODES_MAX];
	__u64 class_pages[BELLOWS_CLASSES][BELLOWS_AGES];
	struct bellows_node_span node_span[BELLOWS_NODES_MAX];
	__u8 reserved[1264];
};

/**
 * struct bellows_shared_page - the page that HELLO names
 * @host: written by the host
 * @guest: written by the guest
 */
struct bellows_shared_page {
	struct bellows_host_half host;
	struct bellows_guest_half guest;
};

/**
 * struct bellows_batch_page - the page that RELEASE names
 * @range: see bellows_range()
 */
struct bellows_batch_page {
	__u64 range[BELLOWS_BATCH_MAX];
};

#define BELLOWS_AT(type, member, offset) \
	static_assert(offsetof(struct type, member) == (offset), \
		      #type "." #member " moved")

BELLOWS_AT(bellows_host_half, seq, 0);
BELLOWS_AT(bellows_host_half, request, 4);
BELLOWS_AT(bellows_host_half, target_pages, 8);
BELLOWS_AT(bellows_host_half, reason, 16);
BELLOWS_AT(bellows_host_half, nr_nodes, 20);
BELLOWS_AT(bellows_host_half, node_target_pages, 24);
BELLOWS_AT(bellows_host_half, nr_hints, 88);
BELLOWS_AT(bellows_host_half, nr_wanted, 92);
BELLOWS_AT(bellows_host_half, hint, 96);
BELLOWS_AT(bellows_host_half, wanted, 1120);
BELLOWS_AT(bellows_host_half, wanted_id, 1888);
BELLOWS_AT(bellows_host_half, wanted_flags, 1892);
BELLOWS_AT(bellows_host_half, reserved, 1896);
static_assert(sizeof(struct bellows_host_half) == 2048, "host half");

BELLOWS_AT(bellows_guest_half, magic, 0);
BELLOWS_AT(bellows_guest_half, version, 4);
BELLOWS_AT(bellows_guest_half, cookie, 8);
BELLOWS_AT(bellows_guest_half, seq, 16);
BELLOWS_AT(bellows_guest_half, flags, 20);
BELLOWS_AT(bellows_guest_half, timestamp_ns, 24);
BELLOWS_AT(bellows_guest_half, doorbell_address, 32);
BELLOWS_AT(bellows_guest_half, doorbell_data, 40);
BELLOWS_AT(bellows_guest_half, nr_nodes, 44);
BELLOWS_AT(bellows_guest_half, total_pages, 48);
BELLOWS_AT(bellows_guest_half, size_pages, 56);
BELLOWS_AT(bellows_guest_half, block_pages, 64);
BELLOWS_AT(bellows_guest_half, free_pages, 72);
BELLOWS_AT(bellows_guest_half, available_pages, 80);
BELLOWS_AT(bellows_guest_half, floor_pages, 88);
BELLOWS_AT(bellows_guest_half, working_set_pages, 96);
BELLOWS_AT(bellows_guest_half, cache_pages, 104);
BELLOWS_AT(bellows_guest_half, swap_total_pages, 112);
BELLOWS_AT(bellows_guest_half, swap_free_pages, 120);
BELLOWS_AT(bellows_guest_half, swap_in_pages, 128);
BELLOWS_AT(bellows_guest_half, swap_out_pages, 136);
BELLOWS_AT(bellows_guest_half, major_faults, 144);
BELLOWS_AT(bellows_guest_half, minor_faults, 152);
BELLOWS_AT(bellows_guest_half, refaults_file, 160);
BELLOWS_AT(bellows_guest_half, refaults_anon, 168);
BELLOWS_AT(bellows_guest_half, oom_kills, 176);
BELLOWS_AT(bellows_guest_half, stall_ns, 184);
BELLOWS_AT(bellows_guest_half, wanted_id, 192);
BELLOWS_AT(bellows_guest_half, node, 208);
BELLOWS_AT(bellows_guest_half, class_pages, 400);
BELLOWS_AT(bellows_guest_half, node_span, 656);
BELLOWS_AT(bellows_guest_half, reserved, 784);
static_assert(sizeof(struct bellows_node) == 24, "node");
static_assert(sizeof(struct bellows_node_span) == 16, "node span");
static_assert(sizeof(struct bellows_guest_half) == 2048, "guest half");

BELLOWS_AT(bellows_shared_page, host, 0);
BELLOWS_AT(bellows_shared_page, guest, 2048);
static_assert(sizeof(struct bellows_shared_page) == BELLOWS_PAGE_SIZE, "shared page");
static_assert(sizeof(struct bellows_batch_page) == BELLOWS_PAGE_SIZE, "batch page");

#undef BELLOWS_AT

#endif /* _BELLOWS_ABI_H */
