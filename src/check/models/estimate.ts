/**
 * An estimation of one VM's working set, with the guest accessing pages, and an interval ending, at any
 * moment. With PRL the estimator looks at the counts in the pVM's memory, and disarms when an interval
 * has added nothing (DW19's loop); with PML it pauses the VM and harvests each interval.
 */

import { TOUCHED, WRITTEN } from "../../hardware/guestForm.ts";
import type { Words } from "../../hardware/normalForm.ts";
import { Field } from "../../hardware/vmcs.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import { operationIn } from "../../system/operations/all.ts";
import { estimateSchema } from "../../system/operations/estimate/estimatorSchema.ts";
import type { System } from "../../system/system.ts";
import { LOG_CONTROLS } from "../../units/all.ts";
import type { Model } from "../engine/model.ts";
import { systemModel } from "../hypervisor/systemModel.ts";
import { over, type Predicate, type Property } from "../properties/property.ts";
import { ACCESSES } from "../usualUnits.ts";
import { LoggedEntries } from "./loggedEntries.ts";
import {
  logProperties,
  noPageLost,
  noStaleTranslations,
  pausedVcpusRunAgain,
  protocolProperties,
} from "./properties.ts";
import { smallSystem } from "./smallSystem.ts";
import {
  COUNTED_WAS_ACCESSED,
  countedWasAccessed,
  indexInRange,
  noFlagWithoutAccess,
  servedLogIsEmpty,
} from "./stepChecks.ts";
import type { TrackingOptions } from "./tracking.ts";

export const ROUND_ENDS = "an estimation round ends";
export const LOOKS_GO_ON = "the estimator looks again";

/** As scenarios write it; the explorer lets it end at any moment. */
const SOON = "1 cycles";
const ESTIMATOR = "vm0/estimator";

export interface EstimateModelOptions extends TrackingOptions {
  /** What the estimates are made of: counts of a log of accesses, or harvests of written pages. */
  readonly source: "counts" | "harvests";
}

export function estimateSystem(options: EstimateModelOptions): System {
  const config = estimateSchema().parse({
    kind: "estimate",
    loadInterval: SOON,
    estimator:
      options.source === "counts"
        ? { kind: "prl", tau: options.countsTo ?? 1, threshold: "at-least", mu: SOON, loop: "dw19" }
        : { kind: "pml", interval: SOON, clean: true },
  });
  return smallSystem({ ...options, operation: operationIn(config, { deadlineCycles: 1 }) });
}

export function estimateModel(name: string, options: EstimateModelOptions): Model {
  const system = estimateSystem(options);
  const isCounting = options.source === "counts";
  const { countsTo = 1 } = options;
  const logged = isCounting ? new LoggedEntries(system, countsTo) : null;
  return systemModel(system, {
    name,
    countsTo,
    ...(logged === null ? {} : { besides: (vm) => [logged.form(vm)] }),
    reads: options.reads ?? false,
    owed: isCounting ? TOUCHED : WRITTEN,
    stepChecks: [
      indexInRange,
      noFlagWithoutAccess,
      servedLogIsEmpty,
      countedWasAccessed,
      ...(logged === null ? [] : [logged.check]),
    ],
    properties: [
      ...protocolProperties(system, ["preparing", "ending"]),
      ...noStaleTranslations(system),
      ...pausedVcpusRunAgain(system),
      ...(isCounting ? [] : noPageLost()),
      ...logProperties(system),
      { kind: "step", name: COUNTED_WAS_ACCESSED },
      ...(logged?.properties() ?? []),
      ...roundProperties(isCounting),
    ],
  });
}

const RUNS_ON = `a guest runs on with ${ACCESSES.label} that its VMCS no longer has`;
const runsOn: Predicate = over(
  ["pcpu0/mmu", "pcpu0/tlb", "vcpu0/vmcs"],
  ({ value }: ActorSnapshot, { controls }: Words, { fields }: Words) => {
    const isLogging = (word: number | undefined): boolean => ((word ?? 0) & LOG_CONTROLS) !== 0;
    return (
      value === "running" &&
      isLogging(controls![0]) &&
      !isLogging(fields![2 * Field.secondaryControls])
    );
  },
);

function isIn(actor: string, ...states: readonly string[]): Predicate {
  return over([actor], ({ value }: ActorSnapshot) => states.includes(value));
}

/** Between two looks, and when all is over. */
const RESTING = ["ready", "sleeping", "ended", "done"];

function roundProperties(isCounting: boolean): Property[] {
  return [
    {
      kind: "leadsTo",
      name: ROUND_ENDS,
      when: isIn(ESTIMATOR, "arming", "pausing", "harvesting", "computing", "closing"),
      that: isIn(ESTIMATOR, ...RESTING),
    },
    {
      kind: "leadsTo",
      name: LOOKS_GO_ON,
      when: isIn(ESTIMATOR, "sleeping"),
      that: over([ESTIMATOR], ({ value }: ActorSnapshot) => value !== "sleeping"),
    },
    ...(isCounting
      ? ([
          { kind: "sometimes", name: "it ends by itself", that: isIn(ESTIMATOR, "ended") },
          // The log of accesses is taken off while the guest runs.
          { kind: "sometimes", name: RUNS_ON, that: runsOn },
        ] as const)
      : []),
  ];
}
