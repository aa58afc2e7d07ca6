/**
 * PostgreSQL, as the npm package PGlite has it: runs a script of SQL, and prints the rows. The database is made by
 * another instance before, which is not the guest: noted is the server from its start on.
 */
import { UserError } from "../../../src/errors.ts";
import type { GuestHost } from "../host.ts";
import { type WasmImports, WebAssembly } from "../webAssembly.ts";

interface PGlite {
  dumpDataDir(compression: "none"): Promise<Blob>;
  exec(
    script: string,
    options: { readonly rowMode: "array" },
  ): Promise<readonly { readonly rows: readonly (readonly unknown[])[] }[]>;
  close(): Promise<void>;
}

interface Package {
  readonly PGlite: { create(options?: { readonly loadDataDir?: Blob }): Promise<PGlite> };
}

export async function runPostgres(host: GuestHost): Promise<void> {
  const { PGlite }: Package = await import(host.spec.loader);
  const maker = await PGlite.create();
  const loadDataDir = await maker.dumpDataDir("none");
  await maker.close();
  tapTheNext(host);
  const server = await PGlite.create({ loadDataDir });
  for (const { rows } of await resultsOf(server, host.spec.script)) {
    for (const row of rows) host.write(Buffer.from(`${row.map(text).join("|")}\n`, "utf8"));
  }
}

async function resultsOf(server: PGlite, script: string): ReturnType<PGlite["exec"]> {
  try {
    return await server.exec(script, { rowMode: "array" });
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof UserError) throw error;
    throw new UserError(`SQL: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** As psql prints it without alignment. */
function text(value: unknown): string {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "t" : "f";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * The package asks the engine for instances itself. The next one with a memory is the server; a library that it loads
 * later into the same memory would access it unseen, and is refused.
 */
function tapTheNext(host: GuestHost): void {
  const { instantiate, Instance } = WebAssembly;
  const memoryOf = (imports: WasmImports | undefined): unknown => imports?.["env"]?.["memory"];
  const asked = async (source: object, imports: WasmImports): Promise<unknown> => {
    const memory = memoryOf(imports);
    if (memory === undefined) return instantiate(source, imports);
    const instance = host.instantiate(imports, () => memory);
    const refusing = new Proxy(Instance, {
      construct(target, words: [never, WasmImports], newTarget) {
        if (memoryOf(words[1]) !== memory) return Reflect.construct(target, words, newTarget);
        throw new UserError("loads a library (an extension), whose accesses would not be noted");
      },
    });
    Object.assign(WebAssembly, { instantiate, Instance: refusing });
    return source instanceof WebAssembly.Module ? instance : { module: source, instance };
  };
  Object.assign(WebAssembly, { instantiate: asked });
}
