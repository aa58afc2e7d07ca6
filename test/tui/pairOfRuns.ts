/** Two small runs that differ by their tracker. */
import { SideBySide } from "../../src/session/sideBySide.ts";
import { SMALL, smallUnder } from "./fakeTerminal.ts";

/** The guests of SMALL under PML. */
export const OTHER = smallUnder("pml");

export function pair(): SideBySide {
  return new SideBySide(
    { name: "prl", scenario: SMALL, directory: "." },
    { name: "pml", scenario: OTHER, directory: "." },
  );
}
