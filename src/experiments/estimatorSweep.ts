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

const pointName = (tau: number, mu: number, omega: number): string =>
  `tau ${tau}, mu ${mu} s, omega ${omega} s`;

/** One parameter at a time from VEE21's values. */
function combinations(): readonly (readonly [number, number, number])[] {
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

function evaluate(results: Results, scale: Scale) {
  const figures: Figure[] = [];
  const series: DataRow[] = [];
  for (const [tau, mu, omega] of combinations()) {
    const name = pointName(tau, mu, omega);
    const vm = itemAt(estimation(results(name)).vms, 0);
    figures.push(
      {
        quantity: `${name}: estimate, part of the pages`,
        unit: "",
        published: null,
        emulated: (vm.pages ?? 0) / scaled(PAGES, scale),
      },
      {
        quantity: `${name}: stable after`,
        unit: "s",
        published: null,
        emulated: vm.stableAt === null ? Number.NaN : inSeconds(vm.stableAt) * scale.divisor,
      },
    );
    for (const { time, pages } of vm.series) {
      series.push({
        tau: String(tau),
        intervals: `${mu} s, ${omega} s`,
        time: inSeconds(time) * scale.divisor,
        size: (pages ?? 0) * PAGE_MIB * scale.divisor,
      });
    }
  }
  const partOf = (tau: number, mu: number, omega: number): number =>
    (itemAt(estimation(results(pointName(tau, mu, omega))).vms, 0).pages ?? 0) /
    scaled(PAGES, scale);
  const parts = TAUS.map((tau) => partOf(tau, 30, 120).toFixed(3));
  const alike = combinations()
    .filter(([tau]) => tau === 50)
    .map((one) => partOf(...one));
  const spread = Math.max(...alike) - Math.min(...alike);
  const x = { field: "time", title: "time, s" };
  const y = { field: "size", title: "estimate, MB" };
  const unstable = combinations().filter(
    ([tau, mu, omega]) =>
      itemAt(estimation(results(pointName(tau, mu, omega))).vms, 0).stableAt === null,
  );
  return {
    figures,
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
    findings: [
      `the estimate after ${RUN} s is ${parts[0]} of the pages with tau ${TAUS[0]} and ${parts.at(-1)} with tau ${TAUS.at(-1)}; between all values of mu and omega that were tried it differs by ${spread.toFixed(4)}: tau alone decides how much is found`,
      `${unstable.length} of ${combinations().length} estimations had not become stable after ${RUN} s: counts only grow, so ever colder pages pass tau`,
    ],
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
