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
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
  readonly Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory;
  readonly Global: new (type: { value: string; mutable: boolean }, value: unknown) => WasmGlobal;
  readonly CompileError: new (message?: string) => Error;
  readonly LinkError: new (message?: string) => Error;
  readonly RuntimeError: new (message?: string) => Error;
}

export const WebAssembly: Engine = (globalThis as unknown as { readonly WebAssembly: Engine })
  .WebAssembly;
