// The report on a terminal: progress, and finally a table and the failed cases. Every line is escaped
// before it is colored, so a peer's data cannot control the terminal.

import type { Verdict } from "./case.ts";
import { GROUP_NAMES, groupOf } from "./cases.ts";
import { countVerdicts, type Report, type Result, VERDICTS } from "./report.ts";
import { printable } from "./printable.ts";
import type { Entry } from "./recording.ts";

/** The output. A terminal gets colors, and a progress line that is updated in place. */
export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
}

const COLOURS: Record<Verdict, string> = {
  "PASS": "\u001b[32m",
  "INFORMATIONAL": "\u001b[36m",
  "NON-STRICT": "\u001b[33m",
  "UNIMPLEMENTED": "\u001b[35m",
  "FAIL": "\u001b[31m",
};

/** The maximum number of octets shown of an entry. */
const SHOWN = 20;
/** The maximum number of entries shown; the other reports have all recorded entries. */
const MAX_ENTRIES = 8;
/** The maximum number of results shown in detail. */
const MAX_DETAILS = 25;

/** Cases between two lines of progress, if lines cannot be updated in place. */
const PROGRESS = 100;

/** Verdicts that are listed one by one. */
const LISTED: readonly Verdict[] = ["FAIL", "NON-STRICT"];

/** Shows the progress and the results of a run. */
export class TerminalReport {
  readonly #output: Output;
  readonly #total: number;
  readonly #verbose: boolean;
  #done = 0;

  /**
   * @param output The stream to write to.
   * @param total The number of cases.
   * @param verbose Whether each case gets a line.
   */
  constructor(output: Output, total: number, verbose: boolean) {
    this.#output = output;
    this.#total = total;
    this.#verbose = verbose;
  }

  /** Shows that a case is done. */
  result(result: Result): void {
    this.#done++;
    if (this.#verbose) this.#head(result);
    if (this.#output.isTerminal) {
      const share = Math.floor(100 * this.#done / this.#total);
      this.#output.write(
        `\r\u001b[K${this.#done} of ${this.#total} cases (${share}%), last: ${result.id}`,
      );
    } else if (this.#done % PROGRESS === 0) {
      this.#line(`${this.#done} of ${this.#total} cases`);
    }
  }

  /** Shows the results of the run. */
  summary(report: Report): void {
    const { results, role, agent, endpoint } = report;
    if (this.#output.isTerminal) this.#output.write("\r\u001b[K");
    for (const result of worst(results).slice(0, MAX_DETAILS)) this.#detail(result);
    const listed = results.filter(({ verdict }) => LISTED.includes(verdict));
    if (listed.length > MAX_DETAILS) {
      this.#line();
      this.#line(`${listed.length - MAX_DETAILS} more are in the JSON and HTML reports.`);
    }
    this.#line();
    this.#line(`${agent}, a ${role}, at ${endpoint}`);
    this.#line();
    for (const line of formatTable(results).split("\n")) this.#line(line);
    if (report.fast) {
      this.#line();
      this.#line(
        `--fast: ${report.leftOut} cases were skipped, ${
          results.filter(({ shrunk }) => shrunk !== undefined).length
        } were shortened.`,
      );
    }
  }

  #detail(result: Result): void {
    this.#line();
    this.#head(result);
    this.#line(`      rule      ${result.rfc}`);
    if (result.expected !== undefined) this.#line(`      allowed   ${result.expected}`);
    if (result.note !== "") this.#line(`      happened  ${result.note}`);
    if (result.verdict !== "FAIL") return;
    for (const entry of result.exchange?.entries.slice(0, MAX_ENTRIES) ?? []) {
      this.#line(`      ${formatEntry(entry)}`);
    }
  }

  #head({ id, verdict, title }: Result): void {
    this.#line(`  ${title}`, `${id.padEnd(9)}${verdict}`, COLOURS[verdict]);
  }

  /** Writes one line: `colored` in its color, then `text`. */
  #line(text = "", colored = "", color = ""): void {
    const { isTerminal } = this.#output;
    const front = isTerminal && colored !== "" ? `${color}${colored}\u001b[0m` : colored;
    this.#output.write(`${isTerminal ? "\r\u001b[K" : ""}${front}${printable(text)}\n`);
  }
}

/** The results that are listed one by one, the failures first. */
function worst(results: readonly Result[]): Result[] {
  return LISTED.flatMap((wanted) => results.filter(({ verdict }) => verdict === wanted));
}

/** One entry of an exchange as a line, with its first octets. */
export function formatEntry({ sent, time, size, hex }: Entry, octets: number = SHOWN): string {
  const shown = hex.slice(0, 2 * octets).replace(/../g, "$& ").trimEnd();
  const rest = size > octets ? ` ... (${size} bytes)` : "";
  return `${time.toFixed(0).padStart(6)} ms ${sent ? "->" : "<-"} ${shown}${rest}`;
}

/** The counts of each group and of all, as a table of text. */
export function formatTable(results: readonly Result[]): string {
  const groups = [...new Set(results.map(({ id }) => groupOf(id)))];
  const used = VERDICTS.filter((verdict) =>
    verdict === "PASS" || results.some((result) => result.verdict === verdict)
  );
  const row = (name: string, of: readonly Result[]): string[] => {
    const counts = countVerdicts(of);
    return [name, String(of.length), ...used.map((verdict) => String(counts[verdict] || "-"))];
  };
  const rows = [
    ["Group", "Cases", ...used],
    ...groups.map((group) =>
      row(
        `${group.padStart(2)} ${GROUP_NAMES[group]}`,
        results.filter(({ id }) => groupOf(id) === group),
      )
    ),
    row("All", results),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  return rows.map((cells) =>
    cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])
    ).join("  ").trimEnd()
  ).join("\n");
}
