/** What a scenario file may say, from its schema: as JSON Schema for editors, and as tables for people. */
import * as z from "zod";
import { scenarioSchema } from "./scenarioSchema.ts";

type Json = z.core.JSONSchema.JSONSchema;

/** The JSON Schema of a scenario file, as text: docs/scenario.schema.json. */
export function scenarioJsonSchema(): string {
  return `${JSON.stringify({ ...jsonSchema(), title: "Trackvisor scenario" }, null, 2)}\n`;
}

function jsonSchema(): Json {
  return z.toJSONSchema(scenarioSchema, { io: "input", unrepresentable: "any" });
}

/** A table of fields for each object in a scenario, as Markdown: docs/scenario.md holds them. */
export function scenarioTables(): string {
  const lines: string[] = [];
  describe("", jsonSchema(), { lines, titles: new Map() });
  return lines.join("\n").trim();
}

interface Manual {
  readonly lines: string[];
  /** By the fields that a section is about. */
  readonly titles: Map<string, string>;
}

/** Adds the tables of what a value may be, and of the objects in it. */
function describe(path: string, value: Json, manual: Manual): void {
  const { lines, titles } = manual;
  for (const object of objectsOf(value)) {
    const fields = Object.entries(object.properties ?? {}) as [string, Json][];
    const kind = fields.find(([name]) => name === "kind")?.[1].const;
    const own = fields.filter(([, field]) => field.const === undefined);
    const title = titleOf(path, kind);
    lines.push(`### ${title}`, "");
    const known = titles.get(JSON.stringify(fields));
    if (known !== undefined) {
      lines.push(`As ${known}.`, "");
      continue;
    }
    titles.set(JSON.stringify(fields), title);
    const text = object.description ?? value.description;
    if (text !== undefined) lines.push(`${sentence(text)}`, "");
    if (own.length > 0) {
      lines.push("| field | value | default | meaning |", "|---|---|---|---|");
      const required = new Set(object.required);
      lines.push(...own.map(([name, field]) => rowOf(name, field, required.has(name))), "");
    }
    for (const [name, field] of own) {
      const inner = path === "" ? name : `${path}.${name}`;
      describe(field.type === "array" ? `${inner}[]` : inner, field, manual);
    }
  }
}

/** The objects that a value may be, or that its elements may be. */
function objectsOf(value: Json): readonly Json[] {
  if (value.properties !== undefined) return [value];
  const inner = value.items === undefined ? alternativesOf(value) : [value.items as Json];
  return inner.flatMap(objectsOf);
}

function alternativesOf({ anyOf, oneOf }: Json): readonly Json[] {
  return (anyOf ?? oneOf ?? []) as Json[];
}

function titleOf(path: string, kind: unknown): string {
  const title = path === "" ? "A scenario" : `\`${path}\``;
  return kind === undefined ? title : `${title}, \`kind: ${String(kind)}\``;
}

function rowOf(name: string, field: Json, isRequired: boolean): string {
  const standard = isRequired ? "required" : defaultOf(field);
  const cells = [`\`${name}\``, wordsOf(field), standard, field.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultOf({ default: value }: Json): string {
  if (value === undefined) return "";
  const text = JSON.stringify(value);
  return text === "{}" || text === "[]" ? "" : `\`${text.replaceAll('"', "")}\``;
}

/** What may be written, in words. */
function wordsOf(field: Json): string {
  const { type, items, examples } = field;
  if (field.enum !== undefined) return field.enum.map((one) => `\`${String(one)}\``).join(", ");
  if (field.const !== undefined) return `\`${String(field.const)}\``;
  if (examples !== undefined) return `such as \`${(examples as unknown[]).join("`, `")}\``;
  const alternatives = alternativesOf(field);
  if (alternatives.length > 0) return [...new Set(alternatives.map(wordsOf))].join(" or ");
  if (type === "array") return `list: ${wordsOf(items as Json)}`;
  if (type === "object") return "see below";
  return type === "integer" || type === "number" ? numberOf(field) : String(type);
}

/** From here on a bound only keeps a number exact. */
const LARGE = 1e9;

function numberOf({ type, minimum, maximum, exclusiveMinimum }: Json): string {
  const what = type === "integer" ? "whole number" : "number";
  const above = exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
  const least = minimum === undefined || minimum <= -LARGE ? above : ` from ${minimum}`;
  const most = maximum === undefined || maximum >= LARGE ? "" : ` to ${maximum}`;
  return `${what}${least}${most}`;
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
