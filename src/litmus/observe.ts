/** What is noted before a step, so that its effects can be told afterwards. */

import { Counter } from "../hardware/counters.ts";
import { loadGuestMode } from "../hardware/mmu.ts";
import { digestPart } from "../hardware/part.ts";
import { findInLevel, META_LARGE, type TlbLevel } from "../hardware/tlb.ts";
import { Field, readField, readField64 } from "../hardware/vmcs.ts";
import { highWord, lowWord } from "../hardware/words.ts";
import { numberAt, wordAt } from "../lookup.ts";
import type { VmcsWords } from "../units/unit.ts";
import { permissionText } from "./eptItems.ts";
import { logsOf, type Machine, unitOf, type Vcpu } from "./state.ts";
import { logEntry } from "./vmmSteps.ts";

/** State before a step. Digests are taken only for what the step's expectations compare. */
export interface Before {
  readonly index: number;
  readonly vmcs: VmcsWords;
  readonly rip: bigint;
  readonly counters: Float64Array;
  readonly memory: string | null;
  readonly log: string | null;
  readonly tlb: string | null;
}

/** Notes the state of a vCPU and, where asked, of memory, log and TLB. */
export function observe(machine: Machine, vcpu: Vcpu, compared: readonly string[]): Before {
  const { vmcs } = vcpu;
  return {
    index: readField(vmcs, Field.logIndex),
    vmcs: { words: vmcs.words.slice(), image: vmcs.image.slice() },
    rip: readField64(vmcs, Field.guestRip),
    counters: vcpu.counters.slice(),
    memory: compared.includes("memory") ? memoryDigest(machine) : null,
    log: compared.includes("log") ? logDigest(machine, vcpu) : null,
    tlb: compared.includes("tlb") ? digestPart(vcpu.mmu.tlb) : null,
  };
}

/** All words with bytes: EPT, guest paging structures, logs. The processor's rolling digest is not memory. */
function memoryDigest({ memory }: Machine): string {
  const { state: _, ...bytes } = memory.arrays();
  return digestPart({ name: "memory", arrays: () => bytes });
}

function logDigest(machine: Machine, vcpu: Vcpu): string {
  const { logEntries } = machine.geometry;
  const logs = logsOf(machine.units);
  const words = new Int32Array(2 * logs * logEntries);
  for (let slot = 0; slot < logs * logEntries; slot++) {
    const entry = logEntry(machine, vcpu, Math.floor(slot / logEntries), slot % logEntries);
    words.set([lowWord(entry), highWord(entry)], 2 * slot);
  }
  return digestPart({ name: "log", arrays: () => ({ words }) });
}

/** How much a counter has grown since. */
export function grown(vcpu: Vcpu, before: Before, counter: number): number {
  return numberAt(vcpu.counters, counter) - numberAt(before.counters, counter);
}

/** The GPAs logged since, in order, from the slots that the rules give them. */
export function loggedSince(machine: Machine, vcpu: Vcpu, before: Before): number[] {
  const count = grown(vcpu, before, Counter.logEntries);
  const slots = unitOf(machine, vcpu).nextSlots(before.vmcs, count, machine.geometry);
  return slots.map(([log, slot]) => Number(logEntry(machine, vcpu, log, slot)));
}

/** The rights that the TLB holds for a linear page in the vCPU's present space; "none" without an entry. */
export function cachedRights(vcpu: Vcpu, linearPage: number): string {
  const { mmu } = vcpu;
  const { tlb } = mmu;
  if (mmu.vmcs === vcpu.vmcs) loadGuestMode(mmu);
  const tag = linearPage >>> tlb.largeBits;
  const places: [TlbLevel, number, number][] = [
    [tlb.l1, linearPage, mmu.space],
    [tlb.l2, linearPage, mmu.space],
    [tlb.l1Large, tag, mmu.space | META_LARGE],
    [tlb.l2, tag, mmu.space | META_LARGE],
  ];
  for (const [level, wanted, meta] of places) {
    const found = findInLevel(level, wanted, meta);
    const rights = found < 0 ? 0 : wordAt(level.meta, found) & 7;
    if (rights !== 0) return permissionText(rights);
  }
  return "-";
}
