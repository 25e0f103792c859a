// Tests the URL of a server.

import assert from "node:assert/strict";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { socketTest } from "../support/socket_harness.ts";

const tls = { cert: "c", key: "k" };

const URLS: readonly [options: ServeOptions, hostname: string, url: string][] = [
  [{ port: 8080 }, "127.0.0.1", "ws://127.0.0.1:8080/"],
  [{ port: 8443, tls }, "127.0.0.1", "wss://127.0.0.1:8443/"],
  [{ port: 80, hostname: "a.example" }, "a.example", "ws://a.example:80/"],
  [{ port: 8080, hostname: "::1" }, "::1", "ws://[::1]:8080/"],
  // A client cannot connect to the wildcard address.
  [{ port: 8080, hostname: "0.0.0.0" }, "0.0.0.0", "ws://127.0.0.1:8080/"],
  [{ port: 8080, hostname: "::" }, "::", "ws://[::1]:8080/"],
];

for (const [options, hostname, url] of URLS) {
  socketTest(`a server on ${hostname} has the URL ${url}`, async (t) => {
    const server = await t.serve(options);
    assert.equal(server.url, url);
    assert.equal(server.hostname, hostname);
    assert.equal(server.port, options.port);
    assert.equal(new URL(server.url).pathname, "/");
  });
}

socketTest("a client can connect to the URL of a server", async (t) => {
  for (const hostname of ["127.0.0.1", "0.0.0.0", "::", "localhost"]) {
    const server = await t.serve({ hostname });
    assert.equal((await t.connect(server.url)).readyState, "open");
  }
});

socketTest("the URL of a Unix socket contains its encoded path", async (t) => {
  const server = await t.serve({ unix: "/run/chat.sock" });
  assert.equal(server.url, "ws+unix:/run/chat.sock:/");
  assert.equal(t.network.listened[0].unix, "/run/chat.sock");
  const odd = await t.serve({ unix: "/run/a b:c?d#e%.sock" });
  assert.equal(odd.url, "ws+unix:/run/a%20b%3Ac%3Fd%23e%25.sock:/");
});
