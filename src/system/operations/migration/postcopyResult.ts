/** What came of post-copy, as numbers and as lines. */
import { grouped } from "../../../config/figures.ts";
import { formatCycles } from "../../../config/units.ts";
import { Count, openWaits, type PostcopyHosts } from "../../../hypervisor/migration/postcopy.ts";

/** Times in cycles of virtual time. */
export interface PostcopyResult {
  /** When the guest ran at the destination; null: it came not to that. */
  readonly startTime: number | null;
  /** From then until every page was there; null: some are not. */
  readonly duration: number | null;
  /** Pages that were missing at the switch, and those that are now. */
  readonly discarded: number;
  readonly missing: number;
  /** Accesses of the guest to pages that had not come, and the requests that the source got. */
  readonly faults: number;
  readonly requests: number;
  /** What vCPUs waited for pages, added up; and the longest wait for one that came. */
  readonly waitCycles: number;
  readonly longestWait: number;
  /** Pages and bytes on the link since the switch. */
  readonly pagesSent: number;
  readonly bytes: number;
  /** Links that have failed since the switch; whether there is none now. */
  readonly linksLost: number;
  readonly linkIsDown: boolean;
}

/** What the two sides' machines and the migration's say. */
export interface PostcopyTold {
  readonly sender: {
    readonly pagesSent: number;
    readonly bytesSent: number;
    readonly requests: number;
  };
  readonly link: number;
  readonly linkIsDown: boolean;
  readonly startTime: number;
  readonly endTime: number;
}

/** @param now the end of the run */
export function postcopyResult(
  hosts: PostcopyHosts,
  { sender, link, linkIsDown, startTime, endTime }: PostcopyTold,
  now: number,
): PostcopyResult {
  const { tallies } = hosts;
  const hasSwitched = startTime >= 0;
  return {
    startTime: hasSwitched ? startTime : null,
    duration: hasSwitched && endTime >= 0 ? endTime - startTime : null,
    discarded: tallies[Count.discarded],
    missing: hosts.missing,
    faults: tallies[Count.faults],
    requests: sender.requests,
    waitCycles: tallies[Count.waited] + openWaits(hosts, now),
    longestWait: tallies[Count.longest],
    pagesSent: sender.pagesSent,
    bytes: sender.bytesSent,
    linksLost: link + (linkIsDown ? 1 : 0),
    linkIsDown,
  };
}

/** Label and value of each line of the report. */
export function postcopyLines(result: PostcopyResult): (readonly [label: string, value: string])[] {
  const { startTime, duration, discarded, missing, faults, requests, waitCycles } = result;
  if (startTime === null) return [["post-copy", "it came not to that"]];
  const left = missing === 0 ? "" : `, ${grouped(missing)} are still missing`;
  return [
    [
      "post-copy",
      duration === null ? "not at its end" : `${formatCycles(duration)} to the last page`,
    ],
    ["missing at the switch", `${grouped(discarded)} pages${left}`],
    ["faults on missing pages", `${grouped(faults)}, ${grouped(requests)} pages requested`],
    [
      "vCPUs waited for them",
      `${formatCycles(waitCycles)}, the longest ${formatCycles(result.longestWait)}`,
    ],
    ...(result.linksLost === 0
      ? []
      : [
          [
            "links lost",
            `${result.linksLost}${result.linkIsDown ? ", and none now" : ""}`,
          ] as const,
        ]),
  ];
}
