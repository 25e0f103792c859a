// Proxy authentication, and which party receives the credentials.

import assert from "node:assert/strict";
import { ConnectionError } from "../../../mod.ts";
import { type Live, liveCases } from "../../support/live_harness.ts";
import type { Cases } from "../harness.ts";
import { assertEchoes, echoServer, openRoute, type Scheme, schemes } from "./route.ts";

/** User names and passwords, with their form in a URL. */
const PLAIN: readonly [username: string, password: string, user: string][] = [
  ["user", "secret", "user:secret"],
  ["user", "secret", "%75s%65r:%73ecret"],
];

/** Credentials that tinyproxy's configuration cannot express; microsocks accepts any. */
const SPECIAL: readonly [username: string, password: string, user: string][] = [
  ["j\u00fcrgen", "\u5bc6\u7801\u{1f511}", "j%C3%BCrgen:%E5%AF%86%E7%A0%81%F0%9F%94%91"],
  ["j\u00fcrgen", "\u5bc6\u7801\u{1f511}", "j\u00fcrgen:\u5bc6\u7801\u{1f511}"],
  ["a%b:c@d", "p:ss/w%rd?#[]+&=@", "a%25b%3Ac%40d:p%3Ass%2Fw%25rd%3F%23%5B%5D%2B%26%3D%40"],
  ["u".repeat(255), "p".repeat(255), `${"u".repeat(255)}:${"p".repeat(255)}`],
];

/** Invalid credentials, and the proxy's response. */
const WRONG: readonly [user: string, http: RegExp, socks: RegExp][] = [
  ["user:wrong@", /40[17] .* rejects the user name/, /rejects the user name and password/],
  ["other:secret@", /40[17] .* rejects the user name/, /rejects the user name and password/],
  ["user@", /40[17] .* rejects the user name/, /rejects the user name and password/],
  [
    "",
    /40[17] .* requires a user name and a password/,
    /requires authentication, but its URL has no user name/,
  ],
];

const cases: Record<string, (t: Live) => Promise<void>> = {};

for (const scheme of schemes) {
  cases[`${scheme}: sends the URL's user and password to the proxy`] = async (t) => {
    const server = await echoServer(t);
    for (const [username, password, user] of scheme.startsWith("http") ? PLAIN : SPECIAL) {
      const { url, caCerts } = await openRoute(t, scheme, { username, password });
      const proxy = url.replace("://", `://${user}@`);
      await assertEchoes(await t.connect(server.url, { proxy, tls: { caCerts } }));
    }
  };

  cases[`${scheme}: rejects a wrong or missing user name or password`] = async (t) => {
    const server = await echoServer(t);
    const route = await openRoute(t, scheme, { username: "user", password: "secret" });
    for (const [user, http, socks] of WRONG) {
      const proxy = route.url.replace("://", `://${user}`);
      const error = await t.connect(server.url, { proxy, tls: { caCerts: route.caCerts } })
        .then(() => assert.fail("connected"), (error) => error);
      assert.ok(error instanceof ConnectionError, String(error));
      assert.equal(error.code, "PROXY_REFUSED", error.message);
      assert.match(error.message, scheme.startsWith("http") ? http : socks);
      assert.ok(!error.message.includes("secret"));
    }
    assert.equal(server.connections, 0);
  };
}

cases["the server does not receive the proxy's user name, password or host name"] = async (t) => {
  const options = { username: "eve", password: "hunter2" };
  for (const scheme of ["http", "socks5h"] as Scheme[]) {
    const route = await openRoute(t, scheme, options);
    const server = await t.rawServer();
    const proxy = route.url.replace("://", "://eve:hunter2@");
    const connecting = t.connect(server.url, { proxy });
    const peer = await server.accept();
    const request = await peer.acceptUpgrade();
    const conn = await connecting;
    assert.match(request, /^GET \/ HTTP\/1\.1\r\n/);
    assert.ok(request.includes(`\r\nHost: 127.0.0.1:${server.port}\r\n`));
    for (const trace of ["eve", "hunter2", btoa("eve:hunter2"), "roxy", `${route.program.port}`]) {
      assert.ok(!request.includes(trace), trace);
    }
    conn.terminate();
  }
};

cases["the proxy does not receive the server's user name and password"] = async (t) => {
  const proxy = await t.rawServer();
  const connecting = t.connect("ws://alice:sesame@a.example/", {
    proxy: `http://127.0.0.1:${proxy.port}`,
    headers: { Cookie: "a=1" },
  });
  const refused = assert.rejects(connecting, { code: "PROXY_REFUSED" });
  const peer = await proxy.accept();
  assert.equal(
    await peer.head(),
    "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
  );
  peer.send("HTTP/1.1 403 Forbidden\r\n\r\n");
  await refused;
};

export const credentialCases: Cases = liveCases(cases);
