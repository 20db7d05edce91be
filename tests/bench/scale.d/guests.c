// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: scale_guests NUMBER | sizes
 *
 * NUMBER guests, a process each. Writes what a call costs the first of them,
 * "WHAT INSTRUCTIONS", and "ready"; then all report twice a second, until a line
 * comes from stdin.
 *
 * "sizes": one guest. Writes "MIB INSTRUCTIONS" for RELEASE of so much memory in
 * huge pages: instructions for 2 MiB of it.
 */
#include "pair.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS		101
#define RELEASES	5
#define BLOCKS_MAX	512
#define REPORT_MS	500

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static int64_t median(int64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);

	return values[count / 2];
}

static int64_t ping(struct pair *pair)
{
	return pair_call(pair, BELLOWS_HC_PING, 0, 0, 0) > 0 ? 0 : -1;
}

/* Of memory that nobody ever touched. */
static int64_t release_nothing(struct pair *pair)
{
	int64_t answer = pair_release_one(pair, REST_ADDRESS,
					  BELLOWS_BLOCK_PAGES);

	return answer == (int64_t)bellows_release_result(1, 0) ? 0 : -1;
}

static void measure(struct pair *pair, const char *what,
		    int64_t (*call)(struct pair *pair))
{
	int64_t taken[CALLS];
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		taken[i] = -now_ns();
		if (call(pair))
			die("%s was refused", what);
		taken[i] += now_ns();
	}
	printf("%s %lld\n", what, (long long)median(taken, CALLS));
}

static void registered(struct pair *pair)
{
	pair_open(pair, 1);
	if (pair_hello(pair) < 0)
		die("HELLO was refused");
}

/* Reports until @stop can be read or its other end is closed. */
static void report(struct pair *pair, int stop)
{
	struct pollfd end = { .fd = stop, .events = POLLIN };

	while (poll(&end, 1, REPORT_MS) == 0) {
		pair_begin_write(pair);
		pair_end_write(pair);
	}
}

/* A guest in a process of its own, which ends when nobody holds @hold[1] any more. */
static void start_guest(const int *hold, const int *told)
{
	struct pair pair;
	pid_t child;

	child = fork();
	if (child < 0)
		die("starting a process");
	if (child)
		return;
	close(hold[1]);
	registered(&pair);
	if (write(told[1], "", 1) != 1)
		die("telling that it is there");
	report(&pair, hold[0]);
	flatvm_free(pair.vm);
	_exit(0);
}

static void many(unsigned int number)
{
	struct pair pair;
	int hold[2], told[2];
	unsigned int i;
	char byte;

	if (pipe(hold) || pipe(told))
		die("making pipes");
	for (i = 1; i < number; i++)
		start_guest(hold, told);
	for (i = 1; i < number; i++)
		if (read(told[0], &byte, 1) != 1)
			die("waiting for the guests");
	registered(&pair);
	measure(&pair, "empty hypercall", ping);
	measure(&pair, "RELEASE of an empty block", release_nothing);
	puts("ready");
	fflush(stdout);

	report(&pair, STDIN_FILENO);
	close(hold[1]);
	while (wait(NULL) > 0)
		;
	flatvm_free(pair.vm);
}

/* Gives @blocks of @ram, which the guest has used. The instructions for each. */
static int64_t release_blocks(struct pair *pair, struct flatmem *ram,
			      unsigned int blocks)
{
	uint64_t pfn = ram->address >> BELLOWS_PAGE_SHIFT;
	int64_t taken[RELEASES], answer;
	unsigned int run, i;

	for (run = 0; run < RELEASES; run++) {
		for (i = 0; i < blocks; i++) {
			flatvm_write(pair->vm, ram->address + i * BLOCK_BYTES,
				     1);
			pair->batch->range[i] = bellows_range(
				pfn + i * BELLOWS_BLOCK_PAGES,
				BELLOWS_BLOCK_PAGES);
		}
		taken[run] = -now_ns();
		answer = pair_release(pair, blocks);
		taken[run] += now_ns();
		if (answer != (int64_t)bellows_release_result(blocks, 0))
			die("RELEASE of %u blocks was refused", blocks);
	}

	return median(taken, RELEASES) / blocks;
}

static void sizes(void)
{
	struct flatmem ram;
	struct pair pair;
	unsigned int blocks;

	registered(&pair);
	flatmem_new(&ram, FLATMEM_THP, RAM_ADDRESS, BLOCKS_MAX * BLOCK_BYTES);
	flatvm_set_slot(pair.vm, RAM_SLOT, ram.address, ram.size, ram.memory,
			false);
	for (blocks = 1; blocks <= BLOCKS_MAX; blocks *= 8)
		printf("%llu %lld\n",
		       (unsigned long long)(blocks * BLOCK_BYTES >> 20),
		       (long long)release_blocks(&pair, &ram, blocks));
	flatvm_free(pair.vm);
	flatmem_free(&ram);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "sizes"))
		sizes();
	else if (argc == 2 && atoi(argv[1]) > 0)
		many(atoi(argv[1]));
	else
		die("usage: scale_guests NUMBER | sizes");

	return 0;
}
