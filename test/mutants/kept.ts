/**
 * Results that are kept between runs (node_modules/.cache), so that an interrupted run can go on. A catch holds as
 * long as the mutated file and the test that made it are the same; a survivor is tried again when anything is not.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { treeFiles } from "../shares/treeVersion.ts";
import type { Catch } from "./judges.ts";
import type { MeasuredJudge } from "./measured.ts";
import { type Mutant, mutated } from "./mutant.ts";
import { sourceFiles, textOf } from "./sources.ts";

/** What became of a mutant; `caught` null: it survived `judges` judges. */
export interface Result {
  readonly name: string;
  readonly caught: Catch | null;
  readonly judges: number;
  readonly seconds: number;
}

interface KeptResult extends Result {
  readonly mutant: string;
  readonly judged: string;
}

export const KEPT_DIRECTORY = join("node_modules", ".cache", "trackvisor-mutants");

export function digest(...texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length} `).update(text);
  return hash.digest("hex").slice(0, 20);
}

/** Of everything that tests and models depend on, this tool left out. */
export function treeDigest(root: string): string {
  const counted = treeFiles(root).filter((file) => !file.startsWith("test/mutants/"));
  return digest(...counted.flatMap((file) => [file, textOf(root, file)]));
}

/** Of what a mutant is, whatever it is called. @param text of its file */
export function mutantDigest(mutant: Mutant, text: string): string {
  return digest(mutant.file, mutated(text, mutant));
}

export class Kept {
  readonly #root: string;
  readonly #file: string;
  readonly #tree: string;
  readonly #results = new Map<string, KeptResult>();

  constructor(root: string) {
    this.#root = root;
    this.#file = join(root, KEPT_DIRECTORY, "results.jsonl");
    this.#tree = treeDigest(root);
    if (!existsSync(this.#file)) return;
    for (const line of readFileSync(this.#file, "utf8").split("\n")) {
      // The last line of a run that was killed may be cut.
      if (!line.endsWith("}")) continue;
      const result = JSON.parse(line) as KeptResult;
      this.#results.set(result.mutant, result);
    }
  }

  /** Whether a mutant was tried before, be the result still good or not. */
  knows(mutant: Mutant): boolean {
    return this.#results.has(this.#digestOf(mutant));
  }

  /** What is known of a mutant, if it still holds. */
  find(mutant: Mutant): Result | null {
    const found = this.#results.get(this.#digestOf(mutant));
    if (found === undefined || found.judged !== this.#judged(found.caught)) return null;
    return { ...found, name: mutant.name };
  }

  add(mutant: Mutant, result: Result): void {
    const kept = {
      ...result,
      mutant: this.#digestOf(mutant),
      judged: this.#judged(result.caught),
    };
    mkdirSync(dirname(this.#file), { recursive: true });
    appendFileSync(this.#file, `${JSON.stringify(kept)}\n`);
    this.#results.set(kept.mutant, kept);
  }

  #digestOf(mutant: Mutant): string {
    return mutantDigest(mutant, textOf(this.#root, mutant.file));
  }

  #judged(caught: Catch | null): string {
    if (caught === null) return this.#tree;
    const { kind, name } = caught.judge;
    if (kind === "test") {
      const path = join(this.#root, name);
      return existsSync(path) ? digest(textOf(this.#root, name)) : "gone";
    }
    return digest(name);
  }
}

export interface KeptJudges {
  readonly judges: readonly MeasuredJudge[];
  /** Digest of the tree that the first of them were measured on. */
  readonly tree: string;
  /** Digests of the sources as they all were measured: the numbers of functions are of these texts. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Digests of the files that mutants are made of. */
export function sourceDigests(root: string): Record<string, string> {
  return Object.fromEntries(sourceFiles(root).map((file) => [file, digest(textOf(root, file))]));
}

/** The judges as they were measured last. */
export function keptJudges(root: string): KeptJudges | null {
  const file = join(root, KEPT_DIRECTORY, "judges.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as KeptJudges) : null;
}

export function keepJudges(root: string, kept: KeptJudges): void {
  mkdirSync(join(root, KEPT_DIRECTORY), { recursive: true });
  writeFileSync(join(root, KEPT_DIRECTORY, "judges.json"), JSON.stringify(kept));
}
