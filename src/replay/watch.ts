/** What can be watched in a system, as values to compare: see Timeline.lastChange. */

import { findLeaf } from "../hardware/ept.ts";
import { joinWords } from "../hardware/words.ts";
import { itemAt, wordAt } from "../lookup.ts";
import type { System } from "../system/system.ts";

/**
 * The EPT entry that maps a guest-physical page: its 16 hexadecimal digits; "none" if there is none.
 * Who last wrote it is who handled the message with which this changed.
 */
export function eptEntry(vm: number, page: number): (system: System) => string {
  return ({ world }) => {
    const { ept } = itemAt(world.vms, vm);
    const leaf = findLeaf(ept, page);
    if (leaf === null) return "none";
    const { words } = world.memory;
    return joinWords(wordAt(words, leaf.word), wordAt(words, leaf.word + 1))
      .toString(16)
      .padStart(16, "0");
  };
}

/** An actor's state and one field of its context. */
export function actorField(name: string, field: string): (system: System) => string {
  return (system) => {
    const { value, context } = system.actor(name);
    return `${value} ${JSON.stringify(Reflect.get(context, field))}`;
  };
}
