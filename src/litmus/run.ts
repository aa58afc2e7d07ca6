/** Runs one litmus test from a fresh machine, up to its first step that does not do what is expected. */

import { UserError } from "../errors.ts";
import { AddressNotHeldError } from "../hardware/words.ts";
import { itemAt } from "../lookup.ts";
import { type Difference, differences } from "./expect.ts";
import { type LitmusTest, pathText } from "./load.ts";
import { createMachine } from "./machine.ts";
import { observe } from "./observe.ts";
import { LitmusProblem } from "./problem.ts";
import { nearest } from "./scalars.ts";
import type { Machine, Vcpu } from "./state.ts";
import type { Step } from "./stepSchema.ts";
import { stepTitle, takeStep } from "./steps.ts";

/** The first step that failed. */
export interface StepFailure {
  /** Position in the test, from 1. */
  readonly step: number;
  readonly title: string;
  /** "file:line". */
  readonly at: string;
  readonly differences: readonly Difference[];
}

export interface LitmusResult {
  readonly file: string;
  readonly name: string;
  readonly parameters: string;
  readonly cases: readonly number[];
  readonly passed: boolean;
  readonly failure: StepFailure | null;
}

/** Runs a test. Throws UserError if the test asks for something impossible. */
export function runLitmus(test: LitmusTest): LitmusResult {
  let failure: StepFailure | null = null;
  try {
    const machine = createMachine(test);
    for (let i = 0; i < test.steps.length && failure === null; i++) {
      failure = runStep(test, machine, i);
    }
  } catch (error) {
    if (!(error instanceof LitmusProblem)) throw error;
    throw new UserError(`${test.at(error.path)}: ${pathText(error.path)}: ${error.message}`);
  }
  const { file, name, parameters, cases = [] } = test;
  return { file, name, parameters, cases, passed: failure === null, failure };
}

function runStep(test: LitmusTest, machine: Machine, position: number): StepFailure | null {
  const path = ["steps", position];
  const step = itemAt(test.steps, position);
  const vcpu = vcpuOf(machine, step.vcpu, path);
  const expected = step.expect ?? {};
  const before = observe(machine, vcpu, expected.unchanged ?? []);
  const result = takeHeldStep(machine, vcpu, step, path);
  const found = differences(machine, vcpu, expected, result, before);
  if (found.length === 0) return null;
  return {
    step: position + 1,
    title: stepTitle(step),
    at: test.at(path),
    differences: found,
  };
}

/** The step, unless it needs an address that the emulator's page numbers do not hold. */
function takeHeldStep(machine: Machine, vcpu: Vcpu, step: Step, path: readonly PropertyKey[]) {
  try {
    return takeStep(machine, vcpu, step, path);
  } catch (error) {
    if (error instanceof AddressNotHeldError) throw new LitmusProblem(path, error.message);
    throw error;
  }
}

function vcpuOf(machine: Machine, name: string | undefined, path: readonly PropertyKey[]): Vcpu {
  if (name === undefined) return machine.first;
  const vcpu = machine.vcpus.get(name);
  if (vcpu !== undefined) return vcpu;
  const hint = nearest(name, [...machine.vcpus.keys()]);
  throw new LitmusProblem([...path, "vcpu"], `no vCPU "${name}"; did you mean "${hint}"?`);
}
