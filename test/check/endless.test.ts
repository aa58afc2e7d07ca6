/** A step that never ends is named, with what it does again and again; nobody waits for it. */
import { describe, expect, it } from "vitest";
import { createMachine, emit, raise, setup } from "xstate";
import { actorModel } from "../../src/check/actorModel.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { type TrackingOptions, trackingModel } from "../../src/check/models/tracking.ts";
import { replaceIn } from "../../src/check/mutations/mutation.ts";
import { UserError } from "../../src/errors.ts";
import { compileLogic } from "../../src/interconnect/compiledLogic.ts";
import { request } from "../../src/interconnect/emissions.ts";
import { Interconnect } from "../../src/interconnect/interconnect.ts";

const SMALL: TrackingOptions = {
  technique: "pml",
  vcpus: [1],
  pages: 2,
  logEntries: 1,
  eptLevels: 1,
  reads: false,
};

describe("a step that never ends", () => {
  it("of an actor that asks its device again and again ends the search", () => {
    const replace = replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendHandled: emit(() => request({ op: "serveLogFull", vcpu: 0, dispatcher: 0 })),
        },
      }),
    }));
    const model = trackingModel("endless", { ...SMALL, replace });
    expect(() => new Exploration(model).run()).toThrow(
      'endless: vm0/tracker has asked its device 10000 times in one step, at last for "serveLogFull": the step never ends',
    );
  });

  it("of a machine that raises for ever is refused by name", () => {
    const machine = createMachine({
      id: "raiser",
      initial: "a",
      states: { a: { on: { go: { actions: raise({ type: "go" }) } } } },
    });
    const model = actorModel({
      name: "raising",
      actors: { A: { machine, choices: [{ type: "go" }] } },
      wires: [],
      properties: [],
    });
    expect(() => new Exploration(model).run()).toThrow(
      /^model raising: A, in state "a", on "go": .* 10000 microsteps/,
    );
  });

  it("of states that are left at once, in a circle, ends too", () => {
    const machine = setup({ guards: { yes: () => true } }).createMachine({
      id: "round",
      initial: "a",
      states: {
        a: { on: { go: "b" } },
        b: { always: "c" },
        c: { always: [{ guard: "yes", target: "b" }, { target: "a" }] },
      },
    });
    const logic = compileLogic(machine);
    const scope = { emit: () => {} } as never;
    const start = logic.getInitialSnapshot(scope, {});
    expect(() => logic.transition(start, { type: "go" }, scope)).toThrow(
      /^machine "round" goes round in a circle of states that are left at once, "[bc]" among them/,
    );
  });
});

it("a run in which messages without delay follow one another for ever ends, and says which", () => {
  const interconnect = new Interconnect();
  const { id, port } = interconnect.openPort();
  port.subscribe(({ message }) => interconnect.post(id, id, 0, message));
  interconnect.post(0, id, 7, { type: "continueGuest" });
  const run = () => {
    while (interconnect.step());
  };
  expect(run).toThrow(
    'time stands still at cycle 7: after 1000000 messages without delay comes "continueGuest"',
  );
});

it("virtual time is exact: a message that would come later than can be told is refused, and moves nothing", () => {
  const interconnect = new Interconnect();
  const { id } = interconnect.openPort();
  const post = (delay: number) => () => interconnect.post(id, id, delay, { type: "continueGuest" });
  for (const delay of [2 ** 53, Number.POSITIVE_INFINITY]) expect(post(delay)).toThrow(UserError);
  expect(post(2 ** 53)).toThrow(/"continueGuest" would come at cycle [\d,]+; virtual time ends at/);
  post(Number.MAX_SAFE_INTEGER)();
  expect(() => interconnect.postpone(1, 1)).toThrow(UserError);
  expect(interconnect.step()).toBe(true);
  expect(interconnect.now).toBe(Number.MAX_SAFE_INTEGER);
});
