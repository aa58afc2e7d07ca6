/**
 * A program that is run live, and can be looked at and moved between its steps. What a WebAssembly machine holds beside its memory, its calls and their locals,
 * nobody can save or put into another one. But a run follows from its beginning: so where a program goes on, it is run again
 * from there to the same step, unseen; then all of its memory is overwritten by what has arrived, and it goes on.
 *
 * Where something else has arrived than was sent, it goes on from that, and where it goes on once more, that is done again on
 * the way.
 */
import { UserError } from "../../src/errors.ts";
import { createRelocation } from "../trace/relocate.ts";
import type { GuestHost, GuestObserver } from "./host.ts";
import type { BlockWriter } from "./live/blockWriter.ts";
import type { WholeMachine } from "./live/guestThread.ts";
import { runGuest } from "./run.ts";
import type { ChangedPage, GuestSpec, ProgramState } from "./spec.ts";
import { PAGE_BYTES } from "./tap/notes.ts";

const ZEROS = new Uint8Array(PAGE_BYTES);

export class LiveProgram {
  readonly #writer: BlockWriter;
  readonly #stepOver: ((machine: WholeMachine<ProgramState>) => void) | undefined;
  /** Where it is to go on; undefined: from its beginning. */
  readonly #from: ProgramState | undefined;
  readonly #relocation = createRelocation("compact");
  /** By the VM's page, the page of the program's own memory. */
  readonly #places: number[] = [];
  /** By the program's page, the VM's. */
  readonly #numbers = new Map<number, number>();
  readonly #changed: ChangedPage[];
  #steps = 0;
  #isSeen: boolean;

  /** @param stepOver is told after each step; undefined: nobody looks at it */
  constructor(
    writer: BlockWriter,
    stepOver: ((machine: WholeMachine<ProgramState>) => void) | undefined,
    from: ProgramState | undefined,
  ) {
    this.#writer = writer;
    this.#stepOver = stepOver;
    this.#from = from;
    this.#changed = [...(from?.changed ?? [])];
    this.#isSeen = from === undefined;
  }

  /** @returns its exit code. @throws UserError if it cannot be run to its end, or does not come to where it is to go on */
  async toEnd(spec: GuestSpec): Promise<number> {
    const run = (page: number, kind: number, length: number): void => {
      const number = this.#relocation.linearPage(page);
      if (number === this.#places.length) {
        this.#places.push(page);
        this.#numbers.set(page, number);
      }
      if (this.#isSeen) this.#writer.run(number, kind, length);
    };
    const observer: GuestObserver = {
      print: (bytes) => {
        if (this.#isSeen) for (const byte of bytes) this.#writer.print(byte);
      },
      ...(this.#stepOver && { stepOver: (host) => this.#step(host) }),
    };
    const { exitCode } = await runGuest(spec, { run }, observer);
    if (!this.#isSeen) throw new UserError("does not come to the step at which it is to go on");
    return exitCode;
  }

  #step(host: GuestHost): void {
    // In the midst of being made it has no memory yet.
    if (!host.hasMemory) return;
    this.#steps++;
    if (!this.#isSeen) {
      this.#again(host);
      return;
    }
    const page = (number: number): Uint8Array => {
      const place = this.#places[number];
      return place === undefined ? ZEROS : pageOf(host.memory.whole, place);
    };
    const state = (): ProgramState => ({
      steps: this.#steps,
      accesses: host.recorder.accesses,
      changed: [...this.#changed],
      memory: null,
    });
    this.#stepOver?.({ page, state });
  }

  /** A step that it has done before. */
  #again(host: GuestHost): void {
    const memory = host.memory.whole;
    for (const { step, page, bytes } of this.#changed) {
      if (step === this.#steps) pageOf(memory, page).set(bytes);
    }
    const from = this.#from;
    if (from === undefined || this.#steps < from.steps) return;
    if (host.recorder.accesses !== from.accesses) {
      throw new UserError(
        `was to go on after ${from.accesses.toLocaleString("en-US")} accesses, and has made ${host.recorder.accesses.toLocaleString("en-US")} by then`,
      );
    }
    this.#overwrite(memory, from.memory ?? ZEROS);
    this.#isSeen = true;
  }

  /** From now on it has what has arrived, and zeros elsewhere. What that changes is noted. */
  #overwrite(memory: Uint8Array, arrived: Uint8Array): void {
    for (let page = 0; page < memory.length / PAGE_BYTES; page++) {
      const number = this.#numbers.get(page);
      const bytes = number === undefined ? ZEROS : arrivedPage(arrived, number);
      const own = pageOf(memory, page);
      if (Buffer.compare(own, bytes) === 0) continue;
      this.#changed.push({ step: this.#steps, page, bytes: bytes.slice() });
      own.set(bytes);
    }
  }
}

function pageOf(memory: Uint8Array, page: number): Uint8Array {
  return memory.subarray(PAGE_BYTES * page, PAGE_BYTES * (page + 1));
}

function arrivedPage(memory: Uint8Array, page: number): Uint8Array {
  const bytes = pageOf(memory, page);
  return bytes.length === 0 ? ZEROS : bytes;
}
