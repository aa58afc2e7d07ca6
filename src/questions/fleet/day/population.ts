/** The VMs of a day: which guests they are, and when they come, change and go. The same for every tracker. */

import { deriveSeed, Random } from "../../../../workloads/random.ts";
import { itemAt } from "../../../lookup.ts";
import type { FleetConfig } from "../fleetSchema.ts";

/** From `time` on a VM is a guest of another kind. */
export interface Change {
  readonly time: number;
  readonly vm: number;
  readonly kind: number;
}

/** By VM; times in cycles since midnight. */
export interface Population {
  readonly count: number;
  /** Which of the measured guests of its kinds it is: an index into the curves' seeds. */
  readonly seeds: Int32Array;
  /** Index of its kind at midnight. */
  readonly kinds: Int32Array;
  /** 0: it is there from the start. */
  readonly arrivals: Float64Array;
  /** Infinity: it stays. */
  readonly departures: Float64Array;
  /** In the order of the VMs, each VM's by time. */
  readonly changes: readonly Change[];
}

/** @param kinds names, in the order of the curves */
export function populationOf(config: FleetConfig, kinds: readonly string[]): Population {
  const count = config.vms.reduce((sum, group) => sum + group.count, 0);
  const random = new Random(deriveSeed(config.seed, "vms"));
  const changes: Change[] = [];
  const population = {
    count,
    seeds: new Int32Array(count),
    kinds: new Int32Array(count),
    arrivals: new Float64Array(count),
    departures: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
    changes,
  };
  let vm = 0;
  for (const { count: size, phases, late, arrive, leave } of config.vms) {
    const steps = phases.map(({ from, kind }) => ({ from, kind: kinds.indexOf(kind) }));
    for (let n = 0; n < size; n++, vm++) {
      const part = (n + 0.5) / size;
      population.seeds[vm] = random.below(config.curves.seeds.length);
      const offset = Math.floor(random.fraction() * late);
      if (arrive !== undefined) population.arrivals[vm] = spread(arrive, part);
      if (leave !== undefined) population.departures[vm] = spread(leave, part);
      population.kinds[vm] = itemAt(steps, steps.length - 1).kind;
      for (const { from, kind } of steps) {
        const time = from + offset;
        if (time === 0) population.kinds[vm] = kind;
        else changes.push({ time, vm, kind });
      }
    }
  }
  return population;
}

function spread(
  { from, to }: { readonly from: number; readonly to: number },
  part: number,
): number {
  return Math.floor(from + part * (to - from));
}
