/** What a fleet's composition has left out, or taken from the end of a curve: counted, and said beside the answers. */
import type { KindCurves } from "./curves.ts";
import type { FleetDay } from "./fleetFormat.ts";
import type { FleetConfig } from "./fleetSchema.ts";
import { grouped, partText, sizesText } from "./fleetWords.ts";

/** Something that can be left out; and of a day how much of it was, null: nothing. */
interface Note {
  readonly what: string;
  readonly of: (day: FleetDay) => string | null;
}

const NOTES: readonly Note[] = [
  {
    what: "VMs' time with fewer pages than was measured (curves.memory), in which too few accesses are said to be lost, those of the fewest pages",
    of: ({ leftOut: { belowMeasured } }) => (belowMeasured > 0 ? partText(belowMeasured) : null),
  },
  {
    what: "windows of migrations longer than was measured (curves.windows.longest), which are said to dirty too few pages, those of the longest",
    of: ({ leftOut: { windows, windowsTooLong } }) => partOf(windowsTooLong, windows),
  },
  {
    what: "estimates of VMs that are short of memory, which might look smaller than with enough",
    of: ({ leftOut: { estimates, estimatesOfShort } }) => partOf(estimatesOfShort, estimates),
  },
  {
    what: "looks at a host whose pVM has more to do than it can; its estimates are as if it kept up",
    of: ({ pvm }) =>
      pvm.overloaded > 0
        ? `${grouped(pvm.overloaded)}, up to ${pvm.most.toFixed(2)} of its CPUs`
        : null,
  },
  {
    what: "VMs that found no host when they came; their waiting is in no other number",
    of: ({ waiting: { vms, seconds } }) =>
      vms > 0 ? `${grouped(vms)}, for ${grouped(Math.round(seconds))} s together` : null,
  },
  {
    what: "VMs that were to go elsewhere and stayed, for no host had room, at all looks together",
    of: ({ waiting: { noRoom } }) => (noRoom > 0 ? grouped(noRoom) : null),
  },
  {
    what: "migrations that their policy gave up",
    of: ({ migrations: { givenUp } }) => (givenUp > 0 ? grouped(givenUp) : null),
  },
];

export function notesOf(
  days: readonly FleetDay[],
  config: FleetConfig,
  kinds: readonly KindCurves[],
): string[] {
  const ofDays = NOTES.flatMap(({ what, of }) => {
    const told = days.flatMap((day) => {
      const much = of(day);
      return much === null ? [] : [`${sizesText(day)} ${much}`];
    });
    return told.length === 0 ? [] : [`${what}: ${told.join("; ")}`];
  });
  return [...ofDays, ...kinds.flatMap((kind) => [...early(kind, config), ...missed(kind)])];
}

function partOf(count: number, whole: number): string | null {
  return count > 0 ? `${grouped(count)} of ${grouped(whole)}` : null;
}

function early({ name, guests }: KindCurves, { trackers }: FleetConfig): string[] {
  return Object.keys(trackers).flatMap((tracker) => {
    const pages = guests.flatMap(({ estimates }) => [...(estimates[tracker]?.pages ?? [])]);
    const none = pages.filter((one) => Number.isNaN(one)).length;
    if (none === 0) return [];
    return [
      `windows of kind ${name} in which ${tracker} has no estimate yet (curves.warmUp), so that such a VM is taken to use all that it has: ${none} of ${pages.length}`,
    ];
  });
}

function missed({ name, guests }: KindCurves): string[] {
  const techniques = new Set(guests.flatMap(({ dirty }) => Object.keys(dirty)));
  return [...techniques].flatMap((technique) => {
    const pages = guests.reduce((sum, { dirty }) => sum + (dirty[technique]?.missed ?? 0), 0);
    if (pages === 0) return [];
    return [
      `pages of kind ${name} that ${technique} missed while its curves were measured, and a migration by it would lose: ${grouped(pages)}`,
    ];
  });
}
