/** Modules in WebAssembly's text form, run with and without the tap. */
import wabt from "wabt";
import { instantiate } from "../../../workloads/guests/tap/instance.ts";
import { Recorder } from "../../../workloads/guests/tap/recorder.ts";
import { type TapOptions, tapModule } from "../../../workloads/guests/tap/rewriter.ts";
import { type WasmImports, WebAssembly } from "../../../workloads/guests/webAssembly.ts";

const assembler = await wabt();

const FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  extended_const: true,
};

export function assemble(text: string): Uint8Array {
  const module = assembler.parseWat("test.wat", text, FEATURES);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

/** "write 3 x2": kind, page, accesses. */
export type RunText = string;
const KIND_NAMES = ["read", "write", "fetch", "modify"];

export interface Tapped {
  readonly exports: Readonly<Record<string, (...values: unknown[]) => unknown>>;
  readonly memory: ArrayBufferLike;
  readonly recorder: Recorder;
  /** The runs since it was last asked. */
  readonly runs: () => RunText[];
}

export function tapped(
  bytes: Uint8Array,
  imports: WasmImports = {},
  accesses = 1e9,
  options: TapOptions = {},
): Tapped {
  const noted: RunText[] = [];
  const recorder = new Recorder(
    { run: (page, kind, length) => noted.push(`${KIND_NAMES[kind]} ${page} x${length}`) },
    { accesses },
  );
  const { exports } = instantiate(tapModule(bytes, options), imports, recorder);
  const runs = (): RunText[] => {
    recorder.finish();
    return noted.splice(0);
  };
  return { ...face(exports), recorder, runs };
}

/** The same module without the tap. */
export function plain(bytes: Uint8Array, imports: WasmImports = {}) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return face(exports);
}

function face(exports: Readonly<Record<string, unknown>>): Pick<Tapped, "exports" | "memory"> {
  const memory = exports["memory"] as { readonly buffer: ArrayBufferLike } | undefined;
  return {
    exports: exports as Tapped["exports"],
    get memory() {
      return memory?.buffer ?? new ArrayBuffer(0);
    },
  };
}

/** What a call returns, or how it traps. */
export function outcomeOf(action: () => unknown): string {
  try {
    return `returns ${String(action())}`;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return `traps: ${error.message}`;
    throw error;
  }
}
