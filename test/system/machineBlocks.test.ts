/** What blocks of a checkpoint hold of a guest's machine is read as it was written; what they cannot hold is said. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockType, PAGE_BYTES } from "../../src/system/operations/checkpoint/format.ts";
import {
  decodeGuest,
  encodeGuest,
  StoredGuest,
} from "../../src/system/operations/checkpoint/machineBlocks.ts";

const LAYOUT = { name: "vm0", pages: 200, firstTable: 200, tables: 0, bytes: true } as const;

interface Block {
  readonly type: number;
  readonly payload: Buffer;
}

function blocksOf(pages: ReadonlyMap<number, number>, state: Uint8Array): readonly Block[] {
  const blocks: Block[] = [];
  const page = (at: number): Uint8Array | null => {
    const byte = pages.get(at) ?? 0;
    return byte === 0 ? null : new Uint8Array(PAGE_BYTES).fill(byte);
  };
  const ascending = [...pages.keys()].sort((one, other) => one - other);
  encodeGuest(7, 0, { page, state }, ascending, (type, payload) => {
    blocks.push({ type, payload });
  });
  return blocks;
}

/** What a reader says of the first block that makes no sense; undefined: all do. */
function readInto(guest: StoredGuest | null, blocks: readonly Block[]): string | undefined {
  for (const { type, payload } of blocks) {
    const wrong = decodeGuest(type, payload, [LAYOUT], [guest]);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

describe("blocks of a machine", () => {
  const page = fc.nat({ max: LAYOUT.pages - 1 });
  const byte = fc.nat({ max: 255 });

  it("are read as they were written, the later over the earlier", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(page, byte), { maxLength: 100 }), { maxLength: 3 }),
        fc.uint8Array({ maxLength: 2000 }),
        (checkpoints, state) => {
          const guest = new StoredGuest(LAYOUT);
          const expected = new Uint8Array(PAGE_BYTES * LAYOUT.pages);
          for (const pages of checkpoints) {
            const last = new Map(pages);
            expect(readInto(guest, blocksOf(last, state))).toBeUndefined();
            for (const [at, value] of last) {
              expected.fill(value, PAGE_BYTES * at, PAGE_BYTES * (at + 1));
            }
          }
          expect(Buffer.compare(guest.memory, expected)).toBe(0);
          expect(guest.state).toEqual(checkpoints.length === 0 ? new Uint8Array(0) : state);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("hold a state of any length, in pieces that follow each other", () => {
    const state = new Uint8Array(700_000).map((_, i) => i % 251);
    const blocks = blocksOf(new Map(), state);
    const guest = new StoredGuest(LAYOUT);
    expect(blocks.length).toBe(3);
    expect(readInto(guest, blocks)).toBeUndefined();
    expect(Buffer.compare(guest.state, state)).toBe(0);
    const gap = blocks.filter((_, i) => i !== 1);
    expect(readInto(new StoredGuest(LAYOUT), gap)).toBe(
      "a piece of the machine's state is missing",
    );
  });

  const [block] = blocksOf(
    new Map([
      [3, 1],
      [9, 2],
    ]),
    new Uint8Array(0),
  );
  const { payload } = block ?? { payload: Buffer.alloc(0) };
  const longer = Buffer.concat([payload, Buffer.of(0)]);
  const beyond = Buffer.from(payload);
  beyond[12] = LAYOUT.pages;

  it.each([
    ["is cut off", payload.subarray(0, -1), "the bytes of a page are cut off"],
    ["goes on behind its pages", longer, "the bytes of a page are cut off"],
    ["names a page that there is not", beyond, "a page is impossible"],
  ])("a block that %s makes no sense, whoever reads it", (_, wrong, why) => {
    const blocks = [{ type: BlockType.bytes, payload: wrong }];
    expect(readInto(new StoredGuest(LAYOUT), blocks)).toBe(why);
    expect(readInto(null, blocks)).toBe(why);
  });

  it("are of a VM that has a machine", () => {
    const { bytes: _, ...plain } = LAYOUT;
    for (const layouts of [[], [plain]]) {
      expect(decodeGuest(BlockType.bytes, payload, layouts, null)).toBe("the VM has no machine");
    }
  });
});
