/**
 * The pages of a VM that a differential checkpoint owes: what harvests have taken out of the log and no checkpoint on
 * the storage has yet. Firecracker keeps them in the VMM's own bitmap, beside KVM's (vm.rs, snapshot_memory_to_file: a
 * failed write stores KVM's bits there). What the checkpoint then leaves out is held against the VM's memory.
 */
import type { Part, WordArray } from "../../../hardware/part.ts";
import { addAll, clearMarks, DirtyBitmap, isMarked } from "../../../hypervisor/dirtyBitmap.ts";
import { numberAt, wordAt } from "../../../lookup.ts";
import type { VmImage, VmMemory } from "./vmImage.ts";

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
  readonly statistics = ["left"];
  readonly owed: DirtyBitmap;
  /** A planted fault: what a harvest has taken is forgotten when its checkpoint fails. */
  readonly #forgets: boolean;
  readonly #left = new Float64Array(Object.keys(Left).length);

  /** @param vm its name. @param pages with those of its own page tables */
  constructor(vm: string, pages: number, forgets: boolean) {
    this.name = `checkpoint/left out of ${vm}`;
    this.owed = new DirtyBitmap(`checkpoint/owed by ${vm}`, pages);
    this.#forgets = forgets;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { left: this.#left };
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

  /** Notes the data pages that are not owed, and are not as the last checkpoint has them. */
  compare(number: number, image: VmImage, { versions }: VmMemory): void {
    let [pages, first] = [0, -1];
    for (let page = 0; page < image.layout.pages; page++) {
      if (wordAt(versions, page) === wordAt(image.versions, page)) continue;
      if (isMarked(this.owed, page)) continue;
      if (pages === 0) first = page;
      pages++;
    }
    if (pages === 0) return;
    const before = numberAt(this.#left, Left.checkpoints);
    this.#left[Left.checkpoints] = before + 1;
    if (before === 0) this.#left.set([number, pages, first], Left.number);
  }
}
