/** Plays accesses that are written down one by one: for small cases, and what is left of larger ones. */

import { z } from "zod";
import { AccessKind, LINEAR_PAGES_MAX } from "../../src/hardware/accessLoop.ts";
import { namesOf, present, wordAt } from "../../src/lookup.ts";
import { commonFields, Generator, pagesField, repeated, repeatField } from "./generator.ts";

const SCRIPT_MAX = 50_000;
const KINDS = namesOf(AccessKind);
const STEP = new RegExp(`^(${KINDS.join("|")}) (\\d{1,10})$`);

const step = z
  .string()
  .refine((text) => Number(STEP.exec(text)?.[2] ?? LINEAR_PAGES_MAX) < LINEAR_PAGES_MAX, {
    error: `expected an access such as "write 3": one of ${KINDS.join(", ")}, and a page`,
  });

export const scriptSchema = z
  .strictObject({
    kind: z.literal("script"),
    script: z.array(step).min(1).max(SCRIPT_MAX).describe('accesses in order, such as "write 3"'),
    pages: pagesField
      .optional()
      .describe("size of the space; default: up to the highest page used"),
    passes: repeatField.default(1).describe("times that the script is played"),
    ...commonFields,
  })
  .describe("accesses written down one by one");

export type ScriptConfig = z.infer<typeof scriptSchema>;

export class Script extends Generator {
  private readonly words: Int32Array;

  constructor(name: string, config: ScriptConfig, seed: number) {
    const words = Int32Array.from(config.script, wordOf);
    const used = words.reduce((most, word) => Math.max(most, (word >>> 2) + 1), 1);
    const pages = Math.max(used, config.pages ?? 0);
    super(name, pages, config, seed, repeated(config.passes, words.length));
    this.words = words;
  }

  protected override generate(block: Int32Array, count: number, made: number): void {
    const { words } = this;
    for (let i = 0; i < count; i++) block[i] = wordAt(words, (made + i) % words.length);
  }
}

/** An access as the inner loop takes it. */
function wordOf(text: string): number {
  const [, given, page] = present(STEP.exec(text), "a step of a script");
  const kind = present(
    KINDS.find((name) => name === given),
    "a kind of access",
  );
  return (Number(page) << 2) | AccessKind[kind];
}

/** The same access as text. */
export function stepText(word: number): string {
  return `${KINDS[word & 3]} ${word >>> 2}`;
}
