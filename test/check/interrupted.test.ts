/** Whoever interrupts a check is told what is known, in whatever phase it is: nothing is judged that was not. */
import { describe, expect, it } from "vitest";
import { CheckRun } from "../../src/check/checkRun.ts";

const SMALL = { pages: 1, log: 1, reads: 0 };
const isLive = (kind: string): boolean => kind === "leadsTo" || kind === "eventually";

/** A check whose clock says after each piece of work that the time is up. */
function inPieces(mutation: string | null, set = {}, model = "pml"): CheckRun {
  let now = 0;
  return new CheckRun({ model, set: { ...SMALL, ...set }, mutation }, { clock: () => now++ });
}

const verdictsOf = ({ results }: CheckRun) => results.map(({ verdict }) => verdict);

describe("a check that is given up", () => {
  it("while it searches has nothing but what was met", () => {
    const run = inPieces(null, { pages: 2, reads: 1 });
    expect(run.explore(0.001)).toBe(true);
    run.giveUp();
    const verdicts = verdictsOf(run);
    expect(new Set(verdicts)).toEqual(new Set(["open", "holds"]));
    expect(run.report().complete).toBe(false);
  });

  it("while liveness is judged has all other verdicts, and those of liveness that are known", () => {
    const whole = inPieces(null);
    whole.explore();
    const wanted = verdictsOf(whole);
    const all = whole.results.length;
    const known: number[] = [];
    const run = inPieces(null);
    run.explore();
    // What is known is looked at after each piece.
    run.giveUp();
    for (let goesOn = true; goesOn; ) {
      goesOn = run.judge(0.001);
      const { results } = run;
      expect(results.length).toBe(all);
      results.forEach(({ verdict, kind }, i) => {
        if (verdict !== "open") expect(verdict).toBe(wanted[i]);
        else if (known.length > all) expect(isLive(kind)).toBe(true);
      });
      known.push(results.filter(({ verdict }) => verdict !== "open").length);
      const { remarks, complete } = run.report();
      expect(complete).toBe(true);
      expect(remarks.some((remark) => remark.includes("interrupted"))).toBe(goesOn);
    }
    // It takes many pieces, and no verdict is ever taken back.
    expect(known.length).toBeGreaterThan(all);
    expect(known).toEqual(known.toSorted((one, other) => one - other));
    expect(known.at(-1)).toBe(all);
  });

  it("while a counterexample is made shorter has the longer one", () => {
    const whole = inPieces("kick-ignored");
    whole.explore();
    const broken = whole.results.findIndex(
      ({ verdict, kind }) => verdict === "violated" && isLive(kind),
    );
    expect(broken).toBeGreaterThan(0);
    const run = inPieces("kick-ignored");
    run.explore();
    const before = (): string => {
      // What is known, without making more known.
      run.giveUp();
      return run.results[broken]!.verdict;
    };
    let goesOn = true;
    while (goesOn) {
      goesOn = run.judge(0.001);
      if (before() === "violated") break;
    }
    expect(goesOn).toBe(true);
    const { messages } = run.report().properties[broken]!;
    expect(messages).toBeGreaterThanOrEqual(whole.report().properties[broken]!.messages!);
    expect(run.traceOf(run.results[broken]!)!.steps.length).toBe(messages);
  });
});
