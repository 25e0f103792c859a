// Tests the upload client and server: complete, resumed and rejected uploads.

import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../../mod.ts";
import { root } from "../../project/source_files.ts";
import { type RuntimeName, runtimeNames } from "../../support/runtimes.ts";
import { exampleCommand, startExample, webSocketUrl } from "../start.ts";

/** Slightly more than two parts. */
const content = new Uint8Array(2_500_000);
for (let i = 0; i < content.length; i++) content[i] = i * 31 + (i >> 8);

async function send(
  runtime: RuntimeName,
  ...args: string[]
): Promise<{ code: number; output: string; errors: string }> {
  const [program, ...rest] = exampleCommand(runtime, "upload/client.ts", ...args);
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args: rest,
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

for (const runtime of runtimeNames) {
  Deno.test(`uploads a file in parts and resumes an interrupted upload on ${runtime}`, async () => {
    const here = await Deno.makeTempDir();
    try {
      const there = join(here, "there");
      const path = join(here, "picture.raw");
      await Deno.writeFile(path, content);
      await using server = startExample(runtime, "upload/server.ts", { args: [there] });
      const url = await webSocketUrl(server);

      const whole = await send(runtime, path, url);
      assert.equal(whole.code, 0, whole.errors);
      assert.match(whole.output, /^0 of 2500000 [^]*1048576 of[^]*2500000 of[^]* was uploaded\n$/);
      assert.deepEqual(await Deno.readFile(join(there, "picture.raw")), content);

      // An upload that is interrupted after one part.
      const lost = await connect(`${url}other.raw?size=${content.length}`);
      const answers = lost[Symbol.asyncIterator]();
      assert.equal((await answers.next()).value, "0");
      lost.send(content.subarray(0, 700_000));
      assert.equal((await answers.next()).value, "700000");
      await assert.rejects(connect(`${url}other.raw?size=5`, {}), { status: 409 });
      lost.terminate();
      await server.printed(/^Uploads/);
      const other = join(here, "other.raw");
      await Deno.writeFile(other, content);
      let rest = await send(runtime, other, url);
      // The server may not have detected yet that the first client disconnected.
      while (rest.errors.includes("409")) rest = await send(runtime, other, url);
      assert.match(rest.output, /^700000 of 2500000 [^]* was uploaded\n$/, rest.errors);
      assert.deepEqual(await Deno.readFile(join(there, "other.raw")), content);

      const empty = join(here, "empty");
      await Deno.writeFile(empty, new Uint8Array(0));
      assert.match((await send(runtime, empty, url)).output, / was uploaded\n$/);
      assert.equal((await Deno.stat(join(there, "empty"))).size, 0);
    } finally {
      await Deno.remove(here, { recursive: true });
    }
  });

  Deno.test(`rejects an upload to an invalid name on ${runtime}`, async () => {
    const here = await Deno.makeTempDir();
    try {
      await using server = startExample(runtime, "upload/server.ts", { args: [here] });
      const url = await webSocketUrl(server);
      const refused: [path: string, status: number][] = [
        ["..%2Fescape?size=1", 400],
        [".hidden?size=1", 400],
        ["?size=1", 400],
        ["name", 400],
        ["name?size=-1", 400],
        ["name?size=99999999999999", 413],
      ];
      for (const [path, status] of refused) {
        await assert.rejects(connect(url + path), { status }, path);
      }
      const endings: [message: string | Uint8Array, code: number][] = [
        ["text", 1003],
        [new Uint8Array(11), 1008],
        [new Uint8Array(1024 * 1024 + 1), 1009],
      ];
      for (const [index, [message, code]] of endings.entries()) {
        const conn = await connect(`${url}name${index}?size=10`, { message() {} });
        conn.send(message);
        assert.equal((await conn.closed).code, code);
      }
      const missing = await send(runtime, join(here, "missing"), url);
      assert.equal(missing.code, 1);
      assert.match(missing.errors, /ENOENT|NotFound/);
    } finally {
      await Deno.remove(here, { recursive: true });
    }
  });
}
