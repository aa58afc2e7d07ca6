/**
 * When did a failure become inevitable? The run is rewound to a point, its random choices from there on
 * are drawn anew, and it runs to its end, again and again: how often does it still fail? (Antithesis:
 * causality analysis.)
 */
import { deriveSeed } from "../../workloads/random.ts";
import type { Property } from "./properties.ts";
import type { Timeline } from "./timeline.ts";

/** How often a run fails whose choices are drawn anew from a point on. */
export interface Chance {
  /** Messages that are as they were. */
  readonly position: number;
  readonly time: number;
  readonly failures: number;
  readonly draws: number;
}

export interface InevitabilityOptions {
  /** Points to rewind to, evenly spread over the run, its start among them. */
  readonly points: number;
  readonly draws: number;
  /** Messages after which a run is given up: it has not ended. */
  readonly most: number;
  readonly seed: number;
}

/** @param timeline at its end, or anywhere: its end must have been seen */
export function* chances(
  timeline: Timeline,
  property: Property,
  { points, draws, most, seed }: InevitabilityOptions,
): Generator<Chance> {
  const { system } = timeline;
  const end = timeline.end ?? timeline.run();
  let before = -1;
  for (let point = 0; point <= points; point++) {
    const position = Math.round((end * point) / points);
    if (position === before) continue;
    before = position;
    timeline.seek(position);
    const start = system.save();
    const time = system.interconnect.now;
    let failures = 0;
    for (let draw = 0; draw < draws; draw++) {
      // At the run's end there is nothing to draw.
      if (draw > 0) system.restore(start);
      if (!system.done) {
        system.intervene({ kind: "reseed", seed: deriveSeed(seed, `${position} ${draw}`) });
        system.run(most - position);
      }
      if (property.check(system) !== null) failures++;
    }
    system.restore(start);
    yield { position, time, failures, draws };
  }
}

/** The first point from which on every run has failed; null if there is none. */
export function inevitableFrom(found: readonly Chance[]): Chance | null {
  const last = found.findLastIndex(({ failures, draws }) => failures < draws);
  return found[last + 1] ?? null;
}
