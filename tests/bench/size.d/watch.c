// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs the host until the guests' balloons have their new sizes.
 *
 *	watch PID,... file PATH TEXT ...	orders them by writing each TEXT to its PATH
 *	watch PID,... qmp SOCKET COMMAND ...	orders them by QMP commands
 *	watch PID,... run COMMAND...		what it costs while a command runs
 *
 * Each PID is a guest's QEMU. Ordered, they are busy without a break until the balloons
 * are done, so the end is seen in their CPU clocks, whichever balloon they have: slices
 * of time are looked at, and what counts is all until the end of the last busy one. The
 * CPU clocks are those of all their threads, guest code, KVM and what QEMU itself does
 * included; what this program does is not in it. Writes
 *
 *	cpu_ns exits rss_fell_kib free_rose_kib
 *
 * where the resident size is that of the first.
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

#define GUESTS_MAX	16

static struct guest {
	char exits_path[64];
	clockid_t cpu_clock;
} guests[GUESTS_MAX];
static int nr_guests, statm, meminfo;

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
static long long count_exits(const struct guest *guest)
{
	int fd = open_path(guest->exits_path, O_RDONLY);
	char text[32] = "";

	if (read(fd, text, sizeof(text) - 1) <= 0)
		fail(guest->exits_path);
	close(fd);

	return atoll(text);
}

static void take(struct reading *reading)
{
	int i;

	reading->cpu_ns = 0;
	reading->exits = 0;
	for (i = 0; i < nr_guests; i++)
		reading->cpu_ns += clock_ns(guests[i].cpu_clock);
	reading->time_ns = clock_ns(CLOCK_MONOTONIC);
	for (i = 0; i < nr_guests; i++)
		reading->exits += count_exits(&guests[i]);
}

static void open_guest(struct guest *guest, pid_t pid)
{
	char path[64];
	glob_t found;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-*/exits", pid);
	if (glob(path, 0, NULL, &found))
		fail(path);
	snprintf(guest->exits_path, sizeof(guest->exits_path), "%s", found.gl_pathv[0]);
	globfree(&found);
	errno = clock_getcpuclockid(pid, &guest->cpu_clock);
	if (errno)
		fail("clock of QEMU");
}

static void open_guests(char *pids)
{
	char path[64], *pid;

	snprintf(path, sizeof(path), "/proc/%d/statm", atoi(pids));
	statm = open_path(path, O_RDONLY);
	meminfo = open_path("/proc/meminfo", O_RDONLY);
	for (pid = strtok(pids, ","); pid && nr_guests < GUESTS_MAX; pid = strtok(NULL, ","))
		open_guest(&guests[nr_guests++], atoi(pid));
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

/* One for each guest, all opened before the first is written. */
static void open_orders(int *fds, char **orders, int nr, bool qmp)
{
	int i;

	for (i = 0; i < nr; i++)
		fds[i] = qmp ? qmp_open(orders[2 * i]) : open_path(orders[2 * i], O_WRONLY);
}

static void give_orders(const int *fds, char **orders, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (write(fds[i], orders[2 * i + 1], strlen(orders[2 * i + 1])) < 0)
			fail(orders[2 * i]);
}

int main(int argc, char **argv)
{
	bool runs = argc > 3 && !strcmp(argv[2], "run");
	int fds[GUESTS_MAX], nr_orders = (argc - 3) / 2;
	struct reading start, end;
	long long rss, kib;

	if (!runs && (argc < 5 || argc % 2 == 0 || nr_orders > GUESTS_MAX)) {
		fputs("usage: watch PID,... file PATH TEXT ... | qmp SOCKET COMMAND ... |\n"
		      "       run COMMAND...\n",
		      stderr);
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1);
	open_guests(argv[1]);
	if (!runs)
		open_orders(fds, argv + 3, nr_orders, !strcmp(argv[2], "qmp"));
	sleep_ns(300 * MS_NS);

	rss = rss_kib();
	kib = free_kib();
	take(&start);
	if (runs) {
		run(argv + 3);
		take(&end);
	} else {
		give_orders(fds, argv + 3, nr_orders);
		wait_for_end(&start, &end);
	}

	printf("%lld %lld %lld %lld\n", end.cpu_ns - start.cpu_ns, end.exits - start.exits,
	       rss - rss_kib(), free_kib() - kib);

	return 0;
}
