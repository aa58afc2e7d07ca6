/** Makes a random question smaller, part by part, as long as the kernel's answers still differ from the emulator's. */
import { compareAnswers, type KvmDifference } from "./compare.ts";
import type { KernelAnswers } from "./kernel.ts";
import type { Command, KvmQuestion } from "./question.ts";

type Ask = (questions: readonly KvmQuestion[]) => Promise<KernelAnswers>;

/** Each round leaves out at least one part: there is an end without this, too. */
const ROUNDS = 200;

/** @param ask gives the kernel's answers; all candidates of a round are asked at once */
export async function shrunkDifference(first: KvmDifference, ask: Ask): Promise<KvmDifference> {
  let smallest = upToDifference(first);
  for (let round = 0; round < ROUNDS; round++) {
    const candidates = smaller(smallest.question);
    const [next] = compareAnswers(candidates, await ask(candidates)).differing;
    if (next === undefined) break;
    smallest = upToDifference(next);
  }
  return smallest;
}

/** What comes after the first answer that differs is not needed. */
function upToDifference(found: KvmDifference): KvmDifference {
  const { question, step } = found;
  return { ...found, question: { ...question, commands: question.commands.slice(0, step) } };
}

/** The question with a part left out, the largest parts first; each can be asked. */
export function smaller(question: KvmQuestion): KvmQuestion[] {
  const { commands } = question;
  // The last command has the answer that differs.
  const shorter = without(commands.slice(0, -1)).map((rest) => [...rest, ...commands.slice(-1)]);
  const simpler = commands.flatMap((command, i) =>
    simplerCommands(command).map((one) => commands.with(i, one)),
  );
  return [...shorter, ...simpler]
    .filter(isAskable)
    .map((list, i) => ({ ...question, name: `${baseOf(question)}, part ${i}`, commands: list }));
}

function baseOf({ name }: KvmQuestion): string {
  return name.replace(/, part \d+$/, "");
}

/** A list without one half, one quarter, and so on, down to one item. */
function without<Item>(list: readonly Item[]): Item[][] {
  const shorter: Item[][] = [];
  for (
    let size = Math.ceil(list.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < list.length; from += size) {
      shorter.push([...list.slice(0, from), ...list.slice(from + size)]);
    }
  }
  return shorter;
}

function simplerCommands(command: Command): Command[] {
  if (command.op === "run") {
    return nonEmpty(command.accesses).map((accesses) => ({ ...command, accesses }));
  }
  if (command.op === "clear")
    return nonEmpty(command.pages).map((pages) => ({ ...command, pages }));
  return [];
}

function nonEmpty<Item>(list: readonly Item[]): Item[][] {
  return without(list).filter(({ length }) => length > 0);
}

/** Whether every vCPU that a command names has been created before. */
function isAskable(commands: readonly Command[]): boolean {
  let vcpus = 0;
  for (const command of commands) {
    if (command.op === "vcpu") vcpus++;
    if ("vcpu" in command && command.vcpu >= vcpus) return false;
  }
  return true;
}
