/** Any module for WASI preview 1 that is a command: it exports `_start` and its memory. */
import { UserError } from "../../../src/errors.ts";
import type { GuestHost } from "../host.ts";
import { WASI_MODULE, wasiFunctions } from "../wasi.ts";
import { WebAssembly } from "../webAssembly.ts";

export function runWasi(host: GuestHost): void {
  const functions = wasiFunctions(host);
  refuseOthers(host.spec.module, Object.keys(functions));
  const { exports } = host.instantiate({ [WASI_MODULE]: functions }, ({ memory }) => memory);
  const { _start: start } = exports;
  if (typeof start !== "function") {
    const names = Object.keys(exports).filter((name) => !name.startsWith("trackvisor:"));
    throw new UserError(
      `exports no _start: it is not a command for WASI preview 1 (it exports ${names.slice(0, 5).join(", ") || "nothing"})`,
    );
  }
  start();
}

/** @throws UserError if it imports what nobody offers */
function refuseOthers(module: Uint8Array, offered: readonly string[]): void {
  let imports: ReturnType<typeof WebAssembly.Module.imports>;
  try {
    imports = WebAssembly.Module.imports(new WebAssembly.Module(module));
  } catch (error) {
    // The tap says where.
    if (error instanceof WebAssembly.CompileError) return;
    throw error;
  }
  const other = imports.find(
    ({ module: from, name, kind }) =>
      from !== WASI_MODULE || kind !== "function" || !offered.includes(name),
  );
  if (other === undefined) return;
  throw new UserError(
    `imports the ${other.kind} ${other.module}.${other.name}, which is not offered: only functions of ${WASI_MODULE} are, without sockets and signals`,
  );
}
