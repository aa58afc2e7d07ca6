/** All panels, in the order of their numbers and of the focus. */
import { countersPanel } from "./counters.ts";
import { lanesPanel } from "./lanes.ts";
import { logsPanel } from "./logs.ts";
import { machinePanel } from "./machine.ts";
import { operationPanel } from "./operation.ts";
import { pagePanel } from "./page.ts";
import { pagesPanel } from "./pages.ts";
import type { Panel } from "./panel.ts";
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
];

/** @throws Error if there is none of that name */
export function panelNamed(name: string): Panel {
  const found = PANELS.find((panel) => panel.name === name);
  if (found === undefined) throw new Error(`no panel is called ${name}`);
  return found;
}
