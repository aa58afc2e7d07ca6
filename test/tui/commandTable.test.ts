import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandTable } from "../../src/tui/commandTable.ts";
import { keyMap, uiSettingsSchema } from "../../src/tui/keys.ts";
import { THEME_NAMES, THEMES } from "../../src/tui/themes.ts";

describe("the documentation", () => {
  it("has the table of commands as it is", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "tui.md"), "utf8");
    expect(text).toContain(commandTable());
  });
});

describe("keys in a file", () => {
  it("replace a command's own, and take the key from who had it", () => {
    const map = keyMap("f", uiSettingsSchema.parse({ keys: { quit: ["Q"], step: ["s"] } }).keys);
    expect(map.get("Q")?.name).toBe("quit");
    expect(map.get("q")).toBeUndefined();
    expect(map.get("s")?.name).toBe("step");
  });

  it("are refused for an unknown command, and if two commands have one", () => {
    expect(() => keyMap("f", { quti: ["x"] })).toThrow('f: keys: no command is called "quti"');
    expect(() => keyMap("f", { quit: ["Q"], zoom: ["Q"] })).toThrow('"Q" is bound to');
  });
});

/** Linear RGB of one of the 256 colours. */
function linear(colour: number): [number, number, number] {
  const level = (value: number): number => (value === 0 ? 0 : 55 + 40 * value);
  const rgb =
    colour >= 232
      ? Array<number>(3).fill(8 + 10 * (colour - 232))
      : [36, 6, 1].map((unit) => level(Math.floor((colour - 16) / unit) % 6));
  const [r = 0, g = 0, b = 0] = rgb.map((value) => (value / 255) ** 2.2);
  return [r, g, b];
}

/** Machado, Oliveira and Fernandes 2009, severity 1.0. */
const SEEN = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const;

describe("the colour-blind-safe themes", () => {
  const parts = ["guest", "transition", "handler", "kind.log", "kind.track"] as const;

  it.each(["deuteranopia", "tritanopia"] as const)("keep kinds apart for %s", (name) => {
    const seen = parts.map((part) => {
      const rgb = linear(THEMES[name][part].colour);
      return SEEN[name].map((row) => row.reduce((sum, weight, i) => sum + weight * rgb[i]!, 0));
    });
    for (let a = 0; a < 3; a++) {
      for (let b = a + 1; b < 3; b++) {
        const distance = Math.hypot(...seen[a]!.map((value, i) => value - seen[b]![i]!));
        expect(distance, `${parts[a]} and ${parts[b]}`).toBeGreaterThan(0.2);
      }
    }
  });

  it("are among the themes", () => {
    expect(THEME_NAMES).toEqual(expect.arrayContaining(["deuteranopia", "tritanopia", "grey"]));
  });
});
