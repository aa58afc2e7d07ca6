/** The formats of second-level entries: the one list. A new one is a file and a line here. */
import type { EntryFormat } from "./entryFormat.ts";
import { EPT } from "./ept.ts";
import { GSTAGE, GSTAGE_SVADE } from "./gstage.ts";
import { NPT } from "./npt.ts";
import { STAGE2 } from "./stage2.ts";

export const FORMATS = [
  EPT,
  NPT,
  STAGE2,
  GSTAGE,
  GSTAGE_SVADE,
] as const satisfies readonly EntryFormat[];
const ALL: readonly EntryFormat[] = FORMATS;

/** Names in scenarios and litmus tests; the first is the default. */
export const FORMAT_NAMES: readonly [string, ...string[]] = [
  EPT.name,
  ...ALL.flatMap(({ name }) => (name === EPT.name ? [] : [name])),
];

/** @throws if there is none of that name */
export function formatNamed(name: string = EPT.name): EntryFormat {
  const found = ALL.find((format) => format.name === name);
  if (found === undefined) throw new Error(`there is no format of entries "${name}"`);
  return found;
}

/** What VM entry calls a VMCS without a tag for its translations. */
export const TAG_FAILURES: readonly string[] = ALL.flatMap(({ tagFailure }) => tagFailure ?? []);

/** What VM entry may find wrong with the pointers of all formats. */
export const POINTER_FAILURES: readonly string[] = ALL.flatMap((one) => one.pointerFailures);

/** Reasons of exits that formats bring along, by name. */
export const FAULT_REASONS: Readonly<Record<string, number>> = Object.assign(
  {},
  ...ALL.map(({ fault }) => fault.reasons),
);

/** Secondary controls of all formats, by the names that litmus tests give them. */
export const FORMAT_CONTROLS: Readonly<Record<string, number>> = Object.assign(
  {},
  ...ALL.map(({ controls }) => controls),
);
