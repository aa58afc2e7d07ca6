/** Numbers of a run that a breakpoint can be set on: what is looked at over and over, of all vCPUs or of one, and what came of harvests. */
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import type { System } from "../system/system.ts";
import { harvestsOf } from "../system/verdict/harvestVerdict.ts";
import type { HarvestCounts } from "../system/verdict/rounds.ts";
import { countOf, OBSERVED, observe } from "./observed.ts";
import { vocabularyOf } from "./vocabulary.ts";

type Read = (system: System) => number;

/** By name: what is summed over the harvests of all VMs. */
const OF_HARVESTS: Readonly<Record<string, (counts: HarvestCounts) => number>> = {
  harvests: ({ harvests }) => harvests,
  "pages-lost": ({ lostPages }) => lostPages,
  "pages-over-reported": ({ overReported }) => overReported,
  "pages-dropped": ({ droppedPages }) => droppedPages,
};

/** "TLB misses" as it is typed. */
function typed(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}

const COUNTED = OBSERVED.map(({ name }) => typed(name));

/** What is said of a VM's harvests, and what is counted of all vCPUs. */
export const QUANTITIES: readonly string[] = [...Object.keys(OF_HARVESTS), ...COUNTED];

/** How a number is compared. */
export const COMPARISONS = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
} as const satisfies Record<string, (a: number, b: number) => boolean>;

/** "pages-lost", "pages lost", "vcpu1:in-logs". @throws UserError, which begins with the name of the command */
export function quantityOf(command: string, text: string, system: System): Read {
  const words = typed(text).split(":");
  const name = words.at(-1) ?? "";
  const [of] = words.length > 1 ? words : [];
  const ofHarvests = Object.hasOwn(OF_HARVESTS, name) ? OF_HARVESTS[name] : undefined;
  if (ofHarvests !== undefined && of === undefined) {
    return (at) => harvestsOf(at).reduce((sum, one) => sum + ofHarvests(one), 0);
  }
  const number = COUNTED.indexOf(name);
  const observed = OBSERVED[number];
  if (observed === undefined) {
    const names = of === undefined ? QUANTITIES : COUNTED;
    throw new UserError(`${command}: no number is called "${name}"${nearest(name, names)}`);
  }
  if (of === undefined) return (at) => observe(at)[number] ?? 0;
  const { vcpus } = vocabularyOf(system);
  const vcpu = vcpus.indexOf(of);
  if (vcpu < 0) throw new UserError(`${command}: no vCPU is called "${of}"${nearest(of, vcpus)}`);
  return (at) => countOf(at, vcpu, observed);
}
