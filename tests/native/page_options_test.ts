// `connect` over the global WebSocket: what it checks, and what it refuses.

import assert from "node:assert/strict";
import { connect, type ConnectOptions, serve as serveInPage } from "../../src/browser.ts";

const NOWHERE = "ws://127.0.0.1:1/";

function connectWith(options: object): Promise<unknown> {
  return connect(NOWHERE, options as ConnectOptions);
}

Deno.test("an option that a page cannot have is a TypeError with its name and the reason", async () => {
  const refused = {
    headers: { authorization: "x" },
    origin: "https://a.example",
    host: "a.example",
    tls: {},
    proxy: "http://a.example",
    dial: () => Promise.reject(new Error()),
    unix: "/socket",
    ping: () => {},
    pong: () => {},
    pingInterval: 1000,
    readTimeout: 1000,
    writeTimeout: 1000,
    compression: true,
  };
  for (const [name, value] of Object.entries(refused)) {
    await assert.rejects(connectWith({ [name]: value }), (error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, new RegExp(`"${name}" cannot be given here: .+ WebSocket .+`));
      return true;
    });
  }
  await assert.rejects(connectWith({ reconnect: true, pingInterval: 1000 }), /heartbeat/);
});

Deno.test("an unknown option or a wrong value is an error at once", async () => {
  await assert.rejects(
    connectWith({ onMessage: () => {} }),
    /TypeError: Unknown option "onMessage"/,
  );
  await assert.rejects(connectWith({ maxMessageSize: 0 }), /RangeError: .*"maxMessageSize"/);
  await assert.rejects(connectWith({ closeTimeout: "5" }), /TypeError: .*"closeTimeout"/);
  await assert.rejects(connectWith({ message: 5 }), /TypeError: .*"message" must be a function/);
  await assert.rejects(connectWith({ text: "utf8" }), /TypeError: .*"text" must be/);
  await assert.rejects(connectWith({ subprotocols: "a" }), /TypeError: .*"subprotocols"/);
  await assert.rejects(connectWith({ reconnect: 5 }), /TypeError: .*"reconnect"/);
  await assert.rejects(
    connectWith({ reconnect: { topics: true }, subprotocols: ["a"] }),
    /"subprotocols" cannot be given together with "reconnect.topics"/,
  );
});

Deno.test("what asks for nothing may be given, so that options can be shared", async () => {
  const idle = { compression: false, readTimeout: 0, pingInterval: 0, headers: undefined };
  await assert.rejects(connectWith(idle), { code: "CONNECT_FAILED" });
});

Deno.test("a URL that is none, or of another scheme, is a TypeError", async () => {
  await assert.rejects(connect("not a URL"), TypeError);
  await assert.rejects(connect("ftp://127.0.0.1/"), /TypeError: .*ws: or wss:/);
});

Deno.test("serve in a page rejects and names the entry that can", async () => {
  await assert.rejects(serveInPage(), /TypeError: .*quickws\/workers"/);
});
