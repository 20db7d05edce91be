// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps memory in a guest, and tells whether somebody damaged it.
 *
 *	memkeeper [-a MIB] [-f MIB] [-F FILE] [-m MODE] [-t SECONDS] [-s SEED]
 *		  [-r REPORT] [-g MIB]
 *
 *	-a MIB		anonymous memory
 *	-f MIB		file cache, of a file that it makes
 *	-F FILE		where; default /tmp/memkeeper.PID. Not on tmpfs, if the
 *			kernel is to be able to drop it.
 *	-m MODE		idle	fill, then only wait
 *			verify	read all, over and over (default)
 *			busy	read and write anew, over and over
 *			grow	add -g MIB of anonymous memory each second, and
 *				verify
 *	-t SECONDS	end after that; 0, the default: at SIGTERM
 *	-s SEED		of the pattern
 *	-r REPORT	file with the last report
 *	-g MIB		for grow; default 16
 *
 * Every word of every page is a function of seed, page and place, so that a page
 * that is zeroed, old or somebody else's is seen. At SIGUSR1, and at the end, all
 * is verified and a line is written to REPORT (or stdout):
 *
 *	state=ok pages=N bad=N checksum=X passes=N mib=N
 *
 * Exit code: 0 when no page was ever bad.
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
#define WORDS		(PAGE / sizeof(uint64_t))
#define MIB_PAGES	(1024 * 1024 / PAGE)
#define REGIONS_MAX	4096
#define BAD_LINES_MAX	20

enum mode { IDLE, VERIFY, BUSY, GROW };

/* Memory that was filled at one time. Generations tell writings apart. */
struct region {
	uint64_t *words;
	size_t pages;
	uint64_t first;		/* number of its first page among all */
	uint64_t generation;
};

static struct region regions[REGIONS_MAX];
static size_t nr_regions;
static uint64_t nr_pages, nr_bad, nr_passes, seed = 1;
static const char *report_path;

static volatile sig_atomic_t report_wanted, end_wanted;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		report_wanted = 1;
	else
		end_wanted = 1;
}

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "memkeeper: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 31) * 0x7fb5d329728ea185ULL;
	value = (value ^ value >> 27) * 0x81dadef4bc2dd44dULL;

	return value ^ value >> 33;
}

static uint64_t page_key(const struct region *region, size_t page)
{
	return mix(seed ^ (region->first + page) << 20 ^ region->generation);
}

static void fill_page(struct region *region, size_t page)
{
	uint64_t *words = region->words + page * WORDS;
	uint64_t key = page_key(region, page);
	size_t i;

	for (i = 0; i < WORDS; i++)
		words[i] = key + i * 0x9e3779b97f4a7c15ULL;
}

/* Adds what it reads to the checksum, so that two runs can be compared. */
static bool page_is_good(const struct region *region, size_t page,
			 uint64_t *checksum)
{
	const uint64_t *words = region->words + page * WORDS;
	uint64_t key = page_key(region, page), sum = 0;
	bool good = true;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		good &= words[i] == key + i * 0x9e3779b97f4a7c15ULL;
		sum += words[i] ^ i;
	}
	*checksum += mix(sum + region->first + page);

	return good;
}

static void fill(struct region *region)
{
	size_t page;

	for (page = 0; page < region->pages; page++)
		fill_page(region, page);
}

static uint64_t verify(bool rewrite)
{
	uint64_t checksum = 0;
	struct region *region;
	size_t page;

	for (region = regions; region < regions + nr_regions; region++) {
		for (page = 0; page < region->pages; page++) {
			if (page_is_good(region, page, &checksum))
				continue;
			if (nr_bad++ < BAD_LINES_MAX)
				fprintf(stderr,
					"memkeeper: page %llu at %p is bad: %#llx\n",
					(unsigned long long)(region->first + page),
					(void *)(region->words + page * WORDS),
					(unsigned long long)region->words[page * WORDS]);
			/* Counted once. */
			fill_page(region, page);
		}
		if (rewrite) {
			region->generation++;
			fill(region);
		}
	}
	nr_passes++;

	return checksum;
}

static void add_region(void *memory, size_t pages)
{
	struct region *region = &regions[nr_regions];

	if (memory == MAP_FAILED)
		fail("mapping memory");
	if (nr_regions == REGIONS_MAX)
		fail("too many regions");
	region->words = memory;
	region->pages = pages;
	region->first = nr_pages;
	fill(region);
	nr_regions++;
	nr_pages += pages;
}

static void add_anon(size_t mib)
{
	if (mib)
		add_region(mmap(NULL, mib * MIB_PAGES * PAGE,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			   mib * MIB_PAGES);
}

/* Written through to the disk, so that its pages are clean cache. */
static void add_file(const char *path, size_t mib)
{
	size_t size = mib * MIB_PAGES * PAGE;
	void *memory;
	int file;

	if (!mib)
		return;
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file < 0 || ftruncate(file, size))
		fail(path);
	unlink(path);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	add_region(memory, mib * MIB_PAGES);
	if (msync(memory, size, MS_SYNC))
		fail("writing the file");
	close(file);
}

static void report(void)
{
	uint64_t checksum = verify(false);
	FILE *file = stdout;
	char path[512];

	/* Whoever reads it finds a whole line: made beside, then renamed. */
	if (report_path) {
		snprintf(path, sizeof(path), "%s.new", report_path);
		file = fopen(path, "w");
		if (!file)
			fail(path);
	}
	fprintf(file,
		"state=%s pages=%llu bad=%llu checksum=%016llx passes=%llu mib=%llu\n",
		nr_bad ? "bad" : "ok", (unsigned long long)nr_pages,
		(unsigned long long)nr_bad, (unsigned long long)checksum,
		(unsigned long long)nr_passes,
		(unsigned long long)(nr_pages / MIB_PAGES));
	if (!report_path)
		fflush(file);
	else if (fclose(file) || rename(path, report_path))
		fail(report_path);
}

static void keep(enum mode mode, size_t grow_mib, unsigned int seconds)
{
	time_t end = seconds ? time(NULL) + seconds : 0;

	while (!end_wanted && (!end || time(NULL) < end)) {
		switch (mode) {
		case IDLE:
			usleep(100000);
			break;
		case VERIFY:
			verify(false);
			/* Leaves others some of the CPU. */
			usleep(1000);
			break;
		case BUSY:
			verify(true);
			break;
		case GROW:
			add_anon(grow_mib);
			verify(false);
			sleep(1);
			break;
		}
		if (report_wanted) {
			report_wanted = 0;
			report();
		}
	}
}

static enum mode parse_mode(const char *name)
{
	static const char * const names[] = { "idle", "verify", "busy", "grow" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return i;
	fprintf(stderr, "memkeeper: unknown mode '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	size_t anon_mib = 0, file_mib = 0, grow_mib = 16;
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int seconds = 0;
	enum mode mode = VERIFY;
	const char *path = NULL;
	char buffer[64];
	int option;

	while ((option = getopt(argc, argv, "a:f:F:m:t:s:r:g:")) != -1) {
		switch (option) {
		case 'a':
			anon_mib = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			file_mib = strtoul(optarg, NULL, 0);
			break;
		case 'F':
			path = optarg;
			break;
		case 'm':
			mode = parse_mode(optarg);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			report_path = optarg;
			break;
		case 'g':
			grow_mib = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (!path) {
		snprintf(buffer, sizeof(buffer), "/tmp/memkeeper.%d", getpid());
		path = buffer;
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	add_anon(anon_mib);
	add_file(path, file_mib);
	report();
	keep(mode, grow_mib, seconds);
	report();

	return nr_bad != 0;
}
