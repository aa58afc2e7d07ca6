/** Where a queue is, as a command line says it: redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER]. */
import { UserError } from "../errors.ts";

const PORT = 6379;
const EXPECTED = "expected redis://HOST[:PORT][/NUMBER], or rediss:// for TLS";

export interface QueueAddress {
  /** For messages: without user and password. */
  readonly shown: string;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    /** The number of the database. */
    readonly db: number;
    readonly username?: string;
    readonly password?: string;
    readonly tls?: Record<string, never>;
  };
}

/**
 * @param before the words before it, for messages; what is wrong is never quoted, a password may be in it
 * @param password if the address has none
 * @throws UserError
 */
export function parseQueueAddress(text: string, before: string, password = ""): QueueAddress {
  const refuse = (what: string): never => {
    throw new UserError(`${before}: ${what}; ${EXPECTED}`);
  };
  if (!URL.canParse(text)) return refuse("not an address");
  const { protocol, hostname, port, pathname, search, hash, ...url } = partsOf(new URL(text));
  if (protocol !== "redis:" && protocol !== "rediss:") return refuse("not an address of Redis");
  if (hostname === "") return refuse("names no host");
  if (search !== "" || hash !== "") return refuse('has a part behind "?" or "#"');
  const [, number = "0"] = /^\/?(?:(\d{1,5}))?$/.exec(pathname) ?? refuse("has a path");
  const secret = decoded(url.password) ?? refuse('has a password with a "%" that encodes nothing');
  const username = decoded(url.username) ?? refuse('has a user with a "%" that encodes nothing');
  const at = port === "" ? PORT : Number(port);
  return {
    shown: `${protocol}//${hostname}:${at}${number === "0" ? "" : `/${number}`}`,
    connection: {
      // Of IPv6 without its brackets.
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: at,
      db: Number(number),
      ...(username === "" ? {} : { username }),
      ...(secret === "" && password === "" ? {} : { password: secret || password }),
      ...(protocol === "rediss:" ? { tls: {} } : {}),
    },
  };
}

/** As plain data: a URL's parts are getters. */
function partsOf({ protocol, hostname, port, pathname, search, hash, username, password }: URL) {
  return { protocol, hostname, port, pathname, search, hash, username, password };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
