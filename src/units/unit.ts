/**
 * What a page-logging unit says of itself: the one interface behind which all of them stand. Each has a folder here, and
 * all.ts lists them. What it does to memory, as software and as a processor, is here; if it has a statechart, that is in
 * machines/units; other rooms ask the registry and know no unit by its name (test/architecture/unitNames.test.ts).
 *
 * Which words are used follows what distinguishes Intel PML (SDM vol. 3C 28.2.6), AMD PML (APM vol. 2 15.25.15), Arm
 * FEAT_HDBSS (Arm ARM D8.5.2.3), PRL (VEE21 3.2) and CXL's hotness monitoring (CXL 3.2): trigger, filter, buffer, index, what
 * happens when full, and who is told.
 */
import type * as z from "zod";
import type { Ept } from "../hardware/ept.ts";
import type { Geometry } from "../hardware/geometry.ts";
import type { LogUnit } from "../hardware/mmu.ts";
import type { FieldName, Vmcs } from "../hardware/vmcs.ts";

/** What is to be said of a type of message, as in src/interconnect/messages.ts; units' messages carry nothing. */
export interface UnitMessage {
  readonly from: "mmu" | "tracker" | "pvmCpu";
  readonly to: "logUnit";
  readonly fields: Readonly<Record<string, never>>;
  readonly kind: "log";
  readonly step: 2 | 3;
  readonly after?: "delay";
}

/** The guest stops: at the next event that needs the log its vCPU exits, until software has emptied it. */
export interface StopsGuest {
  readonly kind: "exit";
  /** Basic exit reason, and its name in files and reports. */
  readonly reason: number;
  readonly reasonName: string;
  /** Types of message: an event found the log full; software has set the index back. */
  readonly full: string;
  readonly emptied: string;
  /** The exit reports the access as one that entries do not allow; else its qualification says nothing of it. */
  readonly isFault?: true;
}

/** The guest runs on; an interrupt tells a CPU of the privileged VM, whose handler reads the VMCS regions in memory. */
export interface InterruptsCpu {
  readonly kind: "interrupt";
  /** Type of message: a log has become full. */
  readonly full: string;
  /** Names of its costs: the handler between VM exit and entry, and each entry that it takes. */
  readonly handlerCost: string;
  readonly entryCost: string;
  /** In the region in memory: which logs are full, a bit each. */
  fullLogs(vmcs: VmcsWords): number;
  /** The handler's half of a reset, in the region in memory: these logs are empty again. */
  emptyInMemory(vmcs: Vmcs, logs: number, geometry: Geometry): void;
  /** The processor's half: it reloads its log state from memory. */
  reload(vmcs: Vmcs): void;
  /** Of a unit that finds writes: whether something was not logged since the logs were emptied, which the flags know. */
  readonly hasDropped?: (vmcs: VmcsWords) => boolean;
}

/** Nobody is told: what comes while the log is full is not logged. Software asks whether there was any. */
export interface Drops {
  readonly kind: "drop";
  /** Whether something was not logged since the log was emptied: it is said in Field.fullLogs, which emptying clears. */
  hasDropped(vmcs: VmcsWords): boolean;
}

/** The two copies of a VMCS, as its processor has it and as it is in memory; or what was saved of them. */
export interface VmcsWords {
  readonly words: ArrayLike<number>;
  readonly image: ArrayLike<number>;
}

/** A slot of one of a vCPU's logs. */
export type Slot = readonly [log: number, slot: number];

/** A unit whose options are settled. */
export interface Unit {
  readonly declaration: UnitDeclaration;
  /** The machine's processors have not got it: nobody has asked for it, or their second-level entries are others'. */
  readonly absent?: true;
  /** Of each vCPU. */
  readonly logs: 1 | 2;
  /** Entries that a log may have; and why no more, and what could have more, in words. */
  readonly entriesMax: number;
  readonly whyNoMore: string;
  /** What software sets to have it log: secondary controls. */
  readonly enabling: number;
  /**
   * Of one that interrupts: the handler only copies, and a process of the privileged VM counts after the reset. Names of what
   * each costs, an entry. Not there: the handler does all of it.
   */
  readonly countsLater?: { readonly copyCost: string; readonly countCost: string };
  /** As the processor sees it. @param isThere false: the processor has not got it, and says so at VM entry */
  processorSide(isThere: boolean): LogUnit;
  /** Slots of a log that hold entries which nobody has removed, as [first, end). */
  usedSlots(
    vmcs: VmcsWords,
    log: number,
    geometry: Geometry,
  ): readonly [first: number, end: number];
  /** Whether the index is one that the unit itself leaves behind. */
  isIndexValid(vmcs: VmcsWords, geometry: Geometry): boolean;
  /** The slots of the next entries that are stored, from a state on, in the order of logging. */
  nextSlots(vmcs: VmcsWords, count: number, geometry: Geometry): Slot[];
  /** The index as people read it: negative while the log is suspended. */
  shownIndex(vmcs: VmcsWords): number;
  /** VMWRITE, by software: all logs are empty, nothing is suspended. */
  empty(vmcs: Vmcs, geometry: Geometry): void;
}

/** What a litmus step that is a unit's own works on. */
export interface LogSteps {
  readonly vmcs: Vmcs;
  readonly geometry: Geometry;
  readonly units: readonly Unit[];
  /** The logs that the handler has copied and not yet declared empty, a bit each. */
  readonly copied: number;
  /** Reads an entry: an address. */
  entry(log: number, slot: number): number;
  /** Writes an entry of the first log, by software. */
  store(slot: number, entry: bigint): void;
  /** The tables of the second level. */
  readonly ept: Ept;
  /** Registers of the processor that are its own and no VMCS fields, by name. What was never written is not there. */
  readonly registers: ReadonlyMap<string, number>;
  /** The step's, as its verb's schema has it. */
  readonly argument: unknown;
}

/** What such a step gives: what it has read, the newest entry last; the copied logs, and its registers, from then on. A text: why it cannot be. */
export type LogStep = (steps: LogSteps) =>
  | {
      readonly copied: number;
      readonly read?: readonly number[];
      readonly registers?: Readonly<Record<string, number>>;
    }
  | string;

/** A verb of litmus steps, with a list of 64-bit words, with fields, or without an argument of its own: then it takes `true`. */
export interface UnitVerb {
  readonly argument?: "words" | z.ZodRawShape;
  readonly act: LogStep;
}

/** What a tracking technique says of itself (src/hypervisor/techniques/technique.ts), as far as its unit decides it. */
export interface UnitTechnique {
  readonly finds: string;
  readonly costs: string;
  readonly samples?: true;
  readonly variants?: readonly {
    readonly name: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
  readonly model: { readonly pages: number; readonly logEntries: number; readonly reads: 0 | 1 };
}

export interface UnitDeclaration {
  /** In scenarios, controls and names of actors. */
  readonly name: string;
  /** For people, short and in full. */
  readonly label: string;
  readonly title: string;
  /** Of second-level entries: the formats with which a processor can have it, by name. */
  readonly formats: readonly [string, ...string[]];
  /** Whether there are processors that have it. */
  readonly isReal: boolean;
  /** writes: the first write to each page of a round. accesses: each miss of the TLB that it does not skip. */
  readonly finds: "writes" | "accesses";
  /** Whether entries may be lost while it works as it should. */
  readonly mayLose: boolean;
  readonly whenFull: StopsGuest | InterruptsCpu | Drops;
  /** The technique that uses it alone, which is called as it is: what it finds and costs, for people; and more that is said of it. */
  readonly technique: UnitTechnique;
  /** A planted fault: of several vCPUs only the first has it on. Null: not planted. */
  readonly onSomeVcpus: string | null;
  /** Cycles of what the hypervisor does for it alone, by the names that scenarios give them. */
  readonly costs: Readonly<Record<string, number>>;
  /** Its secondary controls by their names in litmus tests. */
  readonly controls: Readonly<Record<string, number>>;
  /** Its names for VMCS fields that src/hardware/vmcs.ts calls otherwise. */
  readonly fields: Readonly<Record<string, FieldName>>;
  /** What VM entry may find wrong. */
  readonly failures: readonly string[];
  readonly messages: Readonly<Record<string, UnitMessage>>;
  /** Types among them that say of a full log what `whenFull` does not: a unit that is set up in a scenario may do another thing. */
  readonly alsoFull?: readonly string[];
  /** Verbs of litmus steps; and its registers that are no VMCS fields, which those set and tests ask for. */
  readonly verbs: Readonly<Record<string, UnitVerb>>;
  readonly registers?: readonly string[];
  /** For whoever wants a longer log than it has: what else there is. Null: its own options. */
  readonly whereLonger: string | null;
  /** How many entries its log may have, whatever its options; and in words, for the manual of scenarios: "for PML at most 512". */
  readonly entriesMax: number;
  readonly entriesText: string;
  /** Its section of a scenario's `tracker`; null: it has no options. */
  readonly section: z.ZodType | null;
  /** Those among them that are the machine's own, so that a litmus test can set them: the words that each may be, or a flag. */
  readonly machineOptions: Readonly<Record<string, readonly [string, ...string[]] | "flag">>;
  /** The name of a litmus expectation: whether a log of it has become full in this step. */
  readonly fullExpectation: string | null;
  /** @param options of its section; what is not said is as the schema's default */
  configure(options: unknown): Unit;
}
