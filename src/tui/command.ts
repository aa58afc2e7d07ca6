/** What a command is, and what it may do. */
import type { Vocabulary } from "../session/vocabulary.ts";
import { isCovered, type Mode } from "./modes.ts";
import type { RunControls } from "./runControls.ts";
import type { UiEvent } from "./uiMachine.ts";

/** What commands do with breakpoints. A number is that of their list; "" = the one under its cursor. */
export interface BreakOrders {
  /** @throws UserError */
  add(text: string): void;
  /** On or off. @throws UserError if there is none of that number, or none can be seen to be chosen */
  toggle(number: string): void;
  /** @throws UserError as toggle does */
  remove(number: string): void;
  removeAll(): void;
}

/** What commands do with how the panels are arranged. Directions and cells are as they were typed. */
export interface ArrangeOrders {
  /** Keys arrange the panels, until `end`. @throws UserError if one panel has the whole screen, as the others do */
  begin(): void;
  end(): void;
  /** @param cells "" = as many as a key does. @throws UserError */
  resize(direction: string, cells?: string): void;
  /** @throws UserError */
  move(direction: string): void;
  reset(): void;
  /** To the clipboard, for the settings. */
  copy(): void;
}

/** What commands may do: the driver's side of the screen. */
export interface Controls {
  /** To the state of the screen. */
  ui(event: UiEvent): void;
  readonly run: RunControls;
  operate(command: string, argument: string): void;
  startOperation(name: string): void;
  /** The console of the guest comes to the front, and keys go to it. */
  typeToGuest(): void;
  filter(text: string): void;
  readonly breaks: BreakOrders;
  readonly arrange: ArrangeOrders;
  /** What is chosen goes to the terminal's clipboard. */
  copy(): void;
  move(by: number): void;
  open(): void;
  /** The statechart of who gets the message under the cursor, or of the actor that is chosen. */
  openChart(): void;
  /** The cursor goes to what has caused the message under it, or to the first that it has caused. */
  follow(way: "cause" | "effect"): void;
  nextVm(): void;
  /** @throws UserError if none is called that */
  choosePanel(name: string): void;
  /** The cursor of the map so many cells on; or to a page, [VM:]NUMBER. */
  movePage(cells: number): void;
  choosePage(text: string): void;
  /** The contents of the focused panel, or else the map: larger, or smaller. */
  magnify(by: number): void;
  /** The contents of the focused panel, to what was earlier or later. */
  shift(by: number): void;
  /** Back to where the page under the cursor changed last. */
  lastChange(): void;
  nextTheme(text: string): void;
  save(path: string): void;
  suspend(): void;
  quit(): void;
}

/**
 * Where what a command does is to be seen: whatever is open; where the machine as it is now is in view; where messages
 * are; on the panels, and where actors are; in the help, which can be searched; on the panels alone. Elsewhere its key is
 * refused.
 */
export type Reach = "anywhere" | "live" | "messages" | "actors" | "help" | "panels";

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
  /** Panels that it is for, by name: with the focus on one of them the help begins with it. */
  readonly panels?: readonly string[];
  /** Default: its group's. */
  readonly reach?: Reach;
  /** Its key works while panels are arranged. */
  readonly whileArranging?: true;
  /** What is typed behind the name, if anything. */
  readonly argument?: string;
  /** What the next word of the argument may be, behind those before. */
  readonly words?: (vocabulary: Vocabulary, before: readonly string[]) => readonly string[];
  readonly run: (controls: Controls, argument: string) => void;
}

/** By key: what it does. */
export type KeyMap = ReadonlyMap<string, Command>;

const REACH: Readonly<Record<Group, Reach>> = {
  run: "live",
  look: "anywhere",
  machine: "panels",
  session: "anywhere",
};

/** Beside the panels. */
const SEEN_IN: Readonly<Partial<Record<Reach, readonly Mode[]>>> = {
  live: ["actors", "chart"],
  messages: ["message", "chart"],
  actors: ["actors", "message"],
  help: ["help"],
};

/** Why a command's key does nothing in this mode: what it does would not be to be seen. Null: it may be done. */
export function refusalIn(mode: Mode, command: Command): string | null {
  if (mode === "arranging" && command.whileArranging !== true)
    return `panels are being arranged: esc ends that, then "${command.name}"`;
  const { group, reach = REACH[group] } = command;
  if (!isCovered(mode) || reach === "anywhere" || SEEN_IN[reach]?.includes(mode)) return null;
  return `the ${mode} view is open: esc closes it first`;
}

/** Words of an argument of one word. */
export function oneOf(
  names: (vocabulary: Vocabulary) => readonly string[],
): NonNullable<Command["words"]> {
  return (vocabulary, before) => (before.length === 0 ? names(vocabulary) : []);
}
