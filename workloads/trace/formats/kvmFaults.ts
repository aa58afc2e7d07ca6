/**
 * Linux's trace of KVM's page faults (ftrace, trace-cmd report, or perf script of the same events):
 *
 *   CPU 0/KVM-4145 [002] 86.581929: kvm_page_fault: vcpu 0 rip 0x7f08 address 0x000000001234204f error_code 0x182
 *
 * Before Linux 6.1 it is "address 1234204f error_code 182" (arch/x86/kvm/trace.h). With EPT and NPT the
 * address is guest-physical. Each fault is an access that KVM had to help; what the hardware translated by
 * itself is not in it.
 *
 * The error code is, with EPT, the exit qualification: bits 0 read, 1 write, 2 fetch (SDM 3C, table
 * 27-7); with NPT, EXITINFO1: bits 1 write, 4 fetch, and one of 32 and 33 (APM 2, 15.25.6), of which
 * old kernels print the lower 32 alone; then the exit before says which.
 */
import { FETCH, MODIFY, READ, WRITE } from "../accesses.ts";
import { accessAt, type Line, textReading } from "./textLines.ts";
import { linesLike, type TraceFormat, type TraceInto } from "./traceFormat.ts";

const FAULT =
  /\bkvm_page_fault: +(?:vcpu \d+ rip 0x[0-9a-f]+ )?address (?:0x)?([0-9a-f]{1,16}) error_code (?:0x)?([0-9a-f]{1,16})$/;
/** An event of any kind: task-thread, CPU, perhaps flags, time, name. */
const EVENT = /-\d+ +(?:\( *[-\d]+\) +)?\[\d+\] .*?[\d.]+: +[\w:]+:(?: |$)/;
const PERF_EVENT = /^ *\S.* \d+(?:\/\d+)? +(?:\[\d+\] +)?[\d.]+: +(?:\d+ +)?\w+:\w+:(?: |$)/;
/** Heads and comments. Not "[LOST 12 EVENTS]": then accesses are missing. */
const HEAD = /^(?:#.*|cpus=\d+|version = \d+|CPU:? ?\d+ is empty)$/;
const EXIT = /\bkvm_exit: (?:vcpu \d+ )?reason (\S+)/;

export const kvmFaults: TraceFormat = {
  name: "kvm-ftrace",
  title: "Linux's trace event kvm_page_fault",
  addresses: "guestPhysical",
  recognise: linesLike(FAULT),
  read: (into) => textReading(into, lines),
};

function lines({ accesses }: TraceInto): (line: string) => Line {
  let isNpt = false;
  return (line) => {
    const [, address = "", code = ""] = FAULT.exec(line) ?? [];
    if (address === "") {
      const reason = EXIT.exec(line)?.[1];
      if (reason !== undefined) isNpt = reason === "npf";
      return HEAD.test(line) || EVENT.test(line) || PERF_EVENT.test(line) ? "other" : "unknown";
    }
    const hasNptBits = code.length > 8 && Number.parseInt(code.slice(0, -8), 16) !== 0;
    const kind = kindOf(Number.parseInt(code.slice(-8), 16), hasNptBits || isNpt);
    return accessAt(accesses, address, 1, kind) ? "access" : "unknown";
  };
}

function kindOf(code: number, isNpt: boolean): number {
  const fetch = isNpt ? (code & 16) !== 0 : (code & 4) !== 0;
  if (fetch) return FETCH;
  if ((code & 2) === 0) return READ;
  return !isNpt && (code & 1) !== 0 ? MODIFY : WRITE;
}
