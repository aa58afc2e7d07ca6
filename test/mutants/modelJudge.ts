/**
 * A process that checks models, and ends at the first property that is broken: `modelJudge.js NAME...`. A
 * NAME is a model's, or a model's with parameters: `pml pages=1,log=1`.
 */
import { modelNamed } from "../../src/check/catalogue.ts";
import { CheckRun } from "../../src/check/checkRun.ts";
import { NOTE_MARK, type Note } from "./judges.ts";
import { STATES_MAX, targetOf } from "./modelSizes.ts";

function note(note: Note): void {
  process.stdout.write(`${NOTE_MARK}${JSON.stringify(note)}\n`);
}

/** What is wrong with a model; null if nothing is. */
function complaintOf(name: string): { by: string; messages: number | null } | null {
  const { model, set } = targetOf(name);
  modelNamed(model);
  const run = new CheckRun({ model, set, mutation: null }, { bounds: { states: STATES_MAX } });
  run.explore();
  const bad = run.results.find(({ verdict }) => verdict === "violated" || verdict === "vacuous");
  if (bad === undefined) return null;
  const messages = bad.run === null ? null : bad.run.edges.length + bad.run.cycle.length;
  return { by: bad.verdict === "vacuous" ? `${bad.name} (says nothing)` : bad.name, messages };
}

function judge(name: string): { by: string; messages: number | null } | null {
  try {
    return complaintOf(name);
  } catch (error) {
    // A model that cannot be built or searched is no longer proved.
    return { by: `error: ${(error as Error).message.split("\n")[0]}`, messages: null };
  }
}

for (const name of process.argv.slice(2)) {
  note({ begins: name });
  const before = process.cpuUsage();
  const complaint = judge(name);
  if (complaint !== null) {
    note({ fails: name, ...complaint });
    break;
  }
  const { user, system } = process.cpuUsage(before);
  note({ ends: name, seconds: (user + system) / 1e6 });
}
