// `connect` over the global WebSocket: validation of its options.

import assert from "node:assert/strict";
import { connect, type ConnectOptions, serve as serveInPage } from "../../src/browser.ts";

const NOWHERE = "ws://127.0.0.1:1/";

function connectWith(options: object): Promise<unknown> {
  return connect(NOWHERE, options as ConnectOptions);
}

Deno.test("rejects options that pages do not support with a TypeError that has the name and reason", async () => {
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

Deno.test("rejects options that are a promise, a Map or a Date", async () => {
  const bags: [unknown, RegExp][] = [
    [Promise.resolve({}), /must be an object, got a promise \(is an await missing\?\)$/],
    [new Map(), /type Map$/],
    [new Date(), /type Date$/],
    [[], /got an array$/],
  ];
  for (const [bag, message] of bags) {
    await assert.rejects(connectWith(bag as object), { name: "TypeError", message });
    await assert.rejects(connectWith({ reconnect: bag }), {
      name: "TypeError",
      message: new RegExp(`^Option "reconnect" .*${message.source}`),
    });
  }
});

Deno.test("rejects an unknown option or a wrong value immediately", async () => {
  await assert.rejects(
    connectWith({ onMessage: () => {} }),
    /TypeError: Unknown option "onMessage"/,
  );
  await assert.rejects(connectWith({ maxMessageSize: 0 }), /RangeError: .*"maxMessageSize"/);
  await assert.rejects(connectWith({ closeTimeout: "5" }), /TypeError: .*"closeTimeout"/);
  await assert.rejects(connectWith({ message: 5 }), /TypeError: .*"message" must be a function/);
  for (const reconnect of [false, true]) {
    await assert.rejects(
      connectWith({ onLimit: 5, reconnect }),
      /TypeError: .*"onLimit" must be a function/,
    );
  }
  await assert.rejects(connectWith({ text: "utf8" }), /TypeError: .*"text" must be/);
  await assert.rejects(connectWith({ subprotocols: "a" }), /TypeError: .*"subprotocols"/);
  await assert.rejects(connectWith({ reconnect: 5 }), /TypeError: .*"reconnect"/);
  await assert.rejects(
    connectWith({ reconnect: { topics: true }, subprotocols: ["a"] }),
    /"subprotocols" cannot be given together with "reconnect.topics"/,
  );
});

Deno.test("accepts options that disable an unsupported feature, so that options can be shared", async () => {
  const idle = { compression: false, readTimeout: 0, pingInterval: 0, headers: undefined };
  await assert.rejects(connectWith(idle), { code: "CONNECT_FAILED" });
});

Deno.test("throws a TypeError for an invalid URL or another scheme", async () => {
  await assert.rejects(connect("not a URL"), TypeError);
  await assert.rejects(connect("ftp://127.0.0.1/"), /TypeError: .*ws: or wss:/);
});

Deno.test("serve rejects in a page, and the error names the correct entry", async () => {
  await assert.rejects(serveInPage(), /TypeError: .*quickws\/workers"/);
});
