/** What came of a fleet as data, made from its days. */
import { CYCLES_PER_SECOND } from "../../config/units.ts";
import type { GuestCurves } from "./curves.ts";
import type { DayResult } from "./day/day.ts";
import type { FleetDays } from "./fleet.ts";
import { answersOf } from "./fleetAnswers.ts";
import { FLEET_FORMAT, FLEET_VERSION, type FleetDay, type FleetReport } from "./fleetFormat.ts";
import { notesOf } from "./fleetNotes.ts";

/** @param code version of the program */
export function reportOf(result: FleetDays, code: string): FleetReport {
  const { fleet, kinds } = result;
  const { config } = fleet;
  const days = result.days.map(dayIn);
  return {
    format: FLEET_FORMAT,
    version: FLEET_VERSION,
    code,
    fleet: config.name,
    seed: config.seed,
    vms: result.days[0]?.vms ?? 0,
    hosts: { count: config.hosts.count, memory: config.hosts.memory },
    days,
    answers: answersOf(days, config),
    leftOut: notesOf(days, config, kinds),
    runs: kinds.flatMap(({ name, guests }) =>
      guests.flatMap((guest) =>
        runsOf(guest).map(([curve, key]) => ({ kind: name, seed: guest.seed, curve, run: key })),
      ),
    ),
  };
}

function runsOf({ workingSet, estimates, dirty, migration, throughput }: GuestCurves) {
  const each = (what: string, keys: readonly string[]) =>
    keys.map((key): readonly [string, string] => [what, key]);
  return [
    ...each("working set", [workingSet.run]),
    ...Object.entries(estimates).flatMap(([name, { run: key }]) => each(`tracker ${name}`, [key])),
    ...Object.entries(dirty).flatMap(([name, { pages }]) =>
      each(`dirty pages under ${name}`, pages.runs),
    ),
    ...Object.entries(migration).flatMap(([name, { run: key }]) =>
      each(`migration under ${name}`, [key]),
    ),
    ...each("accesses by memory", throughput.runs),
  ];
}

function dayIn(result: DayResult): FleetDay {
  const { sizing, hosts, meter, migrations, pvm, evacuations } = result;
  const ended = Math.max(1, migrations.completed);
  const ofTime = (cycles: number): number => ratio(cycles, meter.vmCycles);
  const ofAccesses = (lost: number): number => ratio(lost, meter.offered);
  return {
    sizes: sizing.kind,
    tracker: sizing.kind === "tracker" ? sizing.name : null,
    hosts: { ...hosts },
    short: {
      part: ofTime(meter.shortCycles),
      seconds: inSeconds(meter.shortCycles),
      fullHostSeconds: inSeconds(meter.fullCycles),
    },
    accesses: {
      offered: meter.offered,
      lostToMemory: ofAccesses(meter.lostToMemory),
      lostToTracking: ofAccesses(meter.lostToTracking),
      lostToDowntime: ofAccesses(meter.lostToDowntime),
    },
    migrations: {
      completed: migrations.completed,
      byReason: { ...migrations.byReason },
      givenUp: migrations.givenUp,
      abandoned: migrations.abandoned,
      withdrawn: migrations.withdrawn,
      underWay: result.underWay,
      bytes: migrations.bytes,
      meanTime: inSeconds(migrations.time / ended),
      longestTime: inSeconds(migrations.longest),
      meanDowntime: 1000 * inSeconds(migrations.downtime / ended),
      longestDowntime: 1000 * inSeconds(migrations.longestDowntime),
    },
    pvm: { ...pvm, overloaded: result.overloaded },
    evacuations: evacuations.map(({ host, from, vms, until }) => ({
      host,
      at: inSeconds(from),
      vms,
      seconds: until === null ? null : inSeconds(until - from),
    })),
    waiting: {
      vms: result.waited,
      seconds: inSeconds(result.waitingCycles),
      noRoom: result.noRoom,
    },
    leftOut: {
      belowMeasured: ofTime(meter.unmeasuredCycles),
      windows: migrations.windows,
      windowsTooLong: migrations.windowsTooLong,
      estimates: result.estimates,
      estimatesOfShort: result.estimatesOfShort,
    },
    course: result.series.map((point) => ({ ...point, time: inSeconds(point.time) })),
  };
}

function inSeconds(cycles: number): number {
  return cycles / CYCLES_PER_SECOND;
}

function ratio(value: number, whole: number): number {
  return whole === 0 ? 0 : value / whole;
}
