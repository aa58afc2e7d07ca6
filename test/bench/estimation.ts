/**
 * 300 virtual seconds of the page-tracking papers' workload, a 400 MB array read and written at about
 * 1.3 operations a microsecond, each on another page, under PRL with working-set estimation: the shipped
 * scenario wss-prl, whole.
 */
import { loadScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import type { EstimateResult } from "../../src/system/operations/estimate/estimateResult.ts";
import { type Benchmark, type Result, secondsOf } from "./harness.ts";

const SECONDS = 30;

export const estimation: Benchmark = {
  name: "estimation",
  async run(): Promise<readonly Result[]> {
    const { scenario, directory } = loadScenario("wss-prl");
    const system = buildSystem(scenario, { directory });
    const seconds = secondsOf(() => system.run());
    const { vms } = system.result() as EstimateResult;
    const last = vms[0]?.series.at(-1);
    if (last === undefined || last.pages !== last.truthPages) throw new Error("wrong estimate");
    return [
      {
        what: "300 virtual s of PRL estimation",
        value: seconds,
        unit: "s",
        bar: { atMost: SECONDS },
      },
    ];
  },
};
