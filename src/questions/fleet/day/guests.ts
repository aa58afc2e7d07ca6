/** What curves say of each measured guest, as one way of sizing sees it: tables for the day's hot loop. */
import { fieldOf, itemAt, numberAt, wordAt } from "../../../lookup.ts";
import { techniquesOf } from "../curveRuns.ts";
import {
  type GuestCurves,
  isBelow,
  isBeyond,
  type KindCurves,
  type MigrationCosts,
  meanOf,
  powerAt,
  valueAt,
} from "../curves.ts";
import type { FleetConfig } from "../fleetSchema.ts";

/**
 * Where the sizes of VMs come from: what they have, what they use exactly (which nobody can know, and costs nothing
 * here), or a tracker's estimates.
 */
export type Sizing =
  | { readonly kind: "declared" }
  | { readonly kind: "exact" }
  | { readonly kind: "tracker"; readonly name: string };

/** Guests are numbered: by kind, and of a kind by seed. */
export class Guests {
  /** Pages that it has. */
  readonly memory: Int32Array;
  /** Accesses a second without tracking, with enough memory. */
  readonly pace: Float64Array;
  /** Accesses with tracking, as a part of those without. */
  readonly speed: Float64Array;
  /** CPUs of the pVM that tracking takes. */
  readonly pvmShare: Float64Array;
  /** Pages that it uses in a window, in the mean. */
  readonly used: Float64Array;
  readonly #seeds: number;
  readonly #curves: readonly GuestCurves[];
  readonly #technique: string;
  /** By guest: the sizes that estimates of the windows give, and the true pages of each. */
  readonly #sizes: readonly Int32Array[];
  readonly #truths: readonly Float64Array[];

  constructor(config: FleetConfig, kinds: readonly KindCurves[], sizing: Sizing) {
    const tracker = sizing.kind === "tracker" ? config.trackers[sizing.name] : undefined;
    if (sizing.kind === "tracker" && tracker === undefined) {
      throw new Error(`there is no tracker ${sizing.name}`);
    }
    const curves = kinds.flatMap(({ guests }) => guests);
    const estimates = (guest: GuestCurves) =>
      sizing.kind === "tracker" ? guest.estimates[sizing.name] : undefined;
    const share = tracker?.share ?? 0;
    this.#seeds = config.curves.seeds.length;
    this.#curves = curves;
    this.#technique = tracker?.dirty ?? itemAt(techniquesOf(config), 0);
    this.memory = Int32Array.from(curves, ({ memory }) => memory);
    this.pace = Float64Array.from(curves, ({ workingSet }) => workingSet.pace);
    this.speed = Float64Array.from(
      curves,
      (guest) => 1 - share * Math.max(0, 1 - (estimates(guest)?.speed ?? 1)),
    );
    this.pvmShare = Float64Array.from(curves, (guest) => share * (estimates(guest)?.pvmShare ?? 0));
    this.used = Float64Array.from(curves, ({ workingSet }) => meanOf(workingSet.truth));
    this.#truths = curves.map(({ workingSet }) => workingSet.truth);
    const isDeclared = sizing.kind === "declared" || config.placement.by === "declared";
    this.#sizes = curves.map((guest) => {
      const { memory, workingSet } = guest;
      const pages = estimates(guest)?.pages ?? workingSet.truth;
      return Int32Array.from(pages, (estimate) =>
        isDeclared ? memory : sizeBy(estimate, config.placement.margin, memory),
      );
    });
  }

  index(kind: number, seed: number): number {
    return kind * this.#seeds + seed;
  }

  /** Pages that a VM is given by the estimate of one of its windows. @param draw 32 random bits that choose it */
  size(guest: number, draw: number): number {
    const sizes = itemAt(this.#sizes, guest);
    return wordAt(sizes, draw % sizes.length);
  }

  /** Part of the time in which a guest that is left so many pages uses more. */
  shortPart(guest: number, left: number): number {
    const truths = itemAt(this.#truths, guest);
    let short = 0;
    for (let n = 0; n < truths.length; n++) if (numberAt(truths, n) > left) short++;
    return short / truths.length;
  }

  /** Accesses of a guest that is left so many pages, as a part of those with enough. */
  throughput(guest: number, left: number): number {
    return valueAt(itemAt(this.#curves, guest).throughput, left);
  }

  /** Whether no guest was measured with so few pages: throughput() says too much then. */
  isUnmeasured(guest: number, left: number): boolean {
    return isBelow(itemAt(this.#curves, guest).throughput, left);
  }

  /** Pages that a guest dirties in a window. */
  dirtied(guest: number, window: number): number {
    return powerAt(this.#dirty(guest), window);
  }

  /** Whether no window was so long: dirtied() says too little then. */
  isTooLong(guest: number, window: number): boolean {
    return isBeyond(this.#dirty(guest), window);
  }

  migration(guest: number): MigrationCosts {
    return fieldOf(itemAt(this.#curves, guest).migration, this.#technique);
  }

  #dirty(guest: number) {
    return fieldOf(itemAt(this.#curves, guest).dirty, this.#technique).pages;
  }
}

/** A VM of which nothing is known yet is taken to use all that it has, as the emulator's controller takes it. */
function sizeBy(estimate: number, margin: number, memory: number): number {
  if (Number.isNaN(estimate)) return memory;
  return Math.max(1, Math.min(memory, Math.ceil(estimate * (1 + margin))));
}
