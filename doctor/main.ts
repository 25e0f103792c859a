/**
 * The doctor: examines WebSocket servers and clients, case by case, against RFC 6455 and RFC 7692.
 *
 * ```sh
 * deno run -A jsr:@quickws/doctor ws://127.0.0.1:8080/   # a server that echoes
 * deno run -A jsr:@quickws/doctor --listen 9001          # clients that echo
 * ```
 *
 * `--help` lists the options. It runs on Deno, Bun and Node.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 * import { doctor } from "@quickws/doctor";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => void conn.send(data) });
 * const status = await doctor([server.url, "--cases", "1.*,7.*"]);
 * console.log(status === 0 ? "no case failed" : "a case failed");
 * ```
 *
 * @module
 */

import { realpathSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Arguments, parseArguments, USAGE, UsageError } from "./arguments.ts";
import type { Case, Facts } from "./case.ts";
import { matchingCases } from "./cases.ts";
import { ClientExaminer } from "./examine_clients.ts";
import { checkReachable, examineServer, type ServerExamination } from "./examine_server.ts";
import { printable } from "./printable.ts";
import { isHealthy, type Report, type Result } from "./report.ts";
import { formatHtml } from "./report_html.ts";
import { formatJson } from "./report_json.ts";
import { type Output, TerminalReport } from "./report_terminal.ts";

const HEALTHY = 0;
const ILL = 1;
const NOT_EXAMINED = 2;

const terminal: Output = {
  write: (text) => void process.stdout.write(text),
  isTerminal: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
};

/** Reports an error that prevents the doctor from running. */
function printError(message: string): void {
  process.stderr.write(`doctor: ${printable(message)}\n`);
}

/** The cases of a run, and its report. */
interface Run {
  readonly args: Arguments;
  readonly cases: readonly Case[];
  readonly report: (agent: string, endpoint: string, results: readonly Result[]) => Report;
}

function prepare(args: Arguments): Run {
  const role = args.url === undefined ? "client" : "server";
  const facts: Facts = { fast: args.fast, maxMessageSize: args.maxMessageSize };
  const listed = args.url === undefined && args.listen === undefined;
  const { cases: wanted, exclude } = args;
  const selection = { role: listed ? undefined : role, cases: wanted, exclude } as const;
  const matching = matchingCases(facts, selection);
  const cases = matching.filter(({ heavy }) => !(args.fast && heavy));
  const date = new Date().toISOString();
  const leftOut = matching.length - cases.length;
  return {
    args,
    cases,
    report: (agent, endpoint, results) => ({
      agent,
      role,
      endpoint,
      date,
      fast: args.fast,
      leftOut,
      results,
    }),
  };
}

function writeReports(report: Report, { json, html }: Arguments): void {
  if (json !== undefined) writeFileSync(json, formatJson(report));
  if (html !== undefined) writeFileSync(html, formatHtml(report));
}

/** The URL without its secrets: credentials and the query. */
function shownUrl({ protocol, host, pathname, search }: URL): string {
  return `${protocol}//${host}${pathname}${search === "" ? "" : "?..."}`;
}

async function runServer({ args, cases, report }: Run, url: URL): Promise<number> {
  const settings: ServerExamination = {
    url,
    insecure: args.insecure,
    jobs: args.jobs,
    timeout: args.timeout,
  };
  const problem = await checkReachable(settings);
  if (problem !== undefined) {
    printError(`cannot connect to ${shownUrl(url)}: ${problem.message}`);
    return NOT_EXAMINED;
  }
  const shown = new TerminalReport(terminal, cases.length, args.verbose);
  const results = await examineServer(cases, settings, (result) => shown.result(result));
  const done = report(args.agent ?? url.host, shownUrl(url), results);
  shown.summary(done);
  writeReports(done, args);
  return isHealthy(done) ? HEALTHY : ILL;
}

async function runClients({ args, cases, report }: Run, port: number): Promise<number> {
  const { hostname, keepListening } = args;
  const shown = new TerminalReport(terminal, cases.length, args.verbose);
  let endpoint = "";
  let finish = (_status: number): void => {};
  const finished = new Promise<number>((resolve) => finish = resolve);
  const examiner = new ClientExaminer(cases, { hostname, port, timeout: args.timeout }, {
    onResult: (_agent, result) => shown.result(result),
    onReport: (agent, results) => {
      const done = report(agent, endpoint, results);
      shown.summary(done);
      writeReports(done, args);
      // A client that skipped a case has not passed it.
      const complete = results.length === cases.length;
      if (!complete) {
        terminal.write(
          `\n${printable(agent)} ran ${results.length} of ${cases.length} cases.\n`,
        );
      }
      if (!keepListening) finish(isHealthy(done) && complete ? HEALTHY : ILL);
    },
  });
  try {
    endpoint = `ws://${hostname}:${await examiner.listen()}/`;
  } catch (error) {
    printError(`cannot listen on ${hostname}:${port}: ${(error as Error).message}`);
    return NOT_EXAMINED;
  }
  terminal.write(`Listening on ${endpoint} for clients: ${cases.length} cases.\n`);
  const status = await finished;
  examiner.close();
  return status;
}

/**
 * Runs the doctor.
 *
 * @param args The command line, without the program.
 * @returns The exit status: 0 when no case failed, 1 when one did, 2 when the arguments are wrong or
 * the endpoint cannot be reached.
 *
 * @example
 * ```ts
 * import { doctor } from "@quickws/doctor";
 *
 * const status = await doctor(["--list", "--cases", "5.*"]);
 * console.log(status); // 0
 * ```
 */
export async function doctor(args: readonly string[]): Promise<number> {
  let parsed: Arguments;
  try {
    parsed = parseArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printError(error.message);
    process.stderr.write(`\n${USAGE}`);
    return NOT_EXAMINED;
  }
  if (parsed.help) {
    terminal.write(USAGE);
    return HEALTHY;
  }
  const run = prepare(parsed);
  if (parsed.list) {
    for (const { id, title, rfc } of run.cases) {
      terminal.write(`${id.padEnd(9)}${title} [${rfc}]\n`);
    }
    return HEALTHY;
  }
  if (run.cases.length === 0) {
    printError("no case matches --cases and --exclude");
    return NOT_EXAMINED;
  }
  return parsed.url !== undefined
    ? await runServer(run, parsed.url)
    : await runClients(run, parsed.listen!);
}

/** Whether this module is the main program, even through npm's symbolic link. */
function isProgram(): boolean {
  const { main, url } = import.meta as { main?: boolean; url: string };
  if (main !== undefined) return main;
  const [, program] = process.argv;
  return program !== undefined && url.startsWith("file:") &&
    realpathSync(program) === realpathSync(fileURLToPath(url));
}

if (isProgram()) {
  const status = await doctor(process.argv.slice(2));
  // Streams that a peer has not closed would keep the process alive.
  process.exit(status);
}
