/** `trackvisor tui --beside`: which other run of the scenario stands beside it. */
import { isDeepStrictEqual } from "node:util";
import { type Override, parseOverride } from "../config/override.ts";
import { UserError } from "../errors.ts";
import { contenderNamed, overridesOf } from "../questions/contenders.ts";
import {
  checkLoaded,
  type LoadedScenario,
  loadScenario,
  refuseUnread,
} from "../runs/scenarioFile.ts";
import { SideBySide } from "../session/sideBySide.ts";

const OPTION = "--beside";
/** How the run is called that differs in fields alone from the one beside it. */
const AS_IT_IS = "as it is";

/** A tracker, as `compare` names it, or a field with its value, as `--set` has it. */
export interface BesideOption {
  readonly text: string;
  readonly overrides: readonly Override[];
  readonly isTracker: boolean;
}

/** @throws UserError if there is no such tracker */
export function besideOption(text: string, before: readonly BesideOption[] = []): BesideOption[] {
  const isTracker = !text.includes("=");
  const overrides = isTracker
    ? overridesOf(contenderNamed(text, OPTION), OPTION)
    : [{ ...parseOverride(text), origin: `${OPTION} ${text}` }];
  return [...before, { text, overrides, isTracker }];
}

/** The scenario as it is, and as it is with what the options say. @throws UserError */
export function openBeside(
  name: string,
  set: readonly Override[],
  options: readonly BesideOption[],
): SideBySide {
  const own = loadScenario(name, set);
  const other = loadScenario(name, [...set, ...options.flatMap(({ overrides }) => overrides)]);
  refuseUnread(own);
  refuseUnread(other);
  const called = options.map(({ text }) => text).join(", ");
  if (isDeepStrictEqual(own.scenario, other.scenario)) {
    throw new UserError(`${OPTION} ${called}: the scenario is so already; both runs would be one`);
  }
  for (const one of [own, other]) checkLoaded(one);
  const isTracker = options.every((one) => one.isTracker);
  const { technique } = own.scenario.tracker;
  return new SideBySide(variant(isTracker ? technique : AS_IT_IS, own), variant(called, other));
}

function variant(name: string, { scenario, directory }: LoadedScenario) {
  return { name, scenario, directory };
}
