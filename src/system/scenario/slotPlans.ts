/**
 * The memory slots of a scenario's VM: what it begins with, and what is changed while it runs. Each is held against KVM's
 * own rules, in the order in which it comes, before any memory is built.
 */
import * as z from "zod";
import type { FieldPath } from "../../config/fieldPath.ts";
import { positiveDuration, size, sizeOrNothing } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import {
  changeOf,
  type KvmError,
  type MemorySlot,
  SLOTS_MAX,
  SlotFlag,
  slotOf,
} from "../../hypervisor/slots/memorySlot.ts";
import { type RegionPlan, regionOf, type SlotsPlan } from "../../hypervisor/slots/vmSlots.ts";

const address = sizeOrNothing.describe(
  "where the slot begins in guest-physical memory; default: after the slot before it",
);

const slot = z.strictObject({
  address: address.optional(),
  memory: size,
  log: z
    .boolean()
    .default(false)
    .describe("whether its writes are logged though nobody tracks the VM, as those of a screen"),
  readOnly: z.boolean().default(false).describe("whether a write to it is one to a device"),
});

const change = z.strictObject({
  at: positiveDuration.describe("when, from the start"),
  slot: z
    .int()
    .min(0)
    .max(SLOTS_MAX - 1)
    .describe("its number; what is not said of it stays as it was said last"),
  address: address.optional(),
  memory: sizeOrNothing.optional().describe("0: the slot is deleted"),
  log: z.boolean().optional(),
  readOnly: z.boolean().optional(),
});

export const slotsSchema = z
  .array(slot)
  .min(1)
  .max(1000)
  .describe("KVM's memory slots, numbered from 0; default: all memory is one");
export const slotChangesSchema = z
  .array(change)
  .max(1000)
  .describe(
    "slots that are made, moved, changed or deleted while the VM runs (KVM_SET_USER_MEMORY_REGION)",
  );

export interface SlotsOfVm {
  readonly slots?: z.output<typeof slotsSchema> | undefined;
  readonly slotChanges?: z.output<typeof slotChangesSchema> | undefined;
}

interface Said {
  readonly address: number;
  readonly memory: number;
  readonly log: boolean;
  readonly readOnly: boolean;
}

const WHY: Readonly<Record<KvmError, string>> = {
  EINVAL:
    "a slot keeps its size, its memory and whether it is read-only, and one that is not there cannot be deleted",
  EEXIST: "it would overlap another slot",
  ENOENT: "there is no such slot",
  ENXIO: "there is no such log",
  E2BIG: "it is too large",
};

/** Where mistakes of a VM are told. */
export interface Place {
  readonly problems: Problems;
  readonly vm: number;
}

function told({ problems, vm }: Place, path: FieldPath, message: string): void {
  problems.add(["vms", vm, ...path], message);
}

/** @returns null if the VM has no slots of its own */
export function slotsPlan(vm: SlotsOfVm, at: Place): SlotsPlan | null {
  const { slots, slotChanges = [] } = vm;
  if (slots === undefined) {
    if (slotChanges.length > 0) told(at, ["slotChanges"], 'it needs the VM\'s "slots"');
    return null;
  }
  const userPages = placesOf(slots, slotChanges);
  const book = new Book(userPages.first, at);
  const regions = slots.map((one, number) => {
    const { address: from, ...rest } = one;
    return book.take(number, { ...rest, address: from ?? book.end }, ["slots", number]);
  });
  let before = 0;
  const changes = slotChanges.map(({ at: time, slot: number, ...said }, i) => {
    if (time < before) told(at, ["slotChanges", i, "at"], "expected times that ascend");
    before = time;
    const last = book.said.get(number);
    if (last === undefined && said.memory === undefined) {
      told(at, ["slotChanges", i, "memory"], `there is no slot ${number} yet: expected its size`);
    }
    const first = { address: book.end, memory: 0, log: false, readOnly: false };
    const { address: from, memory, log, readOnly } = last ?? first;
    const now = {
      address: said.address ?? from,
      memory: said.memory ?? memory,
      log: said.log ?? log,
      readOnly: said.readOnly ?? readOnly,
    };
    return { at: time, region: book.take(number, now, ["slotChanges", i]) };
  });
  return { regions, changes, userPages: userPages.total };
}

/** Each slot has memory of its own, as much as is ever said of it. */
function placesOf(
  slots: NonNullable<SlotsOfVm["slots"]>,
  changes: NonNullable<SlotsOfVm["slotChanges"]>,
): { readonly first: ReadonlyMap<number, number>; readonly total: number } {
  const most = new Map(slots.map(({ memory }, number) => [number, memory]));
  for (const { slot: number, memory = 0 } of changes) {
    most.set(number, Math.max(most.get(number) ?? 0, memory));
  }
  const first = new Map<number, number>();
  let total = 0;
  for (const [number, pages] of most) {
    first.set(number, total);
    total += pages;
  }
  return { first, total };
}

/** The slots as they would be. */
class Book {
  readonly said = new Map<number, Said>();
  readonly #slots = new Map<number, MemorySlot>();
  readonly #userPages: ReadonlyMap<number, number>;
  readonly #place: Place;
  /** The first page after all slots. */
  end = 0;

  constructor(userPages: ReadonlyMap<number, number>, place: Place) {
    this.#userPages = userPages;
    this.#place = place;
  }

  take(number: number, said: Said, path: FieldPath): RegionPlan {
    const flags = (said.log ? SlotFlag.log : 0) | (said.readOnly ? SlotFlag.readOnly : 0);
    const userPage = this.#userPages.get(number) ?? 0;
    const region = {
      slot: number,
      flags,
      firstPage: said.address,
      pages: said.memory,
      userPage,
    };
    const kind = changeOf(this.#slots, regionOf(region));
    switch (kind) {
      case "nothing":
        told(this.#place, path, `slot ${number}: it changes nothing`);
        break;
      case "delete":
        this.#slots.delete(number);
        break;
      case "create":
      case "move":
      case "flags":
        this.#slots.set(number, slotOf(regionOf(region), null));
        break;
      default:
        told(this.#place, path, `slot ${number}: ${kind}: ${WHY[kind]}`);
    }
    // What is deleted may come again as it was.
    this.said.set(number, said.memory === 0 ? { ...said, memory: this.#sizeOf(number) } : said);
    this.end = Math.max(this.end, said.address + said.memory);
    return region;
  }

  #sizeOf(number: number): number {
    return this.said.get(number)?.memory ?? 0;
  }
}

/** The first guest-physical page after all that slots ever take. */
export function slotsEnd({ regions, changes }: SlotsPlan): number {
  const all = [...regions, ...changes.map(({ region }) => region)];
  return Math.max(...all.map(({ firstPage, pages }) => firstPage + pages));
}
