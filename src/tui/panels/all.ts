/** All panels, in the order of their numbers and of the focus. */

import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import type { UiContext } from "../uiMachine.ts";
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
];

/** Panels that a digit chooses; those behind them have a command of their own. */
const DIGITS = 10;

/** The digit that chooses a panel: the tenth has 0; "" = none does. */
export function digitOf(panel: number): string {
  return panel < DIGITS ? String((panel + 1) % DIGITS) : "";
}

export const PANEL_NAMES: readonly string[] = PANELS.map(({ name }) => name);

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
