/** Memory slots of a small VM, and what its VMM may change of them at any moment. */
import { SlotFlag } from "../../hypervisor/slots/memorySlot.ts";
import type { RegionPlan, SlotsPlan } from "../../hypervisor/slots/vmSlots.ts";
import type { Message } from "../../interconnect/messages.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { Commands } from "../hypervisor/systemModel.ts";
import { ofEach, over, type Property } from "../properties/property.ts";

function region(slot: number, firstPage: number, pages: number, flags = 0): RegionPlan {
  return { slot, flags, firstPage, pages, userPage: slot };
}

/** A page each, the first behind the second: one that may move, and one that may go and come again. Of one page, one. */
export function smallSlots(pages: number): SlotsPlan {
  // Its owner wants the first to be logged, too.
  const first = region(0, pages - 1, 1, SlotFlag.log);
  const regions = pages > 1 ? [first, region(1, 0, 1)] : [first];
  return { regions, changes: [], userPages: regions.length };
}

/**
 * A region is refused where it lies over the other, and one that is as it is changes nothing. One restriction is ours: the
 * tracker is at rest, as what it puts off would pile up without end.
 */
export function slotCommands(pages: number): Commands {
  const { regions } = smallSlots(pages);
  const asked = [
    ...regions,
    region(0, pages - 1, 1),
    region(0, 0, 1, SlotFlag.log),
    region(regions.length - 1, 0, 0),
  ];
  const messages = asked.map((one): Message => ({ type: "setRegion", ...one }));
  return ({ kind }, { value }) =>
    kind === "tracker" && (value === "off" || value === "logging") ? messages : [];
}

/** What must come to pass comes if slots stay as they are: who changes them again and again takes every mapping away. */
export function ifSlotsStay(property: Property): Property {
  if (property.kind !== "leadsTo") return property;
  const { name, that, each } = property;
  const stay = (text: string): string => `${text}, if slots stay`;
  return {
    ...property,
    name: stay(name),
    ...(each === undefined
      ? {}
      : ofEach(each.of, each.number, (number) => stay(each.nameOf(number)))),
    that: over(
      ["vm0/tracker", ...that.over],
      (tracker: ActorSnapshot, ...states: readonly unknown[]) => {
        return tracker.value === "changing" || that.holds(...states);
      },
    ),
  };
}
