// docs/errors.md names every code, and no other.

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
