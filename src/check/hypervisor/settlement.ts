/** What harvests owe, settled step by step: see due.ts. */
import { clearTruth } from "../../hardware/guestPages.ts";
import { occurrencesOf } from "../../hypervisor/cumulativeBuffer.ts";
import { isMarked } from "../../hypervisor/dirtyBitmap.ts";
import { Work } from "../../hypervisor/tableWork.ts";
import { itemAt } from "../../lookup.ts";
import type { VmState } from "../../system/world.ts";
import type { Due } from "./due.ts";
import type { StepContext } from "./stepContext.ts";

export const NO_PAGE_LOST = "no page is lost";

/** What a tracker is doing to a table in this step, whichever piece of it; null: nothing, or the step is not a tracker's. */
function workOf({ system, role, requests: [request] }: StepContext) {
  if (role.kind !== "tracker" || request === undefined) return null;
  const number = role.vm;
  const vm = itemAt(system.world.vms, number);
  const begun = { arm: Work.arm, harvest: Work.harvest, disarm: Work.disarm }[request.op];
  // Others need not have the work in their footprint.
  const work = request.op === "goOn" ? vm.tracked.work.work : (begun ?? Work.none);
  return { number, vm, request, work };
}

/**
 * What a harvest reports, or a tracker that is disarmed hands over, is no longer owed, and arming begins anew. Not a
 * check: every model needs it. What a harvest in pieces owes, and what it may leave to the next one, is said in
 * src/system/verdict/rounds.ts.
 * @returns called after the step, whether anything is still owed that should be reported now; null: not concerned
 */
export function settlementOf(step: StepContext): (() => boolean) | null {
  const of = workOf(step);
  if (of === null) return null;
  const { vm, number, request, work } = of;
  const due = itemAt(step.dues, number);
  const { guest, tracked } = vm;
  const isReported = (page: number): boolean => isMarked(tracked.handedOver, page);
  if (request.op === "flushed") return flushSettlement(request.after, due, vm);
  if (request.op === "arm") {
    due.clear();
    clearTruth(guest);
  }
  // A PEEK reports again what it has reported: only a new page can be lost.
  if (request.mode === "peek") {
    return () => due.pages(step.owed).some((page) => !isReported(page));
  }
  if (request.op === "harvest" || request.op === "disarm") due.begin();
  if (work !== Work.harvest && work !== Work.disarm) return null;
  return () => {
    // There is more to come.
    if (tracked.work.work !== Work.none) return false;
    const lost = due.isMissing(step.owed, isReported);
    // Tracking has ended. PRL's counts may be looked at after it: what they name was accessed.
    if (work === Work.disarm) due.giveBack();
    due.clear();
    if (work === Work.harvest) due.cover(isReported);
    else due.settle((page) => occurrencesOf(tracked.buffer, page) === 0);
    // Said once: the next harvest is judged by what was written since this one.
    if (lost) clearTruth(guest);
    return lost;
  };
}

/** Until now what was accessed through an old translation is in the report, or, before the first round, nobody's business. */
function flushSettlement(after: string | undefined, due: Due, vm: VmState): () => boolean {
  return () => {
    if (after === "armed") due.cover(() => true);
    if (after === "harvested") due.cover((page) => isMarked(vm.tracked.handedOver, page));
    return false;
  };
}
