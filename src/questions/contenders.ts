/** Ways of tracking that can be compared: techniques, and the variants of one that answer differently. */
import { nearest } from "../config/nearest.ts";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { DESIGNED_TECHNIQUE, TECHNIQUES, techniqueNamed } from "../hypervisor/techniques/all.ts";
import type { Scenario } from "../system/scenarioSchema.ts";

export interface Contender {
  readonly name: string;
  /** What it sets in a scenario. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** All, in the order of the techniques, each with its variants behind it. */
export function contenders(): readonly Contender[] {
  return TECHNIQUES.flatMap((technique) => [
    { name: technique, fields: { technique } },
    ...(techniqueNamed(technique)?.variants ?? []).map(({ name, fields }) => ({
      name,
      fields: { technique, ...fields },
    })),
  ]);
}

/** That of the unit which a scenario designs. */
const DESIGNED: Contender = {
  name: DESIGNED_TECHNIQUE,
  fields: { technique: DESIGNED_TECHNIQUE },
};

/** All that can track a scenario: with the unit that it designs, if it does. */
export function contendersOf({ machine }: Scenario): readonly Contender[] {
  return machine.unit === undefined ? contenders() : [...contenders(), DESIGNED];
}

/** @param origin for messages; @throws UserError with the nearest name */
export function contenderNamed(name: string, origin = "--trackers"): Contender {
  const all = [...contenders(), DESIGNED];
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name);
  throw new UserError(
    `${origin}: there is no "${name}"${nearest(name, names)} (trackers: ${names.join(", ")})`,
  );
}

/** @param option for messages */
export function overridesOf({ name, fields }: Contender, option = "--trackers"): Override[] {
  return Object.entries(fields).map(([path, value]) => ({
    path: ["tracker", ...path.split(".")],
    value,
    origin: `${option} ${name}`,
  }));
}
