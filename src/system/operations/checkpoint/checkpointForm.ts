/** What of a checkpointing operation's memory is state: no times; and of contents, which copies are alike. */
import { UserError } from "../../../errors.ts";
import { Counter } from "../../../hardware/counters.ts";
import {
  type Extent,
  NO_COPY,
  type NormalForm,
  type PageCopies,
} from "../../../hardware/normalForm.ts";
import { elementAt } from "../../../hardware/part.ts";
import { sourceOf } from "../../../io/byteSource.ts";
import { fieldOf, itemAt, wordAt } from "../../../lookup.ts";
import type { Counters } from "../../world.ts";
import { type Book, BookState, RECORD_FIELDS } from "./book.ts";
import type { CheckpointDevice } from "./device.ts";
import { readCheckpoint, scanCheckpoints } from "./reader.ts";
import type { CheckpointSink } from "./sink.ts";
import { VmImage } from "./vmImage.ts";
import type { WordList } from "./wordList.ts";

/** What is noted of checkpoints, but for the accesses before the last one. */
export function bookForm(book: Book): NormalForm {
  return {
    extents: [
      { part: book, array: "records" },
      { part: book, array: "state", end: BookState.accesses },
      { part: book, array: "state", from: BookState.accesses + 1 },
    ],
    lists: ["checkpoints", "full", "held"],
    save: () => ({
      // None, the first, or a later one.
      checkpoints: [Math.min(book.count, 2)],
      full: [book.count > 0 && book.record(book.count - 1).full ? 1 : 0],
      held: [Math.min(elementAt(fieldOf(book.arrays(), "state"), BookState.heldCount), 1)],
    }),
    restore(words) {
      const count = itemAt(fieldOf(words, "checkpoints"), 0);
      const full = itemAt(fieldOf(words, "full"), 0);
      book.resize({ records: count * RECORD_FIELDS });
      const records = fieldOf(book.arrays(), "records");
      const state = fieldOf(book.arrays(), "state");
      for (let number = 0; number < count; number++) {
        records.set([number, 0, 0, 0, 0, full], number * RECORD_FIELDS);
      }
      state.fill(0, BookState.pausedAt);
      state[BookState.heldCount] = itemAt(fieldOf(words, "held"), 0);
    },
    scramble() {},
    // Of all pages, or of none.
    renumber: (words) => words,
  };
}

/** Whether VMs have accessed anything since the last checkpoint: whether there is output. @param isFirst of all VMs */
export function sentForm(book: Book, vcpus: readonly Counters[], isFirst: boolean): NormalForm {
  const at = { from: Counter.accesses, end: Counter.accesses + 1 };
  const noted: Extent = {
    part: book,
    array: "state",
    from: BookState.accesses,
    end: BookState.accesses + 1,
  };
  return {
    extents: [
      ...vcpus.map((part) => ({ part, array: "values", ...at })),
      ...(isFirst ? [noted] : []),
    ],
    lists: ["sent"],
    save() {
      const counts = vcpus.map(({ values }) => elementAt(values, Counter.accesses));
      const accesses = counts.reduce((sum, one) => sum + one, 0);
      const before = elementAt(fieldOf(book.arrays(), "state"), BookState.accesses);
      return { sent: [accesses > before ? 1 : 0] };
    },
    restore(words) {
      vcpus.forEach(({ values }, number) => {
        values[Counter.accesses] = number === 0 ? itemAt(fieldOf(words, "sent"), 0) : 0;
      });
      fieldOf(book.arrays(), "state")[BookState.accesses] = 0;
    },
    scramble() {},
    renumber: (words) => words,
  };
}

/** A VM's pages in the staging buffer, which has of each VM a count, then page and version. VMs are put there in order. */
export function stagedCopies(staging: WordList, vm: number, pages: number): PageCopies {
  return {
    read() {
      const versions = new Int32Array(pages).fill(NO_COPY);
      const { words, length } = staging;
      let at = 0;
      for (let other = 0; at < length; other++) {
        const end = at + 1 + 2 * wordAt(words, at);
        for (at++; at < end; at += 2) {
          if (other === vm) versions[wordAt(words, at)] = wordAt(words, at + 1);
        }
      }
      return versions;
    },
    write(versions) {
      if (vm === 0) staging.clear();
      const staged = Array.from(versions.keys()).filter((page) => versions[page] !== NO_COPY);
      staging.push(staged.length);
      for (const page of staged) staging.pushAll(Int32Array.of(page, wordAt(versions, page)));
    },
  };
}

/** The versions that the bytes of a checkpoint file restore to, by VM; null if they hold no whole checkpoint. */
export function versionsIn(device: CheckpointDevice, bytes: Buffer): readonly Int32Array[] | null {
  const source = sourceOf("storage", bytes);
  try {
    const last = scanCheckpoints(source).checkpoints.at(-1);
    if (last === undefined) return null;
    const images = emptyImages(device);
    readCheckpoint(source, last, images);
    return images.map(({ versions }) => versions);
  } catch (error) {
    // Not even the beginning of a checkpoint file.
    if (error instanceof UserError) return null;
    throw error;
  }
}

function emptyImages({ images }: CheckpointDevice): VmImage[] {
  return images.map(({ layout, tableWords }) => new VmImage(layout, tableWords));
}

/** A VM's pages on the storage. Written, the file is one checkpoint with all pages, or empty. */
export function storedCopies(
  device: CheckpointDevice,
  sink: CheckpointSink & { readonly bytes: Buffer },
  vm: number,
): PageCopies {
  const { file, images } = device;
  return {
    read: () => versionsIn(device, sink.bytes)?.[vm] ?? [],
    write(versions) {
      const before = versionsIn(device, sink.bytes);
      fieldOf(file.arrays(), "state").fill(0);
      sink.begin(0);
      sink.commit();
      if (versions[0] === NO_COPY) return;
      const whole = emptyImages(device);
      whole.forEach((image, other) => {
        const own = other === vm ? versions : before?.[other];
        image.versions.set(own ?? itemAt(images, other).versions);
      });
      const pages = whole.map(() => []);
      const guests = whole.map(() => null);
      const state = Buffer.alloc(0);
      file.write({ number: 0, time: 0, full: true, images: whole, pages, guests, state });
    },
  };
}
