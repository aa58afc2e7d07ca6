/**
 * What the person at the console may do at any moment (src/session/operatorCommands.ts): a harvest out of
 * turn, another tracker (the old one is harvested and disarmed, the new one armed), and holding a vCPU or
 * letting it go. As in the terminal UI, what cannot be done now is not asked for. One restriction is ours:
 * a vCPU is let go only when it has left its CPU, else requests to leave would pile up without end.
 */
import { schedulerMachine } from "../../../machines/scheduler.ts";
import type { Message, Technique } from "../../interconnect/messages.ts";
import { contextOf } from "../../system/actorContexts.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { Commands } from "../hypervisor/systemModel.ts";
import { ofEach, over, type Property } from "../properties/property.ts";

/** @param vcpus of the system; the commands are about its first VM */
export function operatorCommands(vcpus: number, techniques: readonly Technique[]): Commands {
  const atConsole: readonly Message[] = [
    { type: "harvestNow", vm: 0 },
    ...techniques.map((technique) => ({ type: "switchTracker", vm: 0, technique }) as const),
  ];
  return ({ kind }, { value, context }, machine) => {
    if (kind === "operator") return value === "idle" ? atConsole : [];
    if (kind !== "scheduler") return [];
    const { held, waiting } = contextOf({ machine, context }, schedulerMachine);
    return Array.from({ length: vcpus }, (_, vcpu): Message[] => {
      if (!held.includes(vcpu)) return [{ type: "pauseVcpu", vcpu }];
      return waiting.includes(vcpu) ? [{ type: "unpauseVcpu", vcpu }] : [];
    }).flat();
  };
}

/** What must come to pass comes if the operator lets it: one who never stops giving commands holds up anything. */
export function ifOperatorWaits(property: Property): Property {
  if (property.kind !== "leadsTo") return property;
  const { name, that, each } = property;
  const waits = (text: string): string => `${text}, if the operator waits`;
  return {
    ...property,
    name: waits(name),
    ...(each === undefined
      ? {}
      : ofEach(each.of, each.number, (number) => waits(each.nameOf(number)))),
    that: over(
      ["operator", ...that.over],
      (operator: ActorSnapshot, ...states: readonly unknown[]) => {
        return operator.value !== "idle" || that.holds(...states);
      },
    ),
  };
}
