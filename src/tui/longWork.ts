/** What takes longer than a key may wait: a way through the run, and the writing of a log. One of each at a time. */
import { Job } from "./job.ts";

export interface LongWorkListener {
  /** How far it is, in a sentence. */
  progress(text: string): void;
  /** It is done. */
  done(): void;
  failed(error: unknown): void;
}

type Kind = "journey" | "saving";

export class LongWork {
  readonly #listener: LongWorkListener;
  readonly #jobs: Record<Kind, Job<unknown> | null> = { journey: null, saving: null };

  constructor(listener: LongWorkListener) {
    this.#listener = listener;
  }

  get travelling(): boolean {
    return this.#jobs.journey !== null;
  }

  get saving(): boolean {
    return this.#jobs.saving !== null;
  }

  get busy(): boolean {
    return this.travelling || this.saving;
  }

  /** Begins it; short work is done when this returns. @param tell how far it is, for people */
  begin<Result>(
    kind: Kind,
    steps: Generator<number, Result>,
    tell: (percent: number) => string,
    done: (result: Result) => void,
  ): void {
    const job = new Job(steps, {
      progress: (part) => {
        this.#listener.progress(tell(Math.floor(100 * part)));
      },
      done: (result) => {
        this.#jobs[kind] = null;
        done(result);
        this.#listener.done();
      },
      failed: (error) => {
        // The other goes on: a log is not lost because a way led nowhere.
        this.#jobs[kind] = null;
        this.#listener.failed(error);
      },
    });
    this.#jobs[kind] = job;
    job.start();
    if (job.over && this.#jobs[kind] === job) this.#jobs[kind] = null;
  }

  /** Ends it where it is. */
  cancel(kind: Kind): void {
    this.#jobs[kind]?.cancel();
    this.#jobs[kind] = null;
  }
}
