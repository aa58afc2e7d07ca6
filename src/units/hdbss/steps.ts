/** Steps of litmus tests that are HDBSS's own: its log is written by software, and consumed by FEAT_HACDBS. */
import * as z from "zod";
import { Field, readField, SECONDARY_EPT, secondaryControls } from "../../hardware/vmcs.ts";
import type { LogStep, LogSteps } from "../unit.ts";
import { CleanError, clean } from "./cleaner.ts";
import { entriesOf, frameOf } from "./walk.ts";

/** HACDBSCONS_EL2.INDEX and ERR_REASON, and the level of HACDBSIRQ. */
export const HACDBS_REGISTERS = ["hacdbsIndex", "hacdbsError", "hacdbsInterrupt"] as const;
const INDEX_MAX = 0x7ffff;

const words = z.array(z.bigint());
const HACDBS_FIELDS = {
  enabled: z.boolean().optional(),
  index: z.int().min(0).max(INDEX_MAX).optional(),
};
const hacdbsArgument = z.strictObject(HACDBS_FIELDS);

/** Software writes the first entries of the log. */
const hdbssEntries: LogStep = ({ argument, store, copied, vmcs, geometry }) => {
  const entries = words.parse(argument);
  const most = entriesOf(readField(vmcs, Field.logAddress), geometry);
  if (entries.length > most) return `the log has ${most} entries, not ${entries.length}`;
  for (const [slot, entry] of entries.entries()) store(slot, entry);
  return { copied };
};

/** Software writes HACDBSBR_EL2, the address of the vCPU's log, and with an index HACDBSCONS_EL2, and the PE goes as far as it can. */
const hacdbs: LogStep = (steps) => {
  const { vmcs, ept, geometry, copied, argument, registers } = steps;
  if (ept.format.name !== FORMAT) return `HACDBS goes with machine.entryFormat ${FORMAT}`;
  const { enabled = true, index } = hacdbsArgument.parse(argument);
  const begins = index ?? registers.get("hacdbsIndex") ?? 0;
  const before = index === undefined ? (registers.get("hacdbsError") ?? 0) : CleanError.none;
  const entries = entriesOf(readField(vmcs, Field.logAddress), geometry);
  // HCR_EL2.VM: without a second stage there is nothing to walk.
  const runs = enabled && before === CleanError.none && hasSecondStage(steps);
  const list = { frame: frameOf(vmcs, 0, geometry.indexBits), entries, index: begins };
  const done = runs ? clean(ept, list) : { index: begins, error: before };
  const isHigh = enabled && (done.index >= entries || done.error !== CleanError.none);
  const after: Readonly<Record<(typeof HACDBS_REGISTERS)[number], number>> = {
    hacdbsIndex: done.index,
    hacdbsError: done.error,
    hacdbsInterrupt: isHigh ? 1 : 0,
  };
  return { copied, registers: after };
};

const FORMAT = "stage2";

function hasSecondStage({ vmcs }: LogSteps): boolean {
  return (secondaryControls(vmcs) & SECONDARY_EPT) !== 0;
}

export const HDBSS_VERBS = {
  hdbssEntries: { argument: "words", act: hdbssEntries },
  hacdbs: { argument: HACDBS_FIELDS, act: hacdbs },
} as const;
