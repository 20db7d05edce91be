/* SPDX-License-Identifier: GPL-2.0 */
/* What the harnesses share. */
#ifndef _BELLOWS_FUZZ_H
#define _BELLOWS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

/* Not assert(), which a build may leave out. */
#define FUZZ_MUST(condition)                     \
	do {                                     \
		if (!(condition))                \
			fuzz_broken(#condition); \
	} while (0)

static void fuzz_broken(const char *condition)
{
	fprintf(stderr, "broken: %s\n", condition);
	abort();
}

#endif /* _BELLOWS_FUZZ_H */
