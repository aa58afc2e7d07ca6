/*
 * What the parts of the image share. image.c reads the tables and does what they say; vmx.c and svm.c are the virtualization of
 * a processor each, of which an image has one.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

/* Physical memory. The tables follow the program; whoever writes them knows these numbers (../layout.ts). */
#define TABLES 0x220000ul
#define HIDDEN 0x1200000ul /* page tables of the guests' own code, with EPT and without */
#define REGION 0x1300000ul /* what the processor itself needs: a VMXON region, or where VMRUN saves the host */
#define GUESTS 0x1301000ul /* VMCSs or VMCBs, one page each */
#define GUESTS_MAX 16
#define SHADOW 0x3000000ul /* copies of the frames that are watched */
#define SHADOWS 4096
/* A page of the guests' own that they store to in order to have the store logged: nothing else is in its 2 MiB. */
#define LOGGED 0x1400000ul
/* Guest-physical address of physical 0, for the guests' own code: it fits into 40 bits. */
#define HIDDEN_GPA 0x8000000000ul
/* Linear address of physical 0, in long mode. */
#define HIDDEN_LINEAR 0xffffff8000000000ul

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

/* image.c */
extern u64 registers[12];
extern u64 gdt[];
extern u8 tss[128];
extern u64 host_idt[64];
void text(const char *s);
void hex(u64 value);
void line_end(void);
void host_iret(void);
/* Both: with SYSRET and SYSCALL guests go to user mode and back. */
void use_syscall(void);

/* vmx.c, svm.c: bits of second-level entries that name a table, map memory, and map devices; all flags are set already. */
extern const u64 second_table, second_page, second_device;
/* 0 if the processor lacks something, which is then said. */
int start_virtualization(void);
/* The rest of the line H. */
void describe_processor(void);
/* A new test: guests begin anew. */
void forget_guests(void);
void use_guest(u64 number);
/* By the encoding that a VMCS has for it. */
void write_field(u64 encoding, u64 value);
/* INVEPT, or INVVPID; shown if the table asks for it. */
void invalidate(int vpid, u64 type, u64 first, u64 second, int shown);
/* Enters the guest with these registers, and prints how it ended. */
void enter_guest(void);
