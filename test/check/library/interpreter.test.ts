/** What is explored of a machine is what XState's own interpreter does with it, step by step. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { AnyEventObject, AnyStateMachine } from "xstate";
import { shapeOf } from "../../../src/check/actors/machineShape.ts";
import { pureMachine } from "../../../src/check/actors/pureMachine.ts";
import type { ActorState } from "../../../src/check/actors/spec.ts";
import type { PureMachine, Stepped } from "../../../src/check/actors/steps.ts";
import { nextTimers } from "../../../src/check/actors/timers.ts";
import { EVENTS, machineOf, Reference, randomMachines, type Seen } from "./randomMachine.ts";

/** The same by pure steps. What it sends to itself comes before anything else, as in an actor's mailbox. */
class Stepwise {
  state: ActorState;
  readonly #machine: PureMachine;
  #emitted: AnyEventObject[] = [];
  #mailbox: AnyEventObject[] = [];

  constructor(machine: AnyStateMachine) {
    const options = { invoked: {}, ignoredActions: [] };
    this.#machine = pureMachine(machine, shapeOf(machine), options);
    const first = this.#machine.initial(undefined);
    this.state = first.state;
    this.#note(first);
  }

  #note({ state, emitted, toItself }: Stepped): void {
    this.state = state;
    this.#emitted.push(...emitted);
    this.#mailbox.push(...toItself);
    for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
      this.send(next);
    }
  }

  send(event: AnyEventObject): void {
    if (this.state.status !== "active") return;
    const stepped = this.#machine.step(this.state, event);
    if (stepped !== null) this.#note(stepped);
  }

  endTimer(position: number): void {
    this.#note(this.#machine.endTimer(this.state, position));
  }

  get seen(): Seen {
    const { value, context, status, timers = [] } = this.state;
    const emitted = this.#emitted;
    this.#emitted = [];
    return { value, context, status, emitted, timers: timers.map(({ delay }) => delay) };
  }
}

/** A step: the number of an event; or of a timer, from the number of events on. */
const walk = fc.array(fc.nat(EVENTS.length + 3), { maxLength: 12 });

it("on random machines: nested, parallel, history, final, delays, raise, cancel, sendTo, enqueueActions", () => {
  const met = { machines: 0, failed: 0, timers: 0, done: 0, history: 0 };
  fc.assert(
    fc.property(randomMachines, walk, (random, steps) => {
      const machine = machineOf(random);
      const reference = new Reference(machine);
      if (reference.seen.status === "error") {
        met.failed++;
        expect(() => new Stepwise(machine)).toThrow();
        return;
      }
      // Its emissions were looked at.
      const again = new Reference(machine);
      const ours = new Stepwise(machine);
      expect(ours.seen).toEqual(again.seen);
      met.machines++;
      for (const step of steps) {
        const { timers = [] } = ours.state;
        const next = nextTimers(timers, false);
        if (step < EVENTS.length || next.length === 0) {
          const event = { type: EVENTS[step % EVENTS.length]! };
          again.send(event);
          if (!goesOn(() => ours.send(event), again)) return;
        } else {
          const position = next[step % next.length]!;
          met.timers++;
          again.endTimer(position);
          if (!goesOn(() => ours.endTimer(position), again)) return;
        }
      }
      if (ours.state.status === "done") met.done++;
      if (ours.state.history !== undefined) met.history++;

      /** Whether the machine has not failed, and both see the same. */
      function goesOn(work: () => void, other: Reference): boolean {
        const wanted = other.seen;
        if (wanted.status === "error") {
          met.failed++;
          expect(work).toThrow();
          return false;
        }
        work();
        expect(ours.seen).toEqual(wanted);
        return true;
      }
    }),
    { numRuns: Number(process.env["TRACKVISOR_RUNS"] ?? 250), seed: 7 },
  );
  // The machines do what the test is of.
  expect(met.machines).toBeGreaterThan(150);
  expect(met.timers).toBeGreaterThan(50);
  expect(met.done).toBeGreaterThan(10);
  expect(met.history).toBeGreaterThan(10);
});
