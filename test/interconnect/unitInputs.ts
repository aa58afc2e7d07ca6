/** The statecharts of page-logging units: inputs and payloads, as machineInputs.ts has them of all machines. */
import { amdPmlUnitMachine } from "../../machines/units/amdPmlUnit.ts";
import { hdbssUnitMachine } from "../../machines/units/hdbssUnit.ts";
import { machineUnitMachine } from "../../machines/units/machineUnit.ts";
import { pmlUnitMachine } from "../../machines/units/pmlUnit.ts";
import { prlUnitMachine } from "../../machines/units/prlUnit.ts";
import { namesOf, recordOf } from "../../src/lookup.ts";
import { DESIGNED } from "../../src/units/all.ts";
import { amdPml } from "../../src/units/amdPml/declaration.ts";
import { hdbss } from "../../src/units/hdbss/declaration.ts";
import { pml } from "../../src/units/pml/declaration.ts";
import type { UnitDeclaration } from "../../src/units/unit.ts";
import type { MachineCase, Payload } from "./machineCase.ts";

const none: Payload = () => ({});
const ofUnits = ["enableLog", "disableLog", "remoteReload", "reloaded"] as const;

/** A unit whose full log stops its guest (machines/units/stoppingUnit.ts). */
function stopping(machine: MachineCase["machine"], { messages }: UnitDeclaration): MachineCase {
  const events = recordOf(["enableLog", "disableLog", ...namesOf(messages)], () => none);
  return { machine, input: { vcpu: 4 }, events };
}

export const unitCases: Readonly<Record<string, MachineCase>> = {
  pmlUnit: stopping(pmlUnitMachine, pml),
  amdPmlUnit: stopping(amdPmlUnitMachine, amdPml),
  hdbssUnit: stopping(hdbssUnitMachine, hdbss),
  prlUnit: {
    machine: prlUnitMachine,
    input: { vcpu: 1, handlerCpu: 9, vector: 243, ipiCycles: 10 },
    events: recordOf([...ofUnits, "prlLogFilled"], () => none),
  },
  machineUnit: {
    machine: machineUnitMachine,
    input: { number: 1, vcpu: 4, handlerCpu: 9, vector: 243, ipiCycles: 10 },
    events: recordOf([...ofUnits, ...namesOf(DESIGNED.messages)], () => none),
  },
};
