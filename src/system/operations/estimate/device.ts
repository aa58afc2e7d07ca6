/** The device of an estimator: the counts in the pVM's memory, the samples, and the truth beside them. */

import type { EstimatorReply, EstimatorRequest } from "../../../../machines/estimatorContext.ts";
import { Random } from "../../../../workloads/random.ts";
import { Counter } from "../../../hardware/counters.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import {
  CumulativeBuffer,
  clearOccurrences,
  forEachOccurrence,
} from "../../../hypervisor/cumulativeBuffer.ts";
import { addAll, markDirty } from "../../../hypervisor/dirtyBitmap.ts";
import { visitLogs } from "../../../hypervisor/drain.ts";
import { type EstimatorRule, harvestOf, pausesVm } from "../../../hypervisor/wss/estimation.ts";
import { estimatorOf } from "../../../hypervisor/wss/estimators/all.ts";
import type { Forget } from "../../../hypervisor/wss/hotPageLoop.ts";
import { countHotPages, passGeneration } from "../../../hypervisor/wss/hotPages.ts";
import { HyperLogLog } from "../../../hypervisor/wss/hyperLogLog.ts";
import { type MissRatio, memoryWithin } from "../../../hypervisor/wss/missRatios.ts";
import { drawPages } from "../../../hypervisor/wss/pageSample.ts";
import { SHARDS_MODULUS, Shards } from "../../../hypervisor/wss/shards.ts";
import { WindowTruth } from "../../../hypervisor/wss/windowTruth.ts";
import type { Device } from "../../../interconnect/emissions.ts";
import { itemAt, numberAt } from "../../../lookup.ts";
import { NO_UNIT, unitNamed } from "../../../units/all.ts";
import { OPERATION_MEMORY, vmMemories } from "../../memoryNames.ts";
import type { OperationHost } from "../../operation.ts";
import type { Overlap } from "../../verdict/agreement.ts";
import { first, spread } from "../../verdict/pageSets.ts";
import type { VmState, World } from "../../world.ts";
import { MissRatioCurve } from "./missRatioCurve.ts";
import { overlapOfPages, PageAgreement, type PageAgreements } from "./pageAgreement.ts";

/** How much a VM may have run too little when its interval is over: a thousandth of the interval. */
const TOLERANCE = 1e-3;

export interface EstimatorSettings {
  readonly rule: EstimatorRule;
  readonly intervalCycles: number;
  /** Intervals in the window of the truth. */
  readonly windowIntervals: number;
  readonly seed: number;
}

/** What an estimator keeps besides its counts. */
class EstimatorMemory implements Part {
  readonly name: string;
  readonly random: Random;
  /** [0]: when the estimation began. */
  readonly times = new Float64Array(1);
  readonly plain = ["random"];
  readonly statistics = ["times"];

  constructor(name: string, seed: number) {
    this.name = name;
    this.random = new Random(seed);
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { random: this.random.state, times: this.times };
  }
}

export class EstimatorDevice implements Device<EstimatorRequest, EstimatorReply> {
  readonly parts: readonly Part[];
  readonly #world: World;
  readonly #host: OperationHost;
  readonly #vm: VmState;
  readonly #number: number;
  readonly #settings: EstimatorSettings;
  readonly #memory: EstimatorMemory;
  readonly #truth: WindowTruth;
  /** Ageing: the counts of the generation before. */
  readonly #older: CumulativeBuffer | null;
  /** SHARDS' sample. */
  readonly #shards: Shards | null;
  readonly #curve: MissRatioCurve | null;
  readonly #agreement: PageAgreement;
  /** Hot pages, one bit a page. */
  readonly #hot: Int32Array;

  constructor(world: World, host: OperationHost, number: number, settings: EstimatorSettings) {
    this.#world = world;
    this.#host = host;
    this.#vm = itemAt(world.vms, number);
    this.#number = number;
    this.#settings = settings;
    const { config, guest } = this.#vm;
    const { rule, seed, windowIntervals } = settings;
    this.#memory = new EstimatorMemory(`${config.name}/estimator`, seed);
    this.#truth = new WindowTruth(`${config.name}/windowTruth`, guest, windowIntervals);
    const { source } = estimatorOf(rule);
    const ages = source.of === "counts" && source.ages(rule);
    this.#older = ages ? new CumulativeBuffer(`${config.name}/olderCounts`, guest.pages) : null;
    this.#agreement = new PageAgreement(`${config.name}/agreement`);
    this.#hot = new Int32Array(source.of === "counts" ? Math.ceil(guest.pages / 32) : 0);
    this.#shards = shardsOf(config, rule);
    this.#curve =
      this.#shards === null
        ? null
        : new MissRatioCurve(`${config.name}/missRatios`, this.#shards.words);
    if (this.#shards !== null) this.#vm.tracked.buffer.follower = this.#shards;
    const own = [this.#older, this.#shards, this.#curve].filter((part) => part !== null);
    this.parts = [this.#memory, this.#truth, ...own, this.#agreement];
  }

  /** How far the pages that it names are those in use; null if it names none. */
  agreements(): PageAgreements | null {
    const open = this.#openOverlap();
    const agreement = open === null ? this.#agreement : this.#agreement.copy();
    if (open !== null) agreement.note(open);
    return agreement.agreements();
  }

  /** Of the last look; null: it has none. */
  missRatios(): readonly MissRatio[] | null {
    return this.#curve?.curve ?? null;
  }

  /** Of the look that was due last, if its harvest has come. */
  #openOverlap(): Overlap | null {
    const { rounds, config } = this.#vm;
    const { open } = this.#agreement;
    if (rounds === null || open === null || rounds.counts.harvests === open) return null;
    const { reported } = rounds;
    return overlapOfPages((at) => first(reported[at] ?? 0), this.#truth.window(), config.pages);
  }

  touches(): string[] {
    return [OPERATION_MEMORY, ...vmMemories(this.#number, "truth", "tracked")];
  }

  perform(request: EstimatorRequest): EstimatorReply {
    switch (request.op) {
      case "begin":
        return { type: "begun", sample: this.#draw() };
      case "start":
        this.#memory.times[0] = this.#host.now();
        return { type: "started" };
      case "look":
        return this.#look(request.interval, request.draw);
      case "read":
        return this.#read();
      case "forget":
        this.#forget(request.what);
        return { type: "forgotten" };
    }
  }

  #draw(): readonly number[] | null {
    const { rule } = this.#settings;
    const { sampling } = estimatorOf(rule);
    if (sampling === undefined) return null;
    return drawPages(this.#memory.random, sampling.samples(rule), sampling.vmPages(rule));
  }

  /** Sampling periods are in the VM's own time (OSDI'02 5.3); the other estimators' intervals are not. */
  #look(interval: number, draw: boolean): EstimatorReply {
    const { rule, intervalCycles } = this.#settings;
    const { vcpus, guest } = this.#vm;
    const executedCycles = this.#executed();
    const missing = interval * intervalCycles - executedCycles / vcpus.length;
    const isInOwnTime = estimatorOf(rule).sampling !== undefined;
    if (isInOwnTime && missing > TOLERANCE * intervalCycles) {
      return { type: "notDue", wait: Math.ceil(missing) };
    }
    const open = this.#openOverlap();
    if (open !== null) this.#agreement.note(open);
    const truthPages = this.#truth.endInterval(guest);
    const ask = harvestOf(rule, interval);
    // A sample names no pages of the working set but its own.
    if (ask !== null && !isInOwnTime) this.#agreement.await(this.#vm.rounds?.counts.harvests ?? 0);
    return {
      type: "due",
      time: this.#host.now() - numberAt(this.#memory.times, 0),
      truthPages,
      executedCycles,
      ask,
      pause: pausesVm(rule),
      sample: draw ? this.#draw() : null,
    };
  }

  #executed(): number {
    return this.#vm.vcpus.reduce((sum, vcpu) => {
      const { values } = itemAt(this.#world.vcpus, vcpu).counters;
      return sum + numberAt(values, Counter.guestCycles) + numberAt(values, Counter.walkCycles);
    }, 0);
  }

  #read(): EstimatorReply {
    const { rule } = this.#settings;
    const { source } = estimatorOf(rule);
    if (source.of !== "counts") {
      const pages = this.#truth.windowPages;
      this.#agreement.note({ found: pages, owed: pages, right: pages });
      return { type: "counted", pages, guestPageTables: 0, scanned: 0 };
    }
    const { config, tracked, reportedTouched, rounds } = this.#vm;
    // For the run's summary and its verdict, which harvests inform otherwise.
    forEachOccurrence(tracked.buffer, (page) => markDirty(reportedTouched, page));
    // What devices wrote is in no log, and marked here.
    addAll(tracked.touched, reportedTouched);
    rounds?.read(reportedTouched, (visit) => {
      const { logs, units, vcpus } = tracked;
      const unit = unitNamed(units, this.#vm.armed.technique?.unit(tracked) ?? NO_UNIT);
      if (unit === null) return;
      for (const { vcpu, vmcs } of vcpus) visitLogs({ logs, unit, vcpu, vmcs }, visit);
    });
    const least = source.least(rule);
    const hot = countHotPages(tracked.buffer, this.#older, least, config.pages, this.#hot);
    const { pages, tables } = hot;
    if (source.sketch !== undefined) {
      const sketched = this.#sketched(source.sketch(rule));
      return { type: "counted", guestPageTables: tables, ...sketched };
    }
    if (source.distances !== undefined) {
      const followed = this.#followed(source.distances(rule).slack);
      return { type: "counted", guestPageTables: tables, ...followed };
    }
    const named = (at: number): number => spread(this.#hot, at);
    this.#agreement.note(overlapOfPages(named, this.#truth.window(), config.pages));
    const scanned = source.isList(rule) ? hot.logged : hot.scanned;
    return { type: "counted", pages, guestPageTables: tables, scanned };
  }

  /**
   * What a sketch of the same entries says. Its registers follow from which pages were logged alone, and so from the
   * counters, which the emulator keeps in any case; a look goes through the registers.
   */
  #sketched(precision: number): { readonly pages: number; readonly scanned: number } {
    const sketch = new HyperLogLog(precision);
    this.#hot.forEach((word, at) => {
      for (let rest = word; rest !== 0; rest &= rest - 1) {
        sketch.add(32 * at + 31 - Math.clz32(rest & -rest));
      }
    });
    return { pages: sketch.estimate(), scanned: sketch.registers.length };
  }

  /** What the distances of the interval say; a look goes through the histogram. */
  #followed(slack: number): { readonly pages: number; readonly scanned: number } {
    const curve = this.#shards?.curve() ?? [];
    this.#curve?.note(curve);
    return { pages: memoryWithin(curve, slack), scanned: this.#shards?.words ?? 0 };
  }

  #forget(what: Forget): void {
    const { buffer } = this.#vm.tracked;
    if (what === "everything") this.#shards?.endInterval();
    if (what === "everything") clearOccurrences(buffer);
    if (what === "generation") passGeneration(buffer, this.#older!);
  }
}

/** @returns null where the estimator follows no distances */
function shardsOf(
  { name, pages }: { readonly name: string; readonly pages: number },
  rule: EstimatorRule,
): Shards | null {
  const { source } = estimatorOf(rule);
  if (source.of !== "counts" || source.distances === undefined) return null;
  const { rate, samples, points, adjust } = source.distances(rule);
  const threshold = Math.max(1, Math.round(rate * SHARDS_MODULUS));
  return new Shards(`${name}/shards`, {
    threshold,
    most: samples,
    pages,
    buckets: points,
    adjusts: adjust,
  });
}
