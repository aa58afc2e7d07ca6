/** The state of one litmus test: its machine and vCPUs. */
import type { Ept } from "../hardware/ept.ts";
import type { EventDelivery } from "../hardware/events.ts";
import type { Geometry } from "../hardware/geometry.ts";
import type { GuestPages } from "../hardware/guestPages.ts";
import type { HostMemory } from "../hardware/memory.ts";
import { isSelected, type Mmu } from "../hardware/mmu.ts";
import { secondaryControls, type Vmcs } from "../hardware/vmcs.ts";
import type { Unit } from "../units/unit.ts";
import type { GuestTables } from "./guestTables.ts";
import { LitmusProblem } from "./problem.ts";

/** A virtual CPU: its VMCS, and the logical processor it runs on. */
export interface Vcpu {
  readonly name: string;
  readonly vmcs: Vmcs;
  readonly mmu: Mmu;
  readonly counters: Float64Array;
  readonly guest: GuestPages;
  /** Whether its processor is in VMX non-root operation with this VMCS. */
  inGuest: boolean;
  /** The event delivered last, so that it can be injected again. */
  lastEvent: EventDelivery | null;
  /** Logs that the handler has copied and not yet reset, one bit each. */
  copiedLogs: number;
  /** Registers of its processor that are units' own. */
  readonly registers: Map<string, number>;
}

export interface Machine {
  readonly memory: HostMemory;
  readonly geometry: Geometry;
  /** The page-logging units of its processors, in the order of their list. */
  readonly units: readonly Unit[];
  readonly ept: Ept;
  readonly tables: GuestTables;
  readonly vcpus: ReadonlyMap<string, Vcpu>;
  readonly first: Vcpu;
  /** Completed stores by guest-physical page: the contents of frames without bytes. */
  readonly stores: Map<number, number>;
  /** Whether every guest paging structure is at the host-physical address that is its guest-physical one. */
  readonly identityTables: boolean;
  /** Work that a test may still ask for, so that no text keeps the machine busy for ever. */
  budget: number;
  /** The step being taken, for complaints. */
  step: readonly PropertyKey[];
}

/** Takes from the test's budget. */
export function spend(machine: Machine, amount: number, path: readonly PropertyKey[]): void {
  machine.budget -= amount;
  if (machine.budget < 0) throw new LitmusProblem(path, "the test asks for too many operations");
}

/** The unit that a vCPU's controls select; where they select none, the first, whose index has no other meaning then. */
export function unitOf({ units }: Machine, { mmu, vmcs }: Vcpu): Unit {
  const secondary = secondaryControls(vmcs);
  const selected = mmu.units.findIndex((unit) => isSelected(mmu.units, unit, secondary));
  const unit = units[Math.max(0, selected)];
  if (unit === undefined) throw new Error("a machine without page-logging units");
  return unit;
}

/** Logs that a vCPU of a machine has room for. */
export function logsOf(units: readonly Unit[]): number {
  return Math.max(...units.map(({ logs }) => logs));
}
