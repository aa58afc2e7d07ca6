/** What the papers leave open about PRL, or where they differ: chosen for each machine (docs/choices.md). */
import * as z from "zod";

/**
 * Which slot an event uses. The papers leave it open; all keep "index 0 = full".
 * - decrement-then-store: slots 510 to 0, the GPA that finds index 0 is dropped (511 entries).
 * - store-then-decrement: slots 511 to 1, the GPA that finds index 0 is dropped (511 entries).
 * - store-at-zero: slots 511 to 0, the GPA that finds index 0 is stored and announces the full log (512 entries).
 */
const slotRule = z.enum(["decrement-then-store", "store-then-decrement", "store-at-zero"]);
export type PrlSlotRuleName = z.output<typeof slotRule>;

/**
 * Of the variants, vee21: one GPA a TLB miss, the page that the program asked for; 16-bit index.
 * dw19: the guest's page-table pages too, unless control bit 27 filters them; 64-bit index, so logs of
 * more than 32768 entries.
 */
export const prlSection = z
  .strictObject({
    variant: z.enum(["vee21", "dw19"]).default("vee21").describe("of the proposal"),
    slotRule: slotRule
      .default("decrement-then-store")
      .describe("which slot an entry gets, and how many fit (docs/choices.md)"),
    // Two logs used in turn: the guest fills one while the other is handled (after POSTER18).
    doubleBuffer: z.boolean().default(false).describe("two logs for each vCPU, used in turn"),
    filterGuestTables: z
      .boolean()
      .default(false)
      .describe("DW19's bit 27: keep guest page-table pages out of the log"),
    // VEE21 3.3 has the handler accumulate occurrences as it copies; in its figure 5 the logs are treated in dom0, after the reset.
    counting: z
      .enum(["handler", "process"])
      .default("handler")
      .describe(
        "who counts what is copied: the log-full handler, before the log is reset, or a process of the pVM after it",
      ),
  })
  .prefault({})
  .describe("page reference logging, for technique prl");

export type PrlOptions = z.output<typeof prlSection>;
