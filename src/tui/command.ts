/** What a command is, and what it may do. */
import type { Vocabulary } from "../session/vocabulary.ts";
import { isCovered, type Mode } from "./modes.ts";
import type { RunControls } from "./runControls.ts";
import type { UiEvent } from "./uiMachine.ts";

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
  addBreakpoint(text: string): void;
  clearBreakpoints(): void;
  move(by: number): void;
  open(): void;
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
 * are; on the panels alone. Elsewhere its key is refused.
 */
export type Reach = "anywhere" | "live" | "messages" | "panels";

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
  /** Default: its group's. */
  readonly reach?: Reach;
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

/** Whether what a command does is to be seen in this mode. */
export function reaches({ group, reach = REACH[group] }: Command, mode: Mode): boolean {
  if (!isCovered(mode)) return true;
  if (reach === "anywhere") return true;
  return (reach === "live" && mode === "actors") || (reach === "messages" && mode === "message");
}

/** Words of an argument of one word. */
export function oneOf(
  names: (vocabulary: Vocabulary) => readonly string[],
): NonNullable<Command["words"]> {
  return (vocabulary, before) => (before.length === 0 ? names(vocabulary) : []);
}
