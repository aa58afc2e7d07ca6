/**
 * ARCHITECTURE.md is enough to find a rule: ten questions, each with the file that the page sends its reader to, and a
 * text that stands there. A file that is moved, or that no longer holds the rule, ends here.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LAYERS } from "./rules.ts";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");

interface Question {
  readonly question: string;
  readonly file: string;
  /** Of the rule itself. */
  readonly holds: string;
}

const QUESTIONS: readonly Question[] = [
  {
    question:
      "Where is the rule that of two messages at one time the one posted first is delivered first?",
    file: "src/interconnect/eventQueue.ts",
    holds: "sequence",
  },
  {
    question: "Where is it an error that a machine gets an event which it has no transition for?",
    file: "src/interconnect/compiledLogic.ts",
    holds: "class UnhandledEventError",
  },
  {
    question:
      "Where is the order of a second-stage walk's checks: malformed entries, rights, log, flags?",
    file: "src/hardware/secondStageWalk.ts",
    holds: "malformed",
  },
  {
    question:
      "Where does a CPU execute an INVEPT that another asked for before it enters a guest again?",
    file: "machines/dispatcher.ts",
    holds: '{ guard: "mustFlush", target: "flushing", actions: "askInvept" }',
  },
  {
    question: "Where is it said which techniques there are, and so their names?",
    file: "src/hypervisor/techniques/all.ts",
    holds: "const BUILT_IN",
  },
  {
    question: "Where is a scenario refused whose fields do not go together?",
    file: "src/system/scenario/rules.ts",
    holds: "problems",
  },
  {
    question: "Where is a harvest held against the pages that were really written?",
    file: "src/system/verdict/rounds.ts",
    holds: "#lostPages(",
  },
  {
    question: "Where does an overcommitted host choose the page that it takes?",
    file: "src/hypervisor/overcommit/hostVictims.ts",
    holds: "export function hostVictim",
  },
  {
    question: "Where is it said who sends a message to whom, and what its fields are?",
    file: "src/interconnect/messages.ts",
    holds: 'kick: { from: "dispatcher", to: "mmu"',
  },
  {
    question: "Where is it said what a key does on the screen?",
    file: "src/tui/commands.ts",
    holds: "keys",
  },
];

describe("a reader of ARCHITECTURE.md alone", () => {
  it.each(QUESTIONS)("$question", ({ file, holds }) => {
    expect(page).toContain(`${file}`);
    expect(readFileSync(join(root, file), "utf8")).toContain(holds);
  });

  it("sees the rooms in the order in which they may import", () => {
    const drawing = page.match(/^```\nwho asks[\s\S]*?^```/m)?.[0] ?? "";
    const named = drawing.split("\n").flatMap((line) => line.slice(18).split(/\s+/));
    const rooms = LAYERS.toReversed()
      .flat()
      .map((room) => room.replace(/^src\//, ""));
    expect(named.filter((word) => rooms.includes(word))).toEqual(rooms);
  });

  it("finds every room in the table", () => {
    const rooms = readdirSync(join(root, "src")).map((name) => `src/${name}`);
    const missing = ["machines", "workloads", ...rooms].filter(
      (room) => !new RegExp(`^\\|[^|]*\`${room}\``, "m").test(page),
    );
    expect(missing).toEqual([]);
  });

  it("finds every file that the page names", () => {
    const paths = [...page.matchAll(/(?:src|machines|workloads|test|docs)\/[\w/.-]+\w/g)];
    const missing = paths.map(([path]) => path).filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});
