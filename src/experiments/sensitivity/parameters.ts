/** What each cost could be: the interval that its sources, or their lack, leave plausible (docs/costs.md has the values themselves). */
import { DEFAULT_PROCESSOR_COSTS } from "../../hardware/costs.ts";
import { DEFAULT_HYPERVISOR_COSTS } from "../../hypervisor/costs.ts";
import { fieldOf } from "../../lookup.ts";
import { DEFAULT_ENERGY_COSTS } from "../../system/energy.ts";

const DEFAULTS = {
  processor: DEFAULT_PROCESSOR_COSTS,
  hypervisor: DEFAULT_HYPERVISOR_COSTS,
  energy: DEFAULT_ENERGY_COSTS,
} as const;
/** Sections of `machine.costs`. */
export const SECTIONS = ["processor", "hypervisor", "energy"] as const;
export type CostSection = (typeof SECTIONS)[number];

export interface CostParameter {
  readonly section: CostSection;
  readonly name: string;
  /** In cycles, or as docs/costs.md says of energy. */
  readonly now: number;
  readonly low: number;
  readonly high: number;
  readonly why: string;
}

/** What is assumed could be half or twice as much. */
const ASSUMED = 2;
const ASSUMED_TEXT = "assumed: half to twice";

/** Intervals that have a source. */
const KNOWN: Readonly<
  Record<CostSection, Readonly<Record<string, readonly [low: number, high: number, why: string]>>>
> = {
  processor: {
    walkReference: [
      3,
      9,
      "Dune (OSDI'12) table 2: 3.6 a reference of a nested walk, 9 of a native",
    ],
    logStore: [10, 20, "a store of one word and its index"],
  },
  hypervisor: {
    vmExit: [300, 1150, "NEVE (SOSP'17) table 1: 1,188 for both ways, 2,307 with a device's I/O"],
    vmEntry: [300, 1150, "NEVE (SOSP'17) table 1: 1,188 for both ways, 2,307 with a device's I/O"],
    violationHandler: [
      624,
      8160,
      "cloud-hypervisor 8899: 260 ns; the study's own series: at most 3.9 us, exit and entry included",
    ],
    drainEntry: [
      6,
      2672,
      "a copy of 2.6 ns (SC'22); the study's own series: at most 0.57 ms a log",
    ],
    protectPage: [36, 46, "cloud-hypervisor 8899: 4 to 5 ms a GiB"],
    ipi: [1200, 3600, "bare-metal IPIs take 1 to 3 us there and back"],
    prlEntry: [6, 159, "a copy of 2.6 ns (SC'22); 34 us a log, where GPAs would be missed"],
    prlCount: [413, 1205, "88 to 257 us a log, by the study's load of the pVM"],
    pagemapEntry: [48, 10_900, "an entry of a large read, 20 ns; twice SC'22's 2.27 us"],
    scanLogged: [190, 223, "79 to 93 ns a GPA, by the study's peaks"],
  },
  energy: {},
};

/** Every cost that a scenario can set, in the order of its sections. */
export const COST_PARAMETERS: readonly CostParameter[] = SECTIONS.flatMap((section) =>
  Object.entries(DEFAULTS[section]).map(([name, now]): CostParameter => {
    const known = fieldOf(KNOWN, section)[name];
    if (known === undefined) {
      const [low, high] = [Math.floor(now / ASSUMED), now * ASSUMED];
      return { section, name, now, low, high, why: ASSUMED_TEXT };
    }
    const [low, high, why] = known;
    return { section, name, now, low, high, why };
  }),
);
