/** What came of a run's harvests, VM by VM, and sentences about those that lost a page. */
import type { System } from "../system.ts";
import { type Agreement, agreementOf, type Overlap } from "./agreement.ts";
import type { HarvestCounts, Loss } from "./rounds.ts";

export interface VmHarvests extends HarvestCounts {
  readonly vm: string;
  /** Of the pages reported with those owed, each counted in its round. */
  readonly agreement: Agreement;
}

/** Pages that harvests reported, each counted in its round, held against those that they owed. */
export function overlapOf({
  reportedPages,
  overReported,
  lostPages,
  droppedPages,
}: Pick<HarvestCounts, "reportedPages" | "overReported" | "lostPages" | "droppedPages">): Overlap {
  const right = reportedPages - overReported;
  return { found: reportedPages, owed: right + lostPages + droppedPages, right };
}

/** Of the VMs whose rounds are judged. */
export function harvestsOf({ world }: System): readonly VmHarvests[] {
  return world.vms.flatMap(({ config, rounds }) =>
    rounds === null ? [] : [vmHarvests(config.name, rounds.counts)],
  );
}

function vmHarvests(vm: string, counts: HarvestCounts): VmHarvests {
  return { vm, ...counts, agreement: agreementOf(overlapOf(counts)) };
}

/** Losses of a VM that get a sentence each. */
const SENTENCES_MAX = 4;
/** guestWalk.ts, updateGuestFlags; docs/choices.md. */
const BOCHS =
  "; Bochs, which this machine follows, does not ask the EPT before it sets flags in a guest's page tables";

/** One sentence for each of the first losses of a VM, and one for the rest. */
export function lossTexts({ world }: System, harvests: VmHarvests): string[] {
  const { vm, losses, lossy } = harvests;
  const isBochs = world.config.mmu.compatibility === "bochs";
  const texts = losses.slice(0, SENTENCES_MAX).map((loss) => {
    const why = isBochs && loss.structures > 0 ? BOCHS : "";
    return `${vm}: ${lossText(loss, harvests)}${why}`;
  });
  const rest = lossy - texts.length;
  const isAllBochs = isBochs && losses.every(({ pages }) => pages === 0);
  const more = `${vm}: ${counted(rest, "more round")} lost pages${isAllBochs ? BOCHS : ""}`;
  return rest === 0 ? texts : [...texts, more];
}

function lossText(loss: Loss, { technique, findsWritten }: HarvestCounts): string {
  const { arming, round, pages, structures, firstPages, firstStructures } = loss;
  const again = arming === 1 ? "" : ` since tracking began for the ${ordinal(arming)} time`;
  const verb = findsWritten ? "written" : "touched";
  const found = [
    ...(pages === 0 ? [] : [`${counted(pages, `${verb} page`)} (${named(firstPages, pages)})`]),
    ...(structures === 0
      ? []
      : [`${counted(structures, "page table")} (${named(firstStructures, structures)})`]),
  ];
  return `round ${round}${again} lost ${found.join(" and ")}, under ${technique}`;
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** "pages 3, 5, 6 and 10 more". */
function named(first: readonly number[], count: number): string {
  const rest = count - first.length;
  const more = rest === 0 ? "" : ` and ${grouped(rest)} more`;
  return `page${count === 1 ? "" : "s"} ${first.join(", ")}${more}`;
}

function grouped(value: number): string {
  return value.toLocaleString("en");
}

function ordinal(number: number): string {
  const endings = ["th", "st", "nd", "rd"];
  const isTeen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(isTeen ? undefined : endings[number % 10]) ?? "th"}`;
}
