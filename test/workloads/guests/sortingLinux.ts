/** A Linux that sorts a few numbers, and what it prints of them. */
import { createHash } from "node:crypto";
import type { System } from "../../../src/system/system.ts";

/** What its shell runs. */
export const RUN = "seq 300 | sort -r | md5sum";
const lines = Array.from({ length: 300 }, (_, i) => String(i + 1))
  .sort()
  .reverse();
export const MD5 = createHash("md5")
  .update(`${lines.join("\n")}\n`)
  .digest("hex");
/** The end of what it prints. */
export const DONE = `${MD5}  -\n[0] # `;

/** What the first VM's guest has printed so far. */
export function printed(system: System): string {
  const [vcpu] = system.world.vcpus;
  return Buffer.from(vcpu?.stream.workload.console?.shown() ?? []).toString();
}
