/** The answers of a fleet in sentences: how many hosts are left, and at what price. */
import { itemAt } from "../../lookup.ts";
import type { FleetDay } from "./fleetFormat.ts";
import type { FleetConfig } from "./fleetSchema.ts";
import {
  clockText,
  durationText,
  grouped,
  hostsText,
  listText,
  lostPart,
  partText,
  sizesText,
  spokenText,
} from "./fleetWords.ts";

/** Means of hosts that differ by less than this part are said to be as many. */
const AS_MANY = 0.005;
/** Evacuations that are told one by one; the report has all. */
const EVACUATIONS_TOLD = 3;

export function answersOf(days: readonly FleetDay[], config: FleetConfig): string[] {
  const declared = days.find(({ sizes }) => sizes === "declared");
  const exact = days.find(({ sizes }) => sizes === "exact");
  const trackers = days.filter(({ sizes }) => sizes === "tracker");
  if (declared === undefined || exact === undefined) return [];
  return [
    hostsLeft(declared, exact, config),
    ...trackerAnswers(trackers, exact, config),
    ...delayAnswer(exact, config),
    ...evacuationAnswers(days),
  ];
}

function hostsLeft(declared: FleetDay, exact: FleetDay, config: FleetConfig): string {
  const { vms, placement } = config;
  const count = vms.reduce((sum, group) => sum + group.count, 0);
  const first = `By what they have, the ${grouped(count)} VMs take ${hostsText(declared)}`;
  if (placement.by === "declared") {
    return `${first}; they are placed by that (placement.by), so estimates free no host.`;
  }
  const saved = declared.hosts.mean - exact.hosts.mean;
  const part = partText(saved / declared.hosts.mean);
  return `${first}. By exact estimates${marginText(config)} they take ${hostsText(exact)}: ${saved.toFixed(1)} hosts, or ${part}, can be switched off on average.`;
}

function marginText({ placement: { margin } }: FleetConfig): string {
  return margin === 0 ? "" : ` and a margin of ${Number((100 * margin).toFixed(2))} %`;
}

function trackerAnswers(
  trackers: readonly FleetDay[],
  exact: FleetDay,
  { placement }: FleetConfig,
): string[] {
  const least = (of: (day: FleetDay) => number, within: number): FleetDay[] => {
    const best = Math.min(...trackers.map(of));
    return trackers.filter((day) => of(day) <= best * (1 + within));
  };
  const [cheapest] = least(lostPart, 0);
  if (cheapest === undefined) return [];
  const cheap = `The fewest accesses are lost with ${sizesText(cheapest)}: ${lossText(cheapest)}, on ${hostsText(cheapest)}.`;
  if (placement.by === "declared") return [cheap];
  const fewest = least(({ hosts }) => hosts.mean, AS_MANY);
  const names = listText(fewest.map(sizesText));
  const one = itemAt(fewest, 0);
  const verb = fewest.length === 1 ? "leaves" : "leave";
  const first = `Of the trackers, ${names} ${verb} the fewest hosts, ${hostsText(one)}, ${besideExact(one, exact)}.`;
  const prices = fewest
    .filter((day) => day !== cheapest)
    .map((day) => `With ${sizesText(day)}, ${lossText(day)}.`);
  return [first, ...prices, cheap];
}

function besideExact({ hosts }: FleetDay, exact: FleetDay): string {
  const more = hosts.mean - exact.hosts.mean;
  if (Math.abs(more) <= AS_MANY * exact.hosts.mean) return "as many as exact estimates do";
  return `${Math.abs(more).toFixed(1)} ${more > 0 ? "more" : "fewer"} than exact estimates do`;
}

function lossText(day: FleetDay): string {
  const { lostToMemory, lostToTracking } = day.accesses;
  const short = `VMs use more than they are left for ${partText(day.short.part)} of their time`;
  return `${short} and lose ${partText(lostPart(day))} of their accesses, ${partText(lostToMemory)} by that and ${partText(lostToTracking)} by being tracked`;
}

/** What is lost though the estimates are right. */
function delayAnswer(exact: FleetDay, { decisions, curves }: FleetConfig): string[] {
  const lost = exact.accesses.lostToMemory;
  if (lost === 0) return [];
  return [
    `Exact estimates lose ${partText(lost)}, too: sizes are new every ${durationText(decisions.every)}, and in between VMs grow; and a size is of what is used within ${durationText(curves.interval)}, and a VM comes back to other pages later.`,
  ];
}

function evacuationAnswers(days: readonly FleetDay[]): string[] {
  const [first] = days;
  const shown = (first?.evacuations ?? []).slice(0, EVACUATIONS_TOLD);
  return shown.map(({ at }, n) => {
    const texts = days.flatMap((day) => {
      const one = day.evacuations[n];
      if (one === undefined) return [];
      const { vms, seconds } = one;
      const took = seconds === null ? "not empty at the day's end" : `${seconds.toFixed(1)} s`;
      return [`${took} by ${spokenText(day)} (${grouped(vms)} VMs)`];
    });
    return `The evacuation at ${clockText(at)} takes ${texts.join(", ")}.`;
  });
}
