/** What an overcommitted host tells people. */
import { grouped, pagesAndSize, percentOrDash } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import { meanOver, mostOver, type Telling, type Told } from "../telling.ts";
import { formatOvercommit } from "./overcommitReport.ts";
import type { OvercommitResult } from "./overcommitResult.ts";

const PAGE_BYTES = 4096;
const MIB = 2 ** 20;

export const overcommitTelling: Telling<OvercommitResult> = {
  tell: tellOvercommitment,
  report: formatOvercommit,
  numbers: [
    {
      name: "slowdown",
      unit: "",
      what: "of the VMs, 1 without waiting: the mean",
      of: ({ vms }) => meanOver(vms, ({ slowdown }) => slowdown),
    },
    {
      name: "worstSlowdown",
      unit: "",
      what: "of the VM that waits most",
      of: ({ vms }) => mostOver(vms, ({ slowdown }) => slowdown),
    },
    {
      name: "hostFaults",
      unit: "",
      what: "faults that the pager served",
      of: ({ pager }) => pager.faults,
    },
  ],
};

function tellOvercommitment(result: OvercommitResult): Told {
  const { vms, policy, estimator, hostPages, controller, pager, disk } = result;
  const mib = (pages: number): number => (pages * PAGE_BYTES) / MIB;
  const decisions = controller.decisions === 1 ? "decision" : "decisions";
  return {
    headline: `${vms.length} VMs on ${mib(hostPages).toFixed(1)} MiB by ${policy}, estimates by ${estimator}: ${grouped(controller.decisions)} ${decisions}`,
    facts: [
      ...vms.flatMap((vm): [string, string][] => [
        [`${vm.vm} has`, pagesAndSize(vm.series.at(-1)?.size ?? null)],
        [`${vm.vm} refaults`, `${grouped(vm.guestRefaults + vm.hostRefaults)}`],
        [`${vm.vm} waited`, percentOrDash(vm.waiting)],
      ]),
      ["pager", `${grouped(pager.faults)} faults`],
      ["disk", `${grouped(disk.pagesRead)} read, ${grouped(disk.pagesWritten)} written`],
    ],
    charts: vms.map(({ vm, series }) => ({
      title: `memory of ${vm}`,
      unit: "MiB",
      x: { name: "time", unit: "cycles", values: series.map(({ time }) => time) },
      series: [
        { name: "size", values: series.map(({ size }) => mib(size)) },
        {
          name: "working set",
          values: series.map(({ truth }) => (truth === null ? null : mib(truth))),
        },
      ],
    })),
    columns: ["at", "VM", "size", "target", "used", "refaults/s"],
    rows: (vms[0]?.series ?? []).flatMap(({ time }, decision) =>
      vms.flatMap(({ vm, series: own }): string[][] => {
        const point = own[decision];
        if (point === undefined) return [];
        return [
          [
            formatCycles(time),
            vm,
            grouped(point.size),
            grouped(point.target),
            point.used === null ? "-" : grouped(Math.round(point.used)),
            grouped(Math.round(point.guestRefaults + point.hostRefaults)),
          ],
        ];
      }),
    ),
  };
}
