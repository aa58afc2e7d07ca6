/**
 * Takes the runs of a tapped module. They go to a ring in the memory of a small module of its own, by a call from
 * WebAssembly to WebAssembly; JavaScript is called when the ring is full.
 */
import { UserError } from "../../../src/errors.ts";
import { RUN_LENGTH_MAX } from "../../trace/format.ts";
import type { RunSink } from "../../trace/runs.ts";
import { type WasmInstance, WebAssembly } from "../webAssembly.ts";
import { Assembler, functionBody, Op } from "./assembler.ts";
import type { READ, WRITE } from "./memoryOpcodes.ts";
import { IMPORT_MODULE, KIND_BITS, PAGE_BYTES, ROUNDS, WORD_SHIFT } from "./notes.ts";
import { FLUSH } from "./rewriter.ts";

/** A run in the ring: its page and kind, and its length. */
const RUN_BYTES = 8;
const RING_RUNS = 1 << 13;
const RING_BYTES = RUN_BYTES * RING_RUNS;
/** Rounds of loops and calls without any access, after which nobody expects one. */
const IDLE_ROUNDS_MAX = 2 ** 32;

/** How far a guest may go. */
export interface GuestLimits {
  /** Accesses, the host's among them. */
  readonly accesses: number;
}

/** Why a guest was ended. */
export class GuestStopped extends UserError {}

export class Recorder {
  /** Accesses so far that have left the ring, and of those the ones that the host has made. */
  accesses = 0;
  hostAccesses = 0;
  /** What a tapped module imports. */
  readonly imports: Readonly<Record<string, unknown>>;
  readonly #sink: RunSink;
  readonly #limits: GuestLimits;
  readonly #ring: Int32Array;
  readonly #put: (key: number, length: number) => void;
  readonly #head: { value: number };
  #flushGuest: () => void = () => {};
  /** The run that was read last: the next one may belong to it. */
  #key = -1;
  #length = 0;
  #rounds = 0;
  #accessesAtRound = 0;
  #stopped: GuestStopped | undefined;

  /** @param sink takes the runs, in order: pages of 4 KiB of the guest's memory */
  constructor(sink: RunSink, limits: GuestLimits) {
    this.#sink = sink;
    this.#limits = limits;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(ringModule()), {
      [IMPORT_MODULE]: {
        full: () => this.#drain(RING_BYTES),
        spent: () => this.#spent(),
        refused: () => this.#stop("asks for more memory than it may have"),
      },
    });
    const { memory, head, put, spent, refused } = exports as unknown as RingExports;
    this.#ring = new Int32Array(memory.buffer, 0, RING_BYTES / 4);
    this.#put = put;
    this.#head = head;
    this.imports = { put, spent, refused };
  }

  /** From now on the runs of this instance belong to it. */
  attach({ exports }: WasmInstance): void {
    this.#flushGuest = exports[FLUSH] as () => void;
  }

  /** An access of the host's to the guest's memory: as many as there are words. */
  host(address: number, bytes: number, kind: typeof READ | typeof WRITE): void {
    if (bytes === 0) return;
    this.#flushGuest();
    let at = address;
    const end = address + bytes;
    while (at < end) {
      const pageEnd = Math.min(end, at - (at % PAGE_BYTES) + PAGE_BYTES);
      const words =
        Math.floor((pageEnd - 1) / 2 ** WORD_SHIFT) - Math.floor(at / 2 ** WORD_SHIFT) + 1;
      this.hostAccesses += words;
      this.#put((Math.floor(at / PAGE_BYTES) << KIND_BITS) | kind, words);
      at = pageEnd;
    }
  }

  /** Accesses so far, to the last. */
  count(): number {
    this.#flushGuest();
    this.#drain(this.#head.value);
    this.#head.value = 0;
    return this.accesses;
  }

  /** Hands everything on. @throws GuestStopped if it has gone too far */
  finish(): void {
    this.count();
    this.#run(this.#key, this.#length);
    this.#length = 0;
    this.refuseStopped();
  }

  /** @throws GuestStopped if it was ended: what the guest has thrown since then is of no interest */
  refuseStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** Whether the guest has to trap now, as a number. */
  #drain(bytes: number): number {
    if (this.#stopped !== undefined) return 1;
    const ring = this.#ring;
    const words = bytes / 4;
    let key = this.#key;
    let length = this.#length;
    let made = 0;
    for (let i = 0; i < words; i += 2) {
      const next = ring[i]!;
      // Unsigned: a run may have 2^32 - 1 accesses.
      const more = ring[i + 1]! >>> 0;
      made += more;
      if (next === key) {
        length += more;
      } else {
        this.#run(key, length);
        key = next;
        length = more;
      }
    }
    this.#key = key;
    this.#length = length;
    this.accesses += made;
    if (this.accesses > this.#limits.accesses) {
      const limit = this.#limits.accesses.toLocaleString("en-US");
      return this.#stop(`still runs after ${limit} accesses, which is its limit`);
    }
    return 0;
  }

  #run(key: number, length: number): void {
    for (let left = length; left > 0; left -= RUN_LENGTH_MAX) {
      this.#sink.run(key >>> KIND_BITS, key & 3, Math.min(left, RUN_LENGTH_MAX));
    }
  }

  #spent(): number {
    const made = this.accesses + this.#head.value;
    if (made !== this.#accessesAtRound) this.#rounds = 0;
    this.#accessesAtRound = made;
    this.#rounds += ROUNDS;
    if (this.#rounds > IDLE_ROUNDS_MAX) this.#stop("loops for ever, without an access to memory");
    return this.#stopped === undefined ? 0 : 1;
  }

  /** Ends the guest: it traps, for a trap passes through all that catches exceptions in WebAssembly. */
  #stop(reason: string): number {
    this.#stopped ??= new GuestStopped(reason);
    return 1;
  }
}

interface RingExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly head: { value: number };
  readonly put: (key: number, length: number) => void;
  readonly spent: () => void;
  readonly refused: () => void;
}

/** Imported functions, of which each says whether the guest has to trap; those of the same names do it. */
const ASKED = ["full", "spent", "refused"] as const;

/** (module (import full, spent, refused) (memory) (global head) (func put (param key length) ...) (func spent) (func refused)) */
function ringModule(): Uint8Array {
  const [key, length] = [0, 1];
  const head = 0;
  const at = 2;
  const code = new Assembler();
  code.getGlobal(head).tee(at).get(key).op(Op.i64OfUnsigned);
  code.get(length).op(Op.i64OfUnsigned).longConstant(32).op(Op.i64Shl, Op.i64Or).storeLong();
  code.get(at).constant(RUN_BYTES).op(Op.add).tee(at).setGlobal(head);
  code.get(at).constant(RING_BYTES).op(Op.eq).open(Op.if);
  // The place is given free first: what the host throws leaves a ring that goes on.
  code.constant(0).setGlobal(head).call(0).open(Op.if).op(Op.unreachable, Op.end, Op.end);
  const module = new Assembler();
  module.put([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, write: (content: Assembler) => void): void => {
    const content = new Assembler();
    write(content);
    module.byte(id);
    module.unsigned(content.length);
    module.put(content.view());
  };
  section(1, (content) => content.op(3, 0x60, 0, 0, 0x60, 2, 0x7f, 0x7f, 0, 0x60, 0, 1, 0x7f));
  section(2, (content) => {
    content.op(ASKED.length);
    for (const name of ASKED) {
      content.name(IMPORT_MODULE);
      content.name(name);
      content.op(0, 2);
    }
  });
  section(3, (content) => content.op(3, 1, 0, 0));
  section(5, (content) => content.op(1, 1, 1, 1));
  section(6, (content) => content.op(1, 0x7f, 1).constant(0).op(Op.end));
  section(7, (content) => {
    content.op(5);
    for (const [name, kind, index] of [
      ["memory", 2, 0],
      ["head", 3, 0],
      ["put", 0, 3],
      ["spent", 0, 4],
      ["refused", 0, 5],
    ] as const) {
      content.name(name);
      content.op(kind, index);
    }
  });
  section(10, (content) => {
    content.op(3);
    for (const body of [functionBody(1, code), asking(1), asking(2)]) {
      content.unsigned(body.length);
      content.put(body);
    }
  });
  return module.view();
}

function asking(host: number): Uint8Array {
  return functionBody(0, new Assembler().call(host).open(Op.if).op(Op.unreachable, Op.end));
}
