/**
 * Questions to a KVM: a machine's calls and its guest's accesses, step by step. Each step becomes one command, which the
 * kernel is given as a line (ask.c says which there are) and the emulator as it is; each is answered by a line.
 */
import * as z from "zod";
import { parseYaml } from "../../config/yamlFile.ts";
import { UserError } from "../../errors.ts";
import { SlotFlag } from "../../hypervisor/slots/memorySlot.ts";

const PAGE_BYTES = 4096;
/** What ask.c has: slots with memory of their own, vCPUs, and pages of a slot that fit into one. */
const SLOTS = 8;
const VCPUS = 4;
const SLOT_BYTES = 64 << 20;
const ACCESSES_MAX = 100_000;
/** Where the guest's own code and its end are (ask.c, OWN_AT): slots in question lie below. */
const ADDRESS_MAX = 0x4000_0000;

const whole = z.int().nonnegative();
const slotId = whole.max(SLOTS - 1);
const vcpuNumber = whole.max(VCPUS - 1);
const range = z.string().regex(/^\d{1,7}-\d{1,7}$/, "expected a page, or a range of pages: 3-17");
const pages = z.array(z.union([whole, range])).min(1);
const flags = z.array(z.enum(["log", "readOnly"]));
const CAPABILITIES = ["manual", "ring", "ringBitmap"] as const;

/** How a log is taken while the guest writes: GET, GET and CLEAR of what it gave, or the ring and its reset. */
const HARVESTS = ["get", "clear", "collect"] as const;

/** Each kind of step has one field that no other has: its verb. */
const step = z.union([
  z.strictObject({ offers: z.enum(CAPABILITIES) }),
  z.strictObject({ manual: whole.max(0xff) }),
  z.strictObject({ ring: whole }),
  z.strictObject({ ringBitmap: z.literal(true) }),
  z.strictObject({ vcpu: z.literal("create") }),
  z.strictObject({
    region: whole,
    address: whole,
    bytes: whole,
    flags: z.union([flags, whole]).default([]),
    user: whole.max(SLOT_BYTES).default(0),
  }),
  z.strictObject({ write: pages, slot: slotId.default(0), vcpu: vcpuNumber.default(0) }),
  z.strictObject({ read: pages, slot: slotId.default(0), vcpu: vcpuNumber.default(0) }),
  z.strictObject({
    race: pages,
    by: z.enum(HARVESTS),
    passes: z.int().min(1).max(1000).default(1),
    slot: slotId.default(0),
    vcpu: vcpuNumber.default(0),
  }),
  z.strictObject({ resume: vcpuNumber }),
  z.strictObject({ vmmWrites: pages, slot: slotId.default(0) }),
  z.strictObject({ get: whole }),
  z.strictObject({ clear: whole, first: whole, count: whole, pages: pages.optional() }),
  z.strictObject({ collect: vcpuNumber, most: whole.optional() }),
  z.strictObject({ reset: z.literal(true) }),
]);
type Step = z.output<typeof step>;

const question = z.strictObject({
  name: z.string().min(1),
  /** The rule, and who says it. */
  source: z.string().min(1),
  steps: z.array(step).min(1).max(1000),
});
const fileSchema = z.strictObject({ questions: z.array(question).min(1).max(1000) });

export interface Access {
  readonly write: boolean;
  /** Guest-physical, in bytes. */
  readonly address: number;
}

export type Command =
  | { readonly op: "offers"; readonly name: (typeof CAPABILITIES)[number] }
  | { readonly op: "manual"; readonly flags: number }
  | { readonly op: "ring"; readonly bytes: number }
  | { readonly op: "ringBitmap" | "vcpu" | "reset" }
  | {
      readonly op: "slot";
      readonly id: number;
      readonly flags: number;
      readonly address: number;
      readonly bytes: number;
      /** In the memory that is the slot's own. */
      readonly user: number;
    }
  | { readonly op: "get"; readonly id: number }
  | {
      readonly op: "clear";
      readonly id: number;
      readonly first: number;
      readonly count: number;
      readonly pages: readonly number[];
    }
  | { readonly op: "run"; readonly vcpu: number; readonly accesses: readonly Access[] }
  | {
      /** The guest increments words, while the log is taken again and again, and the pages that it names are copied. */
      readonly op: "race";
      readonly vcpu: number;
      readonly by: (typeof HARVESTS)[number];
      readonly id: number;
      readonly accesses: readonly Access[];
    }
  | { readonly op: "resume"; readonly vcpu: number }
  | { readonly op: "host"; readonly id: number; readonly page: number }
  | { readonly op: "collect"; readonly vcpu: number; readonly most: number };

export interface KvmQuestion {
  readonly file: string;
  readonly name: string;
  readonly source: string;
  readonly commands: readonly Command[];
}

/** The questions of a file. @throws UserError, a line for each mistake */
export function loadQuestions(file: string, text: string): KvmQuestion[] {
  const { value, at } = parseYaml(file, text, fileSchema);
  const names = new Set<string>();
  return value.questions.map(({ name, source, steps: list }, i) => {
    if (names.has(name)) throw new UserError(`${at(["questions", i])}: two questions "${name}"`);
    names.add(name);
    const addresses = new Map<number, number>();
    const commands = list.flatMap((one, k) => {
      const problem = (text: string) =>
        new UserError(`${at(["questions", i, "steps", k])}: questions[${i}].steps[${k}]: ${text}`);
      return commandsOf(one, addresses, problem);
    });
    return { file, name, source, commands };
  });
}

/** @param addresses where each slot is by now; of one that was deleted, where it was */
function commandsOf(
  step: Step,
  addresses: Map<number, number>,
  problem: (text: string) => UserError,
): Command[] {
  if ("offers" in step) return [{ op: "offers", name: step.offers }];
  if ("manual" in step) return [{ op: "manual", flags: step.manual }];
  if ("ring" in step) return [{ op: "ring", bytes: step.ring }];
  if ("ringBitmap" in step) return [{ op: "ringBitmap" }];
  if ("reset" in step) return [{ op: "reset" }];
  if ("resume" in step) return [{ op: "resume", vcpu: step.resume }];
  if ("get" in step) return [{ op: "get", id: step.get }];
  if ("collect" in step) {
    return [{ op: "collect", vcpu: step.collect, most: step.most ?? ACCESSES_MAX }];
  }
  if ("region" in step) {
    const { region: id, address, bytes, user } = step;
    const outside = address + bytes > ADDRESS_MAX || user + bytes > SLOT_BYTES;
    if (outside) throw problem("expected a region below 1 GiB, of at most 64 MiB");
    addresses.set(id, bytes === 0 ? (addresses.get(id) ?? 0) : address);
    return [{ op: "slot", id, flags: bitsOf(step.flags), address, bytes, user }];
  }
  if ("clear" in step) {
    const { clear: id, first, count } = step;
    const mask = step.pages === undefined ? pagesFrom(first, count) : listed(step.pages, problem);
    return [{ op: "clear", id, first, count, pages: mask }];
  }
  if ("vmmWrites" in step) {
    const { slot: id } = step;
    return listed(step.vmmWrites, problem).map((page) => ({ op: "host", id, page }));
  }
  if ("write" in step || "read" in step || "race" in step) {
    const { slot: id, vcpu } = step;
    const base = addresses.get(id);
    if (base === undefined) throw problem(`no step before has made slot ${id}`);
    const write = !("read" in step);
    const items = "write" in step ? step.write : "read" in step ? step.read : step.race;
    const list = listed(items, problem);
    const accesses = list.map((page) => ({ write, address: base + page * PAGE_BYTES }));
    if (!("race" in step)) return [{ op: "run", vcpu, accesses }];
    if (accesses.length * step.passes > ACCESSES_MAX) {
      throw problem(`expected at most ${ACCESSES_MAX} accesses`);
    }
    const all = Array.from({ length: step.passes }, () => accesses).flat();
    return [{ op: "race", vcpu, by: step.by, id, accesses: all }];
  }
  return [{ op: "vcpu" }];
}

function bitsOf(flags: readonly (keyof typeof SlotFlag)[] | number): number {
  if (typeof flags === "number") return flags;
  return flags.reduce((bits, flag) => bits | SlotFlag[flag], 0);
}

function pagesFrom(first: number, count: number): number[] {
  return Array.from({ length: Math.min(count, ACCESSES_MAX) }, (_, i) => first + i);
}

function listed(
  items: readonly (number | string)[],
  problem: (text: string) => UserError,
): number[] {
  const all = items.flatMap((item) => {
    if (typeof item === "number") return [item];
    const [first = 0, last = 0] = item.split("-").map(Number);
    if (last < first) throw problem(`${item}: expected the lower page first`);
    return pagesFrom(first, last - first + 1);
  });
  if (all.length > ACCESSES_MAX) throw problem(`expected at most ${ACCESSES_MAX} pages`);
  return all;
}

/** A command as ask.c reads it. */
export function lineOf(command: Command): string {
  switch (command.op) {
    case "offers":
      return `offers ${command.name}`;
    case "manual":
      return `manual ${command.flags}`;
    case "ring":
      return `ring ${command.bytes}`;
    case "slot":
      return `slot ${command.id} ${command.flags} ${command.address} ${command.bytes} ${command.user}`;
    case "get":
      return `get ${command.id}`;
    case "clear":
      return ["clear", command.id, command.first, command.count, ...command.pages].join(" ");
    case "run": {
      const words = command.accesses.map(({ write, address }) => `${write ? "w" : "r"}${address}`);
      return ["run", command.vcpu, ...words].join(" ");
    }
    case "race": {
      const words = command.accesses.map(({ address }) => `i${address}`);
      return ["race", command.vcpu, command.by, command.id, ...words].join(" ");
    }
    case "resume":
      return `resume ${command.vcpu}`;
    case "host":
      return `host ${command.id} ${command.page}`;
    case "collect":
      return `collect ${command.vcpu} ${command.most}`;
    default:
      return command.op;
  }
}
