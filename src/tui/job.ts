/** Work of any length in short slices, so that keys are answered meanwhile. */

/** The first slice: what is done in it needs no further ones. Well below the 100 ms that a key may take. */
const FIRST_SLICE_MS = 30;
const SLICE_MS = 8;

export interface JobListener<Result> {
  /** After a slice that was not the last. @param part of 1 that is done */
  progress(part: number): void;
  done(result: Result): void;
  /** What the work threw. */
  failed(error: unknown): void;
}

export class Job<Result> {
  readonly #steps: Generator<number, Result>;
  readonly #listener: JobListener<Result>;
  #timer: NodeJS.Immediate | null = null;
  #over = false;

  constructor(steps: Generator<number, Result>, listener: JobListener<Result>) {
    this.#steps = steps;
    this.#listener = listener;
  }

  /** Done, given up, or failed. */
  get over(): boolean {
    return this.#over;
  }

  /** Short work is done when this returns. */
  start(): void {
    this.#slice(FIRST_SLICE_MS);
  }

  /** Ends it where it is; what has to be put right is done before this returns. */
  cancel(): void {
    this.#over = true;
    if (this.#timer !== null) clearImmediate(this.#timer);
    this.#timer = null;
    // Its finally blocks run; the result is never asked for.
    this.#steps.return(undefined as never);
  }

  #slice(length: number): void {
    this.#timer = null;
    try {
      const from = performance.now();
      let step = this.#steps.next();
      while (!step.done && performance.now() - from < length) step = this.#steps.next();
      if (step.done) {
        this.#over = true;
        this.#listener.done(step.value);
      } else {
        this.#timer = setImmediate(() => this.#slice(SLICE_MS));
        this.#listener.progress(step.value);
      }
    } catch (error) {
      this.#over = true;
      this.#listener.failed(error);
    }
  }
}
