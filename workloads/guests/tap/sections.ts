/** The sections of a module, cut apart: what the tap needs to know of each. */
import { ByteReader, hex, malformed } from "./bytes.ts";
import { InstructionReader, passType } from "./instructions.ts";
import { Opcode } from "./opcodes.ts";

export const Section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order that they have to have (5.5.2; tags: exceptions proposal). */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** Where a section stands among the others. */
export function placeOf(id: number): number {
  return ORDER.indexOf(id);
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [1, 0, 0, 0];
const FUNCTION = 0x60;
/** Limits: bits of their first byte. */
export const HAS_MAXIMUM = 1;
const IS_64 = 4;

export interface RawSection {
  readonly id: number;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface Limits {
  readonly flags: number;
  readonly minimum: number;
  readonly maximum: number | undefined;
}

export interface MemoryType extends Limits {
  /** Undefined if it is the module's own. */
  readonly imported: { readonly module: string; readonly name: string } | undefined;
}

/** @throws UserError if it is no module of WebAssembly's version 1 */
export function sectionsOf(bytes: Uint8Array): RawSection[] {
  const isModule = MAGIC.every((byte, i) => bytes[i] === byte);
  if (!isModule) throw malformed(0, "no WebAssembly: it does not begin with \\0asm");
  if (!VERSION.every((byte, i) => bytes[4 + i] === byte)) {
    const component = bytes[6] === 1;
    throw malformed(4, component ? "a component, not a module" : "not WebAssembly's version 1");
  }
  const reader = new ByteReader(bytes, 8);
  const sections: RawSection[] = [];
  let height = -1;
  while (!reader.atEnd) {
    const offset = reader.at;
    const id = reader.byte();
    const content = reader.part(reader.unsigned());
    if (id === Section.custom) {
      const name = content.name();
      sections.push({ id, name, start: content.at, end: content.end });
      continue;
    }
    const place = placeOf(id);
    if (place < 0) throw malformed(offset, `unknown section ${id}`);
    if (place <= height) throw malformed(offset, `section ${id} is twice there, or out of order`);
    height = place;
    sections.push({ id, name: "", start: content.at, end: content.end });
  }
  return sections;
}

/** Parameters of each type, in i32 and others alike. */
export function parametersOfTypes(reader: ByteReader): number[] {
  return Array.from({ length: reader.unsigned() }, () => {
    const offset = reader.at;
    const form = reader.byte();
    if (form !== FUNCTION) {
      throw malformed(offset, `type ${hex(form)}: garbage-collected types are not offered`);
    }
    const parameters = reader.unsigned();
    for (let i = 0; i < parameters; i++) passType(reader);
    for (let left = reader.unsigned(); left > 0; left--) passType(reader);
    return parameters;
  });
}

export interface Imports {
  readonly functions: number;
  readonly globals: readonly { readonly module: string; readonly name: string }[];
  readonly memories: readonly MemoryType[];
}

export function importsOf(reader: ByteReader): Imports {
  let functions = 0;
  const globals: { module: string; name: string }[] = [];
  const memories: MemoryType[] = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const module = reader.name();
    const name = reader.name();
    const offset = reader.at;
    const kind = reader.byte();
    if (kind === 0) {
      reader.unsigned();
      functions++;
    } else if (kind === 1) {
      passType(reader);
      limits(reader);
    } else if (kind === 2) {
      memories.push({ ...limits(reader), imported: { module, name } });
    } else if (kind === 3) {
      passType(reader);
      reader.byte();
      globals.push({ module, name });
    } else if (kind === 4) {
      reader.byte();
      reader.unsigned();
    } else throw malformed(offset, `unknown kind of import ${kind}`);
  }
  return { functions, globals, memories };
}

export function memoriesOf(reader: ByteReader): MemoryType[] {
  return Array.from({ length: reader.unsigned() }, () => {
    return { ...limits(reader), imported: undefined };
  });
}

export function limits(reader: ByteReader): Limits {
  const offset = reader.at;
  const flags = reader.byte();
  if ((flags & IS_64) !== 0) throw malformed(offset, "a memory or table of 64-bit addresses");
  if (flags > 3) throw malformed(offset, `unknown limits ${hex(flags)}`);
  const minimum = reader.unsigned();
  const maximum = (flags & HAS_MAXIMUM) === 0 ? undefined : reader.unsigned();
  return { flags, minimum, maximum };
}

/** A segment of data that instantiation copies into the memory. */
export interface ActiveSegment {
  /** Its constant expression, with its end. */
  readonly address: { readonly start: number; readonly end: number };
  readonly bytes: number;
}

export function activeSegmentsOf(reader: ByteReader): ActiveSegment[] {
  const active: ActiveSegment[] = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const offset = reader.at;
    const flags = reader.unsigned();
    if (flags > 2) throw malformed(offset, `unknown kind of data segment ${flags}`);
    if (flags === 2 && reader.unsigned() !== 0) {
      throw malformed(offset, "a data segment of a second memory");
    }
    const start = reader.at;
    if (flags !== 1) passExpression(reader);
    const end = reader.at;
    const bytes = reader.unsigned();
    reader.skip(bytes);
    if (flags !== 1) active.push({ address: { start, end }, bytes });
  }
  return active;
}

/** Passes a constant expression. @param onFunction of each ref.func in it */
export function passExpression(
  reader: ByteReader,
  onFunction?: (instruction: InstructionReader) => void,
): void {
  const one = new InstructionReader(reader);
  do {
    one.next();
    if (one.opcode === Opcode.refFunc) onFunction?.(one);
  } while (one.opcode !== Opcode.end);
}
