/**
 * Files of Debian's packages, of another architecture too, without root and without a change to the system: apt works
 * with a state of its own in a directory that is removed afterwards.
 */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { codeOf } from "./systemError.ts";
import { atEndOfProcess } from "./unfinished.ts";

const SAID_MAX = 1 << 20;

export interface DebianSource {
  readonly mirror: string;
  readonly suite: string;
  readonly architecture: string;
}

/** A file of a package: the first whose path in it matches. */
export interface WantedFile {
  readonly package: string;
  readonly path: RegExp;
}

export interface FoundFile {
  readonly path: string;
  readonly bytes: Buffer;
  /** The package with its version, as its file is called. */
  readonly from: string;
}

/**
 * @param dependencyOf of packages that only name another one, that one: by a pattern
 * @param note says what is being done
 * @throws UserError, one line, if apt is not there, or cannot fetch them
 */
export function filesOfPackages(
  { mirror, suite, architecture }: DebianSource,
  wanted: readonly WantedFile[],
  note: (text: string) => void,
): FoundFile[] {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-apt-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const forget = atEndOfProcess(remove);
  try {
    const apt = new Apt(
      directory,
      `deb [arch=${architecture}] ${mirror} ${suite} main`,
      architecture,
    );
    note(`reading the list of packages of ${suite}, ${architecture}`);
    apt.run("apt-get", ["update", "-qq"]);
    const names = [...new Set(wanted.map((one) => apt.real(one.package)))];
    note(`fetching ${names.join(", ")}`);
    apt.run("apt-get", ["download", "-qq", ...names]);
    const packages = readdirSync(directory).filter((name) => name.endsWith(".deb"));
    return wanted.map((one) => {
      const real = apt.real(one.package);
      const file = packages.find((name) => name.startsWith(`${real}_`));
      if (file === undefined) throw new UserError(`Debian's package ${real}: was not fetched`);
      const content = join(directory, `${real}.d`);
      if (!packages.includes(`${real}.d`)) {
        apt.run("dpkg-deb", ["-x", join(directory, file), content]);
        packages.push(`${real}.d`);
      }
      const path = readdirSync(content, { recursive: true, encoding: "utf8" })
        .sort()
        .find((name) => one.path.test(name) && statSync(join(content, name)).isFile());
      if (path === undefined)
        throw new UserError(`Debian's package ${real}: has no ${one.path.source}`);
      return { path, bytes: readFileSync(join(content, path)), from: decodeURIComponent(file) };
    });
  } finally {
    remove();
    forget();
  }
}

class Apt {
  readonly #directory: string;
  readonly #options: readonly string[];
  readonly #real = new Map<string, string>();

  constructor(directory: string, source: string, architecture: string) {
    this.#directory = directory;
    const at = (name: string): string => join(directory, name);
    for (const name of ["state/lists/partial", "cache/archives/partial", "none"]) {
      mkdirSync(at(name), { recursive: true });
    }
    writeFileSync(at("state/status"), "");
    writeFileSync(at("sources.list"), `${source}\n`);
    this.#options = [
      `Dir::State=${at("state")}`,
      `Dir::State::status=${at("state/status")}`,
      `Dir::Cache=${at("cache")}`,
      `Dir::Etc::SourceList=${at("sources.list")}`,
      `Dir::Etc::SourceParts=${at("none")}`,
      `APT::Architecture=${architecture}`,
      `APT::Architectures::=${architecture}`,
      // As root, apt would fetch as another user, who may not write here.
      "APT::Sandbox::User=root",
    ];
  }

  /** The package itself, or, if it only stands for the newest of several, that one. */
  real(name: string): string {
    const known = this.#real.get(name);
    if (known !== undefined) return known;
    const said = this.run("apt-cache", ["depends", name]);
    const images = [...said.matchAll(/^\s*Depends: (linux-image-[0-9]\S*)/gm)];
    const real = name.startsWith("linux-image-") ? (images[0]?.[1] ?? name) : name;
    this.#real.set(name, real);
    return real;
  }

  /** @returns what it says. @throws UserError with what it says of what is wrong */
  run(program: string, args: readonly string[]): string {
    const options = program === "dpkg-deb" ? [] : this.#options.flatMap((option) => ["-o", option]);
    try {
      return execFileSync(program, [...options, ...args], {
        cwd: this.#directory,
        encoding: "utf8",
        maxBuffer: SAID_MAX,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      if (codeOf(error) === "ENOENT") {
        throw new UserError(`${program} is not there: give --kernel, --initrd and --bios`);
      }
      const said =
        typeof error === "object" && error !== null && "stderr" in error ? error.stderr : "";
      const line =
        String(said)
          .split("\n")
          .find((text) => /^E:/.test(text)) ?? `${program} failed`;
      throw new UserError(`Debian's packages cannot be had: ${line.replace(/^E:\s*/, "")}`);
    }
  }
}
