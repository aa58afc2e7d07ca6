/** What somebody does at a terminal: keys, typed lines, the mouse, other sizes, and waiting. Made up by fast-check. */
import fc from "fast-check";
import { COMMANDS } from "../../src/tui/commands.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export type Deed =
  /** By its name, as keys.ts has it. */
  | { readonly key: string }
  /** Typed into the palette, and entered. */
  | { readonly line: string }
  /** Typed wherever the keys go. */
  | { readonly text: string }
  /** A report of a button (0, 32 held, 64 and 65 the wheel, others nobody knows) at a cell. */
  | { readonly button: number; readonly up: boolean; readonly column: number; readonly row: number }
  | { readonly size: Size }
  /** Milliseconds. */
  | { readonly wait: number };

export interface Sequence {
  readonly size: Size;
  readonly deeds: readonly Deed[];
}

const SMALLEST = { columns: 10, rows: 3 };
const LARGEST = { columns: 300, rows: 100 };
/** Ends that people have, as often as any other size. */
const USUAL = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 60 },
  SMALLEST,
  LARGEST,
];

const size: fc.Arbitrary<Size> = fc.oneof(
  fc.constantFrom(...USUAL),
  fc.record({
    columns: fc.integer({ min: SMALLEST.columns, max: LARGEST.columns }),
    rows: fc.integer({ min: SMALLEST.rows, max: LARGEST.rows }),
  }),
  fc.record({
    columns: fc.integer({ min: 50, max: 180 }),
    rows: fc.integer({ min: 10, max: 50 }),
  }),
);

/** They end the screen or leave it: in terminal.test.ts; of "quit" some, but few. */
const ELSEWHERE = ["quit", "suspend"];
const COMMAND_KEYS = COMMANDS.filter(({ name }) => !ELSEWHERE.includes(name)).flatMap(
  ({ keys }) => keys,
);
const EDITING = ["left", "right", "home", "end", "backspace", "tab", "up", "down"];
const CONTROLS = ["a", "b", "d", "e", "f", "k", "n", "p", "u", "w"].map((key) => `ctrl+${key}`);
const ARROWS = ["left", "right", "up", "down"].map((key) => `shift+${key}`);
const UNBOUND = ["m", "u", "%", "Z", "ctrl+x", "~"];

const LINES = [
  ...COMMANDS.filter(({ name }) => !ELSEWHERE.includes(name) && name !== "save").map(
    ({ name }) => name,
  ),
  ...["seek 10us", "seek 3ms", "seek #50", "seek #99999", "seek x", "step 30", "step 0"],
  ...[
    "break message ipi",
    "break when log-full > 3",
    "break page 3 written",
    "break x",
    "speed 10",
  ],
  ...["break property missed", "break actor vcpu0 root", "toggle-break 1", "remove-break 2"],
  ...["tracker pml", "tracker prl", "tracker none", "tracker x", "writes 90", "writes 300"],
  ...["pause-vcpu 0", "resume-vcpu 0", "start migration", "start checkpoint", "start estimation"],
  ...["panel lanes", "panel console", "panel x", "page 12", "page 0x1f", "page 99999999"],
  ...["filter ipi", "filter (", "filter !continueGuest", "filter -f rmrl", "theme grey", "type ls"],
  ...["resize right 40", "resize up 9", "move left", "move down", "speed full", "speed 1", "zzz"],
];

const key = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...COMMAND_KEYS) },
  { weight: 3, arbitrary: fc.constantFrom("R", "?", ":", "/", "a", "S", "y", "escape", "enter") },
  { weight: 2, arbitrary: fc.constantFrom(..."0123456789") },
  { weight: 2, arbitrary: fc.constantFrom(...EDITING, ...CONTROLS) },
  { weight: 2, arbitrary: fc.constantFrom(..."HJKLhjklr", ...ARROWS) },
  { weight: 1, arbitrary: fc.constantFrom(...UNBOUND) },
);

const TEXTS = [
  "ipi",
  "(",
  "page",
  "step 3",
  "continueGuest|ipi",
  "ls -l",
  "  ",
  "é漢",
  "<0;1",
  "[A",
];

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ key }) },
  { weight: 5, arbitrary: fc.record({ line: fc.constantFrom(...LINES) }) },
  { weight: 2, arbitrary: fc.record({ text: fc.constantFrom(...TEXTS) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      button: fc.constantFrom(0, 0, 0, 32, 32, 32, 64, 65, 2, 35),
      up: fc.boolean(),
      column: fc.nat(LARGEST.columns - 1),
      row: fc.nat(LARGEST.rows - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ size }) },
  { weight: 2, arbitrary: fc.record({ wait: fc.constantFrom(1, 40, 300) }) },
);

const DEEDS_MAX = 40;

/** The deeds of one sitting; some end with quitting. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .record({
    size,
    deeds: fc.array(deed, { minLength: 1, maxLength: DEEDS_MAX, size: "max" }),
    quits: fc.nat(15),
  })
  .map(({ size, deeds, quits }) => ({
    size,
    deeds: quits === 15 ? [...deeds, { key: "q" }] : deeds,
  }));
