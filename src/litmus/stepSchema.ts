/** The steps of a litmus test: one verb each, its options, and what is expected of it. */
import * as z from "zod";
import { Counter } from "../hardware/counters.ts";
import { PageFault } from "../hardware/guestEntry.ts";
import { InveptType, InvvpidType } from "../hardware/invalidation.ts";
import { ENTRY_FAILURES } from "../hardware/vmEntry.ts";
import { LOG_FULL_EXPECTATIONS, UNIT_FAILURES, UNIT_REGISTERS, UNIT_VERBS } from "../units/all.ts";
import { EXIT_REASONS } from "../units/exits.ts";
import type { UnitVerb } from "../units/unit.ts";
import {
  address,
  bool,
  byNumber,
  flags,
  int,
  linearAddress,
  list,
  named,
  namesOf,
  nearest,
  oneOf,
  QUALIFICATION_BITS,
  rights,
  signedWord64,
  text,
  word64,
  yes,
} from "./scalars.ts";
import { eptItem, guestItem, guestMode, vmcsFields } from "./setupSchema.ts";

/** What a step can be required to leave as it was. */
export const UNCHANGED = ["memory", "log", "index", "tlb", "rip"] as const;
/** Events that go through the IDT. */
export const EVENTS = ["externalInterrupt", "nmi", "exception"] as const;
/** Exits without a memory access. */
const EXITS = ["hlt", "vmcall", "externalInterrupt", "exceptionOrNmi"] as const;
/** Exceptions without an error code of their own here; a page fault has one. */
export const EXCEPTIONS = ["generalProtection", "stackFault"] as const;

/** Reasons with which a guest leaves; an entry that failed is told by its cause. */
const { invalidGuestState: _, ...GUEST_EXITS } = EXIT_REASONS;

const gpaRange = z.union(
  [list(address), named({ from: address, count: int(0, 1 << 20), stride: address.optional() })],
  { error: "expected a list of addresses, or { from, count }" },
);
const anyOutcome = <T extends z.ZodType>(schema: T) => z.union([schema, z.literal("none")]);
const mapping = z
  .string({ error: 'expected a mapping such as "4K rwx", or none' })
  .regex(/^(none|(4K|2M|1G) (-|[rwxu-]{1,4}))$/, {
    error: 'expected a mapping such as "4K rwx", or none',
  });

/** Whether a log has become full while the guest runs on, by the names that units give this. */
const logFullExpectations: Record<string, z.ZodOptional<typeof bool>> = Object.fromEntries(
  LOG_FULL_EXPECTATIONS.map((name) => [name, bool.optional()]),
);

const unitRegisters = named(
  Object.fromEntries(UNIT_REGISTERS.map((name) => [name, int(0, 2 ** 31 - 1).optional()])),
);

export const expectation = named({
  exit: oneOf(namesOf(GUEST_EXITS)).optional(),
  qualification: z.union([list(oneOf(namesOf(QUALIFICATION_BITS))), word64]).optional(),
  pageFault: list(oneOf(namesOf(PageFault))).optional(),
  exception: oneOf(EXCEPTIONS).optional(),
  vmfail: int(1, 28).optional(),
  entryFailure: oneOf([...ENTRY_FAILURES, ...UNIT_FAILURES]).optional(),
  index: signedWord64.optional(),
  logged: gpaRange.optional(),
  log: byNumber(word64).optional(),
  missed: int(0, 1 << 30).optional(),
  ...logFullExpectations,
  flags: byNumber(flags).optional(),
  guestFlags: byNumber(flags).optional(),
  mapping: byNumber(mapping).optional(),
  entry: byNumber(word64).optional(),
  vmcs: vmcsFields.optional(),
  image: vmcsFields.optional(),
  registers: unitRegisters.optional(),
  tlb: oneOf(["hit", "miss"]).optional(),
  cached: byNumber(rights).optional(),
  stores: byNumber(int(0, 1 << 30)).optional(),
  unchanged: list(oneOf(UNCHANGED)).optional(),
  rip: word64.optional(),
  resumeFlag: bool.optional(),
  blockingByNmi: bool.optional(),
  vectoring: anyOutcome(named({ event: oneOf(EVENTS), vector: int(0, 255) })).optional(),
  counters: named(
    Object.fromEntries(namesOf(Counter).map((name) => [name, int(0, 2 ** 40).optional()])),
  ).optional(),
  retired: int(0, 1 << 24).optional(),
  drained: gpaRange.optional(),
  copied: gpaRange.optional(),
});

const common = { name: text.optional(), vcpu: text.optional(), expect: expectation.optional() };
const accessOptions = { size: int(1, 4096).optional(), user: bool.optional() };
const burst = named({
  read: address.optional(),
  write: address.optional(),
  fetch: address.optional(),
  readModifyWrite: address.optional(),
  count: int(1, 1 << 20).optional(),
  stride: address.optional(),
});
const VECTOR_MAX = 255;
const handlerOptions = { gate: linearAddress.optional(), handler: linearAddress.optional() };

const verbs = {
  read: named({ read: linearAddress, ...accessOptions, ...common }),
  write: named({ write: linearAddress, ...accessOptions, ...common }),
  fetch: named({ fetch: linearAddress, ...accessOptions, ...common }),
  readModifyWrite: named({ readModifyWrite: linearAddress, ...accessOptions, ...common }),
  run: named({
    run: list(burst),
    budget: int(0, 2 ** 40).optional(),
    gap: int(0, 1 << 20).optional(),
    ...common,
  }),
  vmentry: named({ vmentry: yes, stack: linearAddress.optional(), ...handlerOptions, ...common }),
  vmexit: named({ vmexit: oneOf(EXITS), vector: int(0, VECTOR_MAX).optional(), ...common }),
  movToCr3: named({ movToCr3: word64, ...common }),
  mode: named({ mode: named(guestMode), ...common }),
  invept: named({
    invept: oneOf(["processor", "everywhere"]),
    type: oneOf(namesOf(InveptType)).optional(),
    eptPointer: word64.optional(),
    ...common,
  }),
  invvpid: named({
    invvpid: oneOf(namesOf(InvvpidType)),
    vpid: word64.optional(),
    linear: word64.optional(),
    ...common,
  }),
  invlpg: named({ invlpg: linearAddress, ...common }),
  drain: named({ drain: yes, ...common }),
  clear: named({
    clear: address,
    count: int(1, 1 << 18).optional(),
    flags: oneOf(["A", "D", "AD"]).optional(),
    levels: oneOf(["leaf", "all"]).optional(),
    invept: bool.optional(),
    ...common,
  }),
  ept: named({ ept: list(eptItem), ...common }),
  guest: named({ guest: list(guestItem), ...common }),
  split: named({
    split: address,
    permissions: rights.optional(),
    flags: oneOf(["keep", "clean"]).optional(),
    ...common,
  }),
  deliver: named({
    deliver: oneOf(EVENTS),
    vector: int(0, VECTOR_MAX).optional(),
    errorCode: bool.optional(),
    stack: linearAddress,
    ...handlerOptions,
    ...common,
  }),
  reinject: named({ reinject: yes, ...common }),
  iret: named({
    iret: linearAddress,
    to: linearAddress.optional(),
    user: bool.optional(),
    resumeFlag: bool.optional(),
    ...common,
  }),
  restoreNmiBlocking: named({ restoreNmiBlocking: yes, ...common }),
  store: named({ store: address, by: oneOf(["vmm", "dma"]).optional(), ...common }),
  vmwrite: named({ vmwrite: vmcsFields, ...common }),
} as const;
/** Verbs that units bring along. */
const unitVerbs = [...UNIT_VERBS].map(([verb, { argument }]) =>
  named({ [verb]: argumentSchema(argument), ...common }),
);

function argumentSchema(argument: UnitVerb["argument"]) {
  if (argument === undefined) return yes;
  return argument === "words" ? list(word64) : named(argument);
}

export const VERBS: readonly [string, ...string[]] = [...namesOf(verbs), ...UNIT_VERBS.keys()];

const [firstVerb, ...otherVerbs] = Object.values(verbs);
export const step = z.union([firstVerb!, ...otherVerbs, ...unitVerbs], {
  error: ({ input }) => {
    if (typeof input !== "object" || input === null) return "expected a step: a map with a verb";
    const keys = Object.keys(input);
    const known = keys.filter((key) => VERBS.includes(key));
    // "invept" is also an option of "clear".
    const [verb, other] = known.filter((key) => key !== "invept" || !known.includes("clear"));
    if (verb !== undefined && other !== undefined) {
      return `expected a step with one verb, not both "${verb}" and "${other}"`;
    }
    if (verb !== undefined) return undefined;
    const odd = keys.find((key) => !(key in common)) ?? "";
    return `expected a step: none of its fields is a verb; nearest to "${odd}" is "${nearest(odd, VERBS)}"`;
  },
});

export type Step = z.output<typeof step>;
export type Expectation = z.output<typeof expectation>;
export type GpaRange = z.output<typeof gpaRange>;
