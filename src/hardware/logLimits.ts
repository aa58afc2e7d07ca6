/** How long a logging unit's log may be. What a unit cannot have is refused; smaller ones are a model's. */
import type { PrlOptions } from "./prlOptions.ts";

export type LoggingUnit = "pml" | "prl";

/** One page of 8-byte entries, and a 16-bit index into it (SDM vol. 3C 28.2.5; Xen NR_PML_ENTRIES, KVM PML_ENTITY_NUM). */
export const PML_ENTRIES_MAX = 512;
/** VEE21's index has 16 bits, one of which says that the log is suspended. */
export const VEE21_ENTRIES_MAX = 32_768;
/** DW19's index has 60 bits; what is emulated ends here. */
export const DW19_ENTRIES_MAX = 65_536;

export function mostLogEntries(unit: LoggingUnit, variant: PrlOptions["variant"]): number {
  if (unit === "pml") return PML_ENTRIES_MAX;
  return variant === "vee21" ? VEE21_ENTRIES_MAX : DW19_ENTRIES_MAX;
}

/** Why a unit cannot have a log of so many entries, and which could; null if it can. */
export function logProblem(
  unit: LoggingUnit,
  entries: number,
  variant: PrlOptions["variant"],
): string | null {
  const most = mostLogEntries(unit, variant);
  if (entries <= most) return null;
  const own = unit === "pml" ? "PML's log is one page (SDM 28.2.5)" : "VEE21's index has 16 bits";
  const others =
    unit === "pml"
      ? `longer ones need a unit with an index of its own: technique prl, up to ${VEE21_ENTRIES_MAX}, or ${DW19_ENTRIES_MAX} with tracker.prl.variant dw19`
      : `tracker.prl.variant dw19 has 64, and up to ${DW19_ENTRIES_MAX} entries`;
  return `expected at most ${most}: ${own}; ${others}`;
}
