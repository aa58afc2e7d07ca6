/** Whatever is wrong with the input: one line that says what, exit code 2, nothing written. */
import { mkdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { buildLoaded, loadScenario } from "../../src/runs/scenarioFile.ts";
import { Scratch, scenario } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const uniform = "{ kind: uniform, pages: 10, accesses: 10 }";
const garbage = Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + i * 7) & 0xff);

/** Name, content of the file, and what the message must have. */
const files: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ["empty", "", /empty\.yaml:1: .*expected object/],
  ["no VMs", "name: x\n", /:1: field "vms" is missing/],
  [
    "an unknown field",
    `name: x\nvms:\n  - memry: 4MiB\n    workload: ${uniform}\n`,
    /:3: vms\[0\]\.memry: unknown field; did you mean "memory"\?/,
  ],
  [
    "an unknown field of a workload",
    "name: x\nvms:\n  - workload:\n      kind: uniform\n      pges: 10\n      pages: 3\n",
    /:5: vms\[0\]\.workload\.pges: unknown field; did you mean "pages"\?/,
  ],
  [
    "a wrong type",
    `name: x\nvms:\n  - vcpus: two\n    workload: ${uniform}\n`,
    /:3: vms\[0\]\.vcpus: expected number, not "two"/,
  ],
  [
    "a bad unit",
    `name: x\nvms:\n  - memory: 10Mb\n    workload: ${uniform}\n`,
    /:3: vms\[0\]\.memory: expected a size such as .*, not "10Mb"/,
  ],
  [
    "a time without a unit",
    `name: x\nuntil: 10\nvms: [{ workload: ${uniform} }]\n`,
    /:2: until: expected a time such as .*/,
  ],
  [
    "no time at all",
    `name: x\nuntil: 0us\nvms: [{ workload: ${uniform} }]\n`,
    /:2: until: expected a time .*above 0, not "0us"/,
  ],
  [
    "a bad choice",
    `name: x\ntracker: { technique: pm }\nvms: [{ workload: ${uniform} }]\n`,
    /:2: tracker\.technique: expected one of .*, not "pm"; did you mean "pml"\?/,
  ],
  [
    "an unknown kind of workload",
    "name: x\nvms:\n  - workload: { kind: unifrm, pages: 1 }\n",
    /:3: vms\[0\]\.workload\.kind: expected one of .*did you mean "uniform"\?/,
  ],
  [
    "accesses that take no time",
    `name: x\nmachine: { costs: { processor: { access: 0 } } }\nvms: [{ workload: ${uniform} }]\n`,
    /:2: machine\.costs\.processor\.access: .*>=1, not 0/,
  ],
  [
    "a host larger than this machine can hold",
    `name: x\nuntil: 1s\noperation: { kind: overcommit, memory: 1000TiB, interval: 100ms, estimator: { kind: truth, interval: 100ms } }\nvms: [{ workload: ${uniform} }]\n`,
    /:3: operation\.memory: a host of 1024000\.00 GiB needs .*, this machine has/,
  ],
  [
    "a kernel that is sought in too large a VM",
    `name: x\nuntil: 1s\noperation: { kind: estimate, estimator: { kind: truth, interval: 100ms }, kernelFootprint: { needs: 1GiB, from: 1TiB } }\nvms: [{ workload: ${uniform} }]\n`,
    /:3: operation\.kernelFootprint/,
  ],
  [
    "live checkpoints without a tracker",
    `name: x\nuntil: 10ms\noperation: { kind: checkpoint, mode: live }\ntracker: { technique: none }\nvms: [{ workload: ${uniform} }]\n`,
    /:4: tracker\.technique: live checkpoints need a tracker/,
  ],
  ["bad YAML", "name: x\nvms: [\n", /:3: not valid YAML: /],
  ["two documents", "name: x\n---\nname: y\n", /:2: not valid YAML: a second document begins here/],
  ["a key twice", "name: x\nname: y\n", /:2: not valid YAML: /],
  [
    "aliases that expand without end",
    `a: &a [1,1,1,1,1,1,1,1,1]\n${Array.from({ length: 20 }, (_, i) => {
      const [name, from] = [`k${i}`, i === 0 ? "a" : `k${i - 1}`];
      return `${name}: &${name} [${Array(9).fill(`*${from}`).join(",")}]\n`;
    }).join("")}`,
    /YAML aliases are not supported/,
  ],
  ["a deep nest", "[".repeat(300_000), /not valid YAML: nested too deeply/],
  ["garbage", garbage, /not valid YAML|expected/],
  ["10 MB", "x".repeat(10_000_000), /larger than 1 MiB/],
  ["a list as key", "name: x\n? [a, b]\n: 1\n", /unknown field|is missing/],
  [
    "memory smaller than the workload",
    "name: x\nvms:\n  - memory: 40KiB\n    workload: { kind: uniform, pages: 100, accesses: 1 }\n",
    /VM "vm0": its workload uses 100 pages, its memory has 10/,
  ],
  ["100 TiB", `name: x\nvms: [{ memory: 100TiB, workload: ${uniform} }]\n`, /pages; .* at most/],
  ["1 TiB", `name: x\nvms: [{ memory: 1TiB, workload: ${uniform} }]\n`, /paging structures/],
  [
    "many large VMs",
    `name: x\nvms: [${Array(60).fill(`{ memory: 30GiB, workload: ${uniform} }`).join(", ")}]\n`,
    /guest memory: needs/,
  ],
  [
    "two VMs of one name",
    `name: x\nvms: [{ name: vm1, workload: ${uniform} }, { workload: ${uniform} }]\n`,
    /:2: two VMs are called "vm1"/,
  ],
  [
    "a workload without end",
    "name: x\nvms: [{ workload: { kind: uniform, pages: 10 } }]\n",
    /:2: VM "vm0": its workload never ends; set "until"/,
  ],
  [
    "a VM to migrate that is not there",
    `name: x\nvms: [{ workload: ${uniform} }]\noperation:\n  kind: migrate\n  vm: other\n`,
    /:5: operation\.vm: there is no VM "other" \(VMs: vm0\)/,
  ],
  [
    "an estimator that looks less than once",
    `name: x\nvms: [{ workload: ${uniform} }]\noperation:\n  kind: estimate\n  estimator:\n    kind: prl\nuntil: 1ms\n`,
    /:5: operation\.estimator\.mu: 30\.000 s is longer than the run/,
  ],
  [
    "a window that is no whole number of intervals",
    `name: x\nvms: [{ workload: ${uniform} }]\noperation:\n  kind: estimate\n  window: 15ms\n  estimator: { kind: truth, interval: 10ms }\nuntil: 1s\n`,
    /:5: operation\.window: expected 1 to 1000 whole intervals of 10\.000 ms/,
  ],
  ...(
    [
      [
        "less memory than the minimums",
        "memory: 4KiB\n  interval: 1s",
        /:4: operation\.memory: 1 pages, but/,
      ],
      [
        "a factor for an unknown VM",
        "memory: 16KiB\n  scale:\n    vm1: 2\n  interval: 1s",
        /:6: operation\.scale\.vm1: there is no VM of that name \(VMs: vm0\)/,
      ],
      ["a factor of nothing", "memory: 16KiB\n  scale: 0", /:5: operation\.scale: .*>0, not 0/],
      [
        "a tax of everything",
        "memory: 16KiB\n  policy: { kind: idleTax, tax: 1 }",
        /:5: operation\.policy\.tax: .*<=0\.99, not 1/,
      ],
      [
        "a disk of minutes",
        "memory: 16KiB\n  swap: { latency: 1 min }",
        /:5: operation\.swap\.latency: expected at most 10s/,
      ],
      [
        "decisions after the end",
        "memory: 16KiB\n  interval: 2s",
        /:5: operation\.interval: 2\.000 s is longer than the run/,
      ],
      [
        "too many decisions",
        "memory: 16KiB\n  interval: 1us",
        /:5: operation\.interval: 1\.000 us is too short/,
      ],
    ] as const
  ).map(([what, fields, message]): [string, string, RegExp] => [
    `overcommitment with ${what}`,
    `name: x\nvms: [{ workload: ${uniform} }]\noperation:\n  ${fields}\n  kind: overcommit\n  estimator: { kind: truth, interval: 100ms }\nuntil: 1s\n`,
    message,
  ]),
  [
    "a guest's clock without accessed flags",
    `name: x\nvms:\n  - paging: "off"\n    workload: ${uniform}\noperation: { kind: overcommit, memory: 16KiB, interval: 1s, guest: { victims: clock }, estimator: { kind: truth, interval: 100ms } }\nuntil: 1s\n`,
    /:3: vms\[0\]\.paging: a guest without paging has no accessed flags/,
  ],
  [
    "rounds too short for any access",
    `name: x\nvms: [{ workload: ${uniform} }]\noperation: { kind: measure, harvest: 1 cycles }\n`,
    /the guests get nowhere/,
  ],
  [
    "turns too short for any access",
    `name: x\nmachine: { timeslice: 1 cycles }\nvms: [{ vcpus: 2, workload: ${uniform} }]\n`,
    /the guests get nowhere/,
  ],
  [
    "a quantum that nothing can interrupt",
    `name: x\nmachine: { quantum: 1 min }\nvms: [{ workload: ${uniform} }]\n`,
    /machine\.quantum: expected at most 100ms/,
  ],
  [
    "a trace that is not there",
    "name: x\nvms: [{ workload: { kind: trace, file: none.tvtrace } }]\n",
    /none\.tvtrace: cannot be read/,
  ],
];

/** Arguments, and what the message must have. */
const commands: readonly (readonly [readonly string[], RegExp])[] = [
  [["missing.yaml"], /missing\.yaml: no such file, and no shipped scenario/],
  [["sort-plm"], /did you mean "sort-pml"\?/],
  [["directory"], /directory: expected a scenario file, this is a directory/],
  [["/dev/null"], /this is a device/],
  [["good.json", "and", "more"], /too many arguments/],
  [["--nosuch"], /unknown option '--nosuch'/],
  [["--trackr", "pml"], /unknown option '--trackr'.*--tracker/],
  [
    ["--tracker", "pm"],
    /--tracker: tracker\.technique: expected one of none, .*did you mean "pml"\?/,
  ],
  [["--vcpus", "0"], /'--vcpus <count>' argument '0' is invalid/],
  [["--vcpus", "1e9"], /'1e9' is invalid/],
  [["--vcpus", "65"], /from 1 to 64/],
  [["--vcpus", "-1"], /'-1' is invalid/],
  [["--seed", "x"], /'--seed <number>' argument 'x' is invalid/],
  [["--seed", "4294967296"], /from 0 to 4294967295/],
  [["--until", "5"], /'--until <time>' argument '5' is invalid/],
  [["--until", "0us"], /'0us' is invalid/],
  [["--until"], /argument missing/],
  [[""], /expected a scenario, not an empty name/],
  [["checkpoint-stop", "--checkpoint", "nowhere/a"], /nowhere\/a: cannot be written: no such file/],
  [
    ["tui", "--once", "--config", "keys.yaml"],
    /keys\.yaml:1: keys\.step\[0\]: expected a key such/,
  ],
  [["tui", "--once", "--config", "directory"], /directory: is not a plain file/],
  [["--trace", "missing.tvtrace"], /missing\.tvtrace: cannot be read/],
  [["--trace", "directory"], /directory: is not a plain file/],
  [["--trace", "good.json"], /not a Trackvisor trace/],
  [["--trace", "/dev/zero"], /is not a plain file/],
  [["a\u001b[2Jb\nc"], /^trackvisor: a\\x1b\[2Jb\\nc: no such file/],
];

mkdirSync(scratch.path("directory"));
scratch.write("good.json", scenario());
scratch.write("keys.yaml", "keys: { step: [ctrl+nope] }\n");
for (const [what, content] of files) scratch.write(fileOf(what), content);

function fileOf(what: string): string {
  return `${what.replaceAll(/\W/g, "-")}.yaml`;
}

async function refuses(words: readonly string[], message: RegExp): Promise<void> {
  const before = scratch.list();
  const { code, out, err } = await scratch.run(words);
  expect(err).toMatch(message);
  // Each mistake has a line of its own.
  expect(err).toMatch(/^(?:trackvisor: \P{Cc}+\n)+$/u);
  expect(err.length).toBeLessThan(1000);
  expect(err).not.toMatch(/\bat \S+:\d+:\d+|node:internal/);
  expect(out).toBe("");
  expect(code).toBe(2);
  expect(scratch.list()).toEqual(before);
}

/** These go through the whole program; for the others its parts are enough. */
const WHOLE = [
  "an unknown field",
  "aliases that expand without end",
  "a deep nest",
  "garbage",
  "10 MB",
  "a list as key",
  "1 TiB",
  "a workload without end",
  "rounds too short for any access",
  "turns too short for any access",
];

describe.concurrent("a scenario with", { timeout: 120_000 }, () => {
  it.each(files)("%s is refused in one line", async (what, _content, message) => {
    const file = fileOf(what);
    if (WHOLE.includes(what)) {
      await refuses([file, "--json"], message);
      return;
    }
    const load = () => buildLoaded(loadScenario(scratch.path(file)));
    expect(load).toThrow(UserError);
    expect(load).toThrow(message);
    expect(load).toThrow(/^\P{Cc}+$/u);
  });

  it("every flaw is another file", () => {
    expect(new Set(files.map(([what]) => fileOf(what))).size).toBe(files.length);
    for (const what of WHOLE) expect(files.map(([name]) => name)).toContain(what);
  });
});

describe.concurrent("the command line", { timeout: 120_000 }, () => {
  it.each(commands)("%j is refused in one line", async (words, message) => {
    await refuses(words, message);
  });

  it("shows the help of a command that needs another word, and nothing else", async () => {
    const { code, out, err } = await scratch.run(["trace"]);
    expect(err).toMatch(/^Usage: trackvisor trace [\s\S]*\n {2}help \[command\] .*\n$/);
    expect([code, out]).toEqual([2, ""]);
  });

  it("proposes no name that is nothing like the one given", async () => {
    const { err } = await scratch.run(["qqqqqq"]);
    expect(err).toMatch(/no shipped scenario of that name \(shipped: /);
  });

  it("takes what is right", async () => {
    const { code, err } = await scratch.run(["good.json"]);
    expect(err).toBe("");
    expect(code).toBe(0);
  });
});
