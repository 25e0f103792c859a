// The command line: what was asked for, and how to ask.

import { parseArgs } from "node:util";

/** How the doctor is used. */
export const USAGE =
  `The doctor examines WebSocket endpoints: does it do what RFC 6455 and RFC 7692 say?

  doctor ws://host:port/path     examines a server; the endpoint must echo every message
  doctor --listen 9001           examines clients; each comes back for every case and echoes

A client asks /getCaseCount for the number of cases, runs /runCase?case=N&agent=NAME for N = 1, 2, ...
and echoes until the connection ends, then opens /updateReports?agent=NAME. Programs that were written
for the Autobahn test suite do just that. The doctor ends when a client is through.

  --cases 6.*,7.1.1        only these cases
  --exclude 9.*            all but these
  --fast                   leaves out cases that take long, and makes others shorter
  --agent NAME             what the reports call a server
  --max-message-size N     the largest message in bytes that the peer takes; without it the cases
                           about it are not run
  --json FILE              writes the results as JSON
  --html FILE              writes the results as a page to look at
  --jobs N                 cases at a time against a server (default 4)
  --timeout MS             how long silence is borne (default 5000)
  --insecure               accepts any certificate of a wss: server
  --hostname ADDRESS       where to listen (default 127.0.0.1)
  --keep-listening         goes on after a client is through, until it is interrupted
  --list                   lists the cases and ends
  --verbose                shows every case as it is done
  --help                   shows this

Exit status: 0 when no case failed, 1 when one did, 2 when the arguments are wrong or the endpoint
cannot be reached.
`;

/** What the command line asked for. */
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

/** The arguments are wrong; the message says which and what is allowed. */
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
    throw new UsageError(`"${text}" is no URL`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new UsageError(`"${text}" is no WebSocket URL: it must begin with ws:// or wss://`);
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
 * @throws {UsageError} When it cannot be understood.
 */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError("only one endpoint can be examined at a time");
  const url = positionals.length === 0 ? undefined : parseUrl(positionals[0]);
  const listen = values.listen === undefined
    ? undefined
    : integer("listen", values.listen, 0, 65535);
  const needsNone = values.help === true || values.list === true;
  if (!needsNone && (url === undefined) === (listen === undefined)) {
    throw new UsageError("name either a server (ws://...) or --listen PORT");
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
