/** One guest on one MMU, without actors: what the page-access loop is measured on. */
import { runAccesses, Stop } from "../../src/hardware/accessLoop.ts";
import { COUNTER_COUNT } from "../../src/hardware/counters.ts";
import {
  createEpt,
  type Ept,
  eptPointer,
  forEachLeaf,
  mapRange,
  ordinaryLeaf,
} from "../../src/hardware/ept.ts";
import { EPT } from "../../src/hardware/formats/ept.ts";
import { DEFAULT_GEOMETRY, logFrames } from "../../src/hardware/geometry.ts";
import { GuestPages } from "../../src/hardware/guestPages.ts";
import { DATA_FRAME_BASE, HostMemory } from "../../src/hardware/memory.ts";
import { loadControls, Mmu } from "../../src/hardware/mmu.ts";
import { flushEpt } from "../../src/hardware/tlb.ts";
import {
  clearVmcs,
  Field,
  PRIMARY_ACTIVATE_SECONDARY,
  readField,
  SECONDARY_EPT,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../../src/hardware/vmcs.ts";
import { buildGuestTables, enterPagingMode } from "../../src/hypervisor/guestTables.ts";
import { processorUnits } from "../../src/units/all.ts";
import { SECONDARY_PML } from "../../src/units/pml/walk.ts";
import { prlInitialIndex, prlResetImage, SECONDARY_PRL } from "../../src/units/prl/walk.ts";
import { reloadLogs } from "../../src/units/suspended.ts";

/** 1 GiB of 4 KiB pages. */
export const GIB_PAGES = 1 << 18;
/** Longest burst, in cycles: 100 us at 2.4 GHz, a scenario's default quantum. */
export const QUANTUM = 240_000;

export interface GuestOptions {
  readonly paging: "off" | "longMode";
  readonly log: "pml" | "prl";
}

export class BenchGuest {
  readonly mmu: Mmu;
  readonly pages: GuestPages;
  readonly counters = new Float64Array(COUNTER_COUNT);
  /** Calls of runAccesses so far. */
  bursts = 0;
  readonly #ept: Ept;
  readonly #vmcs = new Vmcs("vmcs");

  constructor({ paging, log }: GuestOptions) {
    const geometry = DEFAULT_GEOMETRY;
    const memory = new HostMemory(geometry.indexBits, 2048);
    const vmcs = this.#vmcs;
    this.#ept = createEpt(memory, geometry);
    mapRange(this.#ept, 0, DATA_FRAME_BASE, GIB_PAGES, 1, ordinaryLeaf(EPT));
    const tables =
      paging === "off" ? null : buildGuestTables(this.#ept, paging, GIB_PAGES, GIB_PAGES);
    const frame = memory.allocate(logFrames(geometry));
    writeField(vmcs, Field.eptPointer, ...eptPointer(this.#ept, true));
    writeField(vmcs, Field.logAddress, frame << 12, frame >>> 20);
    writeField(vmcs, Field.logIndex, prlInitialIndex(geometry.logEntries));
    writeField(vmcs, Field.vpid, 1);
    const logging = log === "prl" ? SECONDARY_PML | SECONDARY_PRL : SECONDARY_PML;
    writeField(vmcs, Field.primaryControls, PRIMARY_ACTIVATE_SECONDARY, 0);
    writeField(vmcs, Field.secondaryControls, SECONDARY_EPT | SECONDARY_VPID | logging);
    enterPagingMode(this.#ept, vmcs, paging, tables);
    clearVmcs(vmcs);
    this.mmu = new Mmu("mmu", memory, geometry, { units: processorUnits() });
    this.pages = new GuestPages("pages", GIB_PAGES + (tables?.count ?? 0), false);
    loadControls(this.mmu, vmcs, this.pages, this.counters);
  }

  /** A new round of tracking, as the hypervisor starts it: D cleared everywhere, then INVEPT. */
  arm(): void {
    const { words } = this.mmu.memory;
    const { dirty } = EPT;
    forEachLeaf(this.#ept, (word) => {
      words[word] = words[word]! & ~dirty;
    });
    flushEpt(this.mmu.tlb, this.#ept.root);
  }

  /** Performs a block in bursts of a quantum; full logs are emptied, unread. */
  run(block: Int32Array): void {
    const { mmu } = this;
    for (let at = 0; at < block.length; ) {
      at = runAccesses(mmu, block, at, block.length, QUANTUM, 0, 0);
      this.bursts++;
      if (mmu.stop === Stop.logFull || mmu.stop === Stop.logFilled) this.#emptyLog();
      else if (mmu.stop !== Stop.horizon && mmu.stop !== Stop.blockEnd) {
        throw new Error(`the guest stopped for another reason: ${mmu.stop}`);
      }
    }
  }

  #emptyLog(): void {
    const { logEntries } = this.mmu.geometry;
    if (this.mmu.dirtyLog !== null) writeField(this.#vmcs, Field.logIndex, logEntries - 1);
    else {
      prlResetImage(this.#vmcs, readField(this.#vmcs, Field.fullLogs), this.mmu.geometry);
      reloadLogs(this.#vmcs);
    }
  }
}
