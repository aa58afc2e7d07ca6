/** An advice for people: answers in words, each with the runs that its numbers are from, and how to repeat those. */

import { grouped, wrap } from "../config/figures.ts";
import type { Advice } from "../questions/advise/advice.ts";

const WIDTH = 98;
const INDENT = 2;

type Told = { readonly text: string; readonly runs: readonly string[] };

export function adviceLines(advice: Advice): string[] {
  const { scenario, seeds, notes, trackers, migration, workingSets, sensitivity, runs } = advice;
  const cited = new Set<string>();
  const paragraph = ({ text, runs: ids }: Told): string[] => {
    for (const id of ids) cited.add(id);
    return indented(ids.length === 0 ? text : `${text} [${ids.join(" ")}]`);
  };
  const section = (title: string, told: readonly Told[]): string[] => [
    "",
    title,
    ...told.flatMap(paragraph),
  ];
  const head = `${scenario}: ${grouped(runs.length)} runs, seeds ${seeds.join(", ")}`;
  const answers = [
    ...(trackers === null
      ? []
      : [
          ...section(
            "tracker",
            trackers.answers.flatMap(({ sentences }) => sentences),
          ),
          ...trackers.refused.flatMap(({ name, why }) =>
            indented(`${name} cannot do this: ${why}`),
          ),
        ]),
    ...(migration === null ? [] : section("migration", migration.sentences)),
    ...(workingSets ?? []).flatMap(({ vm, sentences, refused }) => [
      ...section(`working set of ${vm}`, sentences),
      ...refused.flatMap(({ name, why }) => indented(`${name} cannot do this: ${why}`)),
    ]),
    ...(sensitivity === null
      ? []
      : section(
          `what would change an answer (seed ${seeds[0]})`,
          sensitivity.flatMap(({ sentences }) => sentences),
        )),
  ];
  return [head, ...notes.flatMap(indented), ...answers, ...runLines(advice, cited)];
}

/** Those that are cited; the others are in the JSON. */
function runLines({ runs }: Advice, cited: ReadonlySet<string>): string[] {
  const shown = runs.filter(({ id }) => cited.has(id));
  const others = runs.length - shown.length;
  return [
    "",
    "runs",
    ...shown.flatMap(({ id, purpose, command }) => [
      `  ${id} ${purpose}`,
      ...(command === null ? [] : [`    ${command}`]),
    ]),
    ...(others === 0 ? [] : [`  and ${grouped(others)} more, which --json lists`]),
  ];
}

function indented(text: string): string[] {
  const lines = wrap(text, WIDTH - 2 * INDENT);
  return lines.map((line, n) => `${" ".repeat(n === 0 ? INDENT : 2 * INDENT)}${line}`);
}
