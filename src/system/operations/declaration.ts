/**
 * What an operation says of itself: one declaration, from which its fields in a scenario, what it needs of the machine, its
 * plan, its actors, its report, its panel and how the operator starts and ends it are derived. The list is all.ts.
 */
import type * as z from "zod";
import type { Problems } from "../../errors.ts";
import type { TechniqueName } from "../../hypervisor/techniques/technique.ts";
import type { Message } from "../../interconnect/messages.ts";
import type { OperationFactory, OperationFault, OperationResult } from "../operation.ts";
import type { VmPlan, WorldPlan } from "../worldPlan.ts";
import type { CheckpointSink } from "./checkpoint/sink.ts";
import { linesOf, type ResultNumber, type Telling, type Told } from "./telling.ts";

/** What an operation is planned for. */
export interface OperationSubject {
  readonly world: Omit<WorldPlan, "tracking">;
  /** How the VMs are tracked. */
  readonly technique: TechniqueName;
  /** End of the run in cycles; 0: it has none. */
  readonly deadlineCycles: number;
  readonly faults: readonly OperationFault[];
  /** The scenario's. */
  readonly seed: number;
  /** Identifies the scenario; empty if it is unknown. */
  readonly scenario: string;
}

/** What a plan is made into an operation with, beside a system's memory. */
export interface Surroundings {
  /** Where checkpoints go; null: they stay in memory. */
  readonly sink: CheckpointSink | null;
}

/** What an operation needs of the machine, and what it allows. */
export interface OperationNeeds<Config> {
  /** It moves or stores what pages contain, or what is lost would be seen there alone. */
  readonly contents: (config: Config, faults: readonly string[]) => boolean;
  /** How the VMs are tracked. @param scenarios as the scenario says, for those that do not decide it */
  readonly technique: (config: Config, scenarios: TechniqueName) => TechniqueName;
  /** Whether it tracks at all. */
  readonly tracks: (config: Config) => boolean;
  /** Pages that each VM begins with; null: all of them have all. */
  readonly firstPages:
    | ((
        config: Config,
        vms: readonly VmPlan[],
        indexBits: number,
        problems: Problems,
      ) => readonly number[])
    | null;
  /** Frames that the host has for its VMs; null: as many as they need. */
  readonly hostFrames: ((config: Config) => number) | null;
  /** It needs no end of the run: it has one of its own. */
  readonly endsByItself: boolean;
  /** Its first round may report all pages: a dirty bitmap may begin with all bits set. */
  readonly beginsSet: boolean;
  /** VMs run while they are armed and harvested. */
  readonly live: (config: Config) => boolean;
  /** The operator may arm other techniques in its course, so that nothing can be said to come to nothing. */
  readonly operatorDecides: boolean;
  /** It makes random choices of its own, beside those of its estimator. */
  readonly draws: boolean;
}

/** The toolstack as an operator finds it. */
export interface ToolstackView {
  /** Its machine, and the state of it. */
  readonly machine: string;
  readonly state: string;
  readonly context: object;
  /** Of an operation that hosts others: the one under way. */
  readonly underWay: string;
}

/** What an operator's command comes to: a message to the toolstack and what he is told; or a refusal. */
export type OperatorAnswer =
  | { readonly message: Message; readonly said: string }
  | { readonly refusal: string };

/** How the operator starts and ends it. */
export interface OperatorSide {
  /** Who has the trackers now, so that he may not: "the migrate operation"; null: nobody has. */
  readonly owner: (view: ToolstackView) => string | null;
  /** What can be started by name while it runs. */
  readonly startable: readonly string[];
  /** @param name one of `startable`; without any, of no meaning */
  readonly start: (view: ToolstackView, name: string) => OperatorAnswer;
  readonly end: (view: ToolstackView) => OperatorAnswer;
}

/** A second run, which the first is compared with. */
export interface OperationComparison<Config, Result> {
  /** Its configuration, by the VMs' pages together; null: this one is compared with nothing. */
  readonly with: (config: Config, pages: number) => Config | null;
  /** The result of the first, with what the second shows. */
  readonly compared: (second: Result, first: Result) => Result;
}

export interface OperationDeclaration<
  Kind extends string,
  Schema extends z.ZodObject,
  Plan,
  Result extends OperationResult,
> {
  readonly kind: Kind;
  /** Its fields in a scenario, with the estimators that there are now. */
  readonly schema: () => Schema;
  readonly needs: OperationNeeds<z.output<Schema>>;
  /** Planted faults that are its own. */
  readonly faults: readonly OperationFault[];
  /** What one of them needs that a configuration lacks; null: nothing. Absent: none needs anything. */
  readonly faultLacks?: (config: z.output<Schema>, fault: OperationFault) => string | null;
  /** The estimator by which it decides; null: none. */
  readonly estimator: (config: z.output<Schema>) => string | null;
  /** The file that a scenario tells it to write; null: it can write none. */
  readonly file: ((config: z.output<Schema>) => string | null) | null;
  /** With what a run of it is compared; null: with nothing. */
  readonly comparison: OperationComparison<z.output<Schema>, Result> | null;
  /**
   * Every name, size and rule. Pure. The plan that comes of a subject in which there is a problem is not used.
   */
  readonly resolve: (
    config: z.output<Schema>,
    subject: OperationSubject,
    problems: Problems,
  ) => Plan;
  /** Makes it. There is nothing left to refuse. */
  readonly create: (plan: Plan, surroundings: Surroundings) => OperationFactory;
  /** Null for one that hosts others alone: its results are theirs. */
  readonly telling: [Result] extends [never] ? null : Telling<Result>;
  readonly operator: OperatorSide;
}

/** An operation as a scenario configures it: its declaration, asked about this configuration. */
export interface ConfiguredOperation<Config> {
  readonly kind: string;
  readonly needsContents: boolean;
  readonly endsByItself: boolean;
  readonly beginsSet: boolean;
  readonly isLive: boolean;
  readonly operatorDecides: boolean;
  readonly draws: boolean;
  readonly estimator: string | null;
  readonly file: string | null;
  readonly hostFrames: number | null;
  /** What a planted fault of its own needs that this configuration lacks; null: nothing. */
  faultLacks(fault: OperationFault): string | null;
  technique(scenarios: TechniqueName): TechniqueName;
  /** False: whatever the scenario's technique is, nothing is armed. */
  readonly tracks: boolean;
  firstPages(
    vms: readonly VmPlan[],
    indexBits: number,
    problems: Problems,
  ): readonly number[] | null;
  comparedWith(pages: number): Config | null;
  resolve(subject: OperationSubject, problems: Problems): PlannedOperation;
}

/** An operation whose plan stands. */
export type PlannedOperation = (surroundings: Surroundings) => OperationFactory;

/** An operation for those who do not know which one it is. */
export interface DeclaredOperation<
  Kind extends string,
  Schema extends z.ZodObject,
  Result extends OperationResult,
> {
  readonly kind: Kind;
  readonly schema: () => Schema;
  readonly faults: readonly OperationFault[];
  readonly beginsSet: boolean;
  readonly writesFile: boolean;
  readonly operator: OperatorSide;
  /** Names and meanings of the numbers that its results have. */
  readonly numbers: readonly ResultNumber<OperationResult>[];
  isResult(result: OperationResult): result is Result;
  tell(result: OperationResult, state: string): Told;
  report(result: OperationResult): readonly string[];
  compared(second: OperationResult, first: OperationResult): Result;
  /** @param config one of its own; @param faults of the scenario */
  configured(config: unknown, faults: readonly string[]): ConfiguredOperation<z.output<Schema>>;
}

/** Makes a declaration into one of a list: what is another operation's is refused by a sentence. */
export function declareOperation<
  Kind extends string,
  Schema extends z.ZodObject,
  Plan,
  Result extends OperationResult,
>(
  declared: OperationDeclaration<Kind, Schema, Plan, Result>,
): DeclaredOperation<Kind, Schema, Result> {
  const { kind, needs, comparison, operator } = declared;
  const telling: Telling<Result> | null = declared.telling;
  const isOwn = (config: unknown): config is z.output<Schema> =>
    typeof config === "object" && config !== null && "kind" in config && config.kind === kind;
  const isResult = (result: OperationResult): result is Result => result.kind === kind;
  const own = (result: OperationResult): Result => {
    if (!isResult(result))
      throw new Error(`operation "${kind}" has no results of "${result.kind}"`);
    return result;
  };
  const tell = (result: OperationResult, state: string): Told => {
    if (telling === null) throw new Error(`operation "${kind}" has no results of its own`);
    return telling.tell(own(result), state);
  };
  return {
    kind,
    schema: declared.schema,
    faults: declared.faults,
    beginsSet: needs.beginsSet,
    writesFile: declared.file !== null,
    operator,
    numbers: (telling?.numbers ?? []).map((number) => ({
      ...number,
      of: (result) => (isResult(result) ? number.of(result) : null),
    })),
    isResult,
    tell,
    report: (result) => telling?.report?.(own(result)) ?? linesOf(tell(result, "")),
    compared(second, first) {
      return comparison === null ? own(first) : comparison.compared(own(second), own(first));
    },
    configured(config, faults) {
      if (!isOwn(config)) throw new Error(`this is not a configuration of operation "${kind}"`);
      return configuredBy(declared, config, faults);
    },
  };
}

function configuredBy<
  Kind extends string,
  Schema extends z.ZodObject,
  Plan,
  Result extends OperationResult,
>(
  declared: OperationDeclaration<Kind, Schema, Plan, Result>,
  config: z.output<Schema>,
  faults: readonly string[],
): ConfiguredOperation<z.output<Schema>> {
  const { kind, needs, comparison } = declared;
  return {
    kind,
    needsContents: needs.contents(config, faults),
    endsByItself: needs.endsByItself,
    beginsSet: needs.beginsSet,
    isLive: needs.live(config),
    tracks: needs.tracks(config),
    operatorDecides: needs.operatorDecides,
    draws: needs.draws,
    estimator: declared.estimator(config),
    file: declared.file?.(config) ?? null,
    hostFrames: needs.hostFrames?.(config) ?? null,
    faultLacks: (fault) => declared.faultLacks?.(config, fault) ?? null,
    technique: (scenarios) => needs.technique(config, scenarios),
    firstPages: (vms, indexBits, problems) =>
      needs.firstPages?.(config, vms, indexBits, problems) ?? null,
    comparedWith: (pages) => comparison?.with(config, pages) ?? null,
    resolve(subject, problems) {
      const plan = declared.resolve(config, subject, problems);
      return (surroundings) => declared.create(plan, surroundings);
    },
  };
}

/** What most operations need: nothing that is special. */
export const PLAIN_NEEDS = {
  contents: () => false,
  technique: (_: unknown, scenarios: TechniqueName) => scenarios,
  tracks: () => true,
  firstPages: null,
  hostFrames: null,
  endsByItself: false,
  beginsSet: false,
  live: () => false,
  operatorDecides: false,
  draws: false,
} as const;

/** An operation that begins by itself, and has the trackers for itself. */
export function ownsTrackers(kind: string): Pick<OperatorSide, "owner" | "startable" | "start"> {
  return {
    owner: () => `the ${kind} operation`,
    startable: [],
    start: ({ state }) => ({
      refusal: `this scenario's operation is ${kind}, now ${state}: it starts by itself`,
    }),
  };
}

/** It ends as at its deadline. */
export function endsAtDeadline(kind: string): OperatorAnswer {
  return { message: { type: "deadline" }, said: `the ${kind} operation comes to its end` };
}
