// SPDX-License-Identifier: GPL-2.0
/*
 * Works without a break, and says how much it got done in each 10 ms.
 *
 *	work loop|stream SECONDS
 *
 * loop: in registers; stream: through two buffers of 32 MiB, which are copied from one
 * to the other. Writes a line for each slice: pieces of work, of some 10,000
 * instructions each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS	10000000LL
#define LOOPS		2000
#define BUFFER_BYTES	(32UL << 20)
#define PIECE_WORDS	2048UL

static uint64_t *from, *to;

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void loop_piece(void)
{
	static volatile uint64_t kept = 1;
	uint64_t x = kept;
	int i;

	for (i = 0; i < LOOPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
	}
	kept = x;
}

static void stream_piece(void)
{
	static size_t at;
	size_t i;

	for (i = 0; i < PIECE_WORDS; i++)
		to[at + i] = from[at + i] + i;
	at = (at + PIECE_WORDS) % (BUFFER_BYTES / sizeof(*to));
}

int main(int argc, char **argv)
{
	long slices, slice, *done;
	void (*piece)(void);
	long long start;

	if (argc != 3)
		return 2;
	piece = strcmp(argv[1], "stream") ? loop_piece : stream_piece;
	slices = atol(argv[2]) * 1000000000LL / SLICE_NS;
	done = calloc(slices, sizeof(*done));
	from = malloc(BUFFER_BYTES);
	to = malloc(BUFFER_BYTES);
	if (!done || !from || !to)
		return 1;
	memset(done, 0, slices * sizeof(*done));
	memset(from, 1, BUFFER_BYTES);
	memset(to, 1, BUFFER_BYTES);

	start = now_ns();
	for (slice = 0; slice < slices; slice = (now_ns() - start) / SLICE_NS) {
		piece();
		done[slice]++;
	}
	for (slice = 0; slice < slices; slice++)
		printf("%ld\n", done[slice]);

	return 0;
}
