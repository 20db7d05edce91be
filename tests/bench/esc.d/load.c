// SPDX-License-Identifier: GPL-2.0
/*
 * A workload in a guest whose hot and cold memory are known, and how fast it is.
 *
 *	load [-d DIR] [-p MS] [-i] AREA...
 *	load stat
 *
 *	-d DIR	where the files are; default /disk
 *	-p MS	pause after each pass; default 20
 *	-i	interleaved: filled side by side, so that they lie among each other
 *
 * AREA is KIND:MIB:USE. KIND: "anon", "noise" (anonymous memory that does not
 * compress), "gaps" (anonymous memory of which half is free, but no whole block),
 * "mmap" (a file that is mapped), "read" (a file that is read by read()), "hole"
 * (the same, of a file that has nothing on the disk), "sqlite" (a database, of which
 * rows are read), "compile" (a compiler, in compiler/ of DIR; a pass is one run, and
 * counts as a page). USE: "cold" (never after it was filled), "hot" (all of it in
 * each pass), "slow" (all of it every 3 s), "zipf" (4096 pages of it in each pass,
 * few of them often), "scan" (2 MiB in each pass, from the first to the last and
 * again).
 *
 * Writes "ready" when all is filled, and then at each SIGUSR1 what was done since
 * the last one: ns of work, pages used, ns of the longest pass. Ends at SIGTERM.
 *
 * "load stat" writes the guest's figures of the moment, in one line: CPU time of all
 * kernel threads in ns, file refaults, anonymous refaults, major faults, pages
 * swapped in, pages swapped out.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "compile.h"
#include "database.h"
#include "gaps.h"

#define PAGE		4096UL
#define MIB_PAGES	256UL
#define AREAS_MAX	8
#define ZIPF_USES	4096
#define SCAN_PAGES	512
#define SLOW_NS		3000000000ULL
#define PF_KTHREAD	0x200000UL

struct area {
	const char *kind, *use;
	char *memory;
	int file;
	struct database *database;
	char *compiler;
	size_t pages, at;
	uint64_t used_ns;
	double *sum;
	uint32_t *place;
};

static struct area areas[AREAS_MAX];
static unsigned int nr_areas;
static volatile sig_atomic_t report_wanted, end_wanted;
static uint64_t seed = 88172645463325252ULL;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		report_wanted = 1;
	else
		end_wanted = 1;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;

	return seed;
}

static void fill_page(const struct area *area, size_t page, uint64_t *words)
{
	size_t i;

	for (i = 0; i < PAGE / 8; i++)
		words[i] = !strcmp(area->kind, "noise") ? next_random() :
							  page * 8 + i % 8;
}

/* Chances of 1/1, 1/2, 1/3, ... for pages that lie anywhere. */
static void make_zipf(struct area *area)
{
	size_t i, j;
	uint32_t swap;

	area->sum = calloc(area->pages, sizeof(*area->sum));
	area->place = calloc(area->pages, sizeof(*area->place));
	if (!area->sum || !area->place)
		fail("memory");
	for (i = 0; i < area->pages; i++) {
		area->sum[i] = (i ? area->sum[i - 1] : 0) + 1.0 / (i + 1);
		area->place[i] = i;
	}
	for (i = area->pages - 1; i > 0; i--) {
		j = next_random() % (i + 1);
		swap = area->place[i];
		area->place[i] = area->place[j];
		area->place[j] = swap;
	}
}

static size_t pick_zipf(const struct area *area)
{
	double wanted = (next_random() >> 11) / 9007199254740992.0 *
			area->sum[area->pages - 1];
	size_t low = 0, high = area->pages - 1, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (area->sum[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}

	return area->place[low];
}

static void open_file(struct area *area, const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/load-%zu", dir, area - areas);
	area->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (area->file < 0)
		fail(path);
	if (strcmp(area->kind, "hole"))
		return;
	if (ftruncate(area->file, area->pages * PAGE))
		fail(path);
	/* A page at a time is what is to be read. */
	posix_fadvise(area->file, 0, 0, POSIX_FADV_RANDOM);
}

static void finish_file(struct area *area)
{
	if (fsync(area->file))
		fail("fsync");
	if (!strcmp(area->kind, "mmap"))
		area->memory = mmap(NULL, area->pages * PAGE, PROT_READ,
				    MAP_SHARED, area->file, 0);
	if (area->memory == MAP_FAILED)
		fail("mmap");
	/* Read from the start to the end is not what each use shall be. */
	posix_fadvise(area->file, 0, 0, POSIX_FADV_RANDOM);
	if (area->memory)
		madvise(area->memory, area->pages * PAGE, MADV_RANDOM);
}

static void use_page(const struct area *area, size_t page)
{
	char word[8];

	if (area->compiler)
		compile(area->compiler);
	else if (area->database)
		database_read(area->database, page);
	else if (area->memory)
		*(volatile char *)(area->memory + page * PAGE);
	else if (pread(area->file, word, 8, page * PAGE) != 8)
		fail("reading");
}

static bool has_file(const struct area *area)
{
	return !strcmp(area->kind, "read") || !strcmp(area->kind, "mmap") ||
	       !strcmp(area->kind, "hole");
}

static void make(struct area *area, const char *dir)
{
	char path[256];

	if (!strcmp(area->use, "zipf"))
		make_zipf(area);
	if (has_file(area)) {
		open_file(area, dir);
		return;
	}
	if (!strcmp(area->kind, "sqlite")) {
		snprintf(path, sizeof(path), "%s/database", dir);
		area->database = database_make(path, area->pages);
		return;
	}
	if (!strcmp(area->kind, "compile")) {
		if (asprintf(&area->compiler, "%s/compiler", dir) < 0)
			fail("memory");
		area->pages = 1;
		return;
	}
	area->memory = mmap(NULL, area->pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area->memory == MAP_FAILED)
		fail("memory");
}

static void fill(const struct area *area, size_t page)
{
	uint64_t words[PAGE / 8];

	if (area->database)
		return;
	if (area->compiler || !strcmp(area->kind, "hole")) {
		use_page(area, page);
		return;
	}
	if (!has_file(area)) {
		fill_page(area, page,
			  (uint64_t *)(area->memory + page * PAGE));
		return;
	}
	fill_page(area, page, words);
	if (write(area->file, words, PAGE) != PAGE)
		fail("writing");
}

/* Areas [@first, @behind), a like share of each in every step. */
static void fill_areas(unsigned int first, unsigned int behind)
{
	size_t step, page, most = 0;
	unsigned int i;

	for (i = first; i < behind; i++)
		if (areas[i].pages > most)
			most = areas[i].pages;
	for (step = 0; step < most; step++)
		for (i = first; i < behind; i++)
			for (page = areas[i].pages * step / most;
			     page < areas[i].pages * (step + 1) / most; page++)
				fill(&areas[i], page);
	for (i = first; i < behind; i++) {
		if (has_file(&areas[i]))
			finish_file(&areas[i]);
		if (!strcmp(areas[i].kind, "gaps") &&
		    gaps_make(areas[i].memory, areas[i].pages))
			fail("gaps");
	}
}

/* Returns the pages used. */
static uint64_t use(struct area *area)
{
	uint64_t now = now_ns();
	size_t i;

	if (!strcmp(area->use, "cold"))
		return 0;
	if (!strcmp(area->use, "zipf")) {
		for (i = 0; i < ZIPF_USES; i++)
			use_page(area, pick_zipf(area));
		return ZIPF_USES;
	}
	if (!strcmp(area->use, "scan")) {
		for (i = 0; i < SCAN_PAGES; i++, area->at++)
			use_page(area, area->at % area->pages);
		return SCAN_PAGES;
	}
	if (!strcmp(area->use, "slow") && now - area->used_ns < SLOW_NS)
		return 0;
	area->used_ns = now;
	for (i = 0; i < area->pages; i++)
		use_page(area, i);

	return area->pages;
}

static void work(unsigned int pause_ms)
{
	uint64_t ns = 0, pages = 0, longest = 0, started, took;
	unsigned int i;

	while (!end_wanted) {
		started = now_ns();
		for (i = 0; i < nr_areas; i++)
			pages += use(&areas[i]);
		took = now_ns() - started;
		ns += took;
		if (took > longest)
			longest = took;
		if (report_wanted) {
			report_wanted = 0;
			printf("%llu %llu %llu\n", (unsigned long long)ns,
			       (unsigned long long)pages,
			       (unsigned long long)longest);
			fflush(stdout);
			ns = 0;
			pages = 0;
			longest = 0;
		}
		usleep(pause_ms * 1000);
	}
}

/* CPU time of a thread if it is one of the kernel's. */
static uint64_t kernel_thread_ns(const char *pid)
{
	unsigned long long ns = 0;
	unsigned long flags = 0;
	char path[300], line[512] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	fgets(line, sizeof(line), file);
	fclose(file);
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1 ||
	    !(flags & PF_KTHREAD))
		return 0;

	snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	fclose(file);

	return ns;
}

static void print_stat(void)
{
	static const char * const names[] = {
		"workingset_refault_file", "workingset_refault_anon",
		"pgmajfault", "pswpin", "pswpout",
	};
	unsigned long long values[5] = {}, value, ns = 0;
	struct dirent *entry;
	char name[64];
	FILE *file;
	DIR *dir;
	int i;

	dir = opendir("/proc");
	for (entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			ns += kernel_thread_ns(entry->d_name);
	if (dir)
		closedir(dir);
	file = fopen("/proc/vmstat", "r");
	while (file && fscanf(file, "%63s %llu", name, &value) == 2)
		for (i = 0; i < 5; i++)
			if (!strcmp(name, names[i]))
				values[i] = value;
	printf("%llu", ns);
	for (i = 0; i < 5; i++)
		printf(" %llu", values[i]);
	printf("\n");
}

static void add(char *text)
{
	struct area *area = &areas[nr_areas++];
	char *mib;

	area->kind = strtok(text, ":");
	mib = strtok(NULL, ":");
	area->use = strtok(NULL, ":");
	if (!area->use) {
		fprintf(stderr, "load: KIND:MIB:USE\n");
		exit(2);
	}
	area->pages = strtoul(mib, NULL, 0) * MIB_PAGES;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	const char *dir = "/disk";
	unsigned int i, pause_ms = 20;
	bool interleaved = false;
	int option;

	if (argc == 2 && !strcmp(argv[1], "stat")) {
		print_stat();
		return 0;
	}
	while ((option = getopt(argc, argv, "d:p:i")) != -1) {
		switch (option) {
		case 'd':
			dir = optarg;
			break;
		case 'p':
			pause_ms = strtoul(optarg, NULL, 0);
			break;
		case 'i':
			interleaved = true;
			break;
		default:
			return 2;
		}
	}
	for (; optind < argc && nr_areas < AREAS_MAX; optind++)
		add(argv[optind]);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (i = 0; i < nr_areas; i++) {
		make(&areas[i], dir);
		if (!interleaved)
			fill_areas(i, i + 1);
	}
	if (interleaved)
		fill_areas(0, nr_areas);
	printf("ready\n");
	fflush(stdout);
	work(pause_ms);

	return 0;
}
