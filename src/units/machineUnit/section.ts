/**
 * What a scenario says of a unit of its own, `machine.unit`. Fields and words are those by which the units that there are differ:
 * trigger, filter, buffer, index, what a full log does (docs/units.md has the table, and the sources).
 */
import * as z from "zod";
import { size } from "../../config/units.ts";
import { DESIGN_ENTRIES_MAX } from "../design.ts";

const ONE_OF_MAX = 65_536;

/** "1/64": of 64 misses one. Kept as text, as a reader writes it. */
const sample = z
  .string()
  .regex(/^1\/[1-9]\d{0,4}$/, `expected 1/1 to 1/${ONE_OF_MAX}, such as 1/64`)
  .refine((text) => oneOf(text) <= ONE_OF_MAX, { error: `expected at most 1/${ONE_OF_MAX}` });

/** Of how many events one is logged. */
export function oneOf(text: string): number {
  return Number(text.slice("1/".length));
}

const filterBy = <Address extends z.ZodType<number, unknown>>(address: Address) =>
  z
    .strictObject({
      guestTables: z
        .enum(["skip", "log"])
        .default("skip")
        .describe("pages that hold the guest's page tables"),
      from: address.optional().describe("guest-physical address of the first page that is logged"),
      below: address.optional().describe("pages from this address on are not logged"),
    })
    .refine(({ from = 0, below = Number.POSITIVE_INFINITY }) => from < below, {
      error: 'expected "from" below "below"',
    });

const fieldsWith = <Address extends z.ZodType<number, unknown>>(address: Address) =>
  z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z][\w-]{0,19}$/, "expected up to 20 letters, digits, - and _")
      .default("own")
      .describe("what panels and reports call it"),
    trigger: z
      .enum(["dirtyBit", "tlbMiss"])
      .describe(
        "what is logged: dirtyBit, a page whose D flag a walk sets; tlbMiss, the page of each miss",
      ),
    sample: sample.optional().describe("of tlbMiss: one of so many misses is logged, such as 1/64"),
    filter: filterBy(address).optional().describe("of tlbMiss: which pages are logged"),
    entries: z
      .int()
      .min(1)
      .max(DESIGN_ENTRIES_MAX)
      .optional()
      .describe("of its log; default: machine.logEntries"),
    direction: z.enum(["up", "down"]).default("down").describe("which way the index goes"),
    whenFull: z
      .enum(["exit", "interrupt", "drop"])
      .describe(
        "exit: the guest stops at the next event, before anything is set; interrupt: a CPU of the pVM empties the log, what comes meanwhile is dropped; drop: a bit is set, what comes is dropped",
      ),
    gatesAccessed: z
      .boolean()
      .optional()
      .describe(
        "of exit: whether a full log stops a walk that sets A alone, too, as Intel's; default: not, as AMD's and Arm's",
      ),
    buffers: z
      .union([z.literal(1), z.literal(2)])
      .optional()
      .describe("of interrupt: 2 logs are filled in turn; default 1"),
  });

/** In a scenario that is read already addresses are pages. */
const read = fieldsWith(z.int().min(0));
type Fields = z.output<typeof read>;

/** What goes with what: a field that would change nothing is a mistake. */
const RULES: readonly {
  readonly field: keyof Fields;
  readonly isWrong: (unit: Fields) => boolean;
  readonly message: string;
}[] = [
  {
    field: "whenFull",
    isWrong: ({ trigger, whenFull }) => trigger === "tlbMiss" && whenFull === "exit",
    message:
      "with trigger tlbMiss expected interrupt or drop: the miss has been served when it is logged",
  },
  {
    field: "sample",
    isWrong: (unit) => unit.trigger === "dirtyBit" && unit.sample !== undefined,
    message: "goes with trigger tlbMiss: a first write that is not logged would be lost",
  },
  {
    field: "filter",
    isWrong: (unit) => unit.trigger === "dirtyBit" && unit.filter !== undefined,
    message: "goes with trigger tlbMiss: a first write that is not logged would be lost",
  },
  {
    field: "gatesAccessed",
    isWrong: (unit) => unit.whenFull !== "exit" && unit.gatesAccessed !== undefined,
    message: "goes with whenFull exit: no other stops a walk",
  },
  {
    field: "buffers",
    isWrong: (unit) => unit.whenFull !== "interrupt" && unit.buffers !== undefined,
    message: "goes with whenFull interrupt: no other has somebody who empties one of them",
  },
];

function refuse(unit: Fields, { addIssue }: z.RefinementCtx): void {
  for (const { field, isWrong, message } of RULES) {
    if (isWrong(unit)) addIssue({ code: "custom", path: [field], message });
  }
}

/** As a scenario says it, and as one that was read has it. */
export const machineUnitSection = fieldsWith(size).superRefine(refuse);
export const readMachineUnit = read.superRefine(refuse);

export type MachineUnitFields = Fields;
