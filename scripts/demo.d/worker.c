// SPDX-License-Identifier: GPL-2.0
/*
 * What runs in the demo's guests: uses memory, and notices when it is damaged.
 *
 *	worker memory MIB MIB_PER_SECOND PAUSE_MS
 *		Takes memory at that rate, and checks and rewrites all of it round
 *		after round, with a pause after each, until SIGTERM.
 *	worker file FILE
 *		Reads a file that "worker write" wrote, keeps it open until SIGTERM,
 *		reads it once more, and checks it both times.
 *	worker write FILE MIB
 *
 * Memory and file are made of pages that each say which page they are and of
 * which round, so a page that is stale, moved, or empty is noticed. A line
 * is written after each round or reading, and at the end:
 *
 *	pages N errors N
 *
 * The exit code is 1 when there were errors, 2 when it could not work at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES	4096
#define PAGE_WORDS	(PAGE_BYTES / sizeof(uint64_t))
#define MIB_PAGES	256
/* Pages that are read from or written to a file at a time. */
#define CHUNK_PAGES	256

static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "worker: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Multiplied, so that the words of different pages and rounds have no bit in common by design. */
static uint64_t page_tag(uint64_t page, uint64_t round)
{
	return (page << 16 | (round & 0xffff)) * 0x9e3779b97f4a7c15ULL + 1;
}

static void page_write(uint64_t *words, uint64_t page, uint64_t round)
{
	uint64_t tag = page_tag(page, round);
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		words[i] = tag + i;
}

static bool page_good(const uint64_t *words, uint64_t page, uint64_t round)
{
	uint64_t tag = page_tag(page, round), wrong = 0;
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		wrong |= words[i] ^ (tag + i);

	return !wrong;
}

static int result(uint64_t pages, uint64_t errors)
{
	printf("pages %" PRIu64 " errors %" PRIu64 "\n", pages, errors);
	fflush(stdout);
	return errors ? 1 : 0;
}

/* A signal ends the sleep. */
static void sleep_ms(unsigned long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void fill(uint64_t *memory, uint64_t pages, unsigned long rate_mib)
{
	uint64_t page;

	for (page = 0; page < pages; page++) {
		page_write(memory + page * PAGE_WORDS, page, 0);
		/* Ten steps a second. */
		if (rate_mib && page % (rate_mib * MIB_PAGES / 10 + 1) == 0)
			sleep_ms(100);
	}
}

static uint64_t check(const uint64_t *memory, uint64_t pages, uint64_t round)
{
	uint64_t page, errors = 0;

	for (page = 0; page < pages; page++)
		errors += !page_good(memory + page * PAGE_WORDS, page, round);

	return errors;
}

static int use_memory(unsigned long mib, unsigned long rate_mib, unsigned long pause_ms)
{
	uint64_t pages = (uint64_t)mib * MIB_PAGES, errors = 0, round, page;
	uint64_t *memory = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	signal(SIGTERM, end);

	fill(memory, pages, rate_mib);
	for (round = 0; !ending; round++) {
		result(pages, errors);
		sleep_ms(pause_ms);
		for (page = 0; page < pages; page++) {
			uint64_t *words = memory + page * PAGE_WORDS;

			errors += !page_good(words, page, round);
			page_write(words, page, round + 1);
		}
	}
	errors += check(memory, pages, round);

	return result(pages, errors);
}

static uint64_t read_once(int fd, uint64_t *errors)
{
	static uint64_t words[CHUNK_PAGES * PAGE_WORDS];
	uint64_t pages = 0;
	ssize_t bytes, i;

	if (lseek(fd, 0, SEEK_SET))
		fail("seek");
	while ((bytes = read(fd, words, sizeof(words))) > 0)
		for (i = 0; i < bytes / PAGE_BYTES; i++)
			*errors += !page_good(words + i * PAGE_WORDS, pages++, 0);
	if (bytes < 0)
		fail("read");

	return pages;
}

/* The file stays open: a disk's page cache goes when the last user closes it. */
static int use_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	uint64_t pages, errors = 0;

	if (fd < 0)
		fail(path);
	signal(SIGTERM, end);

	pages = read_once(fd, &errors);
	result(pages, errors);
	while (!ending)
		sleep_ms(100);
	pages += read_once(fd, &errors);

	return result(pages, errors);
}

static int write_file(const char *path, unsigned long mib)
{
	uint64_t *words = malloc(PAGE_BYTES);
	uint64_t pages = (uint64_t)mib * MIB_PAGES, page;
	FILE *file = fopen(path, "w");

	if (!words || !file)
		fail(path);
	for (page = 0; page < pages; page++) {
		page_write(words, page, 0);
		if (fwrite(words, PAGE_BYTES, 1, file) != 1)
			fail(path);
	}
	if (fclose(file))
		fail(path);

	return result(pages, 0);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "memory"))
		return use_memory(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10),
				  strtoul(argv[4], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "file"))
		return use_file(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "write"))
		return write_file(argv[2], strtoul(argv[3], NULL, 10));

	fprintf(stderr, "usage: worker memory MIB MIB_PER_SECOND PAUSE_MS | file FILE | write FILE MIB\n");
	return 2;
}
