/** The tracker's device and a guest alone, without messages. */
import { expect } from "vitest";
import { ACCESS_PAGE_SHIFT, AccessKind, runAccesses, Stop } from "../../src/hardware/accessLoop.ts";
import { forEachLeaf } from "../../src/hardware/ept.ts";
import { ExitReason } from "../../src/hardware/exit.ts";
import { loadControls } from "../../src/hardware/mmu.ts";
import { flushEpt } from "../../src/hardware/tlb.ts";
import { Field, readField, readField64, type Vmcs } from "../../src/hardware/vmcs.ts";
import { forEachMarked } from "../../src/hypervisor/dirtyBitmap.ts";
import type { HarvestMode, Technique } from "../../src/interconnect/messages.ts";
import { TrackerDevice } from "../../src/system/trackerDevice.ts";
import { World } from "../../src/system/world.ts";
import type { TrackingPlan } from "../../src/system/worldPlan.ts";
import { configOf, SIMPLE } from "./smallSystems.ts";

export const PAGES = 16;
export type LeafLevel = 1 | 2 | 3;
export interface Access {
  readonly kind: "read" | "write";
  readonly page: number;
}

function pageOf(vmcs: Vmcs): number {
  return Number(readField64(vmcs, Field.guestPhysicalAddress) >> 12n);
}

export class Bench {
  readonly #world: World;
  readonly #device: TrackerDevice;
  /** All of them, and those of misconfigured entries. */
  exits = 0;
  misconfigurations = 0;

  constructor(technique: Technique, leafLevel: LeafLevel, options: Partial<TrackingPlan> = {}) {
    const vcpus = [{ gap: 0, script: [] }];
    const vms = [{ pages: PAGES, paging: "off" as const, leafLevel: 1 as const, vcpus }];
    const { world } = configOf({ ...SIMPLE, indexBits: 2, technique, vms });
    this.#world = new World({
      ...world,
      vms: world.vms.map((vm) => ({ ...vm, leafLevel })),
      tracking: { ...world.tracking, ...options },
    });
    this.#device = new TrackerDevice(this.#world, 0);
    this.arm(technique);
  }

  arm(technique: Technique): void {
    if (technique === "none") return;
    this.#device.perform({ op: "arm", technique, pages: null });
    this.#invept();
  }

  disarm(): void {
    this.#device.perform({ op: "disarm" });
    this.#invept();
  }

  /** Level, rights and frame of each leaf, by its first page. */
  leaves(): Map<number, string> {
    const { ept } = this.#world.vms[0]!;
    const { words } = ept.memory;
    const leaves = new Map<number, string>();
    forEachLeaf(ept, (word, level, page) => {
      leaves.set(page, `${level} ${words[word]} ${words[word + 1]}`);
    });
    return leaves;
  }

  #invept(): void {
    for (const { tlb } of this.#world.mmus) flushEpt(tlb, this.#world.vms[0]!.ept.root);
  }

  access(kind: keyof typeof AccessKind, page: number): void {
    const mmu = this.#world.mmus[0]!;
    const { vmcs, counters } = this.#world.vcpus[0]!;
    const block = Int32Array.of((page << ACCESS_PAGE_SHIFT) | AccessKind[kind]);
    for (let tries = 0; tries < 5; tries++) {
      loadControls(mmu, vmcs, this.#world.vms[0]!.guest, counters.values);
      if (runAccesses(mmu, block, 0, 1, 1e6, 0, 0) === 1) return;
      this.exits++;
      const exit = { vcpu: 0, dispatcher: 0 };
      if (readField(vmcs, Field.exitReason) === ExitReason.eptMisconfiguration) this.#resolve(vmcs);
      else if (mmu.stop === Stop.logFull) this.#device.perform({ op: "serveLogFull", ...exit });
      else {
        const page = pageOf(vmcs);
        const qualification = readField(vmcs, Field.exitQualification);
        this.#device.perform({ op: "serveViolation", ...exit, page, qualification });
      }
    }
    expect.fail("the access never completes");
  }

  #resolve(vmcs: Vmcs): void {
    this.misconfigurations++;
    const page = pageOf(vmcs);
    this.#device.perform({ op: "resolveTypes", vcpu: 0, dispatcher: 0, page });
  }

  harvest(mode: HarvestMode): Set<number> {
    const { type } = this.#device.perform({ op: "harvest", mode, pages: null });
    // What takes a right or a flag away is followed by INVEPT; a look takes nothing away.
    expect(type).toBe(mode === "peek" ? "harvestPeeked" : "tablesChanged");
    if (mode === "clean") this.#invept();
    const pages = new Set<number>();
    forEachMarked(this.#world.vms[0]!.tracked.handedOver, (page) => pages.add(page));
    return pages;
  }
}
