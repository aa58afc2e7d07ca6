import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { tapModule } from "../../../workloads/guests/tap/rewriter.ts";
import { WebAssembly } from "../../../workloads/guests/webAssembly.ts";
import { assemble, outcomeOf, plain, tapped } from "./tapHelpers.ts";

const BULK = assemble(`(module
  (memory (export "memory") 1)
  (data $greeting "hello, hello, hello, hello")
  (func (export "copy") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy)
  (func (export "fill") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.fill)
  (func (export "init") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.init $greeting)
  (func (export "drop") data.drop $greeting))`);
const PAGE = 4096;
const WORD = 8;

/** Words that are accessed, byte by byte as the specification says: a piece ends where a page begins. */
function model(to: number | undefined, from: number | undefined, bytes: number): string[] {
  const order = Array.from({ length: bytes }, (_, i) => i);
  if (to !== undefined && from !== undefined && to > from) order.reverse();
  const runs: { text: string; count: number }[] = [];
  const add = (kind: string, addresses: readonly number[]): void => {
    const text = `${kind} ${Math.floor(addresses[0]! / PAGE)}`;
    const count = new Set(addresses.map((address) => Math.floor(address / WORD))).size;
    const last = runs.at(-1);
    if (last?.text === text) last.count += count;
    else runs.push({ text, count });
  };
  const pageOf = (base: number | undefined, i: number): number =>
    Math.floor(((base ?? 0) + i) / PAGE);
  for (let i = 0; i < bytes; ) {
    const piece: number[] = [];
    const at = order[i]!;
    for (; i < bytes; i++) {
      const next = order[i]!;
      if (pageOf(from, next) !== pageOf(from, at) && from !== undefined) break;
      if (pageOf(to, next) !== pageOf(to, at) && to !== undefined) break;
      piece.push(next);
    }
    const pieces = piece;
    if (from !== undefined)
      add(
        "read",
        pieces.map((one) => from + one),
      );
    if (to !== undefined)
      add(
        "write",
        pieces.map((one) => to + one),
      );
  }
  return runs.map(({ text, count }) => `${text} x${count}`);
}

describe("bulk operations", () => {
  const address = fc.integer({ min: 0, max: 5 * PAGE });
  const bytes = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 * PAGE }));

  it("memory.copy reads and writes words, in the order in which bytes are moved", () => {
    const { exports, runs, memory } = tapped(BULK);
    const own = plain(BULK);
    fc.assert(
      fc.property(address, address, bytes, (to, from, count) => {
        exports["copy"]!(to, from, count);
        own.exports["copy"]!(to, from, count);
        expect(runs()).toEqual(model(to, from, count));
      }),
      { numRuns: 200 },
    );
    expect(Buffer.from(memory).equals(Buffer.from(own.memory))).toBe(true);
  });

  it("memory.fill writes words", () => {
    const { exports, runs } = tapped(BULK);
    fc.assert(
      fc.property(address, bytes, (to, count) => {
        exports["fill"]!(to, 1, count);
        expect(runs()).toEqual(model(to, undefined, count));
      }),
    );
  });

  it("memory.init writes words, once", () => {
    const { exports, runs, memory } = tapped(BULK);
    exports["init"]!(4090, 0, 12);
    expect(runs()).toEqual(["write 0 x1", "write 1 x1"]);
    expect(Buffer.from(memory, 4090, 12).toString()).toBe("hello, hello");
    exports["drop"]!();
    expect(outcomeOf(() => exports["init"]!(0, 0, 1))).toMatch(/^traps/);
    expect(runs()).toEqual([]);
  });

  it.each(["copy", "fill", "init"])(
    "memory.%s beyond the memory traps as it did, and is not noted",
    (name) => {
      const { exports, runs } = tapped(BULK);
      for (const operands of [
        [65530, 0, 7],
        [0, 65530, 7],
        [-1, 0, 1],
        [0, 0, -1],
      ]) {
        const outcome = outcomeOf(() => exports[name]!(...operands));
        expect(outcome).toBe(outcomeOf(() => plain(BULK).exports[name]!(...operands)));
        expect(runs()).toEqual(outcome.startsWith("traps") ? [] : [expect.any(String)]);
      }
    },
  );
});

/** Everything that names a function, and structures of all kinds. */
const FUNCTIONS = `(module
  (type $unary (func (param i32) (result i32)))
  (import "env" "offset" (global $offset i32))
  (import "env" "twice" (func $twice (type $unary)))
  (table $t 6 funcref)
  (memory (export "memory") 1 3)
  (tag $oops (param i32))
  (global $which (mut funcref) (ref.func $third))
  (global (export "count") (mut i32) (i32.const 0))
  (data (i32.const 100) "abc")
  (data (offset global.get $offset) "at the offset")
  (data (i32.const 9096) "beyond")
  (elem (table $t) (i32.const 0) func $twice $first)
  (elem (table $t) (offset i32.const 2) funcref (ref.func $second) (ref.null func))
  (elem $later func $third)
  (elem declare func $first)
  (start $begin)
  (func $begin (i32.store (i32.const 8192) (i32.const 5)))
  (func $first (type $unary) (i32.add (local.get 0) (call $twice (local.get 0))))
  (func $second (type $unary) (return_call $first (i32.add (local.get 0) (i32.const 1))))
  (func $third (type $unary)
    (local $sum i32)
    (block $out (loop $again
      (br_if $out (i32.eqz (local.get 0)))
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get 0) (i32.const 99)))))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br $again)))
    (local.get $sum))
  (func (export "at") (param i32 i32) (result i32)
    (table.init $t $later (i32.const 4) (i32.const 0) (i32.const 1))
    (table.set $t (i32.const 5) (global.get $which))
    (call_indirect $t (type $unary) (local.get 1) (local.get 0)))
  (func (export "choose") (param i32) (result i32)
    (block $a (block $b (block $c
      (br_table $a $b $c (local.get 0))) (return (i32.const 30))) (return (i32.const 20)))
    (i32.const 10))
  (func (export "pair") (param i64) (result i64 i64)
    (i64.store (i32.const 200) (local.get 0)) (i64.load (i32.const 200)) (i64.const -1))
  (func (export "catches") (param i32) (result i32)
    (try (result i32) (do (throw $oops (local.get 0))) (catch $oops)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) memory.size))`;
const GIVEN = { env: { offset: 5000, twice: (value: number) => 2 * value } };

describe("a module", () => {
  const bytes = assemble(FUNCTIONS);

  it("calls the functions that it called, by every way", () => {
    const { exports } = tapped(bytes, GIVEN);
    const own = plain(bytes, GIVEN).exports;
    for (let i = 0; i < 7; i++) {
      const outcome = outcomeOf(() => exports["at"]!(i, 3));
      expect(outcome).toBe(outcomeOf(() => own["at"]!(i, 3)));
    }
    for (let i = 0; i < 4; i++) expect(exports["choose"]!(i)).toBe(own["choose"]!(i));
    expect(exports["pair"]!(7n)).toEqual([7n, -1n]);
    expect(exports["catches"]!(42)).toBe(42);
  });

  it("what instantiation writes is noted, and then what its start function does", () => {
    const { runs, memory } = tapped(bytes, GIVEN);
    // "abc" is in one word; 13 bytes from 5000 in two; 6 from 9096 in one.
    expect(runs()).toEqual(["write 0 x1", "write 1 x2", "write 2 x2"]);
    expect(Buffer.from(memory, 5000, 13).toString()).toBe("at the offset");
  });

  it("that asks for more memory than it may have ends with that", () => {
    const { exports, runs } = tapped(bytes, GIVEN, 1e9, { memoryPages: 2 });
    expect(exports["grow"]!(1)).toBe(1);
    expect(exports["size"]!()).toBe(2);
    expect(outcomeOf(() => exports["grow"]!(1))).toBe("traps: unreachable");
    expect(runs).toThrow("asks for more memory than it may have");
    expect(() => tapped(bytes, GIVEN, 1e9, { memoryPages: 0 })).toThrow(
      "begins with 0.0625 MiB of memory; it may have 0 MiB",
    );
  });

  it("that goes on and on ends at the limit of its accesses, also where it catches everything", () => {
    const forever = assemble(`(module (memory (export "memory") 1)
      (func (export "run") (loop $again
        (try (do (loop $more (drop (i32.load (i32.const 0))) (i32.store (i32.const 0) (i32.const 1)) (br $more)))
          (catch_all)) (br $again))))`);
    const { exports, runs } = tapped(forever, {}, 1_000_000);
    expect(outcomeOf(() => exports["run"]!())).toBe("traps: unreachable");
    expect(runs).toThrow("still runs after 1,000,000 accesses, which is its limit");
  });

  it("of two memories, of 64-bit addresses, or that is none, is refused by place", () => {
    const raw = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
    const head = "0061736d01000000";
    for (const [module, problem] of [
      ["", /^byte 0x0: no WebAssembly: it does not begin with \\0asm$/],
      ["0061736d0d000100", /^byte 0x4: a component, not a module$/],
      [`${head}050502000100 01`.replace(" ", ""), /^2 memories: only one memory is tracked$/],
      [`${head}0503010401`, /^byte 0xb: a memory or table of 64-bit addresses$/],
      [`${head}0e0100`, /^byte 0x8: unknown section 14$/],
      [`${head}010401600000`, /^$/],
      [
        `${head}01040160000001040160 0000`.replace(" ", ""),
        /^byte 0xe: section 1 is twice there, or out of order$/,
      ],
      [`${head}0104015f00`, /^byte 0xa: the module ends too early$/],
      [`${head}0103015f00`, /^byte 0xb: type 0x5f: garbage-collected types are not offered$/],
    ] as const) {
      let message = "";
      try {
        tapModule(raw(module));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        message = String(error instanceof Error ? error.message : "");
      }
      expect(message).toMatch(problem);
    }
  });

  it("that went through the tap is not taken again", () => {
    expect(() => tapModule(tapModule(bytes).bytes)).toThrow("has been through the tap already");
  });

  it("that was damaged is refused, or rewritten into what the engine takes if it takes the damaged one", () => {
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.nat(bytes.length), fc.boolean(), (edits, length, cut) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, value] of edits) damaged[at] = value;
        const original = cut ? damaged.subarray(0, length) : damaged;
        try {
          const { bytes: rewritten } = tapModule(original);
          if (WebAssembly.validate(original)) {
            expect(WebAssembly.validate(rewritten)).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }),
      { numRuns: 800 },
    );
  });
});

/** Random straight-line programs of loads and stores: what comes out of the memory is what came out. */
describe("programs", () => {
  const NAMES = ["i32.load", "i64.load8_s", "f64.load", "i32.store16", "i64.store", "f32.store"];
  const step = fc.tuple(fc.constantFrom(...NAMES), fc.nat(70000), fc.nat(300));
  const textOf = ([name, address, offset]: readonly [string, number, number]): string => {
    const type = name.slice(0, 3);
    const at = `(i32.const ${address})`;
    const value = `(${type}.const ${address % 1000})`;
    return name.includes("load")
      ? `(drop (${name} offset=${offset} ${at}))`
      : `(${name} offset=${offset} ${at} ${value})`;
  };
  const bytesOf = (name: string): number =>
    name.includes("8_") ? 1 : name.includes("16") ? 2 : name.includes("64") ? 8 : 4;

  it("each access is noted in its place, up to the one that traps", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bytes = assemble(
          `(module (memory (export "memory") 1) (func (export "run") ${steps.map(textOf).join("\n")}))`,
        );
        const noted = tapped(bytes);
        const own = plain(bytes);
        const outcome = outcomeOf(() => noted.exports["run"]!());
        expect(outcome).toBe(outcomeOf(() => own.exports["run"]!()));
        expect(hash(noted.memory)).toBe(hash(own.memory));
        const expected: string[] = [];
        for (const [name, address, offset] of steps) {
          const size = name.startsWith("i64.load8") ? 1 : name === "i64.store" ? 8 : bytesOf(name);
          const first = address + offset;
          if (first + size > 65536) break;
          const kind = name.includes("load") ? "read" : "write";
          expected.push(`${kind} ${Math.floor(first / PAGE)}`);
          const last = Math.floor((first + size - 1) / PAGE);
          if (last !== Math.floor(first / PAGE)) expected.push(`${kind} ${last}`);
        }
        const single = noted
          .runs()
          .flatMap((run) => Array<string>(Number(run.split("x")[1])).fill(run.split(" x")[0]!));
        expect(single).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

function hash(memory: ArrayBufferLike): string {
  return createHash("sha256").update(Buffer.from(memory)).digest("hex");
}
