/** Rewrites a whole module, section by section, so that it notes its accesses. */

import { UserError } from "../../../src/errors.ts";
import { itemAt, present } from "../../../src/lookup.ts";
import { Assembler } from "./assembler.ts";
import { ByteReader, malformed } from "./bytes.ts";
import { CodeRewriter } from "./code.ts";
import { passType } from "./instructions.ts";
import { type MachineLayout, MachineNotes } from "./machineNotes.ts";
import { IMPORT_MODULE, IMPORTS, MEMORY_PAGES_MAX, Notes, type Places } from "./notes.ts";
import {
  type ActiveSegment,
  activeSegmentsOf,
  HAS_MAXIMUM,
  type Imports,
  importsOf,
  limits,
  type MemoryType,
  memoriesOf,
  parametersOfTypes,
  passExpression,
  placeOf,
  type RawSection,
  Section,
  sectionsOf,
} from "./sections.ts";

/** The exported function that hands over the last run. */
export const FLUSH = "trackvisor:flush";
const I32 = 0x7f;
const MUTABLE = 1;
/** Custom sections that hold neither places in the code nor indexes of functions. */
const KEPT = ["dylink", "dylink.0", "producers", "target_features"];

export interface TapOptions {
  /** What the module's own memory may grow to, in pages of 64 KiB. Default: what it says itself. */
  readonly memoryPages?: number;
  /** The module is a whole machine's, or one that such a machine has made. */
  readonly machine?: MachineLayout;
}

export interface TappedModule {
  readonly bytes: Uint8Array;
  /** Undefined if it has none. */
  readonly memory: MemoryType | undefined;
  /** What instantiation writes, in order, with addresses as expressions of the original. */
  readonly segments: readonly ActiveSegment[];
  readonly original: Uint8Array;
  /** Imported globals, which addresses of segments may name. */
  readonly globals: Imports["globals"];
}

/**
 * A module that does what `bytes` does, and notes every access to its memory.
 * @throws UserError, with the byte, if it is no module, or has what is not known
 */
export function tapModule(bytes: Uint8Array, options: TapOptions = {}): TappedModule {
  return new ModuleRewriter(bytes, options).rewrite();
}

class ModuleRewriter {
  readonly #bytes: Uint8Array;
  readonly #sections: readonly RawSection[];
  readonly #options: TapOptions;
  readonly #parameters: readonly number[];
  readonly #imports: Imports;
  readonly #functionTypes: readonly number[];
  readonly #memory: MemoryType | undefined;
  readonly #notes: Notes;
  readonly #code: CodeRewriter;

  constructor(bytes: Uint8Array, options: TapOptions) {
    this.#bytes = bytes;
    this.#options = options;
    this.#sections = sectionsOf(bytes);
    this.#parameters = this.read(Section.type, parametersOfTypes) ?? [];
    this.#imports = this.read(Section.import, importsOf) ?? {
      functions: 0,
      globals: [],
      memories: [],
    };
    const { functions, globals, memories } = this.#imports;
    this.#functionTypes = this.read(Section.function, indexes) ?? [];
    const all = [...memories, ...(this.read(Section.memory, memoriesOf) ?? [])];
    if (all.length > 1) {
      throw new UserError(`${all.length} memories: only one memory is tracked`);
    }
    this.#memory = all[0];
    const ownGlobals = this.read(Section.global, (reader) => reader.unsigned()) ?? 0;
    const placesOf = (imports: number): Places => ({
      imports: functions,
      globals: globals.length + ownGlobals,
      functions: functions + imports + this.#functionTypes.length,
    });
    const { machine } = options;
    if (machine?.role === "made" && ownGlobals + globals.length > 0) {
      throw malformed(0, "a module made by a machine has globals");
    }
    this.#notes =
      machine === undefined
        ? new Notes(placesOf(IMPORTS.length))
        : new MachineNotes(machine, placesOf(MachineNotes.importsOf(machine)), (name) =>
            this.exportedFunction(name),
          );
    this.#code = new CodeRewriter(this.#notes, functions, this.#notes.imports.length);
  }

  rewrite(): TappedModule {
    const output = new Assembler(2 * this.#bytes.length + 4096);
    output.put(this.#bytes.subarray(0, 8));
    /** Of those that are added to, whether they are there or not. */
    const due = [
      Section.type,
      Section.import,
      Section.function,
      Section.global,
      Section.export,
      Section.code,
    ];
    const writeDue = (before: number): void => {
      while (due.length > 0 && placeOf(itemAt(due, 0)) < before) {
        const id = itemAt(due, 0);
        due.shift();
        section(output, id, this.section(id, undefined));
      }
    };
    for (const raw of this.#sections) {
      if (raw.id === Section.custom) {
        if (KEPT.includes(raw.name)) custom(output, raw, this.#bytes);
        continue;
      }
      writeDue(placeOf(raw.id));
      if (due[0] === raw.id) due.shift();
      section(output, raw.id, this.section(raw.id, this.readerOf(raw)));
    }
    writeDue(Infinity);
    return {
      bytes: output.view(),
      memory: this.#memory,
      segments: this.read(Section.data, activeSegmentsOf) ?? [],
      original: this.#bytes,
      globals: this.#imports.globals,
    };
  }

  /** The new content of a section. @param reader of the old one; undefined if there is none */
  private section(id: number, reader: ByteReader | undefined): Uint8Array {
    const content = new Assembler();
    const list = (added: number): void => {
      content.unsigned((reader?.unsigned() ?? 0) + added);
    };
    const rest = (): void => {
      if (reader !== undefined) content.copy(reader.bytes, reader.at, reader.end);
    };
    /** Of what is rewritten only where it is. */
    const there = (): ByteReader => present(reader, "a section");
    const notes = this.#notes;
    const helpers = notes.functions();
    const types = this.#parameters.length;
    switch (id) {
      case Section.type:
        // One for each number of parameters of i32.
        list(TYPES.length);
        rest();
        for (const count of TYPES) content.op(0x60, count, ...Array(count).fill(I32), 0);
        break;
      case Section.import:
        list(notes.imports.length + notes.importedGlobals.length);
        rest();
        this.ownImports(content);
        break;
      case Section.function:
        list(helpers.length);
        rest();
        for (const { parameters } of helpers) {
          content.unsigned(types + TYPES.indexOf(parameters));
        }
        break;
      case Section.memory:
        this.memory(content, there());
        break;
      case Section.table:
        this.tables(content, there());
        break;
      case Section.global:
        list(notes.globalValues.length);
        if (reader !== undefined) this.globals(content, reader);
        for (const value of notes.globalValues) {
          content.op(I32, MUTABLE).constant(value).op(0x0b);
        }
        break;
      case Section.export:
        this.exportSection(content, reader);
        break;
      case Section.start:
        content.unsigned(this.#code.functionIndex(there().unsigned()));
        break;
      case Section.element:
        this.elements(content, there());
        break;
      case Section.code:
        list(helpers.length);
        if (reader !== undefined) this.bodies(content, reader);
        for (const { body } of helpers) sized(content, body);
        break;
      default:
        rest();
    }
    return content.view();
  }

  private ownImports(content: Assembler): void {
    const { imports, importedGlobals } = this.#notes;
    for (const [name, parameters] of imports) {
      content.name(IMPORT_MODULE);
      content.name(name);
      content.byte(0);
      content.unsigned(this.#parameters.length + TYPES.indexOf(parameters));
    }
    for (const name of importedGlobals) {
      content.name(IMPORT_MODULE);
      content.name(name);
      content.op(3, I32, MUTABLE);
    }
  }

  private globals(content: Assembler, reader: ByteReader): void {
    while (!reader.atEnd) {
      const start = reader.at;
      passType(reader);
      reader.byte();
      content.copy(reader.bytes, start, reader.at);
      this.expression(content, reader);
    }
  }

  private memory(content: Assembler, reader: ByteReader): void {
    const count = reader.unsigned();
    content.unsigned(count);
    for (let i = 0; i < count; i++) {
      const { flags, minimum, maximum } = limits(reader);
      const most = Math.min(
        this.#options.memoryPages ?? maximum ?? MEMORY_PAGES_MAX,
        maximum ?? MEMORY_PAGES_MAX,
        MEMORY_PAGES_MAX,
      );
      if (minimum > most) {
        throw new UserError(
          `begins with ${mebibytes(minimum)} of memory; it may have ${mebibytes(most)}`,
        );
      }
      content.byte(flags | HAS_MAXIMUM);
      content.unsigned(minimum);
      content.unsigned(most);
    }
  }

  private tables(content: Assembler, reader: ByteReader): void {
    const count = reader.unsigned();
    content.unsigned(count);
    for (let i = 0; i < count; i++) {
      const start = reader.at;
      // 0x40 0x00: with a value for each entry.
      const hasValue = reader.bytes[start] === 0x40;
      if (hasValue) reader.skip(2);
      passType(reader);
      limits(reader);
      content.copy(reader.bytes, start, reader.at);
      if (hasValue) this.expression(content, reader);
    }
  }

  private exportSection(content: Assembler, reader: ByteReader | undefined): void {
    const others = this.#notes.exports();
    content.unsigned((reader?.unsigned() ?? 0) + 1 + others.length);
    if (reader !== undefined) this.exports(content, reader);
    const flush = { name: FLUSH, kind: "function", index: this.#notes.flush } as const;
    for (const { name, kind, index } of [flush, ...others]) {
      content.name(name);
      content.byte(kind === "function" ? 0 : 3);
      content.unsigned(index);
    }
  }

  /** The index of an exported function, in the original. @throws UserError if there is none of that name */
  private exportedFunction(wanted: string): number {
    const found = this.read(Section.export, (reader) => {
      for (let left = reader.unsigned(); left > 0; left--) {
        const name = reader.name();
        const kind = reader.byte();
        const index = reader.unsigned();
        if (kind === 0 && name === wanted) return index;
      }
      return undefined;
    });
    if (found === undefined) throw new UserError(`exports no function ${wanted}`);
    return found;
  }

  private exports(content: Assembler, reader: ByteReader): void {
    while (!reader.atEnd) {
      const start = reader.at;
      const name = reader.name();
      if (name === FLUSH) throw malformed(start, "the module has been through the tap already");
      const kind = reader.byte();
      content.copy(reader.bytes, start, reader.at);
      const index = reader.unsigned();
      content.unsigned(kind === 0 ? this.#code.functionIndex(index) : index);
    }
  }

  private elements(content: Assembler, reader: ByteReader): void {
    const count = reader.unsigned();
    content.unsigned(count);
    for (let i = 0; i < count; i++) {
      const start = reader.at;
      const flags = reader.unsigned();
      if (flags > 7) throw malformed(start, `unknown kind of element segment ${flags}`);
      const isActive = (flags & 1) === 0;
      const hasTable = isActive && (flags & 2) !== 0;
      const isOfExpressions = (flags & 4) !== 0;
      if (hasTable) reader.unsigned();
      content.copy(reader.bytes, start, reader.at);
      if (isActive) this.expression(content, reader);
      const typeAt = reader.at;
      if ((flags & 3) !== 0) {
        // The kind of the elements, which is 0: functions; or their type.
        if (isOfExpressions) passType(reader);
        else reader.byte();
      }
      const length = reader.unsigned();
      content.copy(reader.bytes, typeAt, reader.at);
      for (let j = 0; j < length; j++) {
        if (isOfExpressions) this.expression(content, reader);
        else content.unsigned(this.#code.functionIndex(reader.unsigned()));
      }
    }
  }

  /** A constant expression, with its functions as they are now. */
  private expression(content: Assembler, reader: ByteReader): void {
    let copied = reader.at;
    passExpression(reader, ({ start, opcode, functionIndex }) => {
      content.copy(reader.bytes, copied, start);
      content.opcode(opcode);
      content.unsigned(this.#code.functionIndex(functionIndex));
      copied = reader.at;
    });
    content.copy(reader.bytes, copied, reader.at);
  }

  private bodies(content: Assembler, reader: ByteReader): void {
    for (const [i, type] of this.#functionTypes.entries()) {
      const parameters = this.#parameters[type];
      if (parameters === undefined) {
        throw malformed(reader.at, `function ${i} is of type ${type}, which is not there`);
      }
      const index = this.#imports.functions + i;
      sized(content, this.#code.rewrite(reader.part(reader.unsigned()), parameters, index));
    }
  }

  private read<T>(id: number, action: (reader: ByteReader) => T): T | undefined {
    const raw = this.#sections.find((one) => one.id === id);
    return raw === undefined ? undefined : action(this.readerOf(raw));
  }

  private readerOf({ start, end }: RawSection): ByteReader {
    return new ByteReader(this.#bytes, start, end);
  }
}

const TYPES: readonly number[] = [0, 1, 2, 3];

function indexes(reader: ByteReader): number[] {
  return Array.from({ length: reader.unsigned() }, () => reader.unsigned());
}

function section(output: Assembler, id: number, content: Uint8Array): void {
  output.byte(id);
  sized(output, content);
}

function custom(output: Assembler, { name, start, end }: RawSection, bytes: Uint8Array): void {
  const content = new Assembler();
  content.name(name);
  content.copy(bytes, start, end);
  section(output, Section.custom, content.view());
}

function sized(output: Assembler, content: Uint8Array): void {
  output.unsigned(content.length);
  output.put(content);
}

function mebibytes(pages: number): string {
  return `${pages / 16} MiB`;
}
