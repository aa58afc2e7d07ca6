/**
 * A clock that stands still but for those who look at it, and timers that go off when they are told to: so that what somebody does
 * to the screen is the same in each run.
 */

interface Task {
  readonly id: number;
  readonly due: number;
  readonly every: number | null;
  readonly run: () => void;
}

/** How much later it is whenever somebody looks: work takes time. */
const LOOK_MS = 0.5;

const REPLACED = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
] as const;

export class VirtualTime {
  #now = 0;
  #ids = 0;
  #tasks: Task[] = [];

  /** Does something under this clock, at once and to its end. */
  within<Result>(action: () => Result): Result {
    const now = Object.getOwnPropertyDescriptor(performance, "now");
    const real = REPLACED.map((name) => [name, globalThis[name]] as const);
    const clear = (id: unknown): void => {
      this.#tasks = this.#tasks.filter((task) => task.id !== id);
    };
    const add = (run: () => void, delay: number, every: number | null): number => {
      this.#tasks.push({ id: ++this.#ids, due: this.#now + delay, every, run });
      return this.#ids;
    };
    type Callback = (...words: unknown[]) => void;
    Object.assign(globalThis, {
      setTimeout: (run: Callback, delay = 0, ...words: unknown[]) =>
        add(() => run(...words), delay, null),
      setInterval: (run: Callback, delay = 0, ...words: unknown[]) =>
        add(() => run(...words), delay, delay),
      setImmediate: (run: Callback, ...words: unknown[]) => add(() => run(...words), 0, null),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    });
    performance.now = () => {
      this.#now += LOOK_MS;
      return this.#now;
    };
    try {
      return action();
    } finally {
      Object.assign(globalThis, Object.fromEntries(real));
      if (now === undefined) Reflect.deleteProperty(performance, "now");
      else Object.defineProperty(performance, "now", now);
    }
  }

  /** So many milliseconds pass, with all that is due in them. */
  elapse(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#tasks.filter((task) => task.due <= end);
      const [first] = due.toSorted((a, b) => a.due - b.due || a.id - b.id);
      if (first === undefined) break;
      this.#tasks = this.#tasks.filter((task) => task !== first);
      this.#now = Math.max(this.#now, first.due);
      if (first.every !== null) this.#tasks.push({ ...first, due: this.#now + first.every });
      first.run();
      if (this.#now > end) break;
    }
    this.#now = Math.max(this.#now, end);
  }
}
