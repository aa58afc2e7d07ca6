/**
 * The ground truth of page reference logging: how often each page was logged since the round began. What is
 * in the cumulative buffer and in logs that nobody has copied yet must come to the same, and a harvest must
 * report every page that was logged.
 */
import {
  type MemoryPart,
  type NormalForm,
  renumberedList,
  type Words,
} from "../../hardware/normalForm.ts";
import { prlUsedSlots } from "../../hardware/pageReferenceLog.ts";
import { Field, readField, SECONDARY_PRL } from "../../hardware/vmcs.ts";
import { isMarked } from "../../hypervisor/dirtyBitmap.ts";
import { logWords } from "../../hypervisor/logPages.ts";
import type { System } from "../../system/system.ts";
import type { World } from "../../system/world.ts";
import { itemAt, numberAt, wordAt } from "../engine/lookups.ts";
import { over, type Property } from "../properties/property.ts";
import { guestStep, type StepCheck } from "./stepChecks.ts";

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
  contents(vm: number): NormalForm {
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
      // A round of PRL begins with empty counts; what another technique finds is no entry.
      if (request?.op === "arm" && request.technique === "prl") logged.fill(0);
      if (request?.op !== "harvest") return null;
      return () => {
        const { handedOver } = itemAt(this.#system.world.vms, vm).tracked;
        const all = logged.every((count, page) => count === 0 || isMarked(handedOver, page));
        if (request.mode !== "peek") logged.fill(0);
        return all;
      };
    },
  };

  /** Slots are used from the last one downwards: decrement, then store. */
  #ofGuest({ vmcs, vm }: World["vcpus"][number]): () => boolean {
    const active = readField(vmcs, Field.prlActiveLog);
    const before = readField(vmcs, Field.pmlIndex);
    const isOn = (readField(vmcs, Field.secondaryControls) & SECONDARY_PRL) !== 0;
    return () => {
      if (!isOn || before < 0) return true;
      const { memory, logs } = this.#system.world;
      const switched = readField(vmcs, Field.prlActiveLog) !== active;
      const after = switched ? 0 : Math.max(0, readField(vmcs, Field.pmlIndex));
      const log =
        (wordAt(vmcs.words, 2 * Field.pmlAddress) >>> PAGE_SHIFT) * memory.frameWords +
        active * logWords(logs);
      const logged = itemAt(this.#logged, vm);
      for (let slot = after; slot < before; slot++) {
        const page = wordAt(memory.words, log + 2 * slot) >>> PAGE_SHIFT;
        logged[page] = wordAt(logged, page) + 1;
      }
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
function uncopied({ logs, config }: World, { fields, log, handled }: Words): number[] {
  if ((numberAt(fields!, 2 * Field.secondaryControls) & SECONDARY_PRL) === 0) return [];
  const { logEntries } = config.geometry;
  const rule = config.mmu.prl?.slotRule ?? "decrement-then-store";
  const full = numberAt(fields!, 2 * Field.prlFullLogs) & ~numberAt(handled!, 0);
  const index = numberAt(fields!, 2 * Field.pmlIndex);
  return [0, 1].flatMap((which) => {
    const isFilling = index >= 0 && fields![2 * Field.prlActiveLog] === which;
    if ((full & (1 << which)) === 0 && !isFilling) return [];
    const [from, to] = prlUsedSlots(isFilling ? index : -1, logEntries, rule);
    return Array.from({ length: to - from }, (_, i) => {
      return numberAt(log!, which * logWords(logs) + 2 * (from + i)) >>> PAGE_SHIFT;
    });
  });
}
