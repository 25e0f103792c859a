import assert from "node:assert/strict";
import { BodyStart, MAX_BODY_START } from "../../src/handshake/client.ts";
import { HeaderFields } from "../../src/handshake/header_fields.ts";
import { bytesOf, feed, replays } from "./replay.ts";

type Lines = [name: string, value: string][];
const CHUNKED: Lines = [["Transfer-Encoding", "chunked"]];

function body(lines: Lines, status = 403): BodyStart {
  return new BodyStart(status, new HeaderFields(lines));
}

interface Vector {
  title: string;
  lines: Lines;
  bytes: string;
  text: string;
  complete: boolean;
}

const LONG = "x".repeat(MAX_BODY_START + 500);

const vectors: readonly Vector[] = [
  {
    title: "a body with Content-Length",
    lines: [["Content-Length", "5"]],
    bytes: "hello, and more",
    text: "hello",
    complete: true,
  },
  {
    title: "a body shorter than Content-Length",
    lines: [["Content-Length", "50"]],
    bytes: "hello",
    text: "hello",
    complete: false,
  },
  {
    title: "a body that ends with the connection",
    lines: [],
    bytes: "hello",
    text: "hello",
    complete: false,
  },
  {
    title: "a body over the limit",
    lines: [],
    bytes: LONG,
    text: LONG.slice(0, MAX_BODY_START),
    complete: true,
  },
  {
    title: "a Content-Length that exceeds any number type",
    lines: [["Content-Length", "9".repeat(400)]],
    bytes: "hello",
    text: "hello",
    complete: false,
  },
  {
    title: "a chunked body",
    lines: CHUNKED,
    bytes: "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
    text: "hello, world",
    complete: true,
  },
  {
    title: "chunks with extensions, capitals and leading zeros",
    lines: CHUNKED,
    bytes: "00A;name=value\r\n0123456789\r\n0;last\r\nTrailer: x\r\n\r\n",
    text: "0123456789",
    complete: true,
  },
  {
    title: "an unterminated chunk",
    lines: CHUNKED,
    bytes: "ff\r\nhello",
    text: "hello",
    complete: false,
  },
  {
    title: "a chunk over the limit",
    lines: CHUNKED,
    bytes: "ffffffffffffffffffffff\r\n" + LONG,
    text: LONG.slice(0, MAX_BODY_START),
    complete: true,
  },
  {
    title: "malformed chunks",
    lines: CHUNKED,
    bytes: "hello\r\n",
    text: "",
    complete: true,
  },
  {
    title: "an endless chunk extension",
    lines: CHUNKED,
    bytes: "5;" + "x".repeat(5000),
    text: "",
    complete: true,
  },
  {
    title: "an unsupported transfer coding, undecoded,",
    lines: [["Transfer-Encoding", "gzip"]],
    bytes: "??",
    text: "??",
    complete: false,
  },
];

for (const { title, lines, bytes, text, complete } of vectors) {
  Deno.test(`shows ${title} identically for any chunk split`, () => {
    for (const { title: cut, chunks } of replays(bytesOf(bytes))) {
      const start = body(lines);
      assert.equal(feed(start, chunks).complete, complete, cut);
      assert.equal(start.text(), text, cut);
    }
  });
}

Deno.test("does not wait for a body if there is none or its length is unknown", () => {
  const none: [Lines, number][] = [
    [[["Content-Length", "0"]], 403],
    [[["Content-Length", "5"]], 204],
    [[], 304],
    [[["Content-Length", "5"], ["Content-Length", "6"]], 403],
    [[["Content-Length", "five"]], 403],
    [[["Content-Length", "-5"]], 403],
    [[["Content-Length", ""]], 403],
  ];
  for (const [lines, status] of none) {
    const start = body(lines, status);
    assert.equal(start.push(bytesOf("hello")), true, JSON.stringify(lines));
    assert.equal(start.text(), "");
  }
});

Deno.test("drops a character that the limit truncates, and replaces invalid ones", () => {
  const start = body([]);
  start.push(bytesOf("x".repeat(MAX_BODY_START - 1) + "\xc3\xa9"));
  assert.equal(start.text(), "x".repeat(MAX_BODY_START - 1));
  const broken = body([["Content-Length", "3"]]);
  broken.push(bytesOf("a\xffb"));
  assert.equal(broken.text(), "a\ufffdb");
});
