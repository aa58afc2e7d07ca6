/**
 * The settings in which PRL's figures are held against each other: how fast GPAs come, which is not published, and how long
 * the part of the log's handling takes that does not hold up the log. Copying and resetting are short and do (docs/costs.md).
 */
import { DEFAULT_HYPERVISOR_COSTS } from "../hypervisor/costs.ts";
import { inSeconds } from "./common.ts";

/** RRWW of VEE21's table 2: 17,094 logs of 512 entries, and its series of 300 s. */
export const LOG_ENTRIES = 512;
export const RRWW_LOGS = 17_094;
const SERIES_SECONDS = 300;
export const ARRAY_PAGES = 102_400;
/** Each page is hot, logged more than 50 times, at the first estimate that finds the array, after 60 s. */
const HOT = 51;
const FOUND_SECONDS = 60;

export interface PrlSetting {
  readonly name: string;
  /** GPAs a second, millions. */
  readonly rate: number;
  /** Cycles of counting an entry, after the reset. */
  readonly prlCount: number;
  readonly why: string;
}

export const PRL_SETTINGS = {
  table2: {
    name: "57 logs a second",
    rate: (RRWW_LOGS * LOG_ENTRIES) / SERIES_SECONDS / 1e6,
    prlCount: DEFAULT_HYPERVISOR_COSTS.prlCount,
    why: "the pace of table 2, spread over the 300 s of its series; a log takes the 257 us that DW19 measured for PML's: nothing is fitted",
  },
  found: {
    name: "170 logs a second",
    rate: (HOT * ARRAY_PAGES) / FOUND_SECONDS / 1e6,
    prlCount: 413,
    why: "the least pace at which tau 50 is passed by 60 s, as in figure 6; a log takes 88 us, fitted to the 1.5 % of one VM",
  },
} as const satisfies Record<string, PrlSetting>;

/** Microseconds of a full log after its reset. */
export function countingMicroseconds({ prlCount }: PrlSetting): number {
  return 1e6 * inSeconds(LOG_ENTRIES * prlCount);
}

/** What a scenario says of PRL there: the GPA that finds index 0 is stored, as table 2 cannot have counted it. */
export const PRL_IN_TWO_PARTS = {
  technique: "prl",
  prl: { slotRule: "store-at-zero", counting: "process" },
} as const;
