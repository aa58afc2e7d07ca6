/**
 * The PML unit of one vCPU: whether it logs. The log and the index are words in memory; the stores happen in the walk
 * (src/units/pml/walk.ts). Its states are those of any unit that stops its guest (stoppingUnit.ts).
 *
 *   state   | event              | next    | emits
 *   --------|--------------------|---------|-------------------------------------------
 *   off     | enableLog          | logging | -
 *   off     | pmlIndexOutOfRange | off     | guestStopped (reason 62) to the vCPU
 *   logging | pmlIndexOutOfRange | full    | guestStopped (reason 62) to the vCPU
 *   full    | pmlIndexReset      | logging | -
 *   logging | pmlIndexReset      | logging | ignored: the index was in range again before
 *   off     | pmlIndexReset      | off     | ignored: logging was turned off before the handler was done
 *   logging, full | disableLog | off | -
 */
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
