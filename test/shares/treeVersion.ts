/** The version of a tree: of all that tests and tools depend on, as it is in the sources. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../src/runs/runIdentity.ts";

/** @param root of the tree; names are relative to it, with "/" */
export function filesIn(root: string, directory: string, ending: RegExp): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
    .filter((name) => ending.test(name))
    .sort();
}

export function treeFiles(root: string): string[] {
  return ["src", "machines", "workloads", "test"].flatMap((directory) =>
    filesIn(root, directory, /\.(tsx?|ya?ml|json)$/),
  );
}

/** Of the tree, and of the libraries that it uses. */
export function treeVersion(root: string): string {
  const files = [...treeFiles(root), "package-lock.json"];
  const texts = files.map((file) => [file, digestOf(readFileSync(join(root, file), "utf8"))]);
  return digestOf(JSON.stringify(texts));
}
