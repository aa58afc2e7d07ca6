/** Random tests asked of Bochs, and shrunk where it disagrees. */
import { UserError } from "../errors.ts";
import type { CompatibilityName } from "../hardware/mmu.ts";
import { Scratch } from "../io/scratch.ts";
import { type LitmusTest, loadLitmus } from "../litmus/load.ts";
import { type Asked, batches, type Found, prepare } from "./ask.ts";
import { runBochs } from "./bochs.ts";
import { RULES } from "./explained.ts";
import { buildImage, type ImageProgram } from "./imageFile.ts";
import { judge, rulesFor } from "./judge.ts";
import { TABLES, TABLES_END } from "./layout.ts";
import { readOutput } from "./output.ts";
import { accessesOf, type RandomTest, randomTest, smaller, testText } from "./randomTest.ts";
import { KNOWN_PROCESSOR } from "./witness.ts";

const SECONDS = 600;
/** Tests that are in memory at a time. */
const AT_ONCE = 500;
/** Rounds of shrinking; each leaves out one part at least. */
const ROUNDS = 40;

export interface FuzzReport {
  readonly witness: string;
  readonly tests: number;
  readonly accesses: number;
  readonly values: number;
  /** How often Bochs differed as a rule says, by its name. */
  readonly rules: ReadonlyMap<string, number>;
  /** Tests that the image cannot ask, by what they need. */
  readonly notAsked: ReadonlyMap<string, number>;
  /** The first test that differs otherwise, and its shrunk form; null if none does. */
  readonly failure: FuzzFailure | null;
}

export interface FuzzFailure {
  /** From 0. */
  readonly number: number;
  readonly found: readonly Found[];
  /** Of a litmus file. */
  readonly text: string;
}

interface Answered {
  readonly test: RandomTest;
  readonly values: number;
  readonly rules: readonly string[];
  readonly unexplained: readonly Found[];
  /** Why it was not asked, or "". */
  readonly reason: string;
}

/**
 * Asks Bochs `count` random tests, up to the first that disagrees.
 * @param mode the emulator's: in `bochs` all agree
 * @throws UserError, one line, if Bochs cannot be asked
 */
export async function fuzzBochs(
  count: number,
  seed: number,
  mode: CompatibilityName = "bochs",
): Promise<FuzzReport> {
  const scratch = new Scratch();
  try {
    const asker = new Asker(scratch, await buildImage(scratch, "vmx"));
    const rules = new Map<string, number>();
    const notAsked = new Map<string, number>();
    let [accesses, values, done] = [0, 0, 0];
    let failure: FuzzFailure | null = null;
    while (done < count && failure === null) {
      const tests = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) =>
        randomTest(seed, done + i, mode),
      );
      for (const [i, one] of (await asker.ask(tests)).entries()) {
        if (one.reason !== "") {
          notAsked.set(one.reason, (notAsked.get(one.reason) ?? 0) + 1);
          continue;
        }
        accesses += accessesOf(one.test);
        values += one.values;
        for (const name of one.rules) rules.set(name, (rules.get(name) ?? 0) + 1);
        if (one.unexplained.length === 0 || failure !== null) continue;
        failure = await shrunk(asker, one, done + i);
      }
      done += tests.length;
    }
    const tests = failure === null ? count : failure.number + 1;
    return { witness: `Bochs ${asker.version}`, tests, accesses, values, rules, notAsked, failure };
  } finally {
    scratch.remove();
  }
}

/** A random change may be none that can be made, for instance a page under what has become a large one. */
function impossible(prepared: () => Asked[], test: LitmusTest): Asked[] {
  try {
    return prepared();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const reason = "a change of tables that cannot be made";
    return [{ test, translation: null, reason, adapted: false }];
  }
}

/** Leaves out part after part, as long as the rest still disagrees. All candidates of a round are asked at once. */
async function shrunk(asker: Asker, first: Answered, number: number): Promise<FuzzFailure> {
  let smallest = first;
  for (let round = 0; round < ROUNDS; round++) {
    const candidates = await asker.ask(smaller(smallest.test));
    const next = candidates.find(({ unexplained }) => unexplained.length > 0);
    if (next === undefined) break;
    smallest = next;
  }
  return { number, found: smallest.unexplained, text: testText(smallest.test) };
}

class Asker {
  version = "";
  readonly #scratch: Scratch;
  readonly #image: ImageProgram;

  constructor(scratch: Scratch, image: ImageProgram) {
    this.#scratch = scratch;
    this.#image = image;
  }

  async ask(tests: readonly RandomTest[]): Promise<Answered[]> {
    const loaded = tests.flatMap((test) => loadLitmus(test.name, testText(test)));
    const { symbols } = this.#image;
    const asked = loaded.flatMap((test, i) =>
      impossible(() => prepare([test], KNOWN_PROCESSOR, symbols, i), test),
    );
    let text = "";
    for (const tables of batches(asked, TABLES_END - TABLES)) {
      const run = await runBochs(this.#scratch, this.#image, tables, SECONDS);
      this.version = run.version;
      const { complete, trouble } = readOutput(run.text);
      if (!complete)
        throw new UserError(`bochs: the image stopped: ${trouble ?? "without a word"}`);
      text += run.text;
    }
    const output = readOutput(text);
    // What the modes of the emulator are for is no excuse: the mode was chosen.
    const rules = rulesFor(RULES, this.version).filter(({ kind }) => kind !== "mode");
    return tests.map((test, i) => {
      const one = asked[i];
      if (one?.translation == null) {
        return { test, values: 0, rules: [], unexplained: [], reason: one?.reason ?? "nothing" };
      }
      const printed = output.tests.get(i) ?? [];
      const judgement = judge(one.translation.questions, printed, rules, () => null);
      return { test, ...judgement, reason: "" };
    });
  }
}
