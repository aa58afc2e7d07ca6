/** The pictures of a sweep: every point drawn with its interval, in a page that asks nobody for anything. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scratch } from "./command.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());
const TIMEOUT = 120_000;

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

const SMALL = `name: small <b>&amp;
vms:
  - workload: { kind: uniform, pages: 500, writeFraction: 0.5, accesses: 3000 }
`;
const METRICS = ["overhead", "exits"];
/** Two techniques, three lengths of the log, two shares of writes: 12 points in two panels. */
const WORDS = [
  ...["sweep", "small.yaml", "--vary", "tracker.technique=pml,prl"],
  ...["--vary", "machine.logEntries=64..256*2", "--vary", "vms.0.workload.writeFraction=0.2,0.8"],
  ...["--seeds", "1..3", "--metric", METRICS.join(","), "--store", "store"],
];

/** How many marks of a type a drawing has, legends and axes apart: Vega gives groups of them a class. */
function marks(drawing: string, type: "symbol" | "rule"): number {
  const groups = drawing.matchAll(
    new RegExp(`<g class="mark-${type} role-mark [^>]*>(.*?)</g>`, "gs"),
  );
  return [...groups].reduce(
    (all, [, group = ""]) => all + group.split(/<(?:path|line) /).length - 1,
    0,
  );
}

describe("a sweep's pictures", { timeout: TIMEOUT }, () => {
  beforeAll(async () => {
    scratch.write("small.yaml", SMALL);
    const outcome = await scratch.run([...WORDS, "--svg", "a.svg", "--html", "a.html"]);
    expect(outcome).toMatchObject({ err: "", code: 0 });
  }, TIMEOUT);

  it("draw each mean with its interval, in a panel for each value of what is varied last", () => {
    const svg = readFileSync(scratch.path("a.svg"), "utf8");
    expect(marks(svg, "symbol")).toBe(12 * METRICS.length);
    expect(marks(svg, "rule")).toBe(12 * METRICS.length);
    expect(svg).toContain("small &lt;b&gt;&amp;amp;");
    expect(svg).not.toContain("<b>");
  });

  it("need nothing but themselves", () => {
    const html = readFileSync(scratch.path("a.html"), "utf8");
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<(?:link|img|iframe)\b|<script[^>]+src/);
    expect(html).not.toContain("<b>&");
  });

  it.runIf(CHROMIUM)("are drawn by a browser, from which no request leaves", async () => {
    const asked: string[] = [];
    // Whatever leaves would go through here.
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(404).end();
    });
    proxy.on("connect", ({ url }, socket) => {
      asked.push(url ?? "");
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      const page = await opened(scratch.path("a.html"), port);
      expect(page).toContain('data-drawn="true"');
      expect(marks(page, "symbol")).toBe(12 * METRICS.length);
      expect(marks(page, "rule")).toBe(12 * METRICS.length);
      expect(asked.filter((url) => !isOwn(url))).toEqual([]);
      // A page that asks is seen.
      scratch.write("asks.html", '<!doctype html><img src="http://example.invalid/x.png">');
      await opened(scratch.path("asks.html"), port);
      expect(asked).toContain("http://example.invalid/x.png");
    } finally {
      proxy.close();
    }
  });
});

/** What the browser asks for whatever page it shows. */
function isOwn(url: string): boolean {
  return /google|gvt1|chromium/.test(url);
}

/** The page as it is when everything on it has been done. */
function opened(file: string, port: number): Promise<string> {
  const quiet = ["background-networking", "component-update", "sync", "default-apps", "gpu"];
  const browser = spawn(CHROMIUM!, [
    ...["--headless", "--no-sandbox", "--no-first-run", "--virtual-time-budget=5000"],
    ...quiet.map((what) => `--disable-${what}`),
    `--user-data-dir=${scratch.path("profile")}`,
    ...[`--proxy-server=127.0.0.1:${port}`, "--dump-dom", pathToFileURL(file).href],
  ]);
  let page = "";
  browser.stdout.setEncoding("utf8").on("data", (text: string) => {
    page += text;
  });
  return new Promise((resolve, reject) => {
    browser.on("error", reject);
    browser.on("close", () => resolve(page));
  });
}
