/* Intel's virtualization: VMXON, VMCSs, EPT, PML. */
#include "image.h"

const u64 second_table = 0x507, second_page = 0x7b7, second_device = 0x787; /* RWX, A, D, user-execute; WB or uncached */

int vm_enter(u64 *registers, int launched);
static u8 launched[GUESTS_MAX];
static u64 current;

static inline void vmwrite(u64 field, u64 value) { asm volatile("vmwrite %1, %0" ::"r"(field), "r"(value) : "cc"); }
static inline u64 vmread(u64 field) {
  u64 value = 0;
  asm volatile("vmread %1, %0" : "+r"(value) : "r"(field) : "cc");
  return value;
}
/* 0, or how a VMX instruction failed: 1 with CF, 2 with ZF. */
#define VMX(result, instruction, ...)                                                            \
  asm volatile(instruction "; mov $0, %0; mov $1, %%edx; cmovc %%edx, %0; mov $2, %%edx; cmovz %%edx, %0" \
               : "=&r"(result) : __VA_ARGS__ : "cc", "memory", "edx")

int start_virtualization(void) {
  u64 control = rdmsr(0x3a), bits;
  if (!(cpuid(1, 2) & 1 << 5)) return text("X no VMX\n"), 0;
  if (!(control & 1)) wrmsr(0x3a, control | 5);
  else if (!(control & 4)) return text("X VMX is switched off in the firmware\n"), 0;
  asm volatile("mov %%cr4, %0" : "=r"(bits));
  bits |= 1 << 13 | rdmsr(0x488);
  asm volatile("mov %0, %%cr4" ::"r"(bits));
  asm volatile("mov %%cr0, %0" : "=r"(bits));
  bits |= rdmsr(0x486);
  asm volatile("mov %0, %%cr0" ::"r"(bits));
  u64 region = REGION;
  int failed;
  *(u32 *)region = rdmsr(0x480) & 0x7fffffff;
  VMX(failed, "vmxon %1", "m"(region));
  if (failed) return text("X VMXON failed\n"), 0;
  use_syscall();
  return 1;
}

static u64 with_required(u64 msr, u64 value) {
  if (rdmsr(0x480) >> 55 & 1 && msr != 0x48b) msr += 0xc;
  return value | (rdmsr(msr) & 0xffffffff);
}

/* A new VMCS: the state of the VMM, and what all guests have in common. */
static void host_state(void) {
  u64 cr;
  asm volatile("mov %%cr0, %0" : "=r"(cr));
  vmwrite(0x6c00, cr);
  asm volatile("mov %%cr3, %0" : "=r"(cr));
  vmwrite(0x6c02, cr);
  asm volatile("mov %%cr4, %0" : "=r"(cr));
  vmwrite(0x6c04, cr);
  vmwrite(0xc00, 0x10); /* ES CS SS DS FS GS TR */
  vmwrite(0xc02, 0x08);
  vmwrite(0xc04, 0x10);
  vmwrite(0xc06, 0x10);
  vmwrite(0xc0c, 0x50);
  vmwrite(0x6c0a, (u64)tss);
  vmwrite(0x6c0c, (u64)gdt);
  vmwrite(0x6c0e, (u64)host_idt);
  vmwrite(0x2c02, rdmsr(0xc0000080)); /* EFER */
  vmwrite(0x400c, with_required(0x483, 1 << 9 | 1 << 15 | 1 << 20 | 1 << 21));
  vmwrite(0x2800, ~0ul); /* VMCS link pointer */
  vmwrite(0x4004, ~0ul); /* every exception exits */
}

void use_guest(u64 number) {
  u64 region = GUESTS + number * 4096;
  int failed;
  current = number;
  if (launched[number] == 2) {
    *(u32 *)region = rdmsr(0x480) & 0x7fffffff;
    VMX(failed, "vmclear %1", "m"(region));
  }
  VMX(failed, "vmptrld %1", "m"(region));
  if (launched[number] == 2) {
    launched[number] = 0;
    host_state();
  }
}

void invalidate(int vpid, u64 type, u64 first, u64 second, int shown) {
  struct { u64 first, second; } descriptor = {first, second};
  int failed;
  if (vpid) VMX(failed, "invvpid %2, %1", "r"(type), "m"(descriptor));
  else VMX(failed, "invept %2, %1", "r"(type), "m"(descriptor));
  if (!shown) return;
  text("I");
  hex(failed);
  hex(failed ? vmread(0x4400) : 0);
  line_end();
}

static const u16 reported[] = {
  0x4402, /* reason */ 0x6400, /* qualification */ 0x2400, /* guest-physical address */ 0x640a, /* guest-linear */
  0x4408, /* IDT vectoring */ 0x440a, /* its error code */ 0x4404, /* interruption */ 0x4406, /* its error code */
  0x4824, /* interruptibility */ 0x6820, /* RFLAGS */ 0x681e, /* RIP */ 0x0812, /* PML index */
  0x280a, 0x280c, 0x280e, 0x2810, /* PDPTEs */ 0x6802, /* CR3 */ 0x4016, /* event to inject */
};

/*
 * A guest whose log is full is entered with index 0; its first store, which is logged, makes the index 0xffff. So its own
 * code is in the TLB before any access finds a full log: a processor that asks the index first would exit at that.
 */
static u64 before_wrap(void) {
  u64 *slot = (u64 *)vmread(0x200e);
  ((u64 *)(HIDDEN + 17 * 4096))[LOGGED >> 21] &= ~0x200ul;
  vmwrite(0x812, 0);
  return *slot;
}
static void after_wrap(u64 kept) {
  *(u64 *)vmread(0x200e) = kept;
  ((u64 *)(HIDDEN + 17 * 4096))[LOGGED >> 21] |= 0x200;
  if (!vmread(0x812)) vmwrite(0x812, 0xffff);
}

/* The local APIC of this processor; interrupts of the image go to itself. */
#define APIC 0xfee00000ul
#define VECTOR 0x40
static volatile u32 *apic(u64 at) { return (volatile u32 *)(APIC + at); }
static int enter_with(u64 pending) {
  *apic(0x310) = *apic(0x20) & 0xff000000; /* a guest that sends an NMI sends it to this processor */
  if (pending & 16) {
    *apic(0xf0) |= 0x100;
    *apic(0x300) = VECTOR | 1 << 14;
    while (*apic(0x300) & 1 << 12) { }
  }
  int failed = vm_enter(registers, launched[current]);
  if (pending & 16) *apic(0xb0) = 0; /* the exit has acknowledged it */
  return failed;
}

void enter_guest(void) {
  u64 wraps = registers[7] & 8, kept = wraps ? before_wrap() : 0;
  /* Nothing may be cached: which translations a processor keeps is its own affair. */
  invalidate(0, 2, 0, 0, 0);
  invalidate(1, 2, 0, 0, 0);
  host_iret();
  int failed = enter_with(registers[7]);
  u64 error = failed ? vmread(0x4400) : 0;
  if (wraps) after_wrap(kept);
  if (failed) {
    text("F");
    hex(failed);
    hex(error);
  } else {
    if (!(vmread(0x4402) >> 31)) launched[current] = 1;
    text("E");
    for (u64 i = 0; i < sizeof reported / sizeof *reported; i++) hex(vmread(reported[i]));
    hex(registers[8]);
    hex(registers[2]);
  }
  line_end();
}

/* Control fields get the bits that this processor requires. */
void write_field(u64 field, u64 value) {
  if (field == 0x4000) value = with_required(0x481, value);
  if (field == 0x4002) value = with_required(0x482, value);
  if (field == 0x401e) value = with_required(0x48b, value);
  if (field == 0x4012) value = with_required(0x484, value);
  vmwrite(field, value);
}

void forget_guests(void) {
  for (int i = 0; i < GUESTS_MAX; i++) launched[i] = 2;
}

void describe_processor(void) {
  hex(1);
  hex(cpuid(0x80000008, 0) & 0xff);
  hex(rdmsr(0x48c));
  for (u64 msr = 0x481; msr <= 0x484; msr++) hex(rdmsr(msr));
  hex(rdmsr(0x48b));
  hex(rdmsr(0x480));
}
