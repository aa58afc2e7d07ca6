/** Curves of guests are what the emulator says of them, and a migration composed from them is the emulator's. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../../src/config/units.ts";
import { UserError } from "../../../src/errors.ts";
import { curveOrders } from "../../../src/questions/fleet/curveRuns.ts";
import {
  type GuestCurves,
  type KindCurves,
  powerAt,
  valueAt,
} from "../../../src/questions/fleet/curves.ts";
import { type Fleet, loadFleet, shippedFleets } from "../../../src/questions/fleet/fleetFile.ts";
import { Links } from "../../../src/questions/fleet/links.ts";
import type * as measuring from "../../../src/questions/fleet/measureCurves.ts";
import { Precopy, type Step } from "../../../src/questions/fleet/precopy.ts";
import { Timeline } from "../../../src/questions/fleet/timeline.ts";
import { runToEnd } from "../../../src/runs/runOrder.ts";
import { policyOf } from "../../../src/system/operations/migration/precopySchema.ts";
import { Random } from "../../../workloads/random.ts";
import { fleet, GUEST, store, write } from "./fleets.ts";

const MEASURING = join(import.meta.dirname, "../../../dist/src/questions/fleet/measureCurves.js");

describe("curves of a kind", () => {
  let loaded: Fleet;
  let kinds: readonly KindCurves[];
  let guest: GuestCurves;
  beforeAll(async () => {
    write("guest.yaml", GUEST);
    loaded = loadFleet(write("fleet.yaml", fleet()));
    // Threads run compiled code.
    const { measureCurves } = (await import(MEASURING)) as typeof measuring;
    kinds = await measureCurves(loaded, { store, workers: 1 });
    guest = kinds[0]!.guests[0]!;
  }, 60_000);

  it("name the run behind each of them, and differ by seed", () => {
    const [one, two] = kinds[0]!.guests;
    for (const { workingSet, estimates, dirty, migration, throughput } of [one!, two!]) {
      const runs = [
        workingSet.run,
        ...Object.values(estimates).map(({ run }) => run),
        ...Object.values(dirty).flatMap(({ pages }) => pages.runs),
        ...Object.values(migration).map(({ run }) => run),
        ...throughput.runs,
      ];
      expect(new Set(runs).size).toBe(runs.length);
      for (const run of runs) expect(run).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(one!.workingSet.run).not.toBe(two!.workingSet.run);
  });

  it("are what the run says that they name", () => {
    const [order] = curveOrders(loaded.config, "web", loaded.kinds[0]!.guest);
    expect(store.key(order!)).toBe(guest.workingSet.run);
    const { operation } = runToEnd(order!).summary;
    const series = operation.kind === "estimate" ? operation.vms[0]!.series : [];
    expect([...guest.workingSet.truth]).toEqual(
      series.slice(1).map(({ truthPages }) => truthPages),
    );
  });

  it("see accessed flags exactly, and reads not at all by PML; both cost something", () => {
    const { workingSet, estimates } = guest;
    const mean = (values: Float64Array): number =>
      values.reduce((sum, one) => sum + one) / values.length;
    const truth = mean(workingSet.truth);
    expect(mean(estimates["bits"]!.pages)).toBeCloseTo(truth, -1);
    expect(mean(estimates["pml"]!.pages)).toBeLessThan(truth);
    for (const { speed, pvmShare } of Object.values(estimates)) {
      expect(speed).toBeLessThan(1);
      expect(pvmShare).toBeGreaterThan(0);
    }
  });

  it("grow with the window, and with memory", () => {
    const { dirty, throughput } = guest;
    const { x, y } = dirty["pml"]!.pages;
    for (let n = 1; n < x.length; n++) expect(y[n]).toBeGreaterThan(y[n - 1]!);
    for (let n = 0; n < x.length; n++)
      expect(powerAt(dirty["pml"]!.pages, x[n]!)).toBeCloseTo(y[n]!, 9);
    expect(throughput.y[0]).toBeLessThan(throughput.y[1]!);
    expect(valueAt(throughput, guest.memory)).toBe(1);
  });

  it("give a migration like the emulator's of another seed, by either policy", () => {
    const { link: bandwidth } = loaded.config.hosts;
    for (const kind of ["libxc", "qemu"] as const) {
      const fields = kind === "libxc" ? { kind } : { kind, downtimeLimit: "10ms" };
      const { config } = loadFleet(write(`${kind}.yaml`, fleet({ migration: { policy: fields } })));
      const order = curveOrders(config, "web", loaded.kinds[0]!.guest).find(
        ({ role }) => role.what === "migrate",
      );
      const { operation } = runToEnd({
        ...order!,
        scenario: { ...order!.scenario, seed: 99 },
      }).summary;
      if (operation.kind !== "migrate") throw new Error("no migration");
      const { mapped, setup, harvest, harvestPage } = guest.migration["pml"]!;
      const { policy, batch, latency } = config.migration;
      const precopy = new Precopy(
        {
          mapped,
          setup,
          harvest: (pages) => harvest + harvestPage * pages,
          dirtied: (window) => powerAt(guest.dirty["pml"]!.pages, window),
        },
        { policy: policyOf(policy), batchPages: batch, latencyCycles: latency },
        0,
      );
      let now = 0;
      let step: Step = precopy.begin();
      while (step.what === "wait" || step.what === "send") {
        now +=
          step.what === "wait"
            ? step.cycles
            : (step.bytes * CYCLES_PER_SECOND) / bandwidth + step.latency;
        step = precopy.next(now, bandwidth);
      }
      // QEMU's rules give up: it takes them 100 ms to measure the link, and 50 rounds are over before.
      const ends = kind === "libxc" ? ["completed", "completed"] : ["givenUp", "did-not-converge"];
      expect([kind, step.what, operation.outcome]).toEqual([kind, ...ends]);
      const { rounds, bytesSent } = precopy.progress;
      expect(Math.abs(rounds.length / operation.rounds.length - 1)).toBeLessThan(0.05);
      expect(Math.abs(bytesSent / operation.bytes - 1)).toBeLessThan(0.05);
      expect(Math.abs(now / operation.totalTime - 1)).toBeLessThan(0.05);
    }
  });
});

describe("links", () => {
  it("are shared max-min fairly: what one direction holds back, the others have", () => {
    const ends = new Map<number, number>();
    const links = new Links(4, 100, (id, end) => ends.set(id, end));
    links.start(1, 0, 1, 1000, 0);
    expect([links.rateOf(1), ends.get(1)]).toEqual([100, 10]);
    links.start(2, 0, 2, 1000, 0);
    links.start(3, 3, 2, 1000, 0);
    links.start(4, 1, 2, 1000, 0);
    // Three go to host 2; the first has what the second leaves of host 0's.
    expect([1, 2, 3, 4].map((id) => links.rateOf(id))).toEqual(
      [200 / 3, 100 / 3, 100 / 3, 100 / 3].map((rate) => expect.closeTo(rate, 9)),
    );
    links.end(3, 6);
    expect([1, 2, 4].map((id) => links.rateOf(id))).toEqual([50, 50, 50]);
    expect(ends.get(1)).toBeCloseTo(6 + (1000 - 400) / 50, 9);
  });

  it("carry no more than they can, and leave nobody waiting who could have more", () => {
    const random = new Random(7);
    const links = new Links(6, 100, () => {});
    const under: { id: number; from: number; to: number }[] = [];
    for (let id = 0; id < 200; id++) {
      if (under.length > 8) links.end(under.splice(random.below(under.length), 1)[0]!.id, id);
      const from = random.below(6);
      const to = (from + 1 + random.below(5)) % 6;
      links.start(id, from, to, 1e9, id);
      under.push({ id, from, to });
      const load = (of: (one: (typeof under)[number]) => boolean): number =>
        under.filter(of).reduce((sum, one) => sum + links.rateOf(one.id), 0);
      for (const one of under) {
        const shared = [
          under.filter(({ from }) => from === one.from),
          under.filter(({ to }) => to === one.to),
        ];
        for (const list of shared) {
          expect(list.reduce((sum, { id }) => sum + links.rateOf(id), 0)).toBeLessThan(100.0001);
        }
        // It is held back by a full direction on which nobody has more.
        const isBottleneck = shared.some((list) => {
          const rates = list.map(({ id }) => links.rateOf(id));
          const full = rates.reduce((sum, rate) => sum + rate) > 99.9999;
          return full && Math.max(...rates) <= links.rateOf(one.id) + 1e-9;
        });
        expect(isBottleneck).toBe(true);
      }
      expect(load(() => true)).toBeGreaterThan(0);
    }
  });
});

it("a timeline gives events back in the order of time, and of their arrival", () => {
  const random = new Random(3);
  const timeline = new Timeline();
  const pushed = Array.from({ length: 5000 }, (_, n) => ({ time: random.below(500), n }));
  for (const { time, n } of pushed) timeline.push(time, 0, n);
  const popped: { time: number; n: number }[] = [];
  while (timeline.pop()) popped.push({ time: timeline.time, n: timeline.subject });
  expect(popped).toEqual(pushed.toSorted((a, b) => a.time - b.time || a.n - b.n));
});

describe("a fleet's file", () => {
  const refusal = (fields: Readonly<Record<string, unknown>>): string => {
    try {
      loadFleet(write("wrong.yaml", fleet(fields)));
    } catch (error) {
      return error instanceof UserError ? error.message : String(error);
    }
    return "none";
  };

  it("is refused with the place, the field, and the nearest name", () => {
    write("guest.yaml", GUEST);
    write("other.yaml", GUEST.replace("4MiB", "8MiB"));
    const phases = [{ from: "00:00", kind: "wbe" }];
    const both = [
      { from: "08:00", kind: "web" },
      { from: "18:00", kind: "other" },
    ];
    const kinds = { web: { scenario: "guest.yaml" }, other: { scenario: "other.yaml" } };
    const spans = {
      arrive: { from: "08:00", to: "09:00" },
      leave: { from: "07:00", to: "10:00" },
    };
    const estimator = { kind: "accessedBits", interval: "20ms" };
    const wrong: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
      [
        { vms: [{ name: "all", count: 1, phases }] },
        /wrong.yaml:1: vms\[0\].phases\[0\].kind: there is no kind "wbe"; did you mean "web"\?/,
      ],
      [
        { trackers: { bits: { estimator, dity: "pml" } } },
        /trackers.bits.dity: unknown field; did you mean "dirty"\?/,
      ],
      [{ trackers: { bits: { estimator, dirty: "plm" } } }, /not "plm"; did you mean "pml"\?/],
      [{ events: [{ at: "12:00", evacuate: 9 }] }, /there are hosts 0 to 3, not 9/],
      [{ events: [{ at: "25:00", evacuate: 0 }] }, /expected a time of day/],
      [{ kinds: { web: { scenario: "crowded-host" } } }, /expected one VM, and crowded-host has 3/],
      [
        { kinds: { web: { scenario: "guest.yaml", set: ["vms.0.memroy=1MiB"] } } },
        /memroy: unknown field; did you mean "memory"\?/,
      ],
      [
        { migration: { policy: { kind: "qemu", autoConverge: {} } } },
        /curves of throttled guests are not measured/,
      ],
      [{ curves: { length: "1s", interval: "2s" } }, /no window of it/],
      [
        { kinds, vms: [{ name: "a", count: 1, phases: both }] },
        /:1: vms\[0\].phases: a VM keeps its memory, and kind web has 4 MiB, kind other 8 MiB/,
      ],
      [
        { hosts: { count: 4, memory: "2MiB" } },
        /:1: hosts.memory: a VM of kind web has 4 MiB, and a host 2 MiB/,
      ],
      [
        { vms: [{ name: "a", count: 1, phases: [{ from: "00:00", kind: "web" }], ...spans }] },
        /vms\[0\].leave: expected no VM to go before it comes/,
      ],
    ];
    for (const [fields, text] of wrong) expect(refusal(fields)).toMatch(text);
  });

  it("that is shipped can be read, by its name", () => {
    const names = shippedFleets();
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(loadFleet(name).kinds.length).toBeGreaterThan(0);
    expect(() => loadFleet("office-dya")).toThrow('did you mean "office-day"?');
  });
});
