/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory of every kind that a VM monitor may use, filled with a pattern
 * that tells each word from every other, and ways to see what the host did
 * to it.
 */
#ifndef _BELLOWS_FLATMEM_H
#define _BELLOWS_FLATMEM_H

#include "flatvm.h"

#include <bellows/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES ((uint64_t)BELLOWS_BLOCK_PAGES * BELLOWS_PAGE_SIZE)

/**
 * enum flatmem_kind - what guest memory is made of
 *
 * @FLATMEM_ANON: Anonymous, 4 KiB pages only.
 * @FLATMEM_THP: Anonymous, huge pages where the host can.
 * @FLATMEM_MEMFD: A memfd, shared: what QEMU's memory-backend-memfd is.
 * @FLATMEM_MEMFD_PRIVATE: A memfd, mapped privately.
 * @FLATMEM_HUGETLB: A memfd of explicit huge pages, shared.
 * @FLATMEM_HUGETLB_PRIVATE: Explicit huge pages, mapped privately: what QEMU's
 *	-mem-path is.
 * @FLATMEM_SEALED: A memfd that is sealed against writing from now on.
 * @FLATMEM_FILE: A file that is neither shmem nor hugetlbfs, shared.
 * @FLATMEM_FILE_PRIVATE: The same, mapped privately.
 * @FLATMEM_LOCKED: Anonymous and locked.
 * @FLATMEM_UFFD: Anonymous and registered with userfaultfd.
 * @FLATMEM_UNWRITABLE: Anonymous, then made read-only by mprotect.
 * @FLATMEM_KINDS: One past the last kind.
 */
enum flatmem_kind {
	FLATMEM_ANON,
	FLATMEM_THP,
	FLATMEM_MEMFD,
	FLATMEM_MEMFD_PRIVATE,
	FLATMEM_HUGETLB,
	FLATMEM_HUGETLB_PRIVATE,
	FLATMEM_SEALED,
	FLATMEM_FILE,
	FLATMEM_FILE_PRIVATE,
	FLATMEM_LOCKED,
	FLATMEM_UFFD,
	FLATMEM_UNWRITABLE,
	FLATMEM_KINDS,
};

/**
 * struct flatmem - a piece of guest memory
 * @address: guest physical address, aligned to 2 MiB
 * @size: bytes, a multiple of 2 MiB
 * @memory: where it is for the test; aligned to 2 MiB
 * @kind: what it is made of
 * @file: the file behind it, -1 for none
 * @uffd: the userfaultfd it is registered with, -1 for none
 */
struct flatmem {
	uint64_t address;
	uint64_t size;
	char *memory;
	enum flatmem_kind kind;
	int file;
	int uffd;
};

/**
 * flatmem_name() - what a kind is called in test output
 * @kind: the kind
 *
 * Return: the name.
 */
const char *flatmem_name(enum flatmem_kind kind);

/**
 * flatmem_new() - make guest memory and fill it with the pattern
 * @memory: filled in; belongs to no machine yet
 * @kind: what it is made of
 * @address: guest physical address it is for
 * @size: bytes, a multiple of 2 MiB
 *
 * Ends the program when the host cannot, after asking for huge pages in vain
 * too.
 */
void flatmem_new(struct flatmem *memory, enum flatmem_kind kind,
		 uint64_t address, uint64_t size);

/**
 * flatmem_free() - unmap it and close its files
 * @memory: the memory; its machine must be closed or not use it any more
 */
void flatmem_free(struct flatmem *memory);

/**
 * flatmem_watch() - register some pages with a userfaultfd of their own
 * @memory: the memory, which has none yet; closing @uffd ends it
 * @first: number of the first page, counted from 0
 * @pages: how many
 * @mode: UFFDIO_REGISTER_MODE_...
 */
void flatmem_watch(struct flatmem *memory, uint64_t first, uint64_t pages,
		   uint64_t mode);

/**
 * flatmem_fill() - write the pattern into some pages
 * @memory: the memory
 * @first: number of the first page, counted from 0
 * @pages: how many
 */
void flatmem_fill(struct flatmem *memory, uint64_t first, uint64_t pages);

/**
 * flatmem_damaged() - count the words that do not hold the pattern
 * @memory: the memory
 * @first: number of the first page
 * @pages: how many
 *
 * Return: the count, 0 when all is as it was filled.
 */
uint64_t flatmem_damaged(const struct flatmem *memory, uint64_t first,
			 uint64_t pages);

/**
 * flatmem_nonzero() - count the words that are not zero
 * @memory: the memory
 * @first: number of the first page
 * @pages: how many
 *
 * Reading maps pages, so count flatmem_present() first.
 *
 * Return: the count.
 */
uint64_t flatmem_nonzero(const struct flatmem *memory, uint64_t first,
			 uint64_t pages);

/**
 * flatmem_present() - count the pages that this process has mapped
 * @memory: the memory
 * @first: number of the first page
 * @pages: how many
 *
 * Return: the count, by /proc/self/pagemap; swapped pages count too.
 */
uint64_t flatmem_present(const struct flatmem *memory, uint64_t first,
			 uint64_t pages);

/**
 * flatmem_used() - what the host has spent on it
 * @memory: the memory
 *
 * Return: pages that the file has, or of private memory the pages mapped.
 */
uint64_t flatmem_used(const struct flatmem *memory);

/**
 * read_number() - a line of a file of numbers
 * @path: the file
 * @name: the word that the line begins with; empty for the first line
 *
 * Return: the number behind the word and one more character, 0 when there is no
 *	such line. Ends the program when there is no such file.
 */
uint64_t read_number(const char *path, const char *name);

/**
 * read_meminfo() - a line of /proc/meminfo
 * @name: the word before the colon
 *
 * Return: the number, in KiB or pages as the line has it.
 */
uint64_t read_meminfo(const char *name);

#endif /* _BELLOWS_FLATMEM_H */
