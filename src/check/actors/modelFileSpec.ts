/** What a file of a model exports (src/check/modelFile.ts). */
import type { Model } from "../engine/model.ts";

/** What a file of a model may export by default, besides a model and a function that builds one. */
export interface ModelFile {
  /** In one line, for --list. */
  readonly what?: string;
  /** Whole numbers that --set changes. */
  readonly parameters?: Readonly<Record<string, FileParameter>>;
  /** Names of planted faults for --fault, and the mistake of each in one line. */
  readonly faults?: Readonly<Record<string, string>>;
  /** @param fault the planted fault's name; null: none */
  readonly build: (parameters: Readonly<Record<string, number>>, fault: string | null) => Model;
}

export interface FileParameter {
  readonly value: number;
  /** Default: 0. */
  readonly min?: number;
  /** Default: 1,000,000. */
  readonly max?: number;
  readonly what?: string;
}
