/**
 * Time is conserved: the cycles that machines and counters charge to a cause are the cycles that passed
 * on some CPU for it, but for what is charged already and still under way. Whatever is charged and does
 * not pass, or passes and is not charged, is a fault of the program.
 */

import { dispatcherMachine } from "../../../machines/dispatcher.ts";
import { pagerMachine } from "../../../machines/pager.ts";
import { postcopyReceiverMachine } from "../../../machines/postcopyReceiver.ts";
import { type PvmCpuContext, pvmCpuMachine } from "../../../machines/pvmCpu.ts";
import { trackerMachine } from "../../../machines/tracker.ts";
import { vcpuMachine } from "../../../machines/vcpu.ts";
import { Counter } from "../../hardware/counters.ts";
import type { Delivery, MessageType } from "../../interconnect/messages.ts";
import { itemAt, numberAt } from "../../lookup.ts";
import { STOPPING_MESSAGES } from "../../units/messages.ts";
import { contextsOf } from "../actorContexts.ts";
import { CpuMode, PvmMode } from "../cpuTimes.ts";
import type { System } from "../system.ts";

/** Cycles of one CPU by cause; together they are the time of the run. */
export interface CpuTime {
  readonly cpu: string;
  readonly cycles: Readonly<Record<string, number>>;
}

export interface TimeLedger {
  readonly cpus: readonly CpuTime[];
  /** Where cause and time disagree, a sentence each. */
  readonly differences: readonly string[];
}

/** Times need not be whole cycles: links and disks divide. */
const TOLERANCE = 1;

export function timeLedger(system: System): TimeLedger {
  const cpus = cpuTimesOf(system);
  const passed = (cause: string): number => total(cpus.map(({ cycles }) => cycles[cause] ?? 0));
  const { now } = system.interconnect;
  const differences = cpus
    .filter(({ cycles }) => differ(total(Object.values(cycles)), now))
    .map(({ cpu, cycles }) => {
      return `${cpu}: its causes add up to ${total(Object.values(cycles))} cycles, the run took ${now}`;
    });
  for (const [cause, { charged, underWay }] of Object.entries(charges(system))) {
    if (!differ(charged - underWay, passed(cause))) continue;
    differences.push(
      `${cause}: ${charged} cycles were charged and ${underWay} of them are under way, but ${passed(cause)} have passed`,
    );
  }
  return { cpus, differences };
}

/**
 * To be called at the end of a run, or anywhere in it.
 * @throws Error if time is not conserved. A run that was disturbed from outside says nothing.
 */
export function assertTimeConserved(system: System): void {
  if (system.disturbed) return;
  const [difference] = timeLedger(system).differences;
  if (difference !== undefined) throw new Error(`time is not conserved: ${difference}`);
}

function differ(one: number, other: number): boolean {
  return Math.abs(one - other) > TOLERANCE;
}

function cpuTimesOf({ world, interconnect }: System): CpuTime[] {
  const { now } = interconnect;
  const { cpuTimes, cpuWaits, pvmTimes } = world;
  const guests = world.mmus.map((_, pcpu): CpuTime => {
    const modes = cpuTimes.of(pcpu, now);
    const waiting = cpuWaits.of(pcpu, now);
    return {
      cpu: `pcpu${pcpu}`,
      cycles: {
        idle: itemAt(modes, CpuMode.idle),
        guest: itemAt(modes, CpuMode.guest),
        transition: itemAt(modes, CpuMode.transition),
        handler: itemAt(modes, CpuMode.handler) - waiting,
        waiting,
      },
    };
  });
  const pvm = Array.from({ length: pvmTimes.cpus }, (_, cpu): CpuTime => {
    const modes = pvmTimes.of(cpu, now);
    return {
      cpu: `pvm${cpu}`,
      cycles: {
        idle: itemAt(modes, PvmMode.idle),
        "log-full handler": itemAt(modes, PvmMode.handler),
        process: itemAt(modes, PvmMode.process),
      },
    };
  });
  return [...guests, ...pvm];
}

interface Charge {
  readonly charged: number;
  readonly underWay: number;
}

function charges(system: System): Readonly<Record<string, Charge>> {
  const { world, actors, interconnect } = system;
  const dispatchers = contextsOf(actors, dispatcherMachine);
  const pvmCpus = contextsOf(actors, pvmCpuMachine);
  const handlers = [
    ...contextsOf(actors, trackerMachine),
    ...contextsOf(actors, pagerMachine),
    ...contextsOf(actors, postcopyReceiverMachine),
    ...dispatchers,
  ];
  const flight = new Flight(system);
  return {
    guest: {
      charged: total(
        world.vcpus.map(({ counters: { values } }) => {
          return numberAt(values, Counter.guestCycles) + numberAt(values, Counter.walkCycles);
        }),
      ),
      underWay: flight.of("mmu", "continueGuest", "guestStopped", ...STOPPING_MESSAGES),
    },
    transition: {
      charged: total(
        contextsOf(actors, vcpuMachine).map(({ exits, exitCycles, entries, entryCycles }) => {
          return exits * exitCycles + entries * entryCycles;
        }),
      ),
      underWay: flight.of("vcpu", "vmExit", "enterGuest"),
    },
    handler: {
      charged: total(handlers.map(({ handlerCycles }) => handlerCycles)),
      underWay:
        flight.of("tracker", "handled", "reapDue") +
        flight.of("pager", "handled", "vcpuMustWait") +
        flight.of("postcopyReceiver", "handled", "vcpuMustWait") +
        flight.of("dispatcher", "resume", "deschedule", "pvWritten") +
        total(dispatchers.map(({ workCycles }) => workCycles)) +
        world.cpuWaits.toCome(interconnect.now),
    },
    "log-full handler": {
      charged: total(pvmCpus.map(({ handlerCycles }) => handlerCycles)),
      underWay: flight.of("pvmCpu", "logsCopied"),
    },
    process: {
      charged: total(pvmCpus.map(({ jobCycles, hypercallCycles }) => jobCycles - hypercallCycles)),
      underWay: total(pvmCpus.map((cpu) => jobsUnderWay(cpu, flight))),
    },
  };
}

/** What processes have still to get of a pVM CPU: the job under way ends so much later as the handler took, or is still to take. */
function jobsUnderWay(cpu: PvmCpuContext, flight: Flight): number {
  const { self, jobs, working, preemptedCycles } = cpu;
  const waiting = total(jobs.slice(working ? 1 : 0).map(({ cycles }) => cycles));
  if (!working) return waiting;
  const handler = flight.from(self, "logsCopied");
  return waiting + flight.from(self, "jobDue") + preemptedCycles - handler;
}

/** Messages whose delay is time that was charged: until they arrive it is under way. */
class Flight {
  readonly #pending: readonly Delivery[];
  readonly #now: number;
  readonly #machineOf: (id: number) => string;

  constructor({ interconnect, actors }: System) {
    this.#pending = interconnect.pending();
    this.#now = interconnect.now;
    this.#machineOf = (id) => actors[id - 1]?.machine.id ?? "";
  }

  /** Cycles until messages of these types arrive that a machine's actors have sent, added up. */
  of(machine: string, ...types: readonly MessageType[]): number {
    return this.#sum((one) => {
      return types.includes(one.message.type) && this.#machineOf(one.from) === machine;
    });
  }

  from(sender: number, type: MessageType): number {
    return this.#sum(({ from, message }) => from === sender && message.type === type);
  }

  #sum(isIt: (delivery: Delivery) => boolean): number {
    return total(this.#pending.filter(isIt).map(({ time }) => time - this.#now));
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
