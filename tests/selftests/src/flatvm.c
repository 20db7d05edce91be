// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine with no operating system in it. See flatvm.h.
 *
 * The vCPUs never decide anything: before each run the test's process sets all
 * registers, RIP among them, to one of the instruction sequences below; each
 * ends in an I/O instruction, which brings the process back.
 */
#include "flatvm.h"
#include "ktap.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The machine's own memory, one page each where nothing else is said. */
#define CODE		0x1000
#define GDT		0x2000
#define IDT		0x3000
#define PML4		0x4000
#define PDPT		0x5000
#define PAGE_DIRECTORY	0x6000	/* four pages: 4 GiB in 2 MiB pages */
#define COUNTERS	0xa000	/* interrupts taken, by vector */
#define STACKS		0xb000	/* a page for each vCPU */
#define STUBS		0x14000	/* 16 bytes for each vector */

#define PAGE		4096
#define VECTORS		256
#define FIRST_INTERRUPT	32
#define STUB_SIZE	16

#define PORT_DONE	0xf0	/* the sequence ran to its end */
#define PORT_EXCEPTION	0xf1	/* AL: the vector */

#define SELECTOR_CODE64	0x08
#define SELECTOR_DATA	0x10
#define SELECTOR_CODE32	0x18
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_USER_DATA 0x2b

#define CR0_PROTECTED	0x00000031ULL	/* PE, ET, NE */
#define CR0_PAGING	0x80000000ULL
#define CR4_PAE		0x00000020ULL
#define EFER_LONG_MODE	0x00000500ULL	/* LME, LMA */
#define APIC_BASE_X2APIC 0x400ULL
#define APIC_SPURIOUS	0xf0
#define APIC_ENABLED	0x1ff
#define RFLAGS_ALWAYS	0x2ULL
#define RFLAGS_IOPL3	0x3000ULL

struct vcpu {
	int fd;
	struct kvm_run *run;
	struct kvm_sregs kernel_mode;
};

struct flatvm {
	int kvm_fd;
	int fd;
	size_t run_size;
	void *control;
	enum flatvm_mode mode;
	unsigned int vcpus;
	struct vcpu vcpu[FLATVM_VCPUS_MAX];
};

/*
 * The sequences. All but the last are position independent and mean the same
 * in 32-bit code, save those that name 64-bit registers.
 */
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "flatvm_code:\n"
    "flatvm_code_vmmcall:\n"
    "	vmmcall\n"
    "	out %al, $0xf0\n"
    "flatvm_code_vmcall:\n"
    "	vmcall\n"
    "	out %al, $0xf0\n"
    "flatvm_code_read:\n"
    "	mov (%rbx), %rax\n"
    "	out %al, $0xf0\n"
    "flatvm_code_write:\n"
    "	mov %rcx, (%rbx)\n"
    "	out %al, $0xf0\n"
    "flatvm_code_interrupts:\n"
    "	sti\n"
    "	.rept 16\n"
    "	nop\n"
    "	.endr\n"
    "	cli\n"
    "	out %al, $0xf0\n"
    /* End of interrupt: every stub goes on here. */
    "flatvm_code_eoi:\n"
    "	mov $0x80b, %ecx\n"
    "	xor %eax, %eax\n"
    "	xor %edx, %edx\n"
    "	wrmsr\n"
    "	iretq\n"
    "flatvm_code_end:\n"
    ".popsection\n");

extern const uint8_t flatvm_code[], flatvm_code_vmmcall[], flatvm_code_vmcall[],
	flatvm_code_read[], flatvm_code_write[], flatvm_code_interrupts[],
	flatvm_code_eoi[], flatvm_code_end[];

static uint64_t code_address(const uint8_t *label)
{
	return CODE + (uint64_t)(label - flatvm_code);
}

void die(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	printf("Bail out! ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf(": %s\n", strerror(error));
	exit(KTAP_EXIT_FAIL);
}

void *flatvm_control(struct flatvm *vm, uint64_t address)
{
	return (char *)vm->control + address;
}

static void make_page_tables(struct flatvm *vm)
{
	const uint64_t table = 0x7, large = 0x87; /* present, writable, user */
	uint64_t *directory = flatvm_control(vm, PAGE_DIRECTORY);
	uint64_t *pointers = flatvm_control(vm, PDPT);
	uint64_t i;

	*(uint64_t *)flatvm_control(vm, PML4) = PDPT | table;
	for (i = 0; i < 4; i++)
		pointers[i] = (PAGE_DIRECTORY + i * PAGE) | table;
	for (i = 0; i < 4 * 512; i++)
		directory[i] = i << 21 | large;
}

static void make_segments(struct flatvm *vm)
{
	uint64_t *gdt = flatvm_control(vm, GDT);

	gdt[SELECTOR_CODE64 / 8] = 0x00af9b000000ffffULL;
	gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffffULL;
	gdt[SELECTOR_CODE32 / 8] = 0x00cf9b000000ffffULL;
}

/* An interrupt is counted and ends there; an exception ends the run. */
static void make_stub(uint8_t *stub, unsigned int vector)
{
	uint32_t counter = COUNTERS + vector * sizeof(uint32_t);
	uint32_t here = STUBS + vector * STUB_SIZE;
	uint32_t jump = code_address(flatvm_code_eoi) - (here + 13);
	const uint8_t exception[] = {
		0xb0, vector,			/* mov $vector, %al */
		0xe6, PORT_EXCEPTION,		/* out %al, $PORT_EXCEPTION */
	};
	const uint8_t interrupt[] = {
		0xf0, 0xff, 0x04, 0x25,		/* lock incl counter */
		counter, counter >> 8, counter >> 16, counter >> 24,
		0xe9,				/* jmp flatvm_code_eoi */
		jump, jump >> 8, jump >> 16, jump >> 24,
	};

	if (vector < FIRST_INTERRUPT)
		memcpy(stub, exception, sizeof(exception));
	else
		memcpy(stub, interrupt, sizeof(interrupt));
}

static void make_interrupt_table(struct flatvm *vm)
{
	uint64_t *idt = flatvm_control(vm, IDT);
	uint8_t *stubs = flatvm_control(vm, STUBS);
	uint64_t vector, address;

	for (vector = 0; vector < VECTORS; vector++) {
		make_stub(stubs + vector * STUB_SIZE, vector);
		address = STUBS + vector * STUB_SIZE;
		idt[2 * vector] = (address & 0xffff) | SELECTOR_CODE64 << 16 |
				  0x8e00ULL << 32 | (address >> 16) << 48;
		idt[2 * vector + 1] = 0;
	}
}

static void set_cpuid(struct flatvm *vm, struct vcpu *vcpu)
{
	const unsigned int entries = 256;
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + entries * sizeof(*cpuid->entries));
	if (!cpuid)
		die("allocating CPUID leaves");
	cpuid->nent = entries;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		die("KVM_GET_SUPPORTED_CPUID");
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		die("KVM_SET_CPUID2");
	free(cpuid);
}

static void enable_apic(struct vcpu *vcpu)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint32_t spurious = APIC_ENABLED;
	struct kvm_lapic_state apic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &apic))
		die("KVM_GET_LAPIC");
	memcpy(&apic.regs[APIC_SPURIOUS], &spurious, sizeof(spurious));
	if (ioctl(vcpu->fd, KVM_SET_LAPIC, &apic))
		die("KVM_SET_LAPIC");
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &state))
		die("KVM_SET_MP_STATE");
}

static void set_kernel_mode(struct kvm_sregs *sregs)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = SELECTOR_CODE64, .type = 11,
		.present = 1, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = SELECTOR_DATA, .type = 3,
		.present = 1, .s = 1, .db = 1, .g = 1,
	};

	sregs->cs = code;
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->gdt.base = GDT;
	sregs->gdt.limit = PAGE - 1;
	sregs->idt.base = IDT;
	sregs->idt.limit = PAGE - 1;
	sregs->cr0 = CR0_PROTECTED | CR0_PAGING;
	sregs->cr3 = PML4;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LONG_MODE;
	sregs->apic_base |= APIC_BASE_X2APIC;
}

static void make_vcpu(struct flatvm *vm, unsigned int number)
{
	struct vcpu *vcpu = &vm->vcpu[number];

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, number);
	if (vcpu->fd < 0)
		die("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die("mapping a vCPU");

	set_cpuid(vm, vcpu);
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &vcpu->kernel_mode))
		die("KVM_GET_SREGS");
	set_kernel_mode(&vcpu->kernel_mode);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &vcpu->kernel_mode))
		die("KVM_SET_SREGS");
	enable_apic(vcpu);
}

struct flatvm *flatvm_new(unsigned int vcpus)
{
	struct flatvm *vm = calloc(1, sizeof(*vm));
	unsigned int i;
	int size;

	if (!vm)
		die("allocating a machine");

	vm->vcpus = vcpus;
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		die("opening /dev/kvm");
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		die("KVM_GET_VCPU_MMAP_SIZE");
	vm->run_size = size;
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		die("KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL))
		die("KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		die("KVM_CREATE_IRQCHIP");

	vm->control = mmap(NULL, FLATVM_CONTROL_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->control == MAP_FAILED)
		die("mapping the machine's own memory");
	memcpy(flatvm_control(vm, CODE), flatvm_code,
	       flatvm_code_end - flatvm_code);
	make_page_tables(vm);
	make_segments(vm);
	make_interrupt_table(vm);
	flatvm_set_slot(vm, 0, 0, FLATVM_CONTROL_SIZE, vm->control, false);

	for (i = 0; i < vcpus; i++)
		make_vcpu(vm, i);

	return vm;
}

void flatvm_close(struct flatvm *vm)
{
	unsigned int i;

	if (vm->fd < 0)
		return;

	for (i = 0; i < vm->vcpus; i++) {
		munmap(vm->vcpu[i].run, vm->run_size);
		close(vm->vcpu[i].fd);
	}
	close(vm->fd);
	close(vm->kvm_fd);
	vm->fd = -1;
}

void flatvm_free(struct flatvm *vm)
{
	flatvm_close(vm);
	munmap(vm->control, FLATVM_CONTROL_SIZE);
	free(vm);
}

void flatvm_set_slot(struct flatvm *vm, unsigned int slot, uint64_t address,
		     uint64_t size, void *memory, bool readonly)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = address,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION, slot %u", slot);
}

void flatvm_set_mode(struct flatvm *vm, enum flatvm_mode mode)
{
	struct kvm_sregs sregs = vm->vcpu[0].kernel_mode;

	switch (mode) {
	case FLATVM_KERNEL:
		break;
	case FLATVM_USER:
		sregs.cs.selector = SELECTOR_USER_CODE;
		sregs.cs.dpl = 3;
		sregs.ss.selector = SELECTOR_USER_DATA;
		sregs.ss.dpl = 3;
		break;
	case FLATVM_PROTECTED:
		sregs.cr0 = CR0_PROTECTED;
		sregs.cr4 = 0;
		sregs.efer = 0;
		/* fall through */
	case FLATVM_COMPAT:
		sregs.cs.selector = SELECTOR_CODE32;
		sregs.cs.l = 0;
		sregs.cs.db = 1;
		break;
	}
	vm->mode = mode;
	if (ioctl(vm->vcpu[0].fd, KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS, mode %d", mode);
}

/*
 * Runs one sequence to its end. @regs goes in, RAX to RSI chosen by the caller,
 * and comes out as the guest left it. False when an exception came instead; RAX
 * then says which.
 */
static bool run(struct flatvm *vm, unsigned int number, const uint8_t *code,
		struct kvm_regs *regs)
{
	struct vcpu *vcpu = &vm->vcpu[number];
	uint8_t *data;

	regs->rip = code_address(code);
	regs->rsp = STACKS + (number + 1) * PAGE - 16;
	regs->rflags = RFLAGS_ALWAYS;
	if (vm->mode == FLATVM_USER && number == 0)
		regs->rflags |= RFLAGS_IOPL3;
	if (ioctl(vcpu->fd, KVM_SET_REGS, regs))
		die("KVM_SET_REGS");

	while (ioctl(vcpu->fd, KVM_RUN, 0))
		if (errno != EINTR && errno != EAGAIN)
			die("KVM_RUN");

	if (vcpu->run->exit_reason != KVM_EXIT_IO) {
		errno = 0;
		die("vCPU %u left with exit reason %u, suberror %u", number,
		    vcpu->run->exit_reason, vcpu->run->internal.suberror);
	}
	if (ioctl(vcpu->fd, KVM_GET_REGS, regs))
		die("KVM_GET_REGS");
	if (vcpu->run->io.port == PORT_DONE)
		return true;

	data = (uint8_t *)vcpu->run + vcpu->run->io.data_offset;
	regs->rax = FLATVM_EXCEPTION(*data);

	return false;
}

static const uint8_t *hypercall_code(void)
{
	unsigned int eax, ebx = 0, ecx = 0, edx = 0;

	__cpuid(0, eax, ebx, ecx, edx);

	return ebx == signature_INTEL_ebx ? flatvm_code_vmcall :
					    flatvm_code_vmmcall;
}

uint64_t flatvm_hypercall_on(struct flatvm *vm, unsigned int vcpu,
			     uint64_t number, uint64_t rbx, uint64_t rcx,
			     uint64_t rdx, uint64_t rsi)
{
	const uint64_t canary = 0x0123456789abcdefULL;
	struct kvm_regs regs = {
		.rax = number, .rbx = rbx, .rcx = rcx, .rdx = rdx, .rsi = rsi,
		.rdi = canary, .rbp = canary, .r8 = canary, .r9 = canary,
		.r10 = canary, .r11 = canary, .r12 = canary, .r13 = canary,
		.r14 = canary, .r15 = canary,
	};
	struct kvm_regs before = regs;

	if (!run(vm, vcpu, hypercall_code(), &regs))
		return regs.rax;
	if (vm->mode != FLATVM_KERNEL)
		return regs.rax;

	before.rax = regs.rax;
	before.rip = regs.rip;
	before.rsp = regs.rsp;
	before.rflags = regs.rflags;
	expect_note(!memcmp(&before, &regs, sizeof(regs)),
		    "hypercall %#llx changed another register than RAX",
		    (unsigned long long)number);

	return regs.rax;
}

uint64_t flatvm_hypercall(struct flatvm *vm, uint64_t number, uint64_t rbx,
			  uint64_t rcx, uint64_t rdx, uint64_t rsi)
{
	return flatvm_hypercall_on(vm, 0, number, rbx, rcx, rdx, rsi);
}

uint64_t flatvm_read(struct flatvm *vm, uint64_t address)
{
	struct kvm_regs regs = { .rbx = address };

	if (!run(vm, 0, flatvm_code_read, &regs))
		die("the guest took an exception reading %#llx",
		    (unsigned long long)address);

	return regs.rax;
}

void flatvm_write(struct flatvm *vm, uint64_t address, uint64_t value)
{
	struct kvm_regs regs = { .rbx = address, .rcx = value };

	if (!run(vm, 0, flatvm_code_write, &regs))
		die("the guest took an exception writing %#llx",
		    (unsigned long long)address);
}

void flatvm_take_interrupts(struct flatvm *vm, unsigned int vcpu)
{
	struct kvm_regs regs = { 0 };

	if (!run(vm, vcpu, flatvm_code_interrupts, &regs))
		die("vCPU %u took exception %#llx, not an interrupt", vcpu,
		    (unsigned long long)regs.rax);
}

static const uint32_t *counters(const struct flatvm *vm)
{
	return (const uint32_t *)((const char *)vm->control + COUNTERS);
}

unsigned int flatvm_interrupts(const struct flatvm *vm, uint8_t vector)
{
	return __atomic_load_n(&counters(vm)[vector], __ATOMIC_RELAXED);
}

unsigned int flatvm_interrupts_all(const struct flatvm *vm)
{
	unsigned int vector, sum = 0;

	for (vector = FIRST_INTERRUPT; vector < VECTORS; vector++)
		sum += flatvm_interrupts(vm, vector);

	return sum;
}
