/**
 * An INVEPT that was asked for while a guest ran is executed at the guest's exit, be the exit's handler done or not:
 * the handler may wait for somebody who waits for this very INVEPT.
 */

import { expect, it } from "vitest";
import { initialTransition, transition } from "xstate";
import { type DispatcherInput, dispatcherMachine } from "../../machines/dispatcher.ts";
import { ExitReason } from "../../src/hardware/exit.ts";
import type { ActorId, Message } from "../../src/interconnect/messages.ts";
import { PML_FULL } from "../../src/units/pml/walk.ts";

const actor = (number: number): ActorId => number;
const TRACKER = actor(9);
const INPUT: DispatcherInput = {
  pcpu: 0,
  self: actor(1),
  mmu: actor(2),
  vcpus: [actor(3)],
  trackers: [TRACKER],
  pvTrackers: [0],
  inveptCycles: 5,
  interruptCycles: 7,
};
const EXIT = { vcpu: 0, vm: 0, qualification: 2, page: 0 } as const;

/** What a dispatcher asks of its device, step by step. */
function asked(messages: readonly (Message | { readonly type: "invalidated" })[]): string[][] {
  let [snapshot] = initialTransition(dispatcherMachine, INPUT);
  return messages.map((message) => {
    const [next, actions] = transition(dispatcherMachine, snapshot, message as never);
    snapshot = next;
    return actions.flatMap(({ params }) => {
      const { event } = params as { event: { type: string; request?: { op: string } } };
      return event.request === undefined ? [] : [event.request.op];
    });
  });
}

const SCHEDULE = {
  type: "schedule",
  vcpu: 0,
  pcpu: 0,
  mmu: actor(2),
  dispatcher: actor(1),
} as const;
const INVEPT = { type: "inveptRequest", vm: 0, tracker: TRACKER } as const;

it.each([
  ["a full log", PML_FULL],
  ["an EPT violation", ExitReason.eptViolation],
])("at an exit by %s, before its handler is done", (_what, reason) => {
  const exit = { type: "vmExit", reason, ...EXIT } as const;
  const invalidated = { type: "invalidated" } as const;
  // Two are asked for: the second is executed when the first is done.
  expect(asked([SCHEDULE, INVEPT, INVEPT, exit, invalidated, invalidated])).toEqual([
    [],
    [],
    [],
    ["invept"],
    ["invept"],
    [],
  ]);
});

it.each([
  ["an interrupt", ExitReason.externalInterrupt],
  ["HLT", ExitReason.hlt],
])("at an exit by %s, before the next entry", (_what, reason) => {
  const exit = { type: "vmExit", reason, ...EXIT } as const;
  expect(asked([SCHEDULE, INVEPT, exit])).toEqual([[], [], ["invept"]]);
});
