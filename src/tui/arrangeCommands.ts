/** What commands do with how the panels are arranged: rows of the table of commands (commands.ts), and the keys of a mode. */
import { DIRECTIONS } from "./arrangement.ts";
import { type ArrangeOrders, type Command, oneOf } from "./command.ts";

export const ARRANGE_COMMANDS: readonly Command[] = [
  {
    name: "arrange",
    keys: ["R"],
    group: "look",
    reach: "panels",
    hint: "arrange",
    help: "move and resize panels: arrows move a border of the focused one, H J K L or shift with arrows the panel itself, r puts all back, Y copies it for the settings, esc ends",
    run: (to) => to.arrange.begin(),
  },
  {
    name: "resize",
    keys: [],
    group: "look",
    reach: "panels",
    hint: "",
    help: "move a border of the focused panel: that on its right or below it, of the last one that before it; by 2 columns or 1 row, or so many",
    argument: "DIRECTION [CELLS]",
    words: oneOf(() => DIRECTIONS),
    run: (to, text) => {
      const [direction = "", cells = ""] = text.split(/ +/);
      to.arrange.resize(direction, cells);
    },
  },
  {
    name: "move",
    keys: [],
    group: "look",
    reach: "panels",
    hint: "",
    help: "the focused panel, and those behind it, past its neighbour or into the next column",
    argument: "DIRECTION",
    words: oneOf(() => DIRECTIONS),
    run: (to, direction) => to.arrange.move(direction),
  },
  {
    name: "reset",
    keys: [],
    group: "look",
    reach: "panels",
    hint: "",
    help: "the panels where they were at the start, as large as they were",
    run: (to) => to.arrange.reset(),
  },
];

/** While panels are arranged: by key. Keys of commands that are told so (whileArranging) work, too. */
export const ARRANGING_KEYS: Readonly<Record<string, (to: ArrangeOrders) => void>> = {
  left: (to) => to.resize("left"),
  right: (to) => to.resize("right"),
  up: (to) => to.resize("up"),
  down: (to) => to.resize("down"),
  h: (to) => to.resize("left"),
  l: (to) => to.resize("right"),
  k: (to) => to.resize("up"),
  j: (to) => to.resize("down"),
  "shift+left": (to) => to.move("left"),
  "shift+right": (to) => to.move("right"),
  "shift+up": (to) => to.move("up"),
  "shift+down": (to) => to.move("down"),
  H: (to) => to.move("left"),
  L: (to) => to.move("right"),
  K: (to) => to.move("up"),
  J: (to) => to.move("down"),
  r: (to) => to.reset(),
  Y: (to) => to.copy(),
  R: (to) => to.end(),
  q: (to) => to.end(),
  enter: (to) => to.end(),
  escape: (to) => to.end(),
  "ctrl+c": (to) => to.end(),
};

/** For the last line of the screen. */
export const ARRANGING_HINT =
  "arrows size, H J K L move, tab next panel, r puts back, Y copies, esc ends";
