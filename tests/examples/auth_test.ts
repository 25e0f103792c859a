// Clients with and without a valid token.

import assert from "node:assert/strict";
import { connect } from "../../mod.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { startExample, webSocketUrl } from "./start.ts";

for (const runtime of runtimeNames) {
  Deno.test(`accepts only a valid token on ${runtime}`, async () => {
    const env = { TOKENS: "ada=first= bob=second" };
    await using example = startExample(runtime, "auth.ts", { env });
    const url = await webSocketUrl(example);
    const names: [headers: Record<string, string>, name: string][] = [
      [{ authorization: "Bearer first=" }, "ada"],
      [{ authorization: "bearer second" }, "bob"],
      [{ cookie: "theme=dark; token=second" }, "bob"],
    ];
    for (const [headers, name] of names) {
      const conn = await connect(url, { headers });
      conn.send("hello");
      const { value } = await conn[Symbol.asyncIterator]().next();
      assert.equal(value, `${name} said: hello`);
      conn.close();
      await conn.closed;
    }
    const refused: Record<string, string>[] = [
      {},
      { authorization: "Bearer wrong" },
      { authorization: "Bearer" },
      { authorization: "Basic first=" },
      { cookie: "nottoken=second" },
    ];
    for (const headers of refused) {
      await assert.rejects(
        connect(url, { headers }),
        (error: Error & Record<string, unknown>) =>
          error.status === 401 && error.body === "A valid token is required\n",
      );
    }
    const elsewhere = { headers: { cookie: "token=second" }, origin: "https://evil.example" };
    await assert.rejects(connect(url, elsewhere), { status: 403 });
  });

  Deno.test(`generates and prints a token without TOKENS on ${runtime}`, async () => {
    await using example = startExample(runtime, "auth.ts");
    const url = await webSocketUrl(example);
    const token = await example.printed(/ada=[0-9a-f-]{36}/);
    const headers = { authorization: `Bearer ${token.slice(4)}` };
    const conn = await connect(url, { headers, message() {} });
    conn.close();
    await conn.closed;
  });
}
