/** Whether this computer has the memory that a plan takes. */
import type { Problems } from "../../errors.ts";
import { expectedFrames } from "../world.ts";
import { gib, guestMemory, PAGE_BYTES, pagesOf } from "./memoryText.ts";
import type { ScenarioPlan } from "./resolve.ts";

/** Truth, bitmaps and versions of a page, at most about. */
const BOOKKEEPING_BYTES = 8;
/** What an overcommitted host notes for each of its frames. */
const HOST_FRAME_BYTES = 24;

/** @param bytes that this computer has */
export function checkBudget(
  { system: { world }, hostFrames }: ScenarioPlan,
  bytes: number,
  problems: Problems,
): void {
  const needed = expectedFrames(world) * PAGE_BYTES + pagesOf(world.vms) * BOOKKEEPING_BYTES;
  if (needed > bytes) {
    const guest = guestMemory(world.vms);
    problems.addWhole(["vms"], `${guest}: needs ${gib(needed)}, this machine has ${gib(bytes)}`);
  }
  // Frames that no VM needs cost this machine's memory, too.
  const host = (hostFrames ?? 0) * HOST_FRAME_BYTES;
  if (host > bytes) {
    const size = gib((hostFrames ?? 0) * PAGE_BYTES);
    problems.add(
      ["operation", "memory"],
      `a host of ${size} needs ${gib(host)}, this machine has ${gib(bytes)}`,
    );
  }
}
