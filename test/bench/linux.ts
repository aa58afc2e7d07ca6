/**
 * A real Linux: instructions a second of processor time, without the tap, under it, and with all that is emulated. The
 * command runs for the first time in its machine, so v86 translates it while it runs.
 */
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { runToEnd } from "../../src/runs/runOrder.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { linuxOf, linuxSchema } from "../../workloads/generators/linux.ts";
import { bootLinux, recordLinux } from "../../workloads/guests/linux/load.ts";
import type { LinuxOrder, LinuxReply } from "../../workloads/guests/linux/spec.ts";
import { askThread } from "../../workloads/guests/thread.ts";
import { type Benchmark, median, type Result } from "./harness.ts";

const RUN = "seq 2000 | sort -r | md5sum";
/** Each takes ten seconds. */
const ROUNDS = 3;
const PLAYED = ["none", "pml", "prl", "writeProtect"].filter((name) =>
  (TECHNIQUES as readonly string[]).includes(name),
);
/** Of the rate under the tap, and million instructions a second. */
const OF_TAPPED = 0.7;
const LEAST_MIPS = 15;

function seconds(work: () => void): number {
  const { user } = process.cpuUsage();
  work();
  return (process.cpuUsage().user - user) / 1e6;
}

function measure(): Result[] {
  const workload = linuxSchema.parse({ kind: "linux", run: RUN });
  const guest = linuxOf(workload);
  const { state, ticks } = bootLinux(guest);
  const { instructions } = recordLinux(guest);
  const once = (tapped: boolean): number =>
    seconds(() => {
      askThread<LinuxOrder, LinuxReply>("linux/worker", "linux", {
        what: "run",
        boot: guest.boot,
        booted: { state, ticks },
        run: { ...guest.run, tapped },
      });
    });
  const times = (work: () => number): number => median(Array.from({ length: ROUNDS }, work));
  const mips = (time: number): number => instructions / 1e6 / time;
  const [plain, tapped] = [times(() => once(false)), times(() => once(true))];
  const results: Result[] = [
    { what: "Linux without the tap", value: mips(plain), unit: "MIPS" },
    { what: "Linux under the tap, recorded", value: mips(tapped), unit: "MIPS" },
  ];
  for (const technique of PLAYED) {
    const orderOf = (live: boolean) =>
      scenarioSchema.parse({
        name: "linux",
        vms: [{ paging: "off", workload: { kind: "linux", run: RUN, live } }],
        tracker: { technique },
      });
    const runOf = (live: boolean): number =>
      times(() => seconds(() => void runToEnd({ scenario: orderOf(live), directory: "." })));
    const played = runOf(false);
    if (technique === "pml") {
      results.push({ what: "Linux under pml, live", value: mips(runOf(true)), unit: "MIPS" });
    }
    const all = mips(tapped + played);
    const bar = technique === "pml" ? { bar: { atLeast: LEAST_MIPS } } : {};
    results.push({
      what: `Linux under ${technique}, recorded and played`,
      value: all,
      unit: "MIPS",
      ...bar,
    });
    if (technique !== "pml") continue;
    const share = tapped / (tapped + played);
    results.push({
      what: "of it under the tap",
      value: share,
      unit: "",
      bar: { atLeast: OF_TAPPED },
    });
  }
  return results;
}

export const linux: Benchmark = {
  name: "linux",
  async run(): Promise<readonly Result[]> {
    try {
      return measure();
    } catch (error) {
      const note = error instanceof Error ? error.message : String(error);
      return [{ what: "Linux without the tap", value: null, unit: "MIPS", note }];
    }
  },
};
