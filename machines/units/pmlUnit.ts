/** The PML unit of one vCPU (stoppingUnit.ts has its states): its messages, and exit 62. */
import { pml } from "../../src/units/pml/declaration.ts";
import type { UnitStatechart } from "./statechart.ts";
import {
  indexBackBefore,
  stoppingMachine,
  stoppingUnitFields,
  stoppingUnitInput,
} from "./stoppingUnit.ts";

export const pmlUnitMachine = stoppingMachine("pmlUnit", pml.whenFull);

export const pmlStatechart: UnitStatechart = {
  machine: pmlUnitMachine,
  fields: { ...stoppingUnitInput, ...stoppingUnitFields },
  atRest: ["off", "logging"],
  neverTaken: indexBackBefore(pml.whenFull),
  input: ({ vcpu }) => ({ vcpu }),
};
