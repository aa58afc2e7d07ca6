/** How a screen looks on the terminal at hand: what options, a person's settings and the environment say. */
import { homedir } from "node:os";
import { join } from "node:path";
import { parseYaml } from "../config/yamlFile.ts";
import { UserError } from "../errors.ts";
import { exists, readText } from "../io/inputFile.ts";
import { type ColourMode, coloursOfTerminal } from "../io/standardStreams.ts";
import { type UiSettings, uiSettingsSchema } from "../tui/keys.ts";
import { ASCII, type Look, type ThemeName, UNICODE } from "../tui/themes.ts";

const SETTINGS_BYTES_MAX = 1 << 20;

interface LookOptions {
  readonly theme?: ThemeName;
  readonly colours?: ColourMode;
  readonly ascii?: true;
}

/** Those of a person. @param path null: where they are kept; @throws UserError */
export function loadSettings(path: string | undefined): { file: string; settings: UiSettings } {
  const home = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  const file = path ?? join(home, "trackvisor", "tui.yaml");
  if (!exists(file)) {
    if (path !== undefined) throw new UserError(`${path}: no such file`);
    return { file, settings: uiSettingsSchema.parse({}) };
  }
  const { value } = parseYaml(file, readText(file, SETTINGS_BYTES_MAX), uiSettingsSchema);
  return { file, settings: value };
}

/** How things look on this terminal. @param options of the command, which go before the settings */
export function lookOf(options: LookOptions, settings: UiSettings): Look {
  const ascii = options.ascii ?? settings.ascii ?? !speaksUnicode();
  return {
    theme: options.theme ?? settings.theme ?? "default",
    colours: options.colours ?? coloursOfTerminal(),
    glyphs: ascii ? ASCII : UNICODE,
  };
}

function speaksUnicode(): boolean {
  const { LC_ALL, LC_CTYPE, LANG, TERM } = process.env;
  if (TERM === "linux") return false;
  const locale = LC_ALL || LC_CTYPE || LANG;
  // Without any locale, in a container for instance, terminals of today are UTF-8.
  return !locale || /utf-?8/i.test(locale) || locale.startsWith("C.");
}
