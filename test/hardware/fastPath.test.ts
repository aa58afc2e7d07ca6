/**
 * runAccesses takes short cuts: its own TLB search and hints, plain walks, cached leaf tables. The
 * reference goes one access at a time through translate() with every short cut disabled. Both must
 * agree in everything that can be observed.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { ACCESS_PAGE_SHIFT, runAccesses, Stop } from "../../src/hardware/accessLoop.ts";
import { COUNTER_COUNT, Counter, readCounters } from "../../src/hardware/counters.ts";
import { createEpt, type Ept, eptPointer, mapPage } from "../../src/hardware/ept.ts";
import { isLeaf } from "../../src/hardware/formats/entryFormat.ts";
import { EPT, EPT_ACCESSED, EPT_DIRTY } from "../../src/hardware/formats/ept.ts";
import { type Geometry, logFrames } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { leaveGuest, loadControls, Mmu } from "../../src/hardware/mmu.ts";
import { digestPart } from "../../src/hardware/part.ts";
import { Outcome } from "../../src/hardware/secondStageWalk.ts";
import { flushEpt, flushPage } from "../../src/hardware/tlb.ts";
import { translate } from "../../src/hardware/translate.ts";
import {
  clearVmcs,
  Field,
  GuestMode,
  GuestPaging,
  PRIMARY_ACTIVATE_SECONDARY,
  readField,
  SECONDARY_EPT,
  SECONDARY_MODE_BASED_EXECUTE,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../../src/hardware/vmcs.ts";
import { eptPath } from "../../src/litmus/entryPath.ts";
import { GuestTables } from "../../src/litmus/guestTables.ts";
import { processorUnits } from "../../src/units/all.ts";
import { SECONDARY_PML } from "../../src/units/pml/walk.ts";
import {
  prlInitialIndex,
  prlResetImage,
  SECONDARY_PRL,
  SECONDARY_PRL_FILTER,
} from "../../src/units/prl/walk.ts";
import { reloadLogs } from "../../src/units/suspended.ts";

const PAGES = 64;
const TABLES_PAGE = 64;
/** A frame that nobody handed out. */
const STRAY_FRAME = 2 ** 31 + 5;
const NEEDS = [1, 2, 4, 3];
const TRUTHS = [1, 2, 1, 3];

const tlbLevel = fc.record({
  sets: fc.constantFrom(1, 2, 4),
  ways: fc.integer({ min: 1, max: 3 }),
});
const leaf = fc.record({
  /** R, W, X, user X; mostly RWX, so that bursts get somewhere. */
  permissions: fc.oneof(
    { weight: 8, arbitrary: fc.constant(7) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, 2, 3, 4, 5, 0x401, 0x407) },
  ),
  memoryType: fc.oneof(
    { weight: 12, arbitrary: fc.constant(6) },
    { weight: 1, arbitrary: fc.constantFrom(0, 2, 5) },
  ),
  flags: fc.constantFrom(0, EPT_ACCESSED, EPT_DIRTY, EPT_ACCESSED | EPT_DIRTY),
  mapped: fc.oneof(
    { weight: 30, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
});
const access = fc.record({
  kind: fc.nat(3),
  page: fc.nat(PAGES - 1),
  repeat: fc.integer({ min: 1, max: 3 }),
});
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("run" as const),
      accesses: fc.array(access, { minLength: 1, maxLength: 60 }),
      budget: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(400)),
      gap: fc.nat(5),
      gapDone: fc.nat(5),
    }),
  },
  fc.record({
    type: fc.constant("clear" as const),
    page: fc.nat(PAGES - 1),
    level: fc.integer({ min: 1, max: 4 }),
    bits: fc.constantFrom(EPT_ACCESSED, EPT_DIRTY, EPT_ACCESSED | EPT_DIRTY),
  }),
  fc.record({ type: fc.constantFrom("invept" as const, "exit" as const, "drain" as const) }),
  fc.record({ type: fc.constant("invlpg" as const), page: fc.nat(PAGES - 1) }),
);
const setup = fc.record({
  indexBits: fc.constantFrom(2, 3),
  eptLevels: fc.constantFrom(3, 4),
  logEntries: fc.integer({ min: 2, max: 12 }),
  l1: tlbLevel,
  l1Large: tlbLevel,
  l2: tlbLevel,
  leaves: fc.array(leaf, { minLength: PAGES, maxLength: PAGES }),
  /** One of these chunks may be a large page. */
  large: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
  upperAccessed: fc.boolean(),
  compatibility: fc.constantFrom("sdm" as const, "bochs" as const, "kvm" as const),
  slotRule: fc.constantFrom(
    "decrement-then-store" as const,
    "store-then-decrement" as const,
    "store-at-zero" as const,
  ),
  variant: fc.constantFrom("vee21" as const, "dw19" as const),
  doubleBuffer: fc.boolean(),
  ept: fc.oneof(
    { weight: 9, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  accessedDirty: fc.oneof(
    { weight: 4, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  logging: fc.constantFrom(
    0,
    SECONDARY_PML,
    SECONDARY_PML,
    SECONDARY_PML | SECONDARY_PRL,
    SECONDARY_PML | SECONDARY_PRL | SECONDARY_PRL_FILTER,
  ),
  modeBasedExecute: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constant(SECONDARY_MODE_BASED_EXECUTE) },
  ),
  vpid: fc.boolean(),
  user: fc.boolean(),
  paging: fc.boolean(),
  guestLarge: fc.boolean(),
  guestRights: fc.array(fc.constantFrom("rwxu", "rwxu", "rwxu", "rwx", "r-xu", "rw-u", "-"), {
    minLength: PAGES,
    maxLength: PAGES,
  }),
  keepVersions: fc.boolean(),
  log: fc.oneof(
    { weight: 12, arbitrary: fc.constant("own" as const) },
    { weight: 4, arbitrary: fc.constantFrom("root" as const, "table" as const, "guest" as const) },
    { weight: 1, arbitrary: fc.constant("elsewhere" as const) },
  ),
});
type SetupValue = typeof setup extends fc.Arbitrary<infer T> ? T : never;
type ActionValue = typeof action extends fc.Arbitrary<infer T> ? T : never;

interface Subject {
  readonly memory: HostMemory;
  readonly ept: Ept;
  readonly mmu: Mmu;
  readonly vmcs: Vmcs;
  readonly guest: GuestPages;
  readonly counters: Float64Array;
}

function build(value: SetupValue): Subject {
  const geometry: Geometry = {
    eptLevels: value.eptLevels,
    guestLevels: 3,
    indexBits: value.indexBits,
    logEntries: value.logEntries,
    tlb: { l1: value.l1, l1Large: value.l1Large, l2: value.l2 },
    physicalAddressBits: 43,
  };
  const memory = new HostMemory(value.indexBits);
  const ept = createEpt(memory, geometry);
  const size = 1 << value.indexBits;
  for (let page = 0; page < PAGES; page++) {
    const { permissions, memoryType, flags, mapped } = value.leaves[page]!;
    const bits = permissions | (memoryType << 3) | flags;
    const large = value.large[Math.floor(page / size) % 16]!;
    if (!mapped || (large && page % size !== 0)) continue;
    mapPage(ept, page, DATA_FRAME_BASE + page, large ? 2 : 1, bits);
  }
  const reach = 2 ** (value.eptLevels * value.indexBits);
  const tables = new GuestTables(
    memory,
    geometry,
    value.paging && reach > 128 ? "longMode" : "off",
    TABLES_PAGE,
    new Map(),
  );
  if (tables.paging !== "off") {
    for (let page = 0; page < PAGES; page++) {
      const chunk = value.guestLarge && page < PAGES / 2;
      if (chunk && page % size !== 0) continue;
      tables.apply({
        linear: page * 4096,
        gpa: (page ^ (chunk ? 0 : 5)) * 4096,
        size: chunk ? "2M" : "4K",
        rights: value.guestRights[page]!,
      });
    }
    for (const page of tables.pages) mapPage(ept, page, tables.frames.get(page)!);
  }
  if (value.upperAccessed) {
    for (let page = 0; page < PAGES; page++) {
      for (const { word, level } of eptPath(ept, page)) {
        if (!isLeaf(EPT, memory.words[word]!, level))
          memory.words[word] = memory.words[word]! | EPT_ACCESSED;
      }
    }
  }
  memory.structureChanged();
  const mmu = new Mmu("p", memory, geometry, {
    compatibility: value.compatibility,
    units: processorUnits({
      prl: { variant: value.variant, slotRule: value.slotRule, doubleBuffer: value.doubleBuffer },
    }),
  });
  const vmcs = new Vmcs("v");
  const own = memory.allocate(2 * logFrames(geometry));
  // The log may lie over the tables: what remembers where leaves are must notice.
  const places = {
    own,
    root: ept.root,
    table: ept.root + 1,
    guest: tables.frames.get(TABLES_PAGE) ?? own,
  };
  const log = value.log === "elsewhere" ? STRAY_FRAME : places[value.log];
  const [low, high] = eptPointer(ept, value.accessedDirty);
  writeField(vmcs, Field.eptPointer, low, high);
  writeField(vmcs, Field.logAddress, log << 12, log >>> 20);
  writeField(vmcs, Field.logIndex, prlInitialIndex(value.logEntries));
  const secondary = (value.ept ? SECONDARY_EPT : 0) | (value.vpid ? SECONDARY_VPID : 0);
  writeField(vmcs, Field.primaryControls, PRIMARY_ACTIVATE_SECONDARY, 0);
  writeField(vmcs, Field.secondaryControls, secondary | value.logging | value.modeBasedExecute);
  writeField(vmcs, Field.vpid, 1);
  writeField(vmcs, Field.guestCr3, TABLES_PAGE << 12);
  writeField(vmcs, Field.guestPaging, GuestPaging[tables.paging]);
  writeField(
    vmcs,
    Field.guestMode,
    GuestMode.writeProtect | GuestMode.noExecuteEnable | (value.user ? GuestMode.user : 0),
  );
  clearVmcs(vmcs);
  const guest = new GuestPages("g", 2 * PAGES, value.keepVersions);
  return { memory, ept, mmu, vmcs, guest, counters: new Float64Array(COUNTER_COUNT) };
}

function enter({ mmu, vmcs, guest, counters }: Subject, reference: boolean): void {
  loadControls(mmu, vmcs, guest, counters);
  if (!reference) return;
  // No entry looks plain, and nothing is remembered about where leaves are.
  mmu.plainTableBits = -1;
  mmu.plainPageBits = -1;
  mmu.leafTables = { region: new Int32Array(1).fill(-1), firstLeaf: new Int32Array(1) };
}

/** What runAccesses promises, one access at a time. */
function runSlowly(
  subject: Subject,
  block: Int32Array,
  { budget, gap, gapDone }: Extract<ActionValue, { type: "run" }>,
): number {
  const { mmu, guest, counters } = subject;
  let cycles = 0;
  let wait = Math.max(0, gap - gapDone);
  let position = 0;
  mmu.logFilled = false;
  mmu.walkCycles = 0;
  mmu.l2Hits = 0;
  mmu.offset = 0;
  mmu.stop = Stop.blockEnd;
  for (; position < block.length; position++) {
    if (cycles + wait >= budget) {
      const rest = Math.max(0, budget - cycles);
      wait -= rest;
      cycles += rest;
      mmu.stop = Stop.horizon;
      break;
    }
    cycles += wait;
    wait = 0;
    const word = block[position]!;
    const kind = word & 3;
    const before = mmu.walkCycles;
    const outcome = translate(mmu, word >>> ACCESS_PAGE_SHIFT, NEEDS[kind]!);
    cycles += mmu.walkCycles - before;
    if (outcome !== Outcome.done) {
      mmu.stop = outcome;
      break;
    }
    cycles += mmu.costs.access;
    wait = gap;
    if (kind === 1 || kind === 3) counters[Counter.writes] = counters[Counter.writes]! + 1;
    const { page } = mmu;
    guest.truth[page >>> 4] = guest.truth[page >>> 4]! | (TRUTHS[kind]! << ((page & 15) * 2));
    if (guest.versions.length > 0 && (NEEDS[kind]! & 2) !== 0) {
      guest.versions[page] = guest.versions[page]! + 1;
    }
    if (mmu.logFilled) {
      mmu.stop = Stop.logFilled;
      position++;
      break;
    }
  }
  mmu.elapsed = cycles;
  mmu.gapLeft = wait;
  const walkCycles = mmu.walkCycles - mmu.l2Hits * mmu.costs.l2TlbHit;
  counters[Counter.accesses] = counters[Counter.accesses]! + position;
  counters[Counter.walkCycles] = counters[Counter.walkCycles]! + walkCycles;
  counters[Counter.guestCycles] = counters[Counter.guestCycles]! + cycles - walkCycles;
  return position;
}

function act(subject: Subject, value: SetupValue, one: ActionValue, reference: boolean): number {
  const { memory, ept, mmu, vmcs } = subject;
  switch (one.type) {
    case "run": {
      const words = one.accesses.flatMap(({ kind, page, repeat }) =>
        Array<number>(repeat).fill((page << ACCESS_PAGE_SHIFT) | kind),
      );
      const block = Int32Array.from(words);
      if (reference) return runSlowly(subject, block, one);
      return runAccesses(
        mmu,
        block,
        0,
        block.length,
        one.budget,
        one.gap,
        Math.max(0, one.gap - one.gapDone),
      );
    }
    case "clear":
      for (const { word, level } of eptPath(ept, one.page)) {
        if (level !== one.level) continue;
        memory.words[word] = memory.words[word]! & ~one.bits;
        if (!isLeaf(EPT, memory.words[word], level)) memory.structureChanged();
      }
      return 0;
    case "invept":
      flushEpt(mmu.tlb, ept.root);
      return 0;
    case "invlpg":
      flushPage(mmu.tlb, mmu.vpid, one.page);
      return 0;
    case "exit":
      leaveGuest(mmu);
      enter(subject, reference);
      return 0;
    case "drain":
      if (mmu.walkLog === null) writeField(vmcs, Field.logIndex, value.logEntries - 1);
      else {
        const full = readField(vmcs, Field.fullLogs);
        if (full !== 0) prlResetImage(vmcs, full, mmu.geometry);
        reloadLogs(vmcs);
      }
      return 0;
  }
}

function observe({ memory, mmu, vmcs, guest, counters }: Subject) {
  return {
    stop: mmu.stop,
    elapsed: mmu.elapsed,
    gapLeft: mmu.gapLeft,
    prlFull: mmu.logFilled,
    counters: readCounters(counters),
    memory: memory.arrays(),
    vmcs: vmcs.arrays(),
    tlb: mmu.tlb.arrays(),
    guest: guest.arrays(),
  };
}

/** All of observe() in a short text, because comparing every word with toEqual is slow. */
function digest(subject: Subject): string {
  const { stop, elapsed, gapLeft, prlFull, counters } = observe(subject);
  const { memory, vmcs, mmu, guest } = subject;
  const parts = [memory, vmcs, mmu.tlb, guest].map(digestPart);
  return JSON.stringify([stop, elapsed, gapLeft, prlFull, counters, ...parts]);
}

it("gives the same as one access at a time through the full walk", () => {
  const stops = new Set<number>();
  fc.assert(
    fc.property(setup, fc.array(action, { minLength: 1, maxLength: 12 }), (value, actions) => {
      const fast = build(value);
      const slow = build(value);
      enter(fast, false);
      enter(slow, true);
      for (const one of actions) {
        const retired = act(fast, value, one, false);
        expect(retired).toBe(act(slow, value, one, true));
        if (digest(fast) !== digest(slow)) expect(observe(fast)).toEqual(observe(slow));
        if (one.type === "run") stops.add(fast.mmu.stop);
      }
    }),
    { numRuns: 3000, seed: 20260801 },
  );
  // The generator reaches every way in which a burst can stop.
  expect([...stops].sort()).toEqual(Object.values(Stop).sort());
});
