// The command line.

import { parseArgs } from "node:util";

/** The help text. */
export const USAGE = `Tests a WebSocket server or client against RFC 6455 and RFC 7692.

  doctor ws://host:port/path     tests a server; the endpoint must echo every message
  doctor --listen 9001           tests clients; each connects once per case and echoes

A client asks /getCaseCount for the number of cases, runs /runCase?case=N&agent=NAME for N = 1, 2, ...
and echoes until the connection is closed, then opens /updateReports?agent=NAME. Clients written for
the Autobahn test suite work unchanged. The doctor exits when a client has finished.

  --cases 6.*,7.1.1        runs only these cases
  --exclude 9.*            runs all cases but these
  --fast                   skips long cases and shortens others
  --agent NAME             the name of a server in the reports
  --max-message-size N     the largest message in bytes that the peer accepts; cases about that limit
                           run only with this option
  --json FILE              writes the results as JSON
  --html FILE              writes the results as an HTML page
  --jobs N                 the number of cases to run at a time against a server (default 4)
  --timeout MS             the longest silence to wait for (default 5000)
  --insecure               accepts any certificate of a wss: server
  --hostname ADDRESS       the address to listen on (default 127.0.0.1)
  --keep-listening         keeps listening after a client has finished, until interrupted
  --list                   lists the cases and exits
  --verbose                prints a line for every case
  --help                   prints this help

Exit status: 0 if no case failed, 1 if a case failed, 2 if the arguments are invalid or the endpoint
cannot be reached.
`;

/** The parsed command line. */
export interface Arguments {
  readonly help: boolean;
  readonly list: boolean;
  /** The server to examine. */
  readonly url: URL | undefined;
  /** The port to listen on for clients. */
  readonly listen: number | undefined;
  readonly hostname: string;
  readonly keepListening: boolean;
  readonly cases: readonly string[];
  readonly exclude: readonly string[];
  readonly fast: boolean;
  readonly agent: string | undefined;
  readonly maxMessageSize: number | undefined;
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly jobs: number;
  readonly timeout: number;
  readonly insecure: boolean;
  readonly verbose: boolean;
}

/** Invalid arguments; the message names the argument and the allowed values. */
export class UsageError extends Error {}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name} is "${text}": it must be an integer from ${least} to ${most}`);
  }
  return value;
}

function patterns(name: string, values: readonly string[] = []): string[] {
  const all = values.flatMap((value) => value.split(",")).map((one) => one.trim()).filter(Boolean);
  const wrong = all.find((pattern) => !/^(\*|\d+(\.\d+)*(\.\*)?)$/.test(pattern));
  if (wrong !== undefined) {
    throw new UsageError(`--${name} is "${wrong}": it must be a number like 7.1.1 or 6.*`);
  }
  return all;
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`"${text}" is not a URL`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new UsageError(`"${text}" is not a WebSocket URL: it must start with ws:// or wss://`);
  }
  return url;
}

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  list: { type: "boolean" },
  listen: { type: "string" },
  hostname: { type: "string" },
  "keep-listening": { type: "boolean" },
  cases: { type: "string", multiple: true },
  exclude: { type: "string", multiple: true },
  fast: { type: "boolean" },
  agent: { type: "string" },
  "max-message-size": { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  jobs: { type: "string" },
  timeout: { type: "string" },
  insecure: { type: "boolean" },
  verbose: { type: "boolean" },
} as const;

/**
 * Reads a command line.
 *
 * @throws {UsageError} When it is invalid.
 */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError("only one endpoint can be tested at a time");
  const url = positionals.length === 0 ? undefined : parseUrl(positionals[0]);
  const listen = values.listen === undefined
    ? undefined
    : integer("listen", values.listen, 0, 65535);
  const needsNone = values.help === true || values.list === true;
  if (!needsNone && (url === undefined) === (listen === undefined)) {
    throw new UsageError("pass either the URL of a server (ws://...) or --listen PORT");
  }
  const size = values["max-message-size"];
  return {
    help: values.help ?? false,
    list: values.list ?? false,
    url,
    listen,
    hostname: values.hostname ?? "127.0.0.1",
    keepListening: values["keep-listening"] ?? false,
    cases: patterns("cases", values.cases),
    exclude: patterns("exclude", values.exclude),
    fast: values.fast ?? false,
    agent: values.agent,
    maxMessageSize: size === undefined ? undefined : integer("max-message-size", size, 1, 2 ** 28),
    json: values.json,
    html: values.html,
    jobs: integer("jobs", values.jobs ?? "4", 1, 64),
    timeout: integer("timeout", values.timeout ?? "5000", 1, 600_000),
    insecure: values.insecure ?? false,
    verbose: values.verbose ?? false,
  };
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;

function parse(args: readonly string[]): Pick<Parsed, "values" | "positionals"> {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
