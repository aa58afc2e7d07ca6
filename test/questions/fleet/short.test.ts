/**
 * The curve of accesses by memory against full emulation: five VMs on a host that has too little for them, with a seed
 * that no curve was measured with. It takes a minute: TRACKVISOR_LONG=1; SHOW_ERRORS=1 prints the errors.
 */
import { join } from "node:path";
import { expect, it } from "vitest";
import { memoryOrders } from "../../../src/questions/fleet/curveRuns.ts";
import { meanOf, valueAt } from "../../../src/questions/fleet/curves.ts";
import { loadFleet } from "../../../src/questions/fleet/fleetFile.ts";
import type * as measuring from "../../../src/questions/fleet/measureCurves.ts";
import { runToEnd } from "../../../src/runs/runOrder.ts";
import { IS_LONG } from "../../share.ts";
import { fleet, GUEST, store, write } from "./fleets.ts";

const MEASURING = join(import.meta.dirname, "../../../dist/src/questions/fleet/measureCurves.js");
const VMS = 5;
const HELD_OUT = 101;
/** Guests of different seeds lose this much more or less than each other, too. */
const WITHIN = 0.2;
/** Parts of the working set that are measured; what is asked lies in the middle between two of them. */
const MEASURED = [0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** From here on the curve is a cliff: with the whole working set a guest waits for nothing. */
const CLIFF = 0.9;

it.runIf(IS_LONG)(
  "accesses of VMs that are short are within a fifth, but on the cliff at the working set",
  { timeout: 600_000 },
  async () => {
    write("guest.yaml", GUEST);
    const curves = {
      ...{ seeds: [1, 2, 3], length: "1s", interval: "20ms", warmUp: "20ms" },
      windows: { shortest: "1ms", longest: "2ms" },
      memory: MEASURED,
    };
    const { config, ...rest } = loadFleet(write("fleet.yaml", fleet({ curves, trackers: {} })));
    const { measureCurves } = (await import(MEASURING)) as typeof measuring;
    const [kind] = await measureCurves({ config, ...rest }, { store, workers: 1 });
    const guests = kind!.guests;
    const { memory, workingSet } = guests[0]!;
    const used = meanOf(workingSet.truth);

    /** Accesses of five VMs on a host that has this part of their working sets; null: as much as they have. */
    const emulated = (part: number | null): number => {
      const one = { ...config, curves: { ...config.curves, memory: [part ?? 1] } };
      const sizes = memoryOrders(one, "web", rest.kinds[0]!.guest, HELD_OUT, { memory, used });
      // The last one has all.
      const { scenario, directory } = sizes.at(part === null ? -1 : 0)!;
      if (scenario.operation.kind !== "overcommit") throw new Error("no overcommitment");
      const vms = Array.from({ length: VMS }, (_, n) => ({ ...scenario.vms[0]!, name: `vm${n}` }));
      const operation = { ...scenario.operation, memory: VMS * scenario.operation.memory };
      const machine = { ...scenario.machine, cpus: VMS };
      const whole = { ...scenario, vms, operation, machine };
      const { operation: result } = runToEnd({ scenario: whole, directory }).summary;
      if (result.kind !== "overcommit") throw new Error("no overcommitment");
      const settled = result.vms.flatMap(({ series }) =>
        series.filter(({ time }) => time > config.curves.length / 2),
      );
      return settled.reduce((sum, { accesses }) => sum + accesses, 0) / settled.length;
    };
    const enough = emulated(null);
    const error = (part: number): number => {
      const composed = guests.map(({ throughput }) => valueAt(throughput, part * used));
      const predicted = composed.reduce((sum, one) => sum + one, 0) / composed.length;
      const measured = emulated(part) / enough;
      if (process.env["SHOW_ERRORS"]) console.log(part, predicted, measured);
      return Math.abs(predicted / measured - 1);
    };
    for (const [n, part] of MEASURED.slice(0, -1).entries()) {
      const between = (part + (MEASURED[n + 1] ?? 1)) / 2;
      if (between < CLIFF) expect(error(between), `${between}`).toBeLessThan(WITHIN);
      else expect(error(between), `${between}`).toBeGreaterThan(WITHIN);
    }
  },
);
