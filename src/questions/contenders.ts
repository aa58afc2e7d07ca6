/** Ways of tracking that can be compared: techniques, and the variants of one that answer differently. */
import { nearest } from "../config/nearest.ts";
import type { Override } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { TECHNIQUES } from "../hypervisor/techniques/technique.ts";

export interface Contender {
  readonly name: string;
  /** What it sets in a scenario. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const VARIANTS: readonly Contender[] = [
  {
    name: "prl-two-logs",
    fields: { technique: "prl", "prl.doubleBuffer": true },
  },
  {
    name: "dirtyRing-pml",
    fields: { technique: "dirtyRing", "ring.source": "pml" },
  },
];

/** All, in the order of the techniques, each with its variants behind it. */
export const CONTENDERS: readonly Contender[] = TECHNIQUES.flatMap((technique) => [
  { name: technique, fields: { technique } },
  ...VARIANTS.filter(({ fields }) => fields["technique"] === technique),
]);

/** @param origin for messages; @throws UserError with the nearest name */
export function contenderNamed(name: string, origin = "--trackers"): Contender {
  const found = CONTENDERS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = CONTENDERS.map((one) => one.name);
  throw new UserError(
    `${origin}: there is no "${name}"${nearest(name, names)} (trackers: ${names.join(", ")})`,
  );
}

export function overridesOf({ name, fields }: Contender): Override[] {
  return Object.entries(fields).map(([path, value]) => ({
    path: ["tracker", ...path.split(".")],
    value,
    origin: `--trackers ${name}`,
  }));
}
