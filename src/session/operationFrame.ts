/** What the toolstack is doing, as a headline, facts, a chart and a table; each kind in its own way. */
import { CYCLES_PER_SECOND, formatCycles } from "../config/units.ts";
import type { CheckpointResult } from "../system/operations/checkpoint.ts";
import type { EstimateResult } from "../system/operations/estimate/result.ts";
import type { MeasureResult } from "../system/operations/measure.ts";
import type { MigrateResult } from "../system/operations/migration/result.ts";
import type { OvercommitResult } from "../system/operations/overcommit/result.ts";
import { type Tellings, tellResult } from "../system/operations/results.ts";
import type { System } from "../system/system.ts";
import type { OperationFrame } from "./frame.ts";

type Told = Omit<OperationFrame, "kind" | "state">;

const PAGE_BYTES = 4096;
const MIB = 2 ** 20;

export function operationFrame(system: System): OperationFrame {
  const result = system.result();
  const told = tellResult(TELLINGS, result, system);
  return { kind: result.kind, state: system.operating.value, ...told };
}

const TELLINGS: Tellings<[System], Told> = {
  measure: tellMeasurement,
  migrate: tellMigration,
  checkpoint: tellCheckpoints,
  estimate: tellEstimation,
  overcommit: tellOvercommitment,
};

function tellMeasurement({ rounds }: MeasureResult): Told {
  const pages = rounds.map(({ pagesWritten, pagesTouched }) =>
    sum(pagesTouched.map((touched, vm) => touched ?? pagesWritten[vm] ?? 0)),
  );
  return {
    headline:
      rounds.length === 0
        ? "no harvest yet"
        : `${count(rounds.length)} ${rounds.length === 1 ? "harvest" : "harvests"} of the logs`,
    facts: [["last harvest", rounds.length === 0 ? "-" : `${count(pages.at(-1)!)} pages`]],
    chart: {
      title: "pages reported, harvest by harvest",
      names: ["pages", ""],
      series: [pages, []],
    },
    columns: ["harvest", "written", "touched", "tables"],
    rows: rounds.map(({ pagesWritten, pagesTouched, guestPageTables }, number) => [
      String(number + 1),
      known(pagesWritten),
      known(pagesTouched),
      count(sum(guestPageTables)),
    ]),
  };
}

/** "-" is what a technique cannot know. */
function known(pages: readonly (number | null)[]): string {
  const numbers = pages.filter((one) => one !== null);
  return numbers.length === 0 ? "-" : count(sum(numbers));
}

function tellMigration(result: MigrateResult, system: System): Told {
  const { rounds, outcome, policy, vm } = result;
  const last = rounds.at(-1);
  const lastRate = rounds.findLast(({ dirtyRate }) => dirtyRate !== null)?.dirtyRate ?? undefined;
  const state = system.operating.value;
  const begun = rounds.length > 0;
  const unfinished = outcome === "unfinished";
  const phase = state === "created" || state === "running" ? "has not begun" : state;
  const dirty = rounds.flatMap(({ dirtyAfter }) => (dirtyAfter === null ? [] : [dirtyAfter]));
  return {
    headline: unfinished
      ? `${vm} by ${policy}'s rules: ${phase}${begun ? `, round ${last!.iteration}` : ""}`
      : `${vm} by ${policy}'s rules: ${outcome}`,
    facts: [
      ["sent", `${count(result.pagesSent)} pages, ${(result.bytes / MIB).toFixed(1)} MiB`],
      ["rate", `${(result.transferRate / MIB).toFixed(1)} MiB/s`],
      [
        "dirty rate",
        // The round under way has none yet.
        lastRate === undefined ? "-" : `${count(Math.round(lastRate))} pages/s`,
      ],
      ["downtime", result.downtime === null ? "-" : formatCycles(result.downtime)],
      ["throttle", `${result.throttle.at(-1)?.percent ?? 0} %`],
      [
        "destination",
        result.verified === null ? "-" : result.verified ? "equals the source" : "DIFFERS",
      ],
    ],
    chart: {
      title: "pages sent and found dirty, round by round",
      names: ["sent", "dirty after"],
      series: [rounds.map(({ pagesSent }) => pagesSent), dirty],
    },
    columns: ["round", "pages", "time", "dirty after", "pages/s"],
    rows: rounds.map(({ iteration, live, pagesSent, duration, dirtyAfter, dirtyRate }) => [
      live ? String(iteration) : `${iteration} down`,
      count(pagesSent),
      formatCycles(duration),
      dirtyAfter === null ? "-" : count(dirtyAfter),
      dirtyRate === null ? "-" : count(Math.round(dirtyRate)),
    ]),
  };
}

function tellCheckpoints(result: CheckpointResult): Told {
  const { checkpoints, mode, epoch } = result;
  return {
    headline:
      mode === "live"
        ? `live, an epoch of ${formatCycles(epoch ?? 0)}: ${checkpointsOf(result.committed)} safe`
        : `stop and copy: ${checkpointsOf(result.committed)} safe`,
    facts: [
      ["pages", `${count(result.pages)}, ${(result.bytes / MIB).toFixed(1)} MiB`],
      ["mean pause", formatCycles(result.meanPause)],
      ["longest pause", formatCycles(result.maxPause)],
      ["VMs stood still", `${(100 * result.pausedShare).toFixed(1)} %`],
      ["late epochs", count(result.lateEpochs)],
    ],
    chart: {
      title: "pages, checkpoint by checkpoint",
      names: ["pages", ""],
      series: [checkpoints.slice(1).map(({ pages }) => pages), []],
    },
    columns: ["number", "at", "pages", "pause", "safe at"],
    rows: checkpoints.map(({ number, time, pages, pause, acknowledged }) => [
      String(number),
      formatCycles(time),
      count(pages),
      formatCycles(pause),
      acknowledged === null ? "not yet" : formatCycles(acknowledged),
    ]),
  };
}

function checkpointsOf(number: number): string {
  return `${count(number)} ${number === 1 ? "checkpoint" : "checkpoints"}`;
}

function tellEstimation({ vms, estimator, interval }: EstimateResult): Told {
  const [first] = vms;
  const series = first?.series ?? [];
  return {
    headline: `working set by ${estimator}, a look every ${formatCycles(interval)}`,
    facts: vms.flatMap((vm): [string, string][] => [
      [`${vm.vm} estimate`, size(vm.pages)],
      [`${vm.vm} truth`, size(vm.truthPages)],
      [`${vm.vm} error`, percent(vm.error)],
      [`${vm.vm} stable`, vm.stableAt === null ? "not yet" : `at ${formatCycles(vm.stableAt)}`],
    ]),
    chart: {
      title: `working set of ${first?.vm ?? ""}, MiB`,
      names: ["estimate", "truth"],
      series: [
        series.map(({ pages }) => ((pages ?? 0) * PAGE_BYTES) / MIB),
        series.map(({ truthPages }) => (truthPages * PAGE_BYTES) / MIB),
      ],
    },
    columns: ["at", "estimate", "truth", "pVM ms"],
    rows: series.map(({ time, pages, truthPages, pvmCycles }) => [
      formatCycles(time),
      pages === null ? "-" : count(pages),
      count(truthPages),
      ((1e3 * pvmCycles) / CYCLES_PER_SECOND).toFixed(3),
    ]),
  };
}

function tellOvercommitment(result: OvercommitResult): Told {
  const { vms, policy, estimator, hostPages, controller, pager, disk } = result;
  const [first] = vms;
  const series = first?.series ?? [];
  const mib = (pages: number): number => (pages * PAGE_BYTES) / MIB;
  const decisions = controller.decisions === 1 ? "decision" : "decisions";
  return {
    headline: `${vms.length} VMs on ${mib(hostPages).toFixed(1)} MiB by ${policy}, estimates by ${estimator}: ${count(controller.decisions)} ${decisions}`,
    facts: [
      ...vms.flatMap((vm): [string, string][] => [
        [`${vm.vm} has`, size(vm.series.at(-1)?.size ?? null)],
        [`${vm.vm} refaults`, `${count(vm.guestRefaults + vm.hostRefaults)}`],
        [`${vm.vm} waited`, percent(vm.waiting)],
      ]),
      ["pager", `${count(pager.faults)} faults`],
      ["disk", `${count(disk.pagesRead)} read, ${count(disk.pagesWritten)} written`],
    ],
    chart: {
      title: `memory of ${first?.vm ?? ""}, MiB`,
      names: ["size", "working set"],
      series: [series.map((point) => mib(point.size)), series.map(({ truth }) => mib(truth ?? 0))],
    },
    columns: ["at", "VM", "size", "target", "used", "refaults/s"],
    rows: series.flatMap(({ time }, decision) =>
      vms.flatMap(({ vm, series: own }): string[][] => {
        const point = own[decision];
        if (point === undefined) return [];
        return [
          [
            formatCycles(time),
            vm,
            count(point.size),
            count(point.target),
            point.used === null ? "-" : count(Math.round(point.used)),
            count(Math.round(point.guestRefaults + point.hostRefaults)),
          ],
        ];
      }),
    ),
  };
}

function size(pages: number | null): string {
  if (pages === null) return "-";
  return `${count(pages)} pages, ${((pages * PAGE_BYTES) / MIB).toFixed(1)} MiB`;
}

function percent(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(2)} %`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function count(value: number): string {
  return value.toLocaleString("en");
}
