/** The emulator's walks against the rules of the manual, on random page tables, controls and accesses. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { DEFAULT_CAPABILITIES } from "../../src/hardware/capabilities.ts";
import { COUNTER_COUNT } from "../../src/hardware/counters.ts";
import { createEpt, eptPointer, mapPage } from "../../src/hardware/ept.ts";
import { eventInformation } from "../../src/hardware/eventInformation.ts";
import { deliverEvent, isExit } from "../../src/hardware/events.ts";
import { DEFAULT_GEOMETRY, type Geometry } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { changePaging, moveToCr3 } from "../../src/hardware/guestWalk.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { loadGuestMode, Mmu } from "../../src/hardware/mmu.ts";
import { Outcome } from "../../src/hardware/secondStageWalk.ts";
import { flushAll } from "../../src/hardware/tlb.ts";
import { translateBytes } from "../../src/hardware/translate.ts";
import {
  Field,
  GuestMode,
  GuestPaging,
  PRIMARY_ACTIVATE_SECONDARY,
  RFLAGS_FIXED,
  RFLAGS_IF,
  RFLAGS_RF,
  readField,
  readField64,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  Vmcs,
  vmwrite,
  writeField,
} from "../../src/hardware/vmcs.ts";
import { enterGuest } from "../../src/hardware/vmEntry.ts";
import { joinWords } from "../../src/hardware/words.ts";
import { eptPath } from "../../src/litmus/entryPath.ts";
import { GuestTables, overrideEntry } from "../../src/litmus/guestTables.ts";
import { processorUnits } from "../../src/units/all.ts";
import { SECONDARY_PML } from "../../src/units/pml/walk.ts";
import {
  type Ended,
  type Processor,
  specifiedAccess,
  specifiedDelivery,
  specifiedPdpteLoad,
} from "./specification.ts";

/** A table has four entries: EPT and guest tables of four levels reach 256 pages, those of a PAE guest 64. */
const INDEX_BITS = 2;
const REGION_PAGES = 16;
const DATA_PAGES = 64;
/** The guest's tables are in guest pages 64 to 79. */
const TABLES_PAGE = 64;
const PHYSICAL_BITS = 40;
const LOG_ENTRIES = 4;
const LINEAR_PAGES = 64;
const ENTRIES = 1 << INDEX_BITS;
/** A frame that nobody hands out. */
const STRAY_FRAME = 2 ** 27 + 7;

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
    { weight: 1, arbitrary: bitsOf(7, 12, 13, 20, 21, 39, 40, 51, 52, 62, 63) },
  ),
});
/** P, what is reserved in a PDPTE and what is not. */
const pdpteChange = fc.record({
  of: fc.nat(3),
  clear: fc.oneof(fc.constant(0n), bitsOf(0)),
  set: bitsOf(0, 1, 2, 3, 5, 7, 8, 9, 11, 20, 39, 40, 52, 63),
});
const setup = fc.record({
  /** Level of the EPT leaves of each region of 16 pages: four of data, one of guest tables. */
  leafLevels: fc
    .tuple(level, level, level, level, level)
    .map((all) => all.map((one) => (one === 4 ? 1 : one))),
  flags: fc.constantFrom(0, 0x100, 0x300),
  executeOnly: fc.boolean(),
  secondaryActivated: mostly(8, fc.constant(false)),
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
  pdpteChanges: fc.array(pdpteChange, { maxLength: 2 }),
  /** Whether the second linear page is in the upper half. */
  upperHalf: fc.boolean(),
  /** Where the log lies: in a frame of its own, over tables, or where there are no bytes. */
  log: fc.oneof(
    { weight: 6, arbitrary: fc.constant("own" as const) },
    { weight: 2, arbitrary: fc.constantFrom("root" as const, "table" as const, "guest" as const) },
    { weight: 1, arbitrary: fc.constant("elsewhere" as const) },
  ),
  resumeFlag: fc.boolean(),
});
type Setup = typeof setup extends fc.Arbitrary<infer T> ? T : never;

/** Pages from a mapped one: some alias it, some are not canonical, some are beyond the EPT. */
const distance = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(64, 128, 192, 256, 2 ** 20, -64, -128, -256) },
);
/** Bytes into the page. */
const offset = fc.constantFrom(0, 8, 16, 100, 4080, 4088, 4092);
const place = fc.record({ of: fc.nat(1), distance, offset });
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("access" as const),
      place,
      bytes: fc.constantFrom(1, 8, 32),
      need: fc.constantFrom(1, 2, 4, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("deliver" as const),
      place,
      gate: place,
      event: fc.constantFrom("externalInterrupt" as const, "fault" as const, "debug" as const),
      user: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom("movToCr3" as const, "toPae" as const),
      low: fc.constantFrom(0, 0x1f, 0x20),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function build(value: Setup) {
  const geometry: Geometry = {
    ...DEFAULT_GEOMETRY,
    indexBits: INDEX_BITS,
    logEntries: LOG_ENTRIES,
    physicalAddressBits: PHYSICAL_BITS,
  };
  const memory = new HostMemory(INDEX_BITS);
  // The guest's tables are at host-physical addresses that are the guest-physical ones: so they are without EPT.
  memory.allocate(TABLES_PAGE + REGION_PAGES - memory.framesUsed);
  const tableFrames = TABLES_PAGE;
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
  const linear = value.linear.map((page, i) => {
    const aligned = page - (page % size);
    return value.paging === "longMode" && value.upperHalf && i === 1 ? aligned - 128 : aligned;
  });
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
  const places = {
    own: memory.allocate(),
    root: ept.root,
    table: ept.root + 1,
    guest: TABLES_PAGE,
  };
  const log = value.log === "elsewhere" ? STRAY_FRAME : places[value.log];
  memory.structureChanged();
  const vmcs = new Vmcs("v");
  writeField(vmcs, Field.eptPointer, ...eptPointer(ept, value.accessedDirty));
  vmwrite(vmcs, "logAddress", BigInt(log) << 12n);
  writeField(vmcs, Field.logIndex, value.pmlIndex);
  writeField(
    vmcs,
    Field.primaryControls,
    value.secondaryActivated ? PRIMARY_ACTIVATE_SECONDARY : 0,
    0,
  );
  writeField(
    vmcs,
    Field.guestRflags,
    RFLAGS_FIXED | RFLAGS_IF | (value.resumeFlag ? RFLAGS_RF : 0),
  );
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
  const mmu = new Mmu("p", memory, geometry, { capabilities, units: processorUnits() });
  const guest = new GuestPages("g", 256, false);
  expect(enterGuest(mmu, vmcs, guest, new Float64Array(COUNTER_COUNT))).toBeNull();
  const pdptes = [0, 1, 2, 3].map((i) => readField64(vmcs, Field.guestPdpte0 + i));
  for (const { of, clear, set } of value.paging === "pae" ? value.pdpteChanges : []) {
    overrideEntry(memory, tables.pdpteWord(of), { clear, set });
  }
  const { modeBasedExecute, accessedDirty, pml, executeOnly, paging, user } = value;
  const processor: Processor = {
    memory: entriesOf(memory),
    beyond: new Map(),
    secondaryActivated: value.secondaryActivated,
    indexBits: INDEX_BITS,
    eptLevels: 4,
    physicalAddressBits: PHYSICAL_BITS,
    logEntries: LOG_ENTRIES,
    eptRoot: BigInt(ept.root),
    logPage: BigInt(log),
    pmlIndex: value.pmlIndex,
    guestLevels: 4,
    cr3: BigInt(TABLES_PAGE),
    pdptes,
    writeProtect: value.writeProtect,
    noExecuteEnable: value.noExecuteEnable,
    ...{ modeBasedExecute, accessedDirty, pml, executeOnly, paging, user },
  };
  // Where the log changes tables, what one page of an access caches would serve the next.
  const isOverTables = value.log !== "own" && value.log !== "elsewhere";
  return { memory, mmu, vmcs, processor, linear, isOverTables };
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
    case Outcome.generalProtection:
      return { how: "generalProtection" };
    case Outcome.stackFault:
      return { how: "stackFault" };
    default:
      return { how: "pageFault", error: mmu.pageFaultError };
  }
}

const EVENTS = {
  externalInterrupt: eventInformation("externalInterrupt", 0x31),
  fault: eventInformation("exception", 13, true),
  debug: eventInformation("exception", 1),
};

/** What an action does: in the emulator, and as it is specified. */
function act(subject: ReturnType<typeof build>, one: Action): { actual: Ended; expected: Ended } {
  const { mmu, vmcs, processor, linear, isOverTables } = subject;
  const at = (where: { of: number; distance: number; offset: number }): number => {
    const page = linear[where.of]! + where.distance;
    // Without paging of its own a guest has no negative addresses.
    return (processor.paging === "off" ? Math.abs(page) : page) * 4096 + where.offset;
  };
  if (one.type === "access") {
    const { need } = one;
    const bytes = isOverTables ? 1 : one.bytes;
    const [read, write, fetch] = [(need & 1) !== 0, (need & 2) !== 0, (need & 4) !== 0];
    const wanted = { read, write, fetch };
    return {
      expected: specifiedAccess(processor, BigInt(at(one.place)), bytes, wanted),
      actual: ended(mmu, vmcs, translateBytes(mmu, at(one.place), bytes, need)),
    };
  }
  if (one.type === "deliver") {
    if (isOverTables) return act(subject, ACCESS);
    // Without paging of its own a guest has no addresses below 0.
    const stack = at(one.place) + (processor.paging === "off" ? 4096 : 0);
    writeField(vmcs, Field.guestMode, setUser(readField(vmcs, Field.guestMode), one.user));
    loadGuestMode(mmu);
    processor.user = one.user;
    const information = EVENTS[one.event];
    const gate = at(one.gate);
    const before = (readField(vmcs, Field.guestRflags) & RFLAGS_RF) !== 0;
    const code = one.event === "fault";
    const expected = specifiedDelivery(processor, BigInt(stack), BigInt(gate), code);
    const outcome = deliverEvent(mmu, { information, stack, gate, handler: 0x1000 });
    const actual = ended(mmu, vmcs, outcome);
    // What is pushed, or saved by an exit; the handler begins without RF.
    const flag = (readField(vmcs, Field.guestRflags) & RFLAGS_RF) !== 0;
    if (expected.how === "done") expect(flag).toBe(false);
    else if (isExit(outcome)) expect(flag).toBe(one.event === "fault" || before);
    else expect(flag).toBe(before);
    if (isExit(outcome)) expect(readField(vmcs, Field.idtVectoringInformation)).toBe(information);
    expect((readField(vmcs, Field.guestMode) & GuestMode.user) !== 0).toBe(processor.user);
    return { expected: nothingElse(expected), actual: nothingElse(actual) };
  }
  if (one.type === "movToCr3" && processor.paging !== "pae") return act(subject, ACCESS);
  const cr3 = one.type === "toPae" ? processor.cr3 << 12n : BigInt((TABLES_PAGE << 12) | one.low);
  const expected = specifiedPdpteLoad(processor, cr3);
  const outcome =
    one.type === "toPae" ? changePaging(mmu, GuestPaging.pae) : moveToCr3(mmu, Number(cr3), 0);
  if (expected.how === "done") {
    processor.paging = "pae";
    processor.cr3 = cr3 >> 12n;
  }
  const pdptes = [0, 1, 2, 3].map((i) => readField64(vmcs, Field.guestPdpte0 + i));
  if (processor.paging === "pae") expect(pdptes).toEqual(processor.pdptes);
  return { expected: nothingElse(expected), actual: nothingElse(ended(mmu, vmcs, outcome)) };
}

const ACCESS: Action = {
  type: "access",
  place: { of: 0, distance: 0, offset: 0 },
  bytes: 1,
  need: 1,
};

function setUser(mode: number, user: boolean): number {
  return (mode & ~GuestMode.user) | (user ? GuestMode.user : 0);
}

/** Of what was done, that it was: which page came last does not matter. */
function nothingElse(ended: Ended): Ended {
  return ended.how === "done" ? { how: "done", page: 0n, rights: 0 } : ended;
}

it("every access, event and load of PDPTEs ends as the manual says, with its flags, log and rights", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(setup, fc.array(action, { minLength: 1, maxLength: 5 }), (value, actions) => {
      const subject = build(value);
      const { memory, mmu, vmcs, processor } = subject;
      for (const one of actions) {
        flushAll(mmu.tlb);
        const { expected, actual } = act(subject, one);
        expect(actual).toEqual(expected);
        expect(readField(vmcs, Field.logIndex)).toBe(processor.pmlIndex);
        const entries = entriesOf(memory);
        if (entries.some((entry, i) => entry !== processor.memory[i])) {
          expect([...entries]).toEqual([...processor.memory]);
        }
        for (const [at, entry] of processor.beyond) {
          const [frame, index] = [Number(at) >> INDEX_BITS, Number(at) % ENTRIES];
          expect(joinWords(...memory.readEntry(frame, index))).toBe(entry);
        }
        seen.add(`${processor.paging} ${expected.how}`);
        seen.add(`${one.type} ${expected.how}`);
        if (processor.beyond.size > 0) seen.add("a log elsewhere");
      }
    }),
    { numRuns: 8000 },
  );
  const reached = {
    off: ["done", "violation", "misconfiguration", "logFull"],
    pae: ["done", "violation", "misconfiguration", "logFull", "pageFault", "generalProtection"],
    longMode: [
      "done",
      "violation",
      "misconfiguration",
      "logFull",
      "pageFault",
      "generalProtection",
    ],
    deliver: ["done", "violation", "logFull", "pageFault", "stackFault"],
    movToCr3: ["done", "violation", "logFull", "generalProtection"],
    toPae: ["done", "violation", "logFull", "generalProtection"],
    a: ["log elsewhere"],
  };
  for (const [what, all] of Object.entries(reached)) {
    for (const how of all) expect(seen).toContain(`${what} ${how}`);
  }
});
