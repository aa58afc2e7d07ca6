/** What a guest finds around it: its memory, a console, a clock and randomness, all of them the same in each run. */
import { UserError } from "../../src/errors.ts";
import { Random } from "../random.ts";
import type { RunSink } from "../trace/runs.ts";
import { GuestMemory } from "./guestMemory.ts";
import type { GuestSpec } from "./spec.ts";
import { instantiate } from "./tap/instance.ts";
import { Recorder } from "./tap/recorder.ts";
import { tapModule } from "./tap/rewriter.ts";
import type { WasmImports, WasmInstance, WasmMemory } from "./webAssembly.ts";

const CONSOLE_BYTES_MAX = 16 << 20;
/** 1 January 2026, in nanoseconds since 1970. */
const EPOCH = 1_767_225_600_000_000_000n;
/** Who waits for time to pass sees it pass. */
const NANOSECONDS_A_LOOK = 1000n;

/** The guest has ended by itself. */
export class GuestExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Who looks at a guest while it runs. */
export interface GuestObserver {
  /** Is told what it writes to its console, beside what is kept of that. */
  readonly print?: (bytes: Uint8Array) => void;
  /** Is told after each of its steps, and at its end. */
  readonly stepOver?: (host: GuestHost) => void;
}

export class GuestHost {
  readonly spec: GuestSpec;
  readonly recorder: Recorder;
  readonly #random: Random;
  readonly #print: (bytes: Uint8Array) => void;
  readonly #written: Uint8Array[] = [];
  #consoleBytes = 0;
  #memory: GuestMemory | undefined;
  #looks = 0n;
  #slept = 0n;

  constructor(spec: GuestSpec, sink: RunSink, accesses: number, observer: GuestObserver = {}) {
    this.spec = spec;
    const { print = () => {}, stepOver } = observer;
    this.#print = print;
    const stepped = stepOver && (() => stepOver(this));
    this.recorder = new Recorder(sink, { accesses }, stepped);
    this.#random = new Random(spec.seed);
  }

  /** @throws UserError before it has a memory */
  get memory(): GuestMemory {
    if (this.#memory === undefined)
      throw new UserError("has no memory of the name that was expected");
    return this.#memory;
  }

  /** Whether it has a memory by now. */
  get hasMemory(): boolean {
    return this.#memory !== undefined;
  }

  /**
   * The guest's module, tapped, in an instance.
   * @param memoryOf finds its memory among what it exports, if it has not been given one
   */
  instantiate(
    imports: WasmImports,
    memoryOf: (exports: WasmInstance["exports"]) => unknown,
  ): WasmInstance {
    const { module, memoryPages } = this.spec;
    const tapped = tapModule(module, { memoryPages });
    const instance = instantiate(tapped, imports, this.recorder);
    const memory = memoryOf(instance.exports);
    if (isMemory(memory)) this.#memory = new GuestMemory(memory, this.recorder);
    return instance;
  }

  /** Text for the console. @throws UserError if it becomes too much */
  write(bytes: Uint8Array): void {
    this.#consoleBytes += bytes.length;
    if (this.#consoleBytes > CONSOLE_BYTES_MAX) {
      throw new UserError(`writes more than ${CONSOLE_BYTES_MAX >> 20} MiB to its console`);
    }
    this.#written.push(Uint8Array.from(bytes));
    // What it has accessed before this is told before this.
    this.recorder.count();
    this.#print(bytes);
  }

  get console(): Uint8Array {
    return Buffer.concat(this.#written);
  }

  /**
   * Nanoseconds since the guest began: one for each access, a thousand for each time that somebody has looked, and
   * what it has slept.
   */
  elapsed(): bigint {
    this.#looks += NANOSECONDS_A_LOOK;
    return BigInt(this.recorder.count()) + this.#looks + this.#slept;
  }

  /** Nanoseconds since 1970: the guest begins on 1 January 2026. */
  now(): bigint {
    return EPOCH + this.elapsed();
  }

  /** The guest waits so many nanoseconds, of its own time. */
  sleep(nanoseconds: bigint): void {
    this.#slept += nanoseconds;
  }

  randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#random.below(256));
  }

  /** From 0 to 1. */
  randomFraction(): number {
    return this.#random.below(2 ** 30) / 2 ** 30;
  }
}

function isMemory(value: unknown): value is WasmMemory {
  return typeof value === "object" && value !== null && "buffer" in value && "grow" in value;
}
