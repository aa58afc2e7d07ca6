/**
 * What commands print with --json: one object that names its format and the format's version. These types
 * are the formats; docs/json has each as a JSON Schema, written from here (test/cli/json.test.ts). The
 * formats of sweep, advise and fleet stand with those who make and read them (src/questions).
 */
import type { AddressKind, Damage } from "../../workloads/trace/format.ts";
import type { ImportResult } from "../../workloads/trace/import.ts";
import type { CheckReport } from "../check/checkRun.ts";
import type { SwarmAsked, SwarmReport } from "../check/swarm.ts";
import type { Row } from "../experiments/experiment.ts";
import type { ExperimentShare } from "../experiments/share.ts";
import type { AccessKindName } from "../hardware/accessLoop.ts";
import { printJson } from "../io/standardStreams.ts";
import type { LitmusSummary } from "../litmus/paths.ts";
import type { ComparisonRow } from "../questions/compare.ts";
import type { LogDifference } from "../replay/bisect.ts";
import type { ComponentResult } from "../replay/component.ts";
import type { Divergence } from "../replay/divergence.ts";
import type { LogLine } from "../replay/export.ts";
import type { LogHeader } from "../replay/format.ts";
import type { Chance } from "../replay/inevitable.ts";
import type { Failure } from "../replay/properties.ts";
import type { LogStats } from "../replay/query.ts";
import type { LogDamage } from "../replay/reader.ts";
import type { Frame } from "../session/frame.ts";
import type { CheckpointHeader } from "../system/operations/checkpoint/format.ts";
import type {
  CheckpointDamage,
  CommittedCheckpoint,
} from "../system/operations/checkpoint/reader.ts";
import type { RunSummary } from "../system/summary.ts";

/** The option of the commands that print one. */
export const JSON_OPTION = ["--json", "print one JSON object (docs/json.md)"] as const;

/** By name: each is `"format": "trackvisor NAME"`. */
export interface JsonFormats {
  /** The summary of a run: `trackvisor run`. */
  readonly run: RunSummary;
  /** Ways of tracking side by side: `trackvisor compare`. */
  readonly compare: ComparisonJson;
  /** One moment of a run, all that a screen shows: `trackvisor tui`. */
  readonly tui: Frame;
  /** The litmus tests of some files: `trackvisor litmus`. */
  readonly litmus: LitmusSummary;
  /** The search of one model: `trackvisor check MODEL`. */
  readonly check: CheckReport;
  /** The searches of all models: `trackvisor check --all`. */
  readonly "check all": { readonly reports: readonly CheckReport[] };
  /** Random walks of many seeds: `trackvisor check --seeds`, `merge` of its shares. */
  readonly "check walks": { readonly asked: SwarmAsked; readonly report: SwarmReport };
  /** A log and the run of today: `trackvisor replay`. */
  readonly replay: ReplayJson;
  /** The first difference of two logs: `trackvisor replay --bisect`. */
  readonly "replay bisect": BisectJson;
  /** One actor with its recorded inbox: `trackvisor replay --component`. */
  readonly "replay component": ComponentJson;
  /** A line of `trackvisor log show`, `grep` and `export --format jsonl`. */
  readonly "log entry": LogLine;
  /** What a log holds: `trackvisor log stats`. */
  readonly "log stats": LogStatsJson;
  /** How often a run still fails: `trackvisor log inevitable`. */
  readonly "log inevitable": InevitableJson;
  /** What became a trace: `trackvisor trace import`. */
  readonly "trace import": TraceImportJson;
  /** What a trace holds: `trackvisor trace info`. */
  readonly "trace info": TraceInfoJson;
  /** The first accesses of a trace: `trackvisor trace head`. */
  readonly "trace head": TraceHeadJson;
  /** What a checkpoint file holds: `trackvisor checkpoint info`. */
  readonly "checkpoint info": CheckpointInfoJson;
  /** The shipped scenarios: `trackvisor scenarios list`. */
  readonly scenarios: ScenariosJson;
  /** The experiments: `trackvisor experiment list`. */
  readonly experiments: ExperimentsJson;
  /** A share of an experiment's runs: `trackvisor experiment run --shard`, and its files. */
  readonly experiment: Omit<ExperimentShare, "format" | "version">;
  /** What came of experiments: `trackvisor experiment run`. */
  readonly "experiment run": ExperimentRunJson;
  /** What came of one: its file NAME.json. */
  readonly "experiment result": ExperimentResultJson;
}

/** Raised when a field changes its meaning or goes. */
export const JSON_VERSIONS = {
  run: 1,
  compare: 1,
  tui: 1,
  litmus: 1,
  check: 1,
  "check all": 1,
  "check walks": 1,
  replay: 1,
  "replay bisect": 1,
  "replay component": 1,
  "log entry": 1,
  "log stats": 1,
  "log inevitable": 1,
  "trace import": 1,
  "trace info": 1,
  "trace head": 1,
  "checkpoint info": 1,
  scenarios: 1,
  experiments: 1,
  experiment: 1,
  "experiment run": 1,
  "experiment result": 1,
} as const satisfies Readonly<Record<keyof JsonFormats, number>>;

export type JsonFormat = keyof JsonFormats;

/** A result has no fields of these names itself. */
type Named<Name extends JsonFormat, Value> = Value extends
  | { readonly format: unknown }
  | { readonly version: unknown }
  ? never
  : {
      readonly format: `trackvisor ${Name}`;
      readonly version: (typeof JSON_VERSIONS)[Name];
    } & Value;

/** What is printed, complete. */
export type Json = { readonly [Name in keyof JsonFormats]: Named<Name, JsonFormats[Name]> };

/** A result as its format has it. */
export function formatted<Name extends JsonFormat>(name: Name, value: JsonFormats[Name]): object {
  return { format: `trackvisor ${name}`, version: JSON_VERSIONS[name], ...value };
}

/** Prints a result in its format. @param indent spaces a level; without it, one line */
export function printResult<Name extends JsonFormat>(
  name: Name,
  value: JsonFormats[Name],
  indent?: number,
): void {
  printJson(formatted(name, value), indent);
}

interface ComparisonJson {
  /** By guest overhead, the least first. */
  readonly rows: readonly ComparisonRow[];
  /** What cannot track this scenario, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  /** Sentences: which is cheapest for written pages, for touched pages, and why. */
  readonly answers: readonly string[];
}

interface ReplayJson {
  readonly log: string;
  /** That agree. */
  readonly messages: number;
  /** Virtual time reached, in cycles. */
  readonly time: number;
  /** Whether the recorded run came to its end. */
  readonly complete: boolean;
  /** Machines that were edited since the recording: their states are not compared. */
  readonly changedMachines: readonly string[];
  readonly damage: LogDamage | null;
  /** Null: there is none. */
  readonly difference: Divergence | null;
  /** What the run itself did wrong, a sentence each. */
  readonly failures: readonly string[];
}

interface BisectJson {
  readonly logs: readonly string[];
  readonly difference: LogDifference | null;
}

interface ComponentJson extends ComponentResult {
  readonly log: string;
  readonly actor: string;
}

interface LogStatsJson extends LogStats {
  readonly header: LogHeader;
  readonly damage: LogDamage | null;
}

interface InevitableJson {
  readonly log: string;
  readonly failure: Failure;
  readonly chances: readonly Chance[];
  /** From here on every run fails; null: some do not, wherever they begin. */
  readonly inevitableFrom: Chance | null;
}

type AccessCounts = Readonly<Record<AccessKindName, number>>;

interface TraceImportJson extends Omit<ImportResult, "kinds" | "format" | "notes"> {
  /** The trace. */
  readonly file: string;
  /** As --format has it. */
  readonly logFormat: string;
  readonly kinds: AccessCounts;
}

interface TraceInfoJson {
  readonly file: string;
  /** That was traced; empty if unknown. */
  readonly command: string;
  readonly addresses: AddressKind;
  readonly fileBytes: number;
  readonly blocks: number;
  readonly runs: number;
  readonly accesses: number;
  readonly kinds: AccessCounts;
  /** Different pages of 4 KiB. */
  readonly pages: number;
  /** Of a VM that plays it, by placement. */
  readonly linearPages: {
    readonly compact?: number;
    readonly regions?: number;
    /** Of guest-physical addresses, which keep their numbers. */
    readonly kept?: number;
  };
  /** Bytes that were printed; missing if the trace does not tell. */
  readonly consoleBytes?: number | undefined;
  /** Lines of the source that were not accesses; missing if the end marker is. */
  readonly skippedLines?: number | undefined;
  /** CRC-32 of the accesses, in hexadecimal. */
  readonly digest: string;
  /** Missing: there is none. */
  readonly damage?: Damage | undefined;
}

interface TraceHeadJson {
  readonly file: string;
  /** Missing: the header is damaged. */
  readonly command?: string | undefined;
  /** Missing: there is none up to the last run that was read. */
  readonly damage?: Damage | undefined;
  /** Accesses of one kind to one page after each other. */
  readonly runs: readonly TraceRunJson[];
}

export interface TraceRunJson {
  readonly kind: AccessKindName;
  /** Of the page, in hexadecimal. */
  readonly address: string;
  readonly accesses: number;
}

interface CheckpointInfoJson {
  readonly file: string;
  readonly fileBytes: number;
  /** Null: it is damaged. */
  readonly header: CheckpointHeader | null;
  /** The complete ones. */
  readonly checkpoints: readonly CommittedCheckpoint[];
  readonly damage: CheckpointDamage | null;
}

interface ScenariosJson {
  readonly scenarios: readonly {
    readonly name: string;
    readonly title: string;
    /** What the toolstack does: measure, migrate, ... */
    readonly operation: string;
  }[];
}

interface ExperimentHead {
  readonly name: string;
  readonly title: string;
  /** Where the published figures stand. */
  readonly source: string;
}

interface ExperimentsJson {
  readonly experiments: readonly ExperimentHead[];
}

interface ExperimentRunJson {
  /** How far sizes and times are from the study's. */
  readonly scale: string;
  readonly experiments: readonly (ExperimentHead & ExperimentResultJson)[];
}

interface ExperimentResultJson {
  readonly rows: readonly (Omit<Row, "emulated" | "low" | "high" | "values"> & {
    /** The mean of the seeds; null: the run has no such number. */
    readonly emulated: number | null;
    /** The 95 % interval of the mean. */
    readonly low: number | null;
    readonly high: number | null;
    /** What came out with each seed; one alone if it is the same with all. */
    readonly values: readonly (number | null)[];
  })[];
  /** What the numbers say beyond the rows. */
  readonly findings: readonly string[];
}
