// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The test running now. */
static bool failed;
static bool skipped;
static char skip_reason[160];

bool ktap_expect(bool holds, const char *file, int line, const char *format,
		 ...)
{
	const char *base = strrchr(file, '/');
	va_list arguments;

	if (holds)
		return true;

	failed = true;
	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");

	return false;
}

void ktap_skip(const char *format, ...)
{
	va_list arguments;

	skipped = true;
	va_start(arguments, format);
	vsnprintf(skip_reason, sizeof(skip_reason), format, arguments);
	va_end(arguments);
}

void ktap_note(const char *format, ...)
{
	va_list arguments;

	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static bool is_wanted(const struct ktap_test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(test->name, argv[i]))
			return true;

	return argc < 2;
}

int ktap_main(const struct ktap_test *tests, size_t count, int argc,
	      char **argv)
{
	size_t planned = 0, number = 0, failures = 0, skips = 0;
	size_t i;

	/* Lines must not be lost when the kernel under test dies. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	for (i = 0; i < count; i++)
		planned += is_wanted(&tests[i], argc, argv);
	printf("KTAP version 1\n1..%zu\n", planned);
	if (!planned) {
		printf("# no test of that name\n");
		return KTAP_EXIT_FAIL;
	}

	for (i = 0; i < count; i++) {
		if (!is_wanted(&tests[i], argc, argv))
			continue;

		failed = false;
		skipped = false;
		tests[i].run(tests[i].data);
		failures += failed;
		skips += skipped && !failed;
		printf("%sok %zu %s", failed ? "not " : "", ++number,
		       tests[i].name);
		if (skipped && !failed)
			printf(" # SKIP %s", skip_reason);
		printf("\n");
	}

	if (failures)
		return KTAP_EXIT_FAIL;

	return skips == planned ? KTAP_EXIT_SKIP : KTAP_EXIT_PASS;
}
