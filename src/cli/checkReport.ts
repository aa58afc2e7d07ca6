/** What `trackvisor check` prints. */
import type { CheckReport, CheckRun } from "../check/checkRun.ts";
import { numberedList } from "../check/output/list.ts";
import { grouped } from "../config/figures.ts";
import type { Colour, Line } from "../io/standardStreams.ts";

const LEVELS_SHOWN = 8;
const SIGNS = { holds: "ok", violated: "VIOLATED", open: "open", vacuous: "VACUOUS" } as const;

/** The report, and the run that breaks the first property. */
export function formatCheck(run: CheckRun, report: CheckReport): Line[] {
  const lines: Line[] = [titleLine(report), counts(report), ...report.remarks, work(report)];
  if (!report.complete && report.levels.length > 1) lines.push(growth(report));
  lines.push("");
  for (const property of report.properties) {
    const { messages, kind } = property;
    const shown = kind === "sometimes" ? "witness" : "counterexample";
    const how = messages === null ? "" : ` (${shown} of ${messages} messages)`;
    lines.push(verdictLine(property, how));
  }
  lines.push("", ...coverageLines(report.coverage));
  if (!report.complete) lines.push(largest(report));
  const broken = run.results.find(
    ({ verdict, run: shown }) => verdict === "violated" && shown !== null,
  );
  const trace = broken === undefined ? null : run.traceOf(broken);
  if (trace !== null) lines.push("", `How "${trace.property}" breaks:`, ...numberedList(trace));
  return lines;
}

/** A property and what became of it. @param how behind its name */
export function verdictLine(
  { name, verdict }: Pick<CheckReport["properties"][number], "name" | "verdict">,
  how: string,
): Line {
  const bad = verdict === "violated" || verdict === "vacuous";
  const sign = SIGNS[verdict].padEnd(8);
  const colour: Colour | null = bad ? "red" : verdict === "open" ? null : "green";
  return ["  ", colour === null ? sign : { text: sign, colour }, ` ${name}${how}`];
}

/** Which model was checked. */
export function titleLine({
  model,
  set,
  fault,
}: Pick<CheckReport, "model" | "set" | "fault">): Line {
  const values = Object.entries(set).map(([name, value]) => `${name}=${value}`);
  const planted = fault === null ? [] : [`with the planted fault "${fault}"`];
  const rest = [...values, ...planted].map((one) => ` ${one}`);
  return [{ text: model, colour: "bold" }, ...rest];
}

function counts({
  distinct,
  generated,
  depth,
  seconds,
  complete,
  ending,
  unexpanded,
}: CheckReport): string {
  const all = complete ? "all" : "so far";
  const rate = seconds > 0 ? `, ${grouped(Math.round(generated / seconds))} a second` : "";
  const found = `${grouped(distinct)} distinct states (${all}), ${grouped(generated)} generated, depth ${depth}`;
  const why =
    ending === "violation"
      ? "ended at a violation"
      : ending === "bound"
        ? "ended at its bound"
        : "stopped";
  const rest = complete ? "" : `; ${why}: the steps of ${grouped(unexpanded)} states are not known`;
  return `${found}, ${seconds.toFixed(2)} s${rate}${rest}`;
}

function work({ localSteps, lookups, bytesPerState }: CheckReport): string {
  const hits = lookups === 0 ? 0 : (100 * (lookups - localSteps)) / lookups;
  // An actor that is called alone has no steps that come again in other states: nothing of them is kept.
  const asked = localSteps > lookups ? "" : ` for ${grouped(lookups)} (${hits.toFixed(3)} % known)`;
  return `${grouped(localSteps)} local steps worked out by the real actors${asked}; ${bytesPerState.toFixed(0)} bytes a state`;
}

/** New states of the last levels, and how much the last has grown: whether the end is near. */
function growth({ levels, bytesPerState }: CheckReport): string {
  const last = levels.slice(-LEVELS_SHOWN);
  const factor = levels.at(-1)! / levels.at(-2)!;
  const next = (levels.at(-1)! * factor * bytesPerState) / 2 ** 20;
  return `new states by depth, the last ${last.length}: ${last.map(grouped).join(", ")} (x ${factor.toFixed(2)}: the next takes about ${Math.ceil(next)} MiB)`;
}

/** Of one model most of the machines do only a part; --json names all of what they never did. */
const NEVER_SHOWN = 12;

export function coverageLines(machines: CheckReport["coverage"]): string[] {
  const lines = ["machines: states and transitions seen"];
  for (const one of machines) {
    const { statesSeen, states, transitionsSeen, transitions } = one;
    const unseen = [...one.unseenStates, ...one.unseenTransitions];
    const more = unseen.length > NEVER_SHOWN ? `, and ${unseen.length - NEVER_SHOWN} more` : "";
    const list = `never: ${unseen.slice(0, NEVER_SHOWN).join(", ")}${more}`;
    const never = unseen.length === 0 ? "" : `; ${transitionsSeen === 0 ? "not used" : list}`;
    lines.push(
      `  ${one.machine} ${statesSeen}/${states}, ${transitionsSeen}/${transitions}${never}`,
    );
  }
  return lines;
}

function largest({ largest: slots }: CheckReport): string {
  const list = slots.map(({ slot, values }) => `${slot} ${values}`).join(", ");
  return `what makes it large (values of each): ${list}`;
}
