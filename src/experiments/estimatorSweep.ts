/** Beyond the study: tau, the interval mu and the stability time omega (w on the slides). */

import { itemAt } from "../lookup.ts";
import { linePlot } from "../plots/kinds.ts";
import type { DataRow } from "../plots/plot.ts";
import { estimation, inSeconds, PAGE_MIB, STUDY_TLB } from "./common.ts";
import type { Experiment, Figure, Point, Results } from "./experiment.ts";
import { ALL, type Scale, scaled, seconds } from "./scale.ts";

const TAUS = [1, 10, 50, 100, 500] as const;
const MUS = [10, 30, 60] as const;
const OMEGAS = [60, 120, 240] as const;
const RUN = 360;
const PAGES = 102_400;

type Combination = readonly [tau: number, mu: number, omega: number];

const pointName = (tau: number, mu: number, omega: number): string =>
  `tau ${tau}, mu ${mu} s, omega ${omega} s`;

/** One parameter at a time from VEE21's values. */
function combinations(): readonly Combination[] {
  return [
    ...TAUS.map((tau) => [tau, 30, 120] as const),
    ...MUS.filter((mu) => mu !== 30).map((mu) => [50, mu, 120] as const),
    ...OMEGAS.filter((omega) => omega !== 120).map((omega) => [50, 30, omega] as const),
  ];
}

function points(scale: Scale): readonly Point[] {
  return combinations().map(([tau, mu, omega]): Point => {
    const name = pointName(tau, mu, omega);
    return {
      name,
      scenario: {
        name,
        machine: { quantum: "10ms", tlb: STUDY_TLB },
        vms: [
          {
            paging: "off",
            workload: {
              kind: "zipf",
              pages: scaled(PAGES, scale),
              exponent: 1,
              writeFraction: 0.3,
              gap: 23_996,
            },
          },
        ],
        operation: {
          kind: "estimate",
          estimator: {
            kind: "prl",
            tau,
            mu: seconds(mu, scale),
            omega: seconds(omega, scale),
          },
        },
        until: seconds(RUN, scale),
      },
    };
  });
}

function estimateOf(results: Results, one: Combination) {
  return itemAt(estimation(results(pointName(...one))).vms, 0);
}

/** What was found after the whole run, of all pages. */
function partOf(results: Results, scale: Scale, one: Combination): number {
  return (estimateOf(results, one).pages ?? 0) / scaled(PAGES, scale);
}

function figuresOf(results: Results, scale: Scale, one: Combination): readonly Figure[] {
  const name = pointName(...one);
  const { stableAt } = estimateOf(results, one);
  return [
    {
      quantity: `${name}: estimate, part of the pages`,
      unit: "",
      published: null,
      emulated: partOf(results, scale, one),
    },
    {
      quantity: `${name}: stable after`,
      unit: "s",
      published: null,
      emulated: stableAt === null ? Number.NaN : inSeconds(stableAt) * scale.divisor,
    },
  ];
}

function seriesOf(results: Results, { divisor }: Scale, one: Combination): readonly DataRow[] {
  const [tau, mu, omega] = one;
  return estimateOf(results, one).series.map(({ time, pages }) => ({
    tau: String(tau),
    intervals: `${mu} s, ${omega} s`,
    time: inSeconds(time) * divisor,
    size: (pages ?? 0) * PAGE_MIB * divisor,
  }));
}

function findingsOf(results: Results, scale: Scale): readonly string[] {
  const parts = TAUS.map((tau) => partOf(results, scale, [tau, 30, 120]).toFixed(3));
  const alike = combinations()
    .filter(([tau]) => tau === 50)
    .map((one) => partOf(results, scale, one));
  const spread = Math.max(...alike) - Math.min(...alike);
  const unstable = combinations().filter((one) => estimateOf(results, one).stableAt === null);
  return [
    `the estimate after ${RUN} s is ${parts[0]} of the pages with tau ${TAUS[0]} and ${parts.at(-1)} with tau ${TAUS.at(-1)}; between all values of mu and omega that were tried it differs by ${spread.toFixed(4)}: tau alone decides how much is found`,
    `${unstable.length} of ${combinations().length} estimations had not become stable after ${RUN} s: counts only grow, so ever colder pages pass tau`,
  ];
}

function evaluate(results: Results, scale: Scale) {
  const series = combinations().flatMap((one) => seriesOf(results, scale, one));
  const x = { field: "time", title: "time, s" };
  const y = { field: "size", title: "estimate, MB" };
  return {
    figures: combinations().flatMap((one) => figuresOf(results, scale, one)),
    plots: [
      linePlot(
        "Estimates of a program with skewed popularity (Zipf), by tau",
        series.filter(({ intervals }) => intervals === "30 s, 120 s"),
        { x, y, by: { field: "tau", title: "tau" } },
      ),
      linePlot(
        "The same at tau 50, by mu and omega",
        series.filter(({ tau }) => tau === "50"),
        { x, y, by: { field: "intervals", title: "mu, omega" } },
      ),
    ],
    findings: findingsOf(results, scale),
  };
}

export const estimatorSweepExperiment: Experiment = {
  name: "estimator-sweep",
  title: "Beyond the study: tau, mu and omega on a program with skewed popularity",
  source: "none; VEE21 uses tau 50, mu 30 s, omega 120 s",
  assumptions: [
    "400 MB, Zipf with exponent 1, 100,000 accesses a second: chosen so that popular pages pass tau and others do not",
    "TLB of the study's machine: 64 entries, 4 ways",
  ],
  divides: ALL,
  points,
  evaluate,
};
