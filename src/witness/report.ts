/** What came of asking a processor: how many tests agree, differ for a known reason, differ, or cannot be asked. */
import type { LitmusTest } from "../litmus/load.ts";
import { type Asked, type Found, inBochsMode } from "./ask.ts";
import type { Rule } from "./explained.ts";
import { judge } from "./judge.ts";
import type { Output, Processor } from "./output.ts";

/** A test that differs, and nothing says why. */
export interface Differing {
  readonly test: LitmusTest;
  readonly found: readonly Found[];
}

export interface WitnessReport {
  /** For instance "Bochs 2.7". */
  readonly witness: string;
  readonly tests: number;
  readonly asked: number;
  /** Of those, the tests that name other capabilities or another width than the processor's, and were asked with its own. */
  readonly adapted: number;
  /** Values of the processor that were compared. */
  readonly values: number;
  readonly agreeing: number;
  /** Names of tests, by the rule that explains where they differ; a test may have several. */
  readonly explained: ReadonlyMap<string, readonly string[]>;
  /** How many tests differ, all for known reasons. */
  readonly explainedTests: number;
  readonly differing: readonly Differing[];
  /** Names of tests, by what they need and the image cannot do. */
  readonly notAsked: ReadonlyMap<string, readonly string[]>;
}

/** The name of a test among all: its file without directories, its name and its parameters. */
export function testName({ file, name, parameters }: LitmusTest): string {
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/\.litmus\.yaml$/, "");
  return `${base}: ${name}${parameters === "" ? "" : ` [${parameters}]`}`;
}

/** @param rules those that speak for the witness */
export function reportOf(
  witness: string,
  asked: readonly Asked[],
  output: Output,
  processor: Processor,
  symbols: ReadonlyMap<string, number>,
  rules: readonly Rule[],
): WitnessReport {
  const explained = new Map<string, string[]>();
  const notAsked = new Map<string, string[]>();
  const differing: Differing[] = [];
  let [values, agreeing, explainedTests] = [0, 0, 0];
  for (const [i, one] of asked.entries()) {
    const name = testName(one.test);
    if (one.translation === null) {
      add(notAsked, one.reason, name);
      continue;
    }
    const printed = output.tests.get(i) ?? [];
    const other = () => inBochsMode(one, i, processor, symbols);
    const judgement = judge(one.translation.questions, printed, rules, other);
    values += judgement.values;
    for (const rule of judgement.rules) add(explained, rule, name);
    if (judgement.unexplained.length > 0) {
      differing.push({ test: one.test, found: judgement.unexplained });
    } else if (judgement.rules.length > 0) explainedTests++;
    else agreeing++;
  }
  return {
    witness,
    tests: asked.length,
    asked: asked.filter(({ translation }) => translation !== null).length,
    adapted: asked.filter(({ adapted }) => adapted).length,
    values,
    agreeing,
    explained,
    explainedTests,
    differing,
    notAsked,
  };
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
