/** When frames are drawn: after keys at once, while a run goes on as often as its time allows. */
import { Subject, type Subscription, throttle, timer } from "rxjs";

/** At most 30 frames a second; and at full speed only as many as take this part of the time. */
const FRAME_MS = 1000 / 30;
const FRAME_SHARE = 0.03;
/** But never fewer than four a second. */
const FRAME_MS_MAX = 250;
/** How much of the mean cost of a frame is that of the last one: the first ones are slow. */
const NEWEST = 0.2;

export class Painter {
  /** What frames have cost, in ms: for the bench. */
  readonly frameTimes: number[] = [];
  readonly #draw: () => void;
  readonly #atFullSpeed: () => boolean;
  readonly #progress = new Subject<void>();
  readonly #touched = new Subject<void>();
  #subscriptions: Subscription[] = [];
  #frameMs = 1;

  /** @param atFullSpeed whether a run takes all the time that frames leave */
  constructor(draw: () => void, atFullSpeed: () => boolean) {
    this.#draw = draw;
    this.#atFullSpeed = atFullSpeed;
  }

  start(): void {
    const interval = (): number => {
      if (!this.#atFullSpeed()) return FRAME_MS;
      return Math.min(FRAME_MS_MAX, Math.max(FRAME_MS, this.#frameMs / FRAME_SHARE));
    };
    const options = { leading: true, trailing: true };
    this.#subscriptions = [
      this.#progress.pipe(throttle(() => timer(interval()), options)),
      this.#touched.pipe(throttle(() => timer(FRAME_MS), options)),
    ].map((frames) => frames.subscribe(() => this.paint()));
    this.paint();
  }

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  /** The run has gone on. */
  progress(): void {
    this.#progress.next();
  }

  /** Somebody did something, and waits to see it. */
  touched(): void {
    this.#touched.next();
  }

  /** Draws now. */
  paint(): void {
    const from = performance.now();
    this.#draw();
    const cost = performance.now() - from;
    this.#frameMs += NEWEST * (cost - this.#frameMs);
    this.frameTimes.push(cost);
  }
}
