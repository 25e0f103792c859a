// WebSockets on the same port as Express, Fastify and Hono.

import assert from "node:assert/strict";
import { connect } from "../../../mod.ts";
import { echo } from "../../project/example_process.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { startExample } from "../start.ts";

for (const framework of ["express", "fastify", "hono"]) {
  for (const runtime of runtimeNames) {
    Deno.test(`${framework} serves a page and WebSockets on one port, on ${runtime}`, async () => {
      await using example = startExample(runtime, `attach/${framework}.ts`);
      const url = await example.printed(/ws:\/\/127\.0\.0\.1:\d+\/echo/);
      const page = url.replace("ws", "http").replace("/echo", "/");
      const conn = await connect(url, { message() {} });
      const response = await fetch(page, { headers: { connection: "close" } });
      assert.equal(await response.text(), "1 WebSockets are open on /echo\n");
      assert.equal(await echo(url, "hello"), "hello");
      await assert.rejects(connect(url.replace("/echo", "/other")), { status: 404 });
      const ended = example.interrupt();
      assert.equal((await conn.closed).code, 1001);
      assert.equal((await ended).code, 0);
    });
  }
}
