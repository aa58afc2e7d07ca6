/** Page reference logging (VEE21, DW19): each walk's page is logged; a full log interrupts a CPU of the privileged VM. */
import type { Geometry } from "../../hardware/geometry.ts";
import { Field, writeField } from "../../hardware/vmcs.ts";
import { SECONDARY_PML } from "../pml/walk.ts";
import { reloadLogs, SUSPENDED } from "../suspended.ts";
import type { LogStep, Slot, Unit, UnitDeclaration, VmcsWords } from "../unit.ts";
import { type PrlOptions, prlSection } from "./options.ts";
import {
  prlInitialIndex,
  prlResetImage,
  prlUnit,
  prlUsedSlots,
  SECONDARY_PRL,
  SECONDARY_PRL_FILTER,
} from "./walk.ts";

/** VEE21's index has 16 bits, one of which says that the log is suspended. */
export const VEE21_ENTRIES_MAX = 32_768;
/** DW19's index has 60 bits; what is emulated ends here. */
export const DW19_ENTRIES_MAX = 65_536;
const LOGS = [0, 1] as const;

function word({ words }: VmcsWords, field: number): number {
  return words[2 * field] ?? 0;
}

/** All of a full log, those of the log in use by its index, none of any other. */
function usedSlots(
  vmcs: VmcsWords,
  log: number,
  { logEntries }: Geometry,
  { slotRule }: PrlOptions,
): readonly [number, number] {
  if ((word(vmcs, Field.fullLogs) & (1 << log)) !== 0) {
    return prlUsedSlots(SUSPENDED, logEntries, slotRule);
  }
  if (word(vmcs, Field.activeLog) !== log) return [0, 0];
  return prlUsedSlots(word(vmcs, Field.logIndex), logEntries, slotRule);
}

function nextSlots(
  vmcs: VmcsWords,
  count: number,
  { logEntries }: Geometry,
  { slotRule }: PrlOptions,
): Slot[] {
  const slots: Slot[] = [];
  let index = word(vmcs, Field.logIndex);
  let log = word(vmcs, Field.activeLog);
  while (slots.length < count) {
    if (index === 0) {
      if (slotRule === "store-at-zero") slots.push([log, 0]);
      log ^= 1;
      index = prlInitialIndex(logEntries);
      continue;
    }
    slots.push([log, slotRule === "decrement-then-store" ? index - 1 : index]);
    index--;
  }
  return slots;
}

function configure(section: unknown): Unit {
  const options = prlSection.parse(section);
  const { variant, doubleBuffer, filterGuestTables, counting } = options;
  return {
    declaration: prl,
    logs: doubleBuffer ? 2 : 1,
    entriesMax: variant === "vee21" ? VEE21_ENTRIES_MAX : DW19_ENTRIES_MAX,
    whyNoMore: `VEE21's index has 16 bits; tracker.prl.variant dw19 has 64, and up to ${DW19_ENTRIES_MAX} entries`,
    enabling: SECONDARY_PML | SECONDARY_PRL | (filterGuestTables ? SECONDARY_PRL_FILTER : 0),
    ...(counting === "process"
      ? { countsLater: { copyCost: "prlCopy", countCost: "prlCount" } }
      : {}),
    processorSide: (isThere) => prlUnit(options, isThere),
    usedSlots: (vmcs, log, geometry) => usedSlots(vmcs, log, geometry, options),
    isIndexValid(vmcs, { logEntries }) {
      const index = word(vmcs, Field.logIndex);
      return index >= SUSPENDED && index < logEntries;
    },
    nextSlots: (vmcs, count, geometry) => nextSlots(vmcs, count, geometry, options),
    shownIndex: (vmcs) => word(vmcs, Field.logIndex),
    empty(vmcs, { logEntries }) {
      writeField(vmcs, Field.logIndex, prlInitialIndex(logEntries), 0);
      writeField(vmcs, Field.activeLog, 0);
      writeField(vmcs, Field.fullLogs, 0);
    },
  };
}

/** This unit of a machine. */
function unitOf(units: readonly Unit[]): Unit | undefined {
  return units.find(({ declaration }) => declaration === prl);
}

/** The handler reads the logs that are full, from the VMCS region in memory. */
const prlCopy: LogStep = ({ vmcs, geometry, units, copied, entry }) => {
  const unit = unitOf(units);
  if (unit === undefined) return "this machine has no PRL";
  const full = word({ words: vmcs.image, image: vmcs.image }, Field.fullLogs);
  const read: number[] = [];
  for (const log of LOGS) {
    if ((full & (1 << log)) === 0) continue;
    const [first, end] = unit.usedSlots(fullIn(vmcs), log, geometry);
    for (let slot = end - 1; slot >= first; slot--) read.push(entry(log, slot));
  }
  return { copied: copied | full, read };
};

/** What the handler sees of a VMCS: the region in memory. */
function fullIn({ image }: VmcsWords): VmcsWords {
  return { words: image, image };
}

/** The handler declares the copied logs empty, in the VMCS region in memory. */
const prlReset: LogStep = ({ vmcs, geometry, copied }) => {
  if (copied === 0) return "prlReset needs a prlCopy of a full log";
  prlResetImage(vmcs, copied, geometry);
  return { copied: 0 };
};

/** The new instruction: the vCPU's processor reloads its log state from memory. */
const prlReloadStep: LogStep = ({ vmcs, copied }) => {
  reloadLogs(vmcs);
  return { copied };
};

export const prl = {
  name: "prl",
  label: "PRL",
  title: "page reference logging",
  formats: ["ept"],
  isReal: false,
  finds: "accesses",
  mayLose: true,
  whenFull: {
    kind: "interrupt",
    full: "prlLogFilled",
    handlerCost: "prlHandler",
    entryCost: "prlEntry",
    fullLogs: ({ image }) => image[2 * Field.fullLogs] ?? 0,
    emptyInMemory: prlResetImage,
    reload: reloadLogs,
  },
  technique: {
    finds: "every TLB miss, with counts",
    costs: "a store a TLB miss",
    variants: [{ name: "prl-two-logs", fields: { "prl.doubleBuffer": true } }],
    model: { pages: 3, logEntries: 2, reads: 1 },
  },
  onSomeVcpus: null,
  // The log-full handler on the pVM CPU, between VM exit and entry there: a fixed part, and each entry's count. Where a process
  // counts: each entry's copy alone, and what the process takes for it after the reset.
  costs: { prlHandler: 1800, prlEntry: 24, prlCopy: 6, prlCount: 1200 },
  controls: { prl: SECONDARY_PRL, prlFilter: SECONDARY_PRL_FILTER },
  fields: { prlActiveLog: "activeLog", prlFullLogs: "fullLogs" },
  failures: ["prl-not-supported", "prl-without-pml"],
  messages: {
    // MMU -> PRL unit: the log became full; the guest runs on.
    prlLogFilled: { from: "mmu", to: "logUnit", fields: {}, kind: "log", step: 2 },
  },
  verbs: {
    prlCopy: { act: prlCopy },
    prlReset: { act: prlReset },
    prlReload: { act: prlReloadStep },
  },
  whereLonger: null,
  entriesMax: DW19_ENTRIES_MAX,
  entriesText: "for PRL 32768, with variant dw19 65536",
  section: prlSection,
  machineOptions: {
    variant: ["vee21", "dw19"],
    slotRule: ["decrement-then-store", "store-then-decrement", "store-at-zero"],
    doubleBuffer: "flag",
  },
  fullExpectation: "prlFull",
  configure,
} as const satisfies UnitDeclaration;
