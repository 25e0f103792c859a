// `deno task doctor:peers` examines quickws and other implementations, and writes the tables of
// docs/conformance.md. It skips long cases unless run with --full, which takes hours.

import process from "node:process";
import type { Role, Verdict } from "../../doctor/case.ts";
import { GROUP_NAMES, groupOf } from "../../doctor/cases.ts";
import { countVerdicts, type Report, type Result, VERDICTS } from "../../doctor/report.ts";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { type Endpoint, examine, ownEndpoints, PEERS } from "./endpoints.ts";

const PAGE = new URL("../../docs/conformance.md", import.meta.url);
const BEGIN = "<!-- begin of the results -->";
const END = "<!-- end of the results -->";

/** The suffix of each verdict's count in a cell. */
const LETTERS: Record<Verdict, string> = {
  "PASS": "",
  "INFORMATIONAL": "i",
  "NON-STRICT": "n",
  "UNIMPLEMENTED": "u",
  "FAIL": "f",
};

interface Row {
  readonly endpoint: Endpoint;
  readonly report: Report;
}

async function versionOf(runtime: RuntimeName): Promise<string> {
  const { command } = runtimeCommand(runtime, import.meta.filename!);
  const { stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
  const version = /\d+\.\d+\.\d+/.exec(new TextDecoder().decode(stdout))![0];
  return `${runtime[0]!.toUpperCase()}${runtime.slice(1)} ${version}`;
}

async function packageVersion(name: string): Promise<string> {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${JSON.parse(await Deno.readTextFile(path)).version}`;
}

/** Formats the count of each verdict, starting with passes. */
function cell(results: readonly Result[]): string {
  if (results.length === 0) return "-";
  const counts = countVerdicts(results);
  return VERDICTS.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]}${LETTERS[verdict]}`)
    .join(" ");
}

function table(rows: readonly Row[]): string {
  const groups = Object.keys(GROUP_NAMES).filter((group) =>
    rows.some(({ report }) => report.results.some(({ id }) => groupOf(id) === group))
  );
  const lines = [
    ["group", ...rows.map(({ endpoint }) => endpoint.agent)],
    ["---", ...rows.map(() => "---")],
    ...groups.map((group) => [
      `${group} ${GROUP_NAMES[group]}`,
      ...rows.map(({ report }) => cell(report.results.filter(({ id }) => groupOf(id) === group))),
    ]),
    ["all", ...rows.map(({ report }) => cell(report.results))],
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Lists an endpoint's failures, one per line, and the numbers of its NON-STRICT cases. */
function faults({ endpoint, report }: Row): string {
  const of = (verdict: Verdict): Result[] =>
    report.results.filter((result) => result.verdict === verdict);
  const failed = of("FAIL").map(({ id, title }) => `- ${id}: ${asText(title)}`);
  const lax = of("NON-STRICT").map(({ id }) => id);
  if (failed.length === 0 && lax.length === 0) return "";
  return [
    `#### ${endpoint.agent}, ${endpoint.role}`,
    "",
    ...(lax.length === 0 ? [] : [`NON-STRICT: ${lax.join(", ")}`, ""]),
    ...(failed.length === 0 ? ["No case failed."] : ["FAIL:", "", ...failed]),
    "",
  ].join("\n");
}

/** Escapes Markdown in a title. */
function asText(title: string): string {
  return title.replace(/[<>*`|]/g, "\\$&");
}

async function run(endpoints: readonly Endpoint[], args: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const endpoint of endpoints) {
    const { report } = await examine(endpoint, { doctor: "deno", args });
    const { agent, role } = endpoint;
    process.stdout.write(`${agent}, ${role}: ${cell(report.results)}\n`);
    rows.push({ endpoint, report });
  }
  return rows;
}

const full = process.argv.includes("--full");
const args = [...(full ? [] : ["--fast"]), "--timeout", "10000"];
const rows = await run([...ownEndpoints(true), ...PEERS], args);
const of = (role: Role): Row[] => rows.filter(({ endpoint }) => endpoint.role === role);
const versions = await Promise.all([
  ...runtimeNames.map(versionOf),
  packageVersion("ws"),
  packageVersion("undici"),
]);

const text = [
  BEGIN,
  "",
  `Measured on ${new Date().toISOString().slice(0, 10)} with ${
    versions.join(", ")
  }, on loopback, ` +
  `${full ? "all cases" : "with `--fast`"}. A number without a letter counts PASS, \`i\` ` +
  "INFORMATIONAL, `n` NON-STRICT, `u` UNIMPLEMENTED, `f` FAIL.",
  "",
  "### Servers",
  "",
  table(of("server")),
  "",
  "### Clients",
  "",
  table(of("client")),
  "",
  "### Findings",
  "",
  ...rows.map(faults),
  END,
].join("\n");

const page = await Deno.readTextFile(PAGE);
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin === -1 || end === -1) throw new Error("docs/conformance.md has no place for the results");
await Deno.writeTextFile(PAGE, page.slice(0, begin) + text + page.slice(end + END.length));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE.pathname] }).output();
