import { expect, it } from "vitest";
import { COUNTER_COUNT } from "../../src/hardware/counters.ts";
import {
  createEpt,
  eptPointer,
  findLeaf,
  mapPage,
  mapRange,
  splitLeaf,
} from "../../src/hardware/ept.ts";
import { EPT_ACCESSED } from "../../src/hardware/formats/ept.ts";
import { DEFAULT_GEOMETRY } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { loadControls, Mmu } from "../../src/hardware/mmu.ts";
import { Access, Outcome } from "../../src/hardware/secondStageWalk.ts";
import { flushEpt } from "../../src/hardware/tlb.ts";
import { translate } from "../../src/hardware/translate.ts";
import {
  Field,
  PRIMARY_ACTIVATE_SECONDARY,
  SECONDARY_EPT,
  Vmcs,
  writeField,
} from "../../src/hardware/vmcs.ts";

/** A processor that remembers where the leaves of the first region are. */
function setup() {
  const memory = new HostMemory(9);
  const ept = createEpt(memory, DEFAULT_GEOMETRY);
  for (let page = 0; page < 512; page++) mapPage(ept, page, DATA_FRAME_BASE + page);
  const mmu = new Mmu("p", memory, DEFAULT_GEOMETRY);
  const vmcs = new Vmcs("v");
  const [low, high] = eptPointer(ept, true);
  writeField(vmcs, Field.eptPointer, low, high);
  writeField(vmcs, Field.primaryControls, PRIMARY_ACTIVATE_SECONDARY, 0);
  writeField(vmcs, Field.secondaryControls, SECONDARY_EPT);
  loadControls(mmu, vmcs, new GuestPages("g", 0, false), new Float64Array(COUNTER_COUNT));
  const read = (page: number) => {
    flushEpt(mmu.tlb, ept.root);
    expect(translate(mmu, page, Access.read)).toBe(Outcome.done);
  };
  read(3);
  read(3);
  return { memory, ept, read };
}

const accessed = ({ memory, ept }: ReturnType<typeof setup>, page: number) => {
  const leaf = findLeaf(ept, page);
  return leaf !== null && (memory.words[leaf.word]! & EPT_ACCESSED) !== 0;
};

it.each(["mapPage", "mapRange"])(
  "%s of a large page over a table is seen by the next walk",
  (how) => {
    const machine = setup();
    if (how === "mapPage") mapPage(machine.ept, 0, DATA_FRAME_BASE, 2);
    else mapRange(machine.ept, 0, DATA_FRAME_BASE, 512, 2);
    expect(accessed(machine, 3)).toBe(false);
    machine.read(3);
    expect(accessed(machine, 3)).toBe(true);
  },
);

it("a split is seen by the next walk", () => {
  const machine = setup();
  mapPage(machine.ept, 0, DATA_FRAME_BASE, 2);
  splitLeaf(machine.ept, findLeaf(machine.ept, 0)!);
  machine.read(7);
  expect(accessed(machine, 7)).toBe(true);
  expect(accessed(machine, 8)).toBe(false);
});
