import assert from "node:assert/strict";
import { parseStatusLine, type StatusLine } from "../../src/handshake/http_head.ts";

const LINES: readonly [line: string, parsed: StatusLine][] = [
  ["HTTP/1.1 200 OK", { minor: "1", status: 200, reason: "OK" }],
  ["HTTP/1.0 502 Bad Gateway", { minor: "0", status: 502, reason: "Bad Gateway" }],
  ["HTTP/1.1 101 ", { minor: "1", status: 101, reason: "" }],
  ["HTTP/1.1 101", { minor: "1", status: 101, reason: "" }],
  ["HTTP/1.9 999  two spaces", { minor: "9", status: 999, reason: " two spaces" }],
];

for (const [line, parsed] of LINES) {
  Deno.test(`"${line}" is a status line`, () => {
    assert.deepEqual(parseStatusLine(line), parsed);
  });
}

const OTHERS = [
  "",
  "HTTP/1.1",
  "HTTP/1.1 ",
  "HTTP/1.1 20",
  "HTTP/1.1 2000",
  "HTTP/1.1 200OK",
  "HTTP/1.1 2e2 OK",
  "HTTP/1.1 0x9 OK",
  "HTTP/1.1 +20 OK",
  "HTTP/1.1  20 OK",
  "HTTP/1.1 20  OK",
  "HTTP/1.1 099 OK",
  "HTTP/1.1\t200 OK",
  "HTTP/1.x 200 OK",
  "HTTP/1. 200 OK",
  "HTTP/11 200 OK",
  "HTTP/2.0 200 OK",
  "HTTP/2 200",
  "http/1.1 200 OK",
  " HTTP/1.1 200 OK",
  "GET / HTTP/1.1",
];

for (const line of OTHERS) {
  Deno.test(`"${line}" is not a status line`, () => {
    assert.equal(parseStatusLine(line), undefined);
  });
}
