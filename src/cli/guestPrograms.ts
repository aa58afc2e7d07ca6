/** `trackvisor guest programs`: what estimators say of five real programs, beside the truth (docs/guests.md). */

import { grouped } from "../config/figures.ts";
import { CYCLES_PER_SECOND } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { DEFAULT_TECHNIQUE } from "../hypervisor/techniques/all.ts";
import { note, print } from "../io/standardStreams.ts";
import { runToEnd } from "../runs/runOrder.ts";
import { scenarioSchema } from "../system/scenarioSchema.ts";
import type { RunSummary } from "../system/summary.ts";
import { UNITS } from "../units/all.ts";

const ORDERS = `create table orders(id integer primary key, customer text, amount int);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
  insert into orders select i, 'customer ' || (i * 7919 % 97), i * 31 % 1009 from n;
create index by_customer on orders(customer);
select customer, count(*), sum(amount) from orders group by customer order by 3 desc, 1 limit 3;`;

const MAP = `const m = new Map();
for (let i = 0; i < 30000; i++) { const k = (i * 7919) % 4999; m.set(k, (m.get(k) ?? 0) + i); }
[...m].sort((a, b) => b[1] - a[1]).slice(0, 3).join(" ")`;

/** Five programs, each with what is new to the others: plain memory, a heap, B-trees, shared buffers, a kernel. */
const PROGRAMS: readonly (readonly [string, object])[] = [
  ["C: sort.wasm 100000", { kind: "wasm", module: "shipped:sort", args: ["100000"] }],
  ["QuickJS: a map of 4,999 keys, sorted", { kind: "wasm", program: "quickjs", script: MAP }],
  ["SQLite: 5,000 rows, an index, groups", { kind: "wasm", program: "sqlite", script: ORDERS }],
  ["PostgreSQL: the same", { kind: "wasm", program: "postgres", script: ORDERS }],
  [
    "Linux: seq 2000, sort -r, md5sum",
    // Several runs play it.
    { kind: "linux", run: "seq 2000 | sort -r | md5sum", live: false },
  ],
];
const INTERVAL_MS = 5;
const ESTIMATORS = [
  { kind: "pml", interval: `${INTERVAL_MS}ms` },
  { kind: "prl", tau: 10, mu: "1ms", omega: `${INTERVAL_MS}ms`, continueWhenStable: true },
  { kind: "vmware", samples: 100, period: `${INTERVAL_MS}ms` },
] as const;

const HARVESTED_BY =
  UNITS.find(({ name }) => name === DEFAULT_TECHNIQUE)?.label ?? DEFAULT_TECHNIQUE;

interface Estimated {
  readonly estimator: string;
  /** Mean of the estimates, and of the truth at the same times, in pages. */
  readonly pages: number;
  readonly truth: number;
  /** Mean of |estimate - truth| / truth; null if there was no truth to compare with. */
  readonly error: number | null;
}

interface ProgramRow {
  readonly program: string;
  readonly accesses: number;
  readonly milliseconds: number;
  readonly touched: number;
  readonly written: number;
  /** Pages written in each interval, a millisecond: what PML's harvests report, and what was true. */
  readonly writtenRate: readonly [reported: number, truth: number];
  readonly estimates: readonly Estimated[];
}

/** Runs each under each estimator, and prints a table in Markdown. What cannot be run here is said, and left out. */
export function programsAction(): void {
  const rows = PROGRAMS.flatMap(([program, workload]): ProgramRow[] => {
    try {
      return [rowOf(program, workload)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      note(`${program}: left out: ${error.message}`);
      return [];
    }
  });
  const names = ESTIMATORS.map(({ kind }) => kind);
  const heads = [
    "accesses",
    "ms",
    "touched",
    "written",
    `written a ms: ${HARVESTED_BY} / truth`,
    ...names,
    "truth",
  ];
  print(`| program | ${heads.join(" | ")} |`, `|---|${heads.map(() => "---:").join("|")}|`);
  for (const row of rows) print(tableRow(row));
}

function rowOf(program: string, workload: object): ProgramRow {
  const run = (rest: object): RunSummary => {
    const vms = [{ paging: "off", workload }];
    const scenario = scenarioSchema.parse({ name: program, vms, ...rest });
    const { summary, broken } = runToEnd({ scenario, directory: "." });
    if (broken !== null) throw new UserError(broken);
    return summary;
  };
  const measured = run({
    tracker: { technique: DEFAULT_TECHNIQUE },
    operation: { kind: "measure", harvest: `${INTERVAL_MS}ms` },
  });
  const milliseconds = (measured.time / CYCLES_PER_SECOND) * 1000;
  const [harvests] = measured.harvests;
  const { reportedPages = 0, overReported = 0, lostPages = 0 } = harvests ?? {};
  return {
    program,
    accesses: measured.accesses,
    milliseconds,
    touched: measured.truth.pagesTouched,
    written: measured.truth.pagesWritten,
    writtenRate: [
      reportedPages / milliseconds,
      (reportedPages - overReported + lostPages) / milliseconds,
    ],
    estimates: ESTIMATORS.map((estimator) =>
      estimateOf(run({ operation: { kind: "estimate", estimator } }), estimator.kind),
    ),
  };
}

function estimateOf({ operation }: RunSummary, estimator: string): Estimated {
  if (operation.kind !== "estimate") throw new Error("no estimation");
  const [vm] = operation.vms;
  const series = vm?.series ?? [];
  const mean = (values: readonly number[]): number =>
    values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    estimator,
    pages: mean(series.flatMap(({ pages }) => (pages === null ? [] : [pages]))),
    truth: mean(series.map(({ truthPages }) => truthPages)),
    error: vm?.meanError ?? null,
  };
}

function tableRow(row: ProgramRow): string {
  const estimates = row.estimates.map(({ pages, error }) => {
    return `${grouped(Math.round(pages))}${error === null ? "" : ` (${(100 * error).toFixed(0)} %)`}`;
  });
  const cells = [
    grouped(row.accesses),
    row.milliseconds.toFixed(0),
    grouped(row.touched),
    grouped(row.written),
    row.writtenRate.map((rate) => rate.toFixed(1)).join(" / "),
    ...estimates,
    grouped(Math.round(row.estimates[0]?.truth ?? 0)),
  ];
  return `| ${row.program} | ${cells.join(" | ")} |`;
}
