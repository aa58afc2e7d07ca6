/**
 * The pages of a VM that a differential checkpoint owes: what harvests have taken out of the log and no checkpoint on
 * the storage has yet. Firecracker keeps them in the VMM's own bitmap, beside KVM's (vm.rs, snapshot_memory_to_file: a
 * failed write stores KVM's bits there). What the checkpoint then leaves out is held against the VM's memory.
 */
import type { Part, WordArray } from "../../../hardware/part.ts";
import { addAll, clearMarks, DirtyBitmap, isMarked } from "../../../hypervisor/dirtyBitmap.ts";
import { numberAt, wordAt } from "../../../lookup.ts";
import type { Overlap } from "../../verdict/agreement.ts";
import type { VmImage, VmMemory } from "./vmImage.ts";

/** Positions in `differences`: data pages that differential checkpoints held, pages that had changed since the one before, and both. */
const Sum = { found: 0, owed: 1, right: 2 } as const;

/** Positions in `left`: checkpoints that left something out; of the first of them its number, how many pages, the first. */
const Left = { checkpoints: 0, number: 1, pages: 2, first: 3 } as const;

/** What the first checkpoint that left pages out has left out. */
export interface LeftOut {
  readonly checkpoints: number;
  readonly number: number;
  readonly pages: number;
  readonly first: number;
}

export class OwedPages implements Part {
  readonly name: string;
  readonly statistics = ["left", "differences"];
  readonly owed: DirtyBitmap;
  /** A planted fault: what a harvest has taken is forgotten when its checkpoint fails. */
  readonly #forgets: boolean;
  readonly #left = new Float64Array(Object.keys(Left).length);
  readonly #sums = new Float64Array(Object.keys(Sum).length);

  /** @param vm its name. @param pages with those of its own page tables */
  constructor(vm: string, pages: number, forgets: boolean) {
    this.name = `checkpoint/left out of ${vm}`;
    this.owed = new DirtyBitmap(`checkpoint/owed by ${vm}`, pages);
    this.#forgets = forgets;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { left: this.#left, differences: this.#sums };
  }

  get parts(): readonly Part[] {
    return [this.owed, this];
  }

  /** Null: nothing was left out. */
  get leftOut(): LeftOut | null {
    const at = (position: number): number => numberAt(this.#left, position);
    const checkpoints = at(Left.checkpoints);
    if (checkpoints === 0) return null;
    return { checkpoints, number: at(Left.number), pages: at(Left.pages), first: at(Left.first) };
  }

  /** Of all differential checkpoints so far, each page counted in each: held, changed since the one before, and both. */
  get overlap(): Overlap {
    const at = (position: number): number => numberAt(this.#sums, position);
    return { found: at(Sum.found), owed: at(Sum.owed), right: at(Sum.right) };
  }

  /** A harvest's pages are owed, beside those of checkpoints that failed. */
  add(harvested: DirtyBitmap): DirtyBitmap {
    if (this.#forgets) clearMarks(this.owed);
    addAll(harvested, this.owed);
    return this.owed;
  }

  /** They are on the storage. */
  settle(): void {
    clearMarks(this.owed);
  }

  /** Notes how what is owed agrees with the data pages that are not as the last checkpoint has them, and what is left out. */
  compare(number: number, image: VmImage, { versions }: VmMemory): void {
    let [pages, first, found, right] = [0, -1, 0, 0];
    for (let page = 0; page < image.layout.pages; page++) {
      const isOwed = isMarked(this.owed, page);
      if (isOwed) found++;
      if (wordAt(versions, page) === wordAt(image.versions, page)) continue;
      if (isOwed) right++;
      else if (pages++ === 0) first = page;
    }
    this.#add(found, right, pages);
    if (pages === 0) return;
    const before = numberAt(this.#left, Left.checkpoints);
    this.#left[Left.checkpoints] = before + 1;
    if (before === 0) this.#left.set([number, pages, first], Left.number);
  }

  #add(found: number, right: number, missed: number): void {
    const sums = this.#sums;
    sums[Sum.found] = numberAt(sums, Sum.found) + found;
    sums[Sum.owed] = numberAt(sums, Sum.owed) + right + missed;
    sums[Sum.right] = numberAt(sums, Sum.right) + right;
  }
}
