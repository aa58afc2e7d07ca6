/** Beyond the study: what finds the pages of a differential snapshot, what it costs, and how right it is. */

import { findPackagePart } from "../io/optionalPackage.ts";
import { fieldOf, itemAt } from "../lookup.ts";
import { rowPlot } from "../plots/kinds.ts";
import { cyclesPerAccess, overheadOf, ownMeasuresOf } from "../questions/measures.ts";
import type { RunSummary } from "../system/summary.ts";
import { checkpoints, inSeconds, pagesText } from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";

/** By name: who uses it, and how a scenario says it. The first takes all pages each time, and tracks nothing. */
const WAYS: Readonly<Record<string, ScenarioInput["tracker"]>> = {
  "all pages": { technique: "none" },
  "dirty log, write protection": { technique: "writeProtect" },
  "dirty log, PML": { technique: "pml" },
  "A/D scan": { technique: "accessedDirtyScan" },
  "userfaultfd, messages": { technique: "userfaultfd" },
  "userfaultfd, WP_ASYNC and PAGEMAP_SCAN": {
    technique: "userfaultfd",
    userfaultfd: { mode: "WP_ASYNC" },
  },
  "soft-dirty bits": { technique: "softDirty" },
  "residency (mincore)": { technique: "mincore" },
};
const NAMES = Object.keys(WAYS);
const ALL_PAGES = itemAt(NAMES, 0);

interface Guest {
  /** Pages that the VM has; null: as many as its program uses. */
  readonly pages: number | null;
  readonly workload: (pages: number) => ScenarioInput["vms"][number]["workload"];
  /** Milliseconds from one snapshot to the next, and until the end: before the program's. */
  readonly every: number;
  readonly until: number;
}

const SCRIPT = `
  create table orders(id integer primary key, customer text, amount int);
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500)
    insert into orders select i, 'customer ' || (i * 7919 % 97), i * 31 % 1009 from n;
  create index by_customer on orders(customer);
  select customer, count(*), sum(amount) from orders group by customer order by 3 desc limit 3;
`;

const SYNTHETIC = { every: 10, until: 45 } as const;
const GAP = 3000;

const GUESTS: Readonly<Record<string, Guest>> = {
  "hot set with 30 % writes": {
    ...SYNTHETIC,
    pages: 2048,
    workload: (pages) => ({
      ...{ kind: "zipf", exponent: 0.99, writeFraction: 0.3 },
      ...{ pages, gap: GAP },
    }),
  },
  "all alike with 2 % writes": {
    ...SYNTHETIC,
    pages: 2048,
    workload: (pages) => ({ kind: "uniform", writeFraction: 0.02, pages, gap: GAP }),
  },
  "recorded sort": {
    pages: null,
    workload: () => ({ kind: "trace", file: "shipped:sort" }),
    ...{ every: 3, until: 14 },
  },
  SQLite: {
    pages: null,
    workload: () => ({ kind: "wasm", program: "sqlite", script: SCRIPT }),
    ...{ every: 1, until: 5.5 },
  },
};

/** Those whose programs are installed. */
const guestNames = (): readonly string[] =>
  Object.keys(GUESTS).filter((name) => name !== "SQLite" || findPackagePart("sql.js") !== null);

const pointName = (guest: string, way: string): string => `${guest}, ${way}`;
const NONE = "no snapshots";

function points(): readonly Point[] {
  return guestNames().flatMap((guest) => {
    const { pages, workload, every, until } = fieldOf(GUESTS, guest);
    const memory = pages === null ? {} : { memory: pagesText(pages) };
    const common = {
      vms: [{ ...memory, workload: workload(pages ?? 0) }],
      until: `${until}ms`,
    };
    const times = [1, 2, 3, 4].map((number) => `${number * every}ms`);
    const name = pointName(guest, NONE);
    return [
      { name, scenario: { name, ...common, tracker: { technique: "none" } } },
      ...NAMES.map((way): Point => {
        const point = pointName(guest, way);
        const mode = way === ALL_PAGES ? "stop" : "diff";
        const kind = "checkpoint";
        const operation = { kind, mode, times, state: false, bandwidth: "10Gbit/s" } as const;
        return { name: point, scenario: { name: point, ...common, tracker: WAYS[way], operation } };
      }),
    ];
  });
}

const MIB = 2 ** 20;

interface Cost {
  readonly guest: string;
  readonly way: string;
  /** Percent by which an access takes longer while the VM runs; milliseconds of the host's CPUs; MiB, and milliseconds of pause, of a snapshot after the first. */
  readonly lost: number;
  readonly host: number;
  readonly mib: number;
  readonly pause: number;
  readonly precision: number;
  readonly recall: number;
}

/** Cycles of a vCPU for each access, without those in which its VM stood still. */
function busyOf(run: RunSummary): number {
  const { waiting, ...busy } = cyclesPerAccess(run);
  return Object.values(busy).reduce((sum, cycles) => sum + cycles, 0);
}

function costOf(results: Results, guest: string, way: string): Cost {
  const run = results(pointName(guest, way));
  const { checkpoints: all, differences } = checkpoints(run);
  const later = all.slice(1);
  const mean = (of: (one: (typeof later)[number]) => number): number =>
    later.reduce((sum, one) => sum + of(one), 0) / later.length;
  return {
    guest,
    way,
    lost: overheadOf(busyOf(run), busyOf(results(pointName(guest, NONE)))),
    host: ownMeasuresOf(run).pvmTime,
    mib: mean(({ bytes }) => bytes) / MIB,
    pause: 1e3 * inSeconds(mean(({ pause }) => pause)),
    precision: differences?.precision ?? Number.NaN,
    recall: differences?.recall ?? 1,
  };
}

const QUANTITIES: readonly (readonly [keyof Cost, what: string, unit: string])[] = [
  ["precision", "precision", ""],
  ["recall", "recall", ""],
  ["lost", "guest's time lost", "%"],
  ["pause", "pause of a snapshot", "ms"],
  ["host", "host's time for tracking", "ms"],
  ["mib", "size of a snapshot", "MiB"],
];

function evaluate(results: Results) {
  const costs = guestNames().flatMap((guest) => NAMES.map((way) => costOf(results, guest, way)));
  const figures = costs.flatMap((cost) =>
    QUANTITIES.flatMap(([field, what, unit]): Figure[] => {
      const emulated = Number(cost[field]);
      if (Number.isNaN(emulated)) return [];
      const quantity = `${cost.guest}, ${cost.way}: ${what}`;
      return [{ quantity, unit, published: null, emulated }];
    }),
  );
  return {
    figures,
    plots: [
      rowPlot(
        "Differential snapshots: what finding the pages costs the guest",
        costs.map(({ guest, way, lost }) => ({ guest, way, lost })),
        {
          x: { field: "lost", title: "time lost, %" },
          y: { field: "way", title: "found by" },
          by: { field: "guest", title: "guest" },
          width: 420,
          height: 240,
        },
      ),
    ],
    findings: guestNames().map((guest) => findingOf(costs.filter((one) => one.guest === guest))),
  };
}

/** The cheapest for the guest of those that leave nothing out, the dearest, and who takes most too much. */
function findingOf(costs: readonly Cost[]): string {
  const exact = costs.filter(({ recall }) => recall === 1).sort((a, b) => a.lost - b.lost);
  const [first, last] = [itemAt(exact, 0), itemAt(exact, exact.length - 1)];
  const coarse = costs
    .filter(({ precision }) => precision < 1)
    .sort((a, b) => a.precision - b.precision)[0];
  const named = ({ way, lost }: Cost): string => `${way} (${lost.toFixed(1)} %)`;
  const rest =
    coarse === undefined
      ? ""
      : `; of the pages that ${coarse.way} puts into a snapshot ${(100 * coarse.precision).toFixed(0)} % had changed`;
  return `${first.guest}: the guest loses least by ${named(first)}, most by ${named(last)}${rest}`;
}

export const snapshotsExperiment: Experiment = {
  name: "snapshots",
  title: "Beyond the study: what finds the pages of a differential snapshot",
  source: "none",
  assumptions: [
    "four snapshots, the first of all pages; the VM stands still while one is copied and written, at 10 Gbit/s; what a snapshot costs is told of the later three",
    "precision and recall: pages in a snapshot, held against those that had changed since the one before",
    "under mincore the VM begins with nothing in memory, as one that was restored by mapping its file does, so that it pays for its first accesses too",
  ],
  divides: null,
  points,
  evaluate,
};
