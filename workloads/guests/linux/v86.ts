/**
 * A PC in WebAssembly: the npm package v86, with its translator of guest code into modules (JIT). Its clocks and its
 * chance are virtual, and modules are made synchronously, so that a run is the same each time.
 *
 * Addresses of its state are those that its own JavaScript uses (v86, src/rust/cpu/global_pointers.rs).
 */
import { setFlagsFromString } from "node:v8";
import { UserError } from "../../../src/errors.ts";
import { type MachineLayout, sharedNotes } from "../tap/machineNotes.ts";
import { tapModule } from "../tap/rewriter.ts";
import {
  type WasmImports,
  type WasmInstance,
  type WasmModule,
  WebAssembly,
} from "../webAssembly.ts";
import { findTranslations } from "./translations.ts";
import type { VirtualClock } from "./virtualClock.ts";

/** Control registers, of which the fourth is CR3, and the counter of instructions. */
const CR3 = 580 + 4 * 3;
const INSTRUCTION_COUNTER = 664;
/** Modules that it makes begin here in its table of functions. */
const FIRST_MADE = 1024;
/** In a halted processor whose next timer is due a little time passes all the same. */
const LEAST_WAIT = 0.01;
/** A halted processor that nobody interrupts is asked again after so many milliseconds. */
const LONGEST_WAIT = 10;
const VGA_BYTES = 1 << 21;

/** Codes of what flushes the processor's cached translations. */
export const Flush = { notGlobal: 1, all: 2 } as const;

/** What the machine is built of. */
export interface MachineParts {
  /** v86's module and the address of its JavaScript. */
  readonly module: Uint8Array;
  readonly loader: string;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly commandLine: string;
  readonly memoryBytes: number;
}

/** Where the accesses of a machine go. */
export interface MachineTap {
  /** Takes a record: linear page * 4, key, count. */
  readonly put: (linear: number, key: number, count: number) => void;
  /** What devices write. */
  readonly deviceWrote: (address: number, bytes: number) => void;
}

interface Cpu {
  readonly wasm_memory: { readonly buffer: ArrayBuffer };
  readonly mem8: Uint8Array;
  readonly jit_imports: Readonly<Record<string, unknown>>;
  readonly wm: { readonly wasm_table: { set(index: number, value: unknown): void } };
  main_loop(): number;
  codegen_finalize(index: number, start: number, flags: number, at: number, bytes: number): void;
  codegen_finalize_finished(index: number, start: number, flags: number): void;
  jit_dirty_cache(from: number, to: number): void;
  is_memory_zeroed(address: number, bytes: number): boolean;
}

interface Emulator {
  readonly v86: {
    readonly cpu: Cpu;
    save_state(): ArrayBuffer;
    restore_state(state: ArrayBuffer): void;
  };
  readonly bus: { send(name: string, value: number): void };
  add_listener(name: string, listener: (value: number) => void): void;
}

type V86 = new (options: Readonly<Record<string, unknown>>) => Emulator;

interface MadeModule {
  readonly index: number;
  readonly start: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
}

/**
 * Modules that are made while the guest runs are short-lived: for those with the tap the optimising compiler costs more
 * than it gains (docs/guests.md). To be called before a machine is started.
 */
export function takeFirstCompiler(): void {
  setFlagsFromString("--liftoff-only");
}

export class Pc {
  readonly #emulator: Emulator;
  readonly #clock: VirtualClock;
  readonly #layout: MachineLayout | undefined;
  readonly #core: Readonly<Record<string, unknown>>;
  readonly #made: MadeModule[] = [];
  #counter: Uint32Array;

  private constructor(
    emulator: Emulator,
    clock: VirtualClock,
    core: Readonly<Record<string, unknown>>,
    layout: MachineLayout | undefined,
  ) {
    this.#emulator = emulator;
    this.#clock = clock;
    this.#core = core;
    this.#layout = layout;
    const { cpu } = emulator.v86;
    this.#counter = this.#counterView();
    clock.attach(() => {
      // A view is of length 0 once the memory has grown.
      if (this.#counter.length === 0) this.#counter = this.#counterView();
      return this.#counter[0] ?? 0;
    });
    cpu.codegen_finalize = (index, start, flags, at, bytes) => {
      const made = new Uint8Array(cpu.wasm_memory.buffer, at >>> 0, bytes >>> 0);
      this.#made.push({ index, start, flags, bytes: Uint8Array.from(made) });
    };
  }

  /**
   * Switches a machine on. Clocks and chance have to be the clock's by then (frozen.ts).
   * @param tap notes accesses, if there is one
   * @throws UserError if the package is not as it was expected
   */
  static async start(
    parts: MachineParts,
    clock: VirtualClock,
    onOutput: (byte: number) => void,
    tap?: MachineTap,
  ): Promise<Pc> {
    const { V86 }: { readonly V86: V86 } = await import(parts.loader);
    const layout = tap === undefined ? undefined : layoutOf(parts.module);
    let core: WasmInstance["exports"] = {};
    const emulator = new V86({
      wasm_fn: async (imports: WasmImports) => {
        core = coreOf(parts.module, imports, layout, tap);
        return core;
      },
      memory_size: parts.memoryBytes,
      vga_memory_size: VGA_BYTES,
      bios: image(parts.bios),
      vga_bios: image(parts.vgaBios),
      bzimage: image(parts.kernel),
      initrd: image(parts.initrd),
      cmdline: parts.commandLine,
      autostart: false,
      disable_speaker: true,
      disable_keyboard: true,
      disable_mouse: true,
    });
    await new Promise<void>((resolve) => {
      emulator.add_listener("emulator-loaded", () => resolve());
    });
    emulator.add_listener("serial0-output-byte", onOutput);
    const pc = new Pc(emulator, clock, core, layout);
    if (tap !== undefined) pc.#attach(tap, parts.memoryBytes);
    return pc;
  }

  /** Where the guest's memory begins in the machine's. */
  get ramFirst(): number {
    return this.#emulator.v86.cpu.mem8.byteOffset;
  }

  /** The guest's memory; valid until the next step. */
  get memory(): Uint8Array {
    return this.#emulator.v86.cpu.mem8;
  }

  /** Of the table of translations, an entry; of a linear page. */
  translation(linearPage: number): number {
    const { buffer } = this.#emulator.v86.cpu.wasm_memory;
    const at = (this.#layout?.translations ?? 0) + 4 * linearPage;
    return new Int32Array(buffer, at, 1)[0] ?? 0;
  }

  /** The root of the guest's paging structures. */
  get cr3(): number {
    return new Uint32Array(this.#emulator.v86.cpu.wasm_memory.buffer, CR3, 1)[0] ?? 0;
  }

  /** Runs for at most a millisecond of the guest's time, or until its next timer. */
  step(): void {
    const { cpu } = this.#emulator.v86;
    const before = this.#clock.ticks();
    const wait = cpu.main_loop();
    this.#deliver(cpu);
    if (wait > 0) this.#clock.wait(Math.min(wait, LONGEST_WAIT));
    else if (this.#clock.ticks() === before) this.#clock.wait(LEAST_WAIT);
  }

  /** Bytes on the serial console. */
  type(bytes: Uint8Array): void {
    for (const byte of bytes) this.#emulator.bus.send("serial0-input", byte);
  }

  save(): Uint8Array {
    return new Uint8Array(this.#emulator.v86.save_state());
  }

  /** Its state, as if all of the guest's memory were zero: of pages that are, the state holds nothing (pack_memory). */
  saveWithoutMemory(): Uint8Array {
    const { cpu } = this.#emulator.v86;
    const { is_memory_zeroed: isZero } = cpu;
    cpu.is_memory_zeroed = () => true;
    try {
      return this.save();
    } finally {
      cpu.is_memory_zeroed = isZero;
    }
  }

  /**
   * Of a machine of the same parts; the clock stands where it stood then.
   * @param memory of the guest, if it is not in the state
   */
  restore(state: Uint8Array, memory: Uint8Array | null = null): void {
    this.#emulator.v86.restore_state(Uint8Array.from(state).buffer);
    if (memory !== null) this.memory.set(memory);
  }

  /** Hands over what the tap holds. */
  flush(): void {
    const { "trackvisor:flush": flush } = this.#core;
    if (typeof flush === "function") flush();
  }

  /** Modules that were asked for begin to be used between two steps: the machine is not ready for them before. */
  #deliver(cpu: Cpu): void {
    for (const { index, start, flags, bytes } of this.#made.splice(0)) {
      const { exports } = this.#instanceOf(bytes, cpu);
      cpu.wm.wasm_table.set(index + FIRST_MADE, exports["f"]);
      cpu.codegen_finalize_finished(index, start, flags);
    }
  }

  #instanceOf(bytes: Uint8Array, cpu: Cpu): WasmInstance {
    const imports = { e: cpu.jit_imports };
    if (this.#layout === undefined) {
      return new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    }
    const tapped = tapModule(bytes, { machine: { ...this.#layout, role: "made" } });
    return new WebAssembly.Instance(new WebAssembly.Module(tapped.bytes), {
      ...imports,
      trackvisor: sharedNotes(this.#core),
    });
  }

  #attach(tap: MachineTap, memoryBytes: number): void {
    setGlobal(this.#core, "ramFirst", this.ramFirst);
    setGlobal(this.#core, "ramBytes", memoryBytes);
    const { cpu } = this.#emulator.v86;
    const dirty = cpu.jit_dirty_cache;
    cpu.jit_dirty_cache = (from, to) => {
      tap.deviceWrote(from, to - from);
      dirty(from, to);
    };
  }

  #counterView(): Uint32Array {
    return new Uint32Array(this.#emulator.v86.cpu.wasm_memory.buffer, INSTRUCTION_COUNTER, 1);
  }
}

/** Tapped cores, by the module: a machine that goes on in a fresh one is started several times. */
const tappedCores = new WeakMap<Uint8Array, WasmModule>();

function tappedCore(module: Uint8Array, layout: MachineLayout): WasmModule {
  const known = tappedCores.get(module);
  if (known !== undefined) return known;
  const made = new WebAssembly.Module(tapModule(module, { machine: layout }).bytes);
  tappedCores.set(module, made);
  return made;
}

function layoutOf(module: Uint8Array): MachineLayout {
  return {
    role: "core",
    translations: findTranslations(module),
    flushWords: [CR3, INSTRUCTION_COUNTER],
    flushing: { clear_tlb: Flush.notGlobal, full_clear_tlb: Flush.all },
  };
}

function coreOf(
  module: Uint8Array,
  imports: WasmImports,
  layout: MachineLayout | undefined,
  tap: MachineTap | undefined,
): WasmInstance["exports"] {
  if (layout === undefined || tap === undefined) {
    return new WebAssembly.Instance(new WebAssembly.Module(module), imports).exports;
  }
  const all = { ...imports, trackvisor: { put: tap.put } };
  return new WebAssembly.Instance(tappedCore(module, layout), all).exports;
}

function setGlobal(exports: Readonly<Record<string, unknown>>, name: string, value: number): void {
  const global = exports[`trackvisor:${name}`];
  if (typeof global !== "object" || global === null || !("value" in global)) {
    throw new UserError(`the machine has no ${name}`);
  }
  global.value = value;
}

function image(bytes: Uint8Array): { buffer: ArrayBuffer } {
  return { buffer: Uint8Array.from(bytes).buffer };
}
