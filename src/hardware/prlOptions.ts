/** What the papers leave open about PRL, or where they differ: chosen for each machine (docs/choices.md). */

/**
 * Which slot an event uses. The papers leave it open; all keep "index 0 = full".
 * - decrement-then-store: slots 510 to 0, the GPA that finds index 0 is dropped (511 entries).
 * - store-then-decrement: slots 511 to 1, the GPA that finds index 0 is dropped (511 entries).
 * - store-at-zero: slots 511 to 0, the GPA that finds index 0 is stored and announces the full log (512 entries).
 */
export const PrlSlotRule = {
  "decrement-then-store": 0,
  "store-then-decrement": 1,
  "store-at-zero": 2,
} as const;
export type PrlSlotRuleName = keyof typeof PrlSlotRule;

export interface PrlOptions {
  /**
   * vee21: one GPA a TLB miss, the page that the program asked for; 16-bit index.
   * dw19: the guest's page-table pages too, unless control bit 27 filters them; 64-bit index, so logs of
   * more than 32768 entries.
   */
  readonly variant: "vee21" | "dw19";
  readonly slotRule: PrlSlotRuleName;
  /** Two logs used in turn: the guest fills one while the other is handled (after POSTER18). */
  readonly doubleBuffer: boolean;
}

export const DEFAULT_PRL_OPTIONS: PrlOptions = {
  variant: "vee21",
  slotRule: "decrement-then-store",
  doubleBuffer: false,
};
