/**
 * What the tap adds to a module to note its accesses: globals that hold the present run, and functions that end it.
 *
 * A run is a number of consecutive accesses of one kind to one page. For each kind a global holds the first byte of
 * the run's page, or NOWHERE if the run is of another kind, so that one comparison tells whether an access belongs to
 * the run: its distance from there is at most 4096 less its bytes. Runs that end go to the imported function `put`.
 */
import { Assembler, functionBody, Op } from "./assembler.ts";
import { MODIFY, READ, WRITE } from "./memoryOpcodes.ts";

/** Of the emulated hardware, not of WebAssembly, whose own pages have 64 KiB. */
export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
export const KIND_BITS = 2;
/** In the order of what is kept for each. */
export const KINDS: readonly number[] = [READ, WRITE, MODIFY];
/** What memory.copy and the like move at a time: a machine word. */
export const WORD_SHIFT = 3;
/** The last page of 4 GiB, which no memory of at most MEMORY_PAGES_MAX has. */
export const NOWHERE = -PAGE_BYTES;
/** Of 64 KiB. */
export const MEMORY_PAGES_MAX = 65535;
/**
 * Rounds of loops and calls between two reports. A function has at most 7,654,321 bytes, so that the accesses of
 * these rounds fit the count of a run.
 */
export const ROUNDS = 2048;

/** Imported functions, by their names and types: those of i32 that return nothing. */
export const IMPORTS = [
  /** A run has ended: page << 2 | kind, and its length as an unsigned number. */
  ["put", 2],
  /** ROUNDS rounds are over. */
  ["spent", 0],
  /** The memory could not grow. */
  ["refused", 0],
] as const;
export const IMPORT_MODULE = "trackvisor";
/** The exported global that counts down rounds: whoever sets it to 1 is told at the next one. */
export const ROUNDS_LEFT = "trackvisor:rounds";

/** Values that the globals begin with: where the run's page is, by kind; its key, its length; rounds that are left. */
const GLOBAL_VALUES = [NOWHERE, NOWHERE, NOWHERE, -1, 0, ROUNDS];

/** What the tap adds to a module, by name and number of parameters: i32 all of them, and no results. */
export type Import = readonly [name: string, parameters: number];

/** What a module exports so that others, made for it, note into the same run. */
export interface Export {
  readonly name: string;
  readonly kind: "function" | "global";
  readonly index: number;
}

/** A whole machine in a module: its memory is a part of the module's, and it translates linear pages by a table. */
export interface MachineHooks {
  /** Address of the table, of 4 bytes a linear page: an access to it has the page as its address. */
  readonly translations: number;
  /** Globals: the last linear page that was translated, four times its number; where the guest's memory begins; its bytes. */
  readonly linear: number;
  readonly ramFirst: number;
  readonly ramBytes: number;
  /** (linear): another page is translated. */
  readonly translated: number;
  /** (linear, entry): the table has another entry. */
  readonly mapped: number;
  /** (code): functions at whose start this is noted, by index; what they do to the table is not. */
  readonly flushed: number;
  readonly flushing: ReadonlyMap<number, number>;
}

/** Where the tap's own things are in a module. */
export interface Places {
  /** Index of the first imported function. */
  readonly imports: number;
  /** Of the first added global. */
  readonly globals: number;
  /** Of the first added function. */
  readonly functions: number;
}

export class Notes {
  /** Functions and globals that the module imports for it. */
  readonly imports: readonly Import[] = IMPORTS;
  readonly importedGlobals: readonly string[] = [];
  /** Globals of the module's own. */
  readonly globalValues: readonly number[] = GLOBAL_VALUES;
  /** Which whole machine's memory is in the module's; undefined if all of it is the guest's. */
  readonly machine: MachineHooks | undefined = undefined;
  readonly put: number;
  readonly spent: number;
  readonly refused: number;
  readonly key: number;
  readonly count: number;
  readonly rounds: number;
  /** (address, count, kind): accesses within one page. */
  readonly note: number;
  /** (address, bytes, kind): as many as there are words. */
  readonly range: number;
  /** (to, from, bytes) */
  readonly copied: number;
  /** The rounds are over. */
  readonly spend: number;
  /** Hands over the present run. */
  readonly flush: number;
  readonly #bases: number;
  readonly #accesses: number;

  constructor({ imports, globals, functions }: Places) {
    [this.put, this.spent, this.refused] = [imports, imports + 1, imports + 2];
    this.#bases = globals;
    [this.key, this.count, this.rounds] = [globals + 3, globals + 4, globals + 5];
    [this.note, this.range, this.copied] = [functions, functions + 1, functions + 2];
    [this.spend, this.flush, this.#accesses] = [functions + 3, functions + 4, functions + 5];
  }

  /** Of a kind: (address, bytes), an access that is not of the present run, or crosses into the next page. */
  accessOf(kind: number): number {
    return this.#accesses + KINDS.indexOf(kind);
  }

  /** What is exported beside FLUSH. */
  exports(): readonly Export[] {
    return [{ name: ROUNDS_LEFT, kind: "global", index: this.rounds }];
  }

  /** The global that holds the page's first byte while the run is of this kind. */
  baseOf(kind: number): number {
    return this.#bases + KINDS.indexOf(kind);
  }

  /** How many parameters of i32 each has, and its body, in the order of their indexes. */
  functions(): readonly { readonly parameters: number; readonly body: Uint8Array }[] {
    return [
      { parameters: 3, body: this.noteBody() },
      { parameters: 3, body: this.rangeBody() },
      { parameters: 3, body: this.copiedBody() },
      { parameters: 0, body: this.spendBody() },
      { parameters: 0, body: this.flushBody() },
      ...KINDS.map((kind) => ({ parameters: 2, body: this.accessBody(kind) })),
    ];
  }

  protected noteBody(): Uint8Array {
    const [address, count, kind, key] = [0, 1, 2, 3];
    const code = new Assembler();
    code.get(address).constant(PAGE_SHIFT).op(Op.shrU).constant(KIND_BITS).op(Op.shl);
    code.get(kind).op(Op.or).tee(key).getGlobal(this.key).op(Op.eq).open(Op.if);
    code.getGlobal(this.count).get(count).op(Op.add).setGlobal(this.count);
    code.op(Op.else);
    this.handOver(code);
    code.get(key).setGlobal(this.key).get(count).setGlobal(this.count);
    for (const one of KINDS) {
      // Where the page begins, if the run is of this kind.
      code.get(address).constant(-PAGE_BYTES).op(Op.and).constant(NOWHERE);
      code.get(kind).constant(one).op(Op.eq, Op.select).setGlobal(this.baseOf(one));
    }
    code.op(Op.end);
    return functionBody(1, code);
  }

  /** Ends the present run, if there is one. */
  protected handOver(code: Assembler): void {
    code.getGlobal(this.count).open(Op.if);
    code.getGlobal(this.key).getGlobal(this.count).call(this.put);
    code.op(Op.end);
  }

  protected accessBody(kind: number): Uint8Array {
    const [address, bytes, last] = [0, 1, 2];
    const code = new Assembler();
    code.get(address).get(bytes).op(Op.add).constant(1).op(Op.sub).tee(last);
    code.get(address).op(Op.xor).constant(PAGE_SHIFT).op(Op.shrU).open(Op.if);
    code.get(address).constant(1).constant(kind).call(this.note);
    code.get(last).constant(1).constant(kind).call(this.note);
    code.op(Op.else);
    this.handOver(code);
    code.get(address).constant(PAGE_SHIFT).op(Op.shrU).constant(KIND_BITS).op(Op.shl);
    code.constant(kind).op(Op.or).setGlobal(this.key).constant(1).setGlobal(this.count);
    for (const one of KINDS) {
      if (one === kind) code.get(address).constant(-PAGE_BYTES).op(Op.and);
      else code.constant(NOWHERE);
      code.setGlobal(this.baseOf(one));
    }
    code.op(Op.end);
    return functionBody(1, code);
  }

  protected rangeBody(): Uint8Array {
    const [address, bytes, kind, piece] = [0, 1, 2, 3];
    const code = new Assembler();
    code.open(Op.block).open(Op.loop);
    code.get(bytes).op(Op.eqz).branch(Op.brIf, 1);
    toPageEnd(code, address);
    code.set(piece);
    atMost(code, piece, bytes);
    code.get(address);
    words(code, address, piece);
    code.get(kind).call(this.note);
    code.get(address).get(piece).op(Op.add).set(address);
    code.get(bytes).get(piece).op(Op.sub).set(bytes);
    code.branch(Op.br, 0).op(Op.end, Op.end);
    return functionBody(1, code);
  }

  /** From the lowest byte up, or, where the target lies above, from the highest down (4.6.9, memory.copy). */
  protected copiedBody(): Uint8Array {
    const [to, from, bytes, piece, toStart, fromStart] = [0, 1, 2, 3, 4, 5];
    const code = new Assembler();
    code.open(Op.block).open(Op.loop);
    code.get(bytes).op(Op.eqz).branch(Op.brIf, 1);
    code.get(to).get(from).op(Op.leU).open(Op.if);
    toPageEnd(code, to);
    code.set(piece);
    toPageEnd(code, from);
    code.set(toStart);
    atMost(code, piece, toStart);
    atMost(code, piece, bytes);
    code.get(to).set(toStart).get(from).set(fromStart);
    code.get(to).get(piece).op(Op.add).set(to).get(from).get(piece).op(Op.add).set(from);
    code.op(Op.else);
    fromPageStart(code, to, bytes);
    code.set(piece);
    fromPageStart(code, from, bytes);
    code.set(toStart);
    atMost(code, piece, toStart);
    atMost(code, piece, bytes);
    for (const [base, start] of [
      [to, toStart],
      [from, fromStart],
    ] as const) {
      code.get(base).get(bytes).op(Op.add).get(piece).op(Op.sub).set(start);
    }
    code.op(Op.end);
    code.get(fromStart);
    words(code, fromStart, piece);
    code.constant(READ).call(this.note);
    code.get(toStart);
    words(code, toStart, piece);
    code.constant(WRITE).call(this.note);
    code.get(bytes).get(piece).op(Op.sub).set(bytes);
    code.branch(Op.br, 0).op(Op.end, Op.end);
    return functionBody(3, code);
  }

  private spendBody(): Uint8Array {
    const code = new Assembler();
    code.constant(ROUNDS).setGlobal(this.rounds).call(this.flush).call(this.spent);
    return functionBody(0, code);
  }

  protected flushBody(): Uint8Array {
    const code = new Assembler();
    this.handOver(code);
    code.constant(0).setGlobal(this.count);
    return functionBody(0, code);
  }
}

/** Bytes from an address to the end of its page. */
function toPageEnd(code: Assembler, address: number): void {
  code
    .constant(PAGE_BYTES)
    .get(address)
    .constant(PAGE_BYTES - 1)
    .op(Op.and, Op.sub);
}

/** Bytes from the start of the page that holds the last byte to the end of what begins at `base`. */
function fromPageStart(code: Assembler, base: number, bytes: number): void {
  code.get(base).get(bytes).op(Op.add).constant(1).op(Op.sub);
  code
    .constant(PAGE_BYTES - 1)
    .op(Op.and)
    .constant(1)
    .op(Op.add);
}

/** local = min(local, other) */
function atMost(code: Assembler, local: number, other: number): void {
  code.get(local).get(other).get(local).get(other).op(Op.ltU, Op.select).set(local);
}

/** Words that hold these bytes, of which there is at least one. */
function words(code: Assembler, address: number, bytes: number): void {
  code.get(address).get(bytes).op(Op.add).constant(1).op(Op.sub).constant(WORD_SHIFT).op(Op.shrU);
  code.get(address).constant(WORD_SHIFT).op(Op.shrU, Op.sub).constant(1).op(Op.add);
}
