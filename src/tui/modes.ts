/** What is on the screen: states of uiMachine.ts. */

export type Mode =
  | "panels"
  | "arranging"
  | "help"
  | "searching"
  | "palette"
  | "filter"
  | "typing"
  | "actors"
  | "chart"
  | "message"
  | "question";

const COVERS: readonly Mode[] = ["help", "searching", "actors", "chart", "message"];

/** Whether one view takes the place of the panels. */
export function isCovered(mode: Mode): boolean {
  return COVERS.includes(mode);
}

/** How far a key goes in a text that is read: home and end to its first and last line; 0 = it is none of them. */
export function toEnd(key: string, mode: Mode): number {
  if (mode !== "help" && mode !== "actors" && mode !== "chart") return 0;
  return key === "home" ? -FAR : key === "end" ? FAR : 0;
}

/** More lines than any text has. */
const FAR = 1e9;
