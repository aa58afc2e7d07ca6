/** Whether pre-copy converges, at which downtime, and what else would: sentences made from what the ways came to. */
import { formatCycles } from "../../config/units.ts";
import { ratesText } from "./convergence.ts";
import { cheapestOf, linkOf, type MigrationTerms, type WayResult } from "./migration.ts";
import {
  counted,
  mebibytes,
  milliseconds,
  type Sentence,
  scaled,
  sentence,
  significant,
  spreadText,
} from "./sentence.ts";
import { rateText } from "./settings.ts";

export interface MigrationAnswer {
  readonly terms: MigrationTerms;
  readonly ways: readonly WayResult[];
  readonly standard: WayResult;
  /** The cheapest policy or throttle that meets the limit. */
  readonly cheapest: WayResult | null;
  readonly sentences: readonly Sentence[];
}

/** @param ways the standard one first */
export function migrationAnswer(
  terms: MigrationTerms,
  ways: readonly WayResult[],
): MigrationAnswer {
  const [standard] = ways;
  if (standard === undefined) throw new Error("there is no way to migrate");
  const cheapest = cheapestOf(ways);
  const others = ways.filter((one) => one !== standard);
  return {
    terms,
    ways,
    standard,
    cheapest,
    sentences: [
      sentence(standardText(terms, standard), standard.runs),
      ...standard.results
        .slice(0, 1)
        .map((first) => sentence(ratesText(first), standard.runs.slice(0, 1))),
      ...others.map((one) =>
        sentence(wayText(one, standard.runs.length), [...one.runs, ...one.bases]),
      ),
      ...conclusion(standard, cheapest, ways),
    ],
  };
}

function standardText(terms: MigrationTerms, result: WayResult): string {
  const { vm, technique, limitCycles, bandwidth } = terms;
  const { way, verdict, judged } = result;
  const what = `pre-copy of ${vm} by ${way.name}, over ${rateText(bandwidth)}, tracked by ${technique}`;
  const limit = formatCycles(limitCycles);
  const [first] = judged;
  switch (verdict) {
    case "meets":
      return `Yes: ${what}, converges within a downtime of ${limit}: ${numbersOf(result)}.`;
    case "late":
      return `Not within a downtime of ${limit}: ${what}, ends, but too late: ${numbersOf(result)}.`;
    case "endless":
      return `No: ${what}, does not converge to a downtime of ${limit}. ${first?.why ?? ""}`;
    case "mixed":
      return `It depends on the seed whether ${what}, converges to a downtime of ${limit}: ${tallyOf(result)}.`;
    case "unknown":
      return `Unknown whether ${what}, converges to a downtime of ${limit}: ${first?.why ?? ""}.`;
  }
}

/** Downtime, time, rounds, bytes, and what it cost the guest. */
function numbersOf({ downtime, totalTime, rounds, bytes, slowDown, lost }: WayResult): string {
  const slow =
    slowDown === null || lost === null
      ? []
      : [
          `the guests lose ${spreadText(scaled(lost, milliseconds), "ms")} of their time (${significant(Math.max(0, slowDown.mean))} %)`,
        ];
  return [
    ...(downtime === null ? [] : [`downtime ${spreadText(scaled(downtime, milliseconds), "ms")}`]),
    `total time ${spreadText(scaled(totalTime, milliseconds), "ms")}`,
    `${significant(rounds.mean)} live round${rounds.mean === 1 ? "" : "s"}`,
    `${spreadText(scaled(bytes, mebibytes), "MiB")} sent`,
    ...slow,
  ].join(", ");
}

function tallyOf({ judged }: WayResult): string {
  const met = judged.filter(({ verdict }) => verdict === "meets").length;
  return `it does with ${met} of ${counted(judged.length, "seed")}`;
}

/** @param all seeds that there are */
function wayText(result: WayResult, all: number): string {
  const { way, verdict, judged } = result;
  const name = `${way.kind === "link" ? "With" : "By"} ${way.name}`;
  switch (verdict) {
    case "meets":
      return `${name}: converges; ${numbersOf(result)}${throttleOf(result)}${seedsOf(result, all)}.`;
    case "late":
      return `${name}: ends too late; ${numbersOf(result)}${throttleOf(result)}${seedsOf(result, all)}.`;
    case "endless":
      return `${name}: does not converge${throttleOf(result)}${seedsOf(result, all)}.`;
    case "mixed":
      return `${name}: depends on the seed; ${tallyOf(result)}.`;
    case "unknown":
      return `${name}: unknown; ${judged[0]?.why ?? ""}.`;
  }
}

/** What was tried with one seed alone is not known of the others. */
function seedsOf({ runs }: WayResult, all: number): string {
  return runs.length < all ? "; of one seed alone" : "";
}

function throttleOf({ results }: WayResult): string {
  const most = Math.max(
    0,
    ...results.flatMap(({ throttle }) => throttle.map((step) => step.percent)),
  );
  return most === 0 ? "" : `, throttled by ${most} % at the end`;
}

function conclusion(
  standard: WayResult,
  cheapest: WayResult | null,
  ways: readonly WayResult[],
): Sentence[] {
  if (standard.verdict === "meets" && cheapest === standard) return [];
  const link = linkOf(ways);
  const cited = [cheapest, link].flatMap((one) => (one === null ? [] : one.runs));
  const policy =
    cheapest === null
      ? isOpen(ways)
        ? "Whether a policy or throttle here meets the limit is unknown."
        : "No policy or throttle here meets the limit."
      : `The cheapest for the guest that meets the limit: ${cheapest.way.name}.`;
  const faster =
    link === null
      ? ways.some(({ way }) => way.kind === "link")
        ? " None of the faster links does."
        : ""
      : ` Without a change of policy, ${link.way.name} does.`;
  return [sentence(`${policy}${faster}`, cited)];
}

function isOpen(ways: readonly WayResult[]): boolean {
  return ways.some(
    ({ way, verdict }) => way.kind !== "link" && (verdict === "unknown" || verdict === "mixed"),
  );
}
