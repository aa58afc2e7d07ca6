/**
 * What the tap adds to a whole machine in WebAssembly (an emulator of a PC): of its memory a part is the guest's, and
 * accesses to that part alone are noted, each with the linear page that the machine has translated last. The table of
 * translations tells more: an entry that is stored is a translation that the guest's processor caches from now on, and
 * one that becomes 0 is no longer cached.
 *
 * Such a machine makes modules while it runs. They note into the globals of the first one, the core, which exports
 * them with its functions; so there is one present run, whoever accesses.
 */
import { itemAt } from "../../../src/lookup.ts";
import { Assembler, functionBody, Op } from "./assembler.ts";
import { MODIFY, READ, WRITE } from "./memoryOpcodes.ts";
import {
  type Export,
  type Import,
  KIND_BITS,
  KINDS,
  type MachineHooks,
  NOWHERE,
  Notes,
  PAGE_BYTES,
  PAGE_SHIFT,
  type Places,
} from "./notes.ts";

export interface MachineLayout {
  /** The core has what is noted; modules that it makes use it. */
  readonly role: "core" | "made";
  /** Address of the table of translations. */
  readonly translations: number;
  /** Words of the core's memory that a flush is noted with: the root of the guest's tables, and its instructions. */
  readonly flushWords: readonly [number, number];
  /** Exported functions that flush translations, with the code that is noted. */
  readonly flushing: Readonly<Record<string, number>>;
}

/** Kind of a record that is no run: its key is code << 2 | CONTROL. */
export const CONTROL = 2;
/** Codes: an entry was stored, or one of those that are flushed. */
export const MAPPED = 0;

/** In the order of their indexes: those of Notes, and two more. */
const FUNCTIONS: readonly Import[] = [
  ["note", 3],
  ["range", 3],
  ["copied", 3],
  ["translated", 1],
  ["flush", 0],
  ["read", 2],
  ["write", 2],
  ["modify", 2],
  ["mapped", 2],
  ["flushed", 1],
];
const GLOBAL_NAMES = [
  ...["readBase", "writeBase", "modifyBase", "key", "count", "linear", "runLinear"],
  ...["ramFirst", "ramBytes"],
];
const PREFIX = "trackvisor:";
const PUT: readonly Import[] = [["put", 3]];
const NO_LINEAR = -1;

/** A core's exports, as the modules that it makes import them. */
export function sharedNotes(exports: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = [...FUNCTIONS.map(([name]) => name), ...GLOBAL_NAMES];
  return Object.fromEntries(names.map((name) => [name, exports[PREFIX + name]]));
}

export class MachineNotes extends Notes {
  override readonly imports: readonly Import[];
  override readonly importedGlobals: readonly string[];
  override readonly globalValues: readonly number[];
  override readonly machine: MachineHooks;
  readonly #layout: MachineLayout;
  readonly #globals: number;
  readonly #functions: number;

  /** How many functions a module of this role imports. */
  static importsOf({ role }: MachineLayout): number {
    return role === "core" ? PUT.length : FUNCTIONS.length;
  }

  /** @param functionOf finds an exported function's index */
  constructor(layout: MachineLayout, places: Places, functionOf: (name: string) => number) {
    const isCore = layout.role === "core";
    // What is imported takes the places of what the core defines.
    const at = isCore ? places : { ...places, functions: places.imports };
    super(at);
    this.#layout = layout;
    this.#globals = at.globals;
    this.#functions = at.functions;
    this.imports = isCore ? PUT : FUNCTIONS;
    this.importedGlobals = isCore ? [] : GLOBAL_NAMES;
    this.globalValues = isCore
      ? [NOWHERE, NOWHERE, NOWHERE, -1, 0, NO_LINEAR, NO_LINEAR, 0, 0]
      : [];
    const flushing = isCore ? Object.entries(layout.flushing) : [];
    this.machine = {
      translations: layout.translations,
      linear: this.global("linear"),
      ramFirst: this.global("ramFirst"),
      ramBytes: this.global("ramBytes"),
      translated: this.helper("translated"),
      mapped: this.helper("mapped"),
      flushed: this.helper("flushed"),
      flushing: new Map(flushing.map(([name, code]) => [functionOf(name), code])),
    };
  }

  override functions(): readonly { readonly parameters: number; readonly body: Uint8Array }[] {
    if (this.#layout.role === "made") return [];
    const bodies = [
      this.noteBody(),
      this.rangeBody(),
      this.copiedBody(),
      this.#translatedBody(),
      this.flushBody(),
      ...KINDS.map((kind) => this.accessBody(kind)),
      this.#mappedBody(),
      this.#flushedBody(),
    ];
    return FUNCTIONS.map(([, parameters], i) => ({ parameters, body: itemAt(bodies, i) }));
  }

  override exports(): readonly Export[] {
    if (this.#layout.role === "made") return [];
    return [
      ...FUNCTIONS.map(
        ([name], i): Export => ({
          name: PREFIX + name,
          kind: "function",
          index: this.#functions + i,
        }),
      ).filter(({ name }) => name !== `${PREFIX}flush`),
      ...GLOBAL_NAMES.map(
        (name, i): Export => ({ name: PREFIX + name, kind: "global", index: this.#globals + i }),
      ),
    ];
  }

  protected override noteBody(): Uint8Array {
    const [address, count, kind, key] = [0, 1, 2, 3];
    const code = new Assembler();
    this.#pageOf(code, address);
    code.getGlobal(this.machine.ramBytes).op(Op.geU).open(Op.if).op(Op.return, Op.end);
    this.#pageOf(code, address);
    code.constant(PAGE_SHIFT).op(Op.shrU).constant(KIND_BITS).op(Op.shl);
    code.get(kind).op(Op.or).set(key);
    this.#same(code, key, () => code.get(count));
    for (const one of KINDS) {
      code.get(address).constant(-PAGE_BYTES).op(Op.and).constant(NOWHERE);
      code.get(kind).constant(one).op(Op.eq, Op.select).setGlobal(this.baseOf(one));
    }
    return functionBody(1, code);
  }

  protected override handOver(code: Assembler): void {
    code.getGlobal(this.count).open(Op.if);
    code.getGlobal(this.global("runLinear")).getGlobal(this.key).getGlobal(this.count);
    code.call(this.put).op(Op.end);
  }

  protected override accessBody(kind: number): Uint8Array {
    const [address, bytes, last, key] = [0, 1, 2, 3];
    const code = new Assembler();
    code.get(address).get(bytes).op(Op.add).constant(1).op(Op.sub).tee(last);
    code.get(address).op(Op.xor).constant(PAGE_SHIFT).op(Op.shrU).open(Op.if);
    code.get(address).constant(1).constant(kind).call(this.note);
    code.get(last).constant(1).constant(kind).call(this.note);
    code.op(Op.else);
    this.#pageOf(code, address);
    code.constant(PAGE_SHIFT).op(Op.shrU).constant(KIND_BITS).op(Op.shl);
    code.constant(kind).op(Op.or).set(key);
    this.#same(code, key, () => code.constant(1));
    for (const one of KINDS) {
      if (one === kind) code.get(address).constant(-PAGE_BYTES).op(Op.and);
      else code.constant(NOWHERE);
      code.setGlobal(this.baseOf(one));
    }
    code.op(Op.end);
    return functionBody(2, code);
  }

  /** So many more accesses of this key: to the present run if it is of the same key and linear page. */
  #same(code: Assembler, key: number, more: () => void): void {
    const { linear } = this.machine;
    const runLinear = this.global("runLinear");
    code.get(key).getGlobal(this.key).op(Op.eq);
    code.getGlobal(linear).getGlobal(runLinear).op(Op.eq, Op.and).open(Op.if);
    code.getGlobal(this.count);
    more();
    code.op(Op.add).setGlobal(this.count).op(Op.else);
    this.handOver(code);
    code.get(key).setGlobal(this.key).getGlobal(linear).setGlobal(runLinear);
    more();
    code.setGlobal(this.count).op(Op.end);
  }

  /** The next access is to another linear page, and belongs to no run that is known. */
  #translatedBody(): Uint8Array {
    const linear = 0;
    const code = new Assembler();
    code.get(linear).setGlobal(this.machine.linear);
    for (const one of KINDS) code.constant(NOWHERE).setGlobal(this.baseOf(one));
    return functionBody(0, code);
  }

  #mappedBody(): Uint8Array {
    const [linear, entry] = [0, 1];
    const code = new Assembler();
    code.call(this.flush);
    code
      .get(linear)
      .constant((MAPPED << KIND_BITS) | CONTROL)
      .get(entry)
      .call(this.put);
    return functionBody(0, code);
  }

  #flushedBody(): Uint8Array {
    const kind = 0;
    const [root, instructions] = this.#layout.flushWords;
    const code = new Assembler();
    code.call(this.flush);
    code.loadWord(root);
    code.get(kind).constant(KIND_BITS).op(Op.shl).constant(CONTROL).op(Op.or);
    code.loadWord(instructions).call(this.put);
    return functionBody(0, code);
  }

  /** The address within the guest's memory. */
  #pageOf(code: Assembler, address: number): void {
    code.get(address).getGlobal(this.machine.ramFirst).op(Op.sub);
  }

  private global(name: string): number {
    return this.#globals + GLOBAL_NAMES.indexOf(name);
  }

  private helper(name: string): number {
    return this.#functions + FUNCTIONS.findIndex(([one]) => one === name);
  }
}

export const MACHINE_KINDS = { read: READ, write: WRITE, modify: MODIFY } as const;
