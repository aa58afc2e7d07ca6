/** A project that knows nothing of this one but its tarball. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};

export interface Program {
  readonly name: string;
  readonly language: string;
  readonly program: string;
  /** What it prints. */
  readonly output: string;
}

/** Files that a page of docs shows by their names, which its programs import. */
export function filesOf(page: string): { readonly name: string; readonly text: string }[] {
  const blocks = readFileSync(join(ROOT, "docs", page), "utf8").matchAll(
    /^```(?:ts|js) ([\w.-]+)\n([\s\S]*?)^```/gm,
  );
  return [...blocks].map(([, name, text]) => ({ name: name!, text: text! }));
}

/** Each program of a page of docs, with what the page says that it prints. */
export function programsOf(page: string): Program[] {
  const blocks = readFileSync(join(ROOT, "docs", page), "utf8").matchAll(
    /^```(ts|js)\n([\s\S]*?)^```\n\n^```text\n([\s\S]*?)^```/gm,
  );
  return [...blocks].map(([, language, program, output], n) => {
    return { name: `example${n + 1}`, language: language!, program: program!, output: output! };
  });
}

export class Stranger {
  readonly directory = mkdtempSync(join(tmpdir(), "trackvisor-stranger-"));
  readonly tarball: string;

  /** Packs, and begins an empty project. */
  constructor() {
    const words = ["pack", "--ignore-scripts", "--pack-destination", this.directory];
    execFileSync("npm", words, { cwd: ROOT, stdio: "pipe" });
    const [tarball] = readdirSync(this.directory).filter((file) => file.endsWith(".tgz"));
    if (tarball === undefined) throw new Error("npm pack has made no tarball");
    this.tarball = tarball;
    this.write("package.json", JSON.stringify({ name: "stranger", type: "module" }));
  }

  write(name: string, text: string): void {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /**
   * Puts the tarball where npm would, and beside it what it says it depends on, and nothing else. No registry.
   * @param more packages of the project's own
   */
  unpack(more: readonly string[] = []): void {
    const place = join(this.directory, "node_modules", "trackvisor");
    mkdirSync(place, { recursive: true });
    const words = ["xzf", this.tarball, "-C", place, "--strip-components", "1"];
    execFileSync("tar", words, { cwd: this.directory });
    for (const name of [...Object.keys(dependencies), ...more]) {
      const link = join(this.directory, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, "node_modules", name), link);
    }
  }

  /** Runs a program in the project. @returns what it prints */
  run(command: string, ...words: string[]): string {
    return execFileSync(command, words, {
      cwd: this.directory,
      encoding: "utf8",
      env: { ...process.env, NODE_PATH: "" },
      stdio: "pipe",
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
