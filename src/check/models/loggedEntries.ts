/**
 * The ground truth of a unit that logs accesses: how often each page was logged since the round began. What is
 * in the cumulative buffer and in logs that nobody has copied yet must come to the same, and a harvest must
 * report every page that was logged.
 */

import {
  type MemoryPart,
  type NormalForm,
  renumberedList,
  type Words,
} from "../../hardware/normalForm.ts";
import { Field, readField } from "../../hardware/vmcs.ts";
import { isMarked } from "../../hypervisor/dirtyBitmap.ts";
import { logWords } from "../../hypervisor/logPages.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { unitOfLogs } from "../../system/memoryPieces.ts";
import type { System } from "../../system/system.ts";
import type { World } from "../../system/world.ts";
import { guestStep, type StepCheck } from "../hypervisor/stepContext.ts";
import { over, type Property } from "../properties/property.ts";

export const LOGGED_IS_REPORTED = "every page that was logged is reported";
export const COUNTS_ARE_EXACT = "logs and counts hold what was logged, each entry once";

const PAGE_SHIFT = 12;

/** How often each page of each VM was logged, up to a limit that is counted to. */
export class LoggedEntries {
  /** It is memory of the model's own. */
  readonly parts: readonly MemoryPart[];
  readonly #system: System;
  readonly #most: number;
  /** By VM and page. */
  readonly #logged: readonly Int32Array[];

  constructor(system: System, most: number) {
    this.#system = system;
    this.#most = most;
    this.#logged = system.world.vms.map(({ guest }) => new Int32Array(guest.pages));
    this.parts = this.#logged.map((counts, vm) => ({
      name: `entries logged of VM ${vm}`,
      arrays: () => ({ counts }),
    }));
  }

  /** To be kept with a VM's truth. */
  form(vm: number): NormalForm {
    const logged = itemAt(this.#logged, vm);
    return {
      extents: [{ part: itemAt(this.parts, vm), array: "counts" }],
      lists: ["logged"],
      save: () => ({ logged: Array.from(logged, (count) => Math.min(count, this.#most)) }),
      restore({ logged: counts }) {
        logged.set(counts!);
      },
      scramble: () => {
        logged.forEach((count, page) => {
          if (count >= this.#most) logged[page] = count + 1 + page;
        });
      },
      renumber: ({ logged: counts }, { page }) => ({
        logged: renumberedList(counts!, (one) => page(vm, one)),
      }),
    };
  }

  /** Counts what a step logs, and asks of each harvest that it reports it. */
  readonly check: StepCheck = {
    property: LOGGED_IS_REPORTED,
    begin: (step) => {
      const guest = guestStep(step);
      const { role, requests } = step;
      if (guest !== null) return this.#ofGuest(guest.vcpu);
      if (role.kind !== "tracker") return null;
      const { vm } = role;
      const logged = itemAt(this.#logged, vm);
      const [request] = requests;
      // A round of counts begins with none; what another technique finds is no entry.
      const { technique } = this.#system.world.config.tracking;
      if (request?.op === "arm" && request.technique === technique) logged.fill(0);
      if (request?.op !== "harvest") return null;
      return () => {
        const { handedOver } = itemAt(this.#system.world.vms, vm).tracked;
        const all = logged.every((count, page) => count === 0 || isMarked(handedOver, page));
        if (request.mode !== "peek") logged.fill(0);
        return all;
      };
    },
  };

  /** What is new in a log's used slots was logged in this step. */
  #ofGuest({ vmcs, vm }: World["vcpus"][number]): () => boolean {
    const { world } = this.#system;
    const { memory, logs, config } = world;
    const unit = unitOfLogs(world);
    const isOn = (readField(vmcs, Field.secondaryControls) & unit.enabling) === unit.enabling;
    const used = (log: number) => unit.usedSlots(vmcs, log, config.geometry);
    const before = Array.from({ length: unit.logs }, (_, log) => used(log));
    return () => {
      if (!isOn) return true;
      const start = (wordAt(vmcs.words, 2 * Field.logAddress) >>> PAGE_SHIFT) * memory.frameWords;
      const logged = itemAt(this.#logged, vm);
      before.forEach(([from, end], log) => {
        const [first, last] = used(log);
        for (let slot = first; slot < last; slot++) {
          if (slot >= from && slot < end) continue;
          const word = wordAt(memory.words, start + log * logWords(logs) + 2 * slot);
          const page = word >>> PAGE_SHIFT;
          logged[page] = wordAt(logged, page) + 1;
        }
      });
      return true;
    };
  }

  /** Of every VM, in every state. */
  properties(): Property[] {
    const { world } = this.#system;
    return [
      { kind: "step", name: LOGGED_IS_REPORTED },
      ...world.vms.map(({ vcpus }, vm): Property => {
        return {
          kind: "always",
          name: `${COUNTS_ARE_EXACT} (VM ${vm})`,
          that: over(
            [`vm${vm}/truth`, `vm${vm}/tracked`, ...vcpus.map((vcpu) => `vcpu${vcpu}/vmcs`)],
            ({ logged }: Words, { buffer }: Words, ...own: readonly Words[]) => {
              const counted = buffer!.slice();
              for (const words of own) {
                for (const page of uncopied(world, words)) counted[page] = (counted[page] ?? 0) + 1;
              }
              return logged!.every((count, page) => {
                return count === Math.min(this.#most, counted[page] ?? 0);
              });
            },
          ),
        };
      }),
    ];
  }
}

/** The pages in a vCPU's logs that neither the handler nor a harvest has copied. */
function uncopied(world: World, { fields, image, log, handled }: Words): number[] {
  const unit = unitOfLogs(world);
  const { logs, config } = world;
  const secondary = itemAt(fields!, 2 * Field.secondaryControls);
  if ((secondary & unit.enabling) !== unit.enabling) return [];
  return Array.from({ length: unit.logs }).flatMap((_, which) => {
    if ((itemAt(handled!, 0) & (1 << which)) !== 0) return [];
    const vmcs = { words: fields!, image: image! };
    const [from, to] = unit.usedSlots(vmcs, which, config.geometry);
    return Array.from({ length: to - from }, (_, i) => {
      return itemAt(log!, which * logWords(logs) + 2 * (from + i)) >>> PAGE_SHIFT;
    });
  });
}
