/**
 * The log of QEMU's plugin execlog (contrib/plugins/execlog.c): a line an instruction,
 *
 *   vCPU, address, opcode, "disassembly"[, load|store, address[, device]]...
 *
 * In system emulation the addresses of loads and stores are the guest's physical ones, and the device is
 * "RAM" for memory (qemu_plugin_hwaddr_device_name); instructions have linear addresses, so they are no
 * fetches there. In user emulation there is no device, and all addresses are the program's. Sizes are not
 * told: a load or store is of one byte. Newer versions add registers, "name -> 0xvalue".
 */
import { itemAt } from "../../../src/lookup.ts";
import { type Accesses, FETCH, READ, WRITE } from "../accesses.ts";
import { accessAt, type Line, textReading } from "./textLines.ts";
import { linesLike, type TraceFormat } from "./traceFormat.ts";

const HEAD = '^\\d+, 0x([0-9a-f]{1,16}), 0x[0-9a-f]+, "[^"]*"';
const INSTRUCTION = new RegExp(`${HEAD}((?:, .*)?)$`);
const ADDRESS = /^0x([0-9a-f]{1,16})$/;
const REGISTER = /^\S+ -> 0x[0-9a-f]+$/;
const RAM = "RAM";
/** With a device behind the first address, and without one. */
const OF_SYSTEM = new RegExp(
  `${HEAD}, (?:load|store), 0x[0-9a-f]+, (?!(?:load|store), |\\S+ -> 0x).`,
);
const OF_USER = new RegExp(
  `${HEAD}, (?:load|store), 0x[0-9a-f]+(?:, (?:load|store), .*|, \\S+ -> 0x.*)?$`,
);

export const execlog: TraceFormat = {
  name: "execlog",
  title: "QEMU's plugin execlog, system emulation",
  addresses: "guestPhysical",
  recognise: linesLike(OF_SYSTEM),
  read: (into) =>
    textReading(
      into,
      ({ accesses }) =>
        (line) =>
          lineOf(accesses, line, true),
    ),
};

export const execlogUser: TraceFormat = {
  name: "execlog-user",
  title: "QEMU's plugin execlog, user emulation",
  addresses: "linear",
  recognise: linesLike(OF_USER),
  read: (into) =>
    textReading(
      into,
      ({ accesses }) =>
        (line) =>
          lineOf(accesses, line, false),
    ),
};

function lineOf(accesses: Accesses, line: string, isSystem: boolean): Line {
  const [, instruction, rest = ""] = INSTRUCTION.exec(line) ?? [];
  if (instruction === undefined) return "unknown";
  const found: (readonly [string, number])[] = isSystem ? [] : [[instruction, FETCH]];
  const items = rest.split(", ").slice(1);
  for (let at = 0; at < items.length; ) {
    const item = itemAt(items, at++);
    if (REGISTER.test(item)) continue;
    const kind = item === "load" ? READ : item === "store" ? WRITE : undefined;
    const address = ADDRESS.exec(items[at++] ?? "")?.[1];
    const device = isSystem ? items[at++] : RAM;
    if (kind === undefined || address === undefined || device === undefined) return "unknown";
    // Registers of devices are no memory.
    if (device === RAM) found.push([address, kind]);
  }
  let all = true;
  for (const [address, kind] of found) all = accessAt(accesses, address, 1, kind) && all;
  return all ? (found.length > 0 ? "access" : "other") : "unknown";
}
