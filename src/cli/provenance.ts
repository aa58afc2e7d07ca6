/** Where results come from: what an artifact evaluation asks. Apart from the results, which are the same whenever and wherever they are made. */
import { cpus, totalmem } from "node:os";
import { VERSION } from "../config/version.ts";
import { experimentingVersion } from "../runs/codeVersion.ts";

export interface Work {
  readonly runs: number;
  /** Of those, done before. */
  readonly reused: number;
  /** Of each run that chance enters. */
  readonly seeds: number;
  /** That the runs took, without those that were done before. */
  readonly seconds: number;
}

export function provenance(what: string, { runs, reused, seeds, seconds }: Work): string {
  const [cpu] = cpus();
  const lines: readonly (readonly [string, string])[] = [
    ["results of", what],
    ["made by", `trackvisor ${VERSION}`],
    ["code (digest)", experimentingVersion()],
    ["node", process.version],
    ["system", `${process.platform} ${process.arch}`],
    ["processor", `${cpus().length} x ${cpu?.model ?? "unknown"}`],
    ["memory", `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ["runs", `${runs}, ${reused} of them from before`],
    ["seeds", `${seeds} of each run that chance enters`],
    ["took", `${seconds.toFixed(0)} s`],
    ["finished", new Date().toISOString()],
  ];
  return `${lines.map(([name, value]) => `${name.padEnd(16)}${value}`).join("\n")}\n`;
}
