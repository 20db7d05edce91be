// SPDX-License-Identifier: GPL-2.0
/*
 * However a machine ends, the host forgets it: no directory, no object, no
 * pinned page is left.
 */
#include "pair.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RAM_BLOCKS	8
#define MACHINES	3
#define KILLS		10
#define RELEASE_CALLS_MIN 20

static void vm_closed_while_the_process_lives(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 2);
	pair_hello(&pair);
	expect_equal(host_guests(), 1);
	flatvm_close(pair.vm);
	expect(wait_forgotten());
	expect_equal(pair.shared->guest.magic, BELLOWS_GUEST_MAGIC);
	flatvm_free(pair.vm);

	/* And again, in the same process. */
	pair_open(&pair, 1);
	expect(pair_hello(&pair) > 0);
	expect_equal(host_guests(), 1);
	pair_close(&pair);
}

static void several_machines_in_one_process(const void *data)
{
	struct pair pair[MACHINES];
	char path[64];
	int i;

	(void)data;
	for (i = 0; i < MACHINES; i++) {
		pair_open(&pair[i], 1);
		pair_begin_write(&pair[i])->size_pages = 100 + i;
		pair_end_write(&pair[i]);
		pair_hello(&pair[i]);
	}
	expect_equal(host_guests(), MACHINES);
	expect_equal(host_read("counters/pinned_pages"), MACHINES);
	expect_equal(host_read("%s", host_guest_path("size")),
		     100 * BELLOWS_PAGE_SIZE);
	for (i = 1; i < MACHINES; i++) {
		snprintf(path, sizeof(path), "guests/%d.%d/size", getpid(),
			 i + 1);
		expect_equal(host_read("%s", path),
			     (100 + i) * BELLOWS_PAGE_SIZE);
	}

	flatvm_free(pair[0].vm);
	expect(pair_call(&pair[1], BELLOWS_HC_PING, 0, 0, 0) > 0);
	flatvm_free(pair[2].vm);
	expect(pair_call(&pair[1], BELLOWS_HC_PING, 0, 0, 0) > 0);
	pair_close(&pair[1]);
}

/* The page that the host pinned is unmapped by the VM monitor. */
static void shared_page_unmapped(const void *data)
{
	struct flatmem memory;
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	flatmem_new(&memory, FLATMEM_ANON, RAM_ADDRESS, BLOCK_BYTES);
	memcpy(memory.memory, pair.shared, sizeof(*pair.shared));
	flatvm_set_slot(pair.vm, RAM_SLOT, memory.address, memory.size,
			memory.memory, false);
	expect(pair_call(&pair, BELLOWS_HC_HELLO, 1, 0, RAM_ADDRESS) > 0);
	flatvm_set_slot(pair.vm, RAM_SLOT, memory.address, 0, memory.memory,
			false);
	flatmem_free(&memory);
	expect_equal(host_write(host_guest_path("target"), "4M"), 0);
	expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) > 0);
	pair_close(&pair);
}

/* The same page for two machines: each has its own pin. */
static void two_machines_share_a_page(const void *data)
{
	struct pair one, two;

	(void)data;
	pair_open(&one, 1);
	pair_open(&two, 1);
	flatvm_set_slot(two.vm, RAM_SLOT, RAM_ADDRESS, BELLOWS_PAGE_SIZE,
			one.shared, false);
	expect(pair_hello(&one) > 0);
	expect(pair_call(&two, BELLOWS_HC_HELLO, 1, 0, RAM_ADDRESS) > 0);
	expect_equal(host_read("counters/pinned_pages"), 2);
	flatvm_free(two.vm);
	expect(pair_call(&one, BELLOWS_HC_PING, 0, 0, 0) > 0);
	pair_close(&one);
}

/* ---- kill -9 ---- */

static void *say_hello_and_bye(void *data)
{
	struct pair *pair = data;

	for (;;) {
		flatvm_hypercall_on(pair->vm, 1,
				    BELLOWS_HC_BASE + BELLOWS_HC_HELLO, 1,
				    BELLOWS_F_ALL, FLATVM_SHARED_PAGE,
				    BELLOWS_HC_MAGIC);
		flatvm_hypercall_on(pair->vm, 1,
				    BELLOWS_HC_BASE + BELLOWS_HC_BYE, 0, 0, 0,
				    BELLOWS_HC_MAGIC);
	}

	return NULL;
}

/* What a kill meets. */
struct victim {
	enum flatmem_kind kind;
	bool registers_too;
};

static void __attribute__((noreturn)) release_for_ever(const struct victim *as)
{
	struct flatmem ram;
	struct pair pair;
	pthread_t other;
	unsigned int i;

	pair_open(&pair, 2);
	flatmem_new(&ram, as->kind, RAM_ADDRESS, RAM_BLOCKS * BLOCK_BYTES);
	flatvm_set_slot(pair.vm, RAM_SLOT, ram.address, ram.size, ram.memory,
			false);
	pair_hello(&pair);
	if (as->registers_too)
		pthread_create(&other, NULL, say_hello_and_bye, &pair);
	for (;;) {
		for (i = 0; i < RAM_BLOCKS; i++)
			pair.batch->range[i] =
				bellows_range((RAM_ADDRESS >> 12) +
					      i * BELLOWS_BLOCK_PAGES,
					      BELLOWS_BLOCK_PAGES);
		pair_release(&pair, RAM_BLOCKS);
		memset(ram.memory, 1, ram.size);
	}
}

static bool works(const void *data)
{
	const int64_t *releases = data;

	return host_read("counters/releases") >= *releases + RELEASE_CALLS_MIN;
}

static void killed_while_releasing(const void *data)
{
	const struct victim *victim = data;
	uint64_t huge_free;
	int64_t releases;
	int status, i;
	pid_t child;

	for (i = 0; i < KILLS; i++) {
		releases = host_read("counters/releases");
		huge_free = read_meminfo("HugePages_Free");
		child = fork();
		if (child == 0)
			release_for_ever(victim);
		if (!victim->registers_too)
			expect(wait_until(works, &releases));
		else
			usleep(500000);
		usleep(1000 * (i * 7 % 20));
		expect_equal(waitpid(child, &status, WNOHANG), 0);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		if (!expect(wait_forgotten()))
			break;
		expect_equal(host_read("released"), 0);
		expect_equal(host_read("counters/active_calls"), 0);
		if (i)
			expect_equal(read_meminfo("HugePages_Free"), huge_free);
	}
}

#define VICTIM(kind, registers) \
	killed_while_releasing, &(const struct victim){ FLATMEM_##kind, registers }

static const struct ktap_test tests[] = {
	{ "vm-closed-while-the-process-lives",
	  vm_closed_while_the_process_lives, NULL },
	{ "several-machines-in-one-process", several_machines_in_one_process,
	  NULL },
	{ "shared-page-unmapped", shared_page_unmapped, NULL },
	{ "two-machines-share-a-page", two_machines_share_a_page, NULL },
	{ "killed-while-releasing-anon", VICTIM(ANON, false) },
	{ "killed-while-releasing-thp", VICTIM(THP, false) },
	{ "killed-while-releasing-memfd", VICTIM(MEMFD, false) },
	{ "killed-while-releasing-hugetlb", VICTIM(HUGETLB, false) },
	{ "killed-while-registering-too", VICTIM(ANON, true) },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
