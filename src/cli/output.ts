/** What the commands share in writing. Where text leaves is src/io/standardStreams.ts. */

import { note } from "../io/standardStreams.ts";

/** For a store of finished runs. */
export function noteDamaged(path: string): void {
  note(`${path}: damaged, not used; its run is done again`);
}
