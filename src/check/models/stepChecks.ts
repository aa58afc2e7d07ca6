/** Properties of single steps that models ask for. */
import { ACCESS_PAGE_SHIFT, AccessKind } from "../../hardware/accessLoop.ts";
import { findLeaf } from "../../hardware/ept.ts";
import { Field, readField } from "../../hardware/vmcs.ts";
import { type CumulativeBuffer, forEachOccurrence } from "../../hypervisor/cumulativeBuffer.ts";
import { type DirtyBitmap, forEachMarked } from "../../hypervisor/dirtyBitmap.ts";
import { logWords } from "../../hypervisor/logPages.ts";
import { Work } from "../../hypervisor/tableWork.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { unitOfLogs } from "../../system/memoryPieces.ts";
import { isMeant, vmOf } from "../../system/roles.ts";
import type { VcpuState, World } from "../../system/world.ts";
import { guestStep, type StepCheck } from "../hypervisor/stepContext.ts";

export const INDEX_IN_RANGE = "the log index is in range and each entry is written once";
export const SERVED_LOG_IS_EMPTY = "a log that was served is empty";
export const NO_FLAG_WITHOUT_ACCESS = "no A or D flag without its access";
export const COUNTED_WAS_ACCESSED = "no page is counted that was not accessed";

/** The slots of a vCPU's logs, and what each holds. */
function slotsOf(world: World, { vmcs }: VcpuState): Map<string, { used: boolean; word: number }> {
  const { memory, logs, config } = world;
  const { geometry } = config;
  const unit = unitOfLogs(world);
  const start = ((vmcs.words[2 * Field.logAddress] ?? 0) >>> 12) * memory.frameWords;
  const slots = new Map<string, { used: boolean; word: number }>();
  for (let log = 0; log < unit.logs; log++) {
    const [from, end] = unit.usedSlots(vmcs, log, geometry);
    for (let slot = 0; slot < geometry.logEntries; slot++) {
      const word = memory.words[start + log * logWords(logs) + 2 * slot] ?? 0;
      slots.set(`${log} ${slot}`, { used: slot >= from && slot < end, word });
    }
  }
  return slots;
}

/** While a guest runs, used slots stay so, and nothing is stored but in slots that become used: each once. */
export const indexInRange: StepCheck = {
  property: INDEX_IN_RANGE,
  begin(step) {
    const guest = guestStep(step);
    if (guest === null) return null;
    const { world } = step.system;
    const { vmcs } = guest.vcpu;
    if (readField(vmcs, Field.logAddress) === 0) return null;
    const before = slotsOf(world, guest.vcpu);
    return () => {
      if (!unitOfLogs(world).isIndexValid(vmcs, world.config.geometry)) return false;
      const after = slotsOf(world, guest.vcpu);
      return [...before].every(([at, { used, word }]) => {
        const now = after.get(at);
        if (now === undefined) return false;
        const isNew = !used && now.used;
        return (now.used || !used) && (isNew || now.word === word);
      });
    };
  },
};

/** What the log-full handler leaves behind: an empty log, so that the guest can go on (ept_vcpu_flush_pml_buffer). */
export const servedLogIsEmpty: StepCheck = {
  property: SERVED_LOG_IS_EMPTY,
  begin({ system, role, requests: [request] }) {
    if (role.kind !== "tracker" || request?.op !== "serveLogFull") return null;
    const vcpu = system.world.vcpus[request.vcpu ?? 0];
    if (vcpu === undefined) return null;
    return () => [...slotsOf(system.world, vcpu).values()].every(({ used }) => !used);
  },
};

/** A flag of a leaf appears only in a step in which the guest's access to that page completed. */
export const noFlagWithoutAccess: StepCheck = {
  property: NO_FLAG_WITHOUT_ACCESS,
  begin(step) {
    const guest = guestStep(step);
    if (guest === null) return null;
    const { ept, guest: pages } = { ept: guest.vm.ept, guest: guest.vm.guest };
    const { accessed, dirty } = ept.format;
    const flags = (): number[] =>
      Array.from({ length: pages.pages }, (_, page) => {
        const leaf = findLeaf(ept, page);
        return leaf === null ? 0 : wordAt(ept.memory.words, leaf.word) & (accessed | dirty);
      });
    const before = flags();
    return () => {
      const { state, block } = guest.vcpu.stream;
      const completed = state[0] === state[1];
      const page = wordAt(block, 0) >>> ACCESS_PAGE_SHIFT;
      const wrote = (wordAt(block, 0) & 3) !== AccessKind.read;
      return flags().every((now, at) => {
        const added = now & ~itemAt(before, at);
        if (added === 0) return true;
        return completed && at === page && ((added & dirty) === 0 || wrote);
      });
    };
  },
};

/**
 * What a harvest or an estimator counts was accessed since the tracker was armed, or since the last
 * CLEAN. That is so where the processor itself notes accesses: PML, PRL, the scan of A and D flags.
 * After a violation a page is marked before its access completes, which may then never happen.
 */
export const countedWasAccessed: StepCheck = {
  property: COUNTED_WAS_ACCESSED,
  begin({ system, role, requests: [request], owed, dues }) {
    const number = vmOf(role);
    const isTracker = role.kind === "tracker";
    const isEstimator = isMeant(role, { helper: "estimator" });
    if (request === undefined || number === undefined || !(isTracker || isEstimator)) return null;
    // PRL's estimator reads the counts in the step in which it finds its interval over.
    const counts = isTracker ? ["harvest", "goOn"] : ["look"];
    if (!counts.includes(request.op)) return null;
    const { tracked, guest } = itemAt(system.world.vms, number);
    const isHarvest = request.op !== "goOn" || tracked.work.work === Work.harvest;
    if (!isHarvest) return null;
    // Logging has ended, and its last round is settled: what is counted stays, and nobody estimates by it.
    if (isEstimator && itemAt(system.world.vms, number).armed.technique === null) return null;
    const wasAccessed = Array.from({ length: guest.pages }, (_, page) =>
      itemAt(dues, number).has(page, owed),
    );
    return () => {
      const counted = isTracker ? marked(tracked.handedOver) : logged(tracked.buffer);
      return counted.every((page) => wasAccessed[page] === true);
    };
  },
};

function marked(bitmap: DirtyBitmap): number[] {
  const pages: number[] = [];
  forEachMarked(bitmap, (page) => pages.push(page));
  return pages;
}

function logged(buffer: CumulativeBuffer): number[] {
  const pages: number[] = [];
  forEachOccurrence(buffer, (page) => pages.push(page));
  return pages;
}
