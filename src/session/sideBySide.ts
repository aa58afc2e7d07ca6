/**
 * Two runs of one scenario in step, such as one under PML and one under PRL. Messages of both are delivered in the order of
 * their virtual times, of equal times those of the first run before: at every step both have done what was due by then.
 * Positions are the first run's. What there is to see follows from the two runs and how far each is.
 */
import { UserError } from "../errors.ts";
import type { Delivery } from "../interconnect/messages.ts";
import type { Scenario } from "../system/scenarioSchema.ts";
import type { BreakpointFrame } from "./frame.ts";
import { newRun } from "./runSource.ts";
import { Session } from "./session.ts";

/** One of the two. */
export interface Variant {
  /** How it differs, for people: "prl". */
  readonly name: string;
  readonly scenario: Scenario;
  /** Where relative file names in the scenario start. */
  readonly directory: string;
}

/** Of virtual time: times are whole cycles. */
const CYCLE = 1;

export class SideBySide extends Session {
  override readonly beside: Session;
  /** How each is called. */
  override readonly variants: readonly [string, string];
  /** Where the runs were told that they go no further. */
  #ends: { own: number | null; other: number | null } = { own: null, other: null };

  /** @throws UserError */
  constructor(own: Variant, other: Variant) {
    super(newRun(own.scenario, own.directory));
    this.beside = Session.start(other.scenario, other.directory);
    this.variants = [own.name, other.name];
  }

  override get ended(): boolean {
    return super.ended && this.beside.ended;
  }

  override get latest(): Delivery | null {
    return this.#isOthersLast() ? this.beside.latest : super.latest;
  }

  /** Nothing can be done to it that a log would have to hold. */
  override get unsaved(): number {
    return 0;
  }

  override get stop(): string | null {
    return this.#either(super.stop, this.beside.stop);
  }

  override get failures(): readonly string[] {
    const [own, other] = this.variants;
    return [
      ...super.failures.map((what) => `${own}: ${what}`),
      ...this.beside.failures.map((what) => `${other}: ${what}`),
    ];
  }

  /** Of both together: each message is the next one of either. */
  override advance(messages: number): string | null {
    for (let delivered = 0; delivered < messages; ) {
      const isOthers = this.#isOthersNext();
      if (isOthers === null) return "end";
      const stop = isOthers ? this.beside.advance(1) : super.advance(1);
      if (stop === "end") {
        this.#ends[isOthers ? "other" : "own"] = isOthers ? this.beside.position : this.position;
        continue;
      }
      if (stop !== null) return this.#either(isOthers ? null : stop, stop);
      delivered++;
    }
    return null;
  }

  override *seeking(position: number): Generator<number, void> {
    yield* this.#together(super.seeking(position), () => this.#beforeOwn());
  }

  override *seekingTime(cycles: number): Generator<number, void> {
    yield* this.#together(super.seekingTime(cycles), () => cycles);
  }

  override goingBack(messages: number): Generator<number, void> | null {
    return this.position === 0 && this.beside.position === 0 ? null : this.#goingBack(messages);
  }

  override *runningBack(): Generator<number, string | null> {
    const here = { own: this.position, other: this.beside.position };
    const own = yield* this.lookingForHit();
    const other = yield* this.beside.lookingForHit();
    let arrived = false;
    try {
      // When each was: they are compared by their times.
      if (own !== null) yield* super.seeking(own.at);
      if (other !== null) yield* this.beside.seeking(other.at);
      arrived = true;
    } finally {
      if (!arrived) {
        super.seek(here.own);
        this.beside.seek(here.other);
      }
    }
    if (own === null && other === null) return null;
    const isOthers =
      own === null || (other !== null && this.#timeOf("other") >= this.#timeOf("own"));
    if (isOthers) yield* super.seekingTime(this.#timeOf("other"));
    else yield* this.beside.seekingTime(this.#beforeOwn());
    return this.#either(own?.text ?? null, other?.text ?? null, isOthers);
  }

  /** @throws UserError also if one of the two machines has no such thing */
  override addBreakpoint(text: string): void {
    super.addBreakpoint(text);
    try {
      this.beside.addBreakpoint(text);
    } catch (error) {
      super.removeBreakpoints(this.breakpoints.length - 1);
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`${error.message} (in the run beside, ${this.variants[1]})`);
    }
  }

  override setBreakpoint(number: number, on: boolean): void {
    super.setBreakpoint(number, on);
    this.beside.setBreakpoint(number, on);
  }

  override removeBreakpoints(number?: number): void {
    super.removeBreakpoints(number);
    this.beside.removeBreakpoints(number);
  }

  override breakpointFrames(): BreakpointFrame[] {
    const others = this.beside.breakpointFrames();
    return super.breakpointFrames().map((own, i) => {
      const other = others[i]?.value ?? null;
      const value = own.value === null ? null : `${own.value} | ${other}`;
      return { ...own, value };
    });
  }

  /** @throws UserError always: what is done to one of them would make it another run than the one beside it */
  override command(): void {
    throw new UserError("two runs side by side are not changed: open each alone for that");
  }

  *#goingBack(messages: number): Generator<number, void> {
    for (let left = messages; left > 0; left--) {
      if (this.#isOthersLast()) yield* this.beside.seeking(this.beside.position - 1);
      else if (this.position > 0) yield* super.seeking(this.position - 1);
    }
  }

  /**
   * A way of the first run, and behind it that of the other to a time. Given up, they are in step where the first one is.
   * @param until when the other has to be, once the first one is there
   */
  *#together(own: Generator<number, void>, until: () => number): Generator<number, void> {
    let arrived = false;
    try {
      yield* own;
      yield* this.beside.seekingTime(until());
      arrived = true;
    } finally {
      if (!arrived) this.beside.seekTime(this.#beforeOwn());
    }
  }

  /** The other run has done what was due before the first run's last message. */
  #beforeOwn(): number {
    return this.position === 0 ? -CYCLE : this.#timeOf("own") - CYCLE;
  }

  #timeOf(run: "own" | "other"): number {
    return (run === "own" ? this : this.beside).system.interconnect.now;
  }

  /** Whether the message that was delivered last is the other run's. */
  #isOthersLast(): boolean {
    if (this.beside.position === 0 || this.position === 0) return this.position === 0;
    return this.#timeOf("other") >= this.#timeOf("own");
  }

  /** Whether the next message is the other run's; null: neither goes on. */
  #isOthersNext(): boolean | null {
    const isOver = super.ended || this.#ends.own === this.position;
    const { ended, position, system } = this.beside;
    const isOthersOver = ended || this.#ends.other === position;
    if (isOver && isOthersOver) return null;
    if (isOver || isOthersOver) return isOver;
    return system.interconnect.nextTime < this.system.interconnect.nextTime;
  }

  /** What one of them says, with its name. */
  #either(own: string | null, other: string | null, isOthers = own === null): string | null {
    const text = isOthers ? other : own;
    return text === null ? null : `${this.variants[isOthers ? 1 : 0]}: ${text}`;
  }
}
