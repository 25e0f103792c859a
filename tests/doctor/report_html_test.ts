// Formats a report as HTML.

import assert from "node:assert/strict";
import { escapeHtml, formatHtml } from "../../doctor/report_html.ts";
import { REPORT, RESULTS } from "./reports.ts";

const page = formatHtml(REPORT);

Deno.test("the page is one file without external resources", () => {
  assert.ok(page.startsWith("<!doctype html>"));
  assert.doesNotMatch(page, /(src|href)=|@import|url\(|https?:/);
});

Deno.test("the page shows every result with its verdict", () => {
  for (const { id, verdict } of RESULTS) {
    assert.ok(page.includes(`<b class="badge ${verdict.toLowerCase()}">${verdict}</b>`));
    assert.ok(page.includes(`<code>${id}</code>`));
  }
  assert.match(page, /1 of 4 cases failed/);
  assert.match(page, /7 cases were skipped and 1 were shortened/);
});

Deno.test("escapes the peer's text in the page", () => {
  assert.ok(!page.includes("<script>alert"));
  assert.ok(page.includes("&lt;script&gt;alert(1)&lt;/script&gt;&quot; &amp; stayed"));
  assert.ok(page.includes("a &lt;server&gt;"));
  assert.equal(escapeHtml('<a href="b">&'), "&lt;a href=&quot;b&quot;&gt;&amp;");
});

Deno.test("tags are balanced", () => {
  const open: string[] = [];
  for (const [, slash, name] of page.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (["meta", "br"].includes(name!)) continue;
    if (slash === "") open.push(name!);
    else assert.equal(open.pop(), name);
  }
  assert.deepEqual(open, []);
});

Deno.test("the style sheet has a rule for every verdict", () => {
  for (const name of ["pass", "informational", "non-strict", "unimplemented", "fail"]) {
    assert.ok(page.includes(`.badge.${name}`), name);
  }
});
