/** The examples of docs/examples/check: what each comes to, and what its planted fault breaks. */
import { describe, expect, it } from "vitest";
import alternatingBit from "../../../docs/examples/check/alternatingBit.ts";
import paxos from "../../../docs/examples/check/paxos.ts";
import peterson from "../../../docs/examples/check/peterson.ts";
import philosophers from "../../../docs/examples/check/philosophers.ts";
import register from "../../../docs/examples/check/register.ts";
import ringElection from "../../../docs/examples/check/ringElection.ts";
import type { ModelFile } from "../../../src/check/actors/modelFileSpec.ts";
import { Exploration, type ExplorationOptions } from "../../../src/check/engine/exploration.ts";
import { verdictsOf } from "../../../src/check/verdicts.ts";
import { plainSearch } from "../plainSearch.ts";

interface Expected {
  readonly file: ModelFile;
  readonly set?: Readonly<Record<string, number>>;
  /** Distinct and generated states. */
  readonly counts: readonly [number, number];
  /** Smaller, for a search that shares nothing with the explorer. */
  readonly small: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, readonly string[]>>;
}

const EXAMPLES: Readonly<Record<string, Expected>> = {
  philosophers: {
    file: philosophers,
    counts: [1002, 3516],
    small: {},
    faults: {
      "same-order": ["somebody can always go on", "the first philosopher eats when hungry"],
    },
  },
  peterson: {
    file: peterson,
    counts: [220, 441],
    small: {},
    faults: { "turn-first": ["one process is inside at a time"] },
  },
  alternatingBit: {
    file: alternatingBit,
    counts: [93, 439],
    small: {},
    faults: {
      "any-bit": ["each message is received once"],
      "lost-for-ever": ["all is sent"],
    },
  },
  ringElection: {
    file: ringElection,
    counts: [72, 189],
    small: {},
    faults: { "passes-all": ["the leader has the greatest name", "somebody is elected"] },
  },
  paxos: {
    file: paxos,
    counts: [15_793, 66_908],
    small: { acceptors: 2 },
    faults: { "own-value": ["one value is chosen at most"] },
  },
  register: {
    file: register,
    counts: [1449, 1879],
    small: {},
    faults: { "read-at-head": ["what clients see is linearizable"] },
  },
};

function explored(
  { file, set = {} }: Pick<Expected, "file" | "set">,
  fault: string | null,
  options: ExplorationOptions = {},
): Exploration {
  const exploration = new Exploration(file.build(set, fault), { keepGoing: true, ...options });
  exploration.run();
  return exploration;
}

describe.each(Object.entries(EXAMPLES))("%s", (_name, expected) => {
  it("is right, and has as many states as it is said to have", () => {
    const exploration = explored(expected, null);
    const verdicts = verdictsOf(exploration).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(exploration.model.properties.map(() => "holds"));
    expect([exploration.distinct, exploration.generated]).toEqual(expected.counts);
  });

  it("has as many states to a plain search", () => {
    const { file, small: set } = expected;
    const plain = plainSearch(file.build(set, null));
    const { distinct, generated } = explored({ file, set }, null);
    expect([distinct, generated]).toEqual([plain.distinct, plain.generated]);
  });

  it.each(Object.entries(expected.faults))(
    "%s breaks what it should, and no more",
    (fault, broken) => {
      expect(Object.keys(expected.file.faults!)).toContain(fault);
      const results = verdictsOf(explored(expected, fault));
      const violated = results.filter(({ verdict }) => verdict === "violated");
      expect(violated.map(({ name }) => name)).toEqual(broken);
      for (const { run } of violated) expect(run).not.toBeNull();
    },
  );
});

describe("Paxos", () => {
  it("has the same verdicts when its acceptors count as alike, from fewer states", () => {
    for (const fault of [null, "own-value"]) {
      const all = explored(EXAMPLES["paxos"]!, fault);
      const orbits = explored(EXAMPLES["paxos"]!, fault, { symmetry: true });
      const verdicts = (one: Exploration) => verdictsOf(one).map(({ verdict }) => verdict);
      expect(verdicts(orbits)).toEqual(verdicts(all));
      expect(orbits.distinct).toBeLessThan(all.distinct / 4);
    }
  });

  it("has the same verdicts when steps are left out that only commute", () => {
    const reduced = explored(EXAMPLES["paxos"]!, null, { partialOrder: true });
    expect(verdictsOf(reduced).map(({ verdict }) => verdict)).toEqual(["holds", "holds", "holds"]);
    expect(reduced.distinct).toBeLessThanOrEqual(15_793);
  });
});
