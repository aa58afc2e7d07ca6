/**
 * Every command, once: its name in the palette, its keys, what it does. The keys, the help, the palette
 * and the documentation all come from this table.
 */
import { closest } from "fastest-levenshtein";
import { UserError } from "../errors.ts";
import type { Landmark } from "../session/session.ts";
import type { UiEvent } from "./uiMachine.ts";

/** What commands may do: the driver's side of the screen. */
export interface Controls {
  /** To the state of the screen. */
  ui(event: UiEvent): void;
  toggleRun(): void;
  step(messages: number): void;
  stepTo(landmark: Landmark): void;
  stepBack(): void;
  runBack(): void;
  seek(text: string): void;
  goToStart(): void;
  goToEnd(): void;
  faster(by: number): void;
  setSpeed(text: string): void;
  operate(command: string, argument: string): void;
  startOperation(name: string): void;
  filter(text: string): void;
  addBreakpoint(text: string): void;
  clearBreakpoints(): void;
  move(by: number): void;
  open(): void;
  nextVm(): void;
  nextTheme(text: string): void;
  save(path: string): void;
  suspend(): void;
  quit(): void;
}

export const GROUPS = ["run", "look", "machine", "session"] as const;
export type Group = (typeof GROUPS)[number];

export interface Command {
  readonly name: string;
  /** As keys.ts names them. None: through the palette alone. */
  readonly keys: readonly string[];
  readonly group: Group;
  /** One or two words, for the line of hints; "" = not there. */
  readonly hint: string;
  readonly help: string;
  /** What is typed behind the name, if anything. */
  readonly argument?: string;
  readonly run: (controls: Controls, argument: string) => void;
}

/** A key that needs an argument opens the palette with the command's name in it. */
function asks(name: string): Command["run"] {
  return (controls, argument) => {
    if (argument === "") controls.ui({ type: "openPalette", text: `${name} ` });
    else controls.operate(name, argument);
  };
}

export const COMMANDS: readonly Command[] = [
  {
    name: "help",
    keys: ["?"],
    group: "session",
    hint: "help",
    help: "this list",
    run: (to) => to.ui({ type: "openHelp" }),
  },
  {
    name: "palette",
    keys: [":"],
    group: "session",
    hint: "command",
    help: "type a command by its name; tab completes",
    run: (to) => to.ui({ type: "openPalette", text: "" }),
  },
  {
    name: "quit",
    keys: ["q", "ctrl+c"],
    group: "session",
    hint: "quit",
    help: "quit",
    run: (to) => to.quit(),
  },
  {
    name: "run",
    keys: ["space"],
    group: "run",
    hint: "run",
    help: "run, or pause",
    run: (to) => to.toggleRun(),
  },
  {
    name: "step",
    keys: ["n", "right"],
    group: "run",
    hint: "step",
    help: "deliver one message, or as many as are named",
    argument: "[count]",
    run: (to, count) => to.step(count === "" ? 1 : Number(count)),
  },
  {
    name: "back",
    keys: ["b", "left"],
    group: "run",
    hint: "back",
    help: "go back before the last message",
    run: (to) => to.stepBack(),
  },
  {
    name: "next-exit",
    keys: ["e"],
    group: "run",
    hint: "exit",
    help: "run to the next VM exit",
    run: (to) => to.stepTo("exit"),
  },
  {
    name: "next-ipi",
    keys: ["i"],
    group: "run",
    hint: "",
    help: "run to the next interrupt to the pVM",
    run: (to) => to.stepTo("ipi"),
  },
  {
    name: "next-full",
    keys: ["f"],
    group: "run",
    hint: "log full",
    help: "run to the next log-full event",
    run: (to) => to.stepTo("full"),
  },
  {
    name: "run-back",
    keys: ["B"],
    group: "run",
    hint: "",
    help: "go back to where a breakpoint would have stopped last",
    run: (to) => to.runBack(),
  },
  {
    name: "seek",
    keys: ["t"],
    group: "run",
    hint: "",
    help: "go to a time (1.5ms) or to behind a message (#123)",
    argument: "TIME|#NUMBER",
    run: (to, text) => {
      if (text === "") to.ui({ type: "openPalette", text: "seek " });
      else to.seek(text);
    },
  },
  {
    name: "rewind",
    keys: ["g", "home"],
    group: "run",
    hint: "",
    help: "go to the start",
    run: (to) => to.goToStart(),
  },
  {
    name: "finish",
    keys: ["G", "end"],
    group: "run",
    hint: "",
    help: "go to the end of what has run, or of the log",
    run: (to) => to.goToEnd(),
  },
  {
    name: "faster",
    keys: ["+", "="],
    group: "run",
    hint: "speed",
    help: "more messages a second; at last as fast as it goes",
    run: (to) => to.faster(1),
  },
  {
    name: "slower",
    keys: ["-"],
    group: "run",
    hint: "",
    help: "fewer messages a second; at last one",
    run: (to) => to.faster(-1),
  },
  {
    name: "speed",
    keys: [],
    group: "run",
    hint: "",
    help: "messages a second: 1, 10, 100, 1000 or full",
    argument: "NUMBER|full",
    run: (to, text) => to.setSpeed(text),
  },
  {
    name: "break",
    keys: ["x"],
    group: "run",
    hint: "break",
    help: "stop at: message TYPE, actor NAME STATE, page [VM:]NUMBER, property missed|crashed",
    argument: "WHERE",
    run: (to, text) => {
      if (text === "") to.ui({ type: "openPalette", text: "break " });
      else to.addBreakpoint(text);
    },
  },
  {
    name: "clear-breaks",
    keys: ["X"],
    group: "run",
    hint: "",
    help: "remove all breakpoints",
    run: (to) => to.clearBreakpoints(),
  },
  {
    name: "focus",
    keys: ["tab"],
    group: "look",
    hint: "panel",
    help: "to the next panel",
    run: (to) => to.ui({ type: "focus", by: 1 }),
  },
  {
    name: "focus-back",
    keys: ["shift+tab"],
    group: "look",
    hint: "",
    help: "to the panel before",
    run: (to) => to.ui({ type: "focus", by: -1 }),
  },
  {
    name: "zoom",
    keys: ["z"],
    group: "look",
    hint: "zoom",
    help: "the focused panel on the whole screen, and back",
    run: (to) => to.ui({ type: "zoom" }),
  },
  {
    name: "up",
    keys: ["up", "k"],
    group: "look",
    hint: "",
    help: "up: to an earlier message, the actor before, earlier lines",
    run: (to) => to.move(-1),
  },
  {
    name: "down",
    keys: ["down", "j"],
    group: "look",
    hint: "",
    help: "down",
    run: (to) => to.move(1),
  },
  {
    name: "page-up",
    keys: ["pageup"],
    group: "look",
    hint: "",
    help: "up by ten",
    run: (to) => to.move(-10),
  },
  {
    name: "page-down",
    keys: ["pagedown"],
    group: "look",
    hint: "",
    help: "down by ten",
    run: (to) => to.move(10),
  },
  {
    name: "open",
    keys: ["enter"],
    group: "look",
    hint: "detail",
    help: "the message under the cursor in detail: payload, cause, effects",
    run: (to) => to.open(),
  },
  {
    name: "actors",
    keys: ["a"],
    group: "look",
    hint: "actors",
    help: "all actors; of one: state, statechart, queue, context",
    run: (to) => to.ui({ type: "openActors" }),
  },
  {
    name: "filter",
    keys: ["/"],
    group: "look",
    hint: "filter",
    help: "show messages that match a regular expression; !REGEX: those that do not; empty: all",
    argument: "[!]REGEX",
    run: (to, text) => {
      if (text === "") to.ui({ type: "openFilter", text: "" });
      else to.filter(text);
    },
  },
  {
    name: "all",
    keys: [],
    group: "look",
    hint: "",
    help: "show all messages again",
    run: (to) => to.filter(""),
  },
  {
    name: "next-vm",
    keys: ["v"],
    group: "look",
    hint: "",
    help: "the next VM: its pages, and whom commands mean",
    run: (to) => to.nextVm(),
  },
  {
    name: "theme",
    keys: ["c"],
    group: "look",
    hint: "",
    help: "the next theme, or the one that is named",
    argument: "[default|deuteranopia|tritanopia|grey]",
    run: (to, text) => to.nextTheme(text),
  },
  {
    name: "close",
    keys: ["escape"],
    group: "look",
    hint: "",
    help: "back to the panels, and to the present",
    run: (to) => to.ui({ type: "close" }),
  },
  {
    name: "pause-vm",
    keys: ["p"],
    group: "machine",
    hint: "",
    help: "pause the VM",
    run: (to) => to.operate("pauseVm", ""),
  },
  {
    name: "resume-vm",
    keys: ["r"],
    group: "machine",
    hint: "",
    help: "let the paused VM go on",
    run: (to) => to.operate("resumeVm", ""),
  },
  {
    name: "pause-vcpu",
    keys: [],
    group: "machine",
    hint: "",
    help: "hold one vCPU",
    argument: "VCPU",
    run: (to, vcpu) => to.operate("pauseVcpu", vcpu),
  },
  {
    name: "resume-vcpu",
    keys: [],
    group: "machine",
    hint: "",
    help: "let a held vCPU go on",
    argument: "VCPU",
    run: (to, vcpu) => to.operate("resumeVcpu", vcpu),
  },
  {
    name: "tracker",
    keys: ["T"],
    group: "machine",
    hint: "",
    help: "track the VM by another technique (none, pml, prl, writeProtect, ...)",
    argument: "TECHNIQUE",
    run: asks("tracker"),
  },
  {
    name: "harvest",
    keys: ["h"],
    group: "machine",
    hint: "",
    help: "harvest the VM's tracker now",
    run: (to) => to.operate("harvest", ""),
  },
  {
    name: "writes",
    keys: ["w"],
    group: "machine",
    hint: "",
    help: "make so many percent of the VM's accesses writes; workload: as it was",
    argument: "PERCENT|workload",
    run: asks("writes"),
  },
  {
    name: "start",
    keys: ["M"],
    group: "machine",
    hint: "",
    help: "start an operation: migration, checkpoint or estimation",
    argument: "OPERATION",
    run: (to, name) => to.startOperation(name),
  },
  {
    name: "abort",
    keys: ["A"],
    group: "machine",
    hint: "",
    help: "abort the operation; then the measurement goes on",
    run: (to) => to.operate("abort", ""),
  },
  {
    name: "save",
    keys: ["s"],
    group: "session",
    hint: "save",
    help: "save the session as a log, to be opened again: trackvisor tui FILE",
    argument: "[FILE]",
    run: (to, path) => to.save(path),
  },
  {
    name: "suspend",
    keys: ["ctrl+z"],
    group: "session",
    hint: "",
    help: "back to the shell; fg returns",
    run: (to) => to.suspend(),
  },
];

/** Commands whose name begins with what was typed, else those that have its letters in order. */
export function suggestions(typed: string): readonly Command[] {
  const [name = ""] = typed.trimStart().split(" ");
  const begin = COMMANDS.filter((command) => command.name.startsWith(name));
  if (begin.length > 0) return begin;
  const letters = [...name.toLowerCase()];
  return COMMANDS.filter(({ name }) => {
    let at = 0;
    for (const letter of letters) at = name.indexOf(letter, at) + 1 || Number.NaN;
    return !Number.isNaN(at);
  });
}

/** What is typed, completed to the first suggestion. */
export function completed(typed: string): string {
  const [first] = suggestions(typed);
  if (first === undefined || typed.trimStart().includes(" ")) return typed;
  return first.argument === undefined ? first.name : `${first.name} `;
}

/** Does what a line says. @throws UserError */
export function execute(text: string, controls: Controls): void {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/.exec(text) ?? [];
  if (name === "") return;
  const command = COMMANDS.find((one) => one.name === name) ?? onlyOne(name);
  if (command === undefined) {
    const names = COMMANDS.map((one) => one.name);
    throw new UserError(`no command is called "${name}"; did you mean "${closest(name, names)}"?`);
  }
  command.run(controls, argument);
}

function onlyOne(name: string): Command | undefined {
  const found = suggestions(name);
  return found.length === 1 ? found[0] : undefined;
}
