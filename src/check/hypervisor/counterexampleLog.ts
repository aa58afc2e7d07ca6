/**
 * A counterexample as a message log: a new system of the same model is driven through the same messages
 * and the same accesses, each an intervention, and recorded. `trackvisor replay` runs it again.
 */

import { mmuMachine } from "../../../machines/mmu.ts";
import { UserError } from "../../errors.ts";
import { normalMessage } from "../../interconnect/normalFields.ts";
import { Recorder } from "../../replay/recorder.ts";
import type { LogSink } from "../../replay/writer.ts";
import { contextOf } from "../../system/actorContexts.ts";
import type { System } from "../../system/system.ts";
import type { CheckTarget } from "../catalogue.ts";
import { canonical } from "../engine/encoding.ts";
import type { CheckOrigin } from "../systemOfLog.ts";
import type { Trace, TraceStep } from "../trace.ts";
import { messageOf } from "./sentMessages.ts";
import { NO_ACTOR_FAILS } from "./systemSteps.ts";

/** Whether an actor fails with the last message of a trace: no run has got beyond it, and none of it is in a log. */
export function endsInFailure({ property }: Trace): boolean {
  return property === NO_ACTOR_FAILS;
}

/**
 * Drives a newly built system of the target through a trace, and records it, without a last message with which an actor
 * fails. Returns the messages delivered. @throws UserError
 */
export function recordTrace(
  system: System,
  target: CheckTarget,
  trace: Trace,
  sink: LogSink,
): number {
  const { property } = trace;
  const steps = endsInFailure(trace) ? trace.steps.slice(0, -1) : trace.steps;
  const broken = brokenBy({ ...trace, steps });
  const origin: CheckOrigin = { check: { ...target }, property, broken };
  const recorder = new Recorder(system, { scenario: origin }, sink);
  steps.forEach((step, i) => {
    // A message to a guest's MMU comes with the access that the guest makes then.
    const access = accessOf(system, step);
    // A new system draws 0.
    if (/^draws [1-9]/.test(step.choice)) {
      throw new UserError(
        `step ${i + 1}: the host ${step.choice} where it chooses a page, which no message log says; use --mermaid or --itf`,
      );
    }
    if (access !== null) system.intervene({ kind: "access", ...access });
    // What an actor does by itself, somebody outside has told it to.
    if (step.from === "") system.command(step.to, messageOf(step.message));
    system.intervene({ kind: "deliver", sequence: pendingSequence(system, step, i) });
  });
  recorder.finish();
  return recorder.messages;
}

/** Each step is a message: a step's property is broken by one, a state's by the last one, and what should come at last by a loop. */
function brokenBy({ property, steps, cycleFrom }: Trace): CheckOrigin["broken"] {
  if (cycleFrom >= 0) return { at: null, loopFrom: cycleFrom + 1 };
  const step = steps.findIndex(({ broken }) => broken.includes(property));
  const at = step < 0 ? steps.length : step + 1;
  return { at: at === 0 ? null : at, loopFrom: null };
}

/** The pending message that a step takes: the first of its channel that says the same. */
function pendingSequence(system: System, step: TraceStep, at: number): number {
  const wanted = canonical(step.message);
  const found = system.interconnect
    .pending()
    .find(
      ({ from, to, message }) =>
        system.nameOf(from) === (step.from || system.nameOf(0)) &&
        system.nameOf(to) === step.to &&
        canonical(normalMessage(message)) === wanted,
    );
  if (found === undefined) throw new Error(`step ${at + 1}: its message is not pending`);
  return found.sequence;
}

function accessOf(system: System, { to, message, choice }: TraceStep) {
  const parsed = /^(reads|writes) page (\d+)$/.exec(choice);
  if (parsed === null) return null;
  const { vcpu: current } = contextOf(system.actor(to), mmuMachine);
  const vcpu = message.type === "enterGuest" ? Number(message["vcpu"]) : current;
  return {
    vcpu,
    page: Number(parsed[2]),
    access: parsed[1] === "writes" ? "write" : "read",
  } as const;
}
