/**
 * What the operator can ask of the machine while it runs. Each is a message from outside to the actor
 * concerned, so that it goes into the log and is replayed; what cannot be done is refused in a sentence.
 */
import { operatorMachine } from "../../machines/operator.ts";
import { nearest } from "../config/nearest.ts";
import { UserError } from "../errors.ts";
import { DESIGNED_TECHNIQUE, TECHNIQUES, techniqueOn } from "../hypervisor/techniques/all.ts";
import type { TechniqueName } from "../hypervisor/techniques/technique.ts";
import { contextOf } from "../system/actorContexts.ts";
import { operatorSideOf } from "../system/operations/all.ts";
import type { OperatorAnswer } from "../system/operations/declaration.ts";
import type { System } from "../system/system.ts";
import { logProblem } from "../units/all.ts";
import { unknown } from "./breakpoints.ts";
import { schedulerOf } from "./machineFrame.ts";
import type { Session } from "./session.ts";

/** A run that can be commanded. */
export type Commanded = Pick<Session, "system" | "command">;

/** Does it and says what was done. @throws UserError with the sentence of a refusal */
export type OperatorCommand = (session: Commanded, vm: number, argument: string) => string;

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
    const { held } = schedulerOf(session.system);
    if (held.includes(vcpu)) throw new UserError(`vcpu${vcpu} is held already`);
    session.command("scheduler", { type: "pauseVcpu", vcpu });
    return `vcpu${vcpu}: pause requested`;
  },

  resumeVcpu(session, _, argument) {
    const vcpu = vcpuOf(session.system, argument);
    const { held } = schedulerOf(session.system);
    if (!held.includes(vcpu)) throw new UserError(`vcpu${vcpu} is not held`);
    session.command("scheduler", { type: "unpauseVcpu", vcpu });
    return `vcpu${vcpu}: goes on`;
  },

  tracker(session, vm, argument) {
    const { system } = session;
    const technique = techniqueOf(argument, system);
    // An operation's results are about the technique that it armed itself.
    refuseOwned(system, "the tracker is its own (A aborts it)");
    refuseBusy(system);
    refuseWithoutBitmap(system, vm, technique);
    session.command("operator", { type: "switchTracker", vm, technique });
    return `${vmName(system, vm)}: to be tracked by ${technique}`;
  },

  harvest(session, vm) {
    const { system } = session;
    refuseOwned(system, "it harvests by itself (A aborts it)");
    refuseBusy(system);
    session.command("operator", { type: "harvestNow", vm });
    return `${vmName(system, vm)}: harvest requested`;
  },

  writes(session, vm, argument) {
    const { system } = session;
    const percent = argument === "workload" ? -1 : Number(argument);
    if (percent >= 0 ? !/^\d+$/.test(argument) || percent > 100 : argument !== "workload") {
      throw new UserError('writes: expected a whole percentage from 0 to 100, or "workload"');
    }
    const name = vmName(system, vm);
    if (hasKernel(system, vm)) {
      throw new UserError(`writes: ${name} has a kernel, whose accesses follow from its program's`);
    }
    if (showsBytes(system, vm)) {
      throw new UserError(`writes: the bytes of ${name} are looked at, which its own writes make`);
    }
    session.command("operator", { type: "setWriteIntensity", vm, percent });
    return percent < 0 ? `${name}: writes as its workload does` : `${name}: ${percent} % writes`;
  },

  type(session, vm, argument) {
    const { system } = session;
    const name = vmName(system, vm);
    if (!takesText(system, vm)) {
      throw new UserError(`${name}: its guest cannot be typed to: expected a live Linux`);
    }
    const control = /^\^([@-_])$/.exec(argument)?.[1];
    if (control === undefined) {
      session.command("operator", { type: "typeText", vm, text: argument, enter: true });
      return `${name}: typed`;
    }
    const text = String.fromCharCode(control.charCodeAt(0) & 31);
    session.command("operator", { type: "typeText", vm, text, enter: false });
    return `${name}: typed ${argument}`;
  },

  start(session, _, argument) {
    const { system } = session;
    if (system.done) throw new UserError("the run has ended: go back first (b, g)");
    const { side, view } = operatorSideOf(system);
    if (side.startable.length === 0) return given(session, side.start(view, ""));
    const name = startable(argument, side.startable);
    refuseOwned(system, "abort it first (A)");
    refuseBusy(system);
    return given(session, side.start(view, name));
  },

  abort(session) {
    const { system } = session;
    if (system.done) throw new UserError("the operation has ended");
    const { side, view } = operatorSideOf(system);
    return given(session, side.end(view));
  },
};

/** Gives the toolstack its command. @throws UserError with the sentence of a refusal */
function given(session: Commanded, answer: OperatorAnswer): string {
  if ("refusal" in answer) throw new UserError(answer.refusal);
  session.command("toolstack", answer.message);
  return answer.said;
}

function startable(text: string, names: readonly string[]): string {
  const name = names.find((one) => one.startsWith(text.trim().toLowerCase()));
  if (name === undefined || text.trim() === "") {
    throw new UserError(`start: expected ${names.join(", ")}${nearest(text, names)}`);
  }
  return name;
}

/** The operation that owns the trackers; null: only a measurement is under way. */
function ownerOf(system: System): string | null {
  const { side, view } = operatorSideOf(system);
  return side.owner(view);
}

/** @throws UserError if the VM has memory slots, and the technique no dirty bitmap */
function refuseWithoutBitmap({ world }: System, vm: number, name: TechniqueName): void {
  const technique = techniqueOn(world.config.units, name);
  if (world.vmNumbered(vm).tracked.slots === null) return;
  if (technique === null || technique.beginsSet === true) return;
  throw new UserError(`${name}: memory slots have dirty bitmaps, and it keeps none`);
}

function hasKernel({ world }: System, vm: number): boolean {
  const own = world.vms[vm]?.vcpus ?? [];
  return own.some((vcpu) => world.vcpus[vcpu]?.stream.workload.kernel !== undefined);
}

function vmName({ world }: System, vm: number): string {
  return world.vms[vm]!.config.name;
}

function showsBytes(system: System, vm: number): boolean {
  const { workloads } = system.world.vmNumbered(vm).config;
  return workloads.some(({ machine }) => machine !== undefined);
}

/** Whether a VM's guest has a console that takes input. */
function takesText({ world }: System, vm: number): boolean {
  return world
    .vmNumbered(vm)
    .vcpus.some((vcpu) => world.vcpuNumbered(vcpu).stream.workload.console?.type !== undefined);
}

/** Whether the operator, and not an operation, holds a VM. */
export function isHeld(system: System, vm: number): boolean {
  const { held } = schedulerOf(system);
  return system.world.vms[vm]!.vcpus.every((vcpu) => held.includes(vcpu));
}

function refuseBusy(system: System): void {
  const { value } = system.actor("operator");
  if (value !== "idle") throw new UserError(`your last command is under way (${value})`);
}

function refuseOwned(system: System, why: string): void {
  const owner = ownerOf(system);
  if (owner !== null) throw new UserError(`not while ${owner} is under way: ${why}`);
}

function vcpuOf(system: System, text: string): number {
  const names = system.world.vcpus.map((_, vcpu) => `vcpu${vcpu}`);
  const name = /^\d+$/.test(text) ? `vcpu${text}` : text;
  const vcpu = names.indexOf(name);
  if (vcpu < 0) throw new UserError(unknown("vCPU", text, names));
  return vcpu;
}

function techniqueOf(text: string, { world }: System): TechniqueName {
  const { units } = world.config;
  const isDesigned = units.some(({ declaration, absent }) => {
    return declaration.name === DESIGNED_TECHNIQUE && absent !== true;
  });
  const names = isDesigned ? [...TECHNIQUES, DESIGNED_TECHNIQUE] : TECHNIQUES;
  const technique = names.find((name) => name.toLowerCase() === text.trim().toLowerCase());
  if (technique === undefined) {
    throw new UserError(`${unknown("tracker", text, names)} (${names.join(", ")})`);
  }
  const usesRing = techniqueOn(units, technique)?.usesRing === true;
  if (usesRing && world.config.tracking.technique !== technique) {
    throw new UserError(`${technique}: its rings are made at the start; say so in the scenario`);
  }
  const { words = 0 } = techniqueOn(units, technique) ?? {};
  if (words > 0 && world.config.tracking.technique !== technique) {
    throw new UserError(`${technique}: its memory is made at the start; say so in the scenario`);
  }
  const { geometry } = world.config;
  const unit = world.unitOf(technique);
  const problem = unit === null ? null : logProblem(unit, geometry.logEntries);
  if (problem !== null) {
    throw new UserError(
      `${technique}: the logs of this machine have ${geometry.logEntries} entries: ${problem}`,
    );
  }
  return technique;
}

/** Why the operator's last command came to nothing, in a sentence; null if it did not. */
export function refusalOf(system: System): string | null {
  const { error, vm, technique } = contextOf(system.actor("operator"), operatorMachine);
  if (error === "") return null;
  return `${vmName(system, vm)}: ${error}: it is tracked already, and stays so: by ${technique}`;
}
