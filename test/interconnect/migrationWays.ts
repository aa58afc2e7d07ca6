/** Ways through the machine of a migration: to its end, given up, and again. */
import type { Way } from "./machineCase.ts";

/** A migration's way to its first batch, and to its end. */
const MIGRATION_SENDING: Way = [
  ["begin", 0],
  ["migrationDue", 0],
  ["clock", 0],
  ["vmPaused", 0],
  ["armed", 0],
  ["queued", 5],
];
const MIGRATED: Way = [
  ...MIGRATION_SENDING,
  ["batchTaken", 1],
  ["batchArrived", 0],
  ["clock", 6],
  ["batchTaken", 4],
  ["batchArrived", 0],
  ["clock", 7],
  ["vmPaused", 0],
  ["harvested", 0],
  ["queued", 0],
  ["vmPaused", 0],
  ["stepFinished", 0],
  ["harvested", 0],
  ["queued", 3],
  ["batchTaken", 1],
  ["batchArrived", 0],
  ["clock", 8],
  ["batchTaken", 0],
  ["destinationReady", 0],
  ["compared", 0],
  ["disarmed", 0],
];
/** It is to be repeated once, and begins again. */
export const MIGRATED_TWICE: Way = [
  ...MIGRATED,
  ...MIGRATED.slice(1).map(([type, n]) => {
    const isItsOwn = type === "batchArrived" || type === "destinationReady";
    return [type, isItsOwn ? 1 : n] as const;
  }),
];
/** It is given up, and begins again. */
export const ABORTED: Way = [...MIGRATION_SENDING, ["abortDue", 0], ["clock", 9], ["vmPaused", 0]];
export const ABORTED_THEN_MIGRATED: Way = [
  ...ABORTED,
  ["clock", 9],
  ["disarmed", 0],
  ...MIGRATED_TWICE.slice(MIGRATED.length),
];
