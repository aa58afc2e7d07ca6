/** Where a session is saved if no file is named. */
import { existsSync } from "node:fs";

/** A name that no file has yet. */
export function freeName(): string {
  for (let number = 1; ; number++) {
    const name = `session-${number}.tvlog`;
    if (!existsSync(name)) return name;
  }
}
