/** Of the engine's WebAssembly what guests need, with its types: those that come with Node.js have none of it. */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

export interface WasmGlobal {
  value: unknown;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export interface WasmModule {
  readonly opaque?: undefined;
}

export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface WasmImport {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
}

interface Engine {
  validate(bytes: Uint8Array): boolean;
  instantiate(source: object, imports: WasmImports): Promise<unknown>;
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): WasmImport[];
  };
  /** @typeParam Exports what a module exports that the caller has made, and so knows. */
  readonly Instance: new <Exports = WasmInstance["exports"]>(
    module: WasmModule,
    imports: WasmImports,
  ) => { readonly exports: Exports };
  readonly Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory;
  readonly Global: new (type: { value: string; mutable: boolean }, value: unknown) => WasmGlobal;
  readonly CompileError: new (message?: string) => Error;
  readonly LinkError: new (message?: string) => Error;
  readonly RuntimeError: new (message?: string) => Error;
}

declare global {
  var WebAssembly: Engine;
}

const engine = globalThis.WebAssembly;

export { engine as WebAssembly };
