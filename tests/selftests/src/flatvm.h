/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtual machine with no operating system in it, whose vCPUs do one thing
 * at a time when told to: make a hypercall, read or write a word, take
 * interrupts for a moment. It starts in milliseconds, and whatever a guest's
 * kernel could say to the host, a test can say through it, however wrong.
 *
 * Every vCPU executes one of a few instruction sequences with the registers
 * that the test chose and leaves through an I/O port. Memory from address 0 up
 * to FLATVM_CONTROL_SIZE is the machine's own; the rest is for the test, which
 * adds it slot by slot (flatmem.h).
 *
 * Trouble that is not what is being tested (no /dev/kvm, no memory) ends the
 * program.
 */
#ifndef _BELLOWS_FLATVM_H
#define _BELLOWS_FLATVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest physical addresses in the machine's own memory. */
#define FLATVM_CONTROL_SIZE	0x40000ULL
#define FLATVM_SHARED_PAGE	0x10000ULL	/* for HELLO */
#define FLATVM_BATCH_PAGE	0x11000ULL	/* for RELEASE */
#define FLATVM_SPARE_PAGE	0x12000ULL	/* for anything */

#define FLATVM_VCPUS_MAX	4

/* What an answer looks like when the instruction raised an exception. */
#define FLATVM_EXCEPTION(vector) (0xeeeeeeee00000000ULL | (vector))

/**
 * enum flatvm_mode - what a vCPU is while it makes hypercalls
 *
 * @FLATVM_KERNEL: 64-bit mode, CPL 0: a guest's kernel.
 * @FLATVM_USER: 64-bit mode, CPL 3: a guest's user space.
 * @FLATVM_COMPAT: 32-bit code under a 64-bit kernel, CPL 0.
 * @FLATVM_PROTECTED: 32-bit protected mode without paging, CPL 0.
 */
enum flatvm_mode {
	FLATVM_KERNEL,
	FLATVM_USER,
	FLATVM_COMPAT,
	FLATVM_PROTECTED,
};

struct flatvm;

/**
 * flatvm_new() - make a machine
 * @vcpus: 1 to FLATVM_VCPUS_MAX; APIC IDs count from 0
 *
 * Return: the machine, in FLATVM_KERNEL mode.
 */
struct flatvm *flatvm_new(unsigned int vcpus);

/**
 * flatvm_close() - close every file descriptor of a machine
 * @vm: the machine. Its memory stays mapped, and its process lives on.
 */
void flatvm_close(struct flatvm *vm);

/**
 * flatvm_free() - end a machine and unmap its own memory
 * @vm: the machine, closed or not
 */
void flatvm_free(struct flatvm *vm);

/**
 * flatvm_set_mode() - choose what vCPU 0 is from now on
 * @vm: the machine
 * @mode: the mode
 */
void flatvm_set_mode(struct flatvm *vm, enum flatvm_mode mode);

/**
 * flatvm_hypercall() - make a hypercall on vCPU 0
 * @vm: the machine
 * @number: RAX
 * @rbx: first argument
 * @rcx: second argument
 * @rdx: third argument
 * @rsi: fourth argument
 *
 * A hypercall that changes another register than RAX fails the test.
 *
 * Return: RAX as the guest finds it, or FLATVM_EXCEPTION().
 */
uint64_t flatvm_hypercall(struct flatvm *vm, uint64_t number, uint64_t rbx,
			  uint64_t rcx, uint64_t rdx, uint64_t rsi);

/**
 * flatvm_hypercall_on() - the same on any vCPU
 * @vm: the machine
 * @vcpu: which one; each may be in use by one thread
 * @number: RAX
 * @rbx: first argument
 * @rcx: second argument
 * @rdx: third argument
 * @rsi: fourth argument
 *
 * Return: RAX as the guest finds it, or FLATVM_EXCEPTION().
 */
uint64_t flatvm_hypercall_on(struct flatvm *vm, unsigned int vcpu,
			     uint64_t number, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx, uint64_t rsi);

/**
 * flatvm_read() - read a word as the guest does
 * @vm: the machine, in FLATVM_KERNEL mode
 * @address: guest physical address
 *
 * Return: what the guest finds there.
 */
uint64_t flatvm_read(struct flatvm *vm, uint64_t address);

/**
 * flatvm_write() - write a word as the guest does
 * @vm: the machine, in FLATVM_KERNEL mode
 * @address: guest physical address
 * @value: the word
 */
void flatvm_write(struct flatvm *vm, uint64_t address, uint64_t value);

/**
 * flatvm_take_interrupts() - let a vCPU take what is pending
 * @vm: the machine, in FLATVM_KERNEL mode
 * @vcpu: which one
 */
void flatvm_take_interrupts(struct flatvm *vm, unsigned int vcpu);

/**
 * flatvm_interrupts() - how many interrupts were taken
 * @vm: the machine
 * @vector: with this vector, 32 to 255
 *
 * Return: the count since the machine was made, over all vCPUs.
 */
unsigned int flatvm_interrupts(const struct flatvm *vm, uint8_t vector);

/**
 * flatvm_interrupts_all() - how many interrupts were taken, with any vector
 * @vm: the machine
 *
 * Return: the count since the machine was made.
 */
unsigned int flatvm_interrupts_all(const struct flatvm *vm);

/**
 * flatvm_control() - where the machine's own memory is for the test
 * @vm: the machine
 * @address: guest physical address below FLATVM_CONTROL_SIZE
 *
 * Return: the address in this process.
 */
void *flatvm_control(struct flatvm *vm, uint64_t address);

/**
 * flatvm_set_slot() - put memory of this process into the machine
 * @vm: the machine
 * @slot: number of the slot, 1 up
 * @address: guest physical address; those below 4 GiB are mapped for vCPUs
 * @size: bytes; 0 takes the slot away
 * @memory: the address in this process
 * @readonly: whether the guest may only read it
 */
void flatvm_set_slot(struct flatvm *vm, unsigned int slot, uint64_t address,
		     uint64_t size, void *memory, bool readonly);

/**
 * die() - end the program: the test bed failed, not what is tested
 * @format: what was being done; errno is added
 */
void die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif /* _BELLOWS_FLATVM_H */
