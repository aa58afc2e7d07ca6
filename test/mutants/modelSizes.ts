/** In which size each model judges mutants. */
import { MODELS } from "../../src/check/catalogue.ts";
import type { ModelEntry, Values } from "../../src/check/modelEntry.ts";

/** A search ends there, and what is not decided then stays open. */
export const STATES_MAX = 300_000;

/** Models that are not searched to their end within STATES_MAX are searched in these sizes, too. */
const SMALLER: Readonly<Record<string, Values>> = {
  "pml-two-vcpus": { harvests: 0 },
  "prl-two-logs": { pages: 3, log: 1 },
  "prl-two-vms": { pages: 2, log: 1 },
  "write-protection-two-vcpus": { pages: 1 },
  "write-protection-large-leaves": { pages: 2, reads: 1 },
  "migration-rounds": { rounds: 2, fails: 0 },
  "migration-throttled": { fails: 0, aborts: 0 },
  "operator-in-pieces": { pages: 1 },
  "pml-crowded": { harvests: 0 },
  "write-protection-two-vms": { harvests: 0 },
  paging: { balloons: 0 },
  "paging-write-protection": { balloons: 0 },
  "paging-scan": { balloons: 0 },
  "paging-pml": { balloons: 0 },
};

/** Of other machines than the emulator's. */
const NOT_OURS = ["two-phase-commit"];

/** Every model that judges, by name and parameters. */
export function modelJudges(models: readonly ModelEntry[] = MODELS): string[] {
  return models
    .filter(({ name }) => !NOT_OURS.includes(name))
    .flatMap(({ name }) => {
      const smaller = SMALLER[name];
      return smaller === undefined ? [name] : [named(name, smaller), name];
    });
}

function named(name: string, set: Values): string {
  const list = Object.entries(set).map(([key, value]) => `${key}=${value}`);
  return `${name} ${list.join(",")}`;
}

/** The model and the parameters that a name says. */
export function targetOf(judge: string): { readonly model: string; readonly set: Values } {
  const [model = "", list] = judge.split(" ");
  const pairs = list === undefined ? [] : list.split(",").map((pair) => pair.split("="));
  const set = Object.fromEntries(pairs.map(([key = "", value]) => [key, Number(value)]));
  return { model, set };
}
