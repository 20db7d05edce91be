// SPDX-License-Identifier: GPL-2.0
/*
 * vsh - run shell commands in a guest over vsock.
 *
 *	vsh serve			in the guest: one process for each command
 *	vsh run [-i] [-w SECONDS] [-t SECONDS] CID COMMAND
 *					in the host: exits as the command does; -w: how
 *					long to try to connect, -t: 124 when it is over
 *
 * Why not socat: exact exit codes, stdout and stderr apart, and it starts in a
 * millisecond where everything is emulated. Static, as the guest has no libraries.
 *
 * The client sends a request and the command's text; with -i whatever follows is its
 * stdin, up to the end of file. The server answers in frames: output of the command,
 * and at last its exit code.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#define VSH_PORT	1024
#define COMMAND_MAX	(1U << 20)
#define FRAME_MAX	16384
#define EXIT_TROUBLE	125	/* vsh itself failed: what env and timeout use */
#define EXIT_TIME_OUT	124	/* likewise */

struct request {
	uint32_t len;		/* of the command */
	uint32_t has_stdin;
};

enum frame_type { FRAME_STDOUT = 1, FRAME_STDERR = 2, FRAME_EXIT = 3 };

struct frame {
	uint32_t type;
	uint32_t len;	/* of the data that follows; the exit code in FRAME_EXIT */
};

static void fail(const char *what)
{
	fprintf(stderr, "vsh: %s: %s\n", what, strerror(errno));
	exit(EXIT_TROUBLE);
}

/* Returns 0, or -1 with errno set; 0 in errno means end of file. */
static int read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = 0;
			return -1;
		}
		p += n;
		len -= n;
	}
	return 0;
}

static int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* ---- in the guest ---- */

/* Passes on what is in the pipe; false at its end. */
static bool forward(int pipe_fd, int sock, enum frame_type type)
{
	char buf[FRAME_MAX];
	ssize_t n = read(pipe_fd, buf, sizeof(buf));
	struct frame frame = { .type = type };

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	frame.len = n;
	if (write_all(sock, &frame, sizeof(frame)) || write_all(sock, buf, n))
		exit(EXIT_TROUBLE);
	return true;
}

static void drain(int pipe_fd, int sock, enum frame_type type)
{
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };

	while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN))
		if (!forward(pipe_fd, sock, type))
			break;
}

static void set_oom_score(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail("oom_score_adj");
	close(fd);
}

/* The command can be killed for lack of memory like any other, but not the server. */
static void exec_command(char *command, int in, int out, int err)
{
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	set_oom_score("0");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

/*
 * The command is over when its first process is, as in a shell: what it left in
 * the background may keep the pipes open. When the client goes away first, the command
 * is killed; one that reads the client's stdin sees the end of it instead.
 */
static void relay(pid_t pid, int sock, bool has_stdin, int out, int err)
{
	enum { OUT, ERR, CHILD, CLIENT, N };
	struct pollfd p[N] = {
		[OUT]	 = { .fd = out, .events = POLLIN },
		[ERR]	 = { .fd = err, .events = POLLIN },
		[CHILD]	 = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
		[CLIENT] = { .fd = has_stdin ? -1 : sock, .events = POLLRDHUP },
	};

	while (poll(p, N, -1) >= 0 || errno == EINTR) {
		if (p[OUT].revents && !forward(out, sock, FRAME_STDOUT))
			p[OUT].fd = -1;
		if (p[ERR].revents && !forward(err, sock, FRAME_STDERR))
			p[ERR].fd = -1;
		if (p[CLIENT].revents) {
			kill(-pid, SIGKILL);
			exit(EXIT_TROUBLE);
		}
		if (p[CHILD].revents)
			break;
	}
	drain(out, sock, FRAME_STDOUT);
	drain(err, sock, FRAME_STDERR);
}

static void serve_one(int sock)
{
	int in = sock, out[2], err[2], status;
	struct frame frame = { .type = FRAME_EXIT };
	struct request request;
	char *command;
	pid_t pid;

	if (read_all(sock, &request, sizeof(request)) || request.len > COMMAND_MAX)
		exit(EXIT_TROUBLE);
	command = calloc(1, request.len + 1);
	if (!command || read_all(sock, command, request.len))
		exit(EXIT_TROUBLE);
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipe");
	if (!request.has_stdin)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		exec_command(command, in, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	relay(pid, sock, request.has_stdin, out[0], err[0]);

	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	frame.len = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (write_all(sock, &frame, sizeof(frame)))
		exit(EXIT_TROUBLE);
}

static int serve(void)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = VSH_PORT,
	};
	int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 16))
		fail("listen");
	set_oom_score("-1000");
	signal(SIGPIPE, SIG_IGN);

	for (;;) {
		int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (sock < 0)
			continue;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		switch (fork()) {
		case -1:
			fprintf(stderr, "vsh: fork: %s\n", strerror(errno));
			break;
		case 0:
			serve_one(sock);
			exit(0);
		}
		close(sock);
	}
}

/* ---- in the host ---- */

static int try_connect(unsigned int cid)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = VSH_PORT };
	struct timeval second = { .tv_sec = 1 };
	int sock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		fail("socket");
	setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &second, sizeof(second));
	if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	close(sock);
	return -1;
}

/*
 * A guest that boots has no device yet, then no server yet: both look like a refusal. It
 * boots on the CPU that asking takes.
 */
static int connect_within(unsigned int cid, int seconds)
{
	time_t deadline = time(NULL) + seconds;
	int sock;

	while ((sock = try_connect(cid)) < 0) {
		if (time(NULL) >= deadline)
			fail("connect");
		usleep(200000);
	}
	return sock;
}

/* Feeds our stdin to the command from a process of its own, which ends with us. */
static void feed_stdin(int sock)
{
	char buf[65536];
	ssize_t n;

	if (fork())
		return;
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (write_all(sock, buf, n))
			_exit(0);
	shutdown(sock, SHUT_WR);
	_exit(0);
}

static int collect(int sock)
{
	struct frame frame;
	char buf[FRAME_MAX];

	for (;;) {
		if (read_all(sock, &frame, sizeof(frame)))
			break;
		if (frame.type == FRAME_EXIT)
			return frame.len;
		if (frame.len > sizeof(buf) || read_all(sock, buf, frame.len))
			break;
		write_all(frame.type == FRAME_STDOUT ? STDOUT_FILENO : STDERR_FILENO, buf, frame.len);
	}
	fprintf(stderr, "vsh: the guest went away before the command ended\n");
	return EXIT_TROUBLE;
}

/* The server kills the command when we are gone. */
static void time_out(int signal)
{
	_exit(EXIT_TIME_OUT);
}

static int run(unsigned int cid, const char *command, int wait_seconds, bool has_stdin)
{
	struct request request = { .len = strlen(command), .has_stdin = has_stdin };
	int sock = connect_within(cid, wait_seconds);

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (write_all(sock, &request, sizeof(request)) || write_all(sock, command, request.len))
		fail("send");
	if (has_stdin)
		feed_stdin(sock);
	return collect(sock);
}

int main(int argc, char **argv)
{
	int opt, wait_seconds = 0;
	bool has_stdin = false;

	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc < 2 || strcmp(argv[1], "run"))
		goto usage;
	argv++;
	argc--;
	signal(SIGALRM, time_out);
	while ((opt = getopt(argc, argv, "it:w:")) != -1) {
		if (opt == 'i')
			has_stdin = true;
		else if (opt == 'w')
			wait_seconds = atoi(optarg);
		else if (opt == 't')
			alarm(atoi(optarg));
		else
			goto usage;
	}
	if (argc - optind == 2)
		return run(strtoul(argv[optind], NULL, 0), argv[optind + 1], wait_seconds, has_stdin);
usage:
	fprintf(stderr, "usage: vsh serve | vsh run [-i] [-w SECONDS] [-t SECONDS] CID COMMAND\n");
	return EXIT_TROUBLE;
}
