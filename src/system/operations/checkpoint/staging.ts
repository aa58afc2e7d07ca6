/**
 * The staging buffer (Remus, NSDI'08: copied while the VM is stopped, written while it runs): pages as
 * they were when they were copied. For each VM: how many pages; and for each its number, and its
 * version or the words of a paging structure.
 */

import { type DirtyBitmap, forEachMarked } from "../../../hypervisor/dirtyBitmap.ts";
import { wordAt } from "../../../lookup.ts";
import { allPages } from "./pageBlocks.ts";
import { tableOffset, type VmImage, type VmMemory } from "./vmImage.ts";
import { WordList } from "./wordList.ts";

/** Copies a VM's pages, all or the marked ones, to the end of the buffer. Returns their numbers, ascending. */
export function stagePages(
  staging: WordList,
  image: VmImage,
  memory: VmMemory,
  marked: DirtyBitmap | null,
): readonly number[] {
  const countAt = staging.length;
  staging.push(0);
  const words = memory.words();
  const copied: number[] = [];
  const copy = (page: number): void => {
    staging.push(page);
    copied.push(page);
    const offset = tableOffset(image, page);
    if (offset < 0) {
      staging.push(wordAt(memory.versions, page));
    } else {
      const at = wordAt(memory.tablesAt, offset / image.tableWords);
      staging.pushAll(words.subarray(at, at + image.tableWords));
    }
  };
  if (marked === null) {
    for (const page of allPages(image.layout)) copy(page);
  } else {
    forEachMarked(marked, (page) => {
      if (page < image.layout.pages || tableOffset(image, page) >= 0) copy(page);
    });
  }
  staging.words[countAt] = copied.length;
  return copied;
}

/** The staged pages as the images have them: put into the images, they are as they were. */
export function unstaged(staging: WordList, images: readonly VmImage[]): WordList {
  const before = new WordList("as it was");
  const { words } = staging;
  let at = 0;
  for (const image of images) {
    const count = wordAt(words, at++);
    before.push(count);
    for (let i = 0; i < count; i++) {
      const page = wordAt(words, at);
      const offset = tableOffset(image, page);
      before.push(page);
      if (offset < 0) {
        before.push(wordAt(image.versions, page));
        at += 2;
      } else {
        before.pushAll(image.tables.subarray(offset, offset + image.tableWords));
        at += 1 + image.tableWords;
      }
    }
  }
  return before;
}

/** Puts the staged pages into the images and returns their numbers, by VM. */
export function applyStaged(staging: WordList, images: readonly VmImage[]): number[][] {
  const { words } = staging;
  let at = 0;
  return images.map((image) => {
    const pages: number[] = [];
    const count = wordAt(words, at++);
    for (let i = 0; i < count; i++) {
      const page = wordAt(words, at++);
      pages.push(page);
      const offset = tableOffset(image, page);
      if (offset < 0) {
        image.versions[page] = wordAt(words, at++);
      } else {
        image.tables.set(words.subarray(at, at + image.tableWords), offset);
        at += image.tableWords;
      }
    }
    return pages;
  });
}
