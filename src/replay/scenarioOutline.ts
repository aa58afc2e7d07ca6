/**
 * What can be told about the scenario in a log's header without running it. Another program may have written
 * it, and it may be no scenario at all: what is not as scenarios are is not told.
 */
import * as z from "zod";
import type { LogHeader } from "./format.ts";

const COUNT_MAX = 4096;

const nameSchema = z.object({ name: z.string() });
const vmsSchema = z.object({
  vms: z.array(z.object({ vcpus: z.int().min(1).max(COUNT_MAX).default(1) })).max(COUNT_MAX),
});

/** Its name, if it has one. */
export function scenarioName({ scenario }: LogHeader): string | undefined {
  return nameSchema.safeParse(scenario).data?.name;
}

/** The VM of each vCPU; empty if that is not known. */
export function vmsOfVcpus({ scenario, actors }: LogHeader): readonly number[] {
  const vms = vmsSchema.safeParse(scenario).data?.vms ?? [];
  const vcpus = vms.reduce((sum, one) => sum + one.vcpus, 0);
  // Each is an actor.
  if (vcpus > actors.length) return [];
  return vms.flatMap((one, vm) => Array.from({ length: one.vcpus }, () => vm));
}
