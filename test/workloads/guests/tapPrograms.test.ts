/** Programs as others have built them: the tap changes nothing that they do. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { instantiate } from "../../../workloads/guests/tap/instance.ts";
import { Recorder } from "../../../workloads/guests/tap/recorder.ts";
import { tapModule } from "../../../workloads/guests/tap/rewriter.ts";
import {
  type WasmImports,
  type WasmInstance,
  WebAssembly,
} from "../../../workloads/guests/webAssembly.ts";

const require = createRequire(import.meta.url);
const JITL = join(dirname(require.resolve("@jitl/quickjs-wasmfile-release-sync")), "..", "..");
const SQL_JS = dirname(require.resolve("sql.js"));
const MODULES = [
  ...["sql-wasm.wasm", "sql-wasm-debug.wasm"].map((name) => join(SQL_JS, name)),
  ...readdirSync(JITL)
    .filter((name) => name.startsWith("quickjs-wasmfile"))
    .map((name) => join(JITL, name, "dist", "emscripten-module.wasm")),
];

const shownName = (file: string): string => relative(join(JITL, ".."), file);

it.each(MODULES.map((file) => [shownName(file), file] as const))(
  "%s: the engine takes what the tap makes of it",
  (_name, file) => {
    expect(WebAssembly.validate(tapModule(readFileSync(file)).bytes)).toBe(true);
  },
);

type Instantiate = (bytes: Uint8Array, imports: WasmImports) => WasmInstance;

const plainly: Instantiate = (bytes, imports) =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);

/** @returns accesses, with what instantiates */
function noting() {
  const recorder = new Recorder({ run: () => {} }, { accesses: 1e10 });
  const noted: Instantiate = (bytes, imports) => instantiate(tapModule(bytes), imports, recorder);
  return { noted, accesses: () => recorder.count() };
}

const SQL = `create table t(a integer primary key, b text, c real);
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 300)
    insert into t select i, hex(i * 7919), i / 7.0 from n;
  create index x on t(b);
  update t set b = b || '!' where a % 3 = 0;
  delete from t where a % 5 = 0;
  select count(*), sum(c), max(b), group_concat(b) from t where b > '3';
  pragma integrity_check;`;

async function sqlite(make: Instantiate): Promise<string> {
  const bytes = readFileSync(join(SQL_JS, "sql-wasm.wasm"));
  // It hands out what was made first, as long as it is loaded.
  delete require.cache[require.resolve("sql.js")];
  const init: (
    options: object,
  ) => Promise<{ Database: new () => { exec(sql: string): unknown } }> = require("sql.js");
  const { Database } = await init({
    instantiateWasm(imports: WasmImports, receive: (instance: WasmInstance) => void) {
      const instance = make(bytes, imports);
      receive(instance);
      return instance.exports;
    },
  });
  return JSON.stringify(new Database().exec(SQL));
}

const SCRIPT = `const text = JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ i, s: "x".repeat(i % 17), f: i / 3 })));
  const all = JSON.parse(text).sort((a, b) => b.s.localeCompare(a.s) || a.f - b.f);
  [all.length, all[7].i, text.match(/x{5,9}/g).length, 2n ** 200n, new Uint8Array(99).fill(7).join("")].join(" ")`;

/** @returns the script's value, and a digest of the whole memory */
async function quickjs(make: Instantiate): Promise<string> {
  const bytes = readFileSync(
    join(JITL, "quickjs-wasmfile-release-sync", "dist", "emscripten-module.wasm"),
  );
  const { newQuickJSWASMModule, newVariant, RELEASE_SYNC } = await import("quickjs-emscripten");
  const wasmMemory = new WebAssembly.Memory({ initial: 256, maximum: 32768 });
  const variant = newVariant(RELEASE_SYNC, {
    wasmMemory: wasmMemory as never,
    emscriptenModule: {
      instantiateWasm(imports: WasmImports, receive: (instance: WasmInstance) => void) {
        const instance = make(bytes, imports);
        receive(instance);
        return instance.exports;
      },
    } as never,
  });
  const js = await newQuickJSWASMModule(variant);
  const value = js.evalCode(SCRIPT);
  const memory = createHash("sha256").update(Buffer.from(wasmMemory.buffer)).digest("hex");
  return `${String(value)} ${memory}`;
}

describe("with the tap as without it", () => {
  it.each([
    ["SQLite", sqlite],
    ["QuickJS", quickjs],
  ] as const)("%s comes to the same", async (_name, run) => {
    // Seeds are made of the time.
    vi.spyOn(Date, "now").mockReturnValue(1_767_225_600_000);
    vi.spyOn(performance, "now").mockReturnValue(1);
    const { noted, accesses } = noting();
    const result = await run(plainly);
    expect(await run(noted)).toBe(result);
    expect(result).toMatch(/"ok"|^300 /);
    expect(accesses()).toBeGreaterThan(100_000);
  });
});
