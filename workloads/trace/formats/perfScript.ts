/**
 * What perf script prints of events that have an address (tools/perf/builtin-script.c, process_event):
 *
 *   comm pid/tid [cpu] time: period event: address ...
 *
 * with perf mem record a data source behind the address, of which "|OP LOAD" or "|OP STORE" is the kind;
 * of page faults as the trace events exceptions:page_fault_user and page_fault_kernel (include/trace/events/
 * exceptions.h) "address=0x... ip=0x... error_code=0x6", bits 1 write and 4 fetch (SDM 3A, 4.7). The
 * software event page-faults does not say the kind: such an access is a read.
 *
 * These are samples and faults: not all accesses.
 */
import { FETCH, READ, WRITE } from "../accesses.ts";
import { accessAt, type Line, textReading } from "./textLines.ts";
import { linesLike, type TraceFormat, type TraceInto } from "./traceFormat.ts";

/** Command, process and thread or thread alone, perhaps CPU, time, perhaps period; then the event. */
const HEAD =
  "^ *(\\S(?:.{0,40}\\S)?) +(\\d{1,9})(/\\d{1,9})? +(?:\\[\\d+\\] +)?\\d+\\.\\d+: +(?:\\d+ +)?";
const FAULT = new RegExp(
  `${HEAD}exceptions:page_fault_\\w+: +address=(?:0x)?([0-9a-f]{1,16})\\S* ip=\\S+ error_code=0x([0-9a-f]{1,8})$`,
);
/**
 * The address is followed by nothing, by its data source, or by its symbol and an instruction's address. An
 * address that a symbol alone follows is the instruction's: no address of data was recorded or asked for.
 */
const SAMPLE = new RegExp(
  `${HEAD}(\\S+): +([0-9a-f]{1,16})(?: +[0-9a-f]+ \\|OP (\\w+).*| +(?:.* )?[0-9a-f]{6,16}(?: .*)?)?$`,
);
const OTHERS: readonly RegExp[] = [
  /^#/,
  // Other events of the kernel, and the lines of a call chain.
  new RegExp(`${HEAD}(?!exceptions:page_fault)\\w+:\\w+: `),
  /^\s+[0-9a-f]{5,16} \S.* \(.*\)$/,
];

export const perfScript: TraceFormat = {
  name: "perf-script",
  title: "perf script, of events with addresses",
  addresses: "linear",
  recognise: linesLike(new RegExp(`${FAULT.source}|${SAMPLE.source}`)),
  read: (into) => textReading(into, lines),
};

function lines({ accesses, processes }: TraceInto): (line: string) => Line {
  return (line) => {
    const fault = FAULT.exec(line);
    const [, command = "", process = "", thread, ...rest] = fault ?? SAMPLE.exec(line) ?? [];
    if (process === "") return OTHERS.some((other) => other.test(line)) ? "other" : "unknown";
    const [event = "", digits = "", operation] = rest;
    const [address, kind] =
      fault !== null ? [event, kindOfFault(digits)] : [digits, kindOfSample(event, operation)];
    // What has no address is sampled all the same.
    if (/^0+$/.test(address)) return "other";
    if (thread === undefined) processes.threadAccess(Number(process), command);
    else processes.access(Number(process), command);
    return accessAt(accesses, address, 1, kind) ? "access" : "unknown";
  };
}

function kindOfFault(code: string): number {
  const bits = Number.parseInt(code, 16);
  if ((bits & 16) !== 0) return FETCH;
  return (bits & 2) !== 0 ? WRITE : READ;
}

/** @param operation of the data source, if there is one */
function kindOfSample(event: string, operation: string | undefined): number {
  if (operation !== undefined) {
    return operation === "STORE" ? WRITE : operation === "EXEC" ? FETCH : READ;
  }
  return /store/i.test(event) ? WRITE : READ;
}
