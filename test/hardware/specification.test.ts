/** The emulator's walks against the rules of the manual, on random page tables, controls and accesses. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { COUNTER_COUNT } from "../../src/hardware/counters.ts";
import { DEFAULT_CAPABILITIES } from "../../src/hardware/entryChecks.ts";
import { createEpt, eptPointer, mapPage } from "../../src/hardware/ept.ts";
import { Outcome } from "../../src/hardware/eptWalk.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { loadControls, Mmu } from "../../src/hardware/mmu.ts";
import { flushAll } from "../../src/hardware/tlb.ts";
import { translate } from "../../src/hardware/translate.ts";
import {
  Field,
  GuestMode,
  GuestPaging,
  readField,
  readField64,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_PML,
  Vmcs,
  writeField,
} from "../../src/hardware/vmcs.ts";
import { eptPath } from "../../src/litmus/entryPath.ts";
import { GuestTables, overrideEntry } from "../../src/litmus/guestTables.ts";
import { type Ended, type Processor, specifiedAccess } from "./specification.ts";

/** A table has four entries: EPT and guest tables of four levels reach 256 pages. */
const INDEX_BITS = 2;
const REGION_PAGES = 16;
const DATA_PAGES = 64;
/** The guest's tables are in guest pages 64 to 79. */
const TABLES_PAGE = 64;
const PHYSICAL_BITS = 40;
const LOG_ENTRIES = 4;
const LINEAR_PAGES = 64;

const bitsOf = (...numbers: number[]): fc.Arbitrary<bigint> =>
  fc.constantFrom(...numbers.map((bit) => 1n << BigInt(bit)));
const mostly = (usual: number, unusual: fc.Arbitrary<boolean>): fc.Arbitrary<boolean> =>
  fc.oneof({ weight: usual, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: unusual });
const level = fc.integer({ min: 1, max: 4 });
/** R, W, X, memory type, A, D, user X, and bits that are reserved or nobody's. */
const eptChange = fc.record({
  of: fc.nat(7),
  level,
  clear: fc.oneof(fc.constant(0n), bitsOf(0, 1, 2, 8, 8, 9, 9, 10), fc.constantFrom(3n, 5n, 7n)),
  set: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0n) },
    { weight: 1, arbitrary: bitsOf(3, 5, 6, 7, 8, 9, 10, 11, 40, 51, 52, 62, 63) },
  ),
});
/** P, W, U, A, D, and PS, NX, reserved bits. */
const guestChange = fc.record({
  of: fc.nat(1),
  level,
  clear: fc.oneof(fc.constant(0n), bitsOf(0, 1, 2, 5, 6)),
  set: fc.oneof(
    { weight: 4, arbitrary: bitsOf(5, 6) },
    { weight: 1, arbitrary: bitsOf(7, 12, 13, 40, 51, 52, 62, 63) },
  ),
});
const setup = fc.record({
  /** Level of the EPT leaves of each region of 16 pages: four of data, one of guest tables. */
  leafLevels: fc
    .tuple(level, level, level, level, level)
    .map((all) => all.map((one) => (one === 4 ? 1 : one))),
  flags: fc.constantFrom(0, 0x100, 0x300),
  executeOnly: fc.boolean(),
  accessedDirty: mostly(2, fc.constant(false)),
  pml: mostly(4, fc.constant(false)),
  modeBasedExecute: fc.boolean(),
  pmlIndex: fc.oneof(fc.nat(LOG_ENTRIES - 1), fc.constantFrom(LOG_ENTRIES, 0x7fff, 0xffff)),
  paging: fc.constantFrom("off" as const, "pae" as const, "longMode" as const, "longMode" as const),
  user: fc.boolean(),
  writeProtect: fc.boolean(),
  noExecuteEnable: mostly(4, fc.constant(false)),
  linear: fc.tuple(fc.nat(LINEAR_PAGES - 1), fc.nat(LINEAR_PAGES - 1)),
  gpa: fc.tuple(fc.nat(DATA_PAGES - 1), fc.nat(DATA_PAGES - 1)),
  guestSize: fc.constantFrom("4K" as const, "4K" as const, "2M" as const),
  eptChanges: fc.array(eptChange, { maxLength: 3 }),
  guestChanges: fc.array(guestChange, { maxLength: 3 }),
});
type Setup = typeof setup extends fc.Arbitrary<infer T> ? T : never;

const access = fc.record({
  of: fc.nat(1),
  need: fc.constantFrom(1, 2, 4, 3),
});

function build(value: Setup) {
  const geometry: Geometry = {
    ...DEFAULT_GEOMETRY,
    indexBits: INDEX_BITS,
    logEntries: LOG_ENTRIES,
    physicalAddressBits: PHYSICAL_BITS,
  };
  const memory = new HostMemory(INDEX_BITS);
  const first = memory.allocate(2 * REGION_PAGES);
  const tableFrames = first + REGION_PAGES - (first % REGION_PAGES);
  const ept = createEpt(memory, geometry);
  for (let page = 0; page < TABLES_PAGE + REGION_PAGES; page++) {
    const leafLevel = value.leafLevels[Math.floor(page / REGION_PAGES)]!;
    const frame = page < TABLES_PAGE ? DATA_FRAME_BASE + page : tableFrames + page - TABLES_PAGE;
    if (page % 4 ** (leafLevel - 1) !== 0) continue;
    mapPage(ept, page, frame, leafLevel, 0x37 | 0x400 | value.flags);
    for (const { word } of eptPath(ept, page)) {
      memory.words[word] = memory.words[word]! | (value.flags & 0x100);
    }
  }
  const frames = new Map(
    Array.from({ length: REGION_PAGES }, (_, i) => [TABLES_PAGE + i, tableFrames + i] as const),
  );
  const shape = { indexBits: INDEX_BITS, guestLevels: 4 };
  const tables = new GuestTables(memory, shape, value.paging, TABLES_PAGE, frames);
  const size = value.guestSize === "2M" ? 4 : 1;
  const linear = value.linear.map((page) => page - (page % size));
  if (value.paging !== "off") {
    linear.forEach((page, i) => {
      const gpa = value.gpa[i]! - (value.gpa[i]! % size);
      tables.apply({ linear: page * 4096, gpa: gpa * 4096, size: value.guestSize });
    });
    for (const { of, level: at, clear, set } of value.guestChanges) {
      const entry = tables.path(linear[of]!).find((one) => one.level === at);
      if (entry !== undefined) overrideEntry(memory, entry.word, { clear, set });
    }
  }
  const data = value.paging === "off" ? linear : value.gpa;
  const pages = [...data, 64, 65, 66, 67, 68, 69];
  for (const { of, level: at, clear, set } of value.eptChanges) {
    const entry = eptPath(ept, pages[of]!).find((one) => one.level === at);
    if (entry !== undefined) overrideEntry(memory, entry.word, { clear, set });
  }
  const log = memory.allocate();
  memory.structureChanged();
  const vmcs = new Vmcs("v");
  writeField(vmcs, Field.eptPointer, ...eptPointer(ept, value.accessedDirty));
  writeField(vmcs, Field.pmlAddress, log << 12, log >>> 20);
  writeField(vmcs, Field.pmlIndex, value.pmlIndex);
  const controls =
    (value.pml ? SECONDARY_PML : 0) | (value.modeBasedExecute ? SECONDARY_MODE_BASED_EXECUTE : 0);
  writeField(vmcs, Field.secondaryControls, SECONDARY_EPT | controls);
  writeField(vmcs, Field.guestCr3, TABLES_PAGE << 12);
  writeField(vmcs, Field.guestPaging, GuestPaging[value.paging]);
  for (let i = 0; i < 4 && value.paging === "pae"; i++) {
    writeField(vmcs, Field.guestPdpte0 + i, memory.words[tables.pdpteWord(i)]!);
  }
  const mode =
    (value.user ? GuestMode.user : 0) |
    (value.writeProtect ? GuestMode.writeProtect : 0) |
    (value.noExecuteEnable ? GuestMode.noExecuteEnable : 0);
  writeField(vmcs, Field.guestMode, mode);
  const capabilities = { ...DEFAULT_CAPABILITIES, executeOnly: value.executeOnly };
  const mmu = new Mmu("p", memory, geometry, { capabilities });
  const guest = new GuestPages("g", 256, false);
  loadControls(mmu, vmcs, guest, new Float64Array(COUNTER_COUNT));
  const { modeBasedExecute, accessedDirty, pml, executeOnly, paging, user } = value;
  const processor: Processor = {
    memory: entriesOf(memory),
    indexBits: INDEX_BITS,
    eptLevels: 4,
    physicalAddressBits: PHYSICAL_BITS,
    logEntries: LOG_ENTRIES,
    eptRoot: BigInt(ept.root),
    logPage: BigInt(log),
    pmlIndex: value.pmlIndex,
    guestLevels: 4,
    cr3: BigInt(TABLES_PAGE),
    pdptes: [0, 1, 2, 3].map((i) => readField64(vmcs, Field.guestPdpte0 + i)),
    writeProtect: value.writeProtect,
    noExecuteEnable: value.noExecuteEnable,
    ...{ modeBasedExecute, accessedDirty, pml, executeOnly, paging, user },
  };
  return { memory, mmu, vmcs, processor, linear };
}

function entriesOf({ words, framesUsed, frameWords }: HostMemory): BigUint64Array {
  return new BigUint64Array(words.slice(0, framesUsed * frameWords).buffer);
}

/** What the emulator did, in the words of the specification. */
function ended(mmu: Mmu, vmcs: Vmcs, outcome: number): Ended {
  const page = readField64(vmcs, Field.guestPhysicalAddress) >> 12n;
  switch (outcome) {
    case Outcome.done:
      return { how: "done", page: BigInt(mmu.page), rights: mmu.rights };
    case Outcome.eptViolation:
      return { how: "violation", qualification: readField(vmcs, Field.exitQualification), page };
    case Outcome.eptMisconfiguration:
      return { how: "misconfiguration", page };
    case Outcome.logFull:
      return { how: "logFull" };
    default:
      return { how: "pageFault", error: mmu.pageFaultError };
  }
}

it("every access ends as the manual says, with the flags, the log and the rights that it says", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(setup, fc.array(access, { minLength: 1, maxLength: 5 }), (value, accesses) => {
      const { memory, mmu, vmcs, processor, linear } = build(value);
      for (const { of, need } of accesses) {
        const [read, write, fetch] = [(need & 1) !== 0, (need & 2) !== 0, (need & 4) !== 0];
        const page = linear[of]!;
        const expected = specifiedAccess(processor, BigInt(page), { read, write, fetch });
        flushAll(mmu.tlb);
        const actual = ended(mmu, vmcs, translate(mmu, page, need));
        expect(actual).toEqual(expected);
        expect(readField(vmcs, Field.pmlIndex)).toBe(processor.pmlIndex);
        const entries = entriesOf(memory);
        if (entries.some((entry, i) => entry !== processor.memory[i])) {
          expect([...entries]).toEqual([...processor.memory]);
        }
        seen.add(`${value.paging} ${expected.how}`);
      }
    }),
    { numRuns: 6000 },
  );
  for (const paging of ["off", "pae", "longMode"]) {
    for (const how of ["done", "violation", "misconfiguration", "logFull"]) {
      expect(seen).toContain(`${paging} ${how}`);
    }
  }
  expect(seen).toContain("pae pageFault");
  expect(seen).toContain("longMode pageFault");
});
