/** Asks a processor what litmus tests ask, and compares its answers with the emulator's. */
import { UserError } from "../errors.ts";
import { type LitmusTest, pathText } from "../litmus/load.ts";
import { LitmusProblem } from "../litmus/problem.ts";
import type { Disagreement } from "./answers.ts";
import { askable } from "./askable.ts";
import { NotAsked } from "./notAsked.ts";
import type { Processor } from "./output.ts";
import { tableBytes } from "./table.ts";
import { type Question, type Translation, translate } from "./translate.ts";

/** A disagreement, and at which step. */
export interface Found extends Disagreement {
  /** From 1. */
  readonly step: number;
}

export interface Asked {
  readonly test: LitmusTest;
  readonly translation: Translation | null;
  /** Why it was not asked, or "". */
  readonly reason: string;
  /** Whether the test names other capabilities or another width than the processor it is asked of has. */
  readonly adapted: boolean;
}

/** Translates tests. Those that the image cannot ask come with the reason. */
export function prepare(
  tests: readonly LitmusTest[],
  processor: Processor,
  symbols: ReadonlyMap<string, number>,
  first = 0,
): Asked[] {
  return tests.map((test, i) => {
    try {
      const { test: own, adapted } = askable(test, processor);
      const translation = translated(own, first + i, symbols);
      return { test, translation, reason: "", adapted };
    } catch (error) {
      if (error instanceof NotAsked) {
        return { test, translation: null, reason: error.message, adapted: false };
      }
      throw error;
    }
  });
}

function translated(
  test: LitmusTest,
  number: number,
  symbols: ReadonlyMap<string, number>,
): Translation {
  try {
    return translate(test, number, symbols);
  } catch (error) {
    if (!(error instanceof LitmusProblem)) throw error;
    throw new UserError(`${test.at(error.path)}: ${pathText(error.path)}: ${error.message}`);
  }
}

/** The tables of the tests that are asked, in as few pieces as fit. */
export function batches(asked: readonly Asked[], bytesMax: number): Uint8Array[] {
  const pieces: Translation["table"][][] = [[]];
  let size = 8;
  for (const { translation } of asked) {
    if (translation === null) continue;
    const bytes = translation.table.words.length * 8;
    if (size + bytes > bytesMax) {
      pieces.push([]);
      size = 8;
    }
    size += bytes;
    pieces.at(-1)?.push(translation.table);
  }
  return pieces.map((tables) => tableBytes(tables));
}

/** The questions of a test with the answers that the emulator expects in mode `bochs`; null if it cannot be asked. */
export function inBochsMode(
  { test }: Asked,
  number: number,
  processor: Processor,
  symbols: ReadonlyMap<string, number>,
): readonly Question[] | null {
  const machine = { ...test.machine, compatibility: "bochs" } as const;
  const [asked] = prepare([{ ...test, machine }], processor, symbols, number);
  return asked?.translation?.questions ?? null;
}
