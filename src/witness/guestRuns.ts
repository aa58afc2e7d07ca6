/** The entries of a guest that one step of a litmus test takes. */
import { controlFailure } from "../hardware/controlChecks.ts";
import { describeEvent, eventInformation, eventTypeOf } from "../hardware/eventInformation.ts";
import { Field, GuestMode, readField, readField64, Vmcs, writeField } from "../hardware/vmcs.ts";
import type { Step } from "../litmus/stepSchema.ts";
import {
  accessRun,
  burstRuns,
  exitRun,
  gateBytes,
  iretRun,
  linear64,
  type Place,
  type Run,
} from "./guestCode.ts";
import { NotAsked } from "./notAsked.ts";
import { linearOf } from "./vmcsFields.ts";

const NMI_VECTOR = 2;
const INTERRUPT_VECTOR = 0x20;
/** Offset of RSP0 and of ESP0 in a task state. */
const STACK_SLOT = 4;
const KERNEL_DATA_32 = 0x38;
/** Type 7: of processors with the monitor trap flag. */
const OTHER_EVENT = 7;

/** A step of a guest: what it runs, or null if the step is the VMM's. */
export function guestRuns(place: Place, step: Step): Run[] | null {
  const { vmcs } = place.vcpu;
  if ("read" in step) return [accessRun(place, "read", step.read, step)];
  if ("write" in step) return [accessRun(place, "write", step.write, step)];
  if ("fetch" in step) return [accessRun(place, "fetch", step.fetch, step)];
  if ("readModifyWrite" in step) {
    return [accessRun(place, "readModifyWrite", step.readModifyWrite, step)];
  }
  if ("run" in step) return burstRuns(place, step);
  if ("vmexit" in step) return [exitRun(place, step)];
  if ("movToCr3" in step) return [{ operation: "vmcall", cr3: step.movToCr3 }];
  if ("invlpg" in step) {
    const rbx = linear64(place, step.invlpg);
    return [{ operation: "invlpg", registers: { rbx } }];
  }
  if ("mode" in step) {
    // Whatever changes how paging works loads the PDPTEs as MOV to CR3 does (SDM vol. 3A 4.4.1).
    if (step.mode.paging !== "pae") return [{ operation: "vmcall" }];
    return [{ operation: "vmcall", cr3: readField64(vmcs, Field.guestCr3) }];
  }
  if ("iret" in step) return [iretRun(place, step)];
  if ("vmentry" in step) {
    if (step.stack === undefined) return [{ operation: "vmcall" }];
    return [eventRun(place, step.stack, step, readField(vmcs, Field.entryInterruptionInformation))];
  }
  if ("deliver" in step) {
    const vector = step.vector ?? (step.deliver === "nmi" ? NMI_VECTOR : INTERRUPT_VECTOR);
    const information = eventInformation(step.deliver, vector, step.errorCode);
    return [eventRun(place, step.stack, step, information)];
  }
  if ("reinject" in step) {
    const event = place.vcpu.lastEvent;
    if (event === null) throw new NotAsked("no event to inject again");
    const { stack, gate, handler } = event;
    const options = { gate: gate ?? undefined, handler };
    return [eventRun(place, stack, options, readField(vmcs, Field.idtVectoringInformation))];
  }
  return null;
}

/** An event that VM entry injects; its handler is the image's. */
function eventRun(
  place: Place,
  stack: number,
  options: { readonly gate?: number | undefined; readonly handler?: number | undefined },
  information: number,
): Run {
  const { code, vcpu, machine } = place;
  if (machine.tables.paging === "longMode") {
    throw new NotAsked("an event in a guest with long-mode paging of its own");
  }
  if (Math.abs(options.handler ?? 0) >= 2 ** 47) throw new NotAsked("a handler out of reach");
  const vector = describeEvent(information)?.vector ?? 0;
  refuseInjection(place, information);
  const gate = options.gate ?? null;
  const user = (readField(vcpu.vmcs, Field.guestMode) & GuestMode.user) !== 0;
  const bytes = gate === null ? [] : gateBytes(place, gate);
  const task = code.symbols.get("guest_tss") ?? 0;
  const top = linear64(place, stack);
  for (let i = 0; i < 8; i++) {
    const isSegment = code.pae && i >= 4;
    const value = isSegment
      ? i === 4
        ? KERNEL_DATA_32
        : 0
      : Number((top >> BigInt(8 * i)) & 0xffn);
    bytes.push([task + STACK_SLOT + i, value]);
  }
  return { operation: "vmcall", user, bytes, event: { stack, vector, gate, information } };
}

/** Events of the guest's own are injected here, and VM entry injects less than there may be. */
function refuseInjection({ vcpu }: Place, information: number): void {
  const scratch = new Vmcs("event");
  writeField(scratch, Field.entryInterruptionInformation, information);
  if (eventTypeOf(information) === OTHER_EVENT) {
    throw new NotAsked("a processor without the monitor trap flag");
  }
  const wanted = controlFailure(vcpu.vmcs, vcpu.mmu);
  const failure = controlFailure(scratch, vcpu.mmu);
  if (failure !== null && wanted === null)
    throw new NotAsked("an event that VM entry does not inject");
}

/** Base of the IDT: where the step says that the gate is, or the image's own. */
export function idtBase(place: Place, run: Run | undefined): bigint {
  const { code } = place;
  const gate = run?.event?.gate ?? null;
  if (gate === null || run?.event === undefined) {
    if (!code.pae) return linearOf(code, "guest_idt64");
    return linearOf(code, "guest_idt32") + BigInt(2048 * code.window);
  }
  return linear64(place, gate) - BigInt((code.pae ? 8 : 16) * run.event.vector);
}
