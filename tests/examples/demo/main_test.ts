// Starts the demo server with the documented command, on every runtime.

import assert from "node:assert/strict";
import { connect } from "../../../mod.ts";
import { echo, Example } from "../../project/example_process.ts";
import { root } from "../../project/source_files.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { exampleCommand, startExample, webSocketUrl } from "../start.ts";

const pageUrl = /http:\/\/127\.0\.0\.1:\d+\//;

/** Runs a command. Returns its exit status and error output. */
async function failure(command: string[], port: string): Promise<[code: number, message: string]> {
  const [program, ...args] = command;
  const options = { args, cwd: root, env: { PORT: port, NO_COLOR: "1" } };
  const { code, stderr } = await new Deno.Command(program!, options).output();
  return [code, new TextDecoder().decode(stderr)];
}

Deno.test("deno task demo serves its page and echoes on the same port", async () => {
  await using demo = new Example([Deno.execPath(), "task", "demo"], root, { PORT: "0" });
  await demo.printed(/^quickws echo server$/m);
  const page = await demo.printed(pageUrl);
  const response = await fetch(page);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<title>quickws playground<\/title>/);
  assert.equal(await echo(await webSocketUrl(demo), "hello"), "hello");
  await demo.printed(/1 messages/);
});

for (const runtime of runtimeNames) {
  Deno.test(`the demo on ${runtime}`, async (t) => {
    await using demo = startExample(runtime, "demo/main.ts");
    const page = await demo.printed(pageUrl);
    const url = await webSocketUrl(demo);

    await t.step("serves its page and resources with a strict policy", async () => {
      const types = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg" };
      const asked = new Set(["index.html"]);
      for (const name of asked) {
        const response = await fetch(page + (name === "index.html" ? "" : name));
        const text = await response.text();
        assert.equal(response.status, 200, name);
        const type = types[name.split(".").at(-1) as keyof typeof types];
        assert.ok(response.headers.get("content-type")?.startsWith(type), name);
        const policy = response.headers.get("content-security-policy") ?? "";
        assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(response.headers.get("x-content-type-options"), "nosniff");
        for (const [, found] of text.matchAll(/"(?:\.\/)?([a-z_]+\.(?:js|css|svg))"/g)) {
          asked.add(found!);
        }
      }
      assert.ok(asked.size > 10);
      const missing = await fetch(`${page}nothing`);
      assert.equal(missing.status, 404);
      await missing.body?.cancel();
    });

    await t.step("rejects or closes connections to its other paths", async () => {
      await assert.rejects(connect(`${url}refused`), { code: "STATUS_UNEXPECTED", status: 403 });
      const conn = await connect(`${url}goodbye`, { message() {} });
      const { code, reason } = await conn.closed;
      assert.deepEqual([code, reason], [4001, "Goodbye"]);
      await using chosen = await connect(url, { subprotocols: ["any.v1", "other"], message() {} });
      assert.equal(chosen.protocol, "any.v1");
    });

    await t.step("compresses on the port that the page uses", async () => {
      await using room = await connect(`${url}room?tab=a`);
      const { value } = await room[Symbol.asyncIterator]().next();
      const { compressedPort } = JSON.parse(String(value));
      const compressed = new URL(url);
      compressed.port = compressedPort;
      await using conn = await connect(compressed, {
        compression: true,
        // The page has a different origin: the same host, but another port.
        origin: url.replace("ws", "http").slice(0, -1),
      });
      assert.match(conn.extensions, /^permessage-deflate/);
      conn.send("again and again ".repeat(100));
      const answer = await conn[Symbol.asyncIterator]().next();
      assert.equal(answer.value, "again and again ".repeat(100));
      await assert.rejects(
        connect(compressed, { origin: "http://elsewhere.example" }),
        { status: 403 },
      );
    });

    await t.step("closes its connections with 1001 on Ctrl-C and ends cleanly", async () => {
      const conn = await connect(url, { message() {} });
      const status = await demo.interrupt();
      assert.equal((await conn.closed).code, 1001);
      assert.equal(status.code, 0);
    });
  });

  Deno.test(`the demo reports a PORT that is in use on ${runtime}`, async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const command = exampleCommand(runtime, "demo/main.ts");
    const [code, message] = await failure(command, String(taken.addr.port));
    assert.equal(code, 1);
    assert.match(message, new RegExp(`^Port ${taken.addr.port} is in use .*PORT=`));
  });

  Deno.test(`the demo rejects an invalid PORT on ${runtime}`, async () => {
    const command = exampleCommand(runtime, "demo/main.ts");
    // Only the empty variable may differ between runtimes. Bun starts fastest, so it gets the rest.
    const ports = runtime === "bun" ? ["", "http", "-1", "65536", "80.5"] : [""];
    const answers = await Promise.all(ports.map((port) => failure(command, port)));
    for (const [code, message] of answers) {
      assert.equal(code, 1);
      assert.match(message, /^PORT is "/);
    }
  });
}
