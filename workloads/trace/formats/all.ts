/** The table of formats. A new one is a file of its own and a line here. */
import { lackey } from "./lackey.ts";
import type { TraceFormat } from "./traceFormat.ts";

export const FORMATS: readonly TraceFormat[] = [lackey];
