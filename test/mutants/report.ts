/** What came of all mutants, as a page of the documentation. */
import type { Result } from "./kept.ts";
import { equivalence } from "./lists.ts";
import { lineOf, type Mutant } from "./mutant.ts";
import { AREAS, areaOf } from "./sources.ts";

export interface Tried {
  readonly mutant: Mutant;
  readonly result: Result;
  /** Of the mutant's file, as it is. */
  readonly text: string;
}

export interface Setting {
  readonly date: string;
  readonly seed: number;
  /** What the operators propose altogether, compiling or not. */
  readonly proposals: number;
  /** Hand-made ones there are altogether. */
  readonly byHand: number;
}

type Verdict = "caught" | "equivalent" | "survived";

export function verdictOf({ mutant, result }: Tried): Verdict {
  if (result.caught !== null) return "caught";
  return equivalence(mutant.name) === null ? "survived" : "equivalent";
}

/** Caught, of those that are not equivalent, in percent. */
export function score(all: readonly Tried[]): number {
  const verdicts = all.map(verdictOf);
  const caught = verdicts.filter((one) => one === "caught").length;
  const survived = verdicts.filter((one) => one === "survived").length;
  return (100 * caught) / Math.max(1, caught + survived);
}

export function summary(all: readonly Tried[]): string {
  const rows = [...AREAS.map(({ name }) => name), "all"].map((area) => {
    const own = all.filter(({ mutant }) => area === "all" || areaOf(mutant.file) === area);
    const count = (verdict: Verdict): number =>
      own.filter((one) => verdictOf(one) === verdict).length;
    return row(
      area,
      own.length,
      count("caught"),
      count("equivalent"),
      count("survived"),
      `${score(own).toFixed(1)} %`,
    );
  });
  return table(["where", "tried", "caught", "equivalent", "survived", "caught of the rest"], rows);
}

/** The page. */
export function page(
  all: readonly Tried[],
  { date, seed, proposals, byHand: made }: Setting,
): string {
  const byHand = all.filter(({ mutant }) => mutant.damage !== "");
  const drawn = all.filter(({ mutant }) => mutant.damage === "");
  const survivors = all.filter((one) => verdictOf(one) === "survived");
  const equivalents = all.filter((one) => verdictOf(one) === "equivalent");
  const parts = [
    HEAD,
    `## Results\n\nOf ${date}: ${byHand.length} of ${made} mutants made by hand, ${drawn.length} drawn with seed ${seed} from ` +
      `${grouped(proposals)} that the operators propose.\n\n${summary(all)}`,
    `By what they damage:\n\n${classes(all)}`,
    `## By hand\n\n${handTable(byHand)}`,
    `## Drawn\n\n${drawnTable(drawn)}`,
    survivors.length === 0
      ? "## Survivors\n\nNone."
      : `## Survivors\n\n${list(survivors, ({ result }) => `run by ${result.judges} judges, noticed by none`)}`,
    equivalents.length === 0
      ? ""
      : `## Equivalents\n\nThese do the same as the program, and here is why; the quick judges alone were asked, and noticed nothing.\n\n${list(
          equivalents,
          ({ mutant }) => equivalence(mutant.name) ?? "",
        )}`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

const HEAD = `# Mutation testing

\`npm run mutants\` asks of the tests and models what nobody can ask by reading them: if the program were wrong here,
would anything notice? A mutant is one small change of one source file of \`machines/\`, \`src/hypervisor\`,
\`src/hardware\`, and the operations and devices of \`src/system\`. Each is tried in a copy of the tree, against those
models and tests that run the changed function, up to the first that notices.

\`\`\`
npm run mutants                            all hand-made mutants and a sample; writes this page
npm run mutants -- --sample 400 --seed 7   another sample
npm run mutants -- --by-hand 60            fewer of the hand-made ones, from all areas alike
npm run mutants -- --only 'machines/*'     mutants of these files; writes nothing
npm run mutants -- --list                  names them and tries none
npm run mutants -- --resume                goes on with the mutants of earlier runs: results that hold are kept
npm run mutants -- --quick                 asks the quick judges alone, of 5 seconds or less; writes nothing
npm run mutants -- --measure               measures anew which functions each model and test runs
npm run mutants -- --shard 2/4 -o p2.json  tries a share of them, and writes what became of each
npm run mutants -- --merge p*.json         puts all shares together, and writes this page
\`\`\`

Exit codes: 0 at least 95 % of the mutants that are not equivalent are caught, 1 fewer are, 2 bad usage, or the
lists no longer fit the sources.

- **By hand**: mistakes that a person would make in a protocol (\`test/mutants/byHand\`). Each names the text that it
  replaces, which must stand in its file exactly once: the list cannot rot.
- **Drawn**: operators on the syntax of a file (\`test/mutants/operators.ts\`, \`machineOperators.ts\`) propose
  changes of every kind; a sample is drawn by a seed, areas and classes in turns, and only what compiles.
- **Judges**: the models of \`trackvisor check\`, in a size of at most 300,000 states; and the tests outside
  \`test/check\`, \`test/cli\`, \`test/tui\` and \`test/experiments\`. The quick ones, of 5 seconds or less, are asked first, of
  those the models first, of the processor's rules the tests. Which of them run a function is measured once, in a copy of the
  tree whose functions note that they run; on another tree a judge must be content without the mutant before it counts. A judge that takes eight times as long as it should, and half a
  minute, has noticed the mutant; so has one that dies.
- **Messages**: of the shortest counterexample, where a property of a model was broken.

## What new ones have shown

On 28 November 2026, 66 mutants were written as an examiner from outside would, most of them in files that had few
(\`byHand/outside.ts\`, \`byHand/pieces.ts\`), and tried before anything was changed for them. One is equivalent; 48 were
noticed; 17 were not, a quarter of them. What they showed has a test that states the rule:

| nobody noticed that | the rule is in |
|---|---|
| IRET left blocking by STI; a PRL reset set back the log that is being filled | \`test/litmus\` (events, prl) |
| an INVEPT that came with a log-full exit waited for its handler | \`test/system/inveptAtExit.test.ts\` |
| two trackers were switched off at once | \`test/system/armedTwice.test.ts\` |
| a page was taken unwritten, from the wrong VM, or the hottest; a late store to a free page was lost | \`test/hypervisor/overcommitMemory.test.ts\`, \`test/system/overcommit.test.ts\` |
| a sampling period ended early, an estimation with the first VM | \`test/hypervisor/wss.test.ts\`, \`test/system/estimateRuns.test.ts\` |
| a checkpoint's blocks were others than those committed, or older; the scenario was another | \`test/system/checkpointFile.test.ts\`, \`checkpoint.test.ts\` |
| an operator's command reached a VM's first vCPU alone | \`test/system/writeIntensity.test.ts\` |
| a round's truth held structures of the one before | \`test/hardware/roundTruth.test.ts\` |
| a harvest in pieces undid somebody else's pause, and told the cycles of its last piece | \`test/system/pieces.test.ts\` |

A run on 29 November 2026, of 70 made by hand and 50 drawn that nothing had been changed for, left 17 of the 118 that are not
equivalent: 85.6 % at first try, which is what to expect of mutants that nobody here has seen. Their rules, too, have tests now
(\`test/hardware/leaves.test.ts\`, \`tlb.test.ts\`, \`test/system/operatorHarvest.test.ts\`, \`migrationRepeat.test.ts\`, and
\`figures.test.ts\`, which holds every figure of 41 small runs).

The results below are of the same day, of 80 made by hand and 60 drawn, on commit 2e440b7. Of the six that nobody noticed three
are equivalent: what \`test/mutants/byHand/equivalents.ts\` says of them was written after the run. The others have tests now
(\`test/litmus/controls.litmus.yaml\`, \`test/system/estimateRuns.test.ts\`, \`checkpointFile.test.ts\`).`;

function handTable(all: readonly Tried[]): string {
  const rows = all.map((one) =>
    row(one.mutant.name, placeOf(one), cell(one.mutant.damage), ...catchCells(one)),
  );
  return table(["mutant", "where", "damage", "noticed by", "messages", "seconds"], rows);
}

function drawnTable(all: readonly Tried[]): string {
  const rows = all.map((one) =>
    row(cell(changeOf(one.mutant)), one.mutant.class, ...catchCells(one)),
  );
  return table(["change", "class", "noticed by", "messages", "seconds"], rows);
}

function changeOf({ name }: Mutant): string {
  return name.replaceAll("|", "\\|");
}

function placeOf({ mutant, text }: Tried): string {
  return `${mutant.file}:${lineOf(text, mutant)}`;
}

function catchCells(one: Tried): string[] {
  const { caught, seconds } = one.result;
  const time = seconds.toFixed(0);
  if (caught === null)
    return [verdictOf(one) === "equivalent" ? "(equivalent)" : "**nobody**", "", time];
  const { judge, by, messages } = caught;
  return [cell(`${judge.name}: ${by}`), messages === null ? "" : String(messages), time];
}

const CELL_MAX = 160;

/** Text that stays within its cell. */
function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/(?<!\\)\|/g, "\\|");
  return line.length > CELL_MAX ? `${line.slice(0, CELL_MAX)}…` : line;
}

function classes(all: readonly Tried[]): string {
  const names = [...new Set(all.map(({ mutant }) => mutant.class))].sort();
  const rows = names.map((name) => {
    const own = all.filter(({ mutant }) => mutant.class === name);
    const caught = own.filter((one) => verdictOf(one) === "caught").length;
    const equivalent = own.filter((one) => verdictOf(one) === "equivalent").length;
    return row(name, own.length, caught, equivalent, own.length - caught - equivalent);
  });
  return table(["class", "tried", "caught", "equivalent", "survived"], rows);
}

function list(all: readonly Tried[], tell: (one: Tried) => string): string {
  return all
    .map(
      (one) =>
        `- ${one.mutant.damage === "" ? changeOf(one.mutant) : one.mutant.name}: ${tell(one)}`,
    )
    .join("\n");
}

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), `|${head.map(() => "---").join("|")}|`, ...rows].join("\n");
}

function grouped(number: number): string {
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
