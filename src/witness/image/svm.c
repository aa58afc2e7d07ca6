/*
 * AMD's virtualization: VMCBs and nested paging (APM vol. 2 chapter 15, appendices B and C). Tables name a guest's state by the encodings of VMCS
 * fields; here is where a VMCB has it. What it prints is in the words of VMX, too, as far as VMX has them.
 */
#include "image.h"

const u64 second_table = 0x27, second_page = 0xe7, second_device = 0xff; /* P, W, U, A, D; PWT and PCD for devices */

void vm_enter(u64 *registers, u64 vmcb);
static u8 known[GUESTS_MAX];
static u8 *vmcb;

struct place { u16 encoding, offset, bytes; };
static const struct place places[] = {
  {0x0000, 0x058, 4}, /* ASID, as VPID */ {0x201a, 0x0b0, 8}, /* nested CR3 */ {0x4004, 0x008, 4}, /* exceptions */
  {0x6800, 0x558, 8}, /* CR0 */ {0x6802, 0x550, 8}, /* CR3 */ {0x681e, 0x578, 8}, /* RIP */ {0x681c, 0x5d8, 8}, /* RSP */
  {0x6820, 0x570, 8}, /* RFLAGS */ {0x681a, 0x560, 8}, /* DR7 */ {0x6816, 0x468, 8}, /* GDTR */ {0x4810, 0x464, 4},
  {0x6818, 0x488, 8}, /* IDTR */ {0x4812, 0x484, 4},
};
static u64 get(int offset, int bytes) {
  u64 value = 0;
  for (int i = 0; i < bytes; i++) value |= (u64)vmcb[offset + i] << 8 * i;
  return value;
}
static void set(int offset, int bytes, u64 value) {
  for (int i = 0; i < bytes; i++) vmcb[offset + i] = value >> 8 * i;
}

int start_virtualization(void) {
  if (!(cpuid(0x80000001, 2) & 1 << 2)) return text("X no SVM\n"), 0;
  if (rdmsr(0xc0010114) & 1 << 4) return text("X SVM is switched off in the firmware\n"), 0;
  if (!(cpuid(0x8000000a, 3) & 1)) return text("X no nested paging\n"), 0;
  wrmsr(0xc0000080, rdmsr(0xc0000080) | 1 << 12); /* EFER.SVME */
  wrmsr(0xc0010117, REGION);
  use_syscall();
  return 1;
}

void describe_processor(void) {
  hex(2);
  hex(cpuid(0x80000008, 0) & 0xff);
  hex(cpuid(0x8000000a, 3));
}

void forget_guests(void) {
  for (int i = 0; i < GUESTS_MAX; i++) known[i] = 0;
}

void use_guest(u64 number) {
  vmcb = (u8 *)(GUESTS + number * 4096);
  if (known[number]) return;
  known[number] = 1;
  for (int i = 0; i < 4096; i++) vmcb[i] = 0;
  set(0x008, 4, 0xffffffff); /* every exception exits */
  set(0x00c, 4, 3 | 1 << 24 | 1u << 31); /* INTR, NMI, HLT, shutdown */
  set(0x010, 4, 3); /* VMRUN, VMMCALL */
  set(0x668, 8, 0x0007040600070406); /* PAT */
}

/* Of ES, CS, SS, DS, FS, GS, LDTR, TR: the encodings of the first, and where their 16 bytes are. */
enum { SELECTOR, LIMIT, RIGHTS, BASE };
static const u16 segment_fields[] = {0x0800, 0x4800, 0x4814, 0x6806};
static const u16 segments[] = {0x400, 0x410, 0x420, 0x430, 0x440, 0x450, 0x470, 0x490};
#define SS 2

static void write_segment(int kind, u64 number, u64 value) {
  int at = segments[number], unusable = value >> 16 & 1;
  if (kind == SELECTOR) set(at, 2, value);
  if (kind == LIMIT) set(at + 4, 4, value);
  if (kind == BASE) set(at + 8, 8, value);
  if (kind == RIGHTS) set(at + 2, 2, unusable ? 0 : (value & 0xff) | (value >> 4 & 0xf00));
  if (kind == RIGHTS && number == SS) set(0x4cb, 1, value >> 5 & 3); /* CPL */
}

void write_field(u64 encoding, u64 value) {
  for (u64 i = 0; i < sizeof places / sizeof *places; i++) {
    if (places[i].encoding == encoding) return set(places[i].offset, places[i].bytes, value);
  }
  if (encoding == 0x6804) set(0x548, 8, value & ~(1ul << 13)); /* CR4 without VMXE */
  else if (encoding == 0x2806) set(0x4d0, 8, value | 1 << 12); /* EFER with SVME */
  else if (encoding == 0x401e) set(0x090, 8, 1 | (value >> 28 & 1) << 6); /* nested paging; read-only guest page tables */
  else if (encoding == 0x4824) set(0x068, 8, (value & 3) != 0); /* interrupt shadow */
  else if (encoding == 0x4016) set(0x0a8, 4, value); /* event, and its error code */
  else if (encoding == 0x4018) set(0x0ac, 4, value);
  for (int kind = SELECTOR; kind <= BASE; kind++) {
    u64 first = segment_fields[kind];
    if (encoding >= first && encoding < first + 16) write_segment(kind, (encoding - first) / 2, value);
  }
}

/* Everything is dropped at each entry. */
void invalidate(int vpid, u64 type, u64 first, u64 second, int shown) {
  (void)vpid, (void)type, (void)first, (void)second;
  if (shown) text("I 0 0\n");
}

#define VMMCALL 0x81
#define HLT 0x78
#define NESTED_PAGE_FAULT 0x400
#define OTHER 0x10000ul /* no reason of VMX */

void enter_guest(void) {
  set(0x05c, 1, 1); /* TLB_CONTROL: all */
  set(0x0c0, 4, 0); /* nothing is clean */
  set(0x5f8, 8, registers[0]);
  vm_enter(registers, (u64)vmcb);
  u64 code = get(0x070, 8), first = get(0x078, 8), second = get(0x080, 8);
  int exception = code >= 0x40 && code < 0x60, npf = code == NESTED_PAGE_FAULT;
  set(0x0a8, 8, 0);
  if ((u32)code == ~0u) return text("F 1 7\n");
  text("E");
  hex(exception ? 0 : code == VMMCALL ? 18 : code == HLT ? 12 : npf ? code : code | OTHER);
  hex(npf ? first : code == 0x4e ? second : 0);
  hex(npf ? second : 0);
  hex(0); /* no linear address */
  hex(get(0x088, 4));
  hex(get(0x08c, 4));
  hex(exception ? 0x80000300 | (code & 31) : 0);
  hex(exception ? first : 0);
  hex(get(0x068, 8) & 1);
  hex(get(0x570, 8));
  hex(get(0x578, 8));
  for (int i = 0; i < 5; i++) hex(0); /* no log, no PDPTEs */
  hex(get(0x550, 8));
  hex(0);
  hex(registers[8]);
  hex(registers[2]);
  line_end();
}
