/** The properties of the hypervisor's protocols, over the slots of a system model. */

import { pvmCpuMachine } from "../../../machines/pvmCpu.ts";
import { schedulerMachine } from "../../../machines/scheduler.ts";
import { trackerMachine } from "../../../machines/tracker.ts";
import { vcpuMachine } from "../../../machines/vcpu.ts";
import { findLeaf } from "../../hardware/ept.ts";
import { leafRights, setsFlags } from "../../hardware/formats/entryFormat.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { RWX } from "../../hardware/rights.ts";
import { META_SPACE_SHIFT } from "../../hardware/tlb.ts";
import { Field } from "../../hardware/vmcs.ts";
import { isUnresolved } from "../../hypervisor/lazyTypes.ts";
import { fieldOf, itemAt, wordAt } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import { pagingPiece } from "../../system/memoryPieces.ts";
import { isMeant } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { Unit } from "../../units/unit.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { EVERY_MESSAGE_TAKEN, NO_ACTOR_FAILS } from "../hypervisor/systemSteps.ts";
import { ofEach, over, type Predicate, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";
import { guestProgress } from "./guestProgress.ts";
import { INDEX_IN_RANGE, NO_FLAG_WITHOUT_ACCESS, SERVED_LOG_IS_EMPTY } from "./stepChecks.ts";
import { untrackedProperties } from "./untracked.ts";

export const NO_STALE_TRANSLATION = "no translation outlives the acknowledgement of its INVEPT";

export const OPERATION_GETS_ON = "what the toolstack asks for is done";
/** Xen's log-dirty operations pause the domain around it (paging_log_dirty_op). */
export const HARVEST_STANDS_STILL = "a harvest finds the VM standing still";
export const HANDLER_RETURNS = "the log-full handler returns";
export const COPIED_IS_COUNTED = "what the handler has copied is counted";
export const NOBODY_PASSED_OVER = "no vCPU is passed over by one that began to wait later";
export const NO_VCPU_LOST = "no vCPU is lost";

const isIn = (actor: string, ...states: readonly string[]): Predicate =>
  over([actor], ({ value }: ActorSnapshot) => states.includes(value));

/**
 * What every model of a tracked VM must do.
 * @param asking states of the toolstack in which it waits for others
 */
export function protocolProperties(
  system: System,
  asking: readonly string[] = ["arming", "pausing", "harvesting"],
): Property[] {
  return [
    { kind: "noDeadlock", name: "no deadlock" },
    { kind: "step", name: EVERY_MESSAGE_TAKEN },
    { kind: "step", name: NO_ACTOR_FAILS },
    { kind: "sometimes", name: "the operation ends", that: isIn("toolstack", "done") },
    {
      kind: "leadsTo",
      name: OPERATION_GETS_ON,
      when: isIn("toolstack", ...asking),
      that: over(["toolstack"], ({ value }: ActorSnapshot) => !asking.includes(value)),
    },
    ...system.world.vcpus.map((_, vcpu) => notLost(system, vcpu)),
    ...(isCrowded(system) ? [nobodyPassedOver(system)] : []),
    ...untrackedProperties(system),
    ...guestProgress(system),
  ];
}

function notLost(system: System, vcpu: number): Property {
  const read = contextReader(system, `vcpu${vcpu}`, vcpuMachine);
  return {
    kind: "always",
    ...ofEach("vcpu", vcpu, (one) => `${NO_VCPU_LOST} (vCPU ${one})`),
    // A guest that has come to its end is not lost.
    that: over([`vcpu${vcpu}`], (own: ActorSnapshot) => {
      return own.value !== "halted" || read(own).finished;
    }),
  };
}

/** What every technique that can tell the pages of a round must do. */
export function noPageLost(): Property[] {
  const anything = ({ owed }: Words): boolean => owed!.some((word) => word !== 0);
  return [
    { kind: "step", name: NO_PAGE_LOST, seen: over(["vm0/truth"], anything) },
    { kind: "step", name: NO_FLAG_WITHOUT_ACCESS },
  ];
}

/** What the unit that logs for the model's technique must do, by what happens when its log is full. */
export function logProperties(system: System): Property[] {
  const unit = system.world.unitOf(system.world.config.tracking.technique);
  if (unit === null) return [];
  switch (unit.declaration.whenFull.kind) {
    case "exit":
      return stoppingLogProperties(system, unit);
    case "interrupt":
      return interruptingLogProperties(system, unit);
    case "drop":
      return [{ kind: "step", name: INDEX_IN_RANGE }];
  }
}

/** A unit whose full log stops the guest, on every vCPU. */
function stoppingLogProperties(system: System, { declaration: { name: unit } }: Unit): Property[] {
  const steps = [INDEX_IN_RANGE, SERVED_LOG_IS_EMPTY].map(
    (name) => ({ kind: "step", name }) as const,
  );
  return system.world.vcpus.flatMap((_, vcpu): Property[] => [
    ...(vcpu === 0 ? steps : []),
    {
      kind: "leadsTo",
      ...ofEach("vcpu", vcpu, (one) => `a full log of vCPU ${one} is served`),
      when: isIn(`vcpu${vcpu}/${unit}`, "full"),
      that: isIn(`vcpu${vcpu}/${unit}`, "logging", "off"),
    },
  ]);
}

/** What a dirty ring must do: it is small enough to fill, and then its vCPU waits for user space, and goes on. */
export function ringProperties(system: System): Property[] {
  const tracker = contextReader(system, "vm0/tracker", trackerMachine);
  const isHeldBack = (state: ActorSnapshot): boolean => tracker(state).heldBack.length > 0;
  return [
    {
      kind: "sometimes",
      name: "a ring is full, and its vCPU waits",
      that: over(["vm0/tracker"], isHeldBack),
    },
    {
      kind: "leadsTo",
      name: "a vCPU that waits for its ring goes on",
      when: over(["vm0/tracker"], isHeldBack),
      that: over(["vm0/tracker"], (state: ActorSnapshot) => !isHeldBack(state)),
    },
  ];
}

/** A unit whose full log interrupts a CPU of the pVM, on every vCPU and on every such CPU. */
function interruptingLogProperties(system: System, unit: Unit): Property[] {
  const handlers = system.actors.filter(({ role }) => role.kind === "pvmCpu");
  const returns = handlers.map(({ name }): Property => {
    return {
      kind: "leadsTo",
      name: `${HANDLER_RETURNS} (${name})`,
      when: isIn(name, "handling"),
      that: isIn(name, "guest", "deferred"),
    };
  });
  const isSuspended = ({ fields, image }: Words): boolean =>
    unit.shownIndex({ words: fields ?? [], image: image ?? [] }) < 0;
  const resume = system.world.vcpus.flatMap((_, vcpu): Property[] => [
    ...(vcpu === 0 ? [{ kind: "step", name: INDEX_IN_RANGE } as const] : []),
    {
      kind: "leadsTo",
      ...ofEach("vcpu", vcpu, (one) => `the log of vCPU ${one} resumes after it was full`),
      when: over([`vcpu${vcpu}/vmcs`], isSuspended),
      that: over([`vcpu${vcpu}/vmcs`], (words: Words) => !isSuspended(words)),
    },
  ]);
  return [...returns, ...resume, ...(unit.countsLater === undefined ? [] : countedLater(system))];
}

/** Counting is the work of a process, and comes to its end however often the handler takes its CPU. */
function countedLater(system: System): Property[] {
  return system.actors
    .filter(({ role }) => role.kind === "pvmCpu")
    .map(({ name }): Property => {
      const read = contextReader(system, name, pvmCpuMachine);
      const counts = (state: ActorSnapshot): boolean => {
        const { self, jobs } = read(state);
        return jobs.some(({ requester }) => requester === self);
      };
      return {
        kind: "leadsTo",
        name: `${COPIED_IS_COUNTED} (${name})`,
        when: over([name], counts),
        that: over([name], (state: ActorSnapshot) => !counts(state)),
      };
    });
}

function isCrowded({ world }: System): boolean {
  return world.vcpus.length > world.mmus.length;
}

/**
 * Of vCPUs that may run, none waits while one that began to wait later has a CPU, and has not been asked to leave it.
 * Where pauses come at any moment, and there is no time, it is all that can be asked of a scheduler with too few CPUs.
 */
function nobodyPassedOver(system: System): Property {
  const read = contextReader(system, "scheduler", schedulerMachine);
  return {
    kind: "always",
    name: NOBODY_PASSED_OVER,
    that: over(["scheduler"], (scheduler: ActorSnapshot) => {
      const { cpus, waiting, turns, held, pausedBy, vmOfVcpu } = read(scheduler);
      const mayRun = (vcpu: number): boolean =>
        !held.includes(vcpu) && itemAt(pausedBy, itemAt(vmOfVcpu, vcpu)).length === 0;
      return waiting
        .filter(mayRun)
        .every((one) =>
          cpus.every(
            ({ vcpu, wanted }) =>
              wanted || (vcpu >= 0 && (!mayRun(vcpu) || turns.indexOf(vcpu) < turns.indexOf(one))),
          ),
        );
    }),
  };
}

/**
 * A vCPU that left its CPU gets one again, unless the run has come to its end, or the operator holds it; where CPUs
 * are too few, unless its VM is paused before.
 */
export function pausedVcpusRunAgain(system: System): Property[] {
  const isCut = isCrowded(system);
  const read = contextReader(system, "scheduler", schedulerMachine);
  return system.world.vcpus.map(({ vm }, vcpu): Property => {
    const slots = [`vcpu${vcpu}`, "toolstack", "scheduler"];
    const mustRun = (state: ActorSnapshot, toolstack: ActorSnapshot, scheduler: ActorSnapshot) => {
      const { held, pausedBy } = read(scheduler);
      const mayRun = !held.includes(vcpu) && !(isCut && itemAt(pausedBy, vm).length > 0);
      return state.value === "ready" && !hasEnded(toolstack) && mayRun;
    };
    return {
      kind: "leadsTo",
      ...ofEach("vcpu", vcpu, (one) => `vCPU ${one} runs again after a pause`),
      when: over(slots, mustRun),
      that: over(slots, (...states: readonly [ActorSnapshot, ActorSnapshot, ActorSnapshot]) => {
        return !mustRun(...states);
      }),
    };
  });
}

/** While the toolstack is in one of these states, no vCPU runs. @param mayRun unless it says so */
export function standsStill(
  { world }: System,
  name: string,
  states: readonly string[],
  mayRun: (toolstack: ActorSnapshot) => boolean = () => false,
): Property {
  return {
    kind: "always",
    name,
    when: over(["toolstack"], (toolstack: ActorSnapshot) => {
      return states.includes(toolstack.value) && !mayRun(toolstack);
    }),
    that: over(
      world.vcpus.map((_, vcpu) => `vcpu${vcpu}`),
      (...vcpus: readonly ActorSnapshot[]) =>
        vcpus.every(({ value }) => value === "ready" || value === "halted"),
    ),
  };
}

function hasEnded({ value }: ActorSnapshot): boolean {
  return value === "done" || value === "failed";
}

/**
 * While nobody waits for an INVEPT, no TLB grants more than the entries do (SDM vol. 3C 28.3.3.4: what
 * software has taken away may be used until the INVEPT is executed, and not after it).
 */
export function noStaleTranslations(system: System): Property[] {
  const pairs = system.world.vms.flatMap(({ ept, vcpus: [first] }, vm) => {
    const tracker = contextReader(system, `vm${vm}/tracker`, trackerMachine);
    return system.world.mmus.map((mmu, pcpu) => ({ ept, vm, first, mmu, pcpu, tracker }));
  });
  // A pager takes rights away, too, and has INVEPT executed itself.
  const pagers = system.actors.flatMap(({ role, name }) =>
    isMeant(role, { helper: "pager" }) ? [name] : [],
  );
  return pairs.map(({ ept, vm, first, mmu, pcpu, tracker }) => ({
    kind: "always",
    ...ofEach("pcpu", pcpu, (cpu) => `${NO_STALE_TRANSLATION} (VM ${vm} on CPU ${cpu})`),
    when: over(
      [`vm${vm}/tracker`, ...pagers],
      (own: ActorSnapshot, ...others: readonly ActorSnapshot[]) =>
        own.value === "logging" &&
        tracker(own).awaited === 0 &&
        others.every((pager) => pager.value === "resting"),
    ),
    that: over(
      [`pcpu${pcpu}/tlb`, `vm${vm}/paging`, `vcpu${first}/vmcs`],
      (tlb: Words, paging: Words, vcpu: Words) => {
        const pointer = itemAt(fieldOf(vcpu, "fields"), 2 * Field.eptPointer);
        const flags = setsFlags(ept.format, pointer);
        // Where the tables are is a part of the state once leaves have been split.
        pagingPiece(system.world, vm).restore(paging);
        const grantedBy = (page: number): number => {
          const leaf = findLeaf(ept, page);
          if (leaf === null || isUnresolved(ept, page)) return 0;
          // Tables here restrict nothing.
          const { words } = ept.memory;
          const [low, high] = [wordAt(words, leaf.word), wordAt(words, leaf.word + 1)];
          return leafRights(ept.format, low, high, flags) & RWX;
        };
        return ["l1", "l1Large"].every((level) =>
          fieldOf(tlb, `${level}.meta`).every((meta, at) => {
            const space = meta >>> META_SPACE_SHIFT;
            if (space === 0 || mmu.tlb.spaces[3 * (space - 1) + 1] !== ept.root) return true;
            const first = itemAt(fieldOf(tlb, `${level}.page`), at);
            const pages = level === "l1" ? 1 : 2 ** mmu.tlb.largeBits;
            return Array.from({ length: pages }, (_, i) => first + i).every(
              (page) => (meta & RWX & ~grantedBy(page)) === 0,
            );
          }),
        );
      },
    ),
  }));
}
