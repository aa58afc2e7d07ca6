/**
 * What the operator can ask of the machine while it runs. Each is a message from outside to the actor
 * concerned, so that it goes into the log and is replayed; what cannot be done is refused in a sentence.
 */
import type { SchedulerContext } from "../../machines/scheduler.ts";
import { UserError } from "../errors.ts";
import { TECHNIQUES, type TechniqueName } from "../hypervisor/techniques/technique.ts";
import type { System } from "../system/system.ts";
import { unknown } from "./breakpoints.ts";
import { contextOf } from "./machineFrame.ts";
import type { Session } from "./session.ts";

/** Does it and says what was done. @throws UserError with the sentence of a refusal */
export type OperatorCommand = (session: Session, vm: number, argument: string) => string;

export const OPERATOR_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  // All its vCPUs, one by one: an operation's own pauses of the VM come and go meanwhile.
  pauseVm(session, vm) {
    const { system } = session;
    const name = vmName(system, vm);
    if (isHeld(system, vm)) throw new UserError(`${name} is paused by you already`);
    for (const vcpu of system.world.vms[vm]!.vcpus) {
      session.command("scheduler", { type: "pauseVcpu", vcpu });
    }
    return `${name}: pause requested`;
  },

  resumeVm(session, vm) {
    const { system } = session;
    const name = vmName(system, vm);
    if (!isHeld(system, vm)) throw new UserError(`${name} is not paused by you`);
    for (const vcpu of system.world.vms[vm]!.vcpus) {
      session.command("scheduler", { type: "unpauseVcpu", vcpu });
    }
    return `${name}: goes on`;
  },

  pauseVcpu(session, _, argument) {
    const vcpu = vcpuOf(session.system, argument);
    const { held } = contextOf<SchedulerContext>(session.system, "scheduler");
    if (held.includes(vcpu)) throw new UserError(`vcpu${vcpu} is held already`);
    session.command("scheduler", { type: "pauseVcpu", vcpu });
    return `vcpu${vcpu}: pause requested`;
  },

  resumeVcpu(session, _, argument) {
    const vcpu = vcpuOf(session.system, argument);
    const { held } = contextOf<SchedulerContext>(session.system, "scheduler");
    if (!held.includes(vcpu)) throw new UserError(`vcpu${vcpu} is not held`);
    session.command("scheduler", { type: "unpauseVcpu", vcpu });
    return `vcpu${vcpu}: goes on`;
  },

  tracker(session, vm, argument) {
    const { system } = session;
    const technique = techniqueOf(argument, system);
    // An operation's results are about the technique that it armed itself.
    refuseDuring(system, ["migrate", "checkpoint", "estimate"], "the tracker is its own");
    refuseBusy(system);
    session.command("operator", { type: "switchTracker", vm, technique });
    return `${vmName(system, vm)}: to be tracked by ${technique}`;
  },

  harvest(session, vm) {
    const { system } = session;
    refuseDuring(system, ["migrate", "checkpoint", "estimate"], "it harvests by itself");
    refuseBusy(system);
    session.command("operator", { type: "harvestNow", vm });
    return `${vmName(system, vm)}: harvest requested`;
  },

  writes(session, vm, argument) {
    const { system } = session;
    const percent = argument === "workload" ? -1 : Number(argument);
    if (argument.trim() === "" || !(percent >= -1 && percent <= 100)) {
      throw new UserError('writes: expected a percentage from 0 to 100, or "workload"');
    }
    session.command("operator", { type: "setWriteIntensity", vm, percent: Math.round(percent) });
    const name = vmName(system, vm);
    return percent < 0 ? `${name}: writes as its workload does` : `${name}: ${percent} % writes`;
  },

  start(session) {
    const { system } = session;
    const { kind } = system.operation;
    const { value } = system.actor("toolstack");
    if (kind === "migrate" && value === "running") {
      session.command("toolstack", { type: "migrationDue" });
      return "migration begins";
    }
    if (kind === "checkpoint" && system.actor("toolstack").machine.id === "checkpointStop") {
      session.command("toolstack", { type: "checkpointDue" });
      return "checkpoint requested";
    }
    if (kind === "measure") {
      throw new UserError("this scenario declares no operation to start (try migrate-libxc)");
    }
    throw new UserError(`the ${kind} operation is ${value}: it starts by itself`);
  },

  abort(session) {
    const { system } = session;
    const { kind } = system.operation;
    const { value } = system.actor("toolstack");
    if (system.done) throw new UserError("the operation has ended");
    if (kind !== "migrate") {
      session.command("toolstack", { type: "deadline" });
      return `the ${kind} operation comes to its end`;
    }
    if (value === "running" || value === "created") {
      throw new UserError("the migration has not begun");
    }
    session.command("toolstack", { type: "abortDue" });
    return "migration: abort requested";
  },
};

function vmName({ world }: System, vm: number): string {
  return world.vms[vm]!.config.name;
}

/** Whether the operator, and not an operation, holds a VM. */
export function isHeld(system: System, vm: number): boolean {
  const { held } = contextOf<SchedulerContext>(system, "scheduler");
  return system.world.vms[vm]!.vcpus.every((vcpu) => held.includes(vcpu));
}

function refuseBusy(system: System): void {
  const { value } = system.actor("operator");
  if (value !== "idle") throw new UserError(`your last command is under way (${value})`);
}

function refuseDuring({ operation }: System, kinds: readonly string[], why: string): void {
  if (kinds.includes(operation.kind)) {
    throw new UserError(`not while the operation is ${operation.kind}: ${why}`);
  }
}

function vcpuOf(system: System, text: string): number {
  const names = system.world.vcpus.map((_, vcpu) => `vcpu${vcpu}`);
  const name = /^\d+$/.test(text) ? `vcpu${text}` : text;
  const vcpu = names.indexOf(name);
  if (vcpu < 0) throw new UserError(unknown("vCPU", text, names));
  return vcpu;
}

function techniqueOf(text: string, { world }: System): TechniqueName {
  const names: readonly TechniqueName[] = TECHNIQUES;
  const technique = names.find((name) => name.toLowerCase() === text.trim().toLowerCase());
  if (technique === undefined) {
    throw new UserError(`${unknown("tracker", text, names)} (${names.join(", ")})`);
  }
  if (technique === "dirtyRing" && world.config.tracking.technique !== "dirtyRing") {
    throw new UserError("dirtyRing: its rings are made at the start; say so in the scenario");
  }
  return technique;
}
