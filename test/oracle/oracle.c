/*
 * An independent oracle for traces. It plays a trace through TLB, page walks and one tracking technique, and prints
 * what it counted as JSON. It knows the rules of docs/counting.md, whose numbers stand in brackets, and docs/trace-format.md, and
 * shares no code with the emulator.
 *
 *   oracle TRACKER PAGING FILE     FILE: a .tvtrace of linear addresses, or a log of valgrind's lackey
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

void fail(const char *why) {
  fprintf(stderr, "oracle: %s\n", why);
  exit(2);
}

/* ---- the machine ---- */

enum { R = 1, W = 2, X = 4, RWX = 7, A = 8, D = 16 };
enum tracker { NONE, WRITE_PROTECT, PRESENT_BIT, SCAN, PML, PRL, RING, TRACKERS };
static const char *const names[TRACKERS] = {
    "none", "writeProtect", "presentBit", "accessedDirtyScan", "pml", "prl", "dirtyRing"};
enum { DONE, VIOLATION_BY_PAGE, VIOLATION_BY_TABLE, LOG_FULL };

enum { ACCESS = 4, L2_HIT = 9, REFERENCE = 4, FLAG = 20, STORE = 15 };           /* docs/costs.md */
enum { EXIT = 600, ENTRY = 600, VIOLATION = 5000, DRAIN = 2000, DRAIN_ENTRY = 1200, PROTECT = 40, RING_ENTRY = 20 };
enum { IPI = 2400, HANDLER = 1800, HANDLER_ENTRY = 24, RELOAD = 2400, INVEPT = 500 };
enum { ENTRIES = 512, LEVELS = 4, RING_SOFT_LIMIT = 4096 - 64 };

static enum tracker tracker;
static int long_mode, accessed_dirty;
static u32 data_pages, all_pages;
static u8 *leaf;          /* by guest-physical page: rights, A, D */
static u8 *upper[5];      /* A of the tables' entries of levels 4 to 2, by region */
static u32 *table_of[5];  /* guest-physical page of the guest's table of a level, by region */
static u8 *guest_flags[5]; /* A and D of the guest's entry of a level, by region */
static u8 *dirty, *touched, *truth;

static u64 now, guest_cycles, walk_cycles, exit_cycles, entry_cycles, handler_cycles, control;
static u64 accesses, writes, l1_misses, misses, references, flag_updates, log_entries, log_full, missed, ipis;
static u64 violations, full_exits;
static int log_index = ENTRIES - 1;
static u32 in_log[ENTRIES];
static int logged;        /* entries in the log */
static u64 reload_at;     /* PRL: when a suspended log goes on [16] */
static u64 handled_at;    /* PRL: when the handler copies the full log */

struct level {
  u32 sets, ways;
  u32 *tag, *next;
  u8 *rights, *valid;
};
static struct level l1 = {.sets = 16, .ways = 4}, l2 = {.sets = 128, .ways = 12};

static void make_level(struct level *l) {
  l->tag = calloc(l->sets * l->ways, sizeof *l->tag);
  l->next = calloc(l->sets, sizeof *l->next);
  l->rights = calloc(l->sets * l->ways, 1);
  l->valid = calloc(l->sets * l->ways, 1);
}

/* The slot of a page, whatever its rights, or -1. */
static int find(const struct level *l, u32 page) {
  u32 first = page % l->sets * l->ways; /* [1] */
  for (u32 i = first; i < first + l->ways; i++)
    if (l->valid[i] && l->tag[i] == page) return (int)i;
  return -1;
}

static void fill(struct level *l, u32 page, u8 rights) {
  int slot = find(l, page); /* [4] */
  if (slot < 0) {
    u32 set = page % l->sets;
    slot = (int)(set * l->ways + l->next[set]);
    l->next[set] = (l->next[set] + 1) % l->ways; /* [3] */
  }
  l->tag[slot] = page;
  l->rights[slot] = rights;
  l->valid[slot] = 1;
}

static void revoke(struct level *l, u32 page) {
  int slot = find(l, page);
  if (slot >= 0) l->rights[slot] = 0; /* [5] */
}

/* ---- the log ---- */

static void store(u32 page) {
  in_log[logged++] = page;
  log_entries++;
  walk_cycles += STORE;
  now += STORE;
}

/* What the pages of a log become in the bitmap of the technique. */
static int empty_log(u8 *bitmap) {
  int entries = logged;
  for (int i = 0; i < logged; i++) bitmap[in_log[i]] = 1;
  logged = 0;
  return entries;
}

static int suspended, filled;

static void log_walk(u32 page) {
  if (suspended) {
    missed++; /* [15] */
  } else if (log_index == 0) {
    missed++; /* [14] */
    suspended = filled = 1;
  } else {
    log_index--;
    store(page);
  }
}

/* ---- walks ---- */

static void set_flag(u8 *entry, u8 flag) {
  *entry |= flag;
  flag_updates++;
  walk_cycles += FLAG;
  now += FLAG;
}

static void refer(int n) {
  references += n;
  walk_cycles += n * REFERENCE;
  now += n * REFERENCE;
}

static u32 exit_page;
static u8 granted;

/* One guest-physical access: DONE, or why not. [6] to [11] */
static int ept_access(u32 page, u8 need, int is_table) {
  refer(LEVELS);
  u8 *l = &leaf[page];
  if (is_table && accessed_dirty) need |= W; /* [9] */
  exit_page = page;
  if ((*l & need) != need) return is_table ? VIOLATION_BY_TABLE : VIOLATION_BY_PAGE;
  if (accessed_dirty) {
    u8 *path[5] = {0, l, &upper[2][page >> 9], &upper[3][page >> 18], &upper[4][page >> 27]};
    int set_dirty = (need & W) && !(*l & D), set_accessed = 0;
    for (int level = LEVELS; level >= 1; level--) set_accessed |= !(*path[level] & A);
    if (tracker == PML && (set_dirty || set_accessed) && log_index < 0) return LOG_FULL; /* [12] */
    for (int level = LEVELS; level >= 1; level--)
      if (!(*path[level] & A)) set_flag(path[level], A);
    if (set_dirty) {
      set_flag(l, D);
      if (tracker == PML) {
        store(page);
        log_index--;
      }
    }
  }
  granted = *l & RWX;
  if (accessed_dirty && !(*l & D)) granted &= ~W; /* [8] */
  if (tracker == PRL && !is_table) log_walk(page); /* [13] */
  return DONE;
}

/* The guest's own tables. [10] */
static int guest_walk(u32 page, u8 need, u8 *rights) {
  *rights = RWX;
  if (!long_mode) return DONE;
  for (int level = LEVELS; level >= 1; level--) {
    int outcome = ept_access(table_of[level][(u64)page >> 9 * level], R, 1);
    if (outcome != DONE) return outcome;
    refer(1);
  }
  for (int level = LEVELS; level >= 1; level--) {
    u8 *entry = &guest_flags[level][page >> 9 * (level - 1)];
    u8 wanted = *entry | A | (level == 1 && (need & W) ? D : 0);
    if (wanted == *entry) continue;
    if (!accessed_dirty) {
      int outcome = ept_access(table_of[level][(u64)page >> 9 * level], R | W, 1);
      if (outcome != DONE) return outcome;
    }
    *entry = wanted;
  }
  if (!(guest_flags[1][page] & D)) *rights &= ~W; /* [8] */
  return DONE;
}

static int walk(u32 page, u8 need, u8 *rights) {
  misses++;
  int outcome = guest_walk(page, need, rights);
  if (outcome == DONE) outcome = ept_access(page, need, 0);
  *rights &= granted;
  return outcome;
}

/* ---- exits ---- */

static void serve(int outcome, u32 page) {
  u64 cycles;
  if (outcome == LOG_FULL) {
    full_exits++;
    log_full++;
    cycles = DRAIN + DRAIN_ENTRY * (u64)empty_log(dirty);
    log_index = ENTRIES - 1;
  } else {
    if (outcome == VIOLATION_BY_PAGE) {
      revoke(&l1, page);
      revoke(&l2, page);
    }
    violations++;
    cycles = VIOLATION;
    leaf[exit_page] |= tracker == PRESENT_BIT ? RWX : W; /* [18] */
    (tracker == PRESENT_BIT ? touched : dirty)[exit_page] = 1;
  }
  handler_cycles += cycles;
  exit_cycles += EXIT;
  entry_cycles += ENTRY;
  now += EXIT + cycles + ENTRY;
}

/* One access of the guest, until it completes. */
static void access_page(u32 page, int kind) {
  static const u8 needs[] = {R, W, X, R | W}, kinds[] = {R, W, R, R | W};
  u8 need = needs[kind];
  for (;;) {
    if (suspended && now >= reload_at) { /* [16] */
      suspended = 0;
      log_index = ENTRIES - 1;
      empty_log(touched);
    }
    int slot = find(&l1, page);
    if (slot >= 0 && (l1.rights[slot] & need) == need) break;
    l1_misses++;
    slot = find(&l2, page);
    if (slot >= 0 && (l2.rights[slot] & need) == need) {
      fill(&l1, page, l2.rights[slot]); /* [2] */
      guest_cycles += L2_HIT;
      now += L2_HIT;
      break;
    }
    u8 rights;
    int outcome = walk(page, need, &rights);
    if (outcome == DONE) {
      fill(&l1, page, rights);
      fill(&l2, page, rights);
      break;
    }
    serve(outcome, page); /* [17] */
  }
  now += ACCESS;
  guest_cycles += ACCESS;
  accesses++;
  writes += need >> 1 & 1;
  truth[page] |= kinds[kind];
  if (filled) {
    filled = 0;
    log_full++;
    ipis++;
    handled_at = now + IPI;
    reload_at = handled_at + EXIT + HANDLER + HANDLER_ENTRY * (ENTRIES - 1) + ENTRY + RELOAD;
  }
}

/* ---- the run ---- */

/* Pages are numbered in the order of their first use (docs/trace-format.md, compact). */
static void number_pages(void) {
  size_t room = 1 << 20;
  u64 *keys = calloc(room, sizeof *keys);
  u32 *values = calloc(room, sizeof *values);
  for (u64 i = 0; i < run_count; i++) {
    u64 key = runs[i].page + 1;
    size_t slot = key * 0x9e3779b97f4a7c15u >> 44;
    while (keys[slot] && keys[slot] != key) slot = (slot + 1) % room;
    if (!keys[slot]) {
      if (data_pages > room / 2) fail("the trace has more pages than the oracle takes");
      keys[slot] = key;
      values[slot] = data_pages++;
    }
    runs[i].page = values[slot];
  }
}

/* The guest's tables follow its pages: a table comes before those that it names. [10] */
static u32 make_table(int level, u64 first) {
  u64 span = 1ull << 9 * level;
  u32 page = all_pages++;
  table_of[level][first / span] = page;
  if (level > 1)
    for (u64 at = first; at < first + span && at < data_pages; at += span / 512) make_table(level - 1, at);
  return page;
}

static void make_machine(void) {
  u32 room = 2 * data_pages + 4096;
  leaf = calloc(room, 1);
  dirty = calloc(room, 1);
  touched = calloc(room, 1);
  truth = calloc(room, 1);
  for (int level = 1; level <= LEVELS; level++) {
    upper[level] = calloc((room >> 9 * (level - 1)) + 1, 1);
    table_of[level] = calloc((room >> 9 * level) + 1, sizeof(u32));
    guest_flags[level] = calloc((room >> 9 * (level - 1)) + 1, 1);
  }
  make_level(&l1);
  make_level(&l2);
  all_pages = data_pages;
  if (long_mode) make_table(LEVELS, 0);
  accessed_dirty = tracker == SCAN || tracker == PML || tracker == PRL; /* [19] */
  for (u32 page = 0; page < all_pages; page++) {
    leaf[page] = RWX | (page < data_pages ? A | D : 0); /* [7] */
    if (tracker == PML) leaf[page] &= ~D;
    if (tracker == SCAN) leaf[page] &= ~(A | D);
    if (tracker == WRITE_PROTECT || tracker == RING) leaf[page] &= ~W;
    if (tracker == PRESENT_BIT) leaf[page] &= ~RWX;
  }
}

/* What arming and the harvest at the end cost. [20] */
static void harvest(void) {
  u64 armed = all_pages * (u64)PROTECT, marked = 0, left = 0;
  if (tracker == PML) left = empty_log(dirty);
  if (tracker == PRL) {
    left = suspended && handled_at <= now + EXIT ? 0 : logged;
    empty_log(touched);
  }
  if (tracker == SCAN)
    for (u32 page = 0; page < all_pages; page++) {
      touched[page] = (leaf[page] & A) != 0;
      dirty[page] = (leaf[page] & D) != 0;
    }
  for (u32 page = 0; page < all_pages; page++) marked += dirty[page] | touched[page];
  switch (tracker) {
    case NONE: control = 0; break;
    case WRITE_PROTECT:
    case PRESENT_BIT: control = armed + marked * PROTECT; break;
    case SCAN: control = 3 * armed; break;
    case PML: control = armed + left * DRAIN_ENTRY + marked * PROTECT; break;
    case PRL: control = left * HANDLER_ENTRY; break;
    case RING:
      if (marked >= RING_SOFT_LIMIT) fail("a dirty ring that is full is not in the oracle");
      control = armed + marked * (PROTECT + RING_ENTRY);
      break;
    default: fail("no such tracker");
  }
}

static u32 count(const u8 *of, u32 from, u32 to, u8 bits) {
  u32 n = 0;
  for (u32 page = from; page < to; page++) n += (of[page] & bits) != 0;
  return n;
}

static void print_found(const char *name, int finds, const u8 *of) {
  if (finds) printf("\"%s\": %u, ", name, count(of, 0, data_pages, 1));
  else printf("\"%s\": null, ", name);
}

#define N(name, value) printf("\"%s\": %llu", name, (unsigned long long)(value))
#define L(name, value) N(name, value), printf(", ")

static void print(void) {
  int finds_writes = tracker != NONE && tracker != PRESENT_BIT && tracker != PRL;
  int finds_touches = tracker == PRESENT_BIT || tracker == SCAN || tracker == PRL;
  printf("{");
  L("accesses", accesses), L("writes", writes), L("l1TlbMisses", l1_misses), L("tlbMisses", misses);
  L("walks", misses), L("walkReferences", references), L("flagUpdates", flag_updates);
  L("logEntries", log_entries), L("logFull", log_full), L("missedGpas", missed), L("ipis", ipis);
  printf("\"exits\": {"), N("12", 1);
  if (violations) printf(", "), N("48", violations);
  if (full_exits) printf(", "), N("62", full_exits);
  printf("}, \"cycles\": {");
  L("guest", guest_cycles), L("ptw", walk_cycles), L("exit", exit_cycles + EXIT);
  L("entry", entry_cycles + ENTRY), N("handler", handler_cycles);
  printf("}, ");
  u64 both = EXIT + ENTRY + exit_cycles + entry_cycles + handler_cycles;
  L("time", guest_cycles + walk_cycles + both + control + (tracker == NONE ? 0 : 2 * INVEPT)); /* [21] */
  printf("\"pvm\": {"), N("control", control), printf("}, \"truth\": {");
  L("pagesRead", count(truth, 0, data_pages, R)), L("pagesWritten", count(truth, 0, data_pages, W));
  N("pagesTouched", count(truth, 0, data_pages, R | W)), printf("}, \"reported\": {");
  print_found("pagesWritten", finds_writes, dirty);
  print_found("pagesTouched", finds_touches, touched);
  N("guestPageTables", count(finds_writes ? dirty : touched, data_pages, all_pages, 1));
  printf("}}\n");
}

int main(int argc, char **argv) {
  if (argc != 4) fail("usage: oracle TRACKER off|longMode FILE");
  for (tracker = 0; tracker < TRACKERS && strcmp(argv[1], names[tracker]); tracker++) { }
  if (tracker == TRACKERS) fail("no such tracker");
  long_mode = !strcmp(argv[2], "longMode");
  if (!long_mode && strcmp(argv[2], "off")) fail("no such paging");
  read_file(argv[3]);
  number_pages();
  make_machine();
  for (u64 i = 0; i < run_count; i++)
    for (u32 n = runs[i].length; n > 0; n--) access_page(runs[i].page, runs[i].kind);
  harvest();
  print();
}
