/** All panels, in the order of their numbers and of the focus. */

import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import type { UiContext } from "../uiMachine.ts";
import { ALONE, besidePanel } from "./beside.ts";
import { breaksPanel } from "./breaks.ts";
import { consolePanel } from "./console.ts";
import { countersPanel } from "./counters.ts";
import { lanesPanel } from "./lanes.ts";
import { logsPanel } from "./logs.ts";
import { machinePanel } from "./machine.ts";
import { operationPanel } from "./operation.ts";
import { pagePanel } from "./page.ts";
import { pagesPanel } from "./pages.ts";
import type { Panel } from "./panel.ts";
import { plotsPanel } from "./plots.ts";
import { streamPanel } from "./stream.ts";

export const PANELS: readonly Panel[] = [
  machinePanel,
  logsPanel,
  streamPanel,
  pagesPanel,
  operationPanel,
  countersPanel,
  lanesPanel,
  pagePanel,
  plotsPanel,
  consolePanel,
  breaksPanel,
  besidePanel,
];

/** Panels that a digit chooses; those behind them have a command of their own. */
const DIGITS = 10;

/** The digit that chooses a panel: the tenth has 0; "" = none does. */
export function digitOf(panel: number): string {
  return panel < DIGITS ? String((panel + 1) % DIGITS) : "";
}

export const PANEL_NAMES: readonly string[] = PANELS.map(({ name }) => name);

/** Those that there is something to see in. @param isBeside whether a run stands beside the one that is shown */
export function panelsOf(isBeside: boolean): readonly Panel[] {
  return isBeside ? PANELS : PANELS.filter((panel) => panel !== besidePanel);
}

/** The number of a panel on a screen. @throws UserError if none is called that, or there is nothing to see in it */
export function panelAt(name: string, { panels }: Pick<UiContext, "panels">): number {
  const at = panels.indexOf(panelNamed(name).name);
  if (at >= 0) return at;
  throw new UserError(`panel ${name}: ${ALONE}`);
}

/** Undefined: none has the focus. */
export function focusedPanel({ panels, focus }: Pick<UiContext, "panels" | "focus">) {
  return PANELS.find(({ name }) => name === panels[focus]);
}

/** @throws UserError if there is none of that name */
export function panelNamed(name: string): Panel {
  const found = PANELS.find((panel) => panel.name === name);
  if (found === undefined) {
    throw new UserError(`panel: expected ${PANEL_NAMES.join(", ")}${nearest(name, PANEL_NAMES)}`);
  }
  return found;
}
