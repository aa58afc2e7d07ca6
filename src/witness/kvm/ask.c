/*
 * Asks the kernel's KVM what src/witness/kvm/questions.ts has put into lines: reads commands from standard input, one a
 * line, and prints one line with what the kernel answered. The interface is Documentation/virt/kvm/api.rst.
 *
 *   vm                              a new virtual machine; the one before goes
 *   manual FLAGS                    KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 *   ring BYTES                      KVM_ENABLE_CAP of KVM_CAP_DIRTY_LOG_RING_ACQ_REL
 *   ringBitmap                      KVM_ENABLE_CAP of KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP
 *   vcpu                            KVM_CREATE_VCPU, the next number
 *   slot ID FLAGS GPA BYTES HOST    KVM_SET_USER_MEMORY_REGION; HOST: offset in the memory that is the slot's own
 *   get ID                          KVM_GET_DIRTY_LOG: the numbers of the pages that are set
 *   clear ID FIRST COUNT [PAGE...]  KVM_CLEAR_DIRTY_LOG with a mask of these pages, from the slot's first one on
 *   run VCPU [rGPA|wGPA...]         the guest reads or writes a byte at each address
 *   resume VCPU                     KVM_RUN of what is left of these accesses
 *   race VCPU HOW ID [iGPA...]      the guest increments a word at each address, in a thread; meanwhile the slot's log is taken and the
 *                                   pages that it names are copied, again and again, and once more when the guest is done. HOW:
 *                                   get, clear (GET, and CLEAR of what it gave), collect (the ring, and its reset)
 *   host ID PAGE                    the VMM writes to a slot's memory by itself
 *   collect VCPU MOST               takes entries of a ring and marks them as harvested: slot:page
 *   reset                           KVM_RESET_DIRTY_RINGS
 *   offers NAME                     KVM_CHECK_EXTENSION
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Older headers lack it. */
#ifndef KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP
#define KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP 225
#endif

#define PAGE 4096ull
#define SLOTS 8
/* The memory of each slot: no question needs more. */
#define SLOT_BYTES (64ull << 20)
/* The guest's own slot, which logs nothing: its code, its paging structures and its list of accesses. */
#define OWN_SLOT 16
#define OWN_AT 0x40000000ull
#define OWN_BYTES (16ull << 20)
#define CODE 0x0ull
#define PML4 0x1000ull
#define PDPT 0x2000ull
#define DIRECTORIES 0x3000ull
/* Of each vCPU. */
#define LIST(vcpu) (0x200000ull * (1 + (vcpu)))
#define LIST_MOST 100000
#define VCPUS 4
#define WORDS 1024

#define FLAG_PRESENT_WRITABLE_USER 0x67 /* and A and D, so that no walk writes to the structures */
#define FLAG_LARGE 0x80
#define CR0_PE_ET_NE_WP_PG 0x80010031u
#define CR4_PAE 0x20
#define EFER_LME_LMA 0x500
#define RFLAGS_FIXED 2
/* No slot is there: the guest ends its work with a write to it, which returns from KVM_RUN. */
#define DONE_AT 0xc0000000ull

static int kvm, machine = -1, vcpus, page_bytes;
static unsigned long long ring_bytes;
static struct {
  int fd;
  struct kvm_run *run;
  struct kvm_dirty_gfn *ring;
  unsigned long long fetched;
  int has_begun;
} vcpu[VCPUS];
static uint8_t *slot_memory[SLOTS], *own;
static unsigned long long slot_pages[SLOTS];
static int has_own;

/* The guest: for each pair of words at RSI, 1 and an address to read, 2 and one to write, 4 and one to increment; 0 ends it. */
extern const uint8_t guest_begin[], guest_end[];
__asm__(".section .rodata\n"
        "guest_begin:\n"
        "1: movq (%rsi), %rax\n"
        "   movq 8(%rsi), %rdx\n"
        "   testq %rax, %rax\n"
        "   jz 3f\n"
        "   testq $1, %rax\n"
        "   jz 2f\n"
        "   movb (%rdx), %cl\n"
        "   addq $16, %rsi\n"
        "   jmp 1b\n"
        "2: testq $4, %rax\n"
        "   jnz 4f\n"
        "   movb %al, (%rdx)\n"
        "   addq $16, %rsi\n"
        "   jmp 1b\n"
        "4: incl (%rdx)\n"
        "   addq $16, %rsi\n"
        "   jmp 1b\n"
        "3: movl $0xc0000000, %edx\n"
        "   movb %al, (%rdx)\n"
        "   jmp 1b\n"
        "guest_end:\n"
        ".text\n");

static void fail(const char *what) {
  printf("! %s: %s\n", what, strerror(errno));
  exit(3);
}

static const char *name_of(int number) {
  switch (number) {
  case EINVAL: return "EINVAL";
  case E2BIG: return "E2BIG";
  case ENOENT: return "ENOENT";
  case ENXIO: return "ENXIO";
  case EEXIST: return "EEXIST";
  case EBUSY: return "EBUSY";
  case EFAULT: return "EFAULT";
  case ENOMEM: return "ENOMEM";
  case ENOTTY: return "ENOTTY";
  case EINTR: return "EINTR";
  case EOPNOTSUPP: return "EOPNOTSUPP";
  }
  static char text[16];
  snprintf(text, sizeof text, "errno %d", number);
  return text;
}

static void answer(int result) { printf("%s\n", result < 0 ? name_of(errno) : "ok"); }

static void *memory(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) fail("mmap");
  /* The questions are about pages of 4 KiB. */
  madvise(at, bytes, MADV_NOHUGEPAGE);
  return at;
}

static void new_machine(void) {
  for (int i = 0; i < vcpus; i++) {
    munmap(vcpu[i].run, page_bytes);
    if (vcpu[i].ring) munmap(vcpu[i].ring, ring_bytes);
    close(vcpu[i].fd);
  }
  if (machine >= 0) close(machine);
  for (int i = 0; i < SLOTS; i++) {
    if (slot_memory[i]) munmap(slot_memory[i], SLOT_BYTES);
    slot_memory[i] = memory(SLOT_BYTES);
    slot_pages[i] = 0;
  }
  if (own) munmap(own, OWN_BYTES);
  own = memory(OWN_BYTES);
  has_own = vcpus = 0;
  ring_bytes = 0;
  machine = ioctl(kvm, KVM_CREATE_VM, 0);
  if (machine < 0) fail("KVM_CREATE_VM");
}

static int enable(unsigned cap, unsigned long long value) {
  struct kvm_enable_cap request = {.cap = cap, .args = {value}};
  return ioctl(machine, KVM_ENABLE_CAP, &request);
}

/* Linear addresses are guest-physical ones; all of 4 GiB in pages of 2 MiB. */
static void create_own(void) {
  if (has_own) return;
  has_own = 1;
  struct kvm_userspace_memory_region region = {
      .slot = OWN_SLOT, .guest_phys_addr = OWN_AT, .memory_size = OWN_BYTES, .userspace_addr = (uintptr_t)own};
  if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) < 0) fail("the guest's own slot");
  memcpy(own + CODE, guest_begin, guest_end - guest_begin);
  *(uint64_t *)(own + PML4) = (OWN_AT + PDPT) | FLAG_PRESENT_WRITABLE_USER;
  for (uint64_t i = 0; i < 4; i++) {
    ((uint64_t *)(own + PDPT))[i] = (OWN_AT + DIRECTORIES + i * PAGE) | FLAG_PRESENT_WRITABLE_USER;
    for (uint64_t j = 0; j < 512; j++)
      ((uint64_t *)(own + DIRECTORIES + i * PAGE))[j] = (i << 30 | j << 21) | FLAG_PRESENT_WRITABLE_USER | FLAG_LARGE;
  }
}

static void create_vcpu(void) {
  if (vcpus == VCPUS) fail("too many vCPUs");
  int fd = ioctl(machine, KVM_CREATE_VCPU, vcpus);
  if (fd < 0) {
    answer(fd);
    return;
  }
  vcpu[vcpus].fd = fd;
  vcpu[vcpus].fetched = 0;
  vcpu[vcpus].ring = NULL;
  vcpu[vcpus].has_begun = 0;
  vcpu[vcpus].run = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (vcpu[vcpus].run == MAP_FAILED) fail("mmap of a vCPU");
  if (ring_bytes) {
    off_t at = KVM_DIRTY_LOG_PAGE_OFFSET * PAGE;
    vcpu[vcpus].ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
    if (vcpu[vcpus].ring == MAP_FAILED) fail("mmap of a ring");
  }
  vcpus++;
  printf("ok\n");
}

static void set_segment(struct kvm_segment *segment, int selector, int type, int is_code) {
  *segment = (struct kvm_segment){.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .dpl = 3,
                                  .db = !is_code, .s = 1, .l = is_code, .g = 1};
}

/* An access to a device that the guest has not ended ends now (api.rst 5, KVM_EXIT_MMIO). */
static void end_access(int which) {
  vcpu[which].run->immediate_exit = 1;
  if (ioctl(vcpu[which].fd, KVM_RUN, 0) < 0 && errno != EINTR) fail("KVM_RUN");
  vcpu[which].run->immediate_exit = 0;
}

/* 64-bit user mode, which KVM executes whatever it is built on, and does not emulate. */
static void prepare(int which) {
  int fd = vcpu[which].fd;
  struct kvm_sregs special;
  if (ioctl(fd, KVM_GET_SREGS, &special) < 0) fail("KVM_GET_SREGS");
  special.cr0 = CR0_PE_ET_NE_WP_PG;
  special.cr3 = OWN_AT + PML4;
  special.cr4 = CR4_PAE;
  special.efer = EFER_LME_LMA;
  set_segment(&special.cs, 0x33, 11, 1);
  set_segment(&special.ss, 0x2b, 3, 0);
  special.ds = special.es = special.fs = special.gs = special.ss;
  if (ioctl(fd, KVM_SET_SREGS, &special) < 0) fail("KVM_SET_SREGS");
  struct kvm_regs registers = {.rip = OWN_AT + CODE, .rsi = OWN_AT + LIST(which), .rflags = RFLAGS_FIXED};
  if (ioctl(fd, KVM_SET_REGS, &registers) < 0) fail("KVM_SET_REGS");
  vcpu[which].has_begun = 1;
}

/* Runs on until the guest is done, or KVM_RUN returns for another reason: then says which, and how many accesses are done. */
static void run_on(int which) {
  int result = ioctl(vcpu[which].fd, KVM_RUN, 0);
  int number = errno;
  struct kvm_regs registers;
  if (ioctl(vcpu[which].fd, KVM_GET_REGS, &registers) < 0) fail("KVM_GET_REGS");
  unsigned long long done = (registers.rsi - OWN_AT - LIST(which)) / 16;
  struct kvm_run *run = vcpu[which].run;
  if (result < 0) printf("%s after %llu\n", name_of(number), done);
  else if (run->exit_reason == KVM_EXIT_DIRTY_RING_FULL) printf("ringFull after %llu\n", done);
  else if (run->exit_reason != KVM_EXIT_MMIO) printf("exit %u after %llu\n", run->exit_reason, done);
  else if (run->mmio.phys_addr == DONE_AT) printf("done\n");
  else printf("mmio %#llx after %llu\n", (unsigned long long)run->mmio.phys_addr, done);
}

static void is_vcpu(unsigned long long which) {
  if (which < (unsigned)vcpus) return;
  printf("! no vCPU %llu\n", which);
  exit(3);
}

/* The accesses, each as rGPA, wGPA or iGPA, are all that the guest does. */
static void begin(unsigned long long which, char *rest) {
  create_own();
  uint64_t *list = (uint64_t *)(own + LIST(which));
  unsigned long long count = 0;
  for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
    if (count++ == LIST_MOST) fail("too many accesses");
    *list++ = *word == 'r' ? 1 : *word == 'w' ? 2 : 4;
    *list++ = strtoull(word + 1, NULL, 0);
  }
  *list = 0;
  end_access(which);
  prepare(which);
}

static void run(char *rest) {
  unsigned long long which = strtoull(rest, &rest, 0);
  is_vcpu(which);
  begin(which, rest);
  run_on(which);
}

static void resume(unsigned long long which) {
  char nothing[] = "";
  is_vcpu(which);
  if (!vcpu[which].has_begun) begin(which, nothing);
  run_on(which);
}

static int get_words(unsigned long long id, uint64_t *words) {
  memset(words, 0, WORDS * sizeof *words);
  struct kvm_dirty_log request = {.slot = id, .dirty_bitmap = words};
  return ioctl(machine, KVM_GET_DIRTY_LOG, &request);
}

static int is_set(const uint64_t *words, unsigned long long page) { return words[page / 64] >> page % 64 & 1; }

static void print_pages(const uint64_t *words) {
  for (unsigned long long page = 0; page < WORDS * 64; page++)
    if (is_set(words, page)) printf(" %llu", page);
  printf("\n");
}

static void get(unsigned long long id) {
  static uint64_t words[WORDS];
  if (get_words(id, words) < 0) {
    answer(-1);
    return;
  }
  printf("pages");
  print_pages(words);
}

static void clear(char *rest) {
  static uint64_t words[WORDS];
  memset(words, 0, sizeof words);
  struct kvm_clear_dirty_log request = {.dirty_bitmap = words};
  request.slot = strtoull(rest, &rest, 0);
  request.first_page = strtoull(rest, &rest, 0);
  request.num_pages = strtoull(rest, &rest, 0);
  for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
    unsigned long long page = strtoull(word, NULL, 0) - request.first_page;
    if (page < WORDS * 64) words[page / 64] |= 1ull << page % 64;
  }
  answer(ioctl(machine, KVM_CLEAR_DIRTY_LOG, &request));
}

static void set_slot(char *rest) {
  struct kvm_userspace_memory_region region = {0};
  region.slot = strtoull(rest, &rest, 0);
  region.flags = strtoull(rest, &rest, 0);
  region.guest_phys_addr = strtoull(rest, &rest, 0);
  region.memory_size = strtoull(rest, &rest, 0);
  unsigned id = region.slot & 0xffff;
  region.userspace_addr = (uintptr_t)slot_memory[id < SLOTS ? id : 0] + strtoull(rest, &rest, 0);
  int result = ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region);
  if (result == 0 && id < SLOTS) slot_pages[id] = region.memory_size / PAGE;
  answer(result);
}

/* In order, and none is passed over (api.rst, 8.29). */
static void collect(unsigned long long which, unsigned long long most) {
  is_vcpu(which);
  if (!vcpu[which].ring) {
    printf("no ring\n");
    return;
  }
  unsigned long long entries = ring_bytes / sizeof(struct kvm_dirty_gfn);
  printf("entries");
  for (unsigned long long taken = 0; taken < most; taken++) {
    struct kvm_dirty_gfn *entry = vcpu[which].ring + vcpu[which].fetched % entries;
    if (__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY) break;
    printf(" %u:%llu", entry->slot, (unsigned long long)entry->offset);
    __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    vcpu[which].fetched++;
  }
  printf("\n");
}

/* The log of a slot, taken in one of three ways; nothing is left to be done before the pages are read. */
static void take(const char *how, unsigned long long which, unsigned long long id, uint64_t *words) {
  if (!strcmp(how, "collect")) {
    unsigned long long entries = ring_bytes / sizeof(struct kvm_dirty_gfn);
    memset(words, 0, WORDS * sizeof *words);
    for (;; vcpu[which].fetched++) {
      struct kvm_dirty_gfn *entry = vcpu[which].ring + vcpu[which].fetched % entries;
      if (__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY) break;
      if (entry->slot == id) words[entry->offset / 64] |= 1ull << entry->offset % 64;
      __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    }
    if (ioctl(machine, KVM_RESET_DIRTY_RINGS, 0) < 0) fail("KVM_RESET_DIRTY_RINGS");
    return;
  }
  if (get_words(id, words) < 0) fail("KVM_GET_DIRTY_LOG");
  if (strcmp(how, "clear")) return;
  struct kvm_clear_dirty_log request = {.slot = id, .num_pages = slot_pages[id], .dirty_bitmap = words};
  if (ioctl(machine, KVM_CLEAR_DIRTY_LOG, &request) < 0) fail("KVM_CLEAR_DIRTY_LOG");
}

static volatile int is_racing;

static void *race_on(void *argument) {
  struct kvm_run *run = vcpu[(uintptr_t)argument].run;
  do
    if (ioctl(vcpu[(uintptr_t)argument].fd, KVM_RUN, 0) < 0) fail("KVM_RUN");
  while (run->exit_reason == KVM_EXIT_DIRTY_RING_FULL);
  is_racing = 0;
  return NULL;
}

/* Whoever migrates does this: what the log names is copied, and at the end the copies are the memory. */
static void race(char *rest) {
  static uint64_t words[WORDS], all[WORDS];
  static uint32_t copies[WORDS * 64];
  unsigned long long which = strtoull(rest, &rest, 0);
  char *how = strtok(rest, " ");
  unsigned long long id = strtoull(strtok(NULL, " "), NULL, 0);
  is_vcpu(which);
  if (!strcmp(how, "collect") && !ring_bytes) {
    printf("no ring\n");
    return;
  }
  if (id >= SLOTS) fail("no such slot");
  begin(which, strtok(NULL, ""));
  memset(all, 0, sizeof all);
  for (unsigned long long page = 0; page < slot_pages[id]; page++) copies[page] = *(uint32_t *)(slot_memory[id] + page * PAGE);
  is_racing = 1;
  pthread_t thread;
  if (pthread_create(&thread, NULL, race_on, (void *)(uintptr_t)which)) fail("pthread_create");
  for (int is_last = 0;; is_last = !is_racing) {
    if (is_last) pthread_join(thread, NULL);
    take(how, which, id, words);
    for (unsigned long long page = 0; page < slot_pages[id]; page++)
      if (is_set(words, page)) copies[page] = *(volatile uint32_t *)(slot_memory[id] + page * PAGE);
    for (int i = 0; i < WORDS; i++) all[i] |= words[i];
    if (is_last) break;
  }
  unsigned long long different = 0;
  for (unsigned long long page = 0; page < slot_pages[id]; page++) different += copies[page] != *(uint32_t *)(slot_memory[id] + page * PAGE);
  printf("lost %llu", different);
  print_pages(all);
}

static void offers(const char *name) {
  int cap = !strcmp(name, "ring") ? KVM_CAP_DIRTY_LOG_RING_ACQ_REL
            : !strcmp(name, "ringBitmap") ? KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP
            : !strcmp(name, "manual") ? KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
                                      : -1;
  printf("%d\n", ioctl(machine, KVM_CHECK_EXTENSION, cap));
}

static void serve(char *line) {
  char *rest = strchr(line, ' ');
  if (rest) *rest++ = 0;
  else rest = line + strlen(line);
  char *next = rest;
  if (!strcmp(line, "vm")) new_machine(), printf("ok\n");
  else if (!strcmp(line, "manual")) answer(enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, strtoull(rest, NULL, 0)));
  else if (!strcmp(line, "ringBitmap")) answer(enable(KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0));
  else if (!strcmp(line, "ring")) {
    unsigned long long bytes = strtoull(rest, NULL, 0);
    int result = enable(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, bytes);
    if (result == 0) ring_bytes = bytes;
    answer(result);
  } else if (!strcmp(line, "vcpu")) create_vcpu();
  else if (!strcmp(line, "slot")) set_slot(rest);
  else if (!strcmp(line, "get")) get(strtoull(rest, NULL, 0));
  else if (!strcmp(line, "clear")) clear(rest);
  else if (!strcmp(line, "run")) run(rest);
  else if (!strcmp(line, "race")) race(rest);
  else if (!strcmp(line, "resume")) resume(strtoull(rest, NULL, 0));
  else if (!strcmp(line, "host")) {
    unsigned long long id = strtoull(rest, &next, 0);
    if (id >= SLOTS) fail("no such slot");
    slot_memory[id][strtoull(next, NULL, 0) * PAGE] = 1;
    printf("ok\n");
  } else if (!strcmp(line, "collect")) {
    unsigned long long which = strtoull(rest, &next, 0);
    collect(which, strtoull(next, NULL, 0));
  } else if (!strcmp(line, "reset")) {
    int result = ioctl(machine, KVM_RESET_DIRTY_RINGS, 0);
    if (result < 0) answer(result);
    else printf("%d\n", result);
  } else if (!strcmp(line, "offers")) offers(rest);
  else {
    printf("! no command %s\n", line);
    exit(3);
  }
}

int main(void) {
  kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) fail("/dev/kvm");
  page_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, stdin)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    if (*line) serve(line);
    fflush(stdout);
  }
  return 0;
}
