/**
 * A run that a person looks at and changes: a timeline, the messages and counters of its past, where it
 * shall stop, and the operator's commands. It knows no clock and no screen; whoever drives it says how
 * many messages it may deliver.
 */

import { isDeepStrictEqual } from "node:util";
import type { CheckOrigin } from "../check/systemOfLog.ts";
import { UserError } from "../errors.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { OutputOptions } from "../io/outputFile.ts";
import { itemAt } from "../lookup.ts";
import type { Origin } from "../replay/identity.ts";
import { LogFile } from "../replay/logFile.ts";
import { Recorder } from "../replay/recorder.ts";
import { intervene, type TimedIntervention } from "../replay/timedIntervention.ts";
import { finish, Timeline } from "../replay/timeline.ts";
import type { Scenario } from "../system/scenarioSchema.ts";
import type { System } from "../system/system.ts";
import { LookTimes } from "../system/verdict/lookTimes.ts";
import { standstillOf } from "../system/verdict/standstill.ts";
import { brokenPromises, failuresOf } from "../system/verdict/verdict.ts";
import { type Breakpoint, LANDMARKS, parseBreakpoint, watchedText } from "./breakpoints.ts";
import { endOfBurst, endsOfBursts } from "./bursts.ts";
import type { BreakpointFrame, CounterexampleFrame } from "./frame.ts";
import type { History } from "./history.ts";
import { MessageRing } from "./messageRing.ts";
import { historyOf } from "./observed.ts";
import { PAGE_ASPECTS, pageAspect } from "./pageFrame.ts";
import { newRun, type Opened, type RunSource, runOfLog } from "./runSource.ts";
import { Ways } from "./ways.ts";

export type Landmark = keyof typeof LANDMARKS;

/** Messages before the present that are made visible after a jump. */
const CONTEXT_MESSAGES = 256;

/** A breakpoint, and what is known of what it watches. */
interface Watched {
  readonly point: Breakpoint;
  on: boolean;
  last: string | number;
  /** When changes that bursts under way have made come about: there the run stops. In cycles. */
  dues: readonly number[];
}

export class Session {
  /** What is run, for people. */
  readonly name: string;
  /** When the run ends, in cycles; 0 = with the workloads. */
  readonly until: number;
  /** Operations that the operator can start, by name; none where the scenario has its own. */
  readonly startable: readonly string[];
  readonly system: System;
  readonly timeline: Timeline;
  readonly ring: MessageRing;
  /** The ways of actors through their statecharts. */
  readonly ways: Ways;
  readonly history: History;
  /** Messages of the log that was opened; 0 = none was. */
  readonly recorded: number;
  /** What is wrong with the log that was opened, in a sentence: what was done after it is not known. */
  readonly damage: string | undefined;
  /** The run that stands beside this one, in step with it (sideBySide.ts); null: it is alone. */
  readonly beside: Session | null = null;
  /** How the two are called. */
  readonly variants: readonly [string, string] | null = null;
  readonly #source: RunSource;
  readonly #found: CheckOrigin | null;
  /** Interventions of the log that was opened. */
  readonly #first: ReadonlySet<TimedIntervention>;
  /** Interventions that a log on disk holds. */
  #saved: ReadonlySet<TimedIntervention>;
  #breakpoints: Watched[] = [];
  readonly #looks = new LookTimes();

  constructor({ source, interventions, messages, damage, found = null }: Opened) {
    const system = source.build();
    this.name = source.name;
    this.until = source.until;
    this.startable = source.startable;
    this.system = system;
    this.recorded = messages;
    this.damage = damage;
    this.#source = source;
    this.ring = new MessageRing(system);
    this.timeline = new Timeline(system, interventions);
    this.ways = new Ways(this.timeline);
    this.#found = found;
    this.#first = new Set(interventions);
    this.#saved = this.#first;
    const { interconnect } = system;
    interconnect.delivered.subscribe((delivery) => {
      this.ring.note(delivery, this.timeline.position + 1, interconnect.sequence);
    });
    this.history = historyOf(system);
  }

  /** A new run of a scenario. One that only measures can be asked for more. @throws UserError */
  static start(asked: Scenario, directory: string): Session {
    return new Session(newRun(asked, directory));
  }

  /** The run of a log, at its start, with what was done to it. @throws UserError */
  static open(path: string): Session {
    return new Session(runOfLog(path));
  }

  get position(): number {
    return this.timeline.position;
  }

  get ended(): boolean {
    return this.system.done || this.timeline.end === this.position;
  }

  /** The message that was delivered last. */
  get latest(): Delivery | null {
    return this.timeline.last;
  }

  /** Operator commands of this run that no log holds: quitting loses them. */
  get unsaved(): number {
    return this.timeline.interventions.filter((made) => !this.#saved.has(made)).length;
  }

  /** What a check has found, as long as nobody has done something else. */
  get counterexample(): CounterexampleFrame | null {
    const { timeline, recorded } = this;
    if (this.#found === null || timeline.interventions.some((made) => !this.#first.has(made)))
      return null;
    const { property, broken } = this.#found;
    const first = broken?.loopFrom ?? null;
    const loop = first === null ? null : { first, last: recorded };
    return { property, at: broken?.at ?? null, loop };
  }

  /** Why the run can go no further, in a sentence: who waits for what; null if it can, or is over. */
  get stop(): string | null {
    const broken = brokenPromises(this.system);
    return broken.find(({ promise }) => promise === "the run goes on")?.what ?? null;
  }

  /** What has gone wrong so far, a sentence each. */
  get failures(): readonly string[] {
    return failuresOf(this.system);
  }

  get breakpoints(): readonly string[] {
    return this.#breakpoints.map(({ point }) => point.text);
  }

  breakpointFrames(): BreakpointFrame[] {
    return this.#breakpoints.map(({ point, on }) => {
      return { text: point.text, on, value: watchedText(point, this.system) };
    });
  }

  /**
   * Goes up to so many messages on, or to a breakpoint. Returns its text, "end", or null if it stopped
   * for neither.
   */
  advance(messages: number): string | null {
    for (let i = 0; i < messages; i++) {
      const delivery = this.timeline.step();
      if (delivery === null) return "end";
      const hit = this.#hit(delivery);
      if (hit !== null) return hit;
      // Timers may go round for ever.
      if (this.#looks.isDue(delivery.time) && standstillOf(this.system) !== null) return "end";
    }
    return null;
  }

  /** As advance, but also stops behind the next landmark: then returns "landmark". */
  advanceTo(landmark: Landmark, messages: number): string | null {
    const isThere = LANDMARKS[landmark];
    for (let i = 0; i < messages; i++) {
      const stop = this.advance(1);
      if (stop !== null) return stop;
      if (this.latest !== null && isThere(this.latest)) return "landmark";
    }
    return null;
  }

  /** Back before the last messages, in pieces; null at the start. */
  goingBack(messages: number): Generator<number, void> | null {
    return this.position === 0 ? null : this.seeking(Math.max(0, this.position - messages));
  }

  /** To behind a message. */
  seek(position: number): void {
    finish(this.seeking(position));
  }

  /** To behind the last message up to a virtual time, in cycles. */
  seekTime(cycles: number): void {
    finish(this.seekingTime(cycles));
  }

  /** Back to the last place where a breakpoint would have stopped the run; its text, or null. */
  runBack(): string | null {
    return finish(this.runningBack());
  }

  /** seek, in pieces: each yield says how much of the way is done, as a part of 1. */
  *seeking(position: number): Generator<number, void> {
    yield* this.#jump(this.timeline.seeking(position));
  }

  /** seekTime, in pieces. */
  *seekingTime(cycles: number): Generator<number, void> {
    yield* this.#jump(this.timeline.seekingTime(cycles));
  }

  /** runBack, in pieces. Given up on the way, it is where it was. */
  *runningBack(): Generator<number, string | null> {
    const hit = yield* this.lookingForHit();
    if (hit === null) return null;
    yield* this.seeking(hit.at);
    return hit.text;
  }

  /** The last place before the present where a breakpoint would have stopped the run; it stays where it is. */
  *lookingForHit(): Generator<number, { readonly at: number; readonly text: string } | null> {
    let best: { readonly at: number; readonly text: string } | null = null;
    for (const { point } of this.#breakpoints.filter(({ on }) => on)) {
      const at = yield* this.#lastHit(point);
      if (at > (best?.at ?? -1)) best = { at, text: point.text };
    }
    return best;
  }

  /**
   * Back to the message with which a page changed last before the present: its leaf, what the guest did to it, its bit or
   * its count; in pieces. Null, and where it was: it has not changed.
   */
  *seekingPageChange(vm: number, page: number): Generator<number, Delivery | null> {
    const watches = PAGE_ASPECTS.map((aspect) => pageAspect(vm, page, aspect));
    const watch = (system: System): string => watches.map((one) => one(system)).join("; ");
    let before: string | null = null;
    const found = yield* this.timeline.lookingBack(
      this.position - 1,
      (_, system) => {
        const now = watch(system);
        const changed = before !== null && now !== before;
        before = now;
        return changed;
      },
      (system) => {
        before = watch(system);
      },
    );
    if (found !== null) yield* this.seeking(found.position);
    return found?.delivery ?? null;
  }

  /** @throws UserError */
  addBreakpoint(text: string): void {
    const point = parseBreakpoint(text, this.system);
    const same = this.breakpoints.indexOf(point.text);
    if (same >= 0) throw new UserError(`break: that is number ${same + 1} already`);
    this.#breakpoints.push({ point, on: true, last: "", dues: [] });
    this.#lookAgain();
  }

  /** @param number from 0 */
  setBreakpoint(number: number, on: boolean): void {
    itemAt(this.#breakpoints, number).on = on;
  }

  /** @param number from 0; without it all are removed */
  removeBreakpoints(number?: number): void {
    this.#breakpoints = this.#breakpoints.filter((_, i) => number !== undefined && i !== number);
  }

  /** Sends a message from outside. What had followed here before is forgotten. */
  command(to: string, message: Delivery["message"]): void {
    const { id } = this.system.actor(to);
    this.timeline.intervene({ kind: "command", to: id, delay: 0, message });
    this.history.forgetAfter(this.system.interconnect.now);
  }

  /**
   * Writes the run up to here as a log. The run is repeated for that, a message at a time: each yield says how
   * far it is, as a part of 1. Until all is written the file of that name is as it was; given up, it stays so.
   * @throws UserError if it cannot be written, or exists and may not be replaced, or if the run that was repeated
   *   is not the one that was seen
   */
  *save(path: string, options: OutputOptions = {}): Generator<number, number> {
    const { position } = this;
    const made = this.timeline.interventions.filter(({ at }) => at <= position);
    // Whether what was done behind the last message is done already is not known.
    const isBare = made.every(({ at }) => at < position);
    const seen = whereIs(this.timeline, isBare);
    const file = new LogFile(path, options);
    try {
      const system = this.#source.build();
      const recorder = new Recorder(system, this.#origin, file);
      const again = new Timeline(system, made, { spacing: Number.POSITIVE_INFINITY });
      while (again.position < position && again.step() !== null) yield again.position / position;
      if (!isDeepStrictEqual(whereIs(again, isBare), seen)) {
        throw new UserError(`${path}: not saved: done again, the run is another one`);
      }
      // Those made here, behind the last message; not those that deliver the next one.
      for (const one of made) {
        if (one.at === position && one.intervention.kind !== "deliver") intervene(system, one);
      }
      recorder.finish();
      this.#saved = new Set([...this.#saved, ...made]);
      return again.position;
    } finally {
      file.abort();
    }
  }

  /** What a log of the run as it is now says of itself: where a check found a property broken holds for that run alone. */
  get #origin(): Origin {
    const { origin } = this.#source;
    if (this.#found === null || this.counterexample !== null) return origin;
    const { check, property } = this.#found;
    return { ...origin, scenario: { check, property } };
  }

  /** Looks at the breakpoints behind a message; the text of the first that it hits. */
  #hit(delivery: Delivery): string | null {
    let hit: string | null = null;
    for (const entry of this.#breakpoints) {
      const { point, on } = entry;
      if ("holds" in point) {
        if (on && point.holds(delivery, this.system)) hit ??= point.text;
        continue;
      }
      const now = point.watch(this.system);
      if (now !== entry.last && (point.becomes ?? now) === now) {
        entry.dues = [...entry.dues, endOfBurst(this.system, delivery.to)];
      }
      entry.last = now;
      const left = entry.dues.filter((due) => due > delivery.time);
      if (on && left.length < entry.dues.length) hit ??= point.text;
      entry.dues = left;
    }
    return hit;
  }

  /** Where a breakpoint was hit last before the present one; -1: nowhere. Ends where it began. */
  *#lastHit(point: Breakpoint): Generator<number, number> {
    const { position } = this;
    if ("holds" in point) {
      const moment = yield* this.timeline.lookingBack(position - 1, (one, system) =>
        point.holds(one, system),
      );
      return moment?.position ?? -1;
    }
    return yield* this.#lastChange(point.watch, point.becomes);
  }

  /**
   * Where a watched value changed last before the present, as #hit has it: at the end of the burst that changed it;
   * -1: nowhere.
   */
  *#lastChange(
    watch: (system: System) => string | number,
    becomes: string | undefined,
  ): Generator<number, number> {
    const { position } = this;
    let before: string | number | null = null;
    let changes: { readonly position: number; readonly time: number; readonly due: number }[] = [];
    for (let end = position - 1; end > 0; ) {
      // A change lies where the value before was another one: the message before is looked at, too.
      const moment = yield* this.timeline.lookingBack(
        end,
        ({ time, to }, system) => {
          const now = watch(system);
          const changed = before !== null && now !== before && (becomes ?? now) === now;
          before = now;
          if (!changed) return false;
          changes.push({ position: this.position, time, due: endOfBurst(system, to) });
          return true;
        },
        (system) => {
          before = watch(system);
          changes = [];
        },
      );
      if (moment === null) return -1;
      for (const { position: at, time, due } of changes.toSorted((a, b) => b.due - a.due)) {
        if (due <= time) return at;
        const last = yield* this.timeline.lookingBack(position - 1, (one) => one.time < due);
        if (last !== null && last.position + 1 < position) return last.position + 1;
      }
      end = Math.min(...changes.map((change) => change.position)) - 1;
    }
    return -1;
  }

  /** Afterwards the messages before the present are there to be seen, and watches know their values. */
  *#jump(way: Generator<number, unknown>): Generator<number, void> {
    try {
      yield* way;
    } finally {
      const { position } = this;
      if (this.ring.first(position) > Math.max(1, position - CONTEXT_MESSAGES)) {
        this.timeline.seek(Math.max(0, position - CONTEXT_MESSAGES));
        this.timeline.seek(position);
      }
      this.#lookAgain();
    }
  }

  /** Watched values as they are here, and which changes of them bursts under way have made. */
  #lookAgain(): void {
    const watched = this.#breakpoints.filter(({ point }) => "watch" in point);
    if (watched.length === 0) return;
    const begin = (): void => {
      for (const entry of watched) {
        if ("watch" in entry.point) entry.last = entry.point.watch(this.system);
        entry.dues = [];
      }
    };
    this.timeline.again(this.#beforeBursts(), begin, (delivery) => {
      this.#hit(delivery);
    });
  }

  /** The position before the messages with which the bursts under way began; this one if there is none. */
  #beforeBursts(): number {
    const { position, system, ring } = this;
    const ends = endsOfBursts(system);
    if (ends.length === 0) return position;
    const first = Math.min(...ends);
    // The message that posted it has the first count of messages posted that reaches its number.
    let at = position;
    while (at > 0 && ring.delivery(at) !== undefined && ring.postedWith(at)[1] >= first) at--;
    return at;
  }
}

/** Where a run is: one that is repeated comes to the same place. */
function whereIs({ position, last, system }: Timeline, withState: boolean) {
  return { position, last, digests: withState ? system.digests() : null };
}
