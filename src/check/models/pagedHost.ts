/**
 * What is asked of an overcommitted host, and noted for that: what was last written to each page, and what no harvest has
 * reported. The host's own state its parts say (src/system/operations/overcommit/device.ts).
 */

import { ACCESS_PAGE_SHIFT, AccessKind } from "../../hardware/accessLoop.ts";
import { forEachLeaf, frameAt } from "../../hardware/ept.ts";
import { wasWritten } from "../../hardware/guestPages.ts";
import { DATA_FRAME_BASE } from "../../hardware/memory.ts";
import {
  type MemoryPart,
  type NormalForm,
  type Words,
  whilePagesStay,
  wholeOf,
} from "../../hardware/normalForm.ts";
import { META_SPACE_SHIFT } from "../../hardware/tlb.ts";
import { isMarked } from "../../hypervisor/dirtyBitmap.ts";
import type { Paging } from "../../hypervisor/overcommit/paging.ts";
import { PageState, stateBefore, type VmMemory } from "../../hypervisor/overcommit/vmMemory.ts";
import { fieldOf, itemAt, wordAt } from "../../lookup.ts";
import { pagingPiece } from "../../system/memoryPieces.ts";
import { isMeant } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { guestStep, type StepCheck } from "../hypervisor/stepContext.ts";
import { ofEach, over, type Property } from "../properties/property.ts";

export const CONTENT_SURVIVES = "a page comes back with what was last written to it";
export const NO_FRAME_REACHED = "no translation reaches a frame that its page has lost";
export const FRAMES_ADD_UP = "each frame is free, on its way, or one page's";

/** Contents of a page: the newest that it had, and any other. */
const NEWEST = 2;
const OLDER = 1;

export class PagedHost {
  readonly #system: System;
  readonly #paging: Paging;
  /** By VM and page: what was last written, as a version; and whether no harvest has reported it. */
  readonly #newest: readonly Int32Array[];
  readonly #owed: readonly Int32Array[];

  constructor(system: System, paging: Paging) {
    this.#system = system;
    this.#paging = paging;
    this.#newest = system.world.vms.map(({ guest }) => guest.versions.slice());
    this.#owed = system.world.vms.map(({ guest }) => new Int32Array(guest.pages));
  }

  /** What the pages of a VM contain, and what a harvest still has to report of them. */
  form(vm: number): NormalForm {
    const newest = itemAt(this.#newest, vm);
    const owed = itemAt(this.#owed, vm);
    const { versions } = itemAt(this.#system.world.vms, vm).guest;
    const { contents } = itemAt(this.#paging.memories, vm);
    const alike = (copies: Int32Array): number[] =>
      Array.from(copies, (version, page) => (version === newest[page] ? 1 : 0));
    const own: MemoryPart = {
      name: `contents of VM ${vm}`,
      arrays: () => ({ newest, owed }),
    };
    return {
      extents: [...wholeOf([own]), { part: itemAt(this.#paging.memories, vm), array: "contents" }],
      lists: ["same", "kept", "unreported"],
      save: () => ({ same: alike(versions), kept: alike(contents), unreported: Array.from(owed) }),
      scramble() {},
      restore(words) {
        const versionOf = (isNewest: number): number => (isNewest === 1 ? NEWEST : OLDER);
        newest.fill(NEWEST);
        versions.set(fieldOf(words, "same").map(versionOf));
        contents.set(fieldOf(words, "kept").map(versionOf));
        owed.set(fieldOf(words, "unreported"));
      },
      renumber: whilePagesStay,
    };
  }

  /** In this order: what a guest writes is noted before anything is compared with it. */
  readonly checks: readonly StepCheck[] = [
    {
      property: NO_PAGE_LOST,
      begin: (step) => {
        const guest = guestStep(step);
        if (guest !== null) return this.#ofGuest(guest.vcpu);
        const { role, requests } = step;
        if (role.kind !== "tracker") return null;
        return this.#ofTracker(role.vm, requests[0]?.op ?? "");
      },
    },
    {
      property: CONTENT_SURVIVES,
      begin: ({ role }) => {
        if (!isMeant(role, { helper: "pager" })) return null;
        const { memories } = this.#paging;
        const before = memories.map(({ states }) => states.slice());
        return () => {
          const alright = memories.map((memory, vm) =>
            this.#ofPager(memory, vm, itemAt(before, vm)),
          );
          return alright.every(Boolean);
        };
      },
    },
  ];

  #ofGuest({ stream, vm }: System["world"]["vcpus"][number]): () => boolean {
    return () => {
      const word = wordAt(stream.block, 0);
      const isDone = stream.state[0] === stream.state[1];
      if (!isDone || (word & 3) === AccessKind.read) return true;
      const page = word >>> ACCESS_PAGE_SHIFT;
      itemAt(this.#newest, vm)[page] = wordAt(
        itemAt(this.#system.world.vms, vm).guest.versions,
        page,
      );
      const { technique } = this.#system.world.config.tracking;
      itemAt(this.#owed, vm)[page] = technique === "none" ? 0 : 1;
      return true;
    };
  }

  #ofTracker(vm: number, op: string): (() => boolean) | null {
    const owed = itemAt(this.#owed, vm);
    if (op === "arm") owed.fill(0);
    if (op !== "harvest") return null;
    return () => {
      const { handedOver } = itemAt(this.#system.world.vms, vm).tracked;
      const isReported = owed.every((one, page) => one === 0 || isMarked(handedOver, page));
      owed.fill(0);
      return isReported;
    };
  }

  /** A page that has come has what was last written to it; one that nobody ever wrote has whatever it got. */
  #ofPager({ states, contents }: VmMemory, vm: number, before: Int32Array): boolean {
    const { guest } = itemAt(this.#system.world.vms, vm);
    const newest = itemAt(this.#newest, vm);
    let alright = true;
    states.forEach((state, page) => {
      const hasCome = state === PageState.resident && before[page] !== PageState.resident;
      const version = wordAt(guest.versions, page);
      if (hasCome && !wasWritten(guest, page)) newest[page] = version;
      if (hasCome && version !== newest[page]) alright = false;
      // Nobody reads it before it is written again.
      if (stateBefore(state) <= PageState.resident) contents[page] = wordAt(newest, page) - 1;
    });
    return alright;
  }

  properties(): Property[] {
    const { world } = this.#system;
    const { frames } = this.#paging;
    return [
      { kind: "step", name: CONTENT_SURVIVES },
      ...world.vms.flatMap(({ ept }, vm) =>
        world.mmus.map(({ tlb: { spaces } }, pcpu): Property => {
          return {
            kind: "always",
            ...ofEach("pcpu", pcpu, (cpu) => `${NO_FRAME_REACHED} (VM ${vm} on CPU ${cpu})`),
            that: over([`pcpu${pcpu}/tlb`, "operation"], (tlb: Words, host: Words) => {
              const states = fieldOf(host, `states${vm}`);
              const unflushed = fieldOf(host, `unflushed${vm}`);
              return fieldOf(tlb, "l1.meta").every((meta, at) => {
                const space = meta >>> META_SPACE_SHIFT;
                if (space === 0 || spaces[3 * (space - 1) + 1] !== ept.root) return true;
                const page = itemAt(fieldOf(tlb, "l1.page"), at);
                return states[page] === PageState.resident || unflushed[page] === 1;
              });
            }),
          };
        }),
      ),
      {
        kind: "always",
        name: FRAMES_ADD_UP,
        that: over(
          ["operation", ...world.vms.map((_, vm) => `vm${vm}/paging`)],
          (host: Words, ...paging: readonly Words[]) => {
            const resident = world.vms.map((_, vm) => itemAt(fieldOf(host, `sizes${vm}`), 3));
            const all = [
              ...resident,
              fieldOf(host, "free").length,
              fieldOf(host, "leaving").length,
            ];
            if (all.reduce((sum, count) => sum + count, 0) !== frames.frames) return false;
            return world.vms.every(({ ept, guest }, vm) => {
              pagingPiece(world, vm).restore(itemAt(paging, vm));
              let isOwn = true;
              forEachLeaf(ept, (word, _level, page) => {
                const frame = frameAt(ept, word) - DATA_FRAME_BASE;
                if (page < guest.pages && fieldOf(host, "owner")[frame] !== vm + 1) isOwn = false;
              });
              return isOwn;
            });
          },
        ),
      },
    ];
  }
}
