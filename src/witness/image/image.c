/*
 * The image: reads the tables behind it, does what they say with VMX, and prints what the processor answered.
 * A table is a sequence of 64-bit words: an operation and its arguments (see operate). It decides nothing itself:
 * what is written to memory and to the VMCS, and which code a guest runs, the tables say.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

/* Physical memory. The tables follow the program; whoever writes them knows these numbers (../layout.ts). */
#define TABLES 0x220000ul
#define HIDDEN 0x1200000ul /* page tables of the guests' own code, with EPT and without */
#define VMXON 0x1300000ul
#define VMCS 0x1301000ul /* one page each */
#define VMCS_COUNT 16
#define SHADOW 0x3000000ul /* copies of the frames that are watched */
#define SHADOWS 4096
/* A page of the guests' own that they store to in order to have the store logged: nothing else is in its 2 MiB. */
#define LOGGED 0x1400000ul
/* Guest-physical address of physical 0, for the guests' own code: it fits into 40 bits. */
#define HIDDEN_GPA 0x8000000000ul
/* Linear address of physical 0, in long mode. */
#define HIDDEN_LINEAR 0xffffff8000000000ul

enum { OP_END, OP_TEST, OP_POKE, OP_WATCH, OP_VMCS, OP_VMWRITE, OP_INVEPT, OP_INVVPID, OP_ENTER, OP_CODE };

extern u8 host_gates[], g64_vmcall[], g32_vmcall[], g64_back[];
extern u64 gdt[];
int vm_enter(u64 *registers, int launched);
void host_iret(void);
void image_main(void);
void host_exception(u64 vector, u64 where);

static u64 shadowed[SHADOWS];
static u64 shadows;
static u64 registers[12];
static u8 launched[VMCS_COUNT];
static u64 current;
static int serial;
static u8 tss[128] __attribute__((aligned(16)));
static u64 host_idt[64] __attribute__((aligned(16)));
u64 guest_idt64[512] __attribute__((aligned(4096)));
u64 guest_idt32[4 * 256] __attribute__((aligned(4096)));
u8 guest_tss[128] __attribute__((aligned(256)));

static inline void out8(u16 port, u8 value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline u8 in8(u16 port) {
  u8 value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
static inline u64 rdmsr(u32 number) {
  u32 low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return low | (u64)high << 32;
}
static inline void wrmsr(u32 number, u64 value) {
  asm volatile("wrmsr" ::"a"((u32)value), "d"((u32)(value >> 32)), "c"(number));
}
static inline u32 cpuid(u32 leaf, int which) {
  u32 r[4];
  asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
  return r[which];
}
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

static void put(char c) {
  out8(0xe9, c);
  if (!serial) return;
  for (int i = 0; i < 100000 && !(in8(0x3fd) & 0x20); i++) { }
  out8(0x3f8, c);
}
static void text(const char *s) {
  while (*s) put(*s++);
}
static void hex(u64 value) {
  int shift = 60;
  put(' ');
  while (shift > 0 && !(value >> shift & 15)) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}
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
  ept[0] = (HIDDEN + 17 * 4096) | 0x507;
  ept[3] = 3ul << 30 | 0x787; /* uncached */
  for (u64 i = 0; i < 512; i++) ept[512 + i] = (i << 21) | 0x7b7; /* RWX, WB, large, A, D, user-execute */
  for (int i = 0; i < 256; i++) {
    set_gate(guest_idt64, i, HIDDEN_LINEAR + (u64)g64_vmcall);
    for (u64 h = 0; h < 4; h++) {
      u64 to = (h << 30) + (u64)g32_vmcall;
      guest_idt32[h * 256 + i] = (to & 0xffff) | 0x30 << 16 | 0x8eul << 40 | (to >> 16) << 48;
    }
  }
}

static int start_vmx(void) {
  if ((cpuid(0x80000008, 0) & 0xff) < 40) return text("X physical addresses of less than 40 bits\n"), 0;
  if (!(cpuid(0x80000001, 3) >> 26 & 1)) return text("X no pages of 1 GiB\n"), 0;
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
  u64 region = VMXON;
  int failed;
  *(u32 *)region = rdmsr(0x480) & 0x7fffffff;
  VMX(failed, "vmxon %1", "m"(region));
  if (failed) return text("X VMXON failed\n"), 0;
  wrmsr(0xc0000081, 0x18ul << 48 | 8ul << 32); /* STAR, for SYSRET */
  wrmsr(0xc0000082, HIDDEN_LINEAR + (u64)g64_back); /* LSTAR, for SYSCALL */
  wrmsr(0xc0000084, 0);
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

static void use_vmcs(u64 number) {
  u64 region = VMCS + number * 4096;
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

static void invalidate(int vpid, u64 type, u64 first, u64 second, int shown) {
  struct { u64 first, second; } descriptor = {first, second};
  int failed;
  if (vpid) VMX(failed, "invvpid %2, %1", "r"(type), "m"(descriptor));
  else VMX(failed, "invept %2, %1", "r"(type), "m"(descriptor));
  if (!shown) return;
  text("I");
  hex(failed);
  hex(failed ? vmread(0x4400) : 0);
  put('\n');
}

static const u16 reported[] = {
  0x4402, /* reason */ 0x6400, /* qualification */ 0x2400, /* guest-physical address */ 0x640a, /* guest-linear */
  0x4408, /* IDT vectoring */ 0x440a, /* its error code */ 0x4404, /* interruption */ 0x4406, /* its error code */
  0x4824, /* interruptibility */ 0x6820, /* RFLAGS */ 0x681e, /* RIP */ 0x0812, /* PML index */
  0x280a, 0x280c, 0x280e, 0x2810, /* PDPTEs */ 0x6802, /* CR3 */ 0x4016, /* event to inject */
};

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

static void enter(const u64 *values) {
  for (int i = 0; i < 12; i++) registers[i] = values[i];
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
  put('\n');
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

/* Control fields get the bits that this processor requires. */
static u64 adjusted(u64 field, u64 value) {
  if (field == 0x4000) return with_required(0x481, value);
  if (field == 0x4002) return with_required(0x482, value);
  if (field == 0x401e) return with_required(0x48b, value);
  if (field == 0x4012) return with_required(0x484, value);
  return value;
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
        for (int i = 0; i < VMCS_COUNT; i++) launched[i] = 2;
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
        use_vmcs(*at++);
        break;
      case OP_VMWRITE: /* count, then encodings and values */
        for (n = *at++; n > 0; n--, at += 2) vmwrite(at[0], adjusted(at[0], at[1]));
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

void image_main(void) {
  out8(0x3f9, 0);
  out8(0x3fb, 0x80); /* 115,200 baud, 8N1 */
  out8(0x3f8, 1);
  out8(0x3f9, 0);
  out8(0x3fb, 3);
  out8(0x3fc, 3);
  serial = in8(0x3fd) != 0xff;
  load_host();
  if (!start_vmx()) stop();
  make_tables();
  text("H 1");
  hex(cpuid(0x80000008, 0) & 0xff);
  hex(rdmsr(0x48c));
  for (u64 msr = 0x481; msr <= 0x484; msr++) hex(rdmsr(msr));
  hex(rdmsr(0x48b));
  hex(rdmsr(0x480));
  put('\n');
  operate((const u64 *)TABLES);
  text("Z\n");
  stop();
}
