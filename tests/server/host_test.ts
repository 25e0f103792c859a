import assert from "node:assert/strict";
import { hostRefused, isHostAllowed, isHostName } from "../../src/server/host.ts";

for (
  const [host, allowed] of [
    ["localhost", true],
    ["localhost:8080", true],
    ["LocalHost:8080", true],
    ["127.0.0.1:80", true],
    ["[::1]", true],
    ["[::1]:8080", true],
    ["evil.example", false],
    ["localhost.evil.example", false],
    ["evil-localhost", false],
    ["localhost.", false],
    ["127.0.0.1.evil.example:80", false],
    ["127.0.0.2", false],
    ["[::2]:8080", false],
    ["::1", false],
    ["", false],
    [":8080", false],
  ] as const
) {
  Deno.test(`"${host}" is ${allowed ? "" : "not "}one of the names on the list`, () => {
    assert.equal(isHostAllowed(["localhost", "127.0.0.1", "[::1]"], host), allowed);
  });
}

Deno.test("without a list every name is ours, and with an empty one none", () => {
  assert.equal(isHostAllowed(undefined, "any.example"), true);
  assert.equal(isHostAllowed([], "any.example"), false);
});

Deno.test("the answer to another name is 421 and names the option", () => {
  const { status, code, message } = hostRefused("evil.example:80");
  assert.deepEqual([status, code], [421, "HOST_REFUSED"]);
  assert.match(message, /evil\.example:80.*"allowedHosts"/);
});

Deno.test("names on the list are hosts as requests have them, without a port", () => {
  for (const good of ["localhost", "a.example", "127.0.0.1", "[::1]", "xn--bcher-kva.example"]) {
    assert.equal(isHostName(good), true, good);
  }
  const bad = [
    "",
    "Localhost",
    "a.example:80",
    "::1",
    "http://a.example",
    "a/b",
    "a b",
    "u@a",
    "*",
  ];
  for (const name of bad) assert.equal(isHostName(name), false, name);
});
