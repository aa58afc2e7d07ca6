/**
 * What there is to see of a run at one moment: plain immutable data, the same for the screen, for --json
 * and for tests. It follows from the system, the position and the messages before it alone, never from
 * the wall clock: two sessions at the same place of the same run have equal frames.
 * Times are virtual, in cycles; shares are parts of 1.
 */
import type { MessageKind } from "../interconnect/messageRow.ts";
import type { Told, ToldChart } from "../system/operations/telling.ts";

export type { MessageKind };

export interface StreamEntry {
  /** Messages delivered up to and with this one. */
  readonly position: number;
  readonly sequence: number;
  readonly time: number;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly kind: MessageKind;
  /** Of the five steps of page logging, the one this message belongs to; 0 = none. */
  readonly step: number;
  /** The payload in short. */
  readonly text: string;
}

export interface MatchCount {
  readonly found: number;
  /** Messages looked through, the last ones up to now. */
  readonly of: number;
  /** These are all that there were. */
  readonly all: boolean;
}

/** Shares of a CPU's time. */
export interface CpuShares {
  readonly idle: number;
  readonly guest: number;
  /** VM exits and entries. */
  readonly transition: number;
  readonly handler: number;
}

export interface CpuFrame {
  readonly name: string;
  readonly kind: "physical" | "pvm";
  /** Who is on it: "vcpu0 hot"; "" = nobody. */
  readonly occupant: string;
  /** The state of its occupant, or its own. */
  readonly state: string;
  readonly shares: CpuShares;
  /** One remark, such as the interrupts it took. */
  readonly note: string;
}

/** A vCPU without a CPU. */
export interface WaitingFrame {
  readonly name: string;
  readonly why: "waiting" | "held" | "paused" | "halted" | "not started";
}

export interface LogFrame {
  readonly vcpu: string;
  /** For people; "none" while nobody logs. */
  readonly unit: string;
  readonly state: string;
  /** The index field; negative while a log is suspended. */
  readonly index: number;
  readonly used: number;
  readonly entries: number;
  readonly full: number;
  readonly missed: number;
  readonly logged: number;
}

/** A burst of a guest whose effects are there, but whose end lies ahead of the time that the frame is of. */
export interface BurstFrame {
  readonly pcpu: number;
  readonly vcpu: number;
  readonly vm: number;
  /** When it ends, in cycles. */
  readonly until: number;
}

/**
 * A run of pages of a VM by its most telling page: "." never used, "r" read, "w" written, "p" in a log
 * that nobody has read yet, "l" in this round's bitmap, "b" in the backup buffer, "h" there at least
 * three times.
 */
export const PAGE_STATES = [".", "r", "w", "b", "h", "l", "p"] as const;
export type PageState = (typeof PAGE_STATES)[number];

export interface VmFrame {
  readonly name: string;
  readonly pages: number;
  readonly technique: string;
  readonly tracker: string;
  readonly paused: boolean;
  readonly read: number;
  readonly written: number;
  readonly inBitmap: number;
  readonly inBuffer: number;
  readonly reported: number;
}

export interface HeatFrame {
  readonly vm: number;
  /** Page that the first cell begins with. */
  readonly first: number;
  readonly pagesPerCell: number;
  /** One character of PageState a cell. */
  readonly states: string;
  /** One digit a cell: how many of its pages are in that state, 1 to 9 of 9. */
  readonly levels: string;
}

/** What the toolstack is doing, as its operation tells it. */
export interface OperationFrame extends Told {
  readonly kind: string;
  readonly state: string;
}

export interface CounterFrame {
  readonly name: string;
  readonly value: number;
  /** A second of virtual time, over the last stretch of the history. */
  readonly rate: number;
  /** Increments of each stretch of the history. */
  readonly history: readonly number[];
}

export interface ActorLine {
  readonly name: string;
  readonly machine: string;
  readonly state: string;
  readonly pending: number;
}

export interface ChartState {
  readonly name: string;
  readonly transitions: readonly {
    readonly event: string;
    readonly guard: string;
    /** "" = it stays. */
    readonly target: string;
    readonly actions: readonly string[];
  }[];
}

/** A step of a machine through its statechart. */
export interface WayStep {
  /** Of the message that it was made for. */
  readonly position: number;
  readonly from: string;
  /** The state that it came to: the same one, where it stayed. */
  readonly to: string;
  /** "always" = it needed none. */
  readonly event: string;
  readonly guard: string;
}

export interface ActorFrame extends ActorLine {
  /** The message that the way leads up to; where it is not the last one, the actor's state is that behind it ("" = not known yet). */
  readonly at: number;
  /** Its last steps, in order. Null where it is only listed, or where they, and its state then, have yet to be learnt. */
  readonly way: readonly WayStep[] | null;
  readonly context: readonly (readonly [field: string, value: string])[];
  readonly queue: readonly StreamEntry[];
  readonly states: readonly ChartState[];
}

export interface MessageFrame {
  readonly entry: StreamEntry;
  readonly payload: readonly (readonly [field: string, value: string])[];
  /** Null: it came from outside, or what caused it is no longer kept. */
  readonly cause: StreamEntry | null;
  readonly effects: readonly StreamEntry[];
}

/** One page of a VM. */
export interface PageFrame {
  readonly vm: number;
  /** Number of its guest-physical page, and its address. */
  readonly page: number;
  readonly gpa: string;
  /** Of the EPT, from the top level on; 1 = 4 KiB. */
  readonly entries: readonly {
    readonly level: number;
    readonly entry: string;
    readonly flags: string;
  }[];
  /** What the guest has done to it, so far. */
  readonly guest: "never used" | "read" | "written";
  /** Logs that it is in, unread. */
  readonly inLogs: readonly { readonly vcpu: number; readonly times: number }[];
  /** In this round's bitmap. */
  readonly marked: boolean;
  /** Times in the backup buffer. */
  readonly buffered: number;
  /** In a harvest, so far. */
  readonly reported: boolean;
}

/** The console of a VM's guest. */
export interface ConsoleFrame {
  /** The last lines that it has printed, of those that were asked for; null: it is not run live, and has no console. */
  readonly lines: readonly string[] | null;
  /** Whether it can be typed to. */
  readonly takesText: boolean;
}

/** Series over the same points, to be drawn. */
export type PlotFrame = ToldChart;

/** In the order of the way of a logged page: from the guest's store to who uses it. */
export const LANES = ["guest", "unit", "hypervisor", "tracker", "pvm", "operation"] as const;
export type LaneName = (typeof LANES)[number];

/** A message between lanes, or several alike ones to oneself. */
export interface LaneRow {
  /** Of the last one. */
  readonly position: number;
  readonly time: number;
  readonly count: number;
  /** Null: from outside. */
  readonly from: LaneName | null;
  readonly to: LaneName;
  /** The receiver's name. */
  readonly who: string;
  readonly type: string;
  readonly kind: MessageKind;
  readonly step: number;
  /** The message under the cursor, what has caused it, and what it has caused. */
  readonly role: "here" | "cause" | "effect" | "other";
}

export interface LanesFrame {
  /** Those that this machine has. */
  readonly lanes: readonly LaneName[];
  readonly rows: readonly LaneRow[];
  /** Of page logging, the step that is under way; 0 = none has been. */
  readonly step: number;
}

/** Where the run stops by itself. */
export interface BreakpointFrame {
  readonly text: string;
  /** Switched off it stays in the list. */
  readonly on: boolean;
  /** What it watches, as it is now; null: it waits for messages. */
  readonly value: string | null;
}

/** What the run shows, if it is a counterexample that a check has written, and nobody has changed. */
export interface CounterexampleFrame {
  readonly property: string;
  /** The message that breaks it; null: none does it alone, or the log does not say. */
  readonly at: number | null;
  /** Messages that repeat for ever: the first, and the last; null: none do. */
  readonly loop: { readonly first: number; readonly last: number } | null;
}

/** One of two runs side by side. */
export interface BesideRun {
  /** How it is called: "prl". */
  readonly name: string;
  readonly time: number;
  readonly position: number;
  readonly ended: boolean;
}

/** A number of both runs. */
export interface BesideFigure {
  readonly name: string;
  readonly unit: "" | "/s" | "%" | "ms";
  readonly values: readonly [own: number, other: number];
}

export interface BesideFrame {
  readonly runs: readonly [own: BesideRun, other: BesideRun];
  readonly figures: readonly BesideFigure[];
}

export interface Frame {
  readonly scenario: string;
  readonly time: number;
  /** When the scenario says it ends; 0 = with the workloads. */
  readonly until: number;
  readonly position: number;
  /** Messages of the whole run, once its end has been seen; else null. */
  readonly end: number | null;
  readonly ended: boolean;
  /** Who is ahead of the time: of these vCPUs, logs, pages and counters are as they will be when their bursts end. */
  readonly bursts: readonly BurstFrame[];
  readonly cpus: readonly CpuFrame[];
  readonly waiting: readonly WaitingFrame[];
  readonly logs: readonly LogFrame[];
  readonly vms: readonly VmFrame[];
  readonly heat: HeatFrame;
  /** Null: none is asked for. */
  readonly page: PageFrame | null;
  readonly operation: OperationFrame;
  readonly counters: readonly CounterFrame[];
  readonly actors: readonly ActorLine[];
  readonly stream: readonly StreamEntry[];
  /** Null: it was not asked for. */
  readonly lanes: LanesFrame | null;
  /** Null: it was not asked for. */
  readonly console: ConsoleFrame | null;
  /** Courses over time; null: they were not asked for. */
  readonly plots: readonly PlotFrame[] | null;
  /** The run that stands beside this one; null: there is none, or it was not asked for. */
  readonly beside: BesideFrame | null;
  /** How many of the last messages pass the filter; null: there is none. */
  readonly matches: MatchCount | null;
  readonly breakpoints: readonly BreakpointFrame[];
  /** What is wrong with the log that was opened, in a sentence; what followed in it is not known. */
  readonly damage: string | null;
  readonly counterexample: CounterexampleFrame | null;
  readonly actor: ActorFrame | null;
  readonly message: MessageFrame | null;
}
