// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs the host until a guest's balloon has its new size.
 *
 *	watch PID file PATH TEXT	orders it by writing TEXT to PATH
 *	watch PID qmp SOCKET COMMAND	orders it by a QMP command
 *	watch PID run COMMAND...	what it costs while a command runs
 *
 * PID is the guest's QEMU. Ordered, it is busy without a break until the balloon
 * is done, so the end is seen in its CPU clock, whichever balloon it has: slices of
 * time are looked at, and what counts is all until the end of the last busy one. The
 * CPU clock is that of all its threads, guest code, KVM and what QEMU itself does
 * included; what this program does is not in it. Writes
 *
 *	cpu_ns exits rss_fell_kib free_rose_kib
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_NS		1000000LL
#define SLICE_NS	MS_NS
/* The end: so many slices without a busy one. Longer than guest or QEMU wait in the middle. */
#define QUIET_SLICES	400
/* A balloon that has not begun by then was not asked. */
#define BEGIN_SLICES	5000
#define SLICES_MAX	600000

static int statm, meminfo;
static char exits_path[64];
static clockid_t cpu_clock;

struct reading {
	long long cpu_ns;
	long long time_ns;
	long long exits;
};

static void fail(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long clock_ns(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		fail("clock");

	return time.tv_sec * 1000 * MS_NS + time.tv_nsec;
}

static int open_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		fail(path);

	return fd;
}

/* The number behind @label in a file in /proc. */
static long long number(int fd, const char *label)
{
	char text[4096];
	ssize_t bytes = pread(fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (bytes <= 0)
		fail("read");
	text[bytes] = '\0';
	at = strstr(text, label);

	return at ? atoll(at + strlen(label)) : 0;
}

/* Free memory of the host, that in the pool of hugetlbfs included. */
static long long free_kib(void)
{
	return number(meminfo, "MemFree:") +
	       number(meminfo, "HugePages_Free:") * number(meminfo, "Hugepagesize:");
}

/* The second field. */
static long long rss_kib(void)
{
	return number(statm, " ") * sysconf(_SC_PAGESIZE) / 1024;
}

/* Its file cannot be read a second time. */
static long long count_exits(void)
{
	int fd = open_path(exits_path, O_RDONLY);
	char text[32] = "";

	if (read(fd, text, sizeof(text) - 1) <= 0)
		fail(exits_path);
	close(fd);

	return atoll(text);
}

static void take(struct reading *reading)
{
	reading->cpu_ns = clock_ns(cpu_clock);
	reading->time_ns = clock_ns(CLOCK_MONOTONIC);
	reading->exits = count_exits();
}

static void open_guest(pid_t pid)
{
	char path[64];
	glob_t found;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	statm = open_path(path, O_RDONLY);
	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-*/exits", pid);
	if (glob(path, 0, NULL, &found))
		fail(path);
	snprintf(exits_path, sizeof(exits_path), "%s", found.gl_pathv[0]);
	globfree(&found);
	meminfo = open_path("/proc/meminfo", O_RDONLY);
	errno = clock_getcpuclockid(pid, &cpu_clock);
	if (errno)
		fail("clock of QEMU");
}

static void qmp_line(int fd)
{
	char byte = 0;

	while (byte != '\n')
		if (read(fd, &byte, 1) != 1)
			fail("QMP");
}

/* Connected and past the greeting; it is closed when the program ends. */
static int qmp_open(const char *path)
{
	static const char capabilities[] = "{\"execute\":\"qmp_capabilities\"}\n";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(path);
	qmp_line(fd);
	if (write(fd, capabilities, strlen(capabilities)) < 0)
		fail(path);
	qmp_line(fd);

	return fd;
}

static void sleep_ns(long long ns)
{
	struct timespec time = { ns / 1000 / MS_NS, ns % (1000 * MS_NS) };

	nanosleep(&time, NULL);
}

/* Fills @end with the end of the last busy slice; fails when there was none. */
static void wait_for_end(const struct reading *start, struct reading *end)
{
	struct reading last = *start, now;
	int quiet = 0, slices;
	bool began = false;

	for (slices = 0; slices < SLICES_MAX; slices++) {
		sleep_ns(SLICE_NS);
		take(&now);
		if (2 * (now.cpu_ns - last.cpu_ns) > now.time_ns - last.time_ns) {
			began = true;
			quiet = 0;
			*end = now;
		} else if (++quiet == (began ? QUIET_SLICES : BEGIN_SLICES)) {
			break;
		}
		last = now;
	}
	errno = ETIMEDOUT;
	if (!began || slices == SLICES_MAX)
		fail("balloon");
}

static void run(char **command)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail(command[0]);
}

int main(int argc, char **argv)
{
	bool runs = argc > 3 && !strcmp(argv[2], "run");
	struct reading start, end;
	long long rss, kib;
	int fd = -1;

	if (argc != 5 && !runs) {
		fputs("usage: watch PID file PATH TEXT | qmp SOCKET COMMAND | run COMMAND...\n",
		      stderr);
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1);
	open_guest(atoi(argv[1]));
	if (!runs)
		fd = strcmp(argv[2], "qmp") ? open_path(argv[3], O_WRONLY) : qmp_open(argv[3]);
	sleep_ns(300 * MS_NS);

	rss = rss_kib();
	kib = free_kib();
	take(&start);
	if (runs) {
		run(argv + 3);
		take(&end);
	} else {
		if (write(fd, argv[4], strlen(argv[4])) < 0)
			fail(argv[3]);
		wait_for_end(&start, &end);
	}

	printf("%lld %lld %lld %lld\n", end.cpu_ns - start.cpu_ns, end.exits - start.exits,
	       rss - rss_kib(), free_kib() - kib);

	return 0;
}
