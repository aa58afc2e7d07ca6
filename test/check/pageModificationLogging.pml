/*
 * Page-modification logging and its harvests, written from the rules and not from the machines.
 *
 * The processor: a write that must set D asks the index first. Out of range, the write exits and has done nothing; else the
 * page goes into the entry that the index names, the index goes down by one, D is set, and the write completes (SDM vol. 3C
 * 28.2.6). What a TLB has is used until INVEPT has been executed on its CPU (28.3.3.4). An interrupt is taken before the next
 * instruction.
 *
 * The hypervisor: an exit for a full log is answered by draining the log into the VM's bitmap and setting the index to the last
 * entry (Xen vmx_vcpu_flush_pml_buffer). A harvest pauses the VM, drains the logs of all vCPUs, hands the bitmap over and
 * clears it, clears D of the pages in it, has INVEPT executed on every CPU, and lets the VM go on (Xen paging_log_dirty_op).
 *
 * Harvests, and the end, come at any moment; which page a guest writes is free. -DFAULT=NAME plants one fault. What must hold
 * are the assertions and formulas; which property of the checker each is, pageModificationLogging.test.ts says.
 */
#ifndef VCPUS
#define VCPUS 1
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
/* 1: harvests at any moment; 0: one, at the end. */
#ifndef HARVESTS
#define HARVESTS 1
#endif
#define LAST (SLOTS - 1)
#define OUT  SLOTS    /* 0xFFFF, as any index that names no entry */

#define NONE                         0
#define SKIP_INVEPT                  1
#define HARVEST_BEFORE_DRAIN         2
#define PML_ON_SOME_VCPUS            3
#define CLEAR_BEFORE_DRAIN           4
#define RESET_AT_EXIT                5
#define INDEX_NOT_RESET              6
#define REARM_NOTHING                7
#define BITMAP_CLEARED_BEFORE_COPIED 8
#define FLAG_BEFORE_LOG              9
#define INDEX_WRAPS                  10
#define INDEX_NOT_DECREMENTED        11
#define LOG_FULL_NOT_TOLD            12
#define INVEPT_ON_ONE_CPU            13
#define KICK_IGNORED                 14
#define PAUSED_TOO_EARLY             15
#define UNPAUSE_FORGOTTEN            16
#define LOG_FULL_SPINS               17
#ifndef FAULT
#define FAULT NONE
#endif

/* D of each page, in tables that all vCPUs share; and what each CPU's TLB allows to be written without a walk. */
bool dirty[PAGES] = true, cached[VCPUS * PAGES];

/* The logs: the entries above the index are used. */
byte slotOf[VCPUS] = OUT, entry[VCPUS * SLOTS];
bool logging;

/* The VM's bitmap, the requester's copy, and which pages were written since they were reported. */
bool marked[PAGES], reported[PAGES], owed[PAGES];

/*
 * A CPU and its one vCPU: it rests, is about to enter the guest, runs it, or serves an exit for a full log. Requests for INVEPT, and the
 * interrupts that make a CPU leave its guest, wait at their CPU.
 */
#define RESTING  0
#define ENTERING 1
#define GUEST    2
#define SERVING  3
byte mode[VCPUS], invepts[VCPUS], awaited;
bool kicked[VCPUS], paused = true;
/* A write that has exited, and is tried again. */
byte tried[VCPUS] = PAGES;

/* The toolstack: it waits for others; it harvests; its run is over. */
bool asking, harvesting, over;

/* What must hold in each step: no state, but judged where it is asserted. */
hidden byte noPageLost, noStaleTranslation, indexInRange, servedLogIsEmpty, noFlagWithoutAccess, standsStill;
hidden byte i, j, before, stored;

#define isAbove(slot, index) (index == OUT || slot > index)

/* In a step of the processor used entries stay so, and one that is stored becomes used. */
inline judgeLog(cpu) {
  indexInRange = (stored == SLOTS || (!isAbove(stored, before) && isAbove(stored, slotOf[cpu]))); i = 0;
  do
  :: i < SLOTS -> indexInRange = indexInRange && (!isAbove(i, before) || isAbove(i, slotOf[cpu])); i++
  :: else -> break
  od;
  assert(indexInRange)
}

inline store(cpu, page) {
  stored = slotOf[cpu];
  entry[cpu * SLOTS + stored] = page;
  if
  :: FAULT == INDEX_NOT_DECREMENTED
  :: else -> slotOf[cpu] = (stored == 0 -> OUT : stored - 1)
  fi
}

inline exitLogFull(cpu, page) {
  mode[cpu] = SERVING;
  tried[cpu] = page;
  if
  :: FAULT == FLAG_BEFORE_LOG -> dirty[page] = true
  :: FAULT == RESET_AT_EXIT -> slotOf[cpu] = LAST
  :: else
  fi;
  noFlagWithoutAccess = !dirty[page];
  assert(noFlagWithoutAccess)
}

#define logs(cpu) (logging && !(FAULT == PML_ON_SOME_VCPUS && cpu > 0))

/* A guest's write, to its end or to an exit. */
inline write(cpu, page) {
  if
  :: !cached[cpu * PAGES + page] && !dirty[page] && logs(cpu) ->
     before = slotOf[cpu]; stored = SLOTS;
     if
     :: FAULT == INDEX_WRAPS && slotOf[cpu] == OUT -> slotOf[cpu] = LAST
     :: else
     fi;
     if
     :: slotOf[cpu] == OUT -> exitLogFull(cpu, page)
     :: else -> store(cpu, page); tried[cpu] = PAGES
     fi;
     judgeLog(cpu)
  :: else -> tried[cpu] = PAGES
  fi;
  if
  :: tried[cpu] == PAGES -> dirty[page] = true; cached[cpu * PAGES + page] = true; owed[page] = true
  :: else
  fi
}

/* The entries that the index says are used go into the bitmap. */
inline drain(cpu) {
  i = 0;
  do
  :: i < SLOTS ->
     if
     :: isAbove(i, slotOf[cpu]) -> marked[entry[cpu * SLOTS + i]] = true
     :: else
     fi;
     i++
  :: else -> break
  od;
  slotOf[cpu] = LAST
}

inline serveFullLog(cpu) {
  if :: FAULT == CLEAR_BEFORE_DRAIN -> slotOf[cpu] = LAST :: else fi;
  drain(cpu);
  if :: FAULT == INDEX_NOT_RESET -> slotOf[cpu] = OUT :: else fi;
  servedLogIsEmpty = (slotOf[cpu] == LAST);
  assert(servedLogIsEmpty)
}

inline invalidate(cpu) {
  i = 0;
  do
  :: i < PAGES -> cached[cpu * PAGES + i] = false; i++
  :: else -> break
  od;
  awaited = awaited - invepts[cpu];
  invepts[cpu] = 0
}

active [VCPUS] proctype processor() {
  byte page;
end:
  do
  :: d_step { mode[_pid] != GUEST && invepts[_pid] > 0 -> invalidate(_pid) }
  :: d_step { mode[_pid] == ENTERING && invepts[_pid] == 0 ->
       mode[_pid] = GUEST;
       standsStill = !harvesting;
       assert(standsStill) }
  /* An interrupt is taken before the next instruction. */
  :: d_step { mode[_pid] == GUEST && kicked[_pid] ->
       kicked[_pid] = false;
       mode[_pid] = (paused -> RESTING : ENTERING) }
  :: atomic { mode[_pid] == GUEST && !kicked[_pid] ->
       if
       :: tried[_pid] == PAGES -> select (page : 0 .. PAGES - 1)
       :: else -> page = tried[_pid]
       fi;
       d_step { write(_pid, page); page = 0 } }
  :: d_step { mode[_pid] == SERVING && FAULT != LOG_FULL_NOT_TOLD ->
       if
       :: FAULT == LOG_FULL_SPINS
       :: else -> serveFullLog(_pid); mode[_pid] = (paused -> RESTING : ENTERING)
       fi }
  od
}

inline kick(cpu) {
  if
  :: mode[cpu] == RESTING || mode[cpu] == SERVING || FAULT == KICK_IGNORED
  :: else -> kicked[cpu] = true
  fi
}

inline askForInvepts() {
  j = 0;
  do
  :: j < VCPUS && FAULT != SKIP_INVEPT ->
     i = (FAULT == INVEPT_ON_ONE_CPU -> 0 : j);
     invepts[i] = invepts[i] + 1; awaited++;
     kick(i);
     j++
  :: else -> break
  od;
  j = 0
}

/* Who waits for no INVEPT may rely on it: what is written without a walk has D set. */
inline judgeTranslations() {
  noStaleTranslation = true; i = 0;
  do
  :: i < VCPUS * PAGES -> noStaleTranslation = noStaleTranslation && (!cached[i] || dirty[i % PAGES]); i++
  :: else -> break
  od;
  assert(noStaleTranslation)
}

inline drainAll() {
  j = 0;
  do
  :: j < VCPUS -> drain(j); j++
  :: else -> break
  od;
  j = 0
}

/* The bitmap becomes the requester's, and its pages lose D. */
inline handOver() {
  j = 0;
  do
  :: j < PAGES ->
     reported[j] = marked[j]; marked[j] = false;
     if :: FAULT == BITMAP_CLEARED_BEFORE_COPIED -> reported[j] = false :: else fi;
     if :: reported[j] && FAULT != REARM_NOTHING -> dirty[j] = false :: else fi;
     j++
  :: else -> break
  od;
  j = 0
}

/* What was written is reported; a page that is lost is said to be so once. */
inline judgeReport() {
  noPageLost = true; j = 0;
  do
  :: j < PAGES -> noPageLost = noPageLost && (!owed[j] || reported[j]); owed[j] = false; j++
  :: else -> break
  od;
  assert(noPageLost)
}

inline harvest() {
  standsStill = true; j = 0;
  do
  :: j < VCPUS -> standsStill = standsStill && mode[j] == RESTING; j++
  :: else -> break
  od;
  assert(standsStill);
  if
  :: FAULT == HARVEST_BEFORE_DRAIN -> handOver(); drainAll()
  :: else -> drainAll(); handOver()
  fi;
  judgeReport();
  askForInvepts()
}

inline arm() {
  j = 0;
  do
  :: j < PAGES -> dirty[j] = false; j++
  :: else -> break
  od;
  j = 0;
  do
  :: j < VCPUS -> slotOf[j] = LAST; j++
  :: else -> break
  od;
  logging = true;
  askForInvepts()
}

/* A page that is reported is written through what is cached until the INVEPT: that is in the report. */
inline flushed() {
  j = 0;
  do
  :: j < PAGES -> owed[j] = owed[j] && !reported[j]; reported[j] = false; j++
  :: else -> break
  od;
  judgeTranslations();
  asking = false; harvesting = false
}

inline pause() {
  asking = true; paused = true; j = 0;
  do
  :: j < VCPUS -> kick(j); j++
  :: else -> break
  od;
  j = 0
}

inline unpause() {
  paused = false; j = 0;
  do
  :: j < VCPUS -> mode[j] = (mode[j] == RESTING -> ENTERING : mode[j]); j++
  :: else -> break
  od;
  j = 0
}

#define allRest (mode[0] == RESTING && mode[VCPUS - 1] == RESTING)

active proctype toolstack() {
  bool isLast;
  d_step { asking = true; arm() }
  d_step { awaited == 0 -> flushed(); unpause() }
  do
  :: isLast -> break
  :: !isLast    /* not yet */
  :: !isLast ->
     atomic { if :: isLast = true :: HARVESTS -> skip fi; d_step { pause() } }
     d_step { allRest || FAULT == PAUSED_TOO_EARLY -> harvesting = true; harvest() }
     d_step { awaited == 0 -> flushed();
       if
       :: isLast -> over = true
       :: FAULT == UNPAUSE_FORGOTTEN
       :: else -> unpause()
       fi }
  od
}

/* What must come about, if nobody who can go on is held up for ever. */
ltl askedIsDone { [] (asking -> <> !asking) }
ltl logIsServed { [] (mode[0] == SERVING -> <> (mode[0] != SERVING)) }
ltl triedIsDone { [] (tried[0] < PAGES && !paused -> <> (tried[0] == PAGES || paused)) }
ltl runsAgain { [] (mode[0] == RESTING && !over -> <> (mode[0] != RESTING || over)) }
