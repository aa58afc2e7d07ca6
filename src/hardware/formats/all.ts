/** The formats of second-level entries: the one list. A new one is a file and a line here. */
import type { EntryFormat } from "./entryFormat.ts";
import { EPT } from "./ept.ts";

export const FORMATS = [EPT] as const satisfies readonly EntryFormat[];
