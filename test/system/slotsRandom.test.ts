/**
 * Memory slots, operations and failures at random: whatever is made, moved, changed and deleted while an operation harvests,
 * fails and is tried again, no page is lost. Some hundred in each run of the tests; `npm run fuzz:slots` does 10,000
 * (TRACKVISOR_SLOT_RUNS). What fails is made smaller before it is shown.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Problems } from "../../src/errors.ts";
import { buildSystem } from "../../src/system/build.ts";
import { slotsPlan } from "../../src/system/scenario/slotPlans.ts";
import { type Scenario, scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";

const RUNS = Number(process.env["TRACKVISOR_SLOT_RUNS"] ?? 200);
const TIMEOUT = 3_600_000;

/** 16 pages each, in memory for eight of them. */
const SLOT = "64KiB";
const PLACES = Array.from({ length: 8 }, (_, i) => (i === 0 ? "0" : `${64 * i}KiB`));
const SLOTS = [
  { address: "0", memory: SLOT },
  { address: "128KiB", memory: SLOT, log: true },
  { address: "192KiB", memory: SLOT, readOnly: true },
];

const place = fc.constantFrom(...PLACES);
const slot = fc.nat(4);
/** Each verb with what it says of its slot. */
const verb = fc.oneof(
  fc.record({ slot, address: place }),
  fc.record({ slot, memory: fc.constant("0") }),
  fc.record({ slot, address: place, memory: fc.constant(SLOT), log: fc.boolean() }),
  fc.record({ slot, log: fc.boolean() }),
);
const change = fc.record({ at: fc.integer({ min: 1, max: 1900 }), verb });

const operation = fc.oneof(
  fc.record({ kind: fc.constant("measure"), harvest: fc.constantFrom("100us", "300us") }),
  fc.record({
    kind: fc.constant("measure"),
    harvest: fc.constant("200us"),
    live: fc.constant(true),
  }),
  fc.record({
    kind: fc.constant("migrate"),
    start: fc.constantFrom("100us", "500us"),
    link: fc.record({
      bandwidth: fc.constantFrom("1Gbit/s", "10Gbit/s"),
      latency: fc.constant("10us"),
    }),
    batch: fc.constantFrom(8, 64),
    abortAfter: fc.constantFrom(undefined, "300us", "600us"),
    repeat: fc.constantFrom(undefined, { after: "100us", times: 2 }),
  }),
  fc.record({
    kind: fc.constant("checkpoint"),
    mode: fc.constant("diff"),
    times: fc.constant(["300us", "600us", "900us", "1500us"]),
    bandwidth: fc.constant("400Gbit/s"),
    fails: fc.subarray([0, 1, 2]),
  }),
  fc.record({
    kind: fc.constant("checkpoint"),
    mode: fc.constant("live"),
    epoch: fc.constant("1ms"),
    bandwidth: fc.constant("400Gbit/s"),
  }),
);

const tracker = fc.record({
  technique: fc.constantFrom("writeProtect", "pml"),
  manualProtect: fc.boolean(),
  preemptEvery: fc.constantFrom(undefined, 1),
});

const recipe = fc.record({
  seed: fc.nat(1_000_000),
  vcpus: fc.constantFrom(1, 2),
  writeFraction: fc.constantFrom(0.2, 1),
  operation,
  tracker,
  changes: fc.array(change, { maxLength: 8 }),
});
interface Asked {
  readonly changes: Recipe["changes"];
  readonly operation: { readonly kind: string; readonly start?: string };
}
type Recipe = typeof recipe extends fc.Arbitrary<infer One> ? One : never;

/** Until then no migration has suspended its VM for good: what is changed later is in nobody's last harvest. */
const LIVE = 120;

/**
 * Those that KVM would refuse are left out: a scenario with one is refused. Of a migration, those that a guest which is
 * suspended could not ask for.
 */
function allowed({ changes, operation: { kind, start } }: Asked): readonly object[] {
  const kept: object[] = [];
  const end = kind === "migrate" ? Number.parseInt(start ?? "0", 10) + LIVE : 1900;
  const sorted = changes.filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at);
  for (const { at, verb: said } of sorted) {
    const tried = [...kept, { at: `${at}us`, ...said }];
    if (isAllowed(tried)) kept.push(tried.at(-1)!);
  }
  return kept;
}

function isAllowed(slotChanges: readonly object[]): boolean {
  const { vms } = scenarioSchema.parse({
    name: "slots",
    vms: [{ slots: SLOTS, slotChanges, workload: { kind: "uniform", pages: 128 } }],
  });
  const problems = new Problems();
  slotsPlan(vms[0]!, { problems, vm: 0 });
  return problems.found.length === 0;
}

function scenarioOf({ seed, vcpus, writeFraction, changes, ...fields }: Recipe): Scenario {
  const slotChanges = allowed({ changes, operation: fields.operation });
  const workload = { kind: "uniform", pages: 128, writeFraction, gap: 3000 };
  const vm = { memory: "512KiB", paging: "off", vcpus, slots: SLOTS, workload };
  return scenarioSchema.parse({
    name: "slots",
    seed,
    machine: { cpus: vcpus, quantum: "20us" },
    vms: [{ ...vm, slotChanges }],
    until: "2500us",
    ...JSON.parse(JSON.stringify(fields)),
  });
}

/** What is said of pages that are lost; a migration that is aborted, or storage that refuses, is another failure. */
const LOST = / lost[ ,]| left out | differs/;

it(`loses no page in any of ${RUNS} runs`, { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(recipe, (one) => {
      const system = buildSystem(scenarioOf(one));
      system.run();
      const { failures, harvests } = summarize(system);
      expect(failures.filter((failure) => LOST.test(failure))).toEqual([]);
      expect(harvests[0]?.lostPages).toBe(0);
    }),
    { numRuns: RUNS },
  );
});
