/** Basic exit reasons, those of full logs included, which their units declare. */
import { ExitReason } from "../hardware/exit.ts";
import { FAULT_REASONS, FORMATS } from "../hardware/formats/all.ts";
import { UNITS } from "./all.ts";

const ofUnits = UNITS.flatMap(({ whenFull }) =>
  whenFull.kind === "exit" ? [[whenFull.reasonName, whenFull.reason] as const] : [],
);

/** By name. */
export const EXIT_REASONS: Readonly<Record<string, number>> = {
  ...ExitReason,
  ...FAULT_REASONS,
  ...Object.fromEntries(ofUnits),
};

const NAMES: readonly (string | undefined)[] = Object.entries(EXIT_REASONS).reduce(
  (names, [name, reason]) => names.with(reason, name),
  new Array<string | undefined>(Math.max(...Object.values(EXIT_REASONS)) + 1).fill(undefined),
);

/** The name of a basic exit reason, for people; "reason N" if it is none of ours. */
export function exitReasonName(reason: number): string {
  return NAMES[reason] ?? `reason ${reason}`;
}

/** Whether a guest exits with this reason because a log is full. */
export function isLogFull(reason: number): boolean {
  return ofUnits.some(([, own]) => own === reason);
}

/** Whether an exit with this reason, that of a full log, reports nothing of the access. */
export function hidesAccess(reason: number): boolean {
  return UNITS.some(
    ({ whenFull }) =>
      whenFull.kind === "exit" && whenFull.reason === reason && whenFull.isFault !== true,
  );
}

/** Whether a guest exits with this reason because of malformed entries, where that is a reason of its own. */
export function isMisconfiguration(reason: number): boolean {
  return FORMATS.some(({ fault: { malformed }, unresolved }) => {
    return unresolved !== 0 && malformed.reason === reason;
  });
}

/** Whether a guest exits with this reason because second-level entries do not allow an access. */
export function isViolation(reason: number): boolean {
  return FORMATS.some(({ fault }) => fault.reason === reason);
}
