/**
 * Lets a session run by the wall clock: so many messages a second, or as fast as it goes, until a goal is
 * reached. The run goes on in short slices, so that a key never waits for long.
 */
import { UserError } from "../errors.ts";
import type { Landmark, Session } from "../session/session.ts";

/** Messages a second; the last is as fast as it goes. */
const SPEEDS = [1, 10, 100, 1000, Number.POSITIVE_INFINITY] as const;
const FASTEST = SPEEDS.length - 1;
/** As they are typed. */
export const SPEED_NAMES = SPEEDS.map((speed) => (Number.isFinite(speed) ? String(speed) : "full"));
/** Length of a slice of the run. There is a look at the clock behind each message: one of a live guest may take 25 ms. */
const SLICE_MS = 8;
/** Between two turns of a run with a speed. */
const TURN_MS = 1000 / 30;
const RATE_MS = 500;

/** What a run is under way to. */
export type Goal =
  | { readonly kind: "none" }
  | { readonly kind: "landmark"; readonly landmark: Landmark }
  /** So many messages on. */
  | { readonly kind: "count"; readonly messages: number }
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "time"; readonly time: number };

export interface RunnerListener {
  progress(): void;
  /** It stands. @param why a breakpoint, "end", "there" or "landmark" */
  stopped(why: string): void;
  failed(error: unknown): void;
}

export class Runner {
  readonly #session: Session;
  readonly #listener: RunnerListener;
  #running = false;
  #goal: Goal = { kind: "none" };
  #speed = FASTEST;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  /** Messages that are due, with fractions, and when they were counted. */
  #owed = 0;
  #lastTurn = 0;
  #rateFrom = { at: 0, position: 0, rate: 0 };

  constructor(session: Session, listener: RunnerListener) {
    this.#session = session;
    this.#listener = listener;
  }

  get running(): boolean {
    return this.#running;
  }

  get atFullSpeed(): boolean {
    return this.#running && SPEEDS[this.#speed] === Number.POSITIVE_INFINITY;
  }

  /** "full", or messages a second. */
  get speed(): string {
    const speed = SPEEDS[this.#speed]!;
    return Number.isFinite(speed) ? String(speed) : "full";
  }

  /** Messages a second of real time, lately. */
  get rate(): number {
    const now = performance.now();
    const { at, position } = this.#rateFrom;
    if (now - at > RATE_MS) {
      const rate = Math.max(0, ((this.#session.position - position) * 1000) / (now - at));
      this.#rateFrom = { at: now, position: this.#session.position, rate };
    }
    return this.#rateFrom.rate;
  }

  go(goal: Goal): void {
    this.stop();
    this.#goal = goal;
    this.#running = true;
    this.#owed = 0;
    this.#lastTurn = performance.now();
    this.#rateFrom = { at: performance.now(), position: this.#session.position, rate: 0 };
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    if (this.#timer !== null) {
      clearTimeout(this.#timer as NodeJS.Timeout);
      clearImmediate(this.#timer as NodeJS.Immediate);
      this.#timer = null;
    }
  }

  /** To where it was going when it was stopped. */
  goOn(): void {
    this.go(this.#goal);
  }

  faster(by: number): void {
    this.#change(Math.max(0, Math.min(FASTEST, this.#speed + by)));
  }

  /** @throws UserError */
  setSpeed(text: string): void {
    const index = SPEED_NAMES.indexOf(text);
    if (index < 0) throw new UserError(`speed: expected ${SPEED_NAMES.join(", ")}`);
    this.#change(index);
  }

  #change(speed: number): void {
    this.#speed = speed;
    if (this.#running) this.go(this.#goal);
  }

  #schedule(): void {
    const paced = Number.isFinite(SPEEDS[this.#speed]) && this.#goal.kind === "none";
    const turn = (): void => {
      try {
        this.#turn(paced);
      } catch (error) {
        this.#listener.failed(error);
      }
    };
    this.#timer = paced ? setTimeout(turn, TURN_MS) : setImmediate(turn);
  }

  #turn(paced: boolean): void {
    const from = performance.now();
    let stop: string | null = null;
    if (paced) {
      this.#owed += ((from - this.#lastTurn) / 1000) * SPEEDS[this.#speed]!;
      const due = Math.floor(this.#owed);
      this.#owed -= due;
      if (due > 0) stop = this.#session.advance(due);
    } else {
      while (stop === null && performance.now() - from < SLICE_MS) stop = this.#advance();
    }
    this.#lastTurn = from;
    this.#listener.progress();
    if (stop !== null) {
      this.stop();
      this.#listener.stopped(stop);
    } else if (this.#running) this.#schedule();
  }

  /** A message towards the goal; why the run is to stop, or null. */
  #advance(): string | null {
    const session = this.#session;
    switch (this.#goal.kind) {
      case "none":
        return session.advance(1);
      case "landmark":
        return session.advanceTo(this.#goal.landmark, 1);
      case "count": {
        const { messages } = this.#goal;
        if (messages <= 0) return "there";
        this.#goal = { kind: "count", messages: messages - 1 };
        return session.advance(1);
      }
      case "position": {
        if (session.position >= this.#goal.position) return "there";
        return session.advance(1);
      }
      case "time": {
        const { interconnect } = session.system;
        if (interconnect.nextTime > this.#goal.time) return "there";
        return session.advance(1);
      }
    }
  }
}
