/** A guest whose next access is chosen by the explorer, when it is asked for. */

import type { Workload } from "../../../workloads/workload.ts";
import type { WordArray } from "../../hardware/part.ts";

export class ChoosingWorkload implements Workload {
  readonly name: string;
  readonly pages: number;
  readonly gap = 0;
  readonly endless = true;
  /** The next access, packed as src/hardware/accessLoop.ts defines; -1 = the guest halts. */
  next = 0;
  /** Whether an access was asked for since this was set to false. */
  asked = false;

  constructor(name: string, pages: number) {
    this.name = name;
    this.pages = pages;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return {};
  }

  fill(block: Int32Array): number {
    this.asked = true;
    if (this.next < 0) return 0;
    block[0] = this.next;
    return 1;
  }
}
