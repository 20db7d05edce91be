// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest, the light form: it writes what it likes into the shared page
 * while the host reads, and makes every call from all vCPUs at once. The host
 * stays sane and quick. (The kernel's log is looked at by whoever runs this.)
 */
#include "pair.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_UNDER_FIRE 3

/* Every file of a guest's directory that holds a size. */
static const char * const sizes[] = {
	"total", "size", "target", "free", "available", "floor", "rss",
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);

	return time.tv_sec + time.tv_nsec / 1e9;
}

/* The files can be read, in good time, and no size is above the total. */
static void expect_sane(void)
{
	int64_t total, size;
	double start = now();
	size_t i;

	total = host_read("%s", host_guest_path("total"));
	expect_note(total >= 0, "total is %lld", (long long)total);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size = host_read("%s", host_guest_path(sizes[i]));
		expect_note(size >= 0, "%s is %lld", sizes[i], (long long)size);
	}
	expect_note(now() - start < 2, "reading took %f s", now() - start);
}

static void sequence_odd_for_ever(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	pair_hello(&pair);
	expect_equal(host_read("%s", host_guest_path("total")),
		     pair.shared->guest.total_pages * BELLOWS_PAGE_SIZE);
	pair_begin_write(&pair)->total_pages = 1;
	expect_sane();
	/* What was whole last is kept. */
	expect_equal(host_read("%s", host_guest_path("total")),
		     64 * BLOCK_BYTES);
	usleep(50000);
	expect(host_read("%s", host_guest_path("report_age_ms")) >= 50);
	expect_equal(host_write(host_guest_path("target"), "4M"), 0);

	pair_end_write(&pair);
	expect_equal(host_read("%s", host_guest_path("total")),
		     BELLOWS_PAGE_SIZE);
	pair_close(&pair);
}

static void numbers_without_sense(const void *data)
{
	static const uint8_t bytes[] = { 0xff, 0x80, 0x7f, 0x01, 0x00 };
	struct bellows_guest_half *guest;
	struct pair pair;
	uint64_t cookie;
	size_t i;

	(void)data;
	pair_open(&pair, 1);
	cookie = pair.shared->guest.cookie;
	pair_hello(&pair);
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		guest = pair_begin_write(&pair);
		memset(&guest->flags, bytes[i],
		       sizeof(*guest) - offsetof(struct bellows_guest_half,
						 flags));
		pair_end_write(&pair);
		expect_sane();
		expect_equal(host_read("%s", host_guest_path("size")), 0);
		host_write(host_guest_path("target"), "4M");
		host_write(host_guest_path("target_mode"), "auto");
		expect_equal(pair.shared->guest.cookie, cookie);
		expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) > 0);
	}
	pair_close(&pair);
}

/* The host's own half is the guest's to write too; nobody believes it. */
static void host_half_scribbled_over(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	pair_hello(&pair);
	memset(&pair.shared->host, 0xff, sizeof(pair.shared->host));
	expect_equal(host_write(host_guest_path("target"), "8M"), 0);
	expect_equal(host_read("%s", host_guest_path("target")), 8 << 20);
	expect_equal(pair.shared->host.target_pages, 2048);
	expect_equal(pair.shared->host.seq & 1, 0);
	pair_close(&pair);
}

/* A guest that was reset: the page is somebody else's, and stays as it is. */
static void page_of_somebody_else(const void *data)
{
	static char before[BELLOWS_PAGE_SIZE];
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	pair_hello(&pair);
	memset(pair.shared, 0x5a, sizeof(*pair.shared));
	memcpy(before, pair.shared, sizeof(before));
	host_write(host_guest_path("target"), "8M");
	expect(!memcmp(before, pair.shared, sizeof(before)));
	expect(!strcmp(host_read_word(host_guest_path("state")), "left"));
	expect_equal(host_read("counters/pinned_pages"), 0);
	expect_equal(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0), 0);
	pair_close(&pair);
}

/* ---- several threads ---- */

struct attack {
	struct pair *pair;
	unsigned int vcpu;
	volatile bool *stop;
};

static void *scribble(void *data)
{
	struct attack *attack = data;
	struct bellows_guest_half *guest = &attack->pair->shared->guest;
	unsigned int seed = attack->vcpu;
	uint64_t *words = (uint64_t *)&guest->timestamp_ns;
	size_t i, count = 20;

	while (!*attack->stop) {
		for (i = 0; i < count; i++)
			words[i] = (uint64_t)rand_r(&seed) << 32 |
				   (uint64_t)rand_r(&seed);
		guest->seq = rand_r(&seed);
		/* Its own doorbell could reset a vCPU that we still need. */
		guest->flags = rand_r(&seed) & ~BELLOWS_GUEST_DOORBELL;
	}

	return NULL;
}

static void *call_at_random(void *data)
{
	struct attack *attack = data;
	unsigned int seed = attack->vcpu;

	while (!*attack->stop) {
		unsigned int call = rand_r(&seed) % (BELLOWS_HC_END + 1);
		uint64_t address = rand_r(&seed) % 4 ? FLATVM_SHARED_PAGE :
						       FLATVM_SPARE_PAGE;
		uint64_t first = rand_r(&seed) % 4, count = rand_r(&seed) % 520;

		if (call == BELLOWS_HC_RELEASE || call == BELLOWS_HC_REPORT)
			first = FLATVM_BATCH_PAGE;
		attack->pair->batch->range[rand_r(&seed) % 8] =
			bellows_range(((RAM_ADDRESS >> 12) +
				       rand_r(&seed) % 2048),
				      1 + rand_r(&seed) % 512);
		flatvm_hypercall_on(attack->pair->vm, attack->vcpu,
				    BELLOWS_HC_BASE + call, first, count,
				    address, BELLOWS_HC_MAGIC);
	}

	return NULL;
}

static void under_fire(void *(*attacker)(void *data), bool agent)
{
	struct attack attack[FLATVM_VCPUS_MAX];
	pthread_t thread[FLATVM_VCPUS_MAX];
	volatile bool stop = false;
	struct flatmem ram;
	struct pair pair;
	double end;
	int i;

	pair_open(&pair, FLATVM_VCPUS_MAX);
	flatmem_new(&ram, FLATMEM_ANON, RAM_ADDRESS, 4 * BLOCK_BYTES);
	flatvm_set_slot(pair.vm, RAM_SLOT, ram.address, ram.size, ram.memory,
			false);
	memcpy(flatvm_control(pair.vm, FLATVM_SPARE_PAGE), pair.shared,
	       sizeof(*pair.shared));
	pair_hello(&pair);
	if (agent)
		expect_equal(host_write("agent", "on"), 0);

	for (i = 0; i < FLATVM_VCPUS_MAX; i++) {
		attack[i] = (struct attack){ &pair, i, &stop };
		if (pthread_create(&thread[i], NULL, attacker, &attack[i]))
			die("starting a thread");
	}
	for (end = now() + SECONDS_UNDER_FIRE; now() < end;) {
		expect_sane();
		host_write(host_guest_path("target"), "4M");
	}
	stop = true;
	for (i = 0; i < FLATVM_VCPUS_MAX; i++)
		pthread_join(thread[i], NULL);

	host_write("agent", "off");
	expect_equal(host_read("counters/active_calls"), 0);
	expect(host_read("counters/pinned_pages") <= 1);
	expect_equal(pair_call(&pair, BELLOWS_HC_BYE, 0, 0, 0), 0);
	expect_equal(host_read("%s", host_guest_path("size")), 0);
	expect_equal(host_read("released"), 0);
	expect_equal(host_read("counters/pinned_pages"), 0);
	pair_close(&pair);
	flatmem_free(&ram);
}

static void reports_that_never_stand_still(const void *data)
{
	(void)data;
	under_fire(scribble, true);
}

static void every_call_at_once(const void *data)
{
	(void)data;
	under_fire(call_at_random, false);
}

static const struct ktap_test tests[] = {
	{ "sequence-odd-for-ever", sequence_odd_for_ever, NULL },
	{ "numbers-without-sense", numbers_without_sense, NULL },
	{ "host-half-scribbled-over", host_half_scribbled_over, NULL },
	{ "page-of-somebody-else", page_of_somebody_else, NULL },
	{ "reports-that-never-stand-still", reports_that_never_stand_still,
	  NULL },
	{ "every-call-at-once", every_call_at_once, NULL },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
