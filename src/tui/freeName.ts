/** Where a session is saved if no file is named. */
import { exists } from "../io/inputFile.ts";

/** A name that no file has yet. */
export function freeName(): string {
  for (let number = 1; ; number++) {
    const name = `session-${number}.tvlog`;
    if (!exists(name)) return name;
  }
}
