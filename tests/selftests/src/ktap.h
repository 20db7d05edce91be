/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test results in KTAP, for programs in user space.
 *
 * A program is a table of tests. Each test is a function that states what it
 * expects; one expectation that does not hold fails the test, and the test goes
 * on, so that one run shows everything that is wrong.
 */
#ifndef _BELLOWS_KTAP_H
#define _BELLOWS_KTAP_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Exit codes, as kselftest has them. */
#define KTAP_EXIT_PASS	0
#define KTAP_EXIT_FAIL	1
#define KTAP_EXIT_SKIP	4

/**
 * struct ktap_test - one line of a program's table of tests
 * @name: what it shows, in words with dashes between
 * @run: the test; gets @data
 * @data: what tells this line from others with the same @run
 */
struct ktap_test {
	const char *name;
	void (*run)(const void *data);
	const void *data;
};

/**
 * ktap_main() - run a table of tests and print KTAP
 * @tests: the table
 * @count: lines in it
 * @argc: as main() got it
 * @argv: names of the tests to run; all when there are none
 *
 * Return: the exit code for main().
 */
int ktap_main(const struct ktap_test *tests, size_t count, int argc,
	      char **argv);

/**
 * ktap_expect() - used by the macros below
 * @holds: whether what was expected is so
 * @file: where it is stated
 * @line: the line there
 * @format: what was expected, and what was found instead
 *
 * Return: @holds, so that a test can stop when going on makes no sense.
 */
bool ktap_expect(bool holds, const char *file, int line, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/**
 * ktap_skip() - the test running now cannot be run here
 * @format: why
 */
void ktap_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * ktap_note() - a line of explanation in the log
 * @format: the line, without a newline
 */
void ktap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define expect(condition) \
	ktap_expect((condition), __FILE__, __LINE__, "%s", #condition)

#define expect_note(condition, ...) \
	ktap_expect((condition), __FILE__, __LINE__, __VA_ARGS__)

#define expect_equal(found, wanted)					\
({									\
	long long found__ = (long long)(found);				\
	long long wanted__ = (long long)(wanted);			\
									\
	ktap_expect(found__ == wanted__, __FILE__, __LINE__,		\
		    "%s is %lld (%#llx), expected %s = %lld (%#llx)",	\
		    #found, found__, found__, #wanted, wanted__,	\
		    wanted__);						\
})

#endif /* _BELLOWS_KTAP_H */
