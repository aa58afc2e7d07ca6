/** What tells runs apart, whatever they are called and wherever they would write. */
import { createHash } from "node:crypto";
import { tracePath } from "../../workloads/generators/trace.ts";
import { digestOfFile } from "../io/inputFile.ts";
import type { RunOrder } from "./runOrder.ts";

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Digests of orders: of what the scenario asks for, its seed, and the contents of the traces that it plays. */
export class RunIdentity {
  /** Of trace files by path: each is read once. */
  readonly #traces = new Map<string, string>();

  /** @throws UserError if a trace cannot be read */
  of({ scenario, directory }: RunOrder): string {
    const { file: _, ...operation } = { file: "", ...scenario.operation };
    const vms = scenario.vms.map((vm) => {
      const { workload } = vm;
      if (workload.kind !== "trace") return vm;
      return { ...vm, workload: { ...workload, file: this.#trace(workload.file, directory) } };
    });
    return digestOf(JSON.stringify({ ...scenario, name: "", vms, operation }));
  }

  #trace(file: string, directory: string): string {
    const path = tracePath(file, directory);
    const digest = this.#traces.get(path) ?? digestOfFile(path);
    this.#traces.set(path, digest);
    return digest;
  }
}
