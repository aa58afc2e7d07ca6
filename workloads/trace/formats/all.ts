/** The table of formats. A new one is a file of its own and a line here. */
import { champsim } from "./champsim.ts";
import { drmemtrace } from "./drmemtrace.ts";
import { execlog, execlogUser } from "./execlog.ts";
import { kvmFaults } from "./kvmFaults.ts";
import { lackey } from "./lackey.ts";
import { perfScript } from "./perfScript.ts";
import { pinatrace } from "./pinatrace.ts";
import type { TraceFormat } from "./traceFormat.ts";
import { tvplugin } from "./tvplugin.ts";

export const FORMATS: readonly TraceFormat[] = [
  lackey,
  pinatrace,
  champsim,
  drmemtrace,
  execlog,
  execlogUser,
  kvmFaults,
  perfScript,
  tvplugin,
];
