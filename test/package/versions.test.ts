/**
 * The tarball in an empty project on the other versions of Node: the programs of docs/library.md, TypeScript as it
 * stands, print what they print here, and runs are the same byte for byte. With TRACKVISOR_LONG=1, for each version
 * is downloaded.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { IS_LONG } from "../share.ts";
import { installNode, OTHERS } from "./nodeVersions.ts";
import { filesOf, type Program, programsOf, Stranger } from "./stranger.ts";

const MINUTES = 60_000;
const MAIN = "node_modules/trackvisor/dist/src/cli/main.js";
const LITMUS = "node_modules/trackvisor/test/litmus";
/** Node runs TypeScript itself from here on. */
const STRIPS_TYPES = 22;

describe.runIf(IS_LONG)("the tarball", () => {
  const programs = programsOf("library.md");
  const recorded = (stranger: Stranger, node: string): Buffer => {
    stranger.run(node, MAIN, "run", "array-parser", "--until", "5ms", "--record", "a.tvlog");
    return readFileSync(join(stranger.directory, "a.tvlog"));
  };
  const swept = (stranger: Stranger, node: string): string => {
    const vary = ["--vary", "machine.logEntries=64,512", "--until", "20ms", "--json"];
    const words = ["sweep", "array-parser", ...vary, "--workers", "2", "--store", "runs"];
    return stranger.run(node, MAIN, ...words);
  };
  let log: Buffer;
  let sweep = "";
  beforeAll(() => {
    const stranger = new Stranger();
    stranger.unpack();
    log = recorded(stranger, process.execPath);
    sweep = swept(stranger, process.execPath);
    stranger.remove();
  }, 3 * MINUTES);

  describe.each(OTHERS)("on Node %d", (major) => {
    const stranger = new Stranger();
    let node: ReturnType<typeof installNode> = { missing: "" };
    beforeAll(() => {
      stranger.unpack();
      for (const { name, language, program } of programs) {
        stranger.write(`${name}.${language}`, program);
      }
      for (const { name, text } of filesOf("library.md")) stranger.write(name, text);
      node = installNode(major, join(stranger.directory, "node"));
    }, 3 * MINUTES);
    afterAll(() => stranger.remove());
    /** A test is left out, and says why, where there is no such Node. */
    const pathOf = ({ skip }: TestContext): string => {
      if ("missing" in node) skip(node.missing);
      return "path" in node ? node.path : "";
    };
    const runs = ({ language }: Program): boolean => language === "js" || major >= STRIPS_TYPES;

    it("it is that version", (context) => {
      expect(stranger.run(pathOf(context), "--version")).toMatch(new RegExp(`^v${major}\\.`));
    });

    for (const program of programs.filter(runs)) {
      const { name, language, output } = program;
      it(`${name}.${language} prints what docs/library.md shows`, {
        timeout: 2 * MINUTES,
      }, (context) => {
        expect(stranger.run(pathOf(context), `${name}.${language}`)).toBe(output);
      });
    }

    it("the emulated hardware passes its litmus tests", { timeout: 2 * MINUTES }, (context) => {
      expect(stranger.run(pathOf(context), MAIN, "litmus", LITMUS)).toMatch(/ 0 failed/);
    });

    it("a run has the same messages", { timeout: 2 * MINUTES }, (context) => {
      expect(recorded(stranger, pathOf(context)).equals(log)).toBe(true);
    });

    it("a sweep on threads has the same result", { timeout: 2 * MINUTES }, (context) => {
      expect(swept(stranger, pathOf(context))).toBe(sweep);
    });
  });
});
