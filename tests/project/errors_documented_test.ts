// docs/errors.md lists exactly the error codes, each with its cause and cure.

import assert from "node:assert/strict";

Deno.test("docs/errors.md lists exactly the codes of ErrorCode", async () => {
  const source = await Deno.readTextFile(new URL("../../src/errors.ts", import.meta.url));
  const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
  const start = source.indexOf("type ErrorCode =");
  const union = source.slice(start, source.indexOf("\n\n", start));
  const codes = [...union.matchAll(/\| "([A-Z0-9_]+)"/g)].map(([, code]) => code).sort();
  const documented = [...page.matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, code]) => code).sort();
  assert.ok(codes.length > 40);
  assert.deepEqual(documented, codes);
});

Deno.test("docs/errors.md has a cause and a cure for every code", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
  for (const section of page.split(/^## /m).slice(1)) {
    const [header, , ...rows] = [...section.matchAll(/^\|.*\|$/gm)].map(([row]) =>
      row.split("|").slice(1, -1).map((cell) => cell.trim())
    );
    assert.ok(header!.includes("cause"), section);
    // If all codes of a table have the same cure, it is above the table.
    assert.ok(header!.includes("cure") || /^Cause: .* Cure: /m.test(section), section);
    for (const row of rows) assert.ok(row.every((cell) => cell !== ""), row.join(" | "));
  }
});
