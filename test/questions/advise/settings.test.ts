/** What a run changes is what its command says: words that mean the same to the command line. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseOverride } from "../../../src/config/override.ts";
import { CYCLES_PER_SECOND, parseDuration, parseRate } from "../../../src/config/units.ts";
import {
  commandLine,
  durationText,
  lastOfEach,
  rateText,
  roundDuration,
  setting,
  textOf,
} from "../../../src/questions/advise/settings.ts";

describe("settings", () => {
  it.each([
    ["tracker.technique", "pml"],
    ["machine.logEntries", 512],
    ["tracker.prl.doubleBuffer", true],
    ["faults", null],
    ["vms.*.vcpus", 2],
    ["operation", { kind: "migrate", policy: { kind: "qemu", autoConverge: {} } }],
    ["name", 'it\'s: a #name, "quoted"\nand more'],
    ["vms.0.memory", "1GiB"],
    ["name", "null"],
  ])("as words and read again are the same: %s", (field, value) => {
    const one = setting(field, value);
    const { path, value: read } = parseOverride(textOf(one));
    expect({ path, value: read }).toEqual({ path: one.path, value });
  });

  it("stand in a command line that a shell takes apart into the same words", () => {
    const words = [
      "a=b",
      "operation={ kind: migrate }",
      "it's",
      '$HOME `x` \\ "',
      "two\nlines",
      "",
    ];
    const { stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${commandLine(words)}`]);
    expect(stdout.toString().split("\0").slice(0, -1)).toEqual(words);
  });

  it("that a later one replaces are left out, and those within it", () => {
    const all = [
      setting("until", "1s"),
      setting("operation.link.bandwidth", "1Gbit/s"),
      setting("operation", { kind: "measure" }),
      setting("operation.harvest", "10ms"),
      setting("until", "2s"),
    ];
    expect(lastOfEach(all).map(textOf)).toEqual([
      "operation={ kind: measure }",
      "operation.harvest=10ms",
      "until=2s",
    ]);
  });

  it("of times and rates mean what they were made of", () => {
    for (const us of [1, 990, 1000, 1500, 2_000_000]) {
      const cycles = (us * CYCLES_PER_SECOND) / 1e6;
      expect(parseDuration(durationText(cycles))).toBe(cycles);
      expect(roundDuration(cycles)).toBe(cycles);
    }
    expect(durationText(12345)).toBe("12345 cycles");
    expect(durationText(roundDuration(parseDuration("1239us")!))).toBe("1200us");
    for (const text of ["10Gbit/s", "2500Mbit/s", "31.25Mbit/s"]) {
      expect(parseRate(rateText(parseRate(text)!))).toBe(parseRate(text));
    }
  });
});
