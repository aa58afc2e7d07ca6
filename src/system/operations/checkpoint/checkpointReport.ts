/** What came of checkpointing, as lines of text. */

import { grouped } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import { agreementText } from "../../verdict/agreement.ts";
import type { CheckpointEntry, CheckpointResult } from "./checkpointResult.ts";

const ROWS = 12;

export function formatCheckpoints(result: CheckpointResult): string[] {
  const { checkpoints, output } = result;
  const how = {
    live: `live, epochs of ${formatCycles(result.epoch ?? 0)}`,
    stop: "stop-and-copy",
    diff: "differential",
  }[result.mode];
  // Of many, the first and the last.
  const half = ROWS / 2;
  const rows = checkpoints.map(row);
  const shown =
    rows.length <= ROWS
      ? rows
      : [...rows.slice(0, half), `  (${rows.length - ROWS} more)`, ...rows.slice(-half)];
  return [
    `checkpoints: ${how}`,
    cells("number", "at", "pages", "pause", "acknowledged"),
    ...shown,
    line("complete", `${grouped(result.committed)} of ${grouped(checkpoints.length)}`),
    line("copied", `${grouped(result.pages)} pages, ${inMib(result.bytes)}`),
    ...(result.differences === null
      ? []
      : [
          line(
            "of differential ones",
            `${grouped(result.differences.found)} data pages held, ${grouped(result.differences.owed)} changed: ${agreementText(result.differences)}`,
          ),
        ]),
    line("pause, mean and longest", both(result.meanPause, result.maxPause)),
    line("share of time paused", `${(100 * result.pausedShare).toFixed(2)} %`),
    ...(output === null
      ? []
      : [
          line("epochs that were late", grouped(result.lateEpochs)),
          line("output held", `${grouped(output.outputs)} packets`),
          line("delay, mean and longest", both(output.meanDelay, output.maxDelay)),
        ]),
    ...result.memories.flatMap(({ vm, zeroPages, deflatedBytes, stateBytes, ...hashes }) => [
      line(
        `bytes of ${vm}`,
        `${grouped(zeroPages)} zero pages, ${inMib(deflatedBytes)} deflated; its machine's state ${inMib(stateBytes)}`,
      ),
      ...hashLines(hashes),
    ]),
    line("file", `${result.file ?? "(in memory)"}, ${grouped(result.fileBytes)} bytes`),
  ];
}

/** None before the first checkpoint of a run. */
function hashLines({
  source,
  destination,
}: Pick<CheckpointResult["memories"][number], "source" | "destination">): string[] {
  if (source === "") return [];
  const same = destination === source;
  return [line("SHA-256 of the memory", same ? source : `${destination}, of the guest ${source}`)];
}

function row({ number, time, pages, pause, acknowledged }: CheckpointEntry): string {
  const done = acknowledged === null ? "never" : formatCycles(acknowledged);
  return cells(grouped(number), formatCycles(time), grouped(pages), formatCycles(pause), done);
}

function cells(number: string, ...others: readonly string[]): string {
  return `  ${number.padStart(6)}${others.map((text) => text.padStart(16)).join("")}`;
}

function inMib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function both(mean: number, longest: number): string {
  return `${formatCycles(mean)}, ${formatCycles(longest)}`;
}

function line(label: string, value: string): string {
  return `  ${label.padEnd(24)}${value}`;
}
