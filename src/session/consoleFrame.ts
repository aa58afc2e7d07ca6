/** What the guest of a VM has printed up to now. */
import type { System } from "../system/system.ts";
import type { ConsoleFrame } from "./frame.ts";

/** Of a console's text so much can be gone back through. */
const BYTES_MAX = 1 << 16;

/** @param rows lines at most; the last of them is the one that the guest is at */
export function consoleFrame({ world }: System, vm: number, rows: number): ConsoleFrame {
  const consoles = world
    .vmNumbered(vm)
    .vcpus.map((vcpu) => world.vcpuNumbered(vcpu).stream.workload.console);
  const found = consoles.find((one) => one !== undefined);
  if (found === undefined) return { lines: null, takesText: false };
  const text = Buffer.from(found.shown(BYTES_MAX)).toString("utf8");
  return { lines: text.split("\n").slice(-rows), takesText: found.type !== undefined };
}
