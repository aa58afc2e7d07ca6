import { describe, expect, it } from "vitest";
import { line, piece } from "../../src/tui/canvas.ts";
import { pictureOf } from "../../src/tui/svg.ts";

/** Elements of an SVG text: name, attributes, and the text behind the tag. */
function elements(svg: string) {
  return [...svg.matchAll(/<(\w+)([^>]*)>([^<]*)/g)].map(([, name, attributes = "", text]) => ({
    name,
    text,
    of: Object.fromEntries(
      [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    ),
  }));
}

/** Whether each tag is closed by its own kind, in order, and each "&" begins an entity. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, end, name, , empty] of svg.matchAll(/<(\/?)(\w+)((?:[^>"]|"[^"]*")*?)(\/?)>/g)) {
    if (end) {
      if (open.pop() !== name) return false;
    } else if (!empty) open.push(name!);
  }
  return open.length === 0 && !/&(?!(amp|lt|gt);)/.test(svg);
}

describe("a screen as a picture", () => {
  const lines = [
    [piece("ab", "text"), piece("  c d", "bad")],
    line("<script>&\x1b[31m", "text"),
    line("picked", "selected"),
  ];
  const svg = pictureOf(lines, "a < b & c", "default");

  it("puts each word at its cell, as wide as its cells", () => {
    const words = elements(svg).filter(({ name }) => name === "tspan");
    const cell = Number(words[0]!.of["textLength"]) / 2;
    for (const [word, column, length] of [
      ["ab", 0, 2],
      ["c", 4, 1],
      ["d", 6, 1],
    ] as const) {
      const found = words.find(({ text }) => text === word)!;
      expect(Number(found.of["x"]) - Number(words[0]!.of["x"])).toBeCloseTo(column * cell, 5);
      expect(Number(found.of["textLength"])).toBeCloseTo(length * cell, 5);
    }
  });

  it("is well-formed whatever text it shows, and holds no control character", () => {
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).toContain("<title>a &lt; b &amp; c</title>");
    expect(svg).toContain("&lt;script&gt;&amp;?[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point
    expect(svg).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  it("draws what is picked out in the colours of the ground", () => {
    const picked = elements(svg).find(({ text }) => text === "picked")!;
    const [ground, behind] = elements(svg).filter(({ name }) => name === "rect");
    expect(picked.of["fill"]).toBe(ground!.of["fill"]);
    expect(behind!.of["fill"]).not.toBe(ground!.of["fill"]);
  });

  it("is all on the picture", () => {
    const [{ of }] = elements(svg) as [ReturnType<typeof elements>[number]];
    for (const { name, of: own } of elements(svg)) {
      if (name === "tspan")
        expect(Number(own["x"]) + Number(own["textLength"])).toBeLessThanOrEqual(
          Number(of["width"]),
        );
      if (name === "text") expect(Number(own["y"])).toBeLessThanOrEqual(Number(of["height"]));
    }
  });
});
