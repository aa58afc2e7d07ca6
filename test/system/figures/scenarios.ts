/**
 * Small scenarios that go through everything that a scenario can ask for: every technique, operation, policy and
 * option in at least one of them. No two costs are the same, and none is a sum of others, so that a cost that is
 * charged in the place of another, twice, or not at all, changes the time of something.
 */
import { DEFAULT_PROCESSOR_COSTS } from "../../../src/hardware/costs.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../../src/hypervisor/costs.ts";
import { DEFAULT_ENERGY_COSTS } from "../../../src/system/energy.ts";

function distinct(costs: object): Record<string, number> {
  const entries = Object.entries(costs) as [string, number][];
  return Object.fromEntries(entries.map(([name, cost], i) => [name, cost + 2 * i + 1]));
}

const costs = {
  processor: distinct(DEFAULT_PROCESSOR_COSTS),
  hypervisor: distinct(DEFAULT_HYPERVISOR_COSTS),
  energy: distinct(DEFAULT_ENERGY_COSTS),
};
const tlb = {
  l1: { sets: 4, ways: 2 },
  l1Large: { sets: 1, ways: 2 },
  l2: { sets: 8, ways: 4 },
};
const machine = { cpus: 2, timeslice: "200us", quantum: "50us", logEntries: 32, tlb, costs };

/** A VM of two vCPUs with page tables of its own, one with large pages, and one without paging. */
const zipf = {
  name: "zipf",
  vcpus: 2,
  workload: { kind: "zipf", pages: 300, exponent: 0.9, writeFraction: 0.3, accesses: 4000 },
};
const pae = {
  name: "pae",
  paging: "pae",
  pageSize: "2M",
  memory: "4MiB",
  workload: { kind: "uniform", pages: 700, writeFraction: 0.4, gap: 60, accesses: 3000 },
};
const plain = {
  name: "plain",
  paging: "off",
  workload: {
    kind: "hotCold",
    pages: 500,
    hotPages: 40,
    hotProbability: 0.9,
    writeFraction: 0.5,
    gap: 20,
    accesses: 3000,
  },
};

function measured(tracker: object, operation: object = {}, more: object = {}): object {
  return {
    machine: { ...machine, ...more },
    vms: [zipf, pae, plain],
    tracker,
    operation: { kind: "measure", harvest: "300us", ...operation },
  };
}

const endless = { kind: "uniform", pages: 400, writeFraction: 0.3, gap: 1500 };
const guests = [
  { name: "first", paging: "off", workload: { ...endless, pages: 50 } },
  { name: "moved", vcpus: 2, pageSize: "2M", memory: "2MiB", workload: endless },
];

const lazy = guests.map((vm) => ({ ...vm, workload: { ...vm.workload, gap: 12_000 } }));

function migrated(operation: object, more: object = {}): object {
  return {
    machine,
    vms: guests,
    tracker: { technique: "pml" },
    operation: { kind: "migrate", vm: "moved", start: "1ms", samples: 8, ...operation },
    ...more,
  };
}

const slow = { bandwidth: "1Gbit/s", latency: "50us" };
const converging = { initial: 25, increment: 15, max: 90, period: "8ms", threshold: 20 };

function checkpointed(operation: object, more: object = {}): object {
  return {
    machine,
    vms: guests,
    tracker: { technique: "writeProtect" },
    operation: { kind: "checkpoint", ...operation },
    ...more,
  };
}

const moving = {
  kind: "phaseChange",
  gap: 300,
  phases: [
    { firstPage: 0, pages: 200, accesses: 20_000, writeFraction: 0.2 },
    { firstPage: 300, pages: 60, accesses: 30_000, writeFraction: 0.5 },
  ],
};

function estimated(estimator: object, operation: object = {}, more: object = {}): object {
  return {
    machine: { ...machine, cpus: 3 },
    vms: [
      { name: "moving", vcpus: 2, workload: moving },
      { name: "still", paging: "off", workload: { ...endless, gap: 200, accesses: 20_000 } },
    ],
    operation: { kind: "estimate", estimator, ...operation },
    until: "12ms",
    ...more,
  };
}

function crowded(operation: object, more: object = {}): object {
  return {
    machine: { ...machine, cpus: 2, pvmCpus: 2 },
    vms: [
      { ...zipf, memory: "2MiB", workload: { ...zipf.workload, gap: 400, accesses: 9000 } },
      { ...pae, vcpus: 2, workload: { ...pae.workload, gap: 400, accesses: 3000 } },
      { ...plain, memory: "2MiB", workload: { ...plain.workload, gap: 400, accesses: 6000 } },
    ],
    operation: {
      kind: "overcommit",
      memory: "3600KiB",
      interval: "3ms",
      balloon: { chunk: 16 },
      swap: { batch: 8, latency: "2us", bandwidth: "8GiB/s" },
      ...operation,
    },
    until: "30ms",
    ...more,
  };
}

/** By name. */
export const SCENARIOS: Readonly<Record<string, object>> = {
  "measure-none": measured({ technique: "none" }),
  "measure-pml": measured({ technique: "pml" }),
  "measure-pml-bochs": measured({ technique: "pml" }, {}, { compatibility: "bochs" }),
  "measure-pml-kvm": measured({ technique: "pml" }, {}, { compatibility: "kvm", cpus: 1 }),
  "measure-pml-without-memory": measured({ technique: "pml", logLimit: 1 }),
  "measure-pml-initially-set": measured({ technique: "pml", initiallySet: true }, { live: true }),
  "measure-write-protect": measured({ technique: "writeProtect", largePagesReturn: true }),
  "measure-write-protect-in-pieces": measured(
    { technique: "writeProtect", preemptEvery: 50 },
    { live: true },
  ),
  "measure-scan": measured({ technique: "accessedDirtyScan" }),
  "measure-scan-in-pieces": measured({ technique: "accessedDirtyScan", preemptEvery: 64 }),
  "measure-present-bit": measured({ technique: "presentBit" }, { live: true }, { cpus: 1 }),
  "measure-ring": measured({ technique: "dirtyRing", ring: { entries: 256 } }),
  "measure-ring-pml": measured({
    technique: "dirtyRing",
    ring: { entries: 256, source: "pml" },
  }),
  "measure-prl": measured({ technique: "prl" }, {}, { handlerBudget: 1, pvmCpus: 2 }),
  "measure-prl-two-logs": measured({
    technique: "prl",
    prl: { variant: "dw19", doubleBuffer: true, slotRule: "store-at-zero" },
  }),
  "measure-prl-filter": measured({
    technique: "prl",
    prl: { variant: "dw19", filterGuestTables: true, slotRule: "store-then-decrement" },
  }),
  "migrate-libxc": migrated({ settle: "2ms" }),
  "migrate-libxc-hopeless": migrated(
    {
      policy: { kind: "libxc", downtimeLimit: "1ms" },
      link: { bandwidth: "200Mbit/s" },
      settle: "1ms",
    },
    { vms: lazy },
  ),
  "migrate-libxc-again": migrated(
    { repeat: { times: 2, after: "500us" }, settle: "1ms", batch: 64 },
    { tracker: { technique: "writeProtect" } },
  ),
  "migrate-qemu": migrated({
    policy: { kind: "qemu", downtimeLimit: "4ms", autoConverge: converging },
    link: slow,
    settle: "2ms",
  }),
  "migrate-qemu-tailslow": migrated({
    policy: {
      kind: "qemu",
      downtimeLimit: "3ms",
      maxRounds: 12,
      autoConverge: { ...converging, tailslow: true, increment: 30 },
    },
    link: slow,
    settle: "2ms",
  }),
  "migrate-qemu-not-converging": migrated({
    policy: { kind: "qemu", downtimeLimit: "1ms", maxRounds: 4 },
    link: slow,
    settle: "2ms",
  }),
  "migrate-link-fails": migrated({ link: { ...slow, failAfter: "9ms" } }, { until: "30ms" }),
  "migrate-aborted": migrated({ link: slow, abortAfter: "7ms", settle: "1ms" }),
  "checkpoint-live": checkpointed(
    { epoch: "2ms", accessesPerOutput: 500, acknowledge: "300us" },
    { until: "30ms" },
  ),
  "checkpoint-live-late": checkpointed(
    {
      epoch: "1ms",
      bandwidth: "2Gbit/s",
      accessesPerOutput: 700,
      state: true,
      rewriteAfter: "4KiB",
    },
    { until: "20ms", tracker: { technique: "dirtyRing", ring: { entries: 256 } } },
  ),
  "checkpoint-stop": checkpointed(
    { mode: "stop", times: ["1ms", "1200us", "9ms", "40ms"], bandwidth: "4Gbit/s" },
    { until: "30ms" },
  ),
  "estimate-prl": estimated(
    { kind: "prl", tau: 3, mu: "1ms", omega: "2ms" },
    { loadInterval: "1ms" },
  ),
  "estimate-prl-restart": estimated(
    { kind: "prl", tau: 2, mu: "500us", omega: "1ms", follow: "restart", threshold: "at-least" },
    { kernelFootprint: "40KiB", window: "1500us", loadInterval: "400us" },
  ),
  "estimate-prl-ageing": estimated(
    { kind: "prl", tau: 2, mu: "500us", omega: "1ms", follow: "ageing", generation: "1500us" },
    {},
    { tracker: { prl: { variant: "dw19" } } },
  ),
  "estimate-prl-dw19": estimated({ kind: "prl", tau: 2, mu: "700us", loop: "dw19" }),
  "estimate-pml": estimated({ kind: "pml", interval: "1ms" }),
  "estimate-pml-clean": estimated({ kind: "pml", interval: "1ms", clean: true }, { window: "3ms" }),
  "estimate-vmware": estimated({ kind: "vmware", samples: 40, period: "1ms" }),
  "estimate-vmware-averages": estimated({
    kind: "vmware",
    samples: 30,
    period: "1500us",
    interval: "500us",
    averages: { slow: 0.2, fast: 0.6 },
  }),
  "estimate-accessed-bits": estimated({ kind: "accessedBits", interval: "1ms" }),
  "estimate-truth": estimated({ kind: "truth", interval: "1ms" }, { window: "2ms" }),
  "overcommit-vmware": crowded({
    estimator: { kind: "vmware", samples: 40, period: "300us" },
    scale: { zipf: 0.7 },
  }),
  "overcommit-prl": crowded({
    estimator: { kind: "prl", tau: 1, mu: "1ms", omega: "2ms", follow: "ageing" },
    policy: { kind: "workingSet", headroom: 0.2 },
    swap: { batch: 4, latency: "1us", bandwidth: "4GiB/s", victims: "coldest" },
  }),
  "overcommit-shares": crowded({
    estimator: { kind: "accessedBits", interval: "2ms" },
    policy: { kind: "idleTax", tax: 0.3, shares: { pae: 100, zipf: 300, plain: 50 } },
    guest: { victims: "random" },
    balloon: { chunk: 64, limit: 0.3 },
  }),
  // Balloons that can do next to nothing: the hypervisor takes what a guest then pages out once more.
  "overcommit-swapping": crowded({
    memory: "1700KiB",
    estimator: { kind: "pml", interval: "1ms", clean: true },
    policy: { kind: "workingSet", headroom: 0 },
    balloon: { limit: 0.4 },
    kernelFootprint: "100KiB",
  }),
};
