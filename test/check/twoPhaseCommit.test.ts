import { describe, expect, it } from "vitest";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { twoPhaseCommit } from "../../src/check/models/twoPhaseCommit.ts";
import { plainSearch } from "./plainSearch.ts";

/**
 * Managers, distinct and generated states. Stateright's own test has the first two numbers of states (examples/2pc.rs, can_model_2pc);
 * TLC, SPIN and Rumur agreed with all of them when they were run on the same protocol.
 */
const COUNTS = [
  [3, 288, 1_146],
  [5, 8_832, 58_146],
  [7, 296_448, 2_744_706],
] as const;

/** With full symmetry, generated with the initial state. */
const QUOTIENTS = [
  [3, 80, 318],
  [5, 314, 2_048],
  [7, 920, 8_410],
  [8, 1_461, 15_287],
  [9, 2_232, 26_316],
] as const;

describe("two-phase commit", () => {
  it.each(COUNTS)(
    "of %i managers has as many states as everywhere",
    (managers, distinct, generated) => {
      const exploration = new Exploration(twoPhaseCommit(managers));
      expect(exploration.run()).toBe("complete");
      expect([exploration.distinct, exploration.generated]).toEqual([distinct, generated]);
    },
  );

  it.each(QUOTIENTS)(
    "of %i managers has as many orbits as Rumur says",
    (managers, distinct, generated) => {
      const exploration = new Exploration(twoPhaseCommit(managers), { symmetry: true });
      expect(exploration.run()).toBe("complete");
      expect([exploration.distinct, exploration.generated]).toEqual([distinct, generated]);
    },
  );

  it("costs at most 48 bytes a state", () => {
    const exploration = new Exploration(twoPhaseCommit(7));
    exploration.run();
    expect(exploration.states.bytes / exploration.distinct).toBeLessThanOrEqual(48);
  });

  it.each([1, 2, 3, 4])("of %i managers is the same to a plain search", (managers) => {
    const exploration = new Exploration(twoPhaseCommit(managers));
    exploration.run();
    const plain = plainSearch(twoPhaseCommit(managers));
    expect([exploration.distinct, exploration.generated]).toEqual([
      plain.distinct,
      plain.generated,
    ]);
    expect(plain.broken).toEqual(new Set());
    expect(plain.witnessed).toEqual(new Set(["all commit", "all abort"]));
    expect(exploration.findings.map(({ finding }) => finding !== null)).toEqual([
      false,
      true,
      true,
    ]);
  });
});
