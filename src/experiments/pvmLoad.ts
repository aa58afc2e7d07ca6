/** How much of a core PRL takes in the pVM: over time, and for 1 to 10 VMs (VEE21 figure 9). */
import { estimatorInput } from "./accuracy.ts";
import { estimation, gapFor, inSeconds, MEDIAN_THROUGHPUT, median, STUDY_TLB } from "./common.ts";
import type { DataRow, Experiment, Figure, Point, Results } from "./experiment.ts";
import { type Scale, scaled, seconds } from "./scale.ts";

/** Percent of a core, read off figure 9b. */
const BY_VMS = { 1: 1.5, 2: 3, 5: 7.5, 10: 15 } as const;
const COUNTS = [1, 2, 5, 10] as const;
/** Peaks of figure 9a: time in s, percent. */
const PEAKS = [
  [41, 19],
  [70, 19],
  [100, 25],
  [130, 30],
  [160, 43],
  [190, 46],
] as const;
const MEDIAN = 1;

const PAGES = 102_400;
const RATE = MEDIAN_THROUGHPUT[0];
const SERIES_RUN = 200;
const COUNT_RUN = 65;

function points(scale: Scale): readonly Point[] {
  return COUNTS.map((count): Point => {
    const name = `${count} VMs`;
    return {
      name,
      scenario: {
        name,
        machine: { quantum: "10ms", cpus: count, tlb: STUDY_TLB },
        vms: Array.from({ length: count }, (_, vm) => ({
          name: `vm${vm}`,
          paging: "off" as const,
          workload: {
            kind: "phases" as const,
            mode: "RWRW" as const,
            pages: scaled(PAGES, scale),
            gap: gapFor(RATE),
          },
        })),
        operation: {
          kind: "estimate",
          estimator: estimatorInput("prl", scale),
          loadInterval: seconds(1, scale),
        },
        until: seconds(count === 1 ? SERIES_RUN : COUNT_RUN, scale),
      },
    };
  });
}

function evaluate(results: Results, scale: Scale) {
  const load = (count: number): readonly { time: number; percent: number; handler: number }[] =>
    estimation(results(`${count} VMs`)).pvm.load.map(({ time, handler, processes }) => ({
      time: inSeconds(time) * scale.divisor,
      percent: 100 * (handler + processes),
      handler: 100 * handler,
    }));
  const mean = (count: number): number => {
    const run = results(`${count} VMs`);
    const { handlerCycles, processCycles } = estimation(run).pvm;
    return (100 * (handlerCycles + processCycles)) / run.time;
  };
  const series = load(1);
  const figures: Figure[] = [
    ...COUNTS.map(
      (count): Figure => ({
        quantity: `mean load, ${count} VM${count === 1 ? "" : "s"}`,
        unit: "% of a core",
        published:
          count === 1
            ? { value: BY_VMS[1], relation: "at most" }
            : { value: BY_VMS[count], within: 0.5 },
        emulated: mean(count),
      }),
    ),
    {
      quantity: "load of 10 VMs, times that of one",
      unit: "",
      published: { value: BY_VMS[10] / BY_VMS[1] },
      emulated: mean(10) / mean(1),
    },
    {
      quantity: "one VM over time, median",
      unit: "% of a core",
      published: { value: MEDIAN, within: 0.5 },
      emulated: median(series.map(({ percent }) => percent)),
    },
    ...PEAKS.map(
      ([time, percent]): Figure => ({
        quantity: `one VM over time, peak near ${time} s`,
        unit: "% of a core",
        published: { value: percent, within: 0.5 },
        emulated: Math.max(
          ...series
            .filter((point) => Math.abs(point.time - time) <= 15)
            .map((point) => point.percent),
        ),
      }),
    ),
  ];
  const data: DataRow[] = series.map(({ time, percent }) => ({ time, percent }));
  return {
    figures,
    plots: [
      {
        title: "The pVM's load with one VM",
        data,
        spec: {
          mark: "line",
          encoding: {
            x: { field: "time", type: "quantitative", title: "time, s" },
            y: { field: "percent", type: "quantitative", title: "% of a core" },
          },
        },
      },
      {
        title: "The pVM's load by VMs",
        data: COUNTS.flatMap((vms) => [
          { vms, origin: "published", percent: BY_VMS[vms] },
          { vms, origin: "emulated", percent: mean(vms) },
        ]),
        spec: {
          mark: { type: "line", point: true },
          encoding: {
            x: { field: "vms", type: "quantitative", title: "VMs" },
            y: { field: "percent", type: "quantitative", title: "% of a core" },
            color: { field: "origin", title: null },
          },
        },
      },
    ],
    findings: [],
  };
}

export const pvmLoadExperiment: Experiment = {
  name: "pvm-load",
  title: "What PRL takes of the pVM's CPUs",
  source: "VEE21 figure 9: below 1.5 % of a core for a VM, linear; peaks every 30 s",
  assumptions: [
    `each VM runs the RWRW array of 400 MB at ${RATE} operations a microsecond; the study replayed gem5's traces at a rate that is not published`,
    "the handler's and the scan's costs are assumed (docs/costs.md); the load is looked at every second",
  ],
  points,
  evaluate,
};
