/** What tells runs apart, whatever they are called and wherever they would write. */
import { createHash } from "node:crypto";
import { linuxOf } from "../../workloads/generators/linux.ts";
import { tracePath } from "../../workloads/generators/trace.ts";
import { guestOf } from "../../workloads/generators/wasm.ts";
import { guestDigest } from "../../workloads/guests/record.ts";
import { digestOfFile } from "../io/inputFile.ts";
import type { RunOrder } from "./runOrder.ts";
import { modulesOf } from "./userModules.ts";

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/**
 * Digests of orders: of what the scenario asks for, its seed, the contents of the traces and guests that it plays, and
 * those of the users' modules that it needs.
 */
export class RunIdentity {
  /** Of trace files by path: each is read once. */
  readonly #traces = new Map<string, string>();

  /** @throws UserError if a trace cannot be read, or it uses a kind that other threads do not know */
  of({ scenario, directory }: RunOrder): string {
    const { file: _, ...operation } = { file: "", ...scenario.operation };
    const vms = scenario.vms.map((vm) => {
      const { workload } = vm;
      if (workload.kind === "wasm") {
        const guest = guestDigest(guestOf(workload, directory, scenario.seed));
        return { ...vm, workload: { ...workload, guest } };
      }
      if (workload.kind === "linux") {
        const guest = linuxOf(workload, directory, scenario.seed).digest;
        return { ...vm, workload: { ...workload, guest } };
      }
      if (workload.kind !== "trace") return vm;
      return { ...vm, workload: { ...workload, file: this.#trace(workload.file, directory) } };
    });
    const digests = modulesOf(scenario);
    const modules = digests.length === 0 ? {} : { modules: digests };
    return digestOf(JSON.stringify({ ...scenario, name: "", vms, operation, ...modules }));
  }

  #trace(file: string, directory: string): string {
    const path = tracePath(file, directory);
    const digest = this.#traces.get(path) ?? digestOfFile(path);
    this.#traces.set(path, digest);
    return digest;
  }
}
