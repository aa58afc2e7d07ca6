/**
 * Which functions of a file run: each gets a number, and a copy of the file notes it in an array of bytes,
 * `globalThis.__functionsRun`, which is there before anything is loaded (scratch.ts).
 */
import ts from "typescript";

/** A function by where it stands, in characters of the file. */
export interface FunctionSpan {
  readonly start: number;
  readonly end: number;
}

type Body = ts.FunctionLikeDeclaration & { readonly body: ts.Node };

function bodiesIn(source: ts.SourceFile): Body[] {
  const found: Body[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
      found.push(node as Body);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found;
}

function parsed(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
}

/** The functions of a file, in order of place. */
export function functionsIn(file: string, text: string): FunctionSpan[] {
  const source = parsed(file, text);
  return bodiesIn(source).map((node) => ({ start: node.getStart(source), end: node.end }));
}

/** Number of the innermost function around a place, or -1. */
export function functionAround(functions: readonly FunctionSpan[], at: number): number {
  let found = -1;
  functions.forEach(({ start, end }, number) => {
    const isInside = start <= at && at < end;
    if (isInside && (found < 0 || start >= functions[found]!.start)) found = number;
  });
  return found;
}

/** The file's text, in which its functions note that they run; the first has the number `first`. */
export function instrumented(file: string, text: string, first: number): string {
  const source = parsed(file, text);
  const inserts: (readonly [at: number, text: string])[] = [];
  bodiesIn(source).forEach(({ body }, number) => {
    const note = `globalThis.__functionsRun[${first + number}] = 1`;
    if (ts.isBlock(body)) inserts.push([body.getStart(source) + 1, ` ${note};`]);
    else {
      inserts.push([body.getStart(source), `(${note}, (`]);
      inserts.push([body.end, "))"]);
    }
  });
  // From the end, so that earlier places stay where they are.
  inserts.sort(([one], [other]) => other - one);
  let result = text;
  for (const [at, insert] of inserts) result = result.slice(0, at) + insert + result.slice(at);
  return result;
}
