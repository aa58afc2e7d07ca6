/** QuickJS, as the npm package quickjs-emscripten has it: runs a script, and prints its value. */
import { UserError } from "../../../src/errors.ts";
import type { GuestHost } from "../host.ts";
import { type WasmImports, type WasmInstance, WebAssembly } from "../webAssembly.ts";

/** Pages that its module begins with. */
const FIRST_PAGES = 256;
/** Intrinsics: all that a context has by itself. */
const DEFAULT_INTRINSICS = 0;

interface QuickJs {
  _malloc(bytes: number): number;
  _QTS_NewRuntime(): number;
  _QTS_NewContext(runtime: number, intrinsics: number): number;
  _QTS_Eval(
    context: number,
    code: number,
    length: number,
    file: number,
    detectModule: number,
    flags: number,
  ): number;
  _QTS_ResolveException(context: number, value: number): number;
  _QTS_GetString(context: number, value: number): number;
  _QTS_RuntimeSetMaxStackSize(runtime: number, bytes: number): void;
}

type Load = (options: {
  wasmMemory: object;
  instantiateWasm(imports: WasmImports, receive: (instance: WasmInstance) => void): object;
}) => Promise<QuickJs>;

export async function runQuickjs(host: GuestHost): Promise<void> {
  const { default: load }: { readonly default: Load } = await import(host.spec.loader);
  const wasmMemory = new WebAssembly.Memory({
    initial: FIRST_PAGES,
    maximum: Math.max(FIRST_PAGES, host.spec.memoryPages),
  });
  const js = await load({
    wasmMemory,
    instantiateWasm(imports, receive) {
      const instance = host.instantiate(imports, () => wasmMemory);
      receive(instance);
      return instance.exports;
    },
  });
  const { memory } = host;
  const put = (value: string): number => {
    const bytes = Buffer.from(`${value}\0`, "utf8");
    const address = js._malloc(bytes.length);
    memory.setBytes(address, bytes);
    return address;
  };
  const context = js._QTS_NewContext(js._QTS_NewRuntime(), DEFAULT_INTRINSICS);
  const { script } = host.spec;
  const code = put(script);
  const value = js._QTS_Eval(context, code, Buffer.byteLength(script), put("script.js"), 0, 0);
  const exception = js._QTS_ResolveException(context, value);
  const text = (of: number): string => memory.zeroTerminated(js._QTS_GetString(context, of));
  if (exception !== 0) throw new UserError(`script: ${text(exception)}`);
  host.write(Buffer.from(`${text(value)}\n`, "utf8"));
}
