#!/usr/bin/env node
/** The process of the command line: its streams, its arguments. */
import { watchStandardStreams } from "../io/standardStreams.ts";
import { runCommandLine } from "./program.ts";

watchStandardStreams();

await runCommandLine(process.argv.slice(2));
