/**
 * Page-modification logging, written a second time: in Promela, from the rules (pageModificationLogging.pml). SPIN and the
 * checker must come to the same verdicts: without a fault everything holds, and of each planted fault each says that the same
 * properties break, and no others.
 */
import { describe, expect, it } from "vitest";
import { CheckRun } from "../../src/check/checkRun.ts";
import { NO_PAGE_LOST } from "../../src/check/hypervisor/settlement.ts";
import { ACCESS_COMPLETES } from "../../src/check/models/guestProgress.ts";
import {
  HARVEST_STANDS_STILL,
  NO_STALE_TRANSLATION,
  OPERATION_GETS_ON,
} from "../../src/check/models/properties.ts";
import {
  INDEX_IN_RANGE,
  NO_FLAG_WITHOUT_ACCESS,
  SERVED_LOG_IS_EMPTY,
} from "../../src/check/models/stepChecks.ts";
import { MUTATIONS } from "../../src/check/mutations/all.ts";
import { shareOf } from "../share.ts";
import { REASON, withVerifier } from "./spin.ts";

const MODEL = "pageModificationLogging.pml";
/** By what SPIN calls an error: the beginning of the name of the checker's property. */
const SAFETY: Readonly<Record<string, string>> = {
  "invalid end state": "no deadlock",
  "assertion violated noPageLost": NO_PAGE_LOST,
  "assertion violated noStaleTranslation": NO_STALE_TRANSLATION,
  "assertion violated indexInRange": INDEX_IN_RANGE,
  "assertion violated servedLogIsEmpty": SERVED_LOG_IS_EMPTY,
  "assertion violated noFlagWithoutAccess": NO_FLAG_WITHOUT_ACCESS,
  "assertion violated standsStill": HARVEST_STANDS_STILL,
};
/** By formula. */
const LIVENESS: Readonly<Record<string, string>> = {
  askedIsDone: OPERATION_GETS_ON,
  logIsServed: "a full log of vCPU 0 is served",
  triedIsDone: ACCESS_COMPLETES,
  runsAgain: "vCPU 0 runs again",
};
const NAMES = [...Object.values(SAFETY), ...Object.values(LIVENESS)];

/** Two pages, and a log of one entry. */
const SMALL = { pages: 2, log: 1, reads: 0 };
const ONE = { model: "pml", set: SMALL, definitions: ["VCPUS=1", "HARVESTS=1"] };
const TWO = {
  model: "pml-two-vcpus",
  set: { ...SMALL, harvests: 0 },
  definitions: ["VCPUS=2", "HARVESTS=0"],
};
/** Faults of what the rules speak of: not of messages between the parts of a machine. */
const FAULTS = [
  ...["skip-invept", "harvest-before-drain", "clear-before-drain", "reset-at-exit"],
  ...["index-not-reset", "rearm-nothing", "bitmap-cleared-before-copied", "flag-before-log"],
  ...["index-wraps", "index-not-decremented", "log-full-not-told", "kick-ignored"],
  ...["unpause-forgotten", "log-full-spins"],
];
const CASES = [
  { name: null, ...ONE },
  ...FAULTS.map((name) => ({ name, ...ONE })),
  { name: null, ...TWO },
  { name: "pml-on-some-vcpus", ...TWO },
  { name: "invept-on-one-cpu", ...TWO },
];

/** Names of properties that SPIN says break. */
function brokenInSpin(fault: string | null, sizes: readonly string[]): string[] {
  const name = (fault ?? "none").toUpperCase().replaceAll("-", "_");
  const definitions = [...sizes, `FAULT=${name}`];
  const safety = withVerifier(MODEL, definitions, ["-DSAFETY", "-DNOCLAIM"], (pan) => {
    const errors = [...pan("-c0").matchAll(/^pan:\d+: (.*) \(at depth/gm)].map(([, what]) => what);
    return [...new Set(errors)].map((what) => SAFETY[what ?? ""] ?? `unknown: ${what}`);
  });
  const liveness = withVerifier(MODEL, definitions, ["-DNFAIR=3"], (pan) =>
    Object.keys(LIVENESS).filter(
      (formula) => !pan("-A", "-E", "-a", "-f", "-N", formula).includes("errors: 0"),
    ),
  );
  return [...safety, ...liveness.map((formula) => LIVENESS[formula] ?? formula)].sort();
}

/** Names of the same properties that the checker says break. */
function brokenInChecker({ name, model, set }: (typeof CASES)[number], keepGoing = true): string[] {
  const run = new CheckRun({ model, set, mutation: name }, { keepGoing });
  run.explore();
  const violated = run.results.filter(({ verdict }) => verdict === "violated");
  const names = violated.flatMap((one) => NAMES.filter((begins) => one.name.startsWith(begins)));
  return [...new Set(names)].sort();
}

describe.skipIf(REASON !== "")(`SPIN and the checker${REASON && ` (skipped: ${REASON})`}`, () => {
  it.each(shareOf(CASES, 4, 2))("say the same of $model with fault $name", (one) => {
    const broken = brokenInSpin(one.name, one.definitions);
    expect(brokenInChecker(one)).toEqual(broken);
    const { breaks } = MUTATIONS.find(({ name }) => name === one.name) ?? { breaks: null };
    expect(broken.some((name) => breaks === null || name.startsWith(breaks))).toBe(
      one.name !== null,
    );
  });

  // What else goes wrong after it is not asked.
  it("both see a VM that is harvested while it runs", () => {
    const one = { name: "paused-too-early", ...ONE };
    expect(brokenInSpin(one.name, one.definitions)).toContain(HARVEST_STANDS_STILL);
    expect(brokenInChecker(one, false)).toEqual([HARVEST_STANDS_STILL]);
  });
});
