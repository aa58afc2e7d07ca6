/** Files that people write: scenarios, litmus tests, keys of the screen, logs of other tools. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Random } from "../../../workloads/random.ts";
import { mutate, mutateBytes, pick } from "../mutate.ts";
import { FILE, type Kind } from "./kind.ts";

/** YAML files, changed field by field or byte by byte. */
function yamlKind(name: string, texts: readonly string[], commands: Kind["commands"]): Kind {
  const roots = texts.map((text) => parse(text) as object);
  return {
    name,
    extension: ".yaml",
    beside: {},
    forge(random: Random): Buffer {
      const at = random.below(texts.length);
      if (random.below(5) === 0) return mutateBytes(random, Buffer.from(texts[at]!));
      const root = structuredClone(roots[at]!);
      for (let n = 1 + random.below(2); n > 0; n--) mutate(random, root);
      return Buffer.from(random.below(4) === 0 ? stringify(root) : JSON.stringify(root));
    },
    commands,
  };
}

const vm = { workload: { kind: "zipf", exponent: 0.8, pages: 50, accesses: 400, gap: 300 } };

const scenarios: readonly object[] = [
  {
    name: "small",
    machine: { cpus: 2, logEntries: 8, timeslice: "30us", quantum: "10us" },
    vms: [vm, { name: "other", paging: "off", vcpus: 2, ...vm }],
    tracker: { technique: "pml" },
    operation: { kind: "measure", harvest: "50us" },
    until: "300us",
  },
  {
    name: "migration",
    vms: [vm],
    tracker: { technique: "writeProtect" },
    operation: { kind: "migrate", start: "20us", link: { bandwidth: "10Gbit/s" }, settle: "20us" },
    until: "1ms",
  },
  {
    name: "checkpoint",
    vms: [{ workload: { kind: "script", script: ["write 0", "read 3"], pages: 8 } }],
    operation: { kind: "checkpoint", mode: "stop", times: ["30us"] },
    until: "1ms",
  },
];

export function scenarioFiles(): Kind {
  return yamlKind(
    "scenario",
    scenarios.map((one) => JSON.stringify(one, undefined, 1)),
    [
      ["run", FILE, "--until", "60us"],
      ["run", FILE, "--until", "60us", "--json"],
      ["tui", FILE, "--once", "--at", "#60"],
      ["tui", FILE, "--json", "--at", "#60"],
      ["tui", FILE, "--log", "--at", "#60"],
    ],
  );
}

/** @param root the project's */
export function litmusFiles(root: string): Kind {
  const directory = join(root, "test", "litmus");
  const files = readdirSync(directory).filter((file) => file.endsWith(".litmus.yaml"));
  const texts = files.map((file) => readFileSync(join(directory, file), "utf8"));
  const short = texts.filter((text) => text.length < 12_000);
  return yamlKind("litmus", short, [
    ["litmus", FILE],
    ["litmus", FILE, "--json"],
    ["litmus", FILE, "--verbose"],
  ]);
}

export function settings(): Kind {
  const text = "theme: default\nkeys:\n  step: [s, right]\n  quit: [q]\n";
  return yamlKind(
    "settings",
    [text],
    [["tui", "of.yaml", "--config", FILE, "--once", "--at", "#3"]],
  );
}

const LACKEY = "==1== Command: ls -l\nI  04000000,3\n L 1ffe80,8\n S 04222ffe,8\n M 0421,4\n";

export function foreignTraces(): Kind {
  return {
    name: "foreign trace",
    extension: ".log",
    beside: {},
    forge: (random) => {
      const lines = Array.from({ length: 1 + random.below(6) }, () => LACKEY).join("");
      return mutateBytes(
        random,
        Buffer.from(random.below(2) === 0 ? lines : pick(random, [LACKEY, ""])),
      );
    },
    commands: [["trace", "import", FILE, "-o", "out.tvtrace"]],
  };
}
