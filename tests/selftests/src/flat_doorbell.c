// SPDX-License-Identifier: GPL-2.0
/*
 * The doorbell: the guest publishes an interrupt message in its half of the
 * shared page, and the host sends it whenever it has written its own half.
 */
#include "pair.h"

#include <stdio.h>
#include <string.h>

#define VECTOR		0x51
#define OTHER_VECTOR	0x62
#define MIB		(1024 * 1024LL)

static void publish(struct pair *pair, uint64_t address, uint32_t message)
{
	struct bellows_guest_half *guest = pair_begin_write(pair);

	guest->flags |= BELLOWS_GUEST_DOORBELL;
	guest->doorbell_address = address;
	guest->doorbell_data = message;
	pair_end_write(pair);
}

static void set_target(int64_t mib)
{
	char text[32];

	snprintf(text, sizeof(text), "%lldM", (long long)mib);
	expect_equal(host_write(host_guest_path("target"), text), 0);
	expect_equal(host_read("%s", host_guest_path("target")), mib * MIB);
}

static void take_interrupts(struct pair *pair)
{
	flatvm_take_interrupts(pair->vm, 0);
	flatvm_take_interrupts(pair->vm, 1);
}

static void a_target_rings(const void *data)
{
	const struct bellows_host_half *host;
	struct pair pair;
	uint32_t seq;

	(void)data;
	pair_open(&pair, 2);
	host = &pair.shared->host;
	pair_hello(&pair);
	publish(&pair, MSI_ADDRESS(0), MSI_DATA(VECTOR));
	seq = host->seq;
	expect_equal(seq & 1, 0);

	set_target(24);
	expect_equal(host->target_pages, 24 * MIB / BELLOWS_PAGE_SIZE);
	expect_equal(host->reason, BELLOWS_REASON_MANUAL);
	expect_equal(host->nr_nodes, 0);
	expect_equal(host->nr_hints, 0);
	expect(host->seq != seq);
	expect_equal(host->seq & 1, 0);
	take_interrupts(&pair);
	expect_equal(flatvm_interrupts(pair.vm, VECTOR), 1);
	expect_equal(flatvm_interrupts_all(pair.vm), 1);
	expect(!strcmp(host_read_word(host_guest_path("doorbell")), "valid"));
	expect(!strcmp(host_read_word(host_guest_path("target_mode")),
		       "manual"));
	pair_close(&pair);
}

static void every_target_rings(const void *data)
{
	int64_t doorbells = host_read("counters/doorbells");
	struct pair pair;
	int i;

	(void)data;
	pair_open(&pair, 2);
	pair_hello(&pair);
	publish(&pair, MSI_ADDRESS(0), MSI_DATA(VECTOR));
	for (i = 1; i <= 50; i++) {
		set_target(i);
		take_interrupts(&pair);
		expect_equal(flatvm_interrupts(pair.vm, VECTOR), i);
	}
	expect_equal(host_read("counters/doorbells"), doorbells + 50);
	pair_close(&pair);
}

/* As when the interrupt's affinity changes: another CPU, another vector. */
static void a_changed_message_is_followed(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 2);
	pair_hello(&pair);
	publish(&pair, MSI_ADDRESS(0), MSI_DATA(VECTOR));
	set_target(8);
	publish(&pair, MSI_ADDRESS(1), MSI_DATA(OTHER_VECTOR));
	set_target(16);

	flatvm_take_interrupts(pair.vm, 0);
	expect_equal(flatvm_interrupts(pair.vm, VECTOR), 1);
	expect_equal(flatvm_interrupts(pair.vm, OTHER_VECTOR), 0);
	flatvm_take_interrupts(pair.vm, 1);
	expect_equal(flatvm_interrupts(pair.vm, OTHER_VECTOR), 1);
	expect_equal(flatvm_interrupts_all(pair.vm), 2);
	pair_close(&pair);
}

static void no_message_no_interrupt(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 2);
	pair_begin_write(&pair)->doorbell_address = MSI_ADDRESS(0);
	pair.shared->guest.doorbell_data = MSI_DATA(VECTOR);
	pair_end_write(&pair);
	pair_hello(&pair);
	set_target(8);
	take_interrupts(&pair);
	expect_equal(flatvm_interrupts_all(pair.vm), 0);
	expect_equal(pair.shared->host.target_pages, 8 * MIB / BELLOWS_PAGE_SIZE);
	expect(!strcmp(host_read_word(host_guest_path("doorbell")), "none"));
	pair_close(&pair);
}

/* Whatever the message says, it can only ring in the guest that published it. */
static void forged_messages_do_no_harm(const void *data)
{
	static const struct {
		uint64_t address;
		uint32_t message;
	} forged[] = {
		{ 0, 0 }, { 0, -1 }, { -1ULL, -1 }, { 0xfee00000, 0xffffffff },
		{ MSI_ADDRESS(0xff), MSI_DATA(VECTOR) },
		{ MSI_ADDRESS(3), MSI_DATA(VECTOR) },
		{ 0xfffffffffee00000ULL, MSI_DATA(VECTOR) },
		{ MSI_ADDRESS(0), 0 }, { MSI_ADDRESS(0), 15 },
		{ 0x10000000, MSI_DATA(VECTOR) },
		{ MSI_ADDRESS(0) | 0xffc, MSI_DATA(VECTOR) | 0xff00 },
	};
	struct pair pair, bystander;
	unsigned int before;
	size_t i;

	(void)data;
	pair_open(&pair, 2);
	pair_open(&bystander, 2);
	pair_hello(&pair);
	pair_hello(&bystander);
	for (i = 0; i < ARRAY_SIZE(forged); i++) {
		publish(&pair, forged[i].address, forged[i].message);
		set_target(1 + i);
	}
	take_interrupts(&bystander);
	expect_equal(flatvm_interrupts_all(bystander.vm), 0);

	/* And the next true one arrives. INIT may have stopped the vCPUs. */
	before = flatvm_interrupts_all(pair.vm);
	ktap_note("%u interrupts came of it so far", before);
	expect(pair_call(&pair, BELLOWS_HC_PING, 0, 0, 0) > 0);
	publish(&pair, MSI_ADDRESS(0), MSI_DATA(VECTOR));
	before = flatvm_interrupts(pair.vm, VECTOR);
	set_target(20);
	flatvm_take_interrupts(pair.vm, 0);
	expect(flatvm_interrupts(pair.vm, VECTOR) > before);
	flatvm_free(bystander.vm);
	pair_close(&pair);
}

static void a_hand_set_target_survives_hello(const void *data)
{
	struct pair pair;

	(void)data;
	pair_open(&pair, 1);
	pair_hello(&pair);
	set_target(12);
	memset(&pair.shared->host, 0, sizeof(pair.shared->host));
	pair_hello(&pair);
	expect_equal(pair.shared->host.target_pages,
		     12 * MIB / BELLOWS_PAGE_SIZE);
	pair_close(&pair);
}

static void nonsense_targets_are_refused(const void *data)
{
	static const char * const nonsense[] = {
		"", "-1", "x", "1x", "99999999999999999999", "1 2", "1000000M",
		"101%",
	};
	struct pair pair;
	size_t i;

	(void)data;
	pair_open(&pair, 1);
	pair_hello(&pair);
	set_target(12);
	for (i = 0; i < ARRAY_SIZE(nonsense); i++) {
		/* An empty write never gets as far as the module. */
		if (*nonsense[i])
			expect_note(host_write(host_guest_path("target"),
					       nonsense[i]) == 22,
				    "'%s' was taken for a target", nonsense[i]);
		expect_equal(host_read("%s", host_guest_path("target")),
			     12 * MIB);
	}
	pair_close(&pair);
}

static const struct ktap_test tests[] = {
	{ "a-target-rings", a_target_rings, NULL },
	{ "every-target-rings", every_target_rings, NULL },
	{ "a-changed-message-is-followed", a_changed_message_is_followed,
	  NULL },
	{ "no-message-no-interrupt", no_message_no_interrupt, NULL },
	{ "forged-messages-do-no-harm", forged_messages_do_no_harm, NULL },
	{ "a-hand-set-target-survives-hello", a_hand_set_target_survives_hello,
	  NULL },
	{ "nonsense-targets-are-refused", nonsense_targets_are_refused, NULL },
};

int main(int argc, char **argv)
{
	return pair_main(tests, ARRAY_SIZE(tests), argc, argv);
}
