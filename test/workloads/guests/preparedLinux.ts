/** Whether there is a Linux to boot. */
import { spawnSync } from "node:child_process";
import { UserError } from "../../../src/errors.ts";
import { keptImage } from "../../../workloads/guests/linux/image.ts";
import { IS_LONG } from "../../share.ts";

function hasImage(): boolean {
  try {
    keptImage();
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return false;
  }
}

/** Whether there is a Linux to boot now. CI fetches one, where Debian's packages can be had. */
export function isPrepared(): boolean {
  if (hasImage()) return true;
  if (!IS_LONG) return false;
  spawnSync(process.execPath, ["dist/src/cli/main.js", "guest", "prepare", "linux"]);
  return hasImage();
}
