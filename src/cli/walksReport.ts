/** What `trackvisor check --seeds` prints, and `merge` of its shares. */
import { STEPS_DEFAULT, WALKS_DEFAULT } from "../check/checkRun.ts";
import type { SwarmAsked, SwarmProperty, SwarmReport } from "../check/swarm.ts";
import { grouped } from "../config/figures.ts";
import type { Line } from "../io/standardStreams.ts";
import { coverageLines, titleLine, verdictLine } from "./checkReport.ts";

export function swarmLines(asked: SwarmAsked, report: SwarmReport): Line[] {
  const { properties, coverage } = report;
  const lines: Line[] = [titleLine(asked), walked(asked, report), met(report), ""];
  for (const property of properties) {
    lines.push(verdictLine(property, shownBy(property, report)));
  }
  lines.push("", ...coverageLines(coverage));
  const broken = properties.find(({ verdict, seed }) => verdict === "violated" && seed !== null);
  if (broken?.seed !== null && broken?.seed !== undefined) {
    lines.push("", `How "${broken.name}" breaks: ${wordsOf(asked, broken.seed)}`);
  }
  return lines;
}

function walked({ depth, walks, steps }: SwarmAsked, report: SwarmReport): string {
  const how = depth === 0 ? "each step drawn evenly" : `priorities, depth ${depth}`;
  const { seeds } = report;
  const all = seeds.length === 1 ? "1 seed" : `${grouped(seeds.length)} seeds`;
  return `${all} (${ranges(seeds)}) of ${grouped(walks)} walks of at most ${grouped(steps)} steps, ${how}: nothing is proved`;
}

function met({ walks, generated, depth, distinctMost }: SwarmReport): string {
  return `${grouped(walks)} walks ended, ${grouped(generated)} states generated, depth ${depth}; at most ${grouped(distinctMost)} distinct ones by one seed`;
}

function shownBy(
  { kind, verdict, messages, seed, seeds }: SwarmProperty,
  report: SwarmReport,
): string {
  if (verdict === "open") return "";
  const by = `by ${seeds} of ${report.seeds.length} seeds`;
  if (messages === null) return ` (${by})`;
  const shown = kind === "sometimes" ? "witness" : "counterexample";
  return ` (${by}; shortest ${shown} of ${messages} messages: seed ${seed})`;
}

/** Runs of neighbours that are named. */
const RANGES_MAX = 4;

/** Neighbours together: "1..20, 25". */
function ranges(seeds: readonly number[]): string {
  const found: [from: number, to: number][] = [];
  for (const seed of seeds) {
    const last = found.at(-1);
    if (last?.[1] === seed - 1) last[1] = seed;
    else found.push([seed, seed]);
  }
  const named = found
    .slice(0, RANGES_MAX)
    .map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`));
  return [...named, ...(found.length > RANGES_MAX ? ["..."] : [])].join(", ");
}

/** The command that shows what one seed has met. */
function wordsOf(asked: SwarmAsked, seed: number): string {
  const { model, set, fault, depth, walks, steps, keepGoing } = asked;
  return [
    `trackvisor check ${model}`,
    depth === 0 ? "--random" : `--pct ${depth}`,
    ...Object.entries(set).map(([name, value]) => `--set ${name}=${value}`),
    ...(fault === null ? [] : [`--fault ${fault}`]),
    ...(walks === WALKS_DEFAULT ? [] : [`--bound walks=${walks}`]),
    ...(steps === STEPS_DEFAULT ? [] : [`--bound steps=${steps}`]),
    ...(keepGoing ? ["--keep-going"] : []),
    `--seed ${seed}`,
  ].join(" ");
}
