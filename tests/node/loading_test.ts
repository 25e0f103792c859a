// Node's HTTP client, undici, takes 19 MB and slows down garbage collection, so the library must
// not make Node load it.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runtimeCommand } from "../support/runtimes.ts";

Deno.test("a server and a client do not make Node load its HTTP client", async () => {
  const program = fileURLToPath(new URL("loading_program.ts", import.meta.url));
  const { command, args } = runtimeCommand("node", program);
  const { stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  const modules: string[] = JSON.parse(decoder.decode(stdout) || decoder.decode(stderr));
  assert.ok(modules.length > 50);
  assert.deepEqual(modules.filter((name) => name.includes("undici")), []);
});
