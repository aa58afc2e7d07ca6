/**
 * A session: a measurement that makes way for other operations when the operator starts them, one after the
 * other. Each is the operation that a scenario may have by itself, with its machines and its memory.
 */
import * as z from "zod";
import {
  type SessionInput,
  type SessionReply,
  type SessionRequest,
  sessionMachine,
} from "../../../machines/session.ts";
import type { Problems } from "../../errors.ts";
import { type PartSnapshot, restorePart, savePart } from "../../hardware/part.ts";
import { DEFAULT_TECHNIQUE, findsEveryWrite } from "../../hypervisor/techniques/all.ts";
import type { Device } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { contextOf } from "../actorContexts.ts";
import { OPERATION_MEMORY } from "../memoryNames.ts";
import type {
  Operation,
  OperationFactory,
  OperationHelper,
  OperationHost,
  OperationWires,
} from "../operation.ts";
import { actorName } from "../roles.ts";
import { checkpointSchema } from "./checkpoint/checkpointSchema.ts";
import { checkpointOperation } from "./checkpoint.ts";
import {
  type ConfiguredOperation,
  declareOperation,
  type OperationSubject,
  PLAIN_NEEDS,
  type PlannedOperation,
  type Surroundings,
  type ToolstackView,
} from "./declaration.ts";
import { estimateSchema } from "./estimate/estimatorSchema.ts";
import { estimateOperation } from "./estimate.ts";
import { type MeasureConfig, measureOperation, measureSchema } from "./measure.ts";
import { migrateOperation } from "./migrate.ts";
import { migrateSchema } from "./migration/migrateSchema.ts";

export function sessionSchema() {
  return z
    .strictObject({
      kind: z.literal("session"),
      measure: measureSchema.prefault({ kind: "measure" }).describe("what runs before and between"),
      migration: migrateSchema.prefault({ kind: "migrate" }),
      checkpoint: checkpointSchema.prefault({ kind: "checkpoint" }),
      estimation: estimateSchema().prefault({
        kind: "estimate",
        estimator: { kind: "pml", interval: "10ms", clean: true },
      }),
    })
    .describe("a measurement, and operations that the operator starts");
}

export type SessionConfig = z.output<ReturnType<typeof sessionSchema>>;

/** What runs before and between. */
const BETWEEN = "measurement";
/** What the operator can start, by name; in the order of the session's list, from 1. */
const STARTABLE: readonly string[] = ["migration", "checkpoint", "estimation"];

/** One cycle: after a migration the VM goes on, and the migration is over. */
const SETTLE_CYCLES = 1;

type End = SessionInput["operations"][number]["end"];

interface HostedPlan {
  readonly name: string;
  readonly end: End;
  readonly planned: PlannedOperation;
}

interface Hosted {
  /** Of its main actor. */
  readonly name: string;
  readonly operation: Operation;
  readonly end: End;
  readonly actors: readonly OperationHelper[];
}

export interface SessionPlan {
  /** The measurement, and those that can be started in the order of their names. */
  readonly hosted: readonly HostedPlan[];
  /** End of the run; 0 = when the workloads have ended. */
  readonly deadlineCycles: number;
}

/** A measurement as one that makes way for what the operator starts. */
export function sessionOf(measure: MeasureConfig): SessionConfig {
  return { ...sessionSchema().parse({ kind: "session" }), measure };
}

export function sessionPlan(
  config: SessionConfig,
  subject: OperationSubject,
  problems: Problems,
): SessionPlan {
  const { technique, deadlineCycles } = subject;
  // Each comes to its end when it is told to.
  const own: OperationSubject = { ...subject, deadlineCycles: 0 };
  const tracked: OperationSubject = {
    ...own,
    technique: findsEveryWrite(technique, subject.world.units) ? technique : DEFAULT_TECHNIQUE,
  };
  if (config.migration.policy.kind === "qemu" && config.migration.policy.postcopy !== undefined) {
    problems
      .within("operation", "migration")
      .add(
        ["operation", "policy", "postcopy"],
        "needs operation.kind migrate: a session tracks on",
      );
  }
  const migration = { ...config.migration, settle: config.migration.settle ?? SETTLE_CYCLES };
  const { faults } = subject;
  const hosted = (
    name: string,
    end: End,
    operation: ConfiguredOperation<unknown>,
    of: OperationSubject,
    field: string = name,
  ): HostedPlan => {
    const planned = operation.resolve(of, problems.within("operation", field));
    return { name, end, planned };
  };
  return {
    hosted: [
      hosted(
        BETWEEN,
        "deadline",
        measureOperation.configured(config.measure, faults),
        own,
        "measure",
      ),
      hosted("migration", "abortDue", migrateOperation.configured(migration, faults), tracked),
      hosted(
        "checkpoint",
        "deadline",
        checkpointOperation.configured(config.checkpoint, faults),
        tracked,
      ),
      hosted(
        "estimation",
        "deadline",
        estimateOperation.configured(config.estimation, faults),
        own,
      ),
    ],
    deadlineCycles,
  };
}

export function session(
  { hosted: plans, deadlineCycles }: SessionPlan,
  surroundings: Surroundings,
): OperationFactory {
  return (world, host) => {
    let next = 0;
    const all = plans.map(({ name, end, planned }): Hosted & { readonly first: number } => {
      const operation = planned(surroundings)(world, host);
      const main = { role: { kind: "helper", helper: name }, ...operation.main } as const;
      const actors: Hosted["actors"] = [main, ...operation.helpers];
      const first = next;
      next += actors.length;
      return { name, operation, end, actors, first };
    });
    return {
      kind: "session",
      main: {
        machine: sessionMachine,
        device: new SessionDevice(all, host),
        input: ({ self, scheduler, trackers, helpers }): SessionInput => ({
          self,
          scheduler,
          trackers,
          operations: all.map(({ end, first }) => ({ actor: helpers[first] ?? 0, end })),
          deadlineCycles,
        }),
      },
      helpers: all.flatMap(({ actors, first }) =>
        actors.map((one) => wiredTo(one, first, actors.length)),
      ),
      parts: all.flatMap(({ operation }) => operation.parts),
      hosts: all.map(({ name }) => name),
      underWay: (toolstack) => itemAt(all, contextOf(toolstack, sessionMachine).current).name,
      result: (actors) => {
        const { current } = actors.of("toolstack", sessionMachine);
        const { name, operation } = itemAt(all, current);
        return operation.result(actors.under(name));
      },
    };
  };
}

/** An actor's wires: its own operation's main actor and helpers, and the session for the scheduler. */
function wiredTo(actor: OperationHelper, first: number, count: number): OperationHelper {
  const input = (wires: OperationWires): object => {
    const [toolstack = 0, ...helpers] = wires.helpers.slice(first, first + count);
    return actor.input({ ...wires, toolstack, helpers, scheduler: wires.toolstack });
  };
  return { ...actor, input };
}

/** Makes an operation as it was when the run began, so that it can be done again. */
class SessionDevice implements Device<SessionRequest, SessionReply> {
  readonly #all: readonly (Hosted & { readonly initial: readonly PartSnapshot[] })[];
  readonly #host: OperationHost;

  constructor(all: readonly Hosted[], host: OperationHost) {
    this.#all = all.map((one) => ({ ...one, initial: one.operation.parts.map(savePart) }));
    this.#host = host;
  }

  touches(): string[] {
    return [OPERATION_MEMORY];
  }

  perform({ operation: number }: SessionRequest): SessionReply {
    const { actors, operation, initial } = itemAt(this.#all, number);
    initial.forEach((snapshot, i) => {
      const part = operation.parts[i];
      if (part !== undefined) restorePart(part, snapshot);
    });
    this.#host.renew(actors.map(({ role }) => actorName(role)));
    return { type: "renewed" };
  }
}

export const sessionOperation = declareOperation<
  "session",
  ReturnType<typeof sessionSchema>,
  SessionPlan,
  never
>({
  kind: "session",
  schema: sessionSchema,
  needs: { ...PLAIN_NEEDS, contents: () => true, operatorDecides: true },
  faults: [],
  estimator: () => null,
  file: null,
  comparison: null,
  resolve: sessionPlan,
  create: session,
  telling: null,
  operator: {
    owner,
    startable: STARTABLE,
    start: ({ state }, name) => ({
      message: {
        type: "startOperation",
        operation: 1 + STARTABLE.indexOf(name),
      },
      said:
        state === "created"
          ? `${name} comes first in this run (space lets it run)`
          : `${name} begins when the measurement has harvested`,
    }),
    end(view) {
      const owned = owner(view);
      if (owned === null) return { refusal: "no operation is under way (M starts one)" };
      if (view.state !== "hosting") return { refusal: `${owned} has not begun yet` };
      return {
        message: { type: "abortOperation" },
        said: `${owned} is brought to its end; then the measurement goes on`,
      };
    },
  },
});

/** The operation that owns the trackers; null: only a measurement is under way. */
function owner({ state, underWay }: ToolstackView): string | null {
  if (state === "created") return null;
  if (state !== "hosting") return "the next operation";
  return underWay === BETWEEN ? null : `the ${underWay}`;
}
