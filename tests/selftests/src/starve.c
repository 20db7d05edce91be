// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a kernel module again and again, and each time another of the
 * allocations that it takes fails, from the first to the last:
 *
 *	starve MOST MODULE.ko [PARAM=VALUE...]
 *
 * For kernels with fault injection (/proc/self/fail-nth). At most MOST loads,
 * evenly spread over the allocations. Passes when each load succeeds, and can
 * be undone, or says why not, and leaves nothing. Prints what it did.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any module takes. */
#define FAR_AWAY 1000000

static const char *module_path;
static char module_name[64];
static char parameters[256];

static void give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void set_name(void)
{
	const char *base = strrchr(module_path, '/');

	snprintf(module_name, sizeof(module_name), "%s",
		 base ? base + 1 : module_path);
	module_name[strcspn(module_name, ".")] = '\0';
}

static void fail_nth_set(int file, unsigned long nth)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lu", nth);

	if (pwrite(file, text, length, 0) != length)
		give_up("fail-nth");
}

/* How many allocations are still to come before the one that fails. */
static unsigned long fail_nth_left(int file)
{
	char text[24] = "";

	if (pread(file, text, sizeof(text) - 1, 0) <= 0)
		give_up("fail-nth");

	return strtoul(text, NULL, 10);
}

/* Loads the module while allocation @nth fails. Returns 0 or an errno. */
static int load(int nth_file, unsigned long nth, unsigned long *left)
{
	int module = open(module_path, O_RDONLY | O_CLOEXEC), error = 0;

	if (module < 0)
		give_up(module_path);
	fail_nth_set(nth_file, nth);
	if (syscall(SYS_finit_module, module, parameters, 0))
		error = errno;
	*left = fail_nth_left(nth_file);
	fail_nth_set(nth_file, 0);
	close(module);

	return error;
}

/* Is there anything of the module, after it was refused? */
static int is_there(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module_name);
	if (!access(path, F_OK))
		return 1;
	snprintf(path, sizeof(path), "/sys/kernel/%s", module_name);

	return !access(path, F_OK);
}

static void unload(unsigned long nth)
{
	if (!syscall(SYS_delete_module, module_name, 0))
		return;
	fprintf(stderr, "allocation %lu: cannot be unloaded: %s\n", nth,
		strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned long total, left, most, step, nth, loaded = 0, refused = 0;
	int nth_file, i, error;
	size_t used = 0;

	most = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (!most) {
		fprintf(stderr, "usage: starve MOST MODULE.ko [PARAM=VALUE]\n");
		return 2;
	}
	module_path = argv[2];
	set_name();
	for (i = 3; i < argc && used < sizeof(parameters); i++)
		used += snprintf(parameters + used, sizeof(parameters) - used,
				 "%s ", argv[i]);

	nth_file = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_file < 0)
		give_up("fail-nth");
	error = load(nth_file, FAR_AWAY, &left);
	if (error) {
		errno = error;
		give_up(module_path);
	}
	unload(0);
	total = FAR_AWAY - left;
	step = (total + most - 1) / most;

	for (nth = 1; nth <= total; nth += step) {
		error = load(nth_file, nth, &left);
		if (!error) {
			loaded++;
			unload(nth);
			continue;
		}
		refused++;
		if (is_there()) {
			fprintf(stderr,
				"allocation %lu: %s, and something is left\n",
				nth, strerror(error));
			return 1;
		}
	}
	printf("%s: %lu allocations; of %lu that failed %lu were fatal, %lu not\n",
	       module_name, total, loaded + refused, refused, loaded);

	/* One that never fails shows that nothing was tested. */
	return refused ? 0 : 1;
}
