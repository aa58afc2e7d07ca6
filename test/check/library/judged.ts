/** For tests of the library: a model's verdicts by name, and machines in short. */
import { createMachine } from "xstate";
import { actorModel } from "../../../src/check/actorModel.ts";
import type { ActorModelSpec, ActorSpec } from "../../../src/check/actors/spec.ts";
import { Exploration, type ExplorationOptions } from "../../../src/check/engine/exploration.ts";
import { type PropertyResult, verdictsOf } from "../../../src/check/verdicts.ts";

export interface Judged {
  readonly distinct: number;
  readonly ending: string | null;
  readonly verdicts: Readonly<Record<string, string>>;
  readonly results: readonly PropertyResult[];
  readonly exploration: Exploration;
}

/** All verdicts; of a search that goes on after a violation. */
export function judged(spec: ActorModelSpec, options: ExplorationOptions = {}): Judged {
  const exploration = new Exploration(actorModel(spec), { keepGoing: true, ...options });
  const ending = exploration.run();
  const results = verdictsOf(exploration);
  const verdicts = Object.fromEntries(results.map(({ name, verdict }) => [name, verdict]));
  return { distinct: exploration.distinct, ending, verdicts, results, exploration };
}

/** One actor, "A", that may have the event "go" at any moment. */
export function alone(spec: ActorSpec, properties: ActorModelSpec["properties"]): ActorModelSpec {
  const actors = { A: { choices: [{ type: "go" }], ...spec } };
  return { name: "alone", actors, wires: [], properties };
}

/** A flat machine: by state, the state that each event leads to. */
export function flat(states: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const [initial] = Object.keys(states);
  return createMachine({
    id: "flat",
    initial: initial!,
    states: Object.fromEntries(Object.entries(states).map(([name, on]) => [name, { on }])),
  });
}
