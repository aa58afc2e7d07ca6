/** Instantiates a tapped module. What instantiation itself writes, its segments of data, is noted as well. */
import { UserError } from "../../../src/errors.ts";
import {
  type WasmImports,
  type WasmInstance,
  type WasmModule,
  WebAssembly,
} from "../webAssembly.ts";
import { ByteReader, malformed } from "./bytes.ts";
import { WRITE } from "./memoryOpcodes.ts";
import { IMPORT_MODULE } from "./notes.ts";
import type { Recorder } from "./recorder.ts";
import type { TappedModule } from "./rewriter.ts";

const OP = { end: 0x0b, globalGet: 0x23, i32Const: 0x41, add: 0x6a, sub: 0x6b, mul: 0x6c };

/**
 * @param imports what the original imports
 * @throws UserError if the engine does not take the module; whatever its start function throws
 */
export function instantiate(
  tapped: TappedModule,
  imports: WasmImports,
  recorder: Recorder,
): WasmInstance {
  const module = compile(tapped.bytes);
  for (const { address, bytes } of tapped.segments) {
    const start = evaluate(new ByteReader(tapped.original, address.start, address.end), (index) =>
      globalOf(tapped, imports, index),
    );
    recorder.host(start, bytes, WRITE);
  }
  const all = { ...imports, [IMPORT_MODULE]: recorder.imports };
  const instance = new WebAssembly.Instance(module, all);
  recorder.attach(instance);
  return instance;
}

function compile(bytes: Uint8Array): WasmModule {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new UserError(`is no valid module: ${error.message}`);
  }
}

function globalOf({ globals }: TappedModule, imports: WasmImports, index: number): number {
  const global = globals[index];
  if (global === undefined) return 0;
  const given = imports[global.module]?.[global.name];
  const value =
    typeof given === "object" && given !== null && "value" in given ? given.value : given;
  return typeof value === "number" ? value : 0;
}

/** The address of a segment, as an unsigned integer of 32 bits (constant expressions; extended ones too). */
function evaluate(reader: ByteReader, globalOf: (index: number) => number): number {
  const stack: number[] = [];
  const binary = (operation: (a: number, b: number) => number): void => {
    const b = stack.pop() ?? 0;
    stack.push(operation(stack.pop() ?? 0, b) | 0);
  };
  for (;;) {
    const offset = reader.at;
    const opcode = reader.byte();
    if (opcode === OP.i32Const) stack.push(reader.signed33() | 0);
    else if (opcode === OP.globalGet) stack.push(globalOf(reader.unsigned()));
    else if (opcode === OP.add) binary((a, b) => a + b);
    else if (opcode === OP.sub) binary((a, b) => a - b);
    else if (opcode === OP.mul) binary(Math.imul);
    else if (opcode === OP.end) return (stack.pop() ?? 0) >>> 0;
    else throw malformed(offset, "the address of a data segment is not a 32-bit constant");
  }
}
