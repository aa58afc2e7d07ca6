/**
 * The HDBSS of one vCPU: whether it logs. The log and the index are words in memory; the stores happen in the walk
 * (src/units/hdbss/walk.ts). Its states are those of any unit that stops its guest (stoppingUnit.ts).
 *
 *   state   | event                 | next    | emits
 *   --------|-----------------------|---------|-------------------------------------------
 *   off     | enableLog             | logging | -
 *   off     | hdbssIndexOutOfRange  | off     | guestStopped (reason 0x825) to the vCPU
 *   logging | hdbssIndexOutOfRange  | full    | guestStopped (reason 0x825) to the vCPU
 *   full    | hdbssIndexReset       | logging | -
 *   logging | hdbssIndexReset       | logging | ignored: the index was in range again before
 *   off     | hdbssIndexReset       | off     | ignored: logging was turned off before the handler was done
 *   logging, full | disableLog | off | -
 */
import { hdbss } from "../../src/units/hdbss/declaration.ts";
import type { UnitStatechart } from "./statechart.ts";
import {
  indexBackBefore,
  stoppingMachine,
  stoppingUnitFields,
  stoppingUnitInput,
  whileOff,
} from "./stoppingUnit.ts";

export const hdbssUnitMachine = stoppingMachine("hdbssUnit", hdbss.whenFull);

export const hdbssStatechart: UnitStatechart = {
  machine: hdbssUnitMachine,
  fields: { ...stoppingUnitInput, ...stoppingUnitFields },
  atRest: ["off", "logging"],
  neverTaken: { ...indexBackBefore(hdbss.whenFull), ...whileOff(hdbss.whenFull) },
  input: ({ vcpu }) => ({ vcpu }),
};
