/** The device of a tracker actor: the VM's EPT entries, logs, VMCS fields and bitmap. */
import type { TrackerReply, TrackerRequest } from "../../machines/tracker.ts";
import { eptPointer } from "../hardware/ept.ts";
import { Qualification } from "../hardware/exit.ts";
import { logFrames } from "../hardware/geometry.ts";
import { prlInitialIndex } from "../hardware/pageReferenceLog.ts";
import {
  clearVmcs,
  Field,
  readField,
  SECONDARY_PML,
  SECONDARY_PRL,
  SECONDARY_PRL_FILTER,
  type Vmcs,
  writeField,
} from "../hardware/vmcs.ts";
import type { HypervisorCosts } from "../hypervisor/costs.ts";
import { clearOccurrences, countPages, forEachOccurrence } from "../hypervisor/cumulativeBuffer.ts";
import { clearMarks, countMarked, forEachMarked, markDirty } from "../hypervisor/dirtyBitmap.ts";
import { copyPrlLog, drainPmlLog } from "../hypervisor/drain.ts";
import {
  armAll,
  type DirtyTechnique,
  disarmAll,
  fixWrite,
  rearmMarked,
} from "../hypervisor/logDirty.ts";
import type { Device } from "../interconnect/emissions.ts";
import type { HarvestMode, Message, Technique } from "../interconnect/messages.ts";
import { prlView } from "./pvmDevice.ts";
import type { VmState, World } from "./world.ts";

type Harvested = Extract<Message, { type: "harvested" }>;

export interface TrackerOptions {
  readonly costs: HypervisorCosts;
  /** DW19's bit 27: keep guest page-table pages out of the PRL log. */
  readonly filterGuestTables: boolean;
}

export class TrackerDevice implements Device<TrackerRequest, TrackerReply> {
  readonly #world: World;
  readonly #vm: VmState;
  readonly #options: TrackerOptions;
  #technique: Technique = "none";

  constructor(world: World, vm: number, options: TrackerOptions) {
    this.#world = world;
    this.#vm = world.vms[vm]!;
    this.#options = options;
  }

  /** Told by the system when a snapshot is restored: the technique is the machine's state. */
  set technique(technique: Technique) {
    this.#technique = technique;
  }

  perform(request: TrackerRequest): TrackerReply {
    switch (request.op) {
      case "arm":
        return this.#arm(request.technique);
      case "harvest":
        return this.#harvest(request.mode);
      case "disarm":
        return this.#disarm();
      case "drainLog":
        return this.#drainLog(request.vcpu, request.dispatcher);
      case "fixViolation":
        return this.#fixViolation(request.page, request.qualification, request.dispatcher);
    }
  }

  /** Xen's order: log pages and controls of every vCPU, then A/D flags (vmx_domain_enable_pml, ept_enable_pml). */
  #arm(technique: Technique): TrackerReply {
    const { costs } = this.#options;
    this.#technique = technique;
    clearMarks(this.#vm.bitmap);
    clearOccurrences(this.#vm.buffer);
    let leaves = 0;
    if (technique === "pml" || technique === "prl") {
      for (const vcpu of this.#vm.vcpus) this.#enableLog(vcpu, technique);
    }
    if (technique === "pml" || technique === "writeProtect") {
      leaves = armAll(this.#vm.ept, technique);
    }
    const cycles = leaves * costs.protectPage;
    return { type: "tablesChanged", cycles, answer: { type: "armed", technique } };
  }

  #enableLog(vcpu: number, technique: Technique): void {
    const { memory, devices, config } = this.#world;
    const { geometry } = config;
    if (devices.logFrame[vcpu] === 0) {
      devices.logFrame[vcpu] = memory.allocate(2 * logFrames(geometry));
    }
    const frame = devices.logFrame[vcpu]!;
    const { vmcs } = this.#world.vcpus[vcpu]!;
    writeField(vmcs, Field.pmlAddress, frame << 12, frame >>> 20);
    resetLog(vmcs, geometry.logEntries);
    let controls = readField(vmcs, Field.secondaryControls) | SECONDARY_PML;
    if (technique === "prl") controls |= SECONDARY_PRL;
    if (this.#options.filterGuestTables) controls |= SECONDARY_PRL_FILTER;
    writeField(vmcs, Field.secondaryControls, controls);
    writeField(vmcs, Field.eptPointer, ...eptPointer(this.#vm.ept, true));
    clearVmcs(vmcs);
  }

  /** The VM is paused: every log is drained, then the bitmap read, then the pages armed again (paging_log_dirty_op). */
  #harvest(mode: HarvestMode): TrackerReply {
    const { costs } = this.#options;
    const { bitmap, buffer, ept } = this.#vm;
    let entries = 0;
    if (this.#technique === "pml") entries = this.#drainAllPml();
    if (this.#technique === "prl") entries = this.#drainAllPrl();
    const answer = this.#count();
    const entryCost = this.#technique === "prl" ? costs.prlEntry : costs.drainEntry;
    const cycles = entries * entryCost + countMarked(bitmap) * costs.protectPage;
    if (mode === "peek") return { type: "harvestPeeked", cycles, answer };
    if (this.#technique === "pml" || this.#technique === "writeProtect") {
      rearmMarked(ept, this.#technique, bitmap);
    }
    clearMarks(bitmap);
    clearOccurrences(buffer);
    return { type: "tablesChanged", cycles, answer };
  }

  /** What a dirty-page technique, or PRL, can say; null where it cannot. */
  #count(): Harvested {
    const { bitmap, buffer, config, reported } = this.#vm;
    if (this.#technique === "prl") {
      forEachOccurrence(buffer, (page) => markDirty(reported, page));
      const pagesTouched = countPages(buffer, 1, config.pages);
      const guestPageTables = countPages(buffer, 1, Number.POSITIVE_INFINITY) - pagesTouched;
      return { type: "harvested", pagesWritten: null, pagesTouched, guestPageTables };
    }
    let guestPageTables = 0;
    forEachMarked(bitmap, (page) => {
      markDirty(reported, page);
      if (page >= config.pages) guestPageTables++;
    });
    const pagesWritten = countMarked(bitmap) - guestPageTables;
    return { type: "harvested", pagesWritten, pagesTouched: null, guestPageTables };
  }

  /** Drains first, then clears the controls, then the entries become ordinary again (vmx_domain_disable_pml). */
  #disarm(): TrackerReply {
    let entries = 0;
    if (this.#technique === "pml") entries = this.#drainAllPml();
    if (this.#technique === "prl") entries = this.#drainAllPrl();
    for (const vcpu of this.#vm.vcpus) {
      const { vmcs } = this.#world.vcpus[vcpu]!;
      const logging = SECONDARY_PML | SECONDARY_PRL | SECONDARY_PRL_FILTER;
      const controls = readField(vmcs, Field.secondaryControls) & ~logging;
      writeField(vmcs, Field.secondaryControls, controls);
      writeField(vmcs, Field.eptPointer, ...eptPointer(this.#vm.ept, false));
      clearVmcs(vmcs);
    }
    const leaves = disarmAll(this.#vm.ept);
    this.#technique = "none";
    const { drainEntry, protectPage } = this.#options.costs;
    const cycles = entries * drainEntry + leaves * protectPage;
    return { type: "tablesChanged", cycles, answer: { type: "disarmed" } };
  }

  #drainLog(vcpu: number, dispatcher: number): TrackerReply {
    const { costs } = this.#options;
    const entries = this.#drainPml(vcpu);
    const cycles = costs.drainHandler + entries * costs.drainEntry;
    return { type: "exitServed", dispatcher, fixed: true, cycles, drainedVcpu: vcpu };
  }

  #drainPml(vcpu: number): number {
    const { memory, config } = this.#world;
    const { vmcs } = this.#world.vcpus[vcpu]!;
    return drainPmlLog(memory, vmcs, config.geometry.logEntries, this.#vm.bitmap);
  }

  #drainAllPml(): number {
    let entries = 0;
    for (const vcpu of this.#vm.vcpus) entries += this.#drainPml(vcpu);
    return entries;
  }

  /** Full logs that no handler is working on, and the log being filled. */
  #drainAllPrl(): number {
    const { devices, config } = this.#world;
    let entries = 0;
    for (const vcpu of this.#vm.vcpus) {
      const { vmcs } = this.#world.vcpus[vcpu]!;
      const view = prlView(this.#world, vcpu);
      const index = readField(vmcs, Field.pmlIndex);
      const active = readField(vmcs, Field.prlActiveLog);
      const full = readField(vmcs, Field.prlFullLogs) & ~devices.handledLogs[vcpu]!;
      for (let log = 0; log < 2; log++) {
        if ((full & (1 << log)) !== 0) entries += copyPrlLog(view, log, -1, this.#vm.buffer);
      }
      if (index >= 0) entries += copyPrlLog(view, active, index, this.#vm.buffer);
      devices.handledLogs[vcpu] = 0;
      resetLog(vmcs, config.geometry.logEntries);
      clearVmcs(vmcs);
    }
    return entries;
  }

  #fixViolation(page: number, qualification: number, dispatcher: number): TrackerReply {
    const { costs } = this.#options;
    const technique = this.#technique;
    const write = (qualification & Qualification.write) !== 0;
    const ours = write && (technique === "pml" || technique === "writeProtect");
    const fix = ours
      ? fixWrite(this.#vm.ept, technique as DirtyTechnique, this.#vm.bitmap, page)
      : "notOurs";
    const cycles = costs.violationHandler + (fix === "split" ? costs.splitHandler : 0);
    return {
      type: "exitServed",
      dispatcher,
      fixed: fix !== "notOurs",
      cycles,
      drainedVcpu: -1,
    };
  }
}

/** An empty log: the index at its last entry, nothing suspended. */
function resetLog(vmcs: Vmcs, logEntries: number): void {
  writeField(vmcs, Field.pmlIndex, prlInitialIndex(logEntries));
  writeField(vmcs, Field.prlActiveLog, 0);
  writeField(vmcs, Field.prlFullLogs, 0);
}
