// Runs the JSON-RPC server and client as processes.

import assert from "node:assert/strict";
import { root } from "../../project/source_files.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { exampleCommand, startExample, webSocketUrl } from "../start.ts";

for (const runtime of runtimeNames) {
  Deno.test(`the JSON-RPC client calls the server, and the server calls back, on ${runtime}`, async () => {
    await using server = startExample(runtime, "json_rpc/server.ts");
    const url = await webSocketUrl(server);
    const [program, ...args] = exampleCommand(runtime, "json_rpc/client.ts", url);
    const { code, stdout, stderr } = await new Deno.Command(program!, { args, cwd: root }).output();
    const output = new TextDecoder().decode(stdout);
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.equal(output, "6 Hello, Ada\n-32602 Expected an array of numbers\n");
  });
}
