/** Every operation: the one list, from which schemas, results, reports, panels and commands of the operator are derived. */

import type * as z from "zod";
import { unionOfKinds } from "../../config/unionOfKinds.ts";
import { Problems } from "../../errors.ts";
import { addEstimator } from "../../hypervisor/wss/estimators/all.ts";
import type { OwnEstimator } from "../../hypervisor/wss/estimators/own.ts";
import type { OperationFactory, OperationFault, OperationResult } from "../operation.ts";
import type { System } from "../system.ts";
import type { WorldPlan } from "../worldPlan.ts";
import { checkpointOperation } from "./checkpoint.ts";
import type {
  ConfiguredOperation,
  DeclaredOperation,
  OperationSubject,
  OperatorSide,
  Surroundings,
  ToolstackView,
} from "./declaration.ts";
import { estimateOperation } from "./estimate.ts";
import { measureOperation } from "./measure.ts";
import { migrateOperation } from "./migrate.ts";
import { overcommitOperation } from "./overcommit.ts";
import { sessionOperation } from "./session.ts";
import type { ResultNumber, Told } from "./telling.ts";

const BUILT_IN = [
  measureOperation,
  migrateOperation,
  checkpointOperation,
  estimateOperation,
  overcommitOperation,
  sessionOperation,
] as const;

type BuiltIn = (typeof BUILT_IN)[number];
type SchemasOf<Declared extends readonly { readonly schema: () => z.ZodObject }[]> = {
  readonly [I in keyof Declared]: ReturnType<Declared[I]["schema"]>;
};
type ResultIn<Declared> =
  Declared extends DeclaredOperation<string, z.ZodObject, infer Result> ? Result : never;

/** An operation as a scenario configures it, of whichever kind. */
export type OperationConfig = z.output<ReturnType<BuiltIn["schema"]>>;
/** What came of an operation, of whichever kind: told apart by `kind`. */
export type AnyResult = ResultIn<BuiltIn>;
export type ResultKind = AnyResult["kind"];
export type ResultOf<Kind extends ResultKind> = Extract<AnyResult, { readonly kind: Kind }>;

type AnyOperation = DeclaredOperation<string, z.ZodObject, OperationResult>;

/** In the order of manuals. */
export const OPERATIONS: readonly AnyOperation[] = BUILT_IN;

function unionOf() {
  const schemas: readonly z.ZodObject[] = BUILT_IN.map(({ schema }) => schema());
  return unionOfKinds<SchemasOf<typeof BUILT_IN>>(schemas).describe(
    "what the toolstack does with the VMs",
  );
}

/** Of all kinds. Another one once an estimator was registered: importers see the present one. */
export let operationSchema = unionOf();

/** From now on `estimator` takes this kind. @throws UserError if the name is taken, or it is none */
export function addOperationEstimator(own: OwnEstimator): void {
  addEstimator(own);
  operationSchema = unionOf();
}

/** @throws if there is no operation of that kind */
function operationNamed(kind: string): AnyOperation {
  const found = OPERATIONS.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`there is no operation "${kind}"`);
  return found;
}

/** @param faults of the scenario */
export function configured(
  config: OperationConfig,
  faults: readonly string[],
): ConfiguredOperation<OperationConfig> {
  const found = BUILT_IN.find((one) => one.kind === config.kind);
  if (found === undefined) throw new Error(`there is no operation "${config.kind}"`);
  return found.configured(config, faults);
}

/** The estimator by which an operation decides, and so tracks the VMs; null: by none. */
export function estimatorOf(config: OperationConfig): string | null {
  return configured(config, []).estimator;
}

/** Planted faults that are an operation's, and whose they are. */
export function ownerOfFault(fault: OperationFault): string {
  const owner = OPERATIONS.find(({ faults }) => faults.includes(fault));
  if (owner === undefined) throw new Error(`no operation has the fault "${fault}"`);
  return owner.kind;
}

/** @throws if no operation gives results of this kind */
export function knownResult(result: OperationResult): AnyResult {
  if (!isKnown(result)) throw new Error(`no operation has results of kind "${result.kind}"`);
  return result;
}

function isKnown(result: OperationResult): result is AnyResult {
  return BUILT_IN.some((one) => one.isResult(result));
}

/** A result as one of this kind of operation. @throws if it is another's */
export function resultOf<Kind extends ResultKind>(kind: Kind, result: AnyResult): ResultOf<Kind> {
  if (!isOfKind(kind, result)) throw new Error(`a result of ${result.kind}, not of ${kind}`);
  return result;
}

function isOfKind<Kind extends ResultKind>(
  kind: Kind,
  result: AnyResult,
): result is ResultOf<Kind> & AnyResult {
  return result.kind === kind;
}

/** What is told of a result, for the panel. @param state of the operation's machine */
export function toldOf(result: OperationResult, state: string): Told {
  return operationNamed(result.kind).tell(result, state);
}

/** The report: no lines where the summary says it all. */
export function reportOf(result: OperationResult): readonly string[] {
  return operationNamed(result.kind).report(result);
}

/** A result, with what a second run shows. */
export function comparedResult(second: OperationResult, first: OperationResult): AnyResult {
  return knownResult(operationNamed(first.kind).compared(second, first));
}

/** Numbers of all operations, each with its operation. */
export function resultNumbers(): readonly (ResultNumber<OperationResult> & {
  readonly operation: string;
})[] {
  return OPERATIONS.flatMap(({ kind, numbers }) =>
    numbers.map((number) => ({ ...number, operation: kind })),
  );
}

/** What the operator can start by name while an operation runs. */
export function startableIn({ kind }: OperationConfig): readonly string[] {
  return operationNamed(kind).operator.startable;
}

/** How the operator of a run starts and ends its operation, and how that stands now. */
export function operatorSideOf(system: System): {
  readonly side: OperatorSide;
  readonly view: ToolstackView;
} {
  const { machine, value, context } = system.actor("toolstack");
  const view = { machine: machine.id, state: value, context, underWay: system.operating.name };
  return { side: operationNamed(system.operation.kind).operator, view };
}

/** What of a subject a scenario has, where there is none. */
export type Circumstances = Partial<Omit<OperationSubject, "world">> & Partial<Surroundings>;

/**
 * An operation for a world that was planned without a scenario: for models and tests.
 * @throws FieldError, when the system is built, if the operation cannot be in that world
 */
export function operationIn(
  config: OperationConfig,
  { sink = null, ...known }: Circumstances = {},
): OperationFactory {
  return (world, host) => {
    const subject = subjectOf(world.config, known);
    const problems = new Problems();
    const planned = configured(config, subject.faults).resolve(subject, problems);
    problems.refuse();
    return planned({ sink })(world, host);
  };
}

/** The subject of an operation in a world that was planned without a scenario. */
export function subjectOf(
  world: WorldPlan,
  known: Partial<Omit<OperationSubject, "world">> = {},
): OperationSubject {
  const { technique } = world.tracking;
  return { world, technique, deadlineCycles: 0, faults: [], seed: 0, scenario: "", ...known };
}
