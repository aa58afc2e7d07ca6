/** Faults where several vCPUs or VMs share a CPU. */
import { type AnyStateMachine, assign, emit } from "xstate";
import type { SchedulerContext } from "../../../machines/scheduler.ts";
import { type SendAllEmission, type SendEmission, sendAll } from "../../interconnect/emissions.ts";
import { wordAt } from "../../lookup.ts";
import { NO_STALE_TRANSLATION, NOBODY_PASSED_OVER } from "../models/properties.ts";
import { modelOf, WRITES } from "../usualUnits.ts";
import { around, type Mutation, replaceIn } from "./mutation.ts";

/** What the scheduler's own action would send. */
export function plannedSends(
  machine: AnyStateMachine,
  context: object,
  event: object,
): readonly SendEmission[] {
  // The same shape of emit() that src/interconnect/compiledLogic.ts reads.
  const creator: Record<string, unknown> = { ...machine.implementations.actions["sendPlan"] };
  const emission = (creator["event"] as (args: object) => SendAllEmission)({ context, event });
  return emission.sends;
}

/** How the scheduler's own action would change its context. */
function plannedChanges(
  machine: AnyStateMachine,
  context: object,
  event: object,
): Partial<SchedulerContext> {
  // The same shape of assign() that src/interconnect/compiledLogic.ts reads.
  const creator: Record<string, unknown> = { ...machine.implementations.actions["applyPlan"] };
  const assignment = creator["assignment"] as (args: object) => Partial<SchedulerContext>;
  return assignment({ context, event });
}

export const schedulingMutations: readonly Mutation[] = [
  {
    name: "let-go-in-order",
    mistake: "a VM that is let go first keeps the CPU, also from one that has waited longer",
    model: "write-protection-two-vms",
    set: { reads: 0 },
    breaks: NOBODY_PASSED_OVER,
    replace: replaceIn("scheduler", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendPlan: emit(({ context, event }) =>
            sendAll(
              plannedSends(machine, context, event).filter(
                ({ message }) => event.type !== "unpauseVm" || message.type !== "preempt",
              ),
            ),
          ),
          applyPlan: assign(({ context, event }) => {
            const changes = plannedChanges(machine, context, event);
            const { cpus } = { ...(context as SchedulerContext), ...changes };
            return { ...changes, cpus: cpus.map((cpu) => ({ ...cpu, wanted: false })) };
          }),
        },
      }),
    })),
  },
  {
    name: "timeslice-without-end",
    mistake: "the scheduler gives a CPU away, and sets no timer",
    model: modelOf(WRITES, "crowded"),
    set: { pages: 1, harvests: 0 },
    breaks: "vCPU 1 runs again",
    replace: replaceIn("scheduler", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendPlan: emit(({ context, event }) =>
            sendAll(
              plannedSends(machine, context, event).filter(
                ({ message }) => message.type !== "timesliceEnd",
              ),
            ),
          ),
        },
      }),
    })),
  },
  {
    name: "flushed-if-it-runs",
    mistake: "a CPU on which another VM runs acknowledges an INVEPT without executing it",
    model: "write-protection-two-vms",
    set: { reads: 0 },
    breaks: NO_STALE_TRANSLATION,
    replace: around("dispatcher", ({ vm }, perform, { loaded, vcpus }) => {
      const runs = vcpus[wordAt(loaded.vcpus, 0) - 1]?.vm === vm;
      return runs ? perform() : { type: "invalidated" };
    }),
  },
];
