import assert from "node:assert/strict";
import type { ProxyCredentials, ProxyTarget } from "../../src/proxy/dialogue.ts";
import { passwordRequest, Socks5 } from "../../src/proxy/socks5.ts";
import { firstRejection } from "../support/replay.ts";
import { hex, toHex, utf8 } from "../support/vectors.ts";
import { converse, type Outcome } from "./replay_dialogue.ts";

const TARGET = { hostname: "a.example", port: 443 };
const CREDENTIALS = { username: "user", password: "secret" };

/** Requests (RFC 1928 and RFC 1929). */
const HELLO = "050100";
const HELLO_WITH_PASSWORD = "05020002";
const LOGIN = "01 04 75736572 06 736563726574".replaceAll(" ", "");
const CONNECT = "050100 03 09 612e6578616d706c65 01bb".replaceAll(" ", "");

/** Responses. */
const NO_LOGIN = "0500";
const LOGIN_PLEASE = "0502";
const LOGIN_RIGHT = "0100";
const CONNECTED = "05000001 00000000 0000";

function answered(
  answers: string,
  credentials?: ProxyCredentials,
  target: ProxyTarget = TARGET,
): Outcome {
  return converse(hex(answers), () => new Socks5(target, credentials));
}

Deno.test("offers only the method without authentication if there are no credentials", () => {
  assert.deepEqual(answered(NO_LOGIN + CONNECTED), {
    sent: HELLO + CONNECT,
    done: true,
    rest: "",
  });
});

Deno.test("sends credentials to a proxy that requests them", () => {
  assert.deepEqual(answered(LOGIN_PLEASE + LOGIN_RIGHT + CONNECTED, CREDENTIALS), {
    sent: HELLO_WITH_PASSWORD + LOGIN + CONNECT,
    done: true,
    rest: "",
  });
});

Deno.test("does not send credentials to a proxy that does not request them", () => {
  assert.deepEqual(answered(NO_LOGIN + CONNECTED, CREDENTIALS), {
    sent: HELLO_WITH_PASSWORD + CONNECT,
    done: true,
    rest: "",
  });
});

for (
  const [name, address] of [
    ["an IPv4 address", "01 7f000001 1f90"],
    ["an IPv6 address", "04 20010db8000000000000000000000001 1f90"],
    ["a name", "03 05 70726f7879 1f90"],
    ["an empty name", "03 00 0000"],
    ["the longest name", `03 ff ${"78".repeat(255)} ffff`],
  ]
) {
  Deno.test(`reads all of a reply with ${name}, and the following bytes come from the target`, () => {
    const reply = `${NO_LOGIN} 050000 ${address}`;
    const stands = { sent: HELLO + CONNECT, done: true };
    assert.deepEqual(answered(reply), { ...stands, rest: "" });
    assert.deepEqual(answered(reply + "0500000100"), { ...stands, rest: "0500000100" });
    const cut = hex(reply).slice(0, -1);
    assert.equal(answered(toHex(cut)).done, false);
  });
}

for (
  const [hostname, address] of [
    ["127.0.0.1", "01 7f000001"],
    ["::1", "04 00000000000000000000000000000001"],
    ["2001:db8::ff00:42:8329", "04 20010db8000000000000ff0000428329"],
    ["localhost", "03 09 6c6f63616c686f7374"],
    ["x".repeat(255), `03 ff ${"78".repeat(255)}`],
  ]
) {
  Deno.test(`sends the target ${hostname.slice(0, 30)} with its address type`, () => {
    const { sent } = answered(NO_LOGIN, undefined, { hostname, port: 0x1234 });
    assert.equal(sent, HELLO + `050100 ${address} 1234`.replaceAll(" ", ""));
  });
}

Deno.test("rejects a target that exceeds the protocol's length field before sending", () => {
  assert.throws(() => new Socks5({ hostname: "x".repeat(256), port: 1 }), {
    name: "RangeError",
    message: "The host name for a SOCKS5 proxy must have 1 to 255 bytes, got 256",
  });
  for (const hostname of ["", "fe80::1%eth0", "1::2::3", "a b"]) {
    assert.throws(() => new Socks5({ hostname, port: 1 }), TypeError);
  }
  assert.throws(() => new Socks5({ hostname: "a.example", port: 65536 }), RangeError);
});

for (
  const [username, password, encoded] of [
    ["u", "p", "01 01 75 01 70"],
    ["token", "", "01 05 746f6b656e 00"],
    ["j\u00fc", "\u5bc6", "01 03 6ac3bc 03 e5af86"],
    ["u".repeat(255), "p".repeat(255), `01 ff ${"75".repeat(255)} ff ${"70".repeat(255)}`],
  ]
) {
  Deno.test(`encodes the credentials of ${username.slice(0, 20)} in UTF-8`, () => {
    assert.equal(toHex(passwordRequest({ username, password })), encoded.replaceAll(" ", ""));
  });
}

Deno.test("rejects credentials that exceed the protocol's length fields, without quoting them in the error", () => {
  const long = "secret".repeat(50);
  for (
    const [username, password, what, count, least] of [
      ["", "secret", "user", 0, 1],
      [long, "p", "user", 300, 1],
      ["u", long, "password", 300, 0],
      // The limit counts bytes, not characters.
      ["u", "\u00fc".repeat(128), "password", 256, 0],
    ]
  ) {
    assert.throws(
      () => passwordRequest({ username: String(username), password: String(password) }),
      {
        name: "RangeError",
        message: `The ${what} of a SOCKS5 proxy must have ${least} to 255 bytes, got ${count}`,
      },
    );
  }
});

const REPLIES = [
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
  "code 9",
];

for (const [index, words] of [...REPLIES.entries()]) {
  Deno.test(`reports the reply ${index + 1} as a rejection: ${words}`, () => {
    const { done, error } = answered(`${NO_LOGIN} 050${index + 1}`);
    assert.equal(done, false);
    assert.deepEqual(error, {
      code: "PROXY_REFUSED",
      message: `The SOCKS5 proxy cannot connect to a.example:443: ${words}`,
    });
  });
}

for (
  const [name, answers, credentials, message] of [
    [
      "a proxy that requires authentication",
      "05ff",
      undefined,
      "requires authentication, but its URL has no user name",
    ],
    [
      "a proxy that requires another method",
      "05ff",
      CREDENTIALS,
      "accepts no authentication method that was offered",
    ],
    ["wrong credentials", "05020101", CREDENTIALS, "rejects the user name and password of its URL"],
    [
      "an authentication failure with an unusual status",
      "050205ff",
      CREDENTIALS,
      "rejects the user name and password ",
    ],
  ] as const
) {
  Deno.test(`reports ${name} as a rejection`, () => {
    const { done, error } = answered(answers, credentials);
    assert.equal(done, false);
    assert.equal(error?.code, "PROXY_REFUSED");
    assert.ok(error.message.startsWith(`The SOCKS5 proxy ${message}`), error.message);
  });
}

for (
  const [name, answers, message] of [
    ["HTTP", toHex(utf8("HTTP/1.1 400 Bad Request\r\n\r\n")), "answered with version 72"],
    ["SOCKS4", "005a000000000000", "answered with version 0"],
    [
      "an authentication method that was not offered",
      "0501",
      "chose the method 1, which was not offered",
    ],
    [
      "password authentication that was not offered",
      "0502",
      "chose the method 2, which was not offered",
    ],
    ["a wrong version in a later reply", "0500 04", "answered with version 4"],
    ["an address type of 0", "0500 05000000", "answered with the address type 0"],
    ["an unknown address type", "0500 05000002", "answered with the address type 2"],
  ]
) {
  Deno.test(`reports ${name} as not SOCKS5`, () => {
    const { done, error } = answered(answers);
    assert.equal(done, false);
    assert.deepEqual(error, {
      code: "PROXY_FAILED",
      message: `The proxy does not speak SOCKS5: it ${message}`,
    });
  });
}

Deno.test("detects a rejection at the second byte, and a wrong version at the first", () => {
  for (const [answer, bytes] of [["050005010001", 4], ["050004000001", 3], ["48545450", 1]]) {
    const dialogue = new Socks5(TARGET);
    assert.equal(
      firstRejection(hex(String(answer)), (chunk) => dialogue.receive(chunk))?.bytes,
      bytes,
    );
  }
});

Deno.test("accepts the SOCKS version in an authentication reply, which some proxies send", () => {
  assert.equal(answered(`${LOGIN_PLEASE} 0500 ${CONNECTED}`, CREDENTIALS).done, true);
});
