/*
 * The page-access loop in C, for comparison: the model of src/hardware written down plainly, without
 * the emulator's short cuts. Paging off, 4 KiB EPT leaves, A/D flags and PML on. Every access searches
 * the two TLB levels; every miss walks the EPT from the root with all checks.
 *
 * Usage: accessLoop BLOCK ACCESSES PAGES LEVELS INDEX_BITS LOG_ENTRIES L1_SETS L1_WAYS L2_SETS L2_WAYS
 *                   ACCESS L2_HIT REFERENCE FLAG STORE BUDGET
 * BLOCK is a file of 32-bit words: bits 1:0 the kind (read, write, fetch, read-modify-write), the rest
 * the page. Costs are in cycles; BUDGET is the longest burst. For each line on stdin the pages are
 * armed, the block is performed once, and a line comes out: the seconds it took, then all counters.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { READ = 1, WRITE = 2, EXECUTE = 4, RWX = 7, MEMORY_TYPE_SHIFT = 3, LARGE = 1 << 7 };
enum { ACCESSED = 1 << 8, DIRTY = 1 << 9, USER_EXECUTE = 1 << 10, WRITE_BACK = 6 };
enum { PHYSICAL_BITS = 46, MAX_LEVELS = 5, SPACE = 1 << 4, RIGHTS = 7 };
enum outcome { DONE = 0, VIOLATION = 1, MISCONFIGURATION = 2, LOG_FULL = 3, BLOCK_END = 5, HORIZON = 6 };

typedef struct {
  int32_t tag, meta, page;
} tlb_entry;

typedef struct {
  int32_t sets, ways;
  tlb_entry *entries;
  int32_t *next; /* per set: the way that is replaced next */
} tlb_level;

typedef struct {
  int64_t accesses, l1_misses, tlb_misses, walks, references, flag_updates, log_entries, log_full;
  int64_t guest_cycles, walk_cycles, bursts, writes;
} counters;

typedef struct {
  int32_t levels, index_bits, log_entries, pages;
  int64_t access_cost, l2_hit_cost, reference_cost, flag_cost, store_cost, budget;
  tlb_level l1, l2;
  uint64_t *words; /* memory: paging structures and the log */
  uint64_t frames, root, log;
  uint32_t log_index;
  uint32_t *truth; /* two bits a page: read, written */
  counters count;
  int64_t walk_cycles; /* of the present burst */
  int32_t rights;      /* result of a walk: what the TLB may hold */
  enum outcome stop;
} machine;

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) {
    fputs("out of memory\n", stderr);
    exit(2);
  }
  return memory;
}

static tlb_level create_level(int32_t sets, int32_t ways) {
  tlb_level level = {sets, ways, allocate((size_t)sets * ways, sizeof(tlb_entry)),
                     allocate(sets, sizeof(int32_t))};
  return level;
}

/* Whether a mapping with the rights is there; *slot is its place, or that of one with too few rights, or -1. */
static int find(const tlb_level *level, int32_t tag, int32_t want, int32_t *slot) {
  int32_t first = (tag & (level->sets - 1)) * level->ways;
  for (int32_t i = first; i < first + level->ways; i++) {
    const tlb_entry *entry = &level->entries[i];
    if (entry->tag == tag && ((entry->meta ^ want) & ~RIGHTS) == 0) {
      *slot = i;
      return (entry->meta & want & RIGHTS) == (want & RIGHTS);
    }
  }
  *slot = -1;
  return 0;
}

static void fill(tlb_level *level, int32_t slot, int32_t tag, int32_t meta, int32_t page) {
  if (slot < 0) {
    int32_t set = tag & (level->sets - 1);
    int32_t way = level->next[set];
    level->next[set] = way + 1 == level->ways ? 0 : way + 1;
    slot = set * level->ways + way;
  }
  level->entries[slot] = (tlb_entry){tag, meta, page};
}

static void flush(tlb_level *level) {
  for (int32_t i = 0; i < level->sets * level->ways; i++) level->entries[i].meta = 0;
}

static int is_leaf(uint64_t entry, int32_t level) {
  return level == 1 || (level <= 3 && (entry & LARGE) != 0);
}

static int is_misconfigured(const machine *m, uint64_t entry, int32_t level) {
  if ((entry & (READ | WRITE)) == WRITE) return 1;
  if ((entry >> PHYSICAL_BITS & ((1u << (52 - PHYSICAL_BITS)) - 1)) != 0) return 1;
  if (is_leaf(entry, level)) {
    uint64_t type = entry >> MEMORY_TYPE_SHIFT & 7;
    if (type == 2 || type == 3 || type == 7) return 1;
    return (entry >> 12 & ((1ull << ((level - 1) * m->index_bits)) - 1)) != 0;
  }
  return (entry & 0x78) != 0 || (level > 3 && (entry & LARGE) != 0);
}

static void set_flag(machine *m, uint64_t word, uint64_t flag) {
  m->words[word] |= flag;
  m->count.flag_updates++;
  m->walk_cycles += m->flag_cost;
}

static void log_page(machine *m, int32_t page) {
  m->words[m->log + m->log_index] = (uint64_t)page << 12;
  m->log_index = (m->log_index - 1) & 0xffff;
  m->count.log_entries++;
  m->walk_cycles += m->store_cost;
}

/* The EPT walk of one access, with flags and log. */
static enum outcome walk(machine *m, int32_t page, int32_t need) {
  uint64_t path[MAX_LEVELS + 1];
  uint64_t table = m->root, entry, granted = RWX, accessed = ACCESSED;
  uint64_t mask = (1ull << m->index_bits) - 1;
  int32_t level = m->levels;
  m->count.walks++;
  for (;;) {
    uint64_t word = (table << m->index_bits) + ((uint64_t)page >> ((level - 1) * m->index_bits) & mask);
    entry = m->words[word];
    path[level] = word;
    m->count.references++;
    m->walk_cycles += m->reference_cost;
    granted &= entry;
    if ((entry & RWX) == 0) return VIOLATION;
    if (is_misconfigured(m, entry, level)) return MISCONFIGURATION;
    accessed &= entry;
    if (is_leaf(entry, level)) break;
    table = (entry & ((1ull << PHYSICAL_BITS) - 1)) >> 12;
    level--;
  }
  if (((int32_t)granted & need) != need) return VIOLATION;
  int set_dirty = (need & WRITE) != 0 && (entry & DIRTY) == 0;
  if (set_dirty || accessed == 0) {
    if (m->log_index >= (uint32_t)m->log_entries) {
      m->count.log_full++;
      return LOG_FULL;
    }
    for (int32_t at = m->levels; at >= level; at--) {
      if ((m->words[path[at]] & ACCESSED) == 0) set_flag(m, path[at], ACCESSED);
    }
    if (set_dirty) {
      set_flag(m, path[level], DIRTY);
      log_page(m, page);
    }
  }
  /* A mapping cached while D = 0 must not satisfy a later write. */
  if ((m->words[path[level]] & DIRTY) == 0) granted &= ~(uint64_t)WRITE;
  m->rights = (int32_t)granted & RIGHTS;
  return DONE;
}

/* Performs accesses from..to-1 within the budget; returns the first that did not complete. */
static int64_t run(machine *m, const uint32_t *block, int64_t from, int64_t to) {
  static const int32_t needs[] = {READ, WRITE, EXECUTE, READ | WRITE};
  static const uint32_t truths[] = {1, 2, 1, 3};
  int64_t cycles = 0, position = from;
  m->walk_cycles = 0;
  m->stop = BLOCK_END;
  for (; position < to; position++) {
    int64_t before = m->walk_cycles;
    if (cycles >= m->budget) {
      m->stop = HORIZON;
      break;
    }
    int32_t linear = (int32_t)(block[position] >> 2);
    int32_t need = needs[block[position] & 3];
    int32_t page, l1_slot, l2_slot;
    if (find(&m->l1, linear, SPACE | need, &l1_slot)) {
      page = m->l1.entries[l1_slot].page;
    } else {
      m->count.l1_misses++;
      if (find(&m->l2, linear, SPACE | need, &l2_slot)) {
        page = m->l2.entries[l2_slot].page;
        fill(&m->l1, l1_slot, linear, m->l2.entries[l2_slot].meta, page);
        cycles += m->l2_hit_cost;
      } else {
        m->count.tlb_misses++;
        enum outcome outcome = walk(m, linear, need);
        cycles += m->walk_cycles - before;
        if (outcome != DONE) {
          m->stop = outcome;
          break;
        }
        page = linear;
        fill(&m->l1, l1_slot, linear, SPACE | m->rights, page);
        fill(&m->l2, l2_slot, linear, SPACE | m->rights, page);
      }
    }
    cycles += m->access_cost;
    m->count.writes += need >> 1 & 1;
    m->truth[page >> 4] |= truths[block[position] & 3] << ((page & 15) << 1);
  }
  m->count.accesses += position - from;
  m->count.walk_cycles += m->walk_cycles;
  m->count.guest_cycles += cycles - m->walk_cycles;
  m->count.bursts++;
  return position;
}

static uint64_t new_frame(machine *m) { return m->frames++; }

/* Maps every page to a frame without bytes; returns the word of the leaf. */
static uint64_t leaf_of(machine *m, int32_t page) {
  uint64_t table = m->root, mask = (1ull << m->index_bits) - 1;
  for (int32_t level = m->levels; level > 1; level--) {
    uint64_t word = (table << m->index_bits) + ((uint64_t)page >> ((level - 1) * m->index_bits) & mask);
    if (m->words[word] == 0) m->words[word] = new_frame(m) << 12 | RWX | USER_EXECUTE;
    table = m->words[word] >> 12;
  }
  return (table << m->index_bits) + ((uint64_t)page & mask);
}

/* A new round of tracking, as the hypervisor starts it: D cleared everywhere, then INVEPT. */
static void arm(machine *m) {
  for (int32_t page = 0; page < m->pages; page++) m->words[leaf_of(m, page)] &= ~(uint64_t)DIRTY;
  flush(&m->l1);
  flush(&m->l2);
}

static void build(machine *m) {
  uint64_t entries = 1ull << m->index_bits;
  uint64_t tables = 4, span = (uint64_t)m->pages;
  for (int32_t level = 1; level <= m->levels; level++) tables += span = (span + entries - 1) / entries;
  m->words = allocate((tables + (uint64_t)m->log_entries / entries + 1) << m->index_bits, 8);
  m->truth = allocate((size_t)m->pages / 16 + 1, sizeof(uint32_t));
  m->frames = 1;
  m->root = new_frame(m);
  for (int32_t page = 0; page < m->pages; page++) {
    uint64_t frame = (uint64_t)page + (1 << 20);
    m->words[leaf_of(m, page)] =
        frame << 12 | RWX | WRITE_BACK << MEMORY_TYPE_SHIFT | ACCESSED | DIRTY;
  }
  m->log = new_frame(m) << m->index_bits;
  m->log_index = (uint32_t)m->log_entries - 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void report(const machine *m, double seconds) {
  const counters *c = &m->count;
  uint32_t digest = 0x811c9dc5;
  for (int32_t i = 0; i < m->pages / 16; i++) digest = (digest ^ m->truth[i]) * 0x01000193;
  printf("%.9f %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %lld %u\n", seconds,
         (long long)c->accesses, (long long)c->l1_misses, (long long)c->tlb_misses,
         (long long)c->walks, (long long)c->references, (long long)c->flag_updates,
         (long long)c->log_entries, (long long)c->log_full, (long long)c->guest_cycles,
         (long long)c->walk_cycles, (long long)c->writes, (long long)c->bursts, digest);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 17) {
    fputs("accessLoop: expected 16 arguments; see the comment in accessLoop.c\n", stderr);
    return 2;
  }
  int64_t number[17];
  for (int i = 2; i < 17; i++) number[i] = atoll(argv[i]);
  int64_t length = number[2];
  machine m = {.pages = (int32_t)number[3], .levels = (int32_t)number[4],
               .index_bits = (int32_t)number[5], .log_entries = (int32_t)number[6],
               .l1 = create_level((int32_t)number[7], (int32_t)number[8]),
               .l2 = create_level((int32_t)number[9], (int32_t)number[10]),
               .access_cost = number[11], .l2_hit_cost = number[12], .reference_cost = number[13],
               .flag_cost = number[14], .store_cost = number[15], .budget = number[16]};
  build(&m);
  uint32_t *block = allocate(length, sizeof(uint32_t));
  FILE *file = fopen(argv[1], "rb");
  if (file == NULL || fread(block, sizeof(uint32_t), length, file) != (size_t)length) {
    fprintf(stderr, "cannot read %s\n", argv[1]);
    return 2;
  }
  fclose(file);
  for (int c = getchar(); c != EOF; c = getchar()) {
    if (c != '\n') continue;
    arm(&m);
    double start = now();
    for (int64_t at = 0; at < length;) {
      at = run(&m, block, at, length);
      if (m.stop == LOG_FULL) m.log_index = (uint32_t)m.log_entries - 1;
      else if (m.stop != HORIZON && m.stop != BLOCK_END) return 1;
    }
    report(&m, now() - start);
  }
  return 0;
}
