/**
 * Who an actor is, as data: what it does, and whose it is. Whoever treats actors differently goes by this. Names are
 * made from it, for people and for files.
 */

import { PARTIES, type Party } from "../interconnect/messageRow.ts";

export type ActorRole =
  | { readonly kind: "toolstack" | "scheduler" | "operator" | "runState" }
  | { readonly kind: "mmu" | "dispatcher"; readonly pcpu: number }
  | { readonly kind: "vcpu"; readonly vcpu: number; readonly vm: number }
  | {
      readonly kind: "logUnit";
      readonly unit: string;
      readonly vcpu: number;
      readonly vm: number;
    }
  | { readonly kind: "tracker"; readonly vm: number }
  /** A device of the VM, by its number there. */
  | { readonly kind: "ioDevice"; readonly vm: number; readonly device: number }
  /** A CPU of the pVM. */
  | { readonly kind: "pvmCpu"; readonly cpu: number }
  | HelperRole;

/** An actor of an operation, beside its main one: "pager", or the balloon of VM 1. */
export interface HelperRole {
  readonly kind: "helper";
  readonly helper: string;
  /** Absent: nobody's. */
  readonly vm?: number;
}

export type ActorKind = ActorRole["kind"];

/** Who gives commands: the name of address 0. */
export const OPERATOR = "system";

/** What people call an actor, and what files do. */
export function actorName(role: ActorRole): string {
  switch (role.kind) {
    case "mmu":
    case "dispatcher":
      return `pcpu${role.pcpu}/${role.kind}`;
    case "vcpu":
      return `vcpu${role.vcpu}`;
    case "logUnit":
      return `vcpu${role.vcpu}/${role.unit}`;
    case "tracker":
      return `vm${role.vm}/tracker`;
    case "ioDevice":
      return `vm${role.vm}/device${role.device}`;
    case "pvmCpu":
      return `pvm${role.cpu}`;
    case "helper":
      return role.vm === undefined ? role.helper : `vm${role.vm}/${role.helper}`;
    default:
      return role.kind;
  }
}

/** What the table of messages calls an actor. A helper that it does not know is a hosted operation. */
export function partyOf(role: ActorRole): Party {
  const name = role.kind === "helper" ? role.helper : role.kind;
  return PARTIES.find((party) => party === name) ?? "toolstack";
}

/** The VM that an actor belongs to; undefined if it is nobody's. */
export function vmOf(role: ActorRole): number | undefined {
  return "vm" in role ? role.vm : undefined;
}

/** Which actors are meant: those whose roles say all of this. */
export interface RolePattern {
  readonly kind?: ActorKind;
  readonly unit?: string;
  readonly helper?: string;
  readonly vm?: number;
  readonly vcpu?: number;
  readonly pcpu?: number;
  readonly cpu?: number;
  readonly device?: number;
}

export function isMeant(role: ActorRole, pattern: RolePattern): boolean {
  return Object.entries(pattern).every(([field, value]) => Reflect.get(role, field) === value);
}

const CHIEF = ["toolstack", "scheduler", "operator", "runState"] as const;
const NAMED = /^(pcpu|vcpu|vm|pvm)(\d+)(?:\/(\w+))?$/;

/**
 * The role of an actor of a message log, which holds names alone (docs/log-format.md): what actorName made the name
 * from. For those of running systems see SystemActor.role.
 * @param vms the VM of each vCPU
 */
export function roleInLog(name: string, vms: readonly number[]): ActorRole {
  const chief = CHIEF.find((kind) => kind === name);
  if (chief !== undefined) return { kind: chief };
  const [, whose = "", digits, part = ""] = NAMED.exec(name) ?? [];
  const number = Number(digits);
  switch (whose) {
    case "pcpu":
      return { kind: part === "mmu" ? part : "dispatcher", pcpu: number };
    case "vcpu": {
      const own = { vcpu: number, vm: vms[number] ?? -1 };
      return part === "" ? { kind: "vcpu", ...own } : { kind: "logUnit", unit: part, ...own };
    }
    case "vm": {
      if (part === "tracker") return { kind: part, vm: number };
      const [, device] = /^device(\d+)$/.exec(part) ?? [];
      return device === undefined
        ? { kind: "helper", helper: part, vm: number }
        : { kind: "ioDevice", vm: number, device: Number(device) };
    }
    case "pvm":
      return { kind: "pvmCpu", cpu: number };
    default:
      return { kind: "helper", helper: name };
  }
}
