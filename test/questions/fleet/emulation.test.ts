/**
 * Curves of single guests, added up, against full emulation: ten VMs on two hosts, five in a scenario, with seeds that
 * no curve was measured with. A host is evacuated by one migration after the other, each emulated beside the other VMs;
 * two at once are not, for a scenario migrates one VM.
 */
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { CYCLES_PER_SECOND } from "../../../src/config/units.ts";
import { curveOrders } from "../../../src/questions/fleet/curveRuns.ts";
import { type GuestCurves, meanOf, powerAt } from "../../../src/questions/fleet/curves.ts";
import { type Fleet, loadFleet } from "../../../src/questions/fleet/fleetFile.ts";
import type * as measuring from "../../../src/questions/fleet/measureCurves.ts";
import { Precopy, type Step } from "../../../src/questions/fleet/precopy.ts";
import { runToEnd } from "../../../src/runs/runOrder.ts";
import { policyOf } from "../../../src/system/operations/migration/precopySchema.ts";
import type { Scenario } from "../../../src/system/scenarioSchema.ts";
import type { RunSummary } from "../../../src/system/summary.ts";
import { fleet, GUEST, store, write } from "./fleets.ts";

const MEASURING = join(import.meta.dirname, "../../../dist/src/questions/fleet/measureCurves.js");
const VMS = 5;
const HELD_OUT = [101, 102];
const WITHIN = 0.05;
/** Between two lengths that were measured. */
const EPOCH = 0.003 * CYCLES_PER_SECOND;

let loaded: Fleet;
let guests: readonly GuestCurves[];
beforeAll(async () => {
  write("guest.yaml", GUEST);
  loaded = loadFleet(write("fleet.yaml", fleet()));
  const { measureCurves } = (await import(MEASURING)) as typeof measuring;
  const [kind] = await measureCurves(loaded, { store, workers: 1 });
  guests = kind!.guests;
}, 60_000);

/** What both hosts do, emulated in full; the scenario as for a curve, but with five VMs. */
function hosts(
  what: string,
  change: (scenario: Scenario) => Scenario = (same) => same,
): RunSummary[] {
  const orders = curveOrders(loaded.config, "web", loaded.kinds[0]!.guest);
  const { scenario, directory } = orders.find(({ role }) => role.what === what)!;
  return HELD_OUT.map((seed) => {
    const vms = Array.from({ length: VMS }, (_, n) => ({ ...scenario.vms[0]!, name: `vm${n}` }));
    const machine = { ...scenario.machine, cpus: VMS };
    return runToEnd({ scenario: change({ ...scenario, seed, machine, vms }), directory }).summary;
  });
}

const total = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);
/** All ten guests by the curves. */
const composed = (of: (guest: GuestCurves) => number): number =>
  (HELD_OUT.length * VMS * total(guests.map(of))) / guests.length;

function close(figure: string, predicted: number, emulated: number): void {
  const error = predicted / emulated - 1;
  if (process.env["SHOW_ERRORS"])
    console.log(figure, predicted, emulated, `${(100 * error).toFixed(2)} %`);
  expect(Math.abs(error), `${figure}: ${predicted}, emulated ${emulated}`).toBeLessThan(WITHIN);
}

it("working sets, estimates, pace and the pVM's time are within 5 %", () => {
  const series = (summary: RunSummary, of: "truthPages" | "pages"): number => {
    const { operation } = summary;
    if (operation.kind !== "estimate") throw new Error("no estimation");
    return total(
      operation.vms.map((vm) => meanOf(vm.series.slice(1).map((point) => point[of] ?? 0))),
    );
  };
  const pace = ({ accesses, time }: RunSummary): number => (accesses * CYCLES_PER_SECOND) / time;
  const plain = hosts("workingSet");
  close(
    "working set",
    composed(({ workingSet }) => meanOf(workingSet.truth)),
    total(plain.map((one) => series(one, "truthPages"))),
  );
  close(
    "pace",
    composed(({ workingSet }) => workingSet.pace),
    total(plain.map(pace)),
  );
  const tracked = hosts("estimate");
  const bits = (guest: GuestCurves) => guest.estimates["bits"]!;
  close(
    "estimates",
    composed((guest) => meanOf(bits(guest).pages)),
    total(tracked.map((one) => series(one, "pages"))),
  );
  close(
    "pace, tracked",
    composed((guest) => guest.workingSet.pace * bits(guest).speed),
    total(tracked.map(pace)),
  );
  const lost = (guest: GuestCurves): number => guest.workingSet.pace * (1 - bits(guest).speed);
  close(
    "accesses lost to tracking",
    composed(lost),
    total(plain.map(pace)) - total(tracked.map(pace)),
  );
  const busy = ({ operation, time }: RunSummary): number => {
    if (operation.kind !== "estimate") throw new Error("no estimation");
    return (operation.pvm.handlerCycles + operation.pvm.processCycles) / time;
  };
  close(
    "pVM",
    composed((guest) => bits(guest).pvmShare),
    total(tracked.map(busy)),
  );
}, 60_000);

it("dirty pages in epochs of a length that was not measured are within 5 %", () => {
  const measured = hosts("dirty", (scenario) => ({
    ...scenario,
    operation: { kind: "measure", harvest: EPOCH },
    until: 20 * EPOCH,
  }));
  const found = measured.map(({ operation }) => {
    if (operation.kind !== "measure") throw new Error("no measurement");
    const rounds = operation.rounds.slice(7, -1);
    return (
      total(
        rounds.map(
          (round) =>
            total(round.pagesWritten.map((pages) => pages ?? 0)) +
            total([...round.guestPageTables]),
        ),
      ) / rounds.length
    );
  });
  close(
    "dirty pages",
    composed(({ dirty }) => powerAt(dirty["pml"]!.pages, EPOCH)),
    total(found),
  );
}, 60_000);

it("the evacuation of a host takes, sends and stops its VMs as long and as much, within 5 %", () => {
  const { config } = loaded;
  const { policy, batch: batchPages, latency: latencyCycles } = config.migration;
  const settings = { policy: policyOf(policy), batchPages, latencyCycles };
  const emulated = { time: 0, bytes: 0, downtime: 0 };
  for (let vm = 0; vm < VMS; vm++) {
    const start = config.curves.warmUp + Math.round(emulated.time);
    const [{ operation }] = hosts("migrate", (scenario) => {
      if (scenario.operation.kind !== "migrate") throw new Error("no migration");
      return { ...scenario, operation: { ...scenario.operation, vm: `vm${vm}`, start } };
    }) as [RunSummary];
    if (operation.kind !== "migrate" || operation.downtime === null)
      throw new Error("no migration");
    emulated.time += operation.totalTime;
    emulated.bytes += operation.bytes;
    emulated.downtime += operation.downtime;
  }
  let now = 0;
  const predicted = { bytes: 0, downtime: 0 };
  for (let vm = 0; vm < VMS; vm++) {
    const { migration, dirty } = guests[vm % guests.length]!;
    const { mapped, setup, harvest, harvestPage } = migration["pml"]!;
    const guest = {
      mapped,
      setup,
      harvest: (pages: number) => harvest + harvestPage * pages,
      dirtied: (window: number) => powerAt(dirty["pml"]!.pages, window),
    };
    const precopy = new Precopy(guest, settings, now);
    let step: Step = precopy.begin();
    while (step.what === "wait" || step.what === "send") {
      now +=
        step.what === "wait"
          ? step.cycles
          : (step.bytes * CYCLES_PER_SECOND) / config.hosts.link + step.latency;
      step = precopy.next(now, config.hosts.link);
    }
    predicted.bytes += precopy.progress.bytesSent;
    predicted.downtime += precopy.downtime!;
  }
  close("time", now, emulated.time);
  close("bytes", predicted.bytes, emulated.bytes);
  close("downtime", predicted.downtime, emulated.downtime);
}, 60_000);
