/** What is on the screen: states of uiMachine.ts. */

export type Mode = "panels" | "help" | "palette" | "filter" | "actors" | "message" | "question";

/** Whether one view takes the place of the panels. */
export function isCovered(mode: Mode): boolean {
  return mode === "help" || mode === "actors" || mode === "message";
}

/** Whether it is a text that keys go through. */
export function reads(mode: Mode): boolean {
  return mode === "help" || mode === "actors";
}
