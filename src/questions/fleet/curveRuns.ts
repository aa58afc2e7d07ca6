/** The runs of the emulator that show what a kind of guests does, and what of each is kept. */

import { DEFAULT_TECHNIQUE } from "../../hypervisor/techniques/all.ts";
import type { RunOrder } from "../../runs/runOrder.ts";
import {
  type OvercommitConfig,
  overcommitSchema,
} from "../../system/operations/overcommit/overcommitSchema.ts";
import type { Scenario } from "../../system/scenarioSchema.ts";
import type { FleetConfig } from "./fleetSchema.ts";

/** Rounds that a window's dirty pages are a mean of, where the run has room for so many. */
const ROUNDS = 16;
/** The decisions of an overcommitted host, and the rates between them, in a run. */
const DECISIONS = 10;

type Technique = Scenario["tracker"]["technique"];

/** What a run is for. */
export type Role =
  | { readonly what: "workingSet" }
  | { readonly what: "estimate"; readonly tracker: string }
  | { readonly what: "dirty"; readonly technique: Technique; readonly window: number }
  | { readonly what: "migrate"; readonly technique: Technique }
  | { readonly what: "memory"; readonly pages: number };

export interface CurveOrder extends RunOrder {
  readonly kind: string;
  readonly seed: number;
  readonly role: Role;
}

/** A scenario of one VM, and where its traces are. */
export type Guest = RunOrder;

/** Techniques that migrations need, each once. */
export function techniquesOf({ trackers }: FleetConfig): Technique[] {
  const all = Object.values(trackers).map(({ dirty }) => dirty);
  return [...new Set(all.length === 0 ? [DEFAULT_TECHNIQUE] : all)];
}

/** Lengths of the windows over which dirty pages are counted. */
export function windowsOf({ curves: { windows } }: FleetConfig): number[] {
  const lengths: number[] = [];
  for (let length = windows.shortest; length < windows.longest; length *= 2) lengths.push(length);
  return [...lengths, windows.longest];
}

/** Runs that curves take at most: some may be done, and sizes of memory may be the same. */
export function curveRunsAtMost(config: FleetConfig, kinds: number): number {
  const { seeds, memory } = config.curves;
  return kinds * seeds.length * (rolesOf(config).length + memory.length + 1);
}

/** All runs of a kind, but for those with less memory: how much that is, the working set says. */
export function curveOrders(config: FleetConfig, kind: string, guest: Guest): CurveOrder[] {
  const roles = rolesOf(config);
  return config.curves.seeds.flatMap((seed) =>
    roles.map((role) => orderOf(config, kind, guest, seed, role)),
  );
}

function rolesOf(config: FleetConfig): Role[] {
  return [
    { what: "workingSet" },
    ...Object.keys(config.trackers).map((tracker): Role => ({ what: "estimate", tracker })),
    ...techniquesOf(config).flatMap((technique): Role[] => [
      ...windowsOf(config).map((window): Role => ({ what: "dirty", technique, window })),
      { what: "migrate", technique },
    ]),
  ];
}

/** @param memory that it has; @param used pages of its working set, about */
export function memoryOrders(
  config: FleetConfig,
  kind: string,
  guest: Guest,
  seed: number,
  { memory, used }: { readonly memory: number; readonly used: number },
): CurveOrder[] {
  const sizes = config.curves.memory.map((part) => Math.max(1, Math.round(part * used)));
  const distinct = [...new Set([...sizes.filter((size) => size < memory), memory])];
  return distinct
    .sort((a, b) => a - b)
    .map((pages) => orderOf(config, kind, guest, seed, { what: "memory", pages }));
}

function orderOf(
  config: FleetConfig,
  kind: string,
  { scenario, directory }: Guest,
  seed: number,
  role: Role,
): CurveOrder {
  return {
    kind,
    seed,
    role,
    directory,
    scenario: { ...scenario, seed, ...asked(config, scenario, role) },
  };
}

/** What a run's scenario has in place of its own. */
function asked(
  { curves, trackers, migration, hosts }: FleetConfig,
  scenario: Scenario,
  role: Role,
): Pick<Scenario, "operation" | "tracker" | "until"> {
  const { length, warmUp, interval } = curves;
  const tracked = (technique: Technique): Scenario["tracker"] => ({
    ...scenario.tracker,
    technique,
  });
  switch (role.what) {
    case "workingSet": {
      const estimator = { kind: "truth", interval } as const;
      return {
        operation: { kind: "estimate", estimator },
        tracker: tracked("none"),
        until: length,
      };
    }
    case "estimate": {
      const { estimator } = given(trackers[role.tracker]);
      return {
        operation: { kind: "estimate", estimator },
        tracker: tracked("none"),
        until: length,
      };
    }
    case "dirty": {
      const rounds = Math.max(2, Math.min(ROUNDS, Math.floor((length - warmUp) / role.window)));
      return {
        operation: { kind: "measure", harvest: role.window },
        tracker: tracked(role.technique),
        // Harvests take time, too; and the last round is cut off.
        until: warmUp + Math.ceil((rounds + 1.5) * role.window),
      };
    }
    case "migrate": {
      const { policy, batch, latency } = migration;
      const link = { bandwidth: hosts.link, latency };
      const operation = {
        kind: "migrate",
        start: warmUp,
        link,
        policy,
        batch,
        samples: 2,
        settle: 0,
      } as const;
      return { operation, tracker: tracked(role.technique), until: undefined };
    }
    case "memory":
      return {
        operation: leftMemory(role.pages, length, interval),
        tracker: tracked("none"),
        until: length,
      };
  }
}

/** A guest by itself on a host that has just so much memory, whose controller knows what it uses. */
function leftMemory(pages: number, length: number, interval: number): OvercommitConfig {
  return overcommitSchema().parse({
    kind: "overcommit",
    memory: `${pages * 4} KiB`,
    estimator: { kind: "truth", interval: `${interval} cycles` },
    interval: `${Math.max(1, Math.floor(length / DECISIONS))} cycles`,
    policy: { kind: "workingSet", headroom: 0 },
    // What is left it is what is asked about.
    minimum: 1e-6,
    reference: false,
  });
}

function given<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("a tracker that is not in the file");
  return value;
}

/** Rates between the second half of a run's decisions are taken: it has all its pages by then. */
export function isSettled(time: number, length: number): boolean {
  return time > length / 2;
}
