/** The ways through a run that commands offer: on, to a goal, and back. */
import { UserError } from "../errors.ts";
import { burstOf } from "../session/bursts.ts";
import type { Landmark, Session } from "../session/session.ts";
import { brokenText } from "./counterexample.ts";
import type { LongWork } from "./longWork.ts";
import type { Goal, Runner } from "./runner.ts";
import { parseRunPosition } from "./runPosition.ts";
import { clock } from "./text.ts";

export interface RunListener {
  say(text: string, style: "good" | "warn" | "bad" | null): void;
  /** The cursor is to follow the present again. */
  follow(): void;
  /** The run stands. @param why a breakpoint, "end", "there", "landmark"; null: for no reason of its own */
  stands(why: string | null): void;
}

export class RunControls {
  readonly #session: Session;
  readonly #runner: Runner;
  readonly #work: LongWork;
  readonly #listener: RunListener;
  /** Messages that have been delivered at most. */
  #furthest = 0;
  /** Messages to go on, or back, that were asked for on the way through the run: they count from where it leads. */
  #owed = 0;

  constructor(session: Session, runner: Runner, work: LongWork, listener: RunListener) {
    this.#session = session;
    this.#runner = runner;
    this.#work = work;
    this.#listener = listener;
  }

  /** It runs, or is on its way through the run. */
  get moving(): boolean {
    return this.#runner.running || this.#work.travelling;
  }

  /** The frame of a position is made. */
  seen(position: number): void {
    this.#furthest = Math.max(this.#furthest, position);
  }

  toggle(): void {
    if (this.moving) this.stop();
    else this.go({ kind: "none" });
  }

  go(goal: Goal): void {
    this.stop();
    if (goal.kind !== "none") this.#listener.say("on the way there: space stops", "warn");
    this.#listener.follow();
    this.#runner.go(goal);
  }

  stop(): void {
    this.#owed = 0;
    this.#runner.stop();
    this.#work.cancel("journey");
  }

  /** @throws UserError */
  step(messages: number): void {
    if (!(messages >= 1)) throw new UserError("step: expected a number of messages");
    if (this.#owes(messages)) return;
    this.stop();
    if (messages === 1) {
      const stop = this.#session.advance(1);
      if (stop !== null) this.#listener.stands(stop);
    } else this.go({ kind: "count", messages });
  }

  stepTo(landmark: Landmark): void {
    this.go({ kind: "landmark", landmark });
  }

  stepBack(): void {
    if (!this.#owes(-1)) this.#stepBack(1);
  }

  #stepBack(messages: number): void {
    this.stop();
    const way = this.#session.goingBack(messages);
    if (way === null) this.#listener.say("this is the start", "warn");
    else this.#travel(way, "going back");
  }

  /** Whether it is on its way through the run: then the steps wait for its end. */
  #owes(messages: number): boolean {
    if (!this.#work.travelling) return false;
    this.#owed += messages;
    return true;
  }

  #payOwed(): void {
    const owed = this.#owed;
    if (owed > 0) this.step(owed);
    else if (owed < 0) this.#stepBack(-owed);
  }

  /** @throws UserError */
  runBack(): void {
    this.stop();
    if (this.#session.breakpoints.length === 0) throw new UserError("there is no breakpoint (x)");
    this.#travel(this.#session.runningBack(), "looking back", (hit) => {
      if (hit === null) this.#listener.say("no breakpoint before this", "warn");
      else this.#listener.say(`breakpoint: ${hit}`, "bad");
    });
  }

  /** @throws UserError */
  seek(text: string): void {
    const place = parseRunPosition(text);
    if (place === null) {
      throw new UserError('seek: expected a time such as "1.5ms", or a message such as "#120"');
    }
    this.stop();
    const { interconnect } = this.#session.system;
    const back =
      place.kind === "position" ? place.position <= this.#furthest : place.time <= interconnect.now;
    if (!back) this.go(place);
    else if (place.kind === "time")
      this.#travel(this.#session.seekingTime(place.time), "going back");
    else this.#travel(this.#session.seeking(place.position), `going to #${place.position}`);
  }

  /** Back to where a page changed last. */
  toPageChange(vm: number, page: number): void {
    this.stop();
    const { system } = this.#session;
    this.#travel(this.#session.seekingPageChange(vm, page), "looking back", (change) => {
      if (change === null) {
        this.#listener.say(`page ${page} has not changed before this`, "warn");
        return;
      }
      const { message, to } = change;
      const burst = burstOf(system, to);
      const who =
        burst === undefined
          ? `by ${system.nameOf(to)}, which handles ${message.type}`
          : `by vcpu${burst.vcpu}, in the burst that ends at ${clock(burst.until)}`;
      this.#listener.say(`page ${page} changed here, ${who}`, "good");
    });
  }

  /** To the message that breaks the property of a counterexample, or to the first of its loop. @throws UserError */
  toBroken(): void {
    const found = this.#session.counterexample;
    if (found === null) throw new UserError("this is no counterexample of a check (docs/check.md)");
    const target = found.at ?? found.loop?.first ?? null;
    if (target === null) throw new UserError("the log does not say where the property is broken");
    this.stop();
    this.#listener.follow();
    this.#travel(this.#session.seeking(target), `going to #${target}`, () => {
      this.#listener.say(brokenText(found), "bad");
    });
  }

  toStart(): void {
    this.stop();
    this.#travel(this.#session.seeking(0), "going to the start");
  }

  toEnd(): void {
    const { timeline, recorded } = this.#session;
    const target = timeline.end ?? Math.max(recorded, this.#furthest);
    if (target <= this.#session.position) this.go({ kind: "none" });
    else this.seek(`#${target}`);
  }

  /** What an actor has done lately, up to a message, is learnt. A run that goes on goes on afterwards. */
  learn(name: string, at: number): void {
    const { system, ways } = this.#session;
    const goesOn = this.#runner.running;
    this.#runner.stop();
    let told = false;
    const tell = (percent: number): string => {
      told = true;
      return `looking up what ${name} did: ${percent} % (esc stops)`;
    };
    this.#work.begin("journey", ways.learning(system.actor(name), at), tell, () => {
      if (told) this.#listener.say("", null);
      if (goesOn) this.#runner.goOn();
      this.#payOwed();
    });
  }

  faster(by: number): void {
    this.#runner.faster(by);
  }

  /** @throws UserError */
  setSpeed(text: string): void {
    this.#runner.setSpeed(text);
  }

  /** A way through the run; short ones are done when this returns. */
  #travel<Result>(
    way: Generator<number, Result>,
    what: string,
    arrived: (result: Result) => void = () => {},
  ): void {
    const tell = (percent: number): string => `${what}: ${percent} % (esc stops)`;
    this.#work.begin("journey", way, tell, (result) => {
      this.#listener.say("", null);
      arrived(result);
      this.#listener.stands(null);
      this.#payOwed();
    });
  }
}
