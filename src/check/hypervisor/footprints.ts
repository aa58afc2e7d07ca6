/** Which memory an actor's device works on for a request: names of memory slots. */
import type { System } from "../../system/system.ts";
import { STORAGE } from "./failingStorage.ts";
import type { DeviceRequest } from "./probe.ts";

/** @throws if the actor is not known: a model must say what memory a step depends on */
export function footprintOf(
  { world }: System,
  actor: string,
  { op, vcpu = 0 }: DeviceRequest,
): readonly string[] {
  const [owner = "", role = ""] = actor.split("/");
  const vcpuSlot = (number: number): string => `vcpu${number}/vmcs`;
  const ofVm = (vm: number, ...parts: readonly string[]): string[] =>
    parts.map((part) => `vm${vm}/${part}`);
  const vcpusOf = (vm: number): string[] => world.vms[vm]!.vcpus.map(vcpuSlot);
  const allVcpus = world.vcpus.map((_, number) => vcpuSlot(number));
  if (role === "mmu") {
    const { vm } = world.vcpus[vcpu]!;
    return [`${owner}/tlb`, vcpuSlot(vcpu), ...ofVm(vm, "paging", "truth")];
  }
  if (role === "dispatcher") return [`${owner}/tlb`];
  if (role === "prl") return [vcpuSlot(vcpu)];
  if (role === "tracker") {
    const vm = Number(owner.slice("vm".length));
    const isRing = world.config.tracking.technique === "dirtyRing";
    if (op === "flushed") return ofVm(vm, "truth", "tracked");
    // Of disarming and arming the controls were the first piece; of a harvest, the logs and the rings.
    if (op === "goOn") return ofVm(vm, "paging", "truth", "tracked");
    // A ring at its limit is reaped in the same step.
    if (op === "serveLogFull" && !isRing) return [vcpuSlot(vcpu), ...ofVm(vm, "tracked")];
    if (op === "serveViolation" && !isRing) return ofVm(vm, "paging", "tracked");
    return [...ofVm(vm, "paging", "truth", "tracked", "rings"), ...vcpusOf(vm)];
  }
  if (owner.startsWith("pvm")) {
    // A pending interrupt has the reset followed by a drain in the same step.
    return [...allVcpus, ...world.vms.flatMap((_, vm) => ofVm(vm, "tracked"))];
  }
  if (actor === "sampler") return [];
  if (actor === STORAGE || role === "balloon") return ["operation"];
  if (actor === "pager") {
    return ["operation", ...world.vms.flatMap((_, vm) => ofVm(vm, "paging", "truth", "tracked"))];
  }
  if (role === "estimator") {
    return ["operation", ...ofVm(Number(owner.slice("vm".length)), "truth", "tracked")];
  }
  if (actor === "toolstack") {
    return [
      "operation",
      ...world.vms.flatMap((_, vm) => ofVm(vm, "paging", "truth", "tracked", "rings")),
      ...allVcpus,
    ];
  }
  throw new Error(`the memory that "${actor}" works on is not known`);
}
