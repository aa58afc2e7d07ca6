/** What the operator asks of the machine: rows of the table of commands (commands.ts). */
import { type Command, oneOf } from "./command.ts";

/** A key that needs an argument opens the palette with the command's name in it. */
function asks(name: string): Command["run"] {
  return (controls, argument) => {
    if (argument === "") controls.ui({ type: "openPalette", text: `${name} ` });
    else controls.operate(name, argument);
  };
}

export const MACHINE_COMMANDS: readonly Command[] = [
  {
    name: "pause-vm",
    keys: ["p"],
    group: "machine",
    hint: "",
    help: "pause the VM",
    run: (to) => to.operate("pauseVm", ""),
  },
  {
    name: "resume-vm",
    keys: ["r"],
    group: "machine",
    hint: "",
    help: "let the paused VM go on",
    run: (to) => to.operate("resumeVm", ""),
  },
  {
    name: "pause-vcpu",
    keys: [],
    group: "machine",
    hint: "",
    help: "hold one vCPU",
    argument: "VCPU",
    words: oneOf(({ vcpus }) => vcpus),
    run: (to, vcpu) => to.operate("pauseVcpu", vcpu),
  },
  {
    name: "resume-vcpu",
    keys: [],
    group: "machine",
    hint: "",
    help: "let a held vCPU go on",
    argument: "VCPU",
    words: oneOf(({ vcpus }) => vcpus),
    run: (to, vcpu) => to.operate("resumeVcpu", vcpu),
  },
  {
    name: "tracker",
    keys: ["T"],
    group: "machine",
    hint: "",
    help: "track the VM by another technique (none, writeProtect, ...)",
    argument: "TECHNIQUE",
    words: oneOf(({ trackers }) => trackers),
    run: asks("tracker"),
  },
  {
    name: "harvest",
    keys: ["h"],
    group: "machine",
    panels: ["operation"],
    hint: "",
    help: "harvest the VM's tracker now",
    run: (to) => to.operate("harvest", ""),
  },
  {
    name: "writes",
    keys: ["w"],
    group: "machine",
    hint: "",
    help: "make so many percent of the VM's accesses writes; workload: as it was",
    argument: "PERCENT|workload",
    words: oneOf(() => ["workload"]),
    run: asks("writes"),
  },
  {
    name: "type",
    keys: ["y"],
    group: "machine",
    panels: ["console"],
    hint: "",
    help: "type on the guest's console, line by line, until esc; with a text: that line; ^C: that key",
    argument: "[TEXT]",
    run: (to, text) => {
      if (text !== "") to.operate("type", text);
      else to.typeToGuest();
    },
  },
  {
    name: "start",
    keys: ["M"],
    group: "machine",
    panels: ["operation"],
    hint: "",
    help: "start an operation: migration, checkpoint or estimation",
    argument: "OPERATION",
    words: oneOf(({ operations }) => operations),
    run: (to, name) => to.startOperation(name),
  },
  {
    name: "abort",
    keys: ["A"],
    group: "machine",
    panels: ["operation"],
    hint: "",
    help: "abort the operation; then the measurement goes on",
    run: (to) => to.operate("abort", ""),
  },
];
