/** Beyond the study: every page-logging unit, and some that scenarios design, on the same guests. */
import { present } from "../lookup.ts";
import { rowPlot } from "../plots/kinds.ts";
import { type Measures, measuresOf } from "../questions/measures.ts";
import { FIXED_UNITS, formatFor } from "../units/all.ts";
import { pagesText } from "./common.ts";
import type { Experiment, Figure, Point, Results, ScenarioInput } from "./experiment.ts";
import { ALL, type Scale, scaled } from "./scale.ts";

type Finds = "written" | "touched";

interface Contender {
  readonly name: string;
  readonly finds: Finds;
  readonly tracker: NonNullable<ScenarioInput["tracker"]>;
  readonly machine?: NonNullable<ScenarioInput["machine"]>;
  /** Of its machine's second-level entries, where these are not the usual ones. */
  readonly entryFormat?: string;
}

type Design = NonNullable<NonNullable<ScenarioInput["machine"]>["unit"]>;

/** A unit as a scenario designs it. */
function designed(name: string, unit: Design): Contender {
  return {
    name: `own: ${name}`,
    finds: unit.trigger === "dirtyBit" ? "written" : "touched",
    tracker: { technique: "machineUnit" },
    machine: { unit },
  };
}

/** A scan of flags on RISC-V's second stage. */
function onGStage(name: string, entryFormat: "gstage" | "gstageSvade"): Contender {
  const tracker = { technique: "accessedDirtyScan" } as const;
  return { name, finds: "touched", tracker, machine: { entryFormat }, entryFormat };
}

const USUAL = formatFor(null);

const CONTENDERS: readonly Contender[] = [
  ...FIXED_UNITS.map((unit): Contender => {
    const { name, label, finds } = unit;
    const format = formatFor(unit.configure(undefined));
    return {
      name: label,
      finds: finds === "writes" ? "written" : "touched",
      tracker: { technique: name },
      ...(format === USUAL ? {} : { entryFormat: format.name }),
    };
  }),
  {
    name: "PRL, two logs",
    finds: "touched",
    tracker: { technique: "prl", prl: { doubleBuffer: true } },
  },
  // A longer log that goes up and gates no walk that sets A alone, as HDBSS's (Arm ARM D8.5.2.3); here with an exit.
  designed("4096 up, exit", {
    trigger: "dirtyBit",
    whenFull: "exit",
    direction: "up",
    entries: 4096,
  }),
  designed("writes, interrupt, two logs", {
    trigger: "dirtyBit",
    whenFull: "interrupt",
    buffers: 2,
  }),
  // One of n events, as IBS and PEBS take them; here of TLB misses.
  designed("1/64 of misses, drop", {
    trigger: "tlbMiss",
    sample: "1/64",
    whenFull: "drop",
    direction: "up",
    entries: 4096,
  }),
  { name: "write protection", finds: "written", tracker: { technique: "writeProtect" } },
  { name: "A/D scan", finds: "touched", tracker: { technique: "accessedDirtyScan" } },
  // RISC-V has no log: A and D are set by the processor (Svadu), or by the hypervisor in a fault (Svade).
  onGStage("A/D scan, RISC-V Svadu", "gstage"),
  onGStage("A/D scan, RISC-V Svade", "gstageSvade"),
];

const PAGES = 16_384;
const ACCESSES = 2_000_000;
const GAP = 300;
const HARVEST = "10ms";
const WRITES = 0.3;

/** One with a hot set, and one that goes through all of its pages. */
const GUESTS = {
  "hot set": (pages: number, accesses: number) =>
    ({ kind: "zipf", pages, exponent: 0.99, writeFraction: WRITES, gap: GAP, accesses }) as const,
  "all alike": (pages: number, accesses: number) =>
    ({ kind: "uniform", pages, writeFraction: WRITES, gap: GAP, accesses }) as const,
};
type Guest = keyof typeof GUESTS;
const GUEST_NAMES: readonly Guest[] = ["hot set", "all alike"];

const NONE = "none";
const pointName = (guest: Guest, tracker: string): string => `${guest}, ${tracker}`;
/** What is run without tracking: on each sort of processor. */
const BASES: readonly (string | undefined)[] = [
  ...new Set(CONTENDERS.map(({ entryFormat }) => entryFormat)),
];
const baseName = (guest: Guest, entryFormat: string | undefined): string =>
  pointName(guest, entryFormat === undefined ? NONE : `${NONE}, ${entryFormat}`);

function points(scale: Scale): readonly Point[] {
  const pages = scaled(PAGES, scale);
  return GUEST_NAMES.flatMap((guest) => {
    const vms = [
      { memory: pagesText(pages), workload: GUESTS[guest](pages, scaled(ACCESSES, scale)) },
    ];
    return [
      ...BASES.map((entryFormat): Point => {
        const name = baseName(guest, entryFormat);
        const machine = entryFormat === undefined ? {} : { machine: { entryFormat } };
        return { name, scenario: { name, ...machine, vms, tracker: { technique: "none" } } };
      }),
      ...CONTENDERS.map(({ name, tracker, machine = {} }): Point => {
        const point = pointName(guest, name);
        const operation = { kind: "measure", harvest: HARVEST } as const;
        return { name: point, scenario: { name: point, machine, vms, tracker, operation } };
      }),
    ];
  });
}

/** What is told of each: a name, its unit, and where it stands. */
const QUANTITIES: readonly (readonly [name: string, unit: string, of: (all: All) => number])[] = [
  ["guest overhead", "%", ({ overhead }) => overhead],
  ["exits", "", ({ exits }) => exits],
  ["interrupts of the pVM", "", ({ interrupts }) => interrupts],
  ["log entries", "", ({ entries }) => entries],
  ["time of the pVM", "ms", ({ pvmTime }) => pvmTime],
  ["memory", "KiB", ({ memory }) => memory / 1024],
  ["missed pages", "", ({ missed }) => missed],
  ["precision", "", ({ precision }) => precision],
  ["recall", "", ({ recall }) => recall],
  ["Jaccard", "", ({ jaccard }) => jaccard],
];

interface All extends Measures {
  readonly entries: number;
}

interface Found extends All {
  readonly guest: Guest;
  readonly contender: Contender;
}

function evaluate(results: Results) {
  const found = GUEST_NAMES.flatMap((guest) =>
    CONTENDERS.map((contender): Found => {
      const run = results(pointName(guest, contender.name));
      const base = results(baseName(guest, contender.entryFormat));
      const measures = measuresOf(run, base);
      return { ...measures, entries: run.logEntries, guest, contender };
    }),
  );
  const figures = found.flatMap((one) =>
    QUANTITIES.map(([quantity, unit, of]): Figure => {
      const { name, finds } = one.contender;
      const emulated = of(one);
      const what = `${finds === "written" ? "dirty" : "touched"} set of "${one.guest}", ${name}`;
      return { quantity: `${what}: ${quantity}`, unit, published: null, emulated };
    }),
  );
  const data = found.map(({ guest, contender: { name, finds }, overhead, recall }) => ({
    tracker: name,
    guest: `${guest}: ${finds} pages`,
    overhead,
    recall: 100 * recall,
  }));
  const plot = (title: string, field: "overhead" | "recall", axis: string) =>
    rowPlot(title, data, {
      x: { field, title: axis },
      y: { field: "tracker", title: "unit" },
      by: { field: "guest", title: "guest" },
      width: 420,
      height: 240,
    });
  return {
    figures,
    plots: [
      plot("Units: what they cost the guest", "overhead", "overhead, %"),
      plot("Units: what they find", "recall", "of the pages owed, %"),
    ],
    findings: GUEST_NAMES.flatMap((guest) => KINDS.map((finds) => findingOf(found, guest, finds))),
  };
}

const KINDS: readonly Finds[] = ["written", "touched"];

/** Which costs the guest least of those that miss nothing, and which miss how much. */
function findingOf(all: readonly Found[], guest: Guest, finds: Finds): string {
  const own = all.filter((one) => one.guest === guest && one.contender.finds === finds);
  const exact = own.filter(({ missed }) => missed === 0).sort((a, b) => a.overhead - b.overhead);
  const named = ({ contender, overhead }: Found): string =>
    `${contender.name} (${overhead.toFixed(2)} %)`;
  const first = `${guest}, ${finds} pages: `;
  const losing = own
    .filter(({ missed }) => missed > 0)
    .map(({ contender, recall }) => `${contender.name} finds ${(100 * recall).toFixed(1)} %`);
  const rest = losing.length === 0 ? "" : `; ${losing.join(", ")}`;
  if (exact.length === 0) return `${first}nothing here finds all of them${rest}`;
  const cheapest = present(exact[0], "the cheapest");
  const last = present(exact[exact.length - 1], "the dearest");
  const dearest = last === cheapest ? "" : `, at most by ${named(last)}`;
  return `${first}all are found at least cost to the guest by ${named(cheapest)}${dearest}${rest}`;
}

export const unitsExperiment: Experiment = {
  name: "units",
  title:
    "Beyond the study: every page-logging unit, and some of a scenario's own, on the same guests",
  source: "none",
  assumptions: [
    `a guest in long mode with ${PAGES} pages, ${100 * WRITES} % writes, ${GAP} cycles of other work an access; popularity by Zipf's law, 0.99, or all pages alike; a harvest each 10 ms`,
    "what a unit finds is held against what it owes in each round: first writes, or pages touched; so dirty and touched sets stand apart",
  ],
  divides: ALL,
  points,
  evaluate,
};
