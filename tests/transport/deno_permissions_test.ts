// Tests `serve` on Deno without net permission: the promise rejects, and the process continues.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const PROGRAM = `
import { serve } from "${new URL("../../mod.ts", import.meta.url)}";
const places = [{}, { hostname: "::1", port: 8080 }, { unix: "/nowhere.sock" }];
for (const options of [...places, { denoSockets: "Deno.listen" }]) {
  await serve(options).then(() => console.log("listens"), (error) => {
    console.log(error.code + ": " + error.message);
  });
}
console.log("alive");
`;

Deno.test("serve rejects with the name of the missing permission, and the process continues", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const module = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(module, PROGRAM);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--no-lock", `--allow-read=${root}`, module],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assert.match(lines[0], /^LISTEN_FAILED: Cannot listen on 127\.0\.0\.1:0: .*--allow-net/);
    assert.match(lines[1], /^LISTEN_FAILED: Cannot listen on \[::1\]:8080: .*--allow-net/);
    assert.match(
      lines[2],
      /^LISTEN_FAILED: Cannot listen on \/nowhere\.sock: .*--allow-(read|write)/,
    );
    assert.match(lines[3], /^LISTEN_FAILED: Cannot listen on 127\.0\.0\.1:0: .*--allow-net/);
    assert.deepEqual(lines.slice(4), ["alive"]);
  } finally {
    await Deno.remove(module);
  }
});
