/** Makes a failing case smaller, as long as it fails in the same way. Greedy, and bounded by tries. */
import type { SoakCase } from "./generator.ts";
import { type Problem, tryCase } from "./trial.ts";

type Json = unknown;

/** @returns the smallest case found that has a problem of this kind */
export function shrinkCase(failing: SoakCase, kind: Problem["kind"], tries = 150): SoakCase {
  let best = failing;
  let left = tries;
  const fails = (candidate: SoakCase): boolean => {
    left--;
    return tryCase(candidate).problems.some((problem) => problem.kind === kind);
  };
  for (let found = true; found && left > 0; ) {
    found = false;
    for (const candidate of smaller(best)) {
      if (left <= 0) break;
      if (!fails(candidate)) continue;
      best = candidate;
      found = true;
      break;
    }
  }
  return best;
}

function* smaller({ scenario, commands }: SoakCase): Generator<SoakCase> {
  for (let i = 0; i < commands.length; i++) yield { scenario, commands: commands.toSpliced(i, 1) };
  for (const one of smallerValues(scenario)) {
    yield { scenario: one as SoakCase["scenario"], commands };
  }
}

/** The value with a field left out, an element left out, or a number halved; what is outside comes first. */
function* smallerValues(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    if (value.length > 1) for (let i = 0; i < value.length; i++) yield value.toSpliced(i, 1);
    for (let i = 0; i < value.length; i++) {
      for (const one of smallerValues(value[i])) yield value.with(i, one);
    }
    return;
  }
  if (typeof value === "number") {
    if (Number.isInteger(value) && value > 1) yield Math.floor(value / 2);
    return;
  }
  if (typeof value === "string") {
    const [, digits = "", unit = ""] = /^(\d+)([a-zA-Z]+)$/.exec(value) ?? [];
    if (Number(digits) > 1) yield `${Math.floor(Number(digits) / 2)}${unit}`;
    return;
  }
  if (value === null || typeof value !== "object") return;
  const entries = Object.entries(value);
  for (let i = 0; i < entries.length; i++) yield Object.fromEntries(entries.toSpliced(i, 1));
  for (const [key, inner] of entries) {
    for (const one of smallerValues(inner)) yield { ...value, [key]: one };
  }
}
