/** Cases: a file that was made up, and a command that reads it. Everything follows from a seed and a number. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deriveSeed, Random } from "../../workloads/random.ts";
import { runInProcess } from "./inProcess.ts";
import { broken } from "./judge.ts";
import { checkpoints } from "./kinds/checkpoints.ts";
import { FILE, type Kind } from "./kinds/kind.ts";
import { counterexamples, logs } from "./kinds/logs.ts";
import { searches } from "./kinds/searches.ts";
import { foreignTraces, litmusFiles, scenarioFiles, settings } from "./kinds/texts.ts";
import { traces } from "./kinds/traces.ts";
import { pick } from "./mutate.ts";

/** The project's root, from test/forge and from dist/test/forge. */
const HERE = import.meta.dirname;
const ROOT = HERE.includes(`${join("dist", "test")}`)
  ? join(HERE, "../../..")
  : join(HERE, "../..");

/** In memory where that can be had: each case writes a file. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** How often each kind comes up; logs are read by the most commands. */
const WEIGHTS: Readonly<Record<string, number>> = {
  log: 8,
  counterexample: 2,
  checkpoint: 4,
  trace: 2,
  scenario: 3,
  litmus: 0.5,
  settings: 0.2,
  "foreign trace": 1,
  search: 0.2,
};

export interface CaseResult {
  readonly kind: string;
  readonly words: readonly string[];
  readonly code: number;
  readonly seconds: number;
  /** Undefined if all was kept. */
  readonly problem: string | undefined;
}

/** What the checker writes: counterexamples of these planted faults, and a search that has not ended. */
const FAULTS = ["skip-invept", "index-not-reset"] as const;
const OPEN_SEARCH = ["check", "pml", "--bound", "states=300", "--save"] as const;

async function checkerFiles(): Promise<{
  readonly logs: readonly Buffer[];
  readonly searches: readonly Buffer[];
}> {
  const directory = mkdtempSync(join(PLACE, "trackvisor-forge-"));
  try {
    const made = async (words: readonly string[]): Promise<Buffer> => {
      const file = join(directory, `file${words.join("")}`);
      await runInProcess([...words, file]);
      return readFileSync(file);
    };
    const counterexamples: Buffer[] = [];
    for (const fault of FAULTS) {
      counterexamples.push(await made(["check", "pml", "--fault", fault, "--log"]));
    }
    return { logs: counterexamples, searches: [await made(OPEN_SEARCH)] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export class Cases {
  readonly #directory = mkdtempSync(join(PLACE, "trackvisor-forge-"));
  readonly #before = process.cwd();
  readonly #kinds: readonly Kind[];
  readonly #names: readonly string[];

  private constructor(kinds: readonly Kind[]) {
    this.#kinds = kinds.flatMap((kind) =>
      Array<Kind>(Math.ceil(10 * (WEIGHTS[kind.name] ?? 1))).fill(kind),
    );
    process.chdir(this.#directory);
    const beside = Object.assign({}, ...kinds.map((kind) => kind.beside)) as Kind["beside"];
    for (const [name, content] of Object.entries(beside)) writeFileSync(name, content);
    const files = kinds.map(({ extension }) => `forged${extension}`);
    this.#names = [...Object.keys(beside), ...files];
  }

  /** All kinds of files, with what they need. */
  static async create(): Promise<Cases> {
    const made = await checkerFiles();
    return new Cases([
      logs(),
      counterexamples(made.logs),
      checkpoints(),
      traces(),
      scenarioFiles(),
      litmusFiles(ROOT),
      settings(),
      foreignTraces(),
      searches(made.searches),
    ]);
  }

  /** Makes the file of a case; its command line. */
  prepare(
    seed: number,
    number: number,
  ): { readonly kind: Kind; readonly words: readonly string[] } {
    const random = new Random(deriveSeed(seed, `forged ${number}`));
    const kind = pick(random, this.#kinds);
    const file = `forged${kind.extension}`;
    writeFileSync(file, kind.forge(random));
    const words = pick(random, kind.commands).map((word) => (word === FILE ? file : word));
    return { kind, words };
  }

  async run(seed: number, number: number): Promise<CaseResult> {
    const { kind, words } = this.prepare(seed, number);
    const ran = await runInProcess(words);
    const { code, seconds } = ran;
    return { kind: kind.name, words, code, seconds, problem: broken(ran, this.#names) };
  }

  /** The file of the last case. */
  file(kind: string): Buffer {
    const { extension } = this.#kinds.find(({ name }) => name === kind)!;
    return readFileSync(`forged${extension}`);
  }

  close(): void {
    process.chdir(this.#before);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
