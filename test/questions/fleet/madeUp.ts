/** Curves that nobody measured, of guests of which everything is known: for the rules of a day. */
import type { Curve, GuestCurves, KindCurves } from "../../../src/questions/fleet/curves.ts";
import { type FleetConfig, fleetSchema } from "../../../src/questions/fleet/fleetSchema.ts";

export const PAGES_PER_MIB = 256;

export function curve(points: readonly (readonly [number, number])[]): Curve {
  const [x, y] = [0, 1].map((n) => Float64Array.from(points, (point) => point[n]!));
  return { x: x!, y: y!, runs: [] };
}

interface MadeUp {
  /** Pages that it has, and that it uses in each window. */
  readonly memory?: number;
  readonly used: readonly number[];
  /** By tracker: the part of the truth that it finds; of the accesses that are left; of the pVM's CPUs. */
  readonly trackers?: Readonly<Record<string, readonly [number, number, number]>>;
  /** Pages that it dirties in a window of a second, which is the longest that was measured. */
  readonly dirty?: number;
}

/** 1,000 accesses a second; as fast as it can with what it uses at most, and by half with half of that. */
export function madeUp(
  name: string,
  { memory = 1024, used, trackers = {}, dirty = 10 }: MadeUp,
  seeds = 1,
): KindCurves {
  const most = Math.max(...used);
  const guest = (seed: number): GuestCurves => ({
    seed,
    memory,
    workingSet: { truth: Float64Array.from(used), pace: 1000, run: "" },
    estimates: Object.fromEntries(
      Object.entries(trackers).map(([tracker, [part, speed, pvmShare]]) => [
        tracker,
        { pages: Float64Array.from(used, (pages) => part * pages), speed, pvmShare, run: "" },
      ]),
    ),
    dirty: {
      pml: {
        pages: curve([
          [2.4e6, dirty / 1000],
          [2.4e9, dirty],
        ]),
        ...{ reported: 0, overReported: 0, missed: 0 },
      },
    },
    migration: {
      pml: { mapped: memory, setup: 1000, harvest: 100, harvestPage: 1, pvmCycles: 0, run: "" },
    },
    throughput: curve([
      [most / 2, 0.5],
      [most, 1],
      [memory, 1],
    ]),
  });
  return { name, guests: Array.from({ length: seeds }, (_, n) => guest(n)) };
}

const estimator = { kind: "accessedBits", interval: "1s" };

/** 40 VMs of 4 MiB on hosts of 32 MiB, looked at every hour. @param fields in place of the usual ones, or beside them */
export function config(fields: Readonly<Record<string, unknown>> = {}): FleetConfig {
  return fleetSchema().parse({
    name: "made up",
    curves: { seeds: [0] },
    kinds: { web: { scenario: "web" }, night: { scenario: "night" } },
    trackers: { right: { estimator }, half: { estimator }, costly: { estimator } },
    vms: [{ name: "all", count: 40, phases: [{ from: "00:00", kind: "web" }] }],
    hosts: { count: 20, memory: "32MiB" },
    placement: { margin: 0 },
    decisions: { every: "60min" },
    ...fields,
  });
}

/** A quarter of what it has is used. */
export const WEB = madeUp("web", {
  used: [256],
  trackers: { right: [1, 1, 0], half: [0.5, 1, 0], costly: [1, 0.75, 0.125] },
});
export const NIGHT = madeUp("night", {
  used: [32, 48, 40],
  trackers: { right: [1, 1, 0], half: [0.5, 1, 0], costly: [1, 0.75, 0.125] },
});
