/**
 * A session: a measurement that makes way for other operations when the operator starts them, one after the
 * other. Each is the operation that a scenario may have by itself, with its machines and its memory.
 */
import * as z from "zod";
import {
  type SessionContext,
  type SessionInput,
  type SessionReply,
  type SessionRequest,
  sessionMachine,
} from "../../../machines/session.ts";
import { type PartSnapshot, restorePart, savePart } from "../../hardware/part.ts";
import { findsEveryWrite } from "../../hypervisor/techniques/all.ts";
import type { Device } from "../../interconnect/emissions.ts";
import type { Technique } from "../../interconnect/messages.ts";
import { OPERATION_MEMORY } from "../memoryNames.ts";
import type {
  Operation,
  OperationFactory,
  OperationFault,
  OperationHelper,
  OperationHost,
  OperationWires,
} from "../operation.ts";
import { actorName } from "../roles.ts";
import { type CheckpointSurroundings, checkpoint, checkpointSchema } from "./checkpoint.ts";
import { estimate, estimateSchema } from "./estimate.ts";
import { measure, measureSchema } from "./measure.ts";
import { migrate, migrateSchema } from "./migrate.ts";

export const sessionSchema = z
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

export type SessionConfig = z.output<typeof sessionSchema>;

/** What the operator can start, by name; in the order of the session's list, from 1. */
export const STARTABLE = ["migration", "checkpoint", "estimation"] as const;
export type Startable = (typeof STARTABLE)[number];

/** One cycle: after a migration the VM goes on, and the migration is over. */
const SETTLE_CYCLES = 1;
/** Its tracker finds written pages on every machine with PML. */
const DEFAULT_TECHNIQUE: Technique = "pml";

interface Hosted {
  /** Of its main actor. */
  readonly name: string;
  readonly operation: Operation;
  readonly end: "deadline" | "abortDue";
  readonly actors: readonly OperationHelper[];
}

/** @param deadlineCycles end of the run, 0 = when the workloads have ended */
export function session(
  config: SessionConfig,
  deadlineCycles: number,
  faults: readonly OperationFault[],
  surroundings: CheckpointSurroundings,
  seed: number,
): OperationFactory {
  return (world, host) => {
    const { technique } = host;
    const tracking: OperationHost = {
      ...host,
      technique: findsEveryWrite(technique) ? technique : DEFAULT_TECHNIQUE,
    };
    const migration = { ...config.migration, settle: config.migration.settle ?? SETTLE_CYCLES };
    const all: readonly Hosted[] = [
      hosted("measurement", measure(config.measure, 0)(world, host), "deadline"),
      hosted("migration", migrate(migration, 0, faults)(world, tracking), "abortDue"),
      hosted(
        "checkpoint",
        checkpoint(config.checkpoint, 0, surroundings)(world, tracking),
        "deadline",
      ),
      hosted("estimation", estimate(config.estimation, 0, seed)(world, host), "deadline"),
    ];
    const firsts = all.map((_, i) => all.slice(0, i).flatMap(({ actors }) => actors).length);
    const current = (context: object): Hosted => all[(context as SessionContext).current]!;
    return {
      kind: "session",
      main: {
        machine: sessionMachine,
        device: new SessionDevice(all, host),
        input: ({ self, scheduler, trackers, helpers }): SessionInput => ({
          self,
          scheduler,
          trackers,
          operations: all.map(({ end }, i) => ({ actor: helpers[firsts[i]!]!, end })),
          deadlineCycles,
        }),
      },
      helpers: all.flatMap(({ actors }, i) =>
        actors.map((one) => wiredTo(one, firsts[i]!, actors.length)),
      ),
      parts: all.flatMap(({ operation }) => operation.parts),
      hosts: all.map(({ name }) => name),
      underWay: (context) => current(context).name,
      result: (contexts) => {
        const { name, operation } = current(contexts["toolstack"]!);
        return operation.result({ ...contexts, toolstack: contexts[name]! }, "");
      },
    };
  };
}

function hosted(name: string, operation: Operation, end: Hosted["end"]): Hosted {
  const main = { role: { kind: "helper", helper: name }, ...operation.main } as const;
  return { name, operation, end, actors: [main, ...operation.helpers] };
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
  readonly #all: readonly Hosted[];
  readonly #host: OperationHost;
  readonly #initial: readonly (readonly PartSnapshot[])[];

  constructor(all: readonly Hosted[], host: OperationHost) {
    this.#all = all;
    this.#host = host;
    this.#initial = all.map(({ operation }) => operation.parts.map(savePart));
  }

  touches(): string[] {
    return [OPERATION_MEMORY];
  }

  perform({ operation: number }: SessionRequest): SessionReply {
    const { actors, operation } = this.#all[number]!;
    operation.parts.forEach((part, i) => {
      restorePart(part, this.#initial[number]![i]!);
    });
    this.#host.renew(actors.map(({ role }) => actorName(role)));
    return { type: "renewed" };
  }
}
