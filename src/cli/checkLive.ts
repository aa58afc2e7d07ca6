/** `trackvisor check --live`: a search as a screen, and from a broken property to its counterexample. */
import { join } from "node:path";
import { buildTargetSystem } from "../check/catalogue.ts";
import type { CheckRun } from "../check/checkRun.ts";
import type { Found } from "../check/engine/checks.ts";
import type { Property, PropertyKind, Verdict } from "../check/properties/property.ts";
import type { PropertyResult } from "../check/verdicts.ts";
import { grouped } from "../config/figures.ts";
import { Scratch } from "../io/scratch.ts";
import { itemAt } from "../lookup.ts";
import { Session } from "../session/session.ts";
import type { LiveFrame, LiveRow } from "../tui/live/liveFrame.ts";
import { writeLog } from "./counterexampleFile.ts";
import { explore } from "./explore.ts";
import { openLive, openSession } from "./live.ts";

/** A key waits no longer for the search. */
const SLICE_SECONDS = 0.05;
const PERCENT = 100;
/** Rates are of no shorter time. */
const SECONDS_MIN = 0.001;

type Phase = "exploring" | "judging liveness" | "done";

/**
 * The search under a screen. At its end the screen stays until somebody leaves it.
 * @param ended is called when the search is over, before anybody looks at it any longer
 * @returns whether the search was ended before its end
 */
export async function checkLive(
  run: CheckRun,
  ended: (interrupted: boolean) => void,
): Promise<boolean> {
  const controller = new AbortController();
  const { screen, close } = await openLive(() => controller.abort());
  const clock = stopwatch();
  const show = (phase: Phase) => (): void => {
    if (screen.isDue) screen.show(checkFrame(run, phase, clock.seconds));
  };
  try {
    screen.show(checkFrame(run, "exploring", clock.seconds));
    const interrupted = await explore(
      run,
      {
        sliceSeconds: SLICE_SECONDS,
        explored: show("exploring"),
        judged: show("judging liveness"),
        ended: clock.stop,
      },
      controller,
    );
    ended(interrupted);
    // Who has ended it wants to be gone.
    if (!interrupted) {
      const frame = checkFrame(run, "done", clock.seconds);
      const broken = frame.list.rows.findIndex(({ sign }) => sign === SIGNS.violated);
      await screen.stay(frame, {
        row: Math.max(0, broken),
        refusal: (row) => refusalOf(run, row),
        open: (row) => openCounterexample(run, row),
      });
    }
    return interrupted;
  } finally {
    close();
  }
}

function stopwatch() {
  const from = performance.now();
  let end: number | null = null;
  return {
    get seconds(): number {
      return ((end ?? performance.now()) - from) / 1000;
    },
    stop: (): void => {
      end = performance.now();
    },
  };
}

/** What there is to see of a search. */
export function checkFrame(run: CheckRun, phase: Phase, seconds: number): LiveFrame {
  const { target, exploration, model } = run;
  const { distinct, generated, depth, expanded, lookups, expander, states } = exploration;
  const isOver = phase === "done";
  const known = isOver ? run.results : run.judged;
  const frontier = distinct - expanded;
  const rows = model.properties.map((property, i) => {
    const result = known?.[i];
    const open = rowSoFar(property, itemAt(exploration.findings, i), phase);
    return result === undefined || (result.verdict === "open" && !isOver) ? open : rowOf(result);
  });
  const hits = lookups === 0 ? 0 : (PERCENT * (lookups - expander.steps.misses)) / lookups;
  const bytes = exploration.bytes ?? states.bytes;
  const parameters = Object.entries(target.set).map(([name, value]) => ` ${name}=${value}`);
  const fault = target.mutation === null ? "" : ` --fault ${target.mutation}`;
  return {
    title: `check ${target.model}${parameters.join("")}${fault}`,
    phase: isOver && exploration.ending !== "complete" ? `done: ${exploration.ending}` : phase,
    isOver,
    seconds,
    facts: [
      ["states", grouped(distinct)],
      [
        "generated",
        `${grouped(generated)}, ${grouped(Math.round(generated / Math.max(seconds, SECONDS_MIN)))}/s`,
      ],
      ["frontier", `${grouped(frontier)} states whose steps are not known`],
      ["depth", grouped(depth)],
      ["steps known", `${hits.toFixed(3)} %`],
      ["memory", `${Math.ceil(bytes / 2 ** 20)} MiB`],
    ],
    parts: [],
    plot: levelsPlot(exploration.levelEnds),
    // Behind them what makes the model say less than it seems to.
    list: {
      title: "properties",
      rows: [...rows, ...(known ?? []).slice(model.properties.length).map(rowOf)],
    },
    opens: rows.some(({ sign }) => sign === SIGNS.violated) ? "counterexample" : "",
  };
}

/** Null: the search does not go by levels, or has come to none yet. */
function levelsPlot(ends: readonly number[]): LiveFrame["plot"] {
  if (ends.length < 2) return null;
  return {
    title: "new states by depth",
    unit: "",
    x: { name: "depth", unit: "", values: ends.map((_, depth) => depth) },
    series: [
      { name: "new states by depth", values: ends.map((end, i) => end - (ends[i - 1] ?? 0)) },
    ],
  };
}

const SIGNS: Readonly<Record<Verdict, string>> = {
  holds: "ok",
  violated: "VIOLATED",
  open: "open",
  vacuous: "VACUOUS",
};
const STYLES: Readonly<Record<Verdict, LiveRow["style"]>> = {
  holds: "good",
  violated: "bad",
  open: "dim",
  vacuous: "bad",
};

/** A verdict that stands. */
function rowOf({ name, kind, verdict, run }: PropertyResult): LiveRow {
  const messages = run === null ? null : run.edges.length + run.cycle.length;
  const what = kind === "sometimes" ? "witness" : "counterexample";
  const note = messages === null ? "" : `${what} of ${grouped(messages)} messages`;
  return { sign: SIGNS[verdict], style: STYLES[verdict], text: name, note };
}

/** What the search has met so far: no verdict but of what is found. */
function rowSoFar({ name, kind }: Property, { finding, applied }: Found, phase: Phase): LiveRow {
  if (finding !== null) {
    const verdict: Verdict = kind === "sometimes" ? "holds" : "violated";
    return { sign: SIGNS[verdict], style: STYLES[verdict], text: name, note: "found" };
  }
  return { sign: SIGNS.open, style: STYLES.open, text: name, note: openText(kind, applied, phase) };
}

function openText(kind: PropertyKind, applied: boolean, phase: Phase): string {
  if (kind === "eventually" || kind === "leadsTo") {
    return phase === "exploring" ? "judged when all states are known" : "being judged";
  }
  if (kind === "sometimes") return "not seen so far";
  return applied ? "holds so far" : "has not applied so far";
}

/** Why the counterexample of a row cannot be opened; "" = it can. */
function refusalOf(run: CheckRun, row: number): string {
  const result = itemAt(run.results, row);
  if (result.verdict !== "violated") return `"${result.name}" is not broken: nothing to open`;
  if (result.run === null) return `no single run breaks "${result.name}": nothing to open`;
  if (buildTargetSystem(run.target) !== null) return "";
  return `${run.target.model} is no model of a system: its counterexample is in the report`;
}

/** The counterexample of a row, in the lanes. */
async function openCounterexample(run: CheckRun, row: number): Promise<void> {
  const trace = run.traceOf(itemAt(run.results, row));
  if (trace === null) return;
  const scratch = new Scratch();
  try {
    const file = join(scratch.directory, "counterexample.tvlog");
    writeLog(file, run.target, trace);
    await openSession(Session.open(file), ["panel lanes", "broken"]);
  } finally {
    scratch.remove();
  }
}
