// The report as a self-contained page with a filter script.

import { GROUP_NAMES, groupOf } from "./cases.ts";
import { printable } from "./printable.ts";
import { countVerdicts, type Exchange, type Report, type Result, VERDICTS } from "./report.ts";
import { formatEntry } from "./report_terminal.ts";
import { STYLE } from "./report_style.ts";

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escapes text, which may come from a peer, for a page. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => ENTITIES[character]);
}

/** Shows the results of one verdict, or all. */
const SCRIPT = `
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    const chosen = button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.show;
    document.body.dataset.only = chosen;
    for (const other of document.querySelectorAll("[data-show]")) {
      other.setAttribute("aria-pressed", String(other.dataset.show === chosen));
    }
    for (const group of document.querySelectorAll("details.group")) {
      const hit = chosen === "" ? false : group.querySelector('[data-verdict="' + chosen + '"]');
      group.hidden = chosen !== "" && !hit;
      group.open = Boolean(hit) || (chosen === "" && group.dataset.open === "true");
    }
    for (const row of document.querySelectorAll("li[data-verdict]")) {
      row.hidden = chosen !== "" && row.dataset.verdict !== chosen;
    }
  });
}`;

function classOf(verdict: string): string {
  return verdict.toLowerCase();
}

/** A bar that shows the share of each verdict. */
function bar(results: readonly Result[]): string {
  const counts = countVerdicts(results);
  const parts = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    `<i class="${classOf(verdict)}" style="flex:${counts[verdict]}" ` +
    `title="${counts[verdict]} ${verdict}"></i>`
  );
  return `<span class="bar" aria-hidden="true">${parts.join("")}</span>`;
}

function exchange({ entries, leftOut }: Exchange): string {
  const lines = entries.map((entry) =>
    `<span class="${entry.sent ? "sent" : "received"}">${escapeHtml(formatEntry(entry, 64))}</span>`
  );
  if (leftOut > 0) lines.push(`<span>${leftOut} more</span>`);
  return `<pre>${lines.join("\n")}</pre>`;
}

function row(result: Result): string {
  const { id, title, rfc, verdict, note, expected, shrunk } = result;
  const head = `<b class="badge ${classOf(verdict)}">${verdict}</b><code>${id}</code>` +
    `<span class="title">${escapeHtml(title)}</span><span class="rfc">${escapeHtml(rfc)}</span>`;
  const facts = [
    ...(expected === undefined ? [] : [["allowed", expected]]),
    ...(note === "" ? [] : [["happened", note]]),
    ...(shrunk === undefined || verdict === "PASS" ? [] : [["--fast", shrunk]]),
  ].map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`);
  const octets = result.exchange === undefined || result.exchange.entries.length === 0
    ? ""
    : exchange(result.exchange);
  const body = facts.length === 0 && octets === ""
    ? `<div class="row">${head}</div>`
    : `<details${verdict === "FAIL" ? " open" : ""}><summary class="row">${head}</summary>` +
      `<dl>${facts.join("")}</dl>${octets}</details>`;
  return `<li data-verdict="${verdict}">${body}</li>`;
}

function group(name: string, results: readonly Result[]): string {
  const counts = countVerdicts(results);
  const open = counts.FAIL > 0;
  const numbers = VERDICTS.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `<b class="count ${classOf(verdict)}">${counts[verdict]}</b>`);
  return `<details class="group" data-open="${open}"${open ? " open" : ""}><summary>` +
    `<span class="number">${name}</span><span class="name">${
      escapeHtml(GROUP_NAMES[name] ?? "")
    }</span>${numbers.join("")}${bar(results)}</summary>` +
    `<ol>${results.map(row).join("\n")}</ol></details>`;
}

/** The report as a page. */
export function formatHtml(report: Report): string {
  const { agent, role, endpoint, date, results, fast, leftOut } = report;
  const counts = countVerdicts(results);
  const names = [...new Set(results.map(({ id }) => groupOf(id)))];
  const healthy = counts.FAIL === 0;
  const buttons = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) =>
    `<button class="${classOf(verdict)}" data-show="${verdict}" aria-pressed="false">` +
    `<strong>${counts[verdict]}</strong><span>${verdict}</span></button>`
  );
  const shorter = results.filter(({ shrunk }) => shrunk !== undefined).length;
  const hint = fast
    ? `<p class="hint">Run with --fast: ${leftOut} cases were skipped and ${shorter} were ` +
      "shortened.</p>"
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(agent)}: WebSocket conformance</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">WebSocket conformance, RFC 6455 and RFC 7692</p>
<h1>${escapeHtml(agent)} <small>${role}</small></h1>
<p class="about"><code>${escapeHtml(endpoint)}</code> <time>${date.slice(0, 16)}Z</time></p>
<p class="sum ${healthy ? "pass" : "fail"}">${
    healthy ? "No case failed" : `${counts.FAIL} of ${results.length} cases failed`
  }</p>
${bar(results)}
<nav>${buttons.join("")}</nav>
${hint}
</header>
<main>
${names.map((name) => group(name, results.filter(({ id }) => groupOf(id) === name))).join("\n")}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
