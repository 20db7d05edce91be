// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in a guest whose use is known, page by page.
 *
 *	regions [-n MIB] [-d DIR] [-u MS] [-s] [-i | -l] [-t SECONDS] [REGION[:MIB]...]
 *
 *	-n MIB		size of each region; default 16
 *	-d DIR		where the files are; not on tmpfs
 *	-u MS		time between two uses of what is hot; default 20
 *	-s		small pages: no transparent huge pages
 *	-i		interleaved: a page of each region in turn
 *	-l		large folios, where the file system has them, for what is used
 *			by read(), and small ones, of all others, in between
 *	-t SECONDS	end after that; default: at SIGTERM
 *
 * A region is hot or cold, and one of anon, clean and dirty (files that are mapped)
 * or read (a clean file that is used by read() alone): "hot-anon", "cold-read".
 * By default all eight. Beside them there is "part-anon", of which one page in 2 MiB
 * is hot: with huge pages, one in each of them.
 *
 * At SIGUSR2 all that is cold is used once too; then it writes "used".
 *
 * At SIGUSR1, and before the end, writes to stdout a line for each region:
 *
 *	REGION pages=N present=N known=N right=N class=N/N/N/N bad=N
 *
 * right: pages that are in the class that they should be in, by what the guest's
 * module says in debugfs; class: pages in each; bad: pages with the wrong content.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096UL
#define MIB_PAGES	(1024 * 1024 / PAGE)
#define HUGE_PAGES	(2 * MIB_PAGES)
#define REGIONS_MAX	16
/* Pages that are read ahead together, by default. */
#define TURN		32
#define PAGES		"/sys/kernel/debug/bellows_guest/pages"

enum kind { ANON, CLEAN, DIRTY, READ };

struct region {
	const char *name;
	enum kind kind;
	bool hot;
	/* From one page that is hot to the next. */
	size_t step;
	char *memory;
	int file;
	size_t pages;
	uint64_t number;
};

static struct region regions[REGIONS_MAX];
static unsigned int nr_regions;
static volatile sig_atomic_t report_wanted, use_wanted, end_wanted;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		report_wanted = 1;
	else if (number == SIGUSR2)
		use_wanted = 1;
	else
		end_wanted = 1;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "regions: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t word(const struct region *region, size_t page, size_t at)
{
	return (region->number << 40 | page << 12 | at) * 0x9e3779b97f4a7c15ULL;
}

static void fill_words(const struct region *region, size_t page, uint64_t *words)
{
	size_t i;

	for (i = 0; i < PAGE / 8; i++)
		words[i] = word(region, page, i);
}

static void fill(const struct region *region, size_t page)
{
	fill_words(region, page, (uint64_t *)(region->memory + page * PAGE));
}

/* By write(), which gives a page of a file a small folio. */
static void fill_by_write(const struct region *region, size_t page)
{
	uint64_t words[PAGE / 8];

	fill_words(region, page, words);
	if (pwrite(region->file, words, PAGE, page * PAGE) != PAGE)
		fail("writing a file");
}

/* Where huge pages may begin. */
static char *map_anon(size_t pages)
{
	size_t huge = HUGE_PAGES * PAGE;
	char *memory = mmap(NULL, pages * PAGE + huge, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return memory;

	return (char *)(((uintptr_t)memory + huge - 1) / huge * huge);
}

static void make(struct region *region, const char *dir, size_t mib, bool small)
{
	char path[256];

	if (!region->pages)
		region->pages = mib * MIB_PAGES;
	region->number = region - regions + 1;
	if (region->kind == ANON) {
		region->memory = map_anon(region->pages);
		if (small && region->memory != MAP_FAILED)
			madvise(region->memory, region->pages * PAGE,
				MADV_NOHUGEPAGE);
	} else {
		snprintf(path, sizeof(path), "%s/%s", dir, region->name);
		region->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (region->file < 0 ||
		    ftruncate(region->file, region->pages * PAGE))
			fail(path);
		region->memory = mmap(NULL, region->pages * PAGE,
				      PROT_READ | PROT_WRITE, MAP_SHARED,
				      region->file, 0);
	}
	if (region->memory == MAP_FAILED)
		fail(region->name);
}

static void write_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_regions; i++)
		if (regions[i].kind == CLEAN || regions[i].kind == READ)
			if (msync(regions[i].memory, regions[i].pages * PAGE,
				  MS_SYNC))
				fail("writing a file");
}

/* On the disk, and not in memory. */
static void put_away(const struct region *region)
{
	size_t page;

	for (page = 0; page < region->pages; page++)
		fill_by_write(region, page);
	if (fsync(region->file) ||
	    posix_fadvise(region->file, 0, 0, POSIX_FADV_DONTNEED))
		fail("dropping a file");
}

/* Reads [@from, @to), in pieces that are read ahead together. */
static void read_to(struct region *region, size_t from, size_t to)
{
	static char buffer[TURN * PAGE];
	size_t page;

	for (page = (from + TURN - 1) / TURN * TURN; page < to; page += TURN)
		if (pread(region->file, buffer, sizeof(buffer), page * PAGE) < 0)
			fail("reading a file");
}

/* Fills, or reads, the pages [@from, @to) of a region. */
static void fill_range(struct region *region, size_t from, size_t to)
{
	size_t page;

	if (region->kind == READ) {
		read_to(region, from, to);
		return;
	}
	for (page = from; page < to; page++)
		if (region->kind == ANON)
			fill(region, page);
		else
			fill_by_write(region, page);
}

/* The same share of each region in each step, so that they lie among each other. */
static void fill_large(void)
{
	size_t step, most = 0;
	unsigned int i;

	for (i = 0; i < nr_regions; i++) {
		if (regions[i].kind == READ)
			put_away(&regions[i]);
		if (regions[i].pages > most)
			most = regions[i].pages;
	}
	for (step = 0; step < most; step++)
		for (i = 0; i < nr_regions; i++)
			fill_range(&regions[i], regions[i].pages * step / most,
				   regions[i].pages * (step + 1) / most);
	write_all();
}

static void fill_all(bool interleaved)
{
	size_t page, most = 0;
	unsigned int i;

	for (i = 0; i < nr_regions; i++) {
		if (regions[i].pages > most)
			most = regions[i].pages;
		for (page = 0; !interleaved && page < regions[i].pages; page++)
			fill(&regions[i], page);
	}
	for (page = 0; interleaved && page < most; page++)
		for (i = 0; i < nr_regions; i++)
			if (page < regions[i].pages)
				fill(&regions[i], page);
	write_all();
}

static void use(struct region *region)
{
	static char buffer[64 * PAGE];
	volatile uint64_t *words;
	size_t page;

	if (region->kind == READ) {
		for (page = 0; page < region->pages; page += 64)
			if (pread(region->file, buffer, sizeof(buffer),
				  page * PAGE) < 0)
				fail("reading a file");
		return;
	}
	for (page = 0; page < region->pages; page += region->step) {
		words = (uint64_t *)(region->memory + page * PAGE);
		if (region->kind == DIRTY)
			words[0] = words[0];
		else
			(void)words[0];
	}
}

static void use_cold(void)
{
	unsigned int i;

	for (i = 0; i < nr_regions; i++)
		if (!regions[i].hot)
			use(&regions[i]);
	printf("used\n");
	fflush(stdout);
}

static uint64_t frame(int pagemap, const void *address)
{
	uint64_t entry = 0;

	pread(pagemap, &entry, 8, (uintptr_t)address / PAGE * 8);

	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

static void report_region(struct region *region, int pagemap, int pages)
{
	size_t page, present = 0, known = 0, right = 0, class[4] = {};
	unsigned int wanted;
	uint64_t pfn;
	uint8_t byte;

	wanted = region->hot << 1;
	wanted |= region->kind == ANON || region->kind == DIRTY;
	for (page = 0; page < region->pages; page++) {
		pfn = frame(pagemap, region->memory + page * PAGE);
		if (!pfn)
			continue;
		present++;
		byte = 0;
		if (pages < 0 || pread(pages, &byte, 1, pfn) != 1 ||
		    !(byte & 0x20))
			continue;
		known++;
		class[byte >> 6]++;
		right += byte >> 6 == wanted;
	}
	printf("%s pages=%zu present=%zu known=%zu right=%zu class=%zu/%zu/%zu/%zu",
	       region->name, region->pages, present, known, right, class[0],
	       class[1], class[2], class[3]);
}

static size_t verify(const struct region *region)
{
	uint64_t *words;
	size_t page, i, bad = 0;

	for (page = 0; page < region->pages; page++) {
		words = (uint64_t *)(region->memory + page * PAGE);
		for (i = 0; i < PAGE / 8; i++)
			if (words[i] != word(region, page, i))
				break;
		bad += i != PAGE / 8;
	}

	return bad;
}

/* What is known first of all: verifying is a use. */
static void report(bool check)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int pages = open(PAGES, O_RDONLY);
	unsigned int i;

	for (i = 0; i < nr_regions; i++) {
		report_region(&regions[i], pagemap, pages);
		if (check)
			printf(" bad=%zu", verify(&regions[i]));
		printf("\n");
	}
	printf("end\n");
	fflush(stdout);
	close(pagemap);
	if (pages >= 0)
		close(pages);
}

static void add(char *name)
{
	static const char * const kinds[] = { "anon", "clean", "dirty", "read" };
	struct region *region = &regions[nr_regions++];
	char *size = strchr(name, ':');
	size_t i;

	if (size) {
		*size++ = '\0';
		region->pages = strtoul(size, NULL, 0) * MIB_PAGES;
	}
	region->name = name;
	region->step = strncmp(name, "part-", 5) ? 1 : HUGE_PAGES;
	region->hot = !strncmp(name, "hot-", 4) || region->step > 1;
	for (i = 0; i < 4; i++) {
		if (strcmp(strchr(name, '-') + 1, kinds[i]))
			continue;
		region->kind = i;
		return;
	}
	fprintf(stderr, "regions: what is '%s'?\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static char all[][16] = {
		"hot-anon", "cold-anon", "hot-clean", "cold-clean",
		"hot-dirty", "cold-dirty", "hot-read", "cold-read",
	};
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int i, ms = 20, seconds = 0;
	const char *dir = "/tmp";
	size_t mib = 16;
	bool small = false, interleaved = false, large = false;
	time_t end;
	int option;

	while ((option = getopt(argc, argv, "n:d:u:silt:")) != -1) {
		switch (option) {
		case 'n':
			mib = strtoul(optarg, NULL, 0);
			break;
		case 'd':
			dir = optarg;
			break;
		case 'u':
			ms = strtoul(optarg, NULL, 0);
			break;
		case 's':
			small = true;
			break;
		case 'i':
			interleaved = true;
			break;
		case 'l':
			large = true;
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	for (i = optind; i < (unsigned int)argc && nr_regions < REGIONS_MAX; i++)
		add(argv[i]);
	for (i = 0; optind == argc && i < 8; i++)
		add(all[i]);

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (i = 0; i < nr_regions; i++)
		make(&regions[i], dir, mib, small);
	if (large)
		fill_large();
	else
		fill_all(interleaved);
	printf("ready\n");
	fflush(stdout);

	end = time(NULL) + seconds;
	while (!end_wanted && (!seconds || time(NULL) < end)) {
		for (i = 0; i < nr_regions; i++)
			if (regions[i].hot)
				use(&regions[i]);
		if (use_wanted) {
			use_wanted = 0;
			use_cold();
		}
		if (report_wanted) {
			report_wanted = 0;
			report(false);
		}
		usleep(ms * 1000);
	}
	report(true);

	return 0;
}
