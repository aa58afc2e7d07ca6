/** From what a scenario or a command line asks for to a guest that can be run: its files are read here. */
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../src/errors.ts";
import { readBytes, readText } from "../../src/io/inputFile.ts";
import { findPackagePart } from "../../src/io/optionalPackage.ts";
import { packagePath } from "../../src/io/packageFiles.ts";
import { type GuestProgram, type GuestSpec, guestPrograms } from "./spec.ts";

/** Begins names of modules that come with the program. */
export const SHIPPED = "shipped:";
const MODULE_BYTES_MAX = 256 << 20;
const FILE_BYTES_MAX = 64 << 20;
const SCRIPT_BYTES_MAX = 16 << 20;
/** Of 4 KiB in one of WebAssembly's. */
const PAGES = 16;

/** What is asked for: a module or a program. */
export interface GuestRequest {
  readonly module?: string | undefined;
  readonly program?: GuestProgram | undefined;
  readonly args: readonly string[];
  readonly script?: string | undefined;
  readonly scriptFile?: string | undefined;
  readonly files: readonly string[];
  /** Pages of 4 KiB. */
  readonly memory: number;
  readonly accesses?: number | undefined;
  readonly seed: number;
}

interface ProgramPackage {
  readonly name: string;
  /** The package's parts: its module, and what loads it. */
  readonly module: string;
  readonly loader: string;
  /** The module's file beside the part that is named, where a package does not let it be named itself. */
  readonly file?: string;
  readonly language: string;
}

const PACKAGES: Readonly<Record<GuestProgram, ProgramPackage>> = {
  sqlite: {
    name: "sql.js",
    module: "sql.js/dist/sql-wasm.wasm",
    loader: "sql.js",
    language: "SQL",
  },
  quickjs: {
    name: "quickjs-emscripten",
    module: "@jitl/quickjs-wasmfile-release-sync/wasm",
    loader: "@jitl/quickjs-wasmfile-release-sync/emscripten-module",
    language: "JavaScript",
  },
  postgres: {
    name: "@electric-sql/pglite",
    module: "@electric-sql/pglite",
    file: "pglite.wasm",
    loader: "@electric-sql/pglite",
    language: "SQL",
  },
};

/**
 * The path of a module.
 * @param module as in a scenario; "shipped:NAME" is workloads/modules/NAME.wasm of this package
 * @throws UserError if no such module is shipped
 */
function modulePath(module: string, directory: string): string {
  if (!module.startsWith(SHIPPED)) return resolve(directory, module);
  const name = module.slice(SHIPPED.length);
  const path = /^[\w-]+$/.test(name) ? packagePath("workloads", "modules", `${name}.wasm`) : null;
  if (path !== null) return path;
  throw new UserError(`no module "${name}" is shipped with Trackvisor`);
}

/**
 * Reads a guest's module, script and files.
 * @param directory where relative names start
 * @throws UserError if one cannot be read, a package is missing, or what is asked for does not fit together
 */
export function loadGuest(request: GuestRequest, directory: string): GuestSpec {
  const { module, program, args, script, scriptFile, memory, accesses, seed } = request;
  const path = (name: string): string => resolve(directory, name);
  const files = request.files.map((name) => ({
    name: basename(name),
    bytes: new Uint8Array(readBytes(path(name), FILE_BYTES_MAX)),
  }));
  const twice = files.find(({ name }, i) => files.findIndex((one) => one.name === name) < i);
  if (twice !== undefined) throw new UserError(`files: two are called "${twice.name}"`);
  const memoryPages = Math.floor(memory / PAGES);
  const common = { args, files, memoryPages, accesses, seed };
  if (module !== undefined && program === undefined) {
    if (script !== undefined || scriptFile !== undefined) {
      throw new UserError("a script is for a program; a module has args and files");
    }
    const file = modulePath(module, directory);
    const bytes = new Uint8Array(readBytes(file, MODULE_BYTES_MAX));
    const name = basename(file);
    return { ...common, program: "wasi", name, module: bytes, loader: "", script: "" };
  }
  if (program === undefined || module !== undefined) {
    throw new UserError(
      `a wasm guest is either a module (module: guest.wasm) or a program (program: ${guestPrograms.join(", ")})`,
    );
  }
  const { language } = PACKAGES[program];
  if ((script === undefined) === (scriptFile === undefined)) {
    throw new UserError(`program ${program}: expected its ${language}, as script or as scriptFile`);
  }
  if (args.length > 0 || files.length > 0) {
    throw new UserError(`program ${program}: takes a script, and no args or files`);
  }
  const text = script ?? readText(path(scriptFile ?? ""), SCRIPT_BYTES_MAX);
  return { ...common, ...partsOf(program), program, name: program, script: text };
}

function partsOf(program: GuestProgram): Pick<GuestSpec, "module" | "loader"> {
  const { name, module, loader, file } = PACKAGES[program];
  const [bytes, code] = [module, loader].map((part) => findPackagePart(part, name));
  if (!bytes || !code) {
    throw new UserError(`program ${program}: needs the package ${name}: npm install ${name}`);
  }
  return {
    module: new Uint8Array(
      readBytes(
        file === undefined ? bytes.path : join(dirname(bytes.path), file),
        MODULE_BYTES_MAX,
      ),
    ),
    loader: code.url,
  };
}
