/** Rules of a fleet's day, with guests of which everything is known. */
import { describe, expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../../src/config/units.ts";
import { Day, type DayResult } from "../../../src/questions/fleet/day/day.ts";
import type { Sizing } from "../../../src/questions/fleet/day/guests.ts";
import type { FleetConfig } from "../../../src/questions/fleet/fleetSchema.ts";
import { config, madeUp, NIGHT, PAGES_PER_MIB, WEB } from "./madeUp.ts";

const KINDS = [WEB, NIGHT];
const DECLARED: Sizing = { kind: "declared" };
const EXACT: Sizing = { kind: "exact" };
const by = (name: string): Sizing => ({ kind: "tracker", name });
const day = (sizing: Sizing, fields = {}, kinds = KINDS): DayResult =>
  new Day(config(fields), kinds, sizing).run();
const HOUR = 3600 * CYCLES_PER_SECOND;

/** Everything happens in it: growing, shrinking, coming, going, and hosts that are evacuated. */
const BUSY = {
  vms: [
    {
      name: "desktops",
      count: 150,
      phases: [
        { from: "08:00", kind: "web" },
        { from: "18:00", kind: "night" },
      ],
      late: "3min",
    },
    {
      name: "guests",
      count: 50,
      arrive: { from: "07:00", to: "08:20" },
      leave: { from: "08:20", to: "08:30" },
      phases: [{ from: "00:00", kind: "web" }],
    },
  ],
  hosts: { count: 30, memory: "32MiB", link: "0.2Mbit/s" },
  placement: { margin: 0.1 },
  decisions: { every: "5min", consolidate: 4 },
  events: [
    { at: "07:30", evacuate: 0 },
    { at: "08:20", evacuate: "busiest" },
    { at: "19:00", evacuate: "busiest" },
  ],
};

/** Counts anew who is where, and compares with what the day keeps. @returns what is wrong */
function faults({ hosts, population, now }: Day, { hosts: { memory } }: FleetConfig): string[] {
  const { hostOf, targetOf, sizeOf } = hosts;
  const wrong: string[] = [];
  const rule = (isKept: boolean, what: string): void => {
    if (!isKept) wrong.push(`${what}, at ${now}`);
  };
  const seen = new Uint8Array(population.count);
  const residents = new Int32Array(population.count);
  const [coming, setAside] = [new Int32Array(hosts.count), new Float64Array(hosts.count)];
  for (const [vm, target] of targetOf.entries()) {
    if (target === -1) continue;
    coming[target]!++;
    setAside[target]! += sizeOf[vm]!;
    rule(hostOf[vm] !== -1 && hostOf[vm] !== target, `VM ${vm} goes where it is`);
  }
  let on = 0;
  for (let host = 0; host < hosts.count; host++) {
    const own = residents.subarray(0, hosts.residentsOf(host, residents));
    let [taken, left] = [0, 0];
    for (const vm of own) {
      seen[vm]!++;
      taken += sizeOf[vm]!;
      left += hosts.left(vm);
      rule(hostOf[vm] === host, `VM ${vm} is on two hosts`);
    }
    rule(hosts.residents[host] === own.length, `VMs of host ${host}`);
    rule(hosts.taken[host] === taken, `memory of host ${host}`);
    rule(hosts.expected[host] === coming[host], `VMs to come to host ${host}`);
    rule(hosts.setAside[host] === setAside[host], `memory for VMs to come to host ${host}`);
    // What VMs have, and what is held for those on their way, is never more than there is.
    const held = left + hosts.scale(host) * setAside[host]!;
    rule(held <= memory + 1e-6, `host ${host} gives more than it has`);
    if (own.length + coming[host]! > 0) on++;
  }
  rule(hosts.on === on, "hosts that are on");
  for (let vm = 0; vm < population.count; vm++) {
    const isGone = population.departures[vm]! <= now;
    const isThere = population.arrivals[vm]! < now && !isGone;
    if (isThere) rule(seen[vm] === 1, `VM ${vm} is on ${seen[vm]} hosts`);
    if (isGone) rule(targetOf[vm] === -1, `VM ${vm} is gone, and expected`);
  }
  return wrong;
}

describe("a day of a fleet", () => {
  it("has each VM on exactly one host at any time, and counts no memory twice", () => {
    const file = config(BUSY);
    const busy = new Day(file, KINDS, by("right"));
    const wrong: string[] = [];
    for (let n = 0; busy.step(); n++) if (n % 17 === 0) wrong.push(...faults(busy, file));
    expect([...wrong, ...faults(busy, file)]).toEqual([]);
    const { migrations, waited } = busy.run();
    expect(waited).toBe(0);
    for (const count of Object.values(migrations.byReason)) expect(count).toBeGreaterThan(0);
    expect(migrations.abandoned).toBeGreaterThan(0);
    expect(migrations.withdrawn).toBeGreaterThan(0);
  });

  it("is the same for the same file and seed, and another for another seed", () => {
    const kinds = [WEB, NIGHT].map(({ name, guests: [guest] }, n) => ({
      name,
      guests: [guest!, madeUp(name, { used: n === 0 ? [200, 400] : [20] }).guests[0]!],
    }));
    const run = (seed: number): DayResult =>
      day(EXACT, { ...BUSY, seed, curves: { seeds: [0, 1] } }, kinds);
    const first = run(1);
    expect(run(1)).toEqual(first);
    expect(run(2).hosts).not.toEqual(first.hosts);
  });

  it("asks of every tracker the same: the truth does not depend on what is made of it", () => {
    const offered = ["right", "half", "costly"].map((name) => day(by(name), BUSY).meter.offered);
    for (const one of offered) expect(one / offered[0]!).toBeCloseTo(1, 9);
  });
});

describe("hosts that are left", () => {
  it("are as many as fit by what VMs have, or by what they use", () => {
    const all = (count: number) => ({ least: count, mean: expect.closeTo(count, 6), most: count });
    expect(day(DECLARED).hosts).toEqual(all(5));
    expect(day(EXACT).hosts).toEqual(all(2));
    expect(day(by("half")).hosts).toEqual(all(1));
    const placement = { by: "declared" };
    expect(day(by("half"), { placement }).hosts).toEqual(all(5));
    expect(day(EXACT, { placement: { margin: 1 } }).hosts).toEqual(all(3));
  });

  it("are fewer at night, when VMs use less, and nothing is packed without consolidation", () => {
    const vms = [
      {
        name: "desktops",
        count: 160,
        phases: [
          { from: "08:00", kind: "web" },
          { from: "18:00", kind: "night" },
        ],
      },
    ];
    const { hosts, series, migrations } = day(EXACT, { vms });
    expect(hosts.most).toBe(5);
    expect(series.at(-1)!.hosts).toBe(1);
    expect(migrations.byReason.consolidation).toBeGreaterThan(0);
    const never = day(EXACT, { vms, decisions: { every: "60min", consolidate: 0 } });
    expect(never.migrations.byReason.consolidation).toBe(0);
    expect(never.series.at(-1)!.hosts).toBe(5);
  });

  it("take a new VM with all that it has, until something is known of it", () => {
    const vms = [
      {
        name: "new",
        count: 40,
        arrive: { from: "01:10", to: "01:20" },
        phases: [{ from: "00:00", kind: "web" }],
      },
    ];
    const { hosts, series } = day(EXACT, { vms });
    expect(hosts).toMatchObject({ least: 0, most: 5 });
    expect(series.map((point) => point.vms).slice(0, 3)).toEqual([0, 0, 40]);
    expect(series.at(-1)!.hosts).toBe(2);
  });

  it("that are too few make VMs wait, and it is told how long", () => {
    const { waited, waitingCycles, series } = day(DECLARED, {
      hosts: { count: 4, memory: "32MiB" },
    });
    expect(series[0]!.vms).toBe(32);
    expect(waited).toBe(8);
    expect(waitingCycles).toBe(8 * 24 * HOUR);
  });
});

describe("an error of a tracker", () => {
  it("costs nothing if there is none", () => {
    for (const sizing of [EXACT, by("right")]) {
      const { meter, hosts } = day(sizing);
      expect(meter.shortCycles).toBe(0);
      expect(meter.lostToMemory).toBe(0);
      expect(meter.lostToTracking).toBe(0);
      expect(hosts.mean).toBeCloseTo(2, 6);
    }
  });

  it("of a half leaves fewer hosts, and VMs that are short of memory all day", () => {
    const { meter, hosts, estimatesOfShort, estimates } = day(by("half"));
    expect(hosts.most).toBe(1);
    expect(meter.shortCycles / meter.vmCycles).toBeCloseTo(1, 9);
    expect(meter.lostToMemory / meter.offered).toBeCloseTo(0.5, 9);
    expect([estimates, estimatesOfShort]).toEqual([24 * 40, 24 * 40]);
  });

  it("is made good by a margin", () => {
    const { meter } = day(by("half"), { placement: { margin: 1 } });
    expect([meter.shortCycles, meter.lostToMemory]).toEqual([0, 0]);
  });

  it("is apart from what the delay of decisions costs: VMs grow, and are short until the next look", () => {
    const phases = [
      { from: "08:30", kind: "web" },
      { from: "18:30", kind: "night" },
    ];
    const { meter } = day(EXACT, {
      vms: [{ name: "all", count: 10, phases }],
      placement: { margin: 1 },
    });
    expect(meter.shortCycles).toBe(10 * 0.5 * HOUR);
  });
});

describe("a cost of a tracker", () => {
  it("is a part of the accesses, and of the pVM", () => {
    const { meter, pvm } = day(by("costly"));
    expect(meter.lostToTracking / meter.offered).toBeCloseTo(0.25, 9);
    expect(meter.lostToMemory).toBe(0);
    // 32 VMs on the first host.
    expect(pvm.most).toBeCloseTo(32 * 0.125, 9);
    expect(pvm.mean).toBeCloseTo(20 * 0.125, 9);
  });

  it("is less when the tracker runs for a part of the time; a pVM that cannot keep up is told", () => {
    const estimator = { kind: "accessedBits", interval: "1s" };
    const trackers = { costly: { estimator, share: 0.1 } };
    const { meter, overloaded, pvm } = day(by("costly"), { trackers });
    expect(meter.lostToTracking / meter.offered).toBeCloseTo(0.025, 9);
    expect([overloaded, pvm.most]).toEqual([0, expect.closeTo(0.4, 9)]);
    // Each look at the first host; the other one has eight VMs.
    expect(day(by("costly")).overloaded).toBe(24);
  });
});

describe("an evacuation", () => {
  const events = [{ at: "12:00", evacuate: 0 }];

  it("empties its host by migrations over its link, and nothing comes back", () => {
    const file = config({ events });
    const one = new Day(file, KINDS, EXACT);
    const result = one.run();
    const [evacuation] = result.evacuations;
    expect(evacuation).toMatchObject({ host: 0, from: 12 * HOUR, vms: 32 });
    expect(one.hosts.residents[0]).toBe(0);
    expect(result.migrations.byReason.evacuation).toBe(32);
    // 32 times 256 pages over 10 Gbit/s, at least.
    const took = (evacuation!.until! - evacuation!.from) / CYCLES_PER_SECOND;
    expect(took).toBeGreaterThan((32 * 256 * 4096) / 1.25e9);
    expect(took).toBeLessThan((3 * 32 * 256 * 4096) / 1.25e9);
    expect(result.meter.lostToDowntime).toBeGreaterThan(0);
  });

  it("takes longer over a slower link, and less memory is sent of VMs that are left less", () => {
    const took = (sizing: Sizing, link: string): number => {
      const hosts = { count: 20, memory: "32MiB", link };
      const [one] = day(sizing, { events, hosts }).evacuations;
      return (one!.until! - one!.from) / one!.vms;
    };
    expect(took(EXACT, "100Mbit/s")).toBeGreaterThan(5 * took(EXACT, "1Gbit/s"));
    expect(took(DECLARED, "1Gbit/s")).toBeGreaterThan(2 * took(EXACT, "1Gbit/s"));
  });

  it("that finds no room is not over at the day's end", () => {
    const { evacuations, noRoom } = day(DECLARED, {
      events,
      hosts: { count: 5, memory: "32MiB" },
    });
    expect(evacuations).toMatchObject([{ host: 0, vms: 8, until: null }]);
    expect(noRoom).toBe(8 * 13);
  });
});

describe("what was not measured", () => {
  it("is counted: memory below a curve, and windows beyond one", () => {
    const small = madeUp("web", { used: [256], trackers: { half: [0.25, 1, 0] } });
    const { meter } = day(by("half"), {}, [small, NIGHT]);
    expect(meter.unmeasuredCycles).toBe(meter.vmCycles);
    const events = [{ at: "12:00", evacuate: 0 }];
    const hosts = { count: 20, memory: "32MiB", link: "1Mbit/s" };
    const { migrations } = day(EXACT, { events, hosts });
    expect(migrations.windowsTooLong).toBeGreaterThan(0);
    expect(migrations.windowsTooLong).toBeLessThan(migrations.windows);
    expect(day(EXACT, { events }).migrations.windowsTooLong).toBe(0);
  });
});

it("10,000 VMs on 500 hosts take seconds", { timeout: 30_000 }, () => {
  const vms = [{ ...BUSY.vms[0]!, count: 10_000, late: "90min" }];
  const { hosts, series } = day(by("right"), {
    vms,
    hosts: { count: 500, memory: "64MiB" },
    decisions: { every: "10min", consolidate: 16 },
  });
  expect(series.length).toBe(144);
  expect(series.every((point) => point.vms === 10_000)).toBe(true);
  expect(hosts.most).toBeGreaterThanOrEqual((10_000 * 256) / (64 * PAGES_PER_MIB));
});
