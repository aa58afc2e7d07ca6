/**
 * What a model of checkpoints has beside the operation's memory: storage that may fail, and two copies of pages that the
 * device does not know of: as they were when the last checkpoint was copied, and when the last acknowledged one was.
 * Each step in which a checkpoint is added begins from a file with one checkpoint, and is read back.
 */
import {
  copiesForm,
  type MemoryPart,
  NO_COPY,
  type NormalForm,
  type PageCopies,
  wholeOf,
} from "../../hardware/normalForm.ts";
import { elementAt } from "../../hardware/part.ts";
import { bitmapForm } from "../../hypervisor/dirtyBitmap.ts";
import { fieldOf, itemAt } from "../../lookup.ts";
import {
  bookForm,
  sentForm,
  stagedCopies,
  storedCopies,
  versionsIn,
} from "../../system/operations/checkpoint/checkpointForm.ts";
import type { CheckpointDevice } from "../../system/operations/checkpoint/device.ts";
import type { World } from "../../system/world.ts";
import type { ModelStorage } from "./failingStorage.ts";

export class CheckpointState {
  readonly device: CheckpointDevice;
  readonly storage: ModelStorage;
  /** By VM: versions when the checkpoint in the staging buffer was copied, and the last acknowledged one. */
  readonly copied: readonly Int32Array[];
  readonly acknowledged: readonly Int32Array[];
  /** The checkpoint in the staging buffer has been made durable. */
  durable = false;
  readonly #copies: MemoryPart;
  readonly #world: World;

  constructor(world: World, device: CheckpointDevice, storage: ModelStorage) {
    this.#world = world;
    this.device = device;
    this.storage = storage;
    const none = () => world.vms.map(({ guest }) => new Int32Array(guest.pages).fill(NO_COPY));
    this.copied = none();
    this.acknowledged = none();
    const byVm = (what: string, copies: readonly Int32Array[]) =>
      Object.fromEntries(copies.map((versions, vm) => [`${what}${vm}`, versions]));
    this.#copies = {
      name: "pages as they were",
      arrays: () => ({
        ...byVm("copied", this.copied),
        ...byVm("acknowledged", this.acknowledged),
      }),
    };
  }

  /** Versions as a reader finds them on the storage, by VM; null if it has no complete checkpoint. */
  restored(bytes: Buffer = this.storage.bytes): readonly Int32Array[] | null {
    return versionsIn(this.device, bytes);
  }

  /** All copies of a VM's pages. */
  contents(vm: number): readonly NormalForm[] {
    const { device, storage } = this;
    const { guest, vcpus } = itemAt(this.#world.vms, vm);
    const image = itemAt(device.images, vm);
    const stored = storedCopies(device, storage, vm);
    const copies: readonly PageCopies[] = [
      inWords(guest.versions),
      stagedCopies(device.staging, vm, guest.pages),
      inWords(image.versions),
      { ...stored, write: (versions) => storage.whileItWorks(() => stored.write(versions)) },
      inWords(itemAt(this.copied, vm)),
      inWords(itemAt(this.acknowledged, vm)),
    ];
    // What all VMs have together: the staging buffer, the file, and the two copies that are the model's own.
    const owed = device.owed.flatMap(({ parts }) => parts);
    const others: readonly MemoryPart[] = [device.book, ...device.images, ...owed];
    const shared = [...device.parts.filter((part) => !others.includes(part)), this.#copies];
    const counters = vcpus.map((vcpu) => itemAt(this.#world.vcpus, vcpu).counters);
    return [
      copiesForm("copies", vm, copies, wholeOf([image, ...(vm === 0 ? shared : [])])),
      sentForm(device.book, counters, vm === 0),
      ...device.owed
        .slice(vm, vm + 1)
        .map(({ owed }) => bitmapForm(owed, "unwritten", "the pages that a checkpoint owes", vm)),
    ];
  }

  /** What the device has noted, and whether the storage works. */
  forms(): readonly NormalForm[] {
    return [bookForm(this.device.book), this.#flagsForm()];
  }

  #flagsForm(): NormalForm {
    const { storage } = this;
    const set = (broken: number, durable: number): void => {
      storage.broken = (broken & 1) === 1;
      this.durable = (durable & 1) === 1;
    };
    const flags: MemoryPart = {
      name: "the storage",
      arrays: () => ({ flags: Int32Array.of(storage.broken ? 1 : 0, this.durable ? 1 : 0) }),
      put: (arrays) => {
        const words = fieldOf(arrays, "flags");
        set(elementAt(words, 0), elementAt(words, 1));
      },
    };
    return {
      extents: wholeOf([flags]),
      lists: ["broken", "durable"],
      save: () => ({ broken: [storage.broken ? 1 : 0], durable: [this.durable ? 1 : 0] }),
      restore: (words) => {
        set(itemAt(fieldOf(words, "broken"), 0), itemAt(fieldOf(words, "durable"), 0));
        storage.commits = 0;
      },
      scramble() {},
      renumber: (words) => words,
    };
  }
}

function inWords(versions: Int32Array): PageCopies {
  return { read: () => versions, write: (other) => versions.set(other) };
}
