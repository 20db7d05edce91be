// SPDX-License-Identifier: GPL-2.0
/*
 * RELEASE while the host's OOM killer is at work: of the machine itself, and of a
 * process beside it. In a memory cgroup with a limit, which the caller makes: there
 * the killer takes whom the test means, and nobody else; what it does to a process
 * is the same as when the whole host is out of memory.
 */
#include "pair.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP		"/sys/fs/cgroup/vm/"
#define ALL_CGROUPS	"/sys/fs/cgroup/"
#define KILLS		3

#define RAM_BLOCKS	8
#define HALF_BLOCKS	(RAM_BLOCKS / 2)
#define RAM_PAGES	((uint64_t)RAM_BLOCKS * BELLOWS_BLOCK_PAGES)
#define HALF_PAGES	(RAM_PAGES / 2)
#define STEP_BYTES	(1024 * 1024)
/* What a cgroup has charged in advance, and page tables. */
#define SLACK_BYTES	(2 * STEP_BYTES)

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		die("writing %s", path);
}

/* The higher the score the sooner this process is killed; -1000 is never. */
static void set_score(const char *score)
{
	write_file("/proc/self/oom_score_adj", score);
}

static int64_t oom_kills(void)
{
	return read_number(CGROUP "memory.events", "oom_kill");
}

static int64_t charged_bytes(void)
{
	return read_number(CGROUP "memory.current", "");
}

static void use_more_memory(void)
{
	void *more = mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (more != MAP_FAILED)
		memset(more, 1, STEP_BYTES);
}

/* ---- the machine is killed ---- */

static void *use_and_grow(void *data)
{
	struct pair_bed *machine = data;

	for (;;) {
		memset(machine->ram.memory, 1, machine->ram.size);
		use_more_memory();
	}

	return NULL;
}

/* One thread only releases, what another one uses until the limit is reached. */
static void __attribute__((noreturn)) release_until_killed(enum flatmem_kind kind)
{
	struct pair_bed machine;
	pthread_t user;

	write_file(CGROUP "cgroup.procs", "0");
	set_score("1000");
	pair_bed_open(&machine, kind, RAM_BLOCKS);
	pthread_create(&user, NULL, use_and_grow, &machine);
	for (;;)
		pair_bed_release(&machine, 0, RAM_BLOCKS);
}

static bool nothing_is_charged(const void *data)
{
	(void)data;

	return charged_bytes() <= SLACK_BYTES;
}

static void killed_for_memory_while_releasing(const void *data)
{
	const enum flatmem_kind *kind = data;
	int64_t kills, released;
	int status, i;
	pid_t child;

	for (i = 0; i < KILLS; i++) {
		kills = oom_kills();
		released = host_read("counters/released_pages");
		child = fork();
		if (child == 0)
			release_until_killed(*kind);
		waitpid(child, &status, 0);
		expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		expect_equal(oom_kills(), kills + 1);
		expect(host_read("counters/released_pages") >
		       released + (int64_t)RAM_PAGES);
		if (!expect(wait_forgotten()))
			break;
		expect_equal(host_read("released"), 0);
		expect_equal(host_read("counters/active_calls"), 0);
		expect(wait_until(nothing_is_charged, NULL));
	}
}

/* ---- another one is killed ---- */

static pid_t hog_start(void)
{
	pid_t hog = fork();

	if (hog)
		return hog;
	set_score("1000");
	for (;;)
		use_more_memory();
}

/* It lives, and what it has not released it keeps, to the last bit. */
static void another_is_killed_meanwhile(const void *data)
{
	const enum flatmem_kind *kind = data;
	const int64_t enough = oom_kills() + KILLS;
	struct pair_bed machine;
	struct flatmem *ram = &machine.ram;
	int64_t charged;
	pid_t hog;

	write_file(CGROUP "cgroup.procs", "0");
	set_score("-1000");
	pair_bed_open(&machine, *kind, RAM_BLOCKS);
	/* Or what is released would remain with the hog. */
	madvise(ram->memory, ram->size, MADV_DONTFORK);
	hog = hog_start();
	while (oom_kills() < enough) {
		expect_released(pair_bed_release(&machine, 0, HALF_BLOCKS),
				HALF_BLOCKS, BELLOWS_REFUSE_NONE);
		flatmem_fill(ram, 0, HALF_PAGES);
		if (!expect_equal(flatmem_damaged(ram, 0, RAM_PAGES), 0))
			break;
		if (waitpid(hog, NULL, WNOHANG) == hog)
			hog = hog_start();
	}
	kill(hog, SIGKILL);
	waitpid(hog, NULL, 0);

	charged = charged_bytes();
	expect_released(pair_bed_release(&machine, 0, RAM_BLOCKS), RAM_BLOCKS,
			BELLOWS_REFUSE_NONE);
	charged -= charged_bytes();
	expect_note(llabs(charged - (int64_t)ram->size) <= SLACK_BYTES,
		    "%ld bytes less are charged, expected %lu", charged,
		    ram->size);
	expect_equal(flatmem_present(ram, 0, RAM_PAGES), 0);
	expect_equal(flatmem_nonzero(ram, 0, RAM_PAGES), 0);
	pair_bed_close(&machine);
	write_file(ALL_CGROUPS "cgroup.procs", "0");
}

#define KIND_ONLY(function, kind) \
	function, &(const enum flatmem_kind){ FLATMEM_##kind }

static const struct ktap_test tests[] = {
	{ "killed-for-memory-anon",
	  KIND_ONLY(killed_for_memory_while_releasing, ANON) },
	{ "killed-for-memory-memfd",
	  KIND_ONLY(killed_for_memory_while_releasing, MEMFD) },
	{ "another-is-killed-anon",
	  KIND_ONLY(another_is_killed_meanwhile, ANON) },
	{ "another-is-killed-memfd",
	  KIND_ONLY(another_is_killed_meanwhile, MEMFD) },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
