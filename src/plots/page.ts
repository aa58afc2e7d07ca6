/** A plot as one HTML file that needs nothing else: the program that draws it is in it. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readText } from "../io/inputFile.ts";
import { htmlText } from "../io/visible.ts";
import { drawPlot, vegaSpec } from "./draw.ts";
import type { Plot } from "./plot.ts";

const FILE_BYTES_MAX = 8 << 20;

/** Nothing is fetched. Vega makes functions of a plot's expressions. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .7rem; text-align: left; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; overflow-x: auto; }
#vg-tooltip { position: fixed; }
`;

export interface Page {
  readonly title: string;
  /** Beneath the title. */
  readonly lines: readonly string[];
  readonly plot: Plot;
  readonly table: {
    readonly head: readonly string[];
    readonly rows: readonly (readonly string[])[];
  };
}

/** The page. Where scripts do not run, it shows the same plot as it was drawn beforehand. */
export async function plotPage({ title, lines, plot, table }: Page): Promise<string> {
  const { script, license } = vegaFiles();
  const svg = await drawPlot(plot);
  const cells = (texts: readonly string[], tag: "th" | "td"): string =>
    `<tr>${texts.map((text) => `<${tag}>${htmlText(text)}</${tag}>`).join("")}</tr>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${htmlText(title)}</title><style>${STYLE}</style></head><body>
<h1>${htmlText(title)}</h1>
${lines.map((line) => `<p>${htmlText(line)}</p>`).join("\n")}
<figure id="plot">${svg}</figure>
<table><thead>${cells(table.head, "th")}</thead><tbody>
${table.rows.map((row) => cells(row, "td")).join("\n")}
</tbody></table>
<!-- Vega, which draws the plot:
${htmlText(license).replaceAll("--", "- -")}
-->
<script>${script}</script>
<script type="application/json" id="spec">${inScript(JSON.stringify(vegaSpec(plot)))}</script>
<script>
const spec = JSON.parse(document.getElementById("spec").textContent);
const runtime = vega.parse(spec);
document.getElementById("plot").replaceChildren();
const view = new vega.View(runtime, { renderer: "svg", container: "#plot", hover: true });
view.runAsync().then(() => document.body.setAttribute("data-drawn", "true"));
</script>
</body></html>
`;
}

/** A text in which no script ends. */
function inScript(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

function vegaFiles(): { readonly script: string; readonly license: string } {
  const build = dirname(fileURLToPath(import.meta.resolve("vega")));
  const script = readText(join(build, "vega.min.js"), FILE_BYTES_MAX);
  if (/<\/script/i.test(script)) throw new Error("vega.min.js cannot stand in a page");
  return { script, license: readText(join(build, "..", "LICENSE"), FILE_BYTES_MAX) };
}
