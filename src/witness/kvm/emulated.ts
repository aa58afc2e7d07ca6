/** The emulator's answers: KVM's slots and logs of src/hypervisor/slots, and processors whose walks find what was written. */
import { COUNTER_COUNT } from "../../hardware/counters.ts";
import { createEpt, type Ept, eptPointer } from "../../hardware/ept.ts";
import { DEFAULT_GEOMETRY } from "../../hardware/geometry.ts";
import { GuestPages } from "../../hardware/guestPages.ts";
import { HostMemory } from "../../hardware/memory.ts";
import { leaveGuest, loadControls, Mmu } from "../../hardware/mmu.ts";
import { Access as EptAccess, Outcome } from "../../hardware/secondStageWalk.ts";
import { flushEpt } from "../../hardware/tlb.ts";
import { translate } from "../../hardware/translate.ts";
import {
  Field,
  PRIMARY_ACTIVATE_SECONDARY,
  SECONDARY_EPT,
  SECONDARY_UNRESTRICTED_GUEST,
  SECONDARY_VPID,
  Vmcs,
  writeField,
} from "../../hardware/vmcs.ts";
import { RING_MAX_ENTRIES, ringSoftFull } from "../../hypervisor/dirtyRing.ts";
import { drainLogs } from "../../hypervisor/drain.ts";
import { allotLog, LogPages } from "../../hypervisor/logPages.ts";
import { KvmMemory } from "../../hypervisor/slots/kvmMemory.ts";
import type { KvmError } from "../../hypervisor/slots/memorySlot.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { configuredUnits, WRITE_LOGS, writeLog } from "../../units/all.ts";
import type { Unit } from "../../units/unit.ts";
import { entriesText, pagesText, raceText } from "./answer.ts";
import type { Access, Command, KvmQuestion } from "./question.ts";

const PAGE_BYTES = 4096;
const VCPUS = 4;
/** The VMM's memory for one slot begins so many pages after that for the slot before. */
const USER_PAGES = (64 << 20) / PAGE_BYTES;

/** Accesses of a race between two harvests: what a kernel does in between differs from run to run. */
const RACE_STEP = 37;

/** What of the machine an answer may depend on. */
export interface KvmMachine {
  /** Whether the processors log writes (kvm_intel's parameter `pml`): a full log must fit into a ring beyond its limit. */
  readonly logs: boolean;
  /** Whether the kernel offers the ring together with bitmaps: not on x86. */
  readonly offersRingBitmap: boolean;
}

interface EmulatedVcpu {
  readonly mmu: Mmu;
  readonly vmcs: Vmcs;
  readonly guest: GuestPages;
  readonly counters: Float64Array;
  /** What the guest has still to do. */
  accesses: readonly Access[];
  done: number;
}

/**
 * The answers to a question, one for each of its commands.
 * @param Memory what keeps slots and logs: a test plants faults in it
 */
export function emulatedAnswers(
  { commands }: KvmQuestion,
  machine: KvmMachine,
  Memory: typeof KvmMemory = KvmMemory,
): string[] {
  const emulated = new EmulatedKvm(machine, Memory);
  return commands.map((command) => emulated.answer(command));
}

class EmulatedKvm {
  readonly #memory = new HostMemory(DEFAULT_GEOMETRY.indexBits);
  readonly #ept: Ept = createEpt(this.#memory, DEFAULT_GEOMETRY);
  readonly #machine: KvmMachine;
  readonly #unit: Unit | null;
  readonly #logs: LogPages;
  readonly #kvm: KvmMemory;
  readonly #vcpus: EmulatedVcpu[] = [];

  constructor(machine: KvmMachine, Memory: typeof KvmMemory) {
    const units = configuredUnits();
    this.#machine = machine;
    this.#unit = machine.logs ? writeLog(units, itemAt(WRITE_LOGS, 0)) : null;
    this.#logs = new LogPages(this.#memory, DEFAULT_GEOMETRY, VCPUS);
    this.#kvm = new Memory(this.#ept, {
      logEntries: this.#unit === null ? 0 : DEFAULT_GEOMETRY.logEntries,
      flush: () => {
        for (const { mmu } of this.#vcpus) flushEpt(mmu.tlb, this.#ept.root);
      },
    });
  }

  answer(command: Command): string {
    const kvm = this.#kvm;
    switch (command.op) {
      case "offers":
        return String(this.#offered(command.name));
      case "manual":
        return errorText(kvm.enableManualProtect(command.flags));
      case "ring":
        return errorText(kvm.enableRing(command.bytes));
      case "ringBitmap":
        return errorText(kvm.enableRingBitmap(this.#machine.offersRingBitmap));
      case "vcpu":
        this.#createVcpu();
        return "ok";
      case "slot": {
        const { id: slot, flags, address: guestAddress, bytes, user } = command;
        const userAddress = slot * USER_PAGES * PAGE_BYTES + user;
        return errorText(kvm.setRegion({ slot, flags, guestAddress, bytes, userAddress }));
      }
      case "get": {
        const pages = kvm.getDirtyLog(command.id);
        return typeof pages === "string" ? pages : pagesText(pages);
      }
      case "clear": {
        const { id, first, count, pages } = command;
        return errorText(kvm.clearDirtyLog(id, first, count, pages));
      }
      case "run": {
        const vcpu = itemAt(this.#vcpus, command.vcpu);
        vcpu.accesses = command.accesses;
        vcpu.done = 0;
        return this.#runOn(command.vcpu);
      }
      case "race":
        return this.#race(command);
      case "resume":
        return this.#runOn(command.vcpu);
      case "host":
        kvm.writtenByVmm(command.id * USER_PAGES + command.page);
        return "ok";
      case "collect":
        if (kvm.rings.length === 0) return "no ring";
        return entriesText(kvm.collect(command.vcpu, command.most));
      case "reset":
        return String(kvm.resetRings());
    }
  }

  #offered(name: (Command & { op: "offers" })["name"]): number {
    // KVM_DIRTY_LOG_MANUAL_CAPS: manual protect, and INITIALLY_SET.
    if (name === "manual") return 3;
    if (name === "ring") return RING_MAX_ENTRIES * 16;
    return this.#machine.offersRingBitmap ? 1 : 0;
  }

  #createVcpu(): void {
    const number = this.#kvm.createVcpu();
    const name = `vCPU ${number}`;
    const unit = this.#unit;
    const units = unit === null ? [] : [unit.processorSide(true)];
    const mmu = new Mmu(name, this.#memory, DEFAULT_GEOMETRY, { units });
    const vmcs = new Vmcs(name);
    writeField(vmcs, Field.primaryControls, PRIMARY_ACTIVATE_SECONDARY, 0);
    const ept = SECONDARY_EPT | SECONDARY_VPID | SECONDARY_UNRESTRICTED_GUEST;
    writeField(vmcs, Field.secondaryControls, ept | (unit?.enabling ?? 0), 0);
    writeField(vmcs, Field.eptPointer, ...eptPointer(this.#ept, unit !== null));
    writeField(vmcs, Field.vpid, number + 1);
    if (unit !== null) {
      allotLog(this.#logs, number);
      const frame = wordAt(this.#logs.frame, number);
      writeField(vmcs, Field.logAddress, frame << 12, frame >>> 20);
      unit.empty(vmcs, DEFAULT_GEOMETRY);
    }
    this.#vcpus.push({
      mmu,
      vmcs,
      guest: new GuestPages(name, 0, false),
      counters: new Float64Array(COUNTER_COUNT),
      accesses: [],
      done: 0,
    });
  }

  /** Takes the log after each few accesses, copies what it names, and compares the copies in the end. */
  #race({ vcpu: number, by, id, accesses }: Command & { op: "race" }): string {
    if (by === "collect" && this.#kvm.rings.length === 0) return "no ring";
    const vcpu = itemAt(this.#vcpus, number);
    const first = this.#kvm.slots.get(id)?.firstPage ?? 0;
    const [contents, copies] = [new Map<number, number>(), new Map<number, number>()];
    const logged = new Set<number>();
    const harvest = () => {
      for (const page of this.#take(by, id, number)) {
        logged.add(page);
        copies.set(page, contents.get(page) ?? 0);
      }
    };
    for (let at = 0; at < accesses.length; at += RACE_STEP) {
      vcpu.accesses = accesses.slice(at, at + RACE_STEP);
      vcpu.done = 0;
      for (let counted = 0; counted < vcpu.accesses.length; harvest()) {
        this.#runOn(number);
        for (; counted < vcpu.done; counted++) {
          const page = itemAt(vcpu.accesses, counted).address / PAGE_BYTES - first;
          contents.set(page, (contents.get(page) ?? 0) + 1);
        }
      }
    }
    const lost = [...contents].filter(([page, content]) => copies.get(page) !== content);
    return raceText(
      lost.length,
      [...logged].sort((a, b) => a - b),
    );
  }

  #take(by: (Command & { op: "race" })["by"], id: number, vcpu: number): readonly number[] {
    const kvm = this.#kvm;
    if (by === "collect") {
      const entries = kvm.collect(vcpu);
      kvm.resetRings();
      return entries.flatMap(({ slot, page }) => (slot === id ? [page] : []));
    }
    const pages = kvm.getDirtyLog(id);
    if (typeof pages === "string") throw new Error(`the log of slot ${id}: ${pages}`);
    if (by === "clear") kvm.clearDirtyLog(id, 0, kvm.slots.get(id)?.pages ?? 0, pages);
    return pages;
  }

  /** KVM_RUN: until the guest is done, or the VMM has something to do. A full ring is looked for before each entry. */
  #runOn(number: number): string {
    const vcpu = itemAt(this.#vcpus, number);
    const { mmu, vmcs, guest, counters, accesses } = vcpu;
    const ring = this.#kvm.rings[number];
    for (let entry = true; vcpu.done < accesses.length; ) {
      if (entry) {
        if (ring !== undefined && ringSoftFull(ring)) return `ringFull after ${vcpu.done}`;
        loadControls(mmu, vmcs, guest, counters);
      }
      const { write, address } = itemAt(accesses, vcpu.done);
      const page = address / PAGE_BYTES;
      const outcome = translate(mmu, page, write ? EptAccess.write : EptAccess.read);
      entry = outcome !== Outcome.done;
      if (!entry) {
        vcpu.done++;
        continue;
      }
      this.#leave(vcpu, number);
      if (outcome === Outcome.logFull) continue;
      if (outcome !== Outcome.eptViolation)
        throw new Error(`a guest's access ends with ${outcome}`);
      if (this.#kvm.serveViolation(number, page, write) === "device") {
        const text = `mmio 0x${address.toString(16)} after ${vcpu.done}`;
        vcpu.done++;
        return text;
      }
    }
    this.#leave(vcpu, number);
    return "done";
  }

  /** A VM exit: each drains the log (vmx_handle_exit). */
  #leave({ mmu, vmcs }: EmulatedVcpu, vcpu: number): void {
    leaveGuest(mmu);
    if (this.#unit === null) return;
    const at = { logs: this.#logs, unit: this.#unit, vcpu, vmcs };
    const newestFirst: number[] = [];
    drainLogs(at, (page) => newestFirst.push(page));
    // So that a ring has them in the order of the writes (vmx_flush_pml_buffer since Linux 6.14).
    for (const page of newestFirst.reverse()) this.#kvm.markGuestPage(vcpu, page);
  }
}

function errorText(error: KvmError | null): string {
  return error ?? "ok";
}
