import { describe, expect, it } from "vitest";
import {
  MEMORY_INSTRUCTIONS,
  MEMORY_OPCODES,
  type MemoryInstruction,
  MODIFY,
  READ,
  ValueType,
  WRITE,
} from "../../../workloads/guests/tap/memoryOpcodes.ts";
import { IMMEDIATES, Immediate, PREFIX } from "../../../workloads/guests/tap/opcodes.ts";
import { tapModule } from "../../../workloads/guests/tap/rewriter.ts";
import { WebAssembly } from "../../../workloads/guests/webAssembly.ts";
import { assemble, outcomeOf, plain, tapped } from "./tapHelpers.ts";

const KIND = { [READ]: "read", [WRITE]: "write", [MODIFY]: "modify" };
const CONSTANTS = {
  [ValueType.i32]: "i32.const 7",
  [ValueType.i64]: "i64.const 7",
  [ValueType.f32]: "f32.const 7",
  [ValueType.f64]: "f64.const 7",
  [ValueType.v128]: "v128.const i64x2 7 9",
};
const MEMORY_BYTES = 65536;

/** A function that does the access at an address, twice, with an offset. */
function moduleOf({ name, operands, hasLane, kind }: MemoryInstruction, offset: number) {
  const values = operands.map((type) => CONSTANTS[type]).join(" ");
  const access = `local.get 0 ${values} ${name} offset=${offset} ${hasLane ? 0 : ""}`;
  const result = kind === WRITE ? "" : "drop";
  return assemble(
    `(module (memory (export "memory") 1) (func (export "run") (param i32) ${access} ${result} ${access} ${result}))`,
  );
}

const isAtomic = ({ name }: MemoryInstruction): boolean => name.includes("atomic");
/** Waiting is forbidden where nobody else could wake. */
const waits = ({ name }: MemoryInstruction): boolean => name.includes("wait");

describe("each instruction that accesses memory", () => {
  it("there are as many as the specification has", () => {
    // 14 loads, 9 stores; of vectors 11 loads, a store, 8 of lanes, 2 with zeros; 2 waits, 7 times 9 atomic ones.
    expect(MEMORY_OPCODES.size).toBe(14 + 9 + 11 + 1 + 8 + 2 + 2 + 63);
    expect(MEMORY_INSTRUCTIONS.length).toBe(MEMORY_OPCODES.size);
  });

  it.each(MEMORY_INSTRUCTIONS.filter((one) => !waits(one)))(
    "$name: its page, its kind, once each time",
    (one) => {
      const { exports, runs } = tapped(moduleOf(one, 16));
      exports["run"]!(2 * 4096);
      expect(runs()).toEqual([`${KIND[one.kind]} 2 x2`]);
    },
  );

  it.each(MEMORY_INSTRUCTIONS.filter((one) => one.bytes > 1 && !isAtomic(one)))(
    "$name: both pages, if it crosses",
    (one) => {
      const { exports, runs } = tapped(moduleOf(one, 16));
      const kind = KIND[one.kind];
      exports["run"]!(3 * 4096 - 16 - one.bytes + 1);
      expect(runs()).toEqual([`${kind} 2 x1`, `${kind} 3 x1`, `${kind} 2 x1`, `${kind} 3 x1`]);
      exports["run"]!(3 * 4096 - 16 - one.bytes);
      expect(runs()).toEqual([`${kind} 2 x2`]);
      exports["run"]!(3 * 4096 - 16 - 1);
      expect(runs()[1]).toBe(`${kind} 3 x1`);
    },
  );

  it.each(MEMORY_INSTRUCTIONS)("$name: traps as without the tap, and is not noted then", (one) => {
    const bytes = moduleOf(one, 8);
    const { exports, runs } = tapped(bytes);
    const own = plain(bytes).exports;
    const aligned = isAtomic(one) ? one.bytes : 1;
    for (const address of [
      MEMORY_BYTES - 8 - one.bytes + aligned,
      MEMORY_BYTES - 8,
      -one.bytes,
      0x7fffff00,
    ]) {
      const outcome = outcomeOf(() => exports["run"]!(address));
      expect(outcome).toBe(outcomeOf(() => own["run"]!(address)));
      expect(outcome).toMatch(/^traps/);
      expect(runs()).toEqual([]);
    }
  });

  it.each(MEMORY_INSTRUCTIONS.filter((one) => isAtomic(one) && one.bytes > 1 && !waits(one)))(
    "$name: traps unaligned",
    (one) => {
      const bytes = moduleOf(one, 0);
      const { exports, runs } = tapped(bytes);
      expect(outcomeOf(() => exports["run"]!(4096 - 1))).toBe(
        outcomeOf(() => plain(bytes).exports["run"]!(4096 - 1)),
      );
      expect(runs()).toEqual([]);
    },
  );

  it("the last bytes of the memory are reached", () => {
    for (const one of MEMORY_INSTRUCTIONS.filter((each) => !waits(each))) {
      const { exports, runs } = tapped(moduleOf(one, 0));
      exports["run"]!(MEMORY_BYTES - one.bytes);
      expect(runs()).toEqual([`${KIND[one.kind]} 15 x2`]);
    }
  });
});

/** Bytes after an opcode, such that the engine can take it where nothing is reached. */
const SAMPLES: Readonly<Record<Immediate, readonly number[]>> = {
  [Immediate.none]: [],
  [Immediate.blockType]: [0x40, 0x0b],
  [Immediate.index]: [0],
  [Immediate.twoIndexes]: [0, 0],
  [Immediate.functionIndex]: [0],
  [Immediate.labels]: [1, 0, 0],
  [Immediate.types]: [1, 0x7f],
  [Immediate.number]: [0x80, 0x00],
  [Immediate.bytes4]: [0xff, 0xff, 0xff, 0xff],
  [Immediate.bytes8]: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [Immediate.bytes16]: Array(16).fill(1),
  [Immediate.byte]: [0],
  [Immediate.heapType]: [0x70],
  [Immediate.catches]: [0x40, 0, 0x0b],
  [Immediate.memory]: [0, 0],
  [Immediate.memoryAndLane]: [0, 0, 0],
  [Immediate.memoryIndex]: [0],
  [Immediate.memoryCopy]: [0, 0],
  [Immediate.memoryInit]: [0, 0],
};
/** Atomic accesses are aligned to their size. */
const ALIGNMENTS = [0, 1, 2, 3];
/** Control: what they stand in decides whether they are right. */
const WITHIN_OTHERS = [0x05, 0x07, 0x09, 0x0b, 0x18, 0x19];
/** Of proposals that this engine may not have yet: typed function references, throw_ref, relaxed SIMD, try_table. */
const NEWER = (opcode: number): boolean =>
  [0x14, 0x15, 0x1f, 0xd3, 0xd4, 0xd5, 0xd6, 0x0a].includes(opcode) ||
  (opcode >= 0xfd100 && opcode <= 0xfd113);

function codeOf(opcode: number, immediates: readonly number[]): number[] {
  const number = opcode % PREFIX;
  const own =
    opcode < PREFIX
      ? [opcode]
      : [
          Math.floor(opcode / PREFIX),
          ...(number < 128 ? [number] : [(number & 127) | 128, number >> 7]),
        ];
  // unreachable: then any operands are there.
  return [0, ...own, ...immediates, 0, 0x0b];
}

/** A module of one function, with a table, a memory, a global, a tag, and a segment of each kind. */
function moduleWith(code: readonly number[]): Uint8Array {
  const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(4, 1, 0x70, 0, 1),
    ...section(5, 1, 0, 1),
    ...section(13, 1, 0, 0),
    ...section(6, 1, 0x7f, 1, 0x41, 0, 0x0b),
    ...section(9, 1, 0x03, 0, 1, 0),
    ...section(12, 1),
    ...section(10, 1, code.length + 3, 1, 1, 0x7f, ...code),
    ...section(11, 1, 1, 1, 0),
  ]);
}

function engineTakes(opcode: number, immediate: Immediate): boolean {
  const sample = SAMPLES[immediate];
  const samples =
    immediate === Immediate.memory || immediate === Immediate.memoryAndLane
      ? ALIGNMENTS.map((alignment) => [alignment, ...sample.slice(1)])
      : [sample];
  return samples.some((each) => WebAssembly.validate(moduleWith(codeOf(opcode, each))));
}

describe("the table of instructions", () => {
  const opcodes = [
    ...Array.from({ length: 0xfb }, (_, i) => i),
    ...[0xfc, 0xfd, 0xfe].flatMap((prefix) =>
      Array.from({ length: 0x120 }, (_, i) => prefix * PREFIX + i),
    ),
  ].filter((opcode) => !WITHIN_OTHERS.includes(opcode));
  const immediateOf = (opcode: number): Immediate | undefined => {
    const memory = MEMORY_OPCODES.get(opcode);
    if (memory === undefined) return IMMEDIATES.get(opcode);
    return memory.hasLane ? Immediate.memoryAndLane : Immediate.memory;
  };

  it("has what the engine has, with what follows it", () => {
    const known = opcodes.filter((opcode) => immediateOf(opcode) !== undefined);
    const wrong = known.filter((opcode) => {
      const immediate = immediateOf(opcode);
      return immediate !== undefined && !NEWER(opcode) && !engineTakes(opcode, immediate);
    });
    expect(wrong.map((opcode) => opcode.toString(16))).toEqual([]);
    expect(known.length).toBeGreaterThan(480);
  });

  it("lacks what the engine does not take with anything", () => {
    const missing = opcodes.filter(
      (opcode) =>
        immediateOf(opcode) === undefined &&
        Object.values(Immediate).some((immediate) => engineTakes(opcode, immediate)),
    );
    expect(missing.map((opcode) => opcode.toString(16))).toEqual([]);
  });

  it("leads to a module that the engine takes, whatever the instruction", () => {
    for (const opcode of opcodes) {
      const immediate = immediateOf(opcode);
      if (immediate === undefined || !engineTakes(opcode, immediate)) continue;
      for (const alignment of ALIGNMENTS) {
        const [first, ...rest] = SAMPLES[immediate];
        const sample =
          immediate === Immediate.memory || immediate === Immediate.memoryAndLane
            ? [alignment, ...rest]
            : first === undefined
              ? []
              : [first, ...rest];
        const original = moduleWith(codeOf(opcode, sample));
        if (!WebAssembly.validate(original)) continue;
        expect(WebAssembly.validate(tapModule(original).bytes), opcode.toString(16)).toBe(true);
      }
    }
  });

  it("refuses what it does not know by number and place", () => {
    const refused = (opcode: number) => () => tapModule(moduleWith(codeOf(opcode, [])));
    expect(refused(0xf0)).toThrow(/^byte 0x[0-9a-f]+: unknown instruction 0xf0$/);
    expect(refused(0xfd09a)).toThrow(/^byte 0x[0-9a-f]+: unknown instruction 0xfd 0x9a$/);
    expect(refused(0xfb)).toThrow(/instruction 0xfb: garbage-collected types are not offered$/);
  });
});
