/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side of the ABI on a flat machine, and the host's side as an
 * operator sees it: sysfs.
 */
#ifndef _BELLOWS_PAIR_H
#define _BELLOWS_PAIR_H

#include "flatmem.h"
#include "flatvm.h"
#include "ktap.h"

#include <bellows/abi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* Where a test puts its memory. */
#define RAM_ADDRESS	0x10000000ULL
#define RAM_SLOT	1

/* What the guest claims to have; the machine has a little more. */
#define CLAIMED_PAGES	(64 * BELLOWS_BLOCK_PAGES)
#define CLAIMED_BYTES	((uint64_t)CLAIMED_PAGES * BELLOWS_PAGE_SIZE)
#define REST_ADDRESS	0x4000000000ULL
#define REST_SLOT	15

/* APIC address and data of an interrupt for the vCPU with this APIC ID. */
#define MSI_ADDRESS(apic_id) (0xfee00000ULL | (uint64_t)(apic_id) << 12)
#define MSI_DATA(vector) (vector)

/**
 * struct pair - a machine with the pages that the ABI needs
 * @vm: the machine
 * @shared: its shared page, at FLATVM_SHARED_PAGE
 * @batch: its batch page, at FLATVM_BATCH_PAGE
 * @rest: memory that no test uses, at REST_ADDRESS
 */
struct pair {
	struct flatvm *vm;
	struct bellows_shared_page *shared;
	struct bellows_batch_page *batch;
	void *rest;
};

/**
 * pair_open() - make a machine with a filled-in guest half, not yet registered
 * @pair: filled in
 * @vcpus: vCPUs of the machine
 */
void pair_open(struct pair *pair, unsigned int vcpus);

/**
 * pair_close() - end the machine, and wait until the host has forgotten it
 * @pair: the machine
 */
void pair_close(struct pair *pair);

/**
 * pair_call() - make one of our hypercalls, magic and all
 * @pair: the machine
 * @call: which (enum bellows_hypercall)
 * @rbx: first argument
 * @rcx: second argument
 * @rdx: third argument
 *
 * Return: the answer, negative for an error.
 */
int64_t pair_call(struct pair *pair, unsigned int call, uint64_t rbx,
		  uint64_t rcx, uint64_t rdx);

/**
 * pair_hello() - register with this version and all features
 * @pair: the machine
 *
 * Return: the answer.
 */
int64_t pair_hello(struct pair *pair);

/**
 * pair_begin_write() - start changing the guest's half
 * @pair: the machine; only the guest's half may be written until
 *	pair_end_write()
 *
 * Return: the guest's half.
 */
struct bellows_guest_half *pair_begin_write(struct pair *pair);

/**
 * pair_end_write() - finish changing the guest's half
 * @pair: the machine
 */
void pair_end_write(struct pair *pair);

/**
 * pair_release() - release the ranges in the batch page
 * @pair: the machine
 * @count: how many
 *
 * Return: the answer of the hypercall.
 */
int64_t pair_release(struct pair *pair, uint64_t count);

/**
 * pair_release_one() - release one range
 * @pair: the machine
 * @address: guest physical address
 * @pages: length
 *
 * Return: the answer of the hypercall.
 */
int64_t pair_release_one(struct pair *pair, uint64_t address, uint32_t pages);

/**
 * struct pair_bed - a registered machine with memory to give
 * @pair: the machine
 * @ram: its memory, at RAM_ADDRESS
 */
struct pair_bed {
	struct pair pair;
	struct flatmem ram;
};

/**
 * pair_bed_open() - make a machine with memory, and register it
 * @bed: filled in
 * @kind: what its memory is made of
 * @blocks: how much, in blocks
 */
void pair_bed_open(struct pair_bed *bed, enum flatmem_kind kind,
		   unsigned int blocks);

/**
 * pair_bed_close() - end the machine and free its memory
 * @bed: the machine
 */
void pair_bed_close(struct pair_bed *bed);

/**
 * pair_bed_release() - release blocks in one batch, a range each
 * @bed: the machine
 * @first: number of the first block, counted from 0
 * @blocks: how many
 *
 * Return: the answer of the hypercall.
 */
int64_t pair_bed_release(struct pair_bed *bed, unsigned int first,
			 unsigned int blocks);

/**
 * expect_released() - state what a RELEASE must have answered
 * @answer: what it did answer
 * @done: ranges done
 * @reason: why the next one was refused
 */
#define expect_released(answer, done, reason) \
	expect_equal((answer), bellows_release_result((done), (reason)))

/**
 * host_is_there() - whether the host's module is loaded
 *
 * Return: true when it is.
 */
bool host_is_there(void);

/**
 * host_read() - read a number from the host module's sysfs
 * @format: path below /sys/kernel/bellows_host
 *
 * Return: the number; -1 when the file is not there or holds no number.
 */
int64_t host_read(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * host_read_word() - read the first word of a file
 * @path: path below /sys/kernel/bellows_host
 *
 * Return: the word, empty when there is none; good until the next call.
 */
const char *host_read_word(const char *path);

/**
 * host_write() - write to the host module's sysfs
 * @path: path below /sys/kernel/bellows_host
 * @value: what to write
 *
 * Return: 0, or the errno of the write.
 */
int host_write(const char *path, const char *value);

/**
 * host_guests() - how many guests the host knows
 *
 * Return: the count, by its directories.
 */
unsigned int host_guests(void);

/**
 * host_guest_path() - name a file of a guest of this process
 * @file: the file's name
 *
 * Return: path below /sys/kernel/bellows_host; good until the next call.
 */
const char *host_guest_path(const char *file);

/**
 * pair_main() - ktap_main() for programs that need the host's module
 * @tests: the table
 * @count: lines in it
 * @argc: as main() got it
 * @argv: as main() got it
 *
 * Switches the agent off, so that nobody else sets targets.
 *
 * Return: the exit code for main().
 */
int pair_main(const struct ktap_test *tests, size_t count, int argc,
	      char **argv);

/**
 * wait_until() - wait for a condition, 10 seconds at most
 * @condition: asked every 10 ms
 * @data: for @condition
 *
 * Return: whether it came true.
 */
bool wait_until(bool (*condition)(const void *data), const void *data);

/**
 * wait_forgotten() - wait until the host knows no guest and holds no page
 *
 * Return: whether it came to that.
 */
bool wait_forgotten(void);

#endif /* _BELLOWS_PAIR_H */
