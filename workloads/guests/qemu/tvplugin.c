/*
 * A plugin of QEMU's TCG that notes which pages of memory a whole guest accesses, for `trackvisor trace import`
 * (docs/traces.md). It needs neither QEMU's headers nor a library beside libc:
 *
 *   gcc -O2 -shared -fPIC -o tvplugin.so tvplugin.c
 *   qemu-system-x86_64 -accel tcg,thread=single -m 256M -plugin ./tvplugin.so,out=guest.tvq,memory=268435456 ...
 *
 *   out=FILE         what is written; it must not be there yet
 *   memory=BYTES     the guest's memory, at most 2 GiB: below that an address of QEMU's RAM is guest-physical on every PC
 *   begin=WHEN       start (default), mark: when the guest executes BEGIN_MARK, or a number of instructions
 *   accesses=N       ends QEMU after so many accesses
 *   instructions=N   ends QEMU after so many instructions that were noted, at the next access to another page
 *   command=TEXT     what runs in the guest, for people
 *   check=on         asks QEMU for every access what the plugin remembers of its page; slow
 *
 * Noted are loads and stores to RAM, in the order in which they are done, with the linear page and the guest-physical
 * one; instructions that flush the TLB; how many instructions there were. Not noted are fetches, what the processor reads
 * and writes by itself (page tables, the delivery of interrupts), what devices write, and the values of CR3 and of
 * INVLPG's operand: QEMU shows none of them to plugins of this version. All vCPUs have to be of one thread.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemuPlugin.h"

/* Of the interface. */
EXPORT int qemu_plugin_version = 1;

/* NOP with an operand that no compiler makes: what a guest executes where noting is to begin and to end. */
#define BEGIN_MARK "\x0f\x1f\x80TVb!"
#define END_MARK "\x0f\x1f\x80TVe!"
enum { MARK_BYTES = 7 };

/* The file: docs/trace-format.md says what is in it. */
#define MAGIC "TVQEMU\0\0"
enum {
    FORMAT_VERSION = 1,
    BLOCK_BYTES = 1 << 20,
    RECORD_BYTES_MAX = 64,
    HEAD = 0x44414548, /* "HEAD" */
    NOTE = 0x45544f4e, /* "NOTE" */
    DONE = 0x454e4f44, /* "DONE" */
};
enum event { PAGE, FLUSH_NOT_GLOBAL, FLUSH_ALL, FLUSH_PAGE, TIME, VCPU, EVENTS };
enum { READ = 0, WRITE = 1, EVENT = 2, COUNT_FOLLOWS = 4 };
/* Why noting has ended. */
enum { BY_EXIT, BY_MARK, BY_ACCESSES, BY_INSTRUCTIONS };

enum {
    PAGE_SHIFT = 12,
    PAGE_BYTES = 1 << PAGE_SHIFT,
    /* The largest access that TCG does at once. */
    ACCESS_BYTES_MAX = 16,
    VCPUS_MAX = 256,
    SLOT_BITS = 13,
    SLOTS = 1 << SLOT_BITS,
    /* A record of the time after so many instructions. */
    TIME_STEP = 1000,
};
#define MEMORY_MAX (2ULL << 30)

/* A page as records name it, and as the guest's processor has translated it last. */
struct slot {
    /* Linear page << 8 | vCPU; an impossible one if empty. */
    uint64_t key, page;
    /* Up to the vCPU's next flush no other translation is possible: the TLB of QEMU keeps it, too. */
    uint64_t epoch;
};
#define EMPTY UINT64_MAX

static struct {
    plugin_id id;
    FILE *file;
    uint64_t pages, after, accesses_max, instructions_max;
    bool until_mark, checks;
} options;
static enum { WAITING, NOTING, ENDED } mode = WAITING;
static struct slot slots[SLOTS];
static uint64_t epochs[VCPUS_MAX];
/* Consecutive accesses of a kind to a page: slot key << 1 | kind. */
static struct {
    uint64_t key, count;
    unsigned slot;
} run = {EMPTY, 0, 0};
static struct {
    /* As DONE has them. */
    uint64_t accesses, runs, instructions, devices, outside, unknown, flushes[3], stale;
} totals;
/* Instructions that were noted: QEMU adds to it. */
static uint64_t instructions;
static uint64_t timed, waited;
static unsigned last_vcpu;
static pthread_t thread;
static bool has_thread;

static uint8_t block[BLOCK_BYTES];
static uint32_t used, sequence, crc_table[256];

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    crc = ~crc;
    for (size_t i = 0; i < count; i++) crc = crc >> 8 ^ crc_table[(crc ^ bytes[i]) & 255];
    return ~crc;
}

static void make_crc_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        crc_table[i] = crc;
    }
}

static void say(const char *text) { fprintf(stderr, "tvplugin: %s\n", text); }

/* Ends QEMU in order: a signal is what it has for that. Its thread for signals takes it. */
static void end_qemu(void) { kill(getpid(), SIGTERM); }

static void put_word(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = value >> 8 * i;
}

/* Type, number, length and checksum, then the payload: as blocks of a .tvtrace. */
static void write_block(uint32_t type, const uint8_t *payload, uint32_t length) {
    uint8_t frame[16];
    if (options.file == NULL) return;
    put_word(frame, type);
    put_word(frame + 4, sequence++);
    put_word(frame + 8, length);
    put_word(frame + 12, crc32(crc32(0, frame, 12), payload, length));
    if (fwrite(frame, 1, sizeof frame, options.file) == sizeof frame &&
        fwrite(payload, 1, length, options.file) == length)
        return;
    fprintf(stderr, "tvplugin: the file cannot be written: %s\n", strerror(errno));
    fclose(options.file);
    options.file = NULL;
    end_qemu();
}

static void reserve(void) {
    if (used + RECORD_BYTES_MAX <= BLOCK_BYTES) return;
    write_block(NOTE, block, used);
    used = 0;
}

static void put(uint64_t value) {
    for (; value >= 128; value >>= 7) block[used++] = value | 128;
    block[used++] = value;
}

static void put_event(enum event type) {
    reserve();
    block[used++] = EVENT | type << 2;
}

static void end_noting(uint32_t reason) {
    uint8_t done[sizeof totals + 4];
    mode = ENDED;
    totals.instructions = instructions;
    put_event(TIME);
    put(instructions - timed);
    write_block(NOTE, block, used);
    used = 0;
    for (size_t i = 0; i < sizeof totals / 8; i++) {
        uint64_t value = ((const uint64_t *)&totals)[i];
        put_word(done + 8 * i, value);
        put_word(done + 8 * i + 4, value >> 32);
    }
    put_word(done + sizeof totals, reason);
    write_block(DONE, done, sizeof done);
    if (options.file != NULL && fclose(options.file) != 0) say("the file cannot be written to its end");
    options.file = NULL;
}

/*
 * Behind its mark a guest goes on. The callbacks stay: QEMU 7.2 may still call one after its block has been flushed
 * ("qemu_plugin_vcpu_mem_cb: code should not be reached").
 */
static void stop(uint32_t reason) {
    end_noting(reason);
    if (reason != BY_MARK) end_qemu();
}

/* Writes the run that has ended. */
static void put_run(void) {
    if (run.count == 0) return;
    uint64_t left = options.accesses_max - totals.accesses;
    uint64_t count = run.count < left ? run.count : left;
    run.count = 0;
    reserve();
    block[used++] = (run.key & 1) | (count > 1 ? COUNT_FOLLOWS : 0) | run.slot << 3;
    block[used++] = run.slot >> 5;
    if (count > 1) put(count - 2);
    totals.accesses += count;
    totals.runs++;
    if (totals.accesses == options.accesses_max) stop(BY_ACCESSES);
    else if (instructions - timed >= TIME_STEP) {
        put_event(TIME);
        put(instructions - timed);
        timed = instructions;
        if (instructions >= options.instructions_max) stop(BY_INSTRUCTIONS);
    }
}

/* The guest-physical page of an access to RAM; EMPTY if it is to none. */
static uint64_t physical_page(memory_info info, uint64_t address) {
    const struct qemu_plugin_hwaddr *hardware = qemu_plugin_get_hwaddr(info, address);
    if (hardware == NULL) {
        totals.unknown++;
        return EMPTY;
    }
    if (qemu_plugin_hwaddr_is_io(hardware)) {
        totals.devices++;
        return EMPTY;
    }
    uint64_t page = qemu_plugin_hwaddr_phys_addr(hardware) >> PAGE_SHIFT;
    if (page < options.pages) return page;
    /* ROM, and what a screen shows. */
    totals.outside++;
    return EMPTY;
}

static void one_thread(unsigned vcpu) {
    if (!has_thread) thread = pthread_self();
    has_thread = true;
    if (!pthread_equal(thread, pthread_self()) || vcpu >= VCPUS_MAX) {
        say("vCPUs of several threads: give -accel tcg,thread=single");
        exit(1);
    }
}

/* An access that is not of the run. */
static void begin_run(unsigned vcpu, memory_info info, uint64_t address, unsigned kind) {
    put_run();
    if (mode != NOTING) return;
    one_thread(vcpu);
    run.key = EMPTY;
    uint64_t linear = address >> PAGE_SHIFT;
    uint64_t key = linear << 8 | vcpu;
    unsigned at = (linear ^ linear >> SLOT_BITS ^ vcpu << 6) & (SLOTS - 1);
    struct slot *slot = &slots[at];
    if (slot->key != key || slot->epoch != epochs[vcpu]) {
        uint64_t page = physical_page(info, address);
        if (page == EMPTY) return;
        if (slot->key != key || slot->page != page) {
            put_event(PAGE);
            put(at);
            put(linear);
            put(page);
        }
        *slot = (struct slot){key, page, epochs[vcpu]};
    }
    if (vcpu != last_vcpu) {
        put_event(VCPU);
        put(vcpu);
        last_vcpu = vcpu;
    }
    run.key = key << 1 | kind;
    run.slot = at;
    run.count = 1;
}

static inline void access_page(unsigned vcpu, memory_info info, uint64_t address, unsigned kind) {
    if ((address >> PAGE_SHIFT << 9 | vcpu << 1 | kind) == run.key) run.count++;
    else begin_run(vcpu, info, address, kind);
    if (!options.checks || run.key == EMPTY) return;
    uint64_t page = physical_page(info, address);
    if (page != EMPTY && page != slots[run.slot].page) totals.stale++;
}

static void on_access(unsigned vcpu, memory_info info, uint64_t address, void *data) {
    (void)data;
    if (mode != NOTING) return;
    unsigned kind = qemu_plugin_mem_is_store(info) ? WRITE : READ;
    access_page(vcpu, info, address, kind);
    uint64_t rest = PAGE_BYTES - (address & (PAGE_BYTES - 1));
    if (rest < ACCESS_BYTES_MAX && rest < 1u << qemu_plugin_mem_size_shift(info))
        access_page(vcpu, info, address + rest, kind);
}

/* What an instruction does to the TLB. */
enum flush { FLUSHES_NOTHING, FLUSHES_NOT_GLOBAL, FLUSHES_ALL, FLUSHES_PAGE, CHANGES_RULES };

static void on_flush(unsigned vcpu, void *data) {
    enum flush flush = (enum flush)(uintptr_t)data;
    if (mode != NOTING || vcpu >= VCPUS_MAX) return;
    put_run();
    if (mode != NOTING) return;
    run.key = EMPTY;
    epochs[vcpu]++;
    if (flush == CHANGES_RULES) return;
    if (vcpu != last_vcpu) {
        put_event(VCPU);
        put(vcpu);
        last_vcpu = vcpu;
    }
    totals.flushes[flush - FLUSHES_NOT_GLOBAL]++;
    put_event(flush == FLUSHES_NOT_GLOBAL ? FLUSH_NOT_GLOBAL : flush == FLUSHES_ALL ? FLUSH_ALL : FLUSH_PAGE);
}

/*
 * By its opcode (SDM vol. 2; what it invalidates: vol. 3A 4.10.4.1). What it is given is not known: a MOV to CR0 or CR4
 * and an INVPCID may flush less than all.
 */
static enum flush flush_of(const uint8_t *bytes, size_t size) {
    size_t i = 0;
    while (i < size && (bytes[i] == 0x66 || bytes[i] == 0x67 || bytes[i] == 0xf2 || bytes[i] == 0xf3 ||
                        bytes[i] == 0x2e || bytes[i] == 0x36 || bytes[i] == 0x3e || bytes[i] == 0x26 ||
                        bytes[i] == 0x64 || bytes[i] == 0x65))
        i++;
    if (i < size && (bytes[i] & 0xf0) == 0x40) i++; /* REX; in other modes INC, which ends here */
    if (i + 2 > size || bytes[i] != 0x0f) return FLUSHES_NOTHING;
    uint8_t opcode = bytes[i + 1], operand = i + 2 < size ? bytes[i + 2] : 0, number = operand >> 3 & 7;
    switch (opcode) {
        case 0x22: /* MOV to a control register */
            return number == 3 ? FLUSHES_NOT_GLOBAL : number == 0 || number == 4 ? FLUSHES_ALL : FLUSHES_NOTHING;
        case 0x01: /* LMSW, INVLPG; with a register INVLPG is SWAPGS */
            return number == 7 && operand < 0xc0 ? FLUSHES_PAGE : number == 6 ? CHANGES_RULES : FLUSHES_NOTHING;
        case 0x38: /* INVPCID */
            return operand == 0x82 && bytes[0] == 0x66 ? FLUSHES_ALL : FLUSHES_NOTHING;
        case 0x30: /* WRMSR: perhaps EFER */
        case 0xaa: /* RSM */
            return CHANGES_RULES;
        default: return FLUSHES_NOTHING;
    }
}

static void on_end_mark(unsigned vcpu, void *data) {
    (void)vcpu, (void)data;
    if (mode != NOTING) return;
    put_run();
    if (mode == NOTING) stop(BY_MARK);
}

static bool is_mark(const uint8_t *bytes, size_t size, const char *mark) {
    return size >= MARK_BYTES && memcmp(bytes + size - MARK_BYTES, mark, MARK_BYTES) == 0;
}

static void on_noted_block(plugin_id id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        size_t size = qemu_plugin_insn_size(insn);
        enum flush flush = flush_of(bytes, size);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &instructions, 1);
        /* Callbacks for loads alone and for stores alone are called for others, too, in QEMU 7.2. */
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, NO_REGISTERS, LOADS_AND_STORES, NULL);
        if (flush != FLUSHES_NOTHING)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_flush, NO_REGISTERS, (void *)(uintptr_t)flush);
        if (options.until_mark && is_mark(bytes, size, END_MARK))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end_mark, NO_REGISTERS, NULL);
    }
}

static void at_exit(plugin_id id, void *data) {
    (void)id, (void)data;
    if (mode == ENDED) return;
    put_run();
    if (mode != ENDED) end_noting(BY_EXIT);
}

static void begin_noting(plugin_id id) {
    mode = NOTING;
    for (unsigned vcpu = 0; vcpu < VCPUS_MAX; vcpu++) epochs[vcpu] = 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_noted_block);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
}

/* Callbacks are of blocks that are translated from here on: those that are there have to go. */
static void on_begin(unsigned vcpu, void *data) {
    static bool asked;
    (void)vcpu, (void)data;
    if (!asked) qemu_plugin_reset(options.id, begin_noting);
    asked = true;
}

static void on_counted_block(unsigned vcpu, void *count) {
    waited += (uintptr_t)count;
    if (waited >= options.after) on_begin(vcpu, NULL);
}

static void on_waiting_block(plugin_id id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(tb);
    if (!options.until_mark) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_counted_block, NO_REGISTERS, (void *)(uintptr_t)count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        if (is_mark(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn), BEGIN_MARK))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, NO_REGISTERS, NULL);
    }
}

static bool number(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == 0 && *value > 0;
}

/* Whether the word was understood; a message has been written if not. */
static bool understood(const char *word, const char **out, const char **command) {
    uint64_t bytes;
    const char *value = strchr(word, '=');
    size_t length = value == NULL ? strlen(word) : (size_t)(value++ - word);
#define IS(name) (length == sizeof name - 1 && strncmp(word, name, length) == 0 && value != NULL)
    if (IS("out")) return *out = value, true;
    if (IS("command")) return *command = value, true;
    if (IS("check") && strcmp(value, "on") == 0) return options.checks = true;
    if (IS("accesses") && number(value, &options.accesses_max)) return true;
    if (IS("instructions") && number(value, &options.instructions_max)) return true;
    if (IS("begin") && strcmp(value, "start") == 0) return true;
    if (IS("begin") && strcmp(value, "mark") == 0) return options.until_mark = true;
    if (IS("begin") && number(value, &options.after)) return true;
    if (IS("memory") && number(value, &bytes) && bytes <= MEMORY_MAX && bytes % PAGE_BYTES == 0)
        return options.pages = bytes >> PAGE_SHIFT, true;
#undef IS
    fprintf(stderr, "tvplugin: %s: expected out=FILE, memory=BYTES (pages, at most 2 GiB), begin=start|mark|INSTRUCTIONS, "
                    "accesses=N, instructions=N, command=TEXT, check=on\n", word);
    return false;
}

static bool begin_file(const char *out, const char *command, int vcpus) {
    uint8_t text[8192];
    uint8_t version[4] = {FORMAT_VERSION};
    int length = snprintf((char *)text, sizeof text, "vcpus=%d\nmemory=%llu\ncommand=%.4096s\n", vcpus,
                          (unsigned long long)options.pages << PAGE_SHIFT, command);
    options.file = fopen(out, "wbx");
    if (options.file == NULL) {
        fprintf(stderr, "tvplugin: %s: %s\n", out, strerror(errno));
        return false;
    }
    fwrite(MAGIC, 1, sizeof MAGIC - 1, options.file);
    fwrite(version, 1, sizeof version, options.file);
    write_block(HEAD, text, length);
    return options.file != NULL;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_information *info, int argc, char **argv) {
    const char *out = NULL, *command = "";
    options.id = id;
    options.accesses_max = options.instructions_max = UINT64_MAX;
    for (int i = 0; i < argc; i++)
        if (!understood(argv[i], &out, &command)) return 1;
    if (!info->system_emulation || (strcmp(info->target_name, "x86_64") != 0 && strcmp(info->target_name, "i386") != 0)) {
        say("is for whole PCs: qemu-system-x86_64 and qemu-system-i386");
        return 1;
    }
    if (out == NULL || options.pages == 0) {
        say("expected out=FILE and memory=BYTES");
        return 1;
    }
    for (int i = 0; i < SLOTS; i++) slots[i].key = EMPTY;
    make_crc_table();
    if (!begin_file(out, command, info->system.smp_vcpus)) return 1;
    if (options.until_mark || options.after > 0) {
        qemu_plugin_register_vcpu_tb_trans_cb(id, on_waiting_block);
        qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    } else begin_noting(id);
    return 0;
}
