/**
 * What KVM's memory slots and their logs do, rule by rule: steps of a machine and their answers, as kernels are asked them
 * (src/witness/kvm), and what no such step can show. Numbers are those of the rules' cases.
 */
import { describe, expect, it } from "vitest";
import { createEpt, type Ept, findLeaf, mapRange, ordinaryLeaf } from "../../src/hardware/ept.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { KvmMemory } from "../../src/hypervisor/slots/kvmMemory.ts";
import { SlotFlag } from "../../src/hypervisor/slots/memorySlot.ts";
import { emulatedAnswers } from "../../src/witness/kvm/emulated.ts";
import { loadQuestions } from "../../src/witness/kvm/question.ts";

interface Row {
  readonly number: number;
  readonly rule: string;
  /** Each step, and what it is answered. */
  readonly steps: readonly (readonly [step: string, answer: string])[];
  /** Whether its processors log writes. */
  readonly logs?: boolean;
  readonly offersRingBitmap?: boolean;
}

const LOGGING = "{region: 0, address: 0x100000, bytes: 0x80000, flags: [log]}";
const PLAIN = "{region: 0, address: 0x100000, bytes: 0x80000}";
const VCPU = "{vcpu: create}";

const ROWS: readonly Row[] = [
  {
    number: 201,
    rule: "a CLEAR that is not aligned is EINVAL, before anybody looks whether the slot logs",
    steps: [
      [PLAIN, "ok"],
      ["{clear: 0, first: 32, count: 64}", "EINVAL"],
      ["{clear: 0, first: 64, count: 64}", "ENOENT"],
    ],
  },
  {
    number: 202,
    rule: "the range of a CLEAR is of whole words, or ends with the slot",
    steps: [
      ["{region: 0, address: 0x1000000, bytes: 0x3e8000, flags: [log]}", "ok"],
      ["{clear: 0, first: 960, count: 40}", "ok"],
      ["{clear: 0, first: 960, count: 64}", "EINVAL"],
      ["{clear: 0, first: 0, count: 100}", "EINVAL"],
      ["{clear: 0, first: 0, count: 128}", "ok"],
      ["{clear: 0, first: 0, count: 0}", "ok"],
      ["{clear: 0, first: 1024, count: 0}", "EINVAL"],
    ],
  },
  {
    number: 203,
    rule: "a CLEAR does not arm a page of its mask that is not dirty",
    steps: [
      ["{manual: 3}", "ok"],
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{write: [0-127]}", "done"],
      ["{clear: 0, first: 0, count: 128, pages: [0-127]}", "ok"],
      ["{write: [5]}", "done"],
      ["{clear: 0, first: 0, count: 64, pages: [4, 6]}", "ok"],
      ["{get: 0}", "5"],
    ],
  },
  {
    number: 204,
    rule: "under manual protection a page that is written again after GET is what CLEAR leaves, and reported when it is written after it",
    steps: [
      ["{manual: 1}", "ok"],
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{write: [7]}", "done"],
      ["{get: 0}", "7"],
      ["{write: [7]}", "done"],
      ["{clear: 0, first: 0, count: 64, pages: [7]}", "ok"],
      ["{get: 0}", "none"],
      ["{write: [7]}", "done"],
      ["{get: 0}", "7"],
    ],
  },
  {
    number: 206,
    rule: "a slot that is made with logging begins clean, and its first write marks one page",
    steps: [
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{get: 0}", "none"],
      ["{write: [3]}", "done"],
      ["{get: 0}", "3"],
    ],
  },
  {
    number: 207,
    rule: "the first access to a page of a slot that logs reports it, though it is a read, and its first write is not reported again",
    steps: [
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{vmmWrites: [9]}", "ok"],
      ["{read: [9]}", "done"],
      ["{write: [9]}", "done"],
      ["{get: 0}", "9"],
      ["{get: 0}", "none"],
    ],
  },
  {
    number: 208,
    rule: "a log that is turned off and on again has nothing of what it had",
    steps: [
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{write: [1, 2]}", "done"],
      [PLAIN, "ok"],
      [LOGGING, "ok"],
      ["{get: 0}", "none"],
    ],
  },
  {
    number: 208,
    rule: "the same with INITIALLY_SET has all pages",
    steps: [
      ["{manual: 3}", "ok"],
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{clear: 0, first: 0, count: 128, pages: [0-127]}", "ok"],
      [PLAIN, "ok"],
      [LOGGING, "ok"],
      ["{get: 0}", "0-127"],
    ],
  },
  {
    number: 209,
    rule: "a slot that moves keeps its log by the page of the slot; one that is deleted takes it along",
    steps: [
      [LOGGING, "ok"],
      [VCPU, "ok"],
      ["{write: [5]}", "done"],
      ["{region: 0, address: 0x300000, bytes: 0x80000, flags: [log]}", "ok"],
      ["{get: 0}", "5"],
      ["{write: [5]}", "done"],
      ["{region: 0, address: 0x300000, bytes: 0}", "ok"],
      ["{get: 0}", "ENOENT"],
    ],
  },
  {
    number: 210,
    rule: "when a slot is deleted the pages of another fault again, and none of them is missed",
    steps: [
      [PLAIN, "ok"],
      ["{region: 1, address: 0x200000, bytes: 0x80000, flags: [log]}", "ok"],
      [VCPU, "ok"],
      ["{write: [1-3], slot: 1}", "done"],
      ["{get: 1}", "1-3"],
      ["{region: 0, address: 0x100000, bytes: 0}", "ok"],
      ["{read: [2], slot: 1}", "done"],
      ["{write: [3], slot: 1}", "done"],
      ["{get: 1}", "2-3"],
    ],
  },
  {
    number: 212,
    rule: "a ring of 4,096 entries beside a log of 512 is full at 3,520, and one entry less lets its vCPU run",
    logs: true,
    steps: [
      // The last entry is that of a write that is done after the reset.
      ["{ring: 65536}", "ok"],
      ["{region: 0, address: 0x1000000, bytes: 0x1000000, flags: [log]}", "ok"],
      [VCPU, "ok"],
      ["{write: [0-3600]}", "ringFull after 3519"],
      ["{resume: 0}", "ringFull after 3519"],
      ["{collect: 0, most: 1}", "slot 0: 0"],
      ["{reset: true}", "1"],
      ["{resume: 0}", "ringFull after 3520"],
    ],
  },
  {
    number: 215,
    rule: "there is no reset without a ring, and one of nothing is 0",
    steps: [["{reset: true}", "EINVAL"]],
  },
  {
    number: 215,
    rule: "a reset of nothing is 0",
    steps: [
      ["{ring: 65536}", "ok"],
      ["{reset: true}", "0"],
    ],
  },
  {
    number: 215,
    rule: "a bitmap beside the ring comes before the first slot",
    offersRingBitmap: true,
    steps: [
      ["{ring: 65536}", "ok"],
      [PLAIN, "ok"],
      ["{ringBitmap: true}", "EINVAL"],
    ],
  },
];

function answersOf({ steps, logs = false, offersRingBitmap = false }: Row): string[] {
  const lines = steps.map(([step]) => `      - ${step}`).join("\n");
  const text = `questions:\n  - name: row\n    source: row\n    steps:\n${lines}\n`;
  const [question] = loadQuestions("row.kvm.yaml", text);
  return emulatedAnswers(question!, { logs, offersRingBitmap });
}

describe("a machine's steps", () => {
  it.each(ROWS)("$number: $rule", (row) => {
    expect(answersOf(row)).toEqual(row.steps.map(([, answer]) => answer));
  });
});

const FIRST = 512;
const PAGES = 1024;

/** Two leaves of 2 MiB, and a slot over them that does not log yet. */
function largeLeaves(manual: number) {
  const ept = createEpt(new HostMemory(DEFAULT_GEOMETRY.indexBits), DEFAULT_GEOMETRY);
  let flushes = 0;
  const kvm = new KvmMemory(ept, { logEntries: 0, flush: () => flushes++ });
  mapRange(ept, FIRST, DATA_FRAME_BASE + FIRST, PAGES, 2, ordinaryLeaf(ept.format));
  kvm.enableManualProtect(manual);
  kvm.setRegion(region(0));
  return { ept, kvm, flushes: () => flushes };
}

function region(flags: number) {
  const at = FIRST * 4096;
  return { slot: 0, flags, guestAddress: at, bytes: PAGES * 4096, userAddress: at };
}

function isWritable(ept: Ept, page: number): boolean {
  const leaf = findLeaf(ept, page)!;
  return (ept.memory.words[leaf.word]! & ept.format.write) !== 0;
}

describe("what no step shows", () => {
  it("205: with INITIALLY_SET nothing is armed, split or flushed before the first CLEAR, which arms the leaf of its word alone", () => {
    const { ept, kvm, flushes } = largeLeaves(3);
    expect(kvm.setRegion(region(SlotFlag.log))).toBeNull();
    expect([findLeaf(ept, FIRST)!.level, flushes()]).toEqual([2, 0]);
    expect([FIRST, FIRST + 512].map((page) => isWritable(ept, page))).toEqual([true, true]);
    expect(kvm.clearDirtyLog(0, 512, 64, [512, 513])).toBeNull();
    expect([FIRST, FIRST + 512].map((page) => isWritable(ept, page))).toEqual([true, false]);
    expect(flushes()).toBe(1);
  });

  it("203: a CLEAR of nothing that is dirty flushes nobody", () => {
    const { ept, kvm, flushes } = largeLeaves(3);
    kvm.setRegion(region(SlotFlag.log));
    kvm.clearDirtyLog(0, 0, PAGES, [3]);
    const before = flushes();
    expect(kvm.clearDirtyLog(0, 0, 64, [3])).toBeNull();
    expect([flushes(), isWritable(ept, FIRST)]).toEqual([before, false]);
  });

  it("211: what is in a log that nobody has drained is in the next GET, if not in this one", () => {
    const { kvm } = largeLeaves(0);
    kvm.setRegion(region(SlotFlag.log));
    // A vCPU in guest mode has written; it drains its log when it leaves, whoever has asked meanwhile.
    const undrained = [FIRST + 3, FIRST + 4];
    kvm.markGuestPage(0, FIRST + 9);
    const gets = [kvm.getDirtyLog(0)];
    for (const page of undrained) kvm.markGuestPage(0, page);
    gets.push(kvm.getDirtyLog(0));
    expect(gets).toEqual([[9], [3, 4]]);
  });

  it("213: a write without a vCPU is recorded nowhere beside a ring, and in the bitmap where there is one", () => {
    const marked = (withBitmap: boolean) => {
      const ept = createEpt(new HostMemory(DEFAULT_GEOMETRY.indexBits), DEFAULT_GEOMETRY);
      const kvm = new KvmMemory(ept, { logEntries: 0, flush: () => {} });
      kvm.enableRing(65_536);
      if (withBitmap) kvm.enableRingBitmap(true);
      kvm.setRegion(region(SlotFlag.log));
      kvm.createVcpu();
      const isRecorded = kvm.markGuestPage(null, FIRST + 2);
      return [isRecorded, kvm.collect(0), kvm.getDirtyLog(0)];
    };
    expect(marked(false)).toEqual([false, [], "ENXIO"]);
    expect(marked(true)).toEqual([true, [], [2]]);
  });

  it("214: what a vCPU emulates goes into its own ring, whoever the page belongs to", () => {
    const ept = createEpt(new HostMemory(DEFAULT_GEOMETRY.indexBits), DEFAULT_GEOMETRY);
    const kvm = new KvmMemory(ept, { logEntries: 0, flush: () => {} });
    kvm.enableRing(65_536);
    kvm.setRegion(region(SlotFlag.log));
    kvm.createVcpu();
    kvm.createVcpu();
    const [stackOfVcpu1, stealTimeOfVcpu1] = [FIRST + 1, FIRST + 2];
    kvm.markGuestPage(0, stackOfVcpu1);
    kvm.markGuestPage(1, stealTimeOfVcpu1);
    expect([kvm.collect(0), kvm.collect(1)]).toEqual([
      [{ slot: 0, page: 1 }],
      [{ slot: 0, page: 2 }],
    ]);
  });

  it("a read that finds its page mapped by another vCPU gives nobody the right to write", () => {
    const ept = createEpt(new HostMemory(DEFAULT_GEOMETRY.indexBits), DEFAULT_GEOMETRY);
    const kvm = new KvmMemory(ept, { logEntries: 0, isPopulated: true, flush: () => {} });
    kvm.setRegion(region(SlotFlag.readOnly));
    const served = [0, 1].map((vcpu) => kvm.serveViolation(vcpu, FIRST, false));
    expect([served, isWritable(ept, FIRST)]).toEqual([["retry", "retry"], false]);
  });
});
