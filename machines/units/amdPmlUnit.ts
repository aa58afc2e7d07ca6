/**
 * AMD's PML unit of one vCPU: whether it logs. The log and the index are words in memory; the stores happen in the walk
 * (src/units/amdPml/walk.ts). Its states are those of any unit that stops its guest (stoppingUnit.ts).
 *
 *   state   | event                 | next    | emits
 *   --------|-----------------------|---------|-------------------------------------------
 *   off     | enableLog             | logging | -
 *   off     | amdPmlIndexOutOfRange | off     | guestStopped (reason 0x407) to the vCPU
 *   logging | amdPmlIndexOutOfRange | full    | guestStopped (reason 0x407) to the vCPU
 *   full    | amdPmlIndexReset      | logging | -
 *   logging | amdPmlIndexReset      | logging | ignored: the index was in range again before
 *   off     | amdPmlIndexReset      | off     | ignored: logging was turned off before the handler was done
 *   logging, full | disableLog | off | -
 */
import { amdPml } from "../../src/units/amdPml/declaration.ts";
import type { UnitStatechart } from "./statechart.ts";
import {
  indexBackBefore,
  stoppingMachine,
  stoppingUnitFields,
  stoppingUnitInput,
  whileOff,
} from "./stoppingUnit.ts";

export const amdPmlUnitMachine = stoppingMachine("amdPmlUnit", amdPml.whenFull);

export const amdPmlStatechart: UnitStatechart = {
  machine: amdPmlUnitMachine,
  fields: { ...stoppingUnitInput, ...stoppingUnitFields },
  atRest: ["off", "logging"],
  neverTaken: { ...indexBackBefore(amdPml.whenFull), ...whileOff(amdPml.whenFull) },
  input: ({ vcpu }) => ({ vcpu }),
};
