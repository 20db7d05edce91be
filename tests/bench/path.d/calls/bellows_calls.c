// SPDX-License-Identifier: GPL-2.0
/*
 * What the ways out of a guest cost it: loaded, it measures and says so, in
 * cycles, which are instructions where the host VM counts those.
 *
 * Registers and doorbells are those of the virtio device that all the test bed's
 * guests have for their console, which its driver has running: a doorbell is
 * rung for nothing, which no device minds.
 */
#define pr_fmt(fmt) "bellows_calls: " fmt

#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sort.h>
#include <linux/timex.h>
#include <linux/virtio_pci.h>
#include <uapi/linux/kvm_para.h>

#include <bellows/abi.h>

#define CALLS		501
/* Where firmware writes its progress: QEMU does nothing with it. */
#define POST_PORT	0x80
/* virtio-console as QEMU has it by default, with the registers of old and new. */
#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_CONSOLE	0x1003
/* Receives for the first port, and QEMU has nothing to give. */
#define QUEUE		0

static u64 cycles[CALLS];
static u8 __iomem *registers, *doorbell;
static unsigned long doorbell_port;

static long hypercall(unsigned long number)
{
	long result;

	/* AMD's instruction; the test bed emulates nothing else. */
	asm volatile("vmmcall"
		     : "=a" (result)
		     : "a" (number), "b" (0), "c" (0), "d" (0),
		       "S" (BELLOWS_HC_MAGIC)
		     : "memory");
	return result;
}

static void nothing(void)
{
}

static void ping(void)
{
	hypercall(BELLOWS_HC_BASE + BELLOWS_HC_PING);
}

/* KVM answers it, and has nothing to do for it. */
static void foreign(void)
{
	hypercall(KVM_HC_VAPIC_POLL_IRQ);
}

static void pio(void)
{
	outb(0, POST_PORT);
}

static void mmio(void)
{
	ioread8(registers + offsetof(struct virtio_pci_common_cfg,
				     device_status));
}

static void pio_doorbell(void)
{
	outw(QUEUE, doorbell_port);
}

static void mmio_doorbell(void)
{
	iowrite16(QUEUE, doorbell);
}

static int compare(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

/*
 * Each call by itself: what the host does between them, for a thread of QEMU
 * that a doorbell woke, is part of few, and least and median leave them out.
 * Leaves @cycles sorted.
 */
static void measure(void (*call)(void))
{
	unsigned long flags;
	u64 start;
	int i;

	call();
	for (i = 0; i < CALLS; i++) {
		local_irq_save(flags);
		start = get_cycles();
		call();
		cycles[i] = get_cycles() - start;
		local_irq_restore(flags);
	}
	sort(cycles, CALLS, sizeof(*cycles), compare, NULL);
}

static void say(const char *way, void (*call)(void))
{
	u64 least, median;

	measure(nothing);
	least = cycles[0];
	median = cycles[CALLS / 2];
	measure(call);
	pr_info("way %s %llu %llu\n", way, cycles[0] - least,
		cycles[CALLS / 2] - median);
}

/* Maps what the capability of @type says, or returns NULL. */
static u8 __iomem *map(struct pci_dev *dev, u8 wanted)
{
	u32 offset, length;
	u8 at, type, bar;

	for (at = pci_find_capability(dev, PCI_CAP_ID_VNDR); at;
	     at = pci_find_next_capability(dev, at, PCI_CAP_ID_VNDR)) {
		pci_read_config_byte(dev, at + VIRTIO_PCI_CAP_CFG_TYPE, &type);
		if (type != wanted)
			continue;
		pci_read_config_byte(dev, at + VIRTIO_PCI_CAP_BAR, &bar);
		pci_read_config_dword(dev, at + VIRTIO_PCI_CAP_OFFSET, &offset);
		pci_read_config_dword(dev, at + VIRTIO_PCI_CAP_LENGTH, &length);
		return ioremap(pci_resource_start(dev, bar) + offset, length);
	}
	return NULL;
}

static int __init bellows_calls_init(void)
{
	struct pci_dev *dev;
	int error = -ENODEV;

	dev = pci_get_device(VIRTIO_VENDOR, VIRTIO_CONSOLE, NULL);
	if (!dev)
		return error;
	doorbell_port = pci_resource_start(dev, 0) + VIRTIO_PCI_QUEUE_NOTIFY;
	registers = map(dev, VIRTIO_PCI_CAP_COMMON_CFG);
	doorbell = map(dev, VIRTIO_PCI_CAP_NOTIFY_CFG);
	pci_dev_put(dev);
	if (!registers || !doorbell)
		goto unmap;

	pr_info("answers %ld %ld\n", hypercall(BELLOWS_HC_BASE + BELLOWS_HC_PING),
		hypercall(KVM_HC_VAPIC_POLL_IRQ));
	say("ping", ping);
	say("foreign", foreign);
	say("pio", pio);
	say("mmio", mmio);
	say("pio-doorbell", pio_doorbell);
	say("mmio-doorbell", mmio_doorbell);
	error = 0;
unmap:
	if (registers)
		iounmap(registers);
	if (doorbell)
		iounmap(doorbell);
	return error;
}
module_init(bellows_calls_init);

/* It has nothing more to do. */
static void __exit bellows_calls_exit(void)
{
}
module_exit(bellows_calls_exit);

MODULE_DESCRIPTION("Cost of the ways out of a guest");
MODULE_AUTHOR("The Bellows developers");
MODULE_LICENSE("GPL");
