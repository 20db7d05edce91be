// SPDX-License-Identifier: GPL-2.0
/* Both sides of the ABI, for tests. See pair.h. */
#include "pair.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOST_DIR	"/sys/kernel/bellows_host"

void pair_open(struct pair *pair, unsigned int vcpus)
{
	struct bellows_guest_half *guest;

	pair->vm = flatvm_new(vcpus);
	/* Never touched: it makes the machine as large as it claims to be. */
	pair->rest = mmap(NULL, CLAIMED_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pair->rest == MAP_FAILED)
		die("mapping the rest of the machine's memory");
	flatvm_set_slot(pair->vm, REST_SLOT, REST_ADDRESS, CLAIMED_BYTES,
			pair->rest, false);
	pair->shared = flatvm_control(pair->vm, FLATVM_SHARED_PAGE);
	pair->batch = flatvm_control(pair->vm, FLATVM_BATCH_PAGE);

	guest = &pair->shared->guest;
	guest->magic = BELLOWS_GUEST_MAGIC;
	guest->version = BELLOWS_ABI_VERSION;
	guest->cookie = 0x5eed;
	guest->timestamp_ns = 1;
	guest->total_pages = CLAIMED_PAGES;
	guest->free_pages = 32 * BELLOWS_BLOCK_PAGES;
	guest->available_pages = 32 * BELLOWS_BLOCK_PAGES;
}

void pair_close(struct pair *pair)
{
	flatvm_free(pair->vm);
	munmap(pair->rest, CLAIMED_BYTES);
	expect(wait_forgotten());
}

int64_t pair_call(struct pair *pair, unsigned int call, uint64_t rbx,
		  uint64_t rcx, uint64_t rdx)
{
	return flatvm_hypercall(pair->vm, BELLOWS_HC_BASE + call, rbx, rcx,
				rdx, BELLOWS_HC_MAGIC);
}

int64_t pair_hello(struct pair *pair)
{
	return pair_call(pair, BELLOWS_HC_HELLO, BELLOWS_ABI_VERSION,
			 BELLOWS_F_ALL, FLATVM_SHARED_PAGE);
}

struct bellows_guest_half *pair_begin_write(struct pair *pair)
{
	struct bellows_guest_half *guest = &pair->shared->guest;

	__atomic_store_n(&guest->seq, guest->seq + 1, __ATOMIC_SEQ_CST);

	return guest;
}

void pair_end_write(struct pair *pair)
{
	struct bellows_guest_half *guest = &pair->shared->guest;

	guest->timestamp_ns += 1000000;
	__atomic_store_n(&guest->seq, guest->seq + 1, __ATOMIC_SEQ_CST);
}

int64_t pair_release(struct pair *pair, uint64_t count)
{
	return pair_call(pair, BELLOWS_HC_RELEASE, FLATVM_BATCH_PAGE, count, 0);
}

int64_t pair_release_one(struct pair *pair, uint64_t address, uint32_t pages)
{
	pair->batch->range[0] = bellows_range(address >> BELLOWS_PAGE_SHIFT,
					      pages);

	return pair_release(pair, 1);
}

void pair_bed_open(struct pair_bed *bed, enum flatmem_kind kind,
		   unsigned int blocks)
{
	struct flatmem *ram = &bed->ram;

	pair_open(&bed->pair, 1);
	flatmem_new(ram, kind, RAM_ADDRESS, blocks * BLOCK_BYTES);
	flatvm_set_slot(bed->pair.vm, RAM_SLOT, ram->address, ram->size,
			ram->memory, false);
	expect(pair_hello(&bed->pair) > 0);
}

void pair_bed_close(struct pair_bed *bed)
{
	pair_close(&bed->pair);
	flatmem_free(&bed->ram);
}

int64_t pair_bed_release(struct pair_bed *bed, unsigned int first,
			 unsigned int blocks)
{
	uint64_t pfn = (RAM_ADDRESS >> BELLOWS_PAGE_SHIFT) +
		       first * BELLOWS_BLOCK_PAGES;
	unsigned int i;

	for (i = 0; i < blocks; i++)
		bed->pair.batch->range[i] =
			bellows_range(pfn + i * BELLOWS_BLOCK_PAGES,
				      BELLOWS_BLOCK_PAGES);

	return pair_release(&bed->pair, blocks);
}

bool host_is_there(void)
{
	return !access(HOST_DIR, F_OK);
}

const char *host_read_word(const char *path)
{
	static char word[128];
	char whole[PATH_MAX];
	FILE *file;

	word[0] = '\0';
	snprintf(whole, sizeof(whole), HOST_DIR "/%s", path);
	file = fopen(whole, "r");
	if (file) {
		if (fscanf(file, "%127s", word) != 1)
			word[0] = '\0';
		fclose(file);
	}

	return word;
}

int64_t host_read(const char *format, ...)
{
	char path[256];
	const char *word;
	va_list arguments;
	int64_t number;
	char *end;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	word = host_read_word(path);
	number = strtoll(word, &end, 0);

	return end == word ? -1 : number;
}

int host_write(const char *path, const char *value)
{
	char whole[PATH_MAX];
	int error = 0;
	int file;

	snprintf(whole, sizeof(whole), HOST_DIR "/%s", path);
	file = open(whole, O_WRONLY);
	if (file < 0)
		return errno;
	if (write(file, value, strlen(value)) < 0)
		error = errno;
	close(file);

	return error;
}

unsigned int host_guests(void)
{
	unsigned int count = 0;
	struct dirent *entry;
	DIR *directory;

	directory = opendir(HOST_DIR "/guests");
	if (!directory)
		return 0;
	while ((entry = readdir(directory)))
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(directory);

	return count;
}

const char *host_guest_path(const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "guests/%d/%s", getpid(), file);

	return path;
}

int pair_main(const struct ktap_test *tests, size_t count, int argc,
	      char **argv)
{
	if (!host_is_there()) {
		ktap_note("bellows_host is not loaded");
		return KTAP_EXIT_FAIL;
	}
	if (host_write("agent", "off")) {
		ktap_note("the agent cannot be switched off");
		return KTAP_EXIT_FAIL;
	}

	return ktap_main(tests, count, argc, argv);
}

bool wait_until(bool (*condition)(const void *data), const void *data)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (condition(data))
			return true;
		usleep(10000);
	}

	return condition(data);
}

static bool is_forgotten(const void *data)
{
	(void)data;

	return host_guests() == 0 && host_read("counters/guests") <= 0 &&
	       host_read("counters/pinned_pages") <= 0;
}

bool wait_forgotten(void)
{
	return wait_until(is_forgotten, NULL);
}
