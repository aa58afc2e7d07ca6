/** What leaves as text shows every character and does nothing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvCell, htmlText, jsonText, visible } from "../../src/io/visible.ts";

/** What a terminal obeys (C0, DEL, C1), what turns text round or is not seen, and what ends a line. */
const HARMFUL = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
  0xad,
  0x61c,
  ...[0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029],
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069],
  ...[0xd800, 0xdfff, 0xe000, 0xfeff, 0xfff9, 0xffff, 0xe0001, 0xe0041],
];
const harmful = HARMFUL.map((code) => String.fromCodePoint(code));
const anyText = fc.array(fc.oneof(fc.constantFrom(...harmful), fc.string({ unit: "binary" })), {
  maxLength: 8,
});
const isHarmful = (text: string): boolean => [...text].some((one) => harmful.includes(one));

describe("visible text", () => {
  it.each(HARMFUL)("does not let U+%i through", (code) => {
    expect(visible(`a${String.fromCodePoint(code)}b`)).toMatch(
      /^a\\(x[0-9a-f]{2}|u\{[0-9a-f]+\}|[nrt])b$/,
    );
  });

  it("is in one line, without any of them, whatever the text", () => {
    fc.assert(
      fc.property(anyText, (pieces) => {
        expect(isHarmful(visible(pieces.join("")))).toBe(false);
      }),
    );
  });

  it("leaves text of any language as it is", () => {
    for (const text of ["vm0/tracker", "é ß 中文 العربية 🙂", "a b", "\\x1b"]) {
      expect(visible(text)).toBe(text);
    }
  });

  it("says what was there", () => {
    expect(visible("\x1b[31m\u202ered\n\u009b")).toBe("\\x1b[31m\\u{202e}red\\n\\x9b");
  });
});

describe("JSON text", () => {
  it("means the same, and shows every character", () => {
    const value = fc.dictionary(fc.string({ unit: "binary" }), anyText);
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (one, indent) => {
        const text = jsonText(one, indent);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(one)));
        expect(isHarmful(indent === undefined ? text : text.replaceAll("\n", ""))).toBe(false);
      }),
    );
  });
});

describe("a cell of a CSV file", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])("%j is no formula", (text) => {
    expect(csvCell(text)).toMatch(/^"?'/);
  });

  it("keeps numbers, and quotes what has a comma, a quote or a line end", () => {
    expect([-1.5, null, true, "a", 'a,"b"', "a\r\nb"].map(csvCell)).toEqual([
      ...["-1.5", "", "true", "a", '"a,""b"""', '"a\\r\nb"'],
    ]);
  });
});

it("HTML holds no markup of the text", () => {
  expect(htmlText(`<b a="x" b='y'>&\x1b`)).toBe(
    "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\x1b",
  );
});
