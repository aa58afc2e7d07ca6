/**
 * The memory of a checkpointing operation as slots. Contents of pages are only ever copied and compared,
 * so what matters of a page is which of its copies are alike: the page itself, the staged copy, the
 * device's image, the copy that a reader finds on the storage, and two that the device does not know of:
 * the page as it was when the last checkpoint was copied, and when the last acknowledged one was.
 *
 * The file is kept in a normal form: one checkpoint, with all pages, that restores to the same contents.
 * Each step in which a checkpoint is added begins from such a file, and is read back.
 */

import { UserError } from "../../errors.ts";
import { Counter } from "../../hardware/counters.ts";
import {
  type MemoryPart,
  type NormalForm,
  renumberedList,
  wholeOf,
} from "../../hardware/normalForm.ts";
import { elementAt } from "../../hardware/part.ts";
import { sourceOf } from "../../io/byteSource.ts";
import { fieldOf, itemAt, numberAt, wordAt } from "../../lookup.ts";
import { type Book, BookState, RECORD_FIELDS } from "../../system/operations/checkpoint/book.ts";
import type { CheckpointDevice } from "../../system/operations/checkpoint/device.ts";
import { readCheckpoint, scanCheckpoints } from "../../system/operations/checkpoint/reader.ts";
import { VmImage } from "../../system/operations/checkpoint/vmImage.ts";
import type { WordList } from "../../system/operations/checkpoint/wordList.ts";
import type { System } from "../../system/system.ts";
import type { World } from "../../system/world.ts";
import type { ModelStorage } from "./failingStorage.ts";
import type { MemorySlot } from "./memorySlots.ts";

/** In place of a version: there is no such copy. */
const NONE = -1;
/** Of each page. */
const COPIES = 6;
/** Above every version that a restored copy gets, so that a write makes a page unlike all its copies. */
const NOW = 16;

export class CheckpointState {
  readonly device: CheckpointDevice;
  readonly storage: ModelStorage;
  /** By VM: versions when the checkpoint in the staging buffer was copied, and the last acknowledged one. */
  readonly copied: readonly Int32Array[];
  readonly acknowledged: readonly Int32Array[];
  /** The checkpoint in the staging buffer has been made durable. */
  durable = false;
  /** Memory that is no part of the device: both copies, and what is noted of the storage. */
  readonly copies: MemoryPart;
  readonly flags: MemoryPart;
  readonly #world: World;
  readonly #book: Book;

  constructor({ world }: System, device: CheckpointDevice, storage: ModelStorage) {
    this.#world = world;
    this.#book = device.book;
    this.device = device;
    this.storage = storage;
    const none = () => world.vms.map(({ guest }) => new Int32Array(guest.pages).fill(NONE));
    this.copied = none();
    this.acknowledged = none();
    this.copies = {
      name: "pages as they were",
      arrays: () => ({
        ...byVm("copied", this.copied),
        ...byVm("acknowledged", this.acknowledged),
      }),
    };
    this.flags = {
      name: "the storage",
      arrays: () => ({ flags: Int32Array.of(this.durable ? 1 : 0, storage.broken ? 1 : 0) }),
      put: ({ flags }) => {
        this.durable = (elementAt(flags!, 0) & 1) === 1;
        storage.broken = (elementAt(flags!, 1) & 1) === 1;
      },
    };
  }

  /** Versions as a reader finds them on the storage, by VM; null if it has no complete checkpoint. */
  restored(bytes: Buffer = this.storage.bytes): readonly Int32Array[] | null {
    const source = sourceOf("storage", bytes);
    try {
      const last = scanCheckpoints(source).checkpoints.at(-1);
      if (last === undefined) return null;
      const images = this.#newImages();
      readCheckpoint(source, last, images);
      return images.map(({ versions }) => versions);
    } catch (error) {
      // Not even the beginning of a checkpoint file.
      if (error instanceof UserError) return null;
      throw error;
    }
  }

  contents(vm: number): NormalForm {
    const { guest, vcpus } = itemAt(this.#world.vms, vm);
    const image = itemAt(this.device.images, vm);
    const counters = vcpus.map((vcpu) => itemAt(this.#world.vcpus, vcpu).counters.values);
    const noted = { part: this.#book, array: "state", from: BookState.accesses };
    const accesses = vcpus.map((vcpu) => ({
      part: itemAt(this.#world.vcpus, vcpu).counters,
      array: "values",
      from: Counter.accesses,
      end: Counter.accesses + 1,
    }));
    return {
      extents: [
        ...wholeOf([image, ...(vm === 0 ? this.#shared() : [])]),
        ...accesses,
        ...(vm === 0 ? [{ ...noted, end: BookState.accesses + 1 }] : []),
      ],
      lists: ["copies", "sent"],
      save: () => {
        const staged = this.#staged(vm);
        const file = this.restored()?.[vm];
        const copies = Array.from(guest.versions, (now, page) =>
          firstAppearances([
            now,
            wordAt(staged, page),
            wordAt(image.versions, page),
            file?.[page] ?? NONE,
            wordAt(itemAt(this.copied, vm), page),
            wordAt(itemAt(this.acknowledged, vm), page),
          ]),
        );
        const accesses = counters.reduce(
          (sum, values) => sum + numberAt(values, Counter.accesses),
          0,
        );
        const sent =
          accesses > elementAt(fieldOf(this.#book.arrays(), "state"), BookState.accesses);
        return { copies: copies.flat(), sent: [sent ? 1 : 0] };
      },
      restore: ({ copies, sent }) => {
        const of = (copy: number, page: number): number => {
          const label = itemAt(copies!, COPIES * page + copy);
          return label === NONE ? NONE : NOW - label;
        };
        const column = (copy: number) =>
          Int32Array.from(guest.versions, (_, page) => of(copy, page));
        guest.versions.set(column(0));
        this.#stage(vm, column(1));
        image.versions.set(column(2));
        this.#write(vm, column(3));
        itemAt(this.copied, vm).set(column(4));
        itemAt(this.acknowledged, vm).set(column(5));
        for (const values of counters) values[Counter.accesses] = 0;
        itemAt(counters, 0)[Counter.accesses] = itemAt(sent!, 0);
        fieldOf(this.#book.arrays(), "state")[BookState.accesses] = 0;
      },
      scramble() {},
      renumber: ({ copies, sent }, { page }) => ({
        copies: renumberedList(copies!, (one) => page(vm, one), COPIES),
        sent: sent!,
      }),
    };
  }

  /** What all VMs have together: the staging buffer, the file, and the two copies that are the model's own. */
  #shared(): MemoryPart[] {
    const { device, images, book } = { ...this, images: this.device.images, book: this.#book };
    const others: readonly MemoryPart[] = [book, ...images];
    return [...device.parts.filter((part) => !others.includes(part)), this.copies];
  }

  /** The rest: what the device has noted, and whether the storage works. Times are no state. */
  operationSlot(): MemorySlot {
    const book = this.#book;
    return {
      name: "operation",
      extents: [
        ...wholeOf([this.flags]),
        { part: book, array: "records" },
        { part: book, array: "state", end: BookState.accesses },
        { part: book, array: "state", from: BookState.accesses + 1 },
      ],
      lists: ["checkpoints", "full", "held", "broken", "durable"],
      save: () => {
        const { count } = book;
        const held = elementAt(fieldOf(book.arrays(), "state"), BookState.heldCount);
        return {
          // None, the first, or a later one.
          checkpoints: [Math.min(count, 2)],
          full: [count > 0 && book.record(count - 1).full ? 1 : 0],
          held: [Math.min(held, 1)],
          broken: [this.storage.broken ? 1 : 0],
          durable: [this.durable ? 1 : 0],
        };
      },
      restore: ({ checkpoints, full, held, broken, durable }) => {
        const count = itemAt(checkpoints!, 0);
        book.resize({ records: count * RECORD_FIELDS });
        const { records, state } = book.arrays();
        for (let number = 0; number < count; number++) {
          records!.set([number, 0, 0, 0, 0, itemAt(full!, 0)], number * RECORD_FIELDS);
        }
        state!.fill(0, BookState.pausedAt);
        state![BookState.heldCount] = itemAt(held!, 0);
        this.storage.broken = broken![0] === 1;
        this.storage.commits = 0;
        this.durable = durable![0] === 1;
      },
      scramble() {},
      // Of all pages, or of none.
      renumber: (words) => words,
    };
  }

  #newImages(): VmImage[] {
    return this.device.images.map(({ layout, tableWords }) => new VmImage(layout, tableWords));
  }

  /** Versions in the staging buffer: of each VM a count, then page and version. */
  #staged(vm: number): Int32Array {
    const { guest } = itemAt(this.#world.vms, vm);
    const versions = new Int32Array(guest.pages).fill(NONE);
    const { words, length } = this.#staging;
    let at = 0;
    for (let other = 0; at < length; other++) {
      const end = at + 1 + 2 * wordAt(words, at);
      for (at++; at < end; at += 2)
        if (other === vm) versions[wordAt(words, at)] = wordAt(words, at + 1);
    }
    return versions;
  }

  #stage(vm: number, versions: Int32Array): void {
    const staging = this.#staging;
    // VMs are restored in their order.
    if (vm === 0) staging.clear();
    const pages = Array.from(versions.keys()).filter((page) => versions[page] !== NONE);
    staging.push(pages.length);
    for (const page of pages) staging.pushAll(Int32Array.of(page, wordAt(versions, page)));
  }

  get #staging(): WordList {
    return this.device.staging;
  }

  /** Makes the storage's file one checkpoint with these versions; none if there are none. */
  #write(vm: number, versions: Int32Array): void {
    const { file } = this.device;
    const { storage } = this;
    const before = this.restored();
    const { broken } = storage;
    storage.broken = false;
    fieldOf(file.arrays(), "state").fill(0);
    storage.begin(0);
    storage.commit();
    if (versions[0] !== NONE) this.#writeAll(vm, versions, before);
    storage.broken = broken;
    storage.commits = 0;
  }

  #writeAll(vm: number, versions: Int32Array, before: readonly Int32Array[] | null): void {
    const { file, images } = this.device;
    const whole = this.#newImages();
    whole.forEach((image, other) => {
      image.versions.set(
        other === vm ? versions : (before?.[other] ?? itemAt(images, other).versions),
      );
    });
    const pages = whole.map(() => []);
    file.write({ number: 0, time: 0, full: true, images: whole, pages, state: Buffer.alloc(0) });
  }
}

function byVm(what: string, copies: readonly Int32Array[]): Readonly<Record<string, Int32Array>> {
  return Object.fromEntries(copies.map((versions, vm) => [`${what}${vm}`, versions]));
}

/** Which of some values are alike: each as the number of the first that is; NONE stays. */
function firstAppearances(values: readonly number[]): number[] {
  return values.map((value) => (value === NONE ? NONE : values.indexOf(value)));
}
