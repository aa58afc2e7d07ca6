/*
 * The image: reads the tables behind it, does what they say, and prints what the processor answered.
 * A table is a sequence of 64-bit words: an operation and its arguments (see operate). It decides nothing itself:
 * what is written to memory and to the VMCS, and which code a guest runs, the tables say.
 */
#include "image.h"

enum { OP_END, OP_TEST, OP_POKE, OP_WATCH, OP_VMCS, OP_VMWRITE, OP_INVEPT, OP_INVVPID, OP_ENTER, OP_CODE };

extern u8 host_gates[], g64_vmcall[], g32_vmcall[], g64_back[];
void image_main(void);
void host_exception(u64 vector, u64 where);

u64 registers[12];
static u64 shadowed[SHADOWS];
static u64 shadows;
static int serial;
u8 tss[128] __attribute__((aligned(16)));
u64 host_idt[64] __attribute__((aligned(16)));
u64 guest_idt64[512] __attribute__((aligned(4096)));
u64 guest_idt32[4 * 256] __attribute__((aligned(4096)));
u8 guest_tss[128] __attribute__((aligned(256)));

static void put(char c) {
  out8(0xe9, c);
  if (!serial) return;
  for (int i = 0; i < 100000 && !(in8(0x3fd) & 0x20); i++) { }
  out8(0x3f8, c);
}
void text(const char *s) {
  while (*s) put(*s++);
}
void hex(u64 value) {
  int shift = 60;
  put(' ');
  while (shift > 0 && !(value >> shift & 15)) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}
void line_end(void) { put('\n'); }
static void stop(void) {
  for (const char *s = "Shutdown"; *s; s++) out8(0x8900, *s); /* Bochs */
  for (;;) asm volatile("cli; hlt");
}
void host_exception(u64 vector, u64 where) {
  text("X");
  hex(vector);
  hex(where);
  put('\n');
  stop();
}

static void set_gate(u64 *idt, int vector, u64 to) {
  idt[2 * vector] = (to & 0xffff) | 8 << 16 | 0x8eul << 40 | (to >> 16 & 0xffff) << 48;
  idt[2 * vector + 1] = to >> 32;
}

void use_syscall(void) {
  wrmsr(0xc0000081, 0x18ul << 48 | 8ul << 32); /* STAR, for SYSRET */
  wrmsr(0xc0000082, HIDDEN_LINEAR + (u64)g64_back); /* LSTAR, for SYSCALL */
  wrmsr(0xc0000084, 0);
}

static void load_host(void) {
  struct { u16 limit; u64 base; } __attribute__((packed)) idtr = {sizeof host_idt - 1, (u64)host_idt};
  for (int i = 0; i < 32; i++) set_gate(host_idt, i, (u64)host_gates + 16 * i);
  u64 base = (u64)tss;
  gdt[10] = 0x67 | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
  gdt[11] = base >> 32;
  asm volatile("lidt %0; ltr %1" ::"m"(idtr), "r"((u16)0x50));
  /* No interrupt of a device: both PICs masked. */
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
}

/*
 * Page tables of the guests' own code. Pages: 0 PML4, 1 PDPT and 2 PD of the upper half, 3 and 4 PDPTs that map
 * linear addresses below 1 TiB to themselves, 5 PD of PAE guests; without EPT the same, 8 pages on. 16, 17: the EPT
 * of HIDDEN_GPA. All flags are set already, and the code's mappings are global: MOV to CR3 leaves them.
 */
static void make_tables(void) {
  for (int set = 0; set < 2; set++) {
    u64 *page = (u64 *)(HIDDEN + set * 8 * 4096), gpa = set ? 0 : HIDDEN_GPA, at = (u64)page + gpa;
    page[511] = (at + 4096) | 0x27;
    page[0] = (at + 3 * 4096) | 0x27;
    page[1] = (at + 4 * 4096) | 0x27;
    page[512] = (at + 2 * 4096) | 0x27;
    page[512 + 3] = (gpa + (3ul << 30)) | 0x1e7; /* where the local APIC is */
    for (u64 i = 0; i < 512; i++) page[2 * 512 + i] = (gpa + (i << 21)) | 0x1e7;
    for (u64 i = 0; i < 1024; i++) page[3 * 512 + i] = (i << 30) | 0xe7;
    for (u64 i = 0; i < 512; i++) page[5 * 512 + i] = (gpa + (i << 21)) | 0x1e7;
  }
  u64 *ept = (u64 *)(HIDDEN + 16 * 4096);
  ept[0] = (HIDDEN + 17 * 4096) | second_table;
  ept[3] = 3ul << 30 | second_device;
  for (u64 i = 0; i < 512; i++) ept[512 + i] = (i << 21) | second_page;
  for (int i = 0; i < 256; i++) {
    set_gate(guest_idt64, i, HIDDEN_LINEAR + (u64)g64_vmcall);
    for (u64 h = 0; h < 4; h++) {
      u64 to = (h << 30) + (u64)g32_vmcall;
      guest_idt32[h * 256 + i] = (to & 0xffff) | 0x30 << 16 | 0x8eul << 40 | (to >> 16) << 48;
    }
  }
}

static void show_changes(void) {
  for (u64 i = 0; i < shadows; i++) {
    u64 *now = (u64 *)shadowed[i], *then = (u64 *)(SHADOW + i * 4096);
    for (int w = 0; w < 512; w++) {
      if (now[w] == then[w]) continue;
      text("W");
      hex((u64)&now[w]);
      hex(now[w]);
      put('\n');
      then[w] = now[w];
    }
  }
}

static void enter(const u64 *values) {
  for (int i = 0; i < 12; i++) registers[i] = values[i];
  enter_guest();
  show_changes();
}

static void poke(u64 where, u64 value) {
  *(u64 *)where = value;
  for (u64 i = 0; i < shadows; i++) {
    if (shadowed[i] == (where & -4096ul)) *(u64 *)(SHADOW + i * 4096 + (where & 4095)) = value;
  }
}

static void clear(u64 page) {
  for (int i = 0; i < 512; i++) ((u64 *)page)[i] = 0;
}

static void watch(u64 page) {
  if (shadows == SHADOWS) return;
  clear(page);
  clear(SHADOW + shadows * 4096);
  shadowed[shadows++] = page;
}

static void operate(const u64 *at) {
  for (;;) {
    u64 operation = *at++, n;
    switch (operation) {
      case OP_END:
        return;
      case OP_TEST: /* number */
        text("T");
        hex(*at++);
        put('\n');
        shadows = 0;
        forget_guests();
        break;
      case OP_POKE: /* count, then addresses and values */
        for (n = *at++; n > 0; n--, at += 2) poke(at[0], at[1]);
        break;
      case OP_CODE: /* count, then addresses and bytes: not watched */
        for (n = *at++; n > 0; n--, at += 2) *(u8 *)at[0] = at[1];
        break;
      case OP_WATCH: /* count, then pages: zeroed */
        for (n = *at++; n > 0; n--) watch(*at++);
        break;
      case OP_VMCS: /* number: becomes the current one */
        use_guest(*at++);
        break;
      case OP_VMWRITE: /* count, then encodings and values */
        for (n = *at++; n > 0; n--, at += 2) write_field(at[0], at[1]);
        break;
      case OP_INVEPT: /* type, EPT pointer */
        invalidate(0, at[0], at[1], 0, 1);
        at += 2;
        break;
      case OP_INVVPID: /* type, first and second word of the descriptor */
        invalidate(1, at[0], at[1], at[2], 1);
        at += 3;
        break;
      case OP_ENTER: /* 12 registers */
        enter(at);
        at += 12;
        break;
      default:
        text("X bad table\n");
        return;
    }
  }
}

static int has_addresses(void) {
  if ((cpuid(0x80000008, 0) & 0xff) < 40) return text("X physical addresses of less than 40 bits\n"), 0;
  if (!(cpuid(0x80000001, 3) >> 26 & 1)) return text("X no pages of 1 GiB\n"), 0;
  return 1;
}

void image_main(void) {
  out8(0x3f9, 0);
  out8(0x3fb, 0x80); /* 115,200 baud, 8N1 */
  out8(0x3f8, 1);
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fc, 3);
  serial = in8(0x3fd) != 0xff;
  load_host();
  if (!has_addresses() || !start_virtualization()) stop();
  make_tables();
  text("H");
  describe_processor();
  line_end();
  operate((const u64 *)TABLES);
  text("Z\n");
  stop();
}
