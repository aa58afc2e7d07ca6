/*
 * Write protection on one vCPU, written from the rules and not from the machines: the pages of a round
 * lose their write right; a write to one exits (EPT violation, exit reason 48), the handler marks the page
 * and gives the right back, and the write is tried again; a harvest stops the vCPU, reads the marks, takes
 * the right from the marked pages, and is answered when the CPU has executed INVEPT (SDM vol. 3C 28.3.3.4).
 * Harvests, and the end, come at any moment. One option for each message that can be delivered; what is
 * sent inside the processor is delivered before anything else.
 */
#define PAGES 2
#define NONE  PAGES

mtype = { startVm, pauseVm, unpauseVm, schedule, preempt, vmPaused, resume, deschedule, descheduled,
          enterGuest, interrupted, violation, kick, arm, armed, harvest, harvested,
          inveptRequest, inveptDone, handled };

/* FIFO for each pair. A message with a page: which page was written. */
chan toolstack_scheduler  = [3] of { mtype };
chan scheduler_toolstack  = [3] of { mtype };
chan toolstack_tracker    = [3] of { mtype };
chan tracker_toolstack    = [3] of { mtype };
chan scheduler_dispatcher = [3] of { mtype };
chan tracker_dispatcher   = [3] of { mtype };
chan dispatcher_tracker   = [3] of { mtype, byte };
chan dispatcher_vcpu      = [3] of { mtype };        /* inside the processor */
chan dispatcher_entry     = [3] of { mtype };        /* resume, deschedule: when the work of the exit is done */
chan vcpu_scheduler       = [3] of { mtype };
chan vcpu_dispatcher      = [3] of { mtype, byte };
chan vcpu_mmu             = [3] of { mtype };
chan mmu_vcpu             = [3] of { mtype, byte };  /* at the time of the guest */
bool kickSent;                                       /* an interrupt is a pending bit */
bool burst;                                          /* the guest's next access */
bool beginSent = true, harvestTimer, deadlineTimer;

/* The toolstack. */
#define CREATED 0
#define ARMING 1
#define RUNNING 2
#define PAUSING 3
#define HARVESTING 4
#define DONE 5
byte toolstack = CREATED;
bool ending;

/* The scheduler: the vCPU has the CPU, or waits for it; the VM is paused. */
bool onCpu, waiting, paused;

/* The tracker; what it answers after the flush. */
#define OFF 0
#define FLUSHING 1
#define LOGGING 2
byte tracker = OFF;
bool answersHarvest;

/* The hypervisor's dispatcher on the CPU, with its pending work. */
#define VACANT 0
#define GUEST 1
#define HANDLING 2
byte dispatcher = VACANT;
bool leaving, inveptPending;

/* The vCPU and the processor. */
#define READY 0
#define IN_GUEST 1
#define ROOT 2
byte vcpu = READY;
bool running, kicked;
byte pending = NONE;    /* the page of a write that has not completed */
bool writable[PAGES] = true;
bool cached[PAGES], marked[PAGES], reported[PAGES], owed[PAGES];

hidden byte page, i;
hidden mtype type;

#define quiet empty(dispatcher_vcpu)

inline write(p) {
  if
  :: cached[p] || writable[p] ->
     cached[p] = true; owed[p] = true; pending = NONE; running = true; burst = true
  :: else ->
     pending = p; running = false; kicked = false; mmu_vcpu!violation(p)
  fi
}

inline flush() { i = 0; do :: i < PAGES -> cached[i] = false; i++ :: else -> break od; i = 0 }

/* Before a VM entry: pending INVEPTs first, then whether the CPU is wanted. */
inline decide() {
  if :: inveptPending -> flush(); dispatcher_tracker!inveptDone(0); inveptPending = false :: else fi;
  if
  :: leaving -> dispatcher = VACANT; leaving = false; dispatcher_entry!deschedule
  :: else -> dispatcher = GUEST; dispatcher_entry!resume
  fi
}

inline fill() {
  if :: waiting && !onCpu && !paused -> waiting = false; onCpu = true; scheduler_dispatcher!schedule :: else fi
}

inline pause() { toolstack = PAUSING; toolstack_scheduler!pauseVm }

active proctype everything() {
  do
  /* The toolstack. */
  :: d_step { quiet && beginSent -> beginSent = false; toolstack = ARMING; toolstack_tracker!arm }
  :: d_step { quiet && tracker_toolstack?[armed] -> tracker_toolstack?armed;
       toolstack = RUNNING; toolstack_scheduler!startVm; deadlineTimer = true; harvestTimer = true }
  :: d_step { quiet && harvestTimer -> harvestTimer = false;
       if :: toolstack == RUNNING -> pause() :: else fi }
  :: d_step { quiet && deadlineTimer -> deadlineTimer = false; ending = true;
       if :: toolstack == RUNNING -> pause() :: else fi }
  :: d_step { quiet && nempty(scheduler_toolstack) -> scheduler_toolstack?vmPaused;
       toolstack = HARVESTING; toolstack_tracker!harvest }
  :: d_step { quiet && tracker_toolstack?[harvested] -> tracker_toolstack?harvested;
       if
       :: ending -> toolstack = DONE
       :: else -> toolstack = RUNNING; toolstack_scheduler!unpauseVm; harvestTimer = true
       fi }

  /* The scheduler. */
  :: d_step { quiet && nempty(toolstack_scheduler) -> toolstack_scheduler?type;
       if
       :: type == startVm -> waiting = true; fill()
       :: type == unpauseVm -> paused = false; fill()
       :: else -> paused = true;
          if :: onCpu -> scheduler_dispatcher!preempt :: else -> scheduler_toolstack!vmPaused fi
       fi; type = 0 }
  :: d_step { quiet && nempty(vcpu_scheduler) -> vcpu_scheduler?descheduled;
       onCpu = false; waiting = true;
       if :: paused -> scheduler_toolstack!vmPaused :: else fi;
       fill() }

  /* The tracker. */
  :: d_step { quiet && nempty(toolstack_tracker) -> toolstack_tracker?type;
       i = 0;
       do
       :: i < PAGES ->
          if
          :: type == arm -> marked[i] = false; owed[i] = false; writable[i] = false
          :: else ->
             reported[i] = marked[i]; marked[i] = false;
             if :: reported[i] -> writable[i] = false; owed[i] = false :: else fi;
             /* The checker says once that a page was lost. */
             owed[i] = false
          fi; i++
       :: else -> break
       od;
       i = 0;
       answersHarvest = (type == harvest); tracker = FLUSHING; type = 0;
       tracker_dispatcher!inveptRequest }
  :: d_step { quiet && dispatcher_tracker?[inveptDone, 0] -> dispatcher_tracker?inveptDone, 0;
       tracker = LOGGING;
       if :: answersHarvest -> tracker_toolstack!harvested :: else -> tracker_toolstack!armed fi;
       answersHarvest = false }
  :: d_step { quiet && dispatcher_tracker?[violation, _] -> dispatcher_tracker?violation, page;
       marked[page] = true; writable[page] = true; page = 0; tracker_dispatcher!handled }

  /* The dispatcher. */
  :: d_step { quiet && nempty(scheduler_dispatcher) -> scheduler_dispatcher?type;
       if
       :: type == schedule -> dispatcher = GUEST; dispatcher_vcpu!schedule
       :: else ->
          if
          :: dispatcher == GUEST -> leaving = true; kickSent = true
          :: dispatcher == HANDLING -> leaving = true
          :: else
          fi
       fi; type = 0 }
  :: d_step { quiet && tracker_dispatcher?[inveptRequest] -> tracker_dispatcher?inveptRequest;
       if
       :: dispatcher == GUEST -> inveptPending = true; kickSent = true
       :: else -> flush(); dispatcher_tracker!inveptDone(0)
       fi }
  :: d_step { quiet && tracker_dispatcher?[handled] -> tracker_dispatcher?handled; decide() }
  :: d_step { quiet && nempty(vcpu_dispatcher) -> vcpu_dispatcher?type, page;
       if
       :: type == violation -> dispatcher = HANDLING; dispatcher_tracker!violation(page)
       :: else -> decide()
       fi; type = 0; page = 0 }

  /* The vCPU. */
  :: d_step { nempty(dispatcher_vcpu) -> dispatcher_vcpu?type;
       vcpu = IN_GUEST; vcpu_mmu!enterGuest; type = 0 }
  :: d_step { quiet && nempty(dispatcher_entry) -> dispatcher_entry?type;
       if
       :: type == deschedule -> vcpu = READY; vcpu_scheduler!descheduled
       :: else -> vcpu = IN_GUEST; vcpu_mmu!enterGuest
       fi; type = 0 }
  :: d_step { quiet && nempty(mmu_vcpu) -> mmu_vcpu?type, page;
       vcpu = ROOT; vcpu_dispatcher!type(page); type = 0; page = 0 }

  /* The processor. A write that exited is tried again; else the guest chooses a page. */
  :: d_step { quiet && kickSent -> kickSent = false; kicked = true }
  :: d_step { quiet && nempty(vcpu_mmu) && kicked -> vcpu_mmu?enterGuest;
       kicked = false; mmu_vcpu!interrupted(0) }
  :: d_step { quiet && nempty(vcpu_mmu) && !kicked && pending != 1 -> vcpu_mmu?enterGuest; write(0) }
  :: d_step { quiet && nempty(vcpu_mmu) && !kicked && pending != 0 -> vcpu_mmu?enterGuest; write(1) }
  :: d_step { quiet && burst && kicked -> burst = false; running = false; kicked = false;
       mmu_vcpu!interrupted(0) }
  :: d_step { quiet && burst && !kicked -> burst = false; write(0) }
  :: d_step { quiet && burst && !kicked -> burst = false; write(1) }
  od
}
