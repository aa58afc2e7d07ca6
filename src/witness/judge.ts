/** Says of each test whether a processor agrees, differs for a reason that is known, or differs. */
import { compareAnswers, UNCHANGED } from "./answers.ts";
import type { Found } from "./ask.ts";
import type { Context, Rule } from "./explained.ts";
import { answerOf, type Printed } from "./output.ts";
import type { Question } from "./translate.ts";

export interface Judgement {
  /** Values that were compared. */
  readonly values: number;
  /** Names of the rules that explain differences, each once, in order. */
  readonly rules: readonly string[];
  /** Differences that nothing explains. */
  readonly unexplained: readonly Found[];
}

const NONE: ReadonlyMap<number, string> = new Map();

interface Item extends Omit<Context, "early"> {
  readonly found: Found;
}

/** The rules that speak for a version. */
export function rulesFor(rules: readonly Rule[], version: string): readonly Rule[] {
  return rules.filter((rule) => rule.versions.test(version));
}

/** @param bochsMode gives the questions with the answers that the emulator expects in mode `bochs` */
export function judge(
  questions: readonly Question[],
  printed: readonly Printed[],
  rules: readonly Rule[],
  bochsMode: () => readonly Question[] | null,
): Judgement {
  const { items, values } = differences(questions, printed);
  const used = new Set<string>();
  const rest = withoutValues(items, rules, used);
  const [first] = rest;
  if (first === undefined) return { values, rules: [...used], unexplained: [] };
  const inMode = rules.find(
    (rule) => rule.kind === "mode" && rule.explains({ ...first, early: NONE }),
  );
  const other = inMode === undefined ? null : bochsMode();
  if (inMode !== undefined && other !== null) {
    const ofMode = new Set(used);
    const left = withoutValues(differences(other, printed).items, rules, ofMode);
    const path = left[0] === undefined ? undefined : pathRule(rules, left[0]);
    if (left.length === 0 || path !== undefined) {
      if (left.length === 0 || path?.name !== "index-first-own-code") ofMode.add(inMode.name);
      if (path !== undefined) ofMode.add(path.name);
      return { values, rules: [...ofMode], unexplained: [] };
    }
  }
  const path = pathRule(rules, first);
  if (path === undefined) {
    return { values, rules: [...used], unexplained: rest.map(({ found }) => found) };
  }
  return { values, rules: [...used, path.name], unexplained: [] };
}

function pathRule(rules: readonly Rule[], item: Item): Rule | undefined {
  return rules.find((rule) => rule.kind === "path" && rule.explains({ ...item, early: NONE }));
}

function withoutValues(
  items: readonly Item[],
  rules: readonly Rule[],
  used: Set<string>,
): readonly Item[] {
  const early = new Map<number, string>();
  return items.filter((item) => {
    const rule = rules.find((one) => one.kind === "value" && one.explains({ ...item, early }));
    if (rule === undefined) return true;
    used.add(rule.name);
    const { address, expected, actual } = item.difference;
    if (address === undefined) return false;
    if (expected === UNCHANGED) early.set(address, actual);
    else early.delete(address);
    return false;
  });
}

function differences(
  questions: readonly Question[],
  printed: readonly Printed[],
): { readonly items: Item[]; readonly values: number } {
  const items: Item[] = [];
  let values = 0;
  let at = 0;
  for (const question of questions) {
    const { answer, next } = answerOf(question, printed, at);
    at = next;
    const compared = compareAnswers(question.expected, answer, question.compared);
    values += compared.values;
    for (const difference of compared.disagreements) {
      const found = { ...difference, step: question.step + 1 };
      items.push({ difference, question, answer, found });
    }
  }
  return { items, values };
}
