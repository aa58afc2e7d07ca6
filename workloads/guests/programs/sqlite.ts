/** SQLite, as the npm package sql.js has it: runs a script of SQL in a database in memory, and prints the rows. */
import { UserError } from "../../../src/errors.ts";
import type { GuestHost } from "../host.ts";
import type { WasmImports, WasmInstance } from "../webAssembly.ts";

const OK = 0;
const ROW = 100;
const DONE = 101;

interface SqlJs {
  cwrap(name: string, result: string, parameters: string[]): (...values: number[]) => number;
  _malloc(bytes: number): number;
}

type Init = (options: {
  instantiateWasm(imports: WasmImports, receive: (instance: WasmInstance) => void): object;
}) => Promise<SqlJs>;

export async function runSqlite(host: GuestHost): Promise<void> {
  const { default: init }: { readonly default: Init } = await import(host.spec.loader);
  const sql = await init({
    instantiateWasm(imports, receive) {
      const instance = host.instantiate(imports, ownMemory);
      receive(instance);
      return instance.exports;
    },
  });
  const { memory } = host;
  const wrapped = (name: string, parameters: number) =>
    sql.cwrap(`sqlite3_${name}`, "number", Array(parameters).fill("number"));
  const prepare = wrapped("prepare_v2", 5);
  const [step, columns, text, finalize] = [
    wrapped("step", 1),
    wrapped("column_count", 1),
    wrapped("column_text", 2),
    wrapped("finalize", 1),
  ];
  const put = (value: string): number => {
    const bytes = Buffer.from(`${value}\0`, "utf8");
    const address = sql._malloc(bytes.length);
    memory.setBytes(address, bytes);
    return address;
  };
  const handle = sql._malloc(4);
  let database = 0;
  const check = (code: number): void => {
    if (code === OK || code === ROW || code === DONE) return;
    throw new UserError(`SQL: ${memory.zeroTerminated(wrapped("errmsg", 1)(database))}`);
  };
  check(wrapped("open", 2)(put(":memory:"), handle));
  database = memory.word(handle);
  const statementAt = sql._malloc(4);
  const restAt = sql._malloc(4);
  let script = put(host.spec.script);
  const end = script + Buffer.byteLength(host.spec.script);
  while (script < end) {
    check(prepare(database, script, -1, statementAt, restAt));
    script = memory.word(restAt);
    const statement = memory.word(statementAt);
    // A comment, or blanks.
    if (statement === 0) continue;
    const count = columns(statement);
    let code = step(statement);
    for (; code === ROW; code = step(statement)) {
      const values = Array.from({ length: count }, (_, i) => {
        const address = text(statement, i);
        return address === 0 ? "" : memory.zeroTerminated(address);
      });
      host.write(Buffer.from(`${values.join("|")}\n`, "utf8"));
    }
    check(code);
    check(finalize(statement));
  }
}

/** The names of what it exports are short, and change from version to version. */
function ownMemory(exports: WasmInstance["exports"]): unknown {
  return Object.values(exports).find(
    (value) => typeof value === "object" && value !== null && "buffer" in value,
  );
}
