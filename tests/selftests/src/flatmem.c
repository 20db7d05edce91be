// SPDX-License-Identifier: GPL-2.0
/* Guest memory of every kind. See flatmem.h. */
#include "flatmem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE		BELLOWS_PAGE_SIZE
#define WORDS		(PAGE / sizeof(uint64_t))
#define FILE_DIR	"/tmp/bellows-ramfs"

static const char * const names[FLATMEM_KINDS] = {
	[FLATMEM_ANON]		  = "anon",
	[FLATMEM_THP]		  = "anon-thp",
	[FLATMEM_MEMFD]		  = "memfd",
	[FLATMEM_MEMFD_PRIVATE]	  = "memfd-private",
	[FLATMEM_HUGETLB]	  = "hugetlb",
	[FLATMEM_HUGETLB_PRIVATE] = "hugetlb-private",
	[FLATMEM_SEALED]	  = "memfd-sealed",
	[FLATMEM_FILE]		  = "file",
	[FLATMEM_FILE_PRIVATE]	  = "file-private",
	[FLATMEM_LOCKED]	  = "locked",
	[FLATMEM_UFFD]		  = "userfaultfd",
	[FLATMEM_UNWRITABLE]	  = "unwritable",
};

const char *flatmem_name(enum flatmem_kind kind)
{
	return names[kind];
}

uint64_t read_number(const char *path, const char *name)
{
	char line[256];
	uint64_t number = 0;
	size_t length = strlen(name);
	FILE *file = fopen(path, "r");

	if (!file)
		die("opening %s", path);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, length))
			continue;
		number = strtoull(line + length + (length != 0), NULL, 0);
		break;
	}
	fclose(file);

	return number;
}

uint64_t read_meminfo(const char *name)
{
	return read_number("/proc/meminfo", name);
}

static void reserve_huge_pages(uint64_t size)
{
	const char *path = "/proc/sys/vm/nr_hugepages";
	uint64_t missing, all;
	FILE *file;

	missing = size / BLOCK_BYTES;
	if (read_meminfo("HugePages_Free") - read_meminfo("HugePages_Rsvd") >=
	    missing)
		return;

	all = read_meminfo("HugePages_Total") + missing;
	file = fopen(path, "w");
	if (!file || fprintf(file, "%llu", (unsigned long long)all) < 0 ||
	    fclose(file))
		die("writing %s", path);
	if (read_meminfo("HugePages_Total") < all)
		die("getting %llu huge pages", (unsigned long long)missing);
}

/*
 * A file system that is not shmem, wherever the test runs: the kernel's ramfs,
 * mounted where only this process sees it.
 */
static int open_ordinary_file(void)
{
	static bool mounted;
	char path[] = FILE_DIR "/memory-XXXXXX";
	int file;

	if (!mounted) {
		if (mkdir(FILE_DIR, 0700) && errno != EEXIST)
			die("making %s", FILE_DIR);
		if (unshare(CLONE_NEWNS) ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", FILE_DIR, "ramfs", 0, NULL))
			die("mounting ramfs");
		mounted = true;
	}
	file = mkstemp(path);
	if (file >= 0)
		unlink(path);

	return file;
}

static void open_file(struct flatmem *memory)
{
	switch (memory->kind) {
	case FLATMEM_MEMFD:
	case FLATMEM_MEMFD_PRIVATE:
	case FLATMEM_SEALED:
		memory->file = memfd_create("guest", MFD_ALLOW_SEALING);
		break;
	case FLATMEM_HUGETLB:
	case FLATMEM_HUGETLB_PRIVATE:
		reserve_huge_pages(memory->size);
		memory->file = memfd_create("guest", MFD_HUGETLB);
		break;
	case FLATMEM_FILE:
	case FLATMEM_FILE_PRIVATE:
		memory->file = open_ordinary_file();
		break;
	default:
		memory->file = -1;
		return;
	}
	if (memory->file < 0 || ftruncate(memory->file, memory->size))
		die("making a %s file", names[memory->kind]);
}

static bool is_private(const struct flatmem *memory)
{
	return memory->file < 0 || memory->kind == FLATMEM_MEMFD_PRIVATE ||
	       memory->kind == FLATMEM_HUGETLB_PRIVATE ||
	       memory->kind == FLATMEM_FILE_PRIVATE;
}

static void map(struct flatmem *memory)
{
	int flags = MAP_FIXED | (is_private(memory) ? MAP_PRIVATE : MAP_SHARED) |
		    (memory->file < 0 ? MAP_ANONYMOUS : 0);
	uintptr_t start;
	char *room;

	/* Room to align in, and a hole on both sides. */
	room = mmap(NULL, memory->size + 3 * BLOCK_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		die("finding room for guest memory");
	start = ((uintptr_t)room + 2 * BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
	munmap(room, memory->size + 3 * BLOCK_BYTES);

	memory->memory = mmap((void *)start, memory->size,
			      PROT_READ | PROT_WRITE, flags, memory->file, 0);
	if (memory->memory == MAP_FAILED)
		die("mapping %s memory", names[memory->kind]);
	if (memory->file < 0)
		madvise(memory->memory, memory->size,
			memory->kind == FLATMEM_THP ? MADV_HUGEPAGE :
						      MADV_NOHUGEPAGE);
}

void flatmem_watch(struct flatmem *memory, uint64_t first, uint64_t pages,
		   uint64_t mode)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = {
			.start = (uintptr_t)memory->memory + first * PAGE,
			.len = pages * PAGE,
		},
		.mode = mode,
	};

	memory->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (memory->uffd < 0 || ioctl(memory->uffd, UFFDIO_API, &api) ||
	    ioctl(memory->uffd, UFFDIO_REGISTER, &range))
		die("registering with userfaultfd");
}

void flatmem_new(struct flatmem *memory, enum flatmem_kind kind,
		 uint64_t address, uint64_t size)
{
	memory->address = address;
	memory->size = size;
	memory->kind = kind;
	memory->uffd = -1;
	open_file(memory);
	map(memory);
	flatmem_fill(memory, 0, size / PAGE);

	if (kind == FLATMEM_LOCKED && mlock(memory->memory, size))
		die("locking guest memory");
	if (kind == FLATMEM_UFFD)
		flatmem_watch(memory, 0, size / PAGE,
			      UFFDIO_REGISTER_MODE_MISSING);
	if (kind == FLATMEM_UNWRITABLE &&
	    mprotect(memory->memory, size, PROT_READ))
		die("making guest memory read-only");
	if (kind == FLATMEM_SEALED &&
	    fcntl(memory->file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
		die("sealing guest memory");
}

void flatmem_free(struct flatmem *memory)
{
	munmap(memory->memory, memory->size);
	if (memory->file >= 0)
		close(memory->file);
	if (memory->uffd >= 0)
		close(memory->uffd);
}

/* Compresses, as most memory does: zswap keeps nothing else. */
static uint64_t pattern(const struct flatmem *memory, uint64_t word)
{
	return memory->address + word * sizeof(uint64_t) + 1;
}

void flatmem_fill(struct flatmem *memory, uint64_t first, uint64_t pages)
{
	uint64_t *words = (uint64_t *)memory->memory;
	uint64_t i;

	for (i = first * WORDS; i < (first + pages) * WORDS; i++)
		words[i] = pattern(memory, i);
}

uint64_t flatmem_damaged(const struct flatmem *memory, uint64_t first,
			 uint64_t pages)
{
	const uint64_t *words = (const uint64_t *)memory->memory;
	uint64_t i, damaged = 0;

	for (i = first * WORDS; i < (first + pages) * WORDS; i++)
		damaged += words[i] != pattern(memory, i);

	return damaged;
}

uint64_t flatmem_nonzero(const struct flatmem *memory, uint64_t first,
			 uint64_t pages)
{
	const uint64_t *words = (const uint64_t *)memory->memory;
	uint64_t i, nonzero = 0;

	for (i = first * WORDS; i < (first + pages) * WORDS; i++)
		nonzero += words[i] != 0;

	return nonzero;
}

uint64_t flatmem_present(const struct flatmem *memory, uint64_t first,
			 uint64_t pages)
{
	const uint64_t present_or_swapped = 3ULL << 62;
	uint64_t start = (uintptr_t)memory->memory / PAGE + first;
	uint64_t entry, i, present = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY);

	if (pagemap < 0)
		die("opening pagemap");
	for (i = start; i < start + pages; i++) {
		if (pread(pagemap, &entry, sizeof(entry), i * sizeof(entry)) !=
		    sizeof(entry))
			die("reading pagemap");
		present += (entry & present_or_swapped) != 0;
	}
	close(pagemap);

	return present;
}

uint64_t flatmem_used(const struct flatmem *memory)
{
	struct stat status;

	if (is_private(memory))
		return flatmem_present(memory, 0, memory->size / PAGE);
	if (fstat(memory->file, &status))
		die("asking for the size of guest memory");

	return status.st_blocks * 512ULL / PAGE;
}
