/** Tracked VMs that have a model, each with its size. */
import type { Technique } from "../interconnect/messages.ts";
import type { DmaTrackingKind } from "../system/worldPlan.ts";
import { DESIGNED } from "../units/all.ts";
import { operatorCommands } from "./models/operatorCommands.ts";
import type { TrackingOptions } from "./models/tracking.ts";
import { ACCESSES, modelOf, WRITES } from "./usualUnits.ts";

export interface TrackingEntry {
  readonly name: string;
  readonly what: string;
  readonly technique: Technique;
  /** vCPUs of each VM. */
  readonly vcpus: readonly number[];
  /** Physical CPUs; default: one for each vCPU. */
  readonly cpus?: number;
  readonly pages: number;
  readonly logEntries: number;
  readonly reads: 0 | 1;
  /** Default 1. */
  readonly harvests?: 0 | 1;
  /** Of the EPT; default 1. With large leaves 2 at least. */
  readonly levels?: 1 | 2;
  /** Of PRL's handler; default 2, so that a log that is full again is served at once, and also later. */
  readonly budget?: 1 | 2;
  /** PRL: what a page's log entries are counted to, default 1. */
  readonly counts?: number;
  /** Entries in a piece of the tracker's work, while the VM runs; default: it stands still for the whole. */
  readonly piece?: number;
  /** The VM has memory slots, which its VMM changes, or not. */
  readonly slots?: "changed" | "still";
  /** A device that writes the VM's memory: who knows what, and how many requests wait for their marks at most. */
  readonly device?: readonly [tracking: DmaTrackingKind, depth: number];
  readonly more?: Partial<TrackingOptions>;
  /** Of a unit as a scenario may design one; what else it says are parameters. */
  readonly design?: Design;
}

/** What decides which properties there are. */
export interface Design {
  readonly trigger: "dirtyBit";
  readonly whenFull: "exit" | "interrupt";
}

export const ENTRIES: readonly TrackingEntry[] = [
  {
    name: WRITES.name,
    what: `${WRITES.label} on one vCPU`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 3,
    logEntries: 2,
    reads: 1,
  },
  {
    name: "operator",
    what: `${WRITES.label}, and a person who harvests, switches trackers and holds a vCPU`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    more: { commands: operatorCommands(1, [WRITES.name, "writeProtect"]) },
  },
  {
    name: modelOf(WRITES, "halts"),
    what: `${WRITES.label} on one vCPU, whose guest may halt at any access`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    more: { halts: true },
  },
  {
    name: modelOf(WRITES, "two-vcpus"),
    what: `${WRITES.label} on two vCPUs that share their entries`,
    technique: WRITES.name,
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
  },
  {
    name: modelOf(WRITES, "three-vcpus"),
    what: `${WRITES.label} on three vCPUs that share their entries, with one harvest`,
    technique: WRITES.name,
    vcpus: [3],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
  },
  {
    name: modelOf(WRITES, "crowded"),
    what: `${WRITES.label} on two vCPUs that take turns on one CPU`,
    technique: WRITES.name,
    vcpus: [2],
    cpus: 1,
    pages: 2,
    logEntries: 1,
    reads: 0,
  },
  {
    name: modelOf(WRITES, "large-leaves"),
    what: `${WRITES.label} over large leaves, which lose the right to be written, and are split at the first write`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    levels: 2,
    more: { leafLevel: 2 },
  },
  {
    name: ACCESSES.name,
    what: `${ACCESSES.label} on one vCPU`,
    technique: ACCESSES.name,
    vcpus: [1],
    pages: 3,
    logEntries: 2,
    reads: 1,
  },
  {
    name: modelOf(ACCESSES, "two-logs"),
    what: `${ACCESSES.label} with two logs for each vCPU`,
    technique: ACCESSES.name,
    vcpus: [1],
    pages: 4,
    logEntries: 2,
    reads: 0,
    budget: 1,
    more: { units: { [ACCESSES.name]: { doubleBuffer: true } } },
  },
  {
    name: modelOf(ACCESSES, "two-vms"),
    what: `${ACCESSES.label} with two VMs on one pVM CPU`,
    technique: ACCESSES.name,
    vcpus: [1, 1],
    pages: 3,
    logEntries: 2,
    reads: 0,
    harvests: 0,
  },
  {
    name: modelOf(ACCESSES, "two-vcpus"),
    what: `${ACCESSES.label} on two vCPUs of one VM, with one harvest`,
    technique: ACCESSES.name,
    vcpus: [2],
    pages: 2,
    logEntries: 2,
    reads: 0,
    harvests: 0,
    budget: 1,
    more: { tlbPages: 1 },
  },
  {
    name: modelOf(ACCESSES, "counts"),
    what: `${ACCESSES.label} with a TLB of one page, so that a page is logged again and again, and with counts up to three`,
    technique: ACCESSES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 3,
    reads: 0,
    budget: 1,
    counts: 3,
    more: { tlbPages: 1 },
  },
  {
    name: modelOf(ACCESSES, "counted-later"),
    what: `${ACCESSES.label}, whose handler only copies: a process of the pVM counts after the reset`,
    technique: ACCESSES.name,
    vcpus: [1],
    // As many as fill the log twice, and no harvest that flushes the TLB: where there is no time, a guest that fills its
    // log again and again leaves a process none.
    pages: 4,
    logEntries: 2,
    reads: 0,
    harvests: 0,
    budget: 1,
    more: { units: { [ACCESSES.name]: { counting: "process" } } },
  },
  {
    name: modelOf(ACCESSES, "two-pvm-cpus"),
    what: `${ACCESSES.label} with two VMs, each one's handler on a pVM CPU of its own`,
    technique: ACCESSES.name,
    vcpus: [1, 1],
    pages: 2,
    logEntries: 2,
    reads: 0,
    harvests: 0,
    more: { pvmCpus: 2, handlerCpus: [0, 1] },
  },
  {
    name: modelOf(DESIGNED, "stops"),
    what: "a scenario's own log of first writes, which stops the guest when it is full",
    technique: DESIGNED.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    design: { trigger: "dirtyBit", whenFull: "exit" },
  },
  {
    name: modelOf(DESIGNED, "interrupts"),
    what: "a scenario's own log of first writes, which interrupts the pVM when it is full, and drops meanwhile",
    technique: DESIGNED.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    design: { trigger: "dirtyBit", whenFull: "interrupt" },
  },
  {
    name: "write-protection",
    what: "write protection and the INVEPT handshake on one vCPU",
    technique: "writeProtect",
    vcpus: [1],
    pages: 3,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "write-protection-two-vcpus",
    what: "the same on two vCPUs",
    technique: "writeProtect",
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
  },
  {
    name: "write-protection-two-vms",
    what: "write protection of two VMs on one CPU, whose dispatcher flushes for both",
    technique: "writeProtect",
    vcpus: [1, 1],
    cpus: 1,
    pages: 1,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "write-protection-large-leaves",
    what: "write protection over large leaves, which are split at the first write",
    technique: "writeProtect",
    vcpus: [1],
    pages: 4,
    logEntries: 1,
    reads: 0,
    levels: 2,
    more: { leafLevel: 2 },
  },
  {
    name: "present-bit",
    what: "present-bit invalidation on one vCPU",
    technique: "presentBit",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "accessed-dirty-scan",
    what: "scanning A and D flags on one vCPU",
    technique: "accessedDirtyScan",
    vcpus: [1],
    pages: 3,
    logEntries: 1,
    reads: 1,
  },
  {
    name: "dirty-ring",
    what: "KVM's dirty ring, fed by write protection",
    technique: "dirtyRing",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    more: { ringEntries: 4, ringReserved: 2 },
  },
  {
    name: "dirty-ring-two-vcpus",
    what: "the same on two vCPUs: INVEPT while a guest runs",
    technique: "dirtyRing",
    vcpus: [2],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    more: { ringEntries: 4, ringReserved: 2 },
  },
  {
    name: "dirty-ring-both-full",
    what: "two vCPUs whose rings are full with one entry: both wait for user space at once",
    technique: "dirtyRing",
    vcpus: [2],
    pages: 1,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    more: { ringEntries: 4, ringReserved: 3 },
  },
  {
    name: `dirty-ring-${WRITES.name}`,
    what: `KVM's dirty ring, fed by ${WRITES.label}`,
    technique: "dirtyRing",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    // One entry is its soft limit: the first log that is drained into it fills it.
    more: { ringEntries: 4, ringReserved: 2, ringSource: WRITES.name },
  },
  {
    name: "write-protection-in-pieces",
    what: "write protection of a VM that runs while its pages are armed and harvested, one by one",
    technique: "writeProtect",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    piece: 1,
  },
  {
    name: modelOf(WRITES, "in-pieces"),
    what: `${WRITES.label} on a VM that runs, and fills its log, while its pages are armed and harvested, one by one`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    piece: 1,
  },
  {
    name: "operator-in-pieces",
    what: `write protection of a VM that runs, page by page, and a person who harvests, and switches to ${WRITES.label}`,
    technique: "writeProtect",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    piece: 1,
    more: { commands: operatorCommands(0, [WRITES.name]) },
  },
  {
    name: "slots",
    what: "write protection of a VM of two memory slots, which are moved, deleted and made again at any moment",
    technique: "writeProtect",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    slots: "changed",
  },
  {
    name: modelOf(WRITES, "slots"),
    what: `the same under ${WRITES.label}`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    harvests: 0,
    slots: "changed",
  },
  {
    name: "slots-in-pieces",
    what: "write protection of a VM that runs while the logs of its slots are taken by GET, and given back by CLEAR, one by one",
    technique: "writeProtect",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    piece: 1,
    slots: "still",
    more: { manualProtect: true },
  },
  {
    name: "dirty-ring-in-pieces",
    what: "KVM's dirty ring on a VM that runs, and fills its ring, while its pages are armed one by one",
    technique: "dirtyRing",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    piece: 1,
    more: { ringEntries: 4, ringReserved: 3 },
  },
  {
    name: "scan-in-pieces",
    what: "a scan of A and D flags, entry by entry, of a VM that runs",
    technique: "accessedDirtyScan",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 1,
    piece: 1,
  },
  {
    name: modelOf(WRITES, "device"),
    what: `${WRITES.label}, and a device that writes the VM's memory by DMA and is marked by software`,
    technique: WRITES.name,
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    device: ["vmm", 1],
  },
  {
    name: "dirty-ring-device",
    what: "the same beside KVM's dirty ring, which no device has one of",
    technique: "dirtyRing",
    vcpus: [1],
    pages: 1,
    logEntries: 1,
    reads: 0,
    device: ["vmm", 2],
    more: { ringEntries: 4, ringReserved: 2 },
  },
  {
    name: "iommu",
    what: "write protection, and a device that was passed through: the IOMMU's dirty flags are read at harvests",
    technique: "writeProtect",
    vcpus: [1],
    pages: 2,
    logEntries: 1,
    reads: 0,
    device: ["iommu", 1],
  },
];
