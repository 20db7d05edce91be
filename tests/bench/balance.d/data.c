// SPDX-License-Identifier: GPL-2.0
/*
 * The data of a guest, and its work on them.
 *
 *	data fill FILE MIB		each page differs from all others
 *	data use FILE MIB KIB USES SEED	reads pieces of so many KiB, any of them as
 *					likely as any other
 *
 * "use" goes through the page cache, as most programs do, and ends when it is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE		4096UL
#define CHUNK_PAGES	256UL
#define CHUNK		(CHUNK_PAGES * PAGE)

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "data: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;

	return *seed;
}

static void fill(int file, unsigned long mib)
{
	static char chunk[CHUNK];
	uint64_t *words = (uint64_t *)chunk, seed = getpid();
	unsigned long i, at;

	for (i = 0; i < CHUNK / sizeof(*words); i++)
		words[i] = next_random(&seed);
	for (at = 0; at < mib; at++) {
		for (i = 0; i < CHUNK_PAGES; i++)
			words[i * PAGE / sizeof(*words)] = next_random(&seed);
		if (write(file, chunk, CHUNK) != CHUNK)
			fail("writing");
	}
	if (fsync(file))
		fail("writing");
}

static void use(int file, unsigned long bytes, size_t piece,
		unsigned long uses, uint64_t seed)
{
	char *content = malloc(piece);

	if (!content)
		fail("memory");
	/* The first of xorshift's numbers are much alike for seeds that are. */
	seed = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	for (; uses; uses--) {
		off_t at = next_random(&seed) % (bytes / piece) * piece;

		if (pread(file, content, piece, at) != (ssize_t)piece)
			fail("reading");
	}
	free(content);
}

int main(int argc, char **argv)
{
	unsigned long mib = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	int filling = argc == 4 && !strcmp(argv[1], "fill");
	int file;

	if (!mib || (!filling && (argc != 7 || strcmp(argv[1], "use")))) {
		fprintf(stderr, "data: fill FILE MIB | use FILE MIB KIB USES SEED\n");
		return 2;
	}
	file = open(argv[2], filling ? O_WRONLY : O_RDONLY);
	if (file < 0)
		fail(argv[2]);
	if (filling)
		fill(file, mib);
	else
		use(file, mib << 20, strtoul(argv[4], NULL, 0) << 10,
		    strtoul(argv[5], NULL, 0), strtoul(argv[6], NULL, 0));

	return 0;
}
