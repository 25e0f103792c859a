import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import {
  DEFAULT_MAX_HEAD_BYTES,
  DEFAULT_MAX_HEAD_LINES,
  HttpHeadReader,
} from "../../src/handshake/http_head.ts";
import { bytesOf, feed, head, joined, replays, textOf } from "./replay.ts";
import { requestVectors } from "./vectors.ts";

function failureOf(bytes: Uint8Array, reader = new HttpHeadReader()): HandshakeError {
  try {
    reader.push(bytes);
  } catch (error) {
    assert.ok(error instanceof HandshakeError, String(error));
    return error;
  }
  assert.fail("the head was accepted");
}

for (const { title, text, lines } of requestVectors) {
  Deno.test(`reads the head of ${title} identically for any chunk split`, () => {
    const frames = "\x81\x85\0\0\0\0hello";
    for (const { title: cut, chunks } of replays(bytesOf(text + frames))) {
      const reader = new HttpHeadReader();
      const { complete, left } = feed(reader, chunks);
      assert.equal(complete, true, cut);
      assert.equal(reader.startLine, text.slice(0, text.indexOf("\r\n")), cut);
      assert.equal(reader.fields.size, lines, cut);
      const written = [...reader.fields.lines()].map(([name, value]) => `${name}: ${value}`);
      assert.equal(head(reader.startLine, ...written), text, cut);
      assert.equal(textOf(joined([reader.rest, ...left])), frames, cut);
    }
  });
}

Deno.test("accepts a head without fields", () => {
  for (const { title, chunks } of replays(bytesOf("HTTP/1.1 200 OK\r\n\r\n"))) {
    const reader = new HttpHeadReader();
    assert.equal(feed(reader, chunks).complete, true, title);
    assert.equal(reader.startLine, "HTTP/1.1 200 OK");
    assert.equal(reader.fields.size, 0);
    assert.equal(reader.rest.length, 0);
  }
});

Deno.test("trims white space around a value, but not inside it", () => {
  const text = "GET / HTTP/1.1\r\nA:1\r\nB: \t 2 \t3 \t \r\nC:\r\nD: \t \r\nE::\r\n\r\n";
  for (const { title, chunks } of replays(bytesOf(text))) {
    const reader = new HttpHeadReader();
    assert.equal(feed(reader, chunks).complete, true, title);
    assert.deepEqual(
      [...reader.fields],
      [["a", "1"], ["b", "2 \t3"], ["c", ""], ["d", ""], ["e", ":"]],
      title,
    );
  }
});

// RFC 9112 2.2.
Deno.test("ignores empty lines before the start line up to the limit, for any chunk split", () => {
  for (const count of [0, 1, 2]) {
    const text = "\r\n".repeat(count) + "GET / HTTP/1.1\r\nHost: a\r\nX: b\xe9\r\n\r\n";
    for (const { title, chunks } of replays(bytesOf(text + "rest"))) {
      const reader = new HttpHeadReader({ maxEmptyLines: 2, maxBytes: text.length });
      const { complete, left } = feed(reader, chunks);
      assert.equal(complete, true, title);
      assert.equal(reader.startLine, "GET / HTTP/1.1", title);
      assert.deepEqual([...reader.fields], [["host", "a"], ["x", "b\xe9"]], title);
      assert.equal(textOf(joined([reader.rest, ...left])), "rest", title);
      const small = new HttpHeadReader({ maxEmptyLines: 2, maxBytes: text.length - 1 });
      assert.throws(() => feed(small, chunks), { code: "HEAD_TOO_LARGE" }, title);
    }
  }
  for (const [text, at] of [["\r\n\r\n\r\nGET", 4], ["\r\n\nGET", 2], ["\r\rGET", 1]] as const) {
    for (const { title, chunks } of replays(bytesOf(text))) {
      const reader = new HttpHeadReader({ maxEmptyLines: 2 });
      assert.throws(() => feed(reader, chunks), {
        code: "HEAD_MALFORMED",
        message: new RegExp(`at byte ${at}:`),
      }, title);
    }
  }
  assert.throws(() => new HttpHeadReader({ maxEmptyLines: -1 }), RangeError);
});

/** Malformed heads, and the byte offset that the error names. */
const malformedHeads: readonly { title: string; text: string; at: number }[] = [
  { title: "a bare LF after the start line", text: "GET / HTTP/1.1\nHost: a\n\n", at: 14 },
  { title: "a bare LF after a field", text: "GET / HTTP/1.1\r\nHost: a\n\r\n", at: 23 },
  { title: "a bare LF as the empty line", text: "GET / HTTP/1.1\r\nHost: a\r\n\n", at: 25 },
  { title: "a bare CR in the start line", text: "GET /\r HTTP/1.1\r\n\r\n", at: 6 },
  { title: "a bare CR in a value", text: "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", at: 24 },
  { title: "a bare CR as the empty line", text: "GET / HTTP/1.1\r\n\r\r\n", at: 17 },
  { title: "an empty line before the start line", text: "\r\nGET / HTTP/1.1\r\n\r\n", at: 0 },
  { title: "LF before the start line", text: "\nGET / HTTP/1.1\r\n\r\n", at: 0 },
  { title: "a field folded by a space", text: "GET / HTTP/1.1\r\nA: 1\r\n 2\r\n\r\n", at: 22 },
  { title: "a field folded by a tab", text: "GET / HTTP/1.1\r\nA: 1\r\n\t2\r\n\r\n", at: 22 },
  { title: "white space before the first field", text: "GET / HTTP/1.1\r\n A: 1\r\n\r\n", at: 16 },
  { title: "a space before the colon", text: "GET / HTTP/1.1\r\nHost : a\r\n\r\n", at: 20 },
  { title: "a tab before the colon", text: "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", at: 20 },
  { title: "an empty name", text: "GET / HTTP/1.1\r\n: a\r\n\r\n", at: 16 },
  { title: "a line without a colon", text: "GET / HTTP/1.1\r\nHost\r\n\r\n", at: 20 },
  { title: "a name with a bracket", text: "GET / HTTP/1.1\r\nHo(st: a\r\n\r\n", at: 18 },
  { title: "a name with byte 0xE9", text: "GET / HTTP/1.1\r\nH\xe9: a\r\n\r\n", at: 17 },
  { title: "a value with byte 0x80", text: "GET / HTTP/1.1\r\nHost: \x80\r\n\r\n", at: 22 },
  { title: "a value with byte 0xFF", text: "GET / HTTP/1.1\r\nHost: a\xff\r\n\r\n", at: 23 },
  {
    title: "UTF-8 in Upgrade",
    text: "GET / HTTP/1.1\r\nX: \xe9\r\nUpgrade: \xc3\xa9\r\n\r\n",
    at: 31,
  },
  { title: "Latin-1 in CONNECTION", text: "GET / HTTP/1.1\r\nCONNECTION: a\xe9\r\n\r\n", at: 29 },
  { title: "Latin-1 in a key", text: "GET / HTTP/1.1\r\nSec-WebSocket-Key: \xe9\r\n\r\n", at: 35 },
  { title: "a value with NUL", text: "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", at: 23 },
  { title: "a value with ESC", text: "GET / HTTP/1.1\r\nHost: \x1b[0m\r\n\r\n", at: 22 },
  { title: "a value with DEL", text: "GET / HTTP/1.1\r\nHost: \x7f\r\n\r\n", at: 22 },
  { title: "a start line with NUL", text: "GET /\0 HTTP/1.1\r\n\r\n", at: 5 },
  { title: "the first byte of TLS", text: "\x16\x03\x01\x02\0\x01\0\x01\xfc", at: 0 },
];

for (const { title, text, at } of malformedHeads) {
  Deno.test(`rejects ${title} with 400 for any chunk split`, () => {
    for (const { title: cut, chunks } of replays(bytesOf(text))) {
      const reader = new HttpHeadReader();
      assert.throws(() => feed(reader, chunks), (error) => {
        assert.ok(error instanceof HandshakeError, String(error));
        assert.equal(error.code, "HEAD_MALFORMED", cut);
        assert.equal(error.status, 400);
        const place = Number(
          error.message.slice("The head is malformed at byte ".length)
            .split(":")[0],
        );
        // The reader detects a bare CR at the next byte.
        assert.equal(place, at, `${cut}: ${error.message}`);
        return true;
      });
    }
  });
}

Deno.test("rejects every control character except tab in a value", () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = bytesOf(`GET / HTTP/1.1\r\nX: a${String.fromCharCode(byte)}b\r\n\r\n`);
    if (byte === 0x09 || (byte >= 0x20 && byte !== 0x7f)) {
      assert.equal(new HttpHeadReader().push(bytes), true, `0x${byte.toString(16)}`);
    } else {
      assert.equal(failureOf(bytes).code, "HEAD_MALFORMED", `0x${byte.toString(16)}`);
    }
  }
});

Deno.test("reads obs-text in a start line and in most values as one character per byte", () => {
  const text =
    "HTTP/1.1 503 Nicht verf\xfcgbar \x80\r\nCookie: a=M\xc3\xbcnchen; b=\x9f\xff\r\nHost: a\r\n\r\n";
  for (const { title, chunks } of replays(bytesOf(text))) {
    const reader = new HttpHeadReader();
    assert.equal(feed(reader, chunks).complete, true, title);
    assert.equal(reader.startLine, "HTTP/1.1 503 Nicht verf\xfcgbar \x80", title);
    assert.equal(reader.fields.get("cookie"), "a=M\xc3\xbcnchen; b=\x9f\xff", title);
    assert.equal(reader.fields.get("host"), "a", title);
  }
});

Deno.test("reads a large head with obs-text as one string", () => {
  const value = "\xe9".repeat(16_000);
  const reader = new HttpHeadReader();
  assert.equal(reader.push(bytesOf(`GET / HTTP/1.1\r\nCookie: ${value}\r\n\r\n`)), true);
  assert.equal(reader.fields.get("cookie"), value);
});

Deno.test("a failed reader throws the same error again", () => {
  const reader = new HttpHeadReader();
  const error = failureOf(bytesOf("\0"), reader);
  assert.throws(() => reader.push(bytesOf("GET / HTTP/1.1\r\n\r\n")), (again) => again === error);
});

Deno.test("accepts a head of exactly maxBytes, rejects one more byte with 431", () => {
  const bytes = bytesOf("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  for (const { title, chunks } of replays(bytes)) {
    assert.equal(feed(new HttpHeadReader({ maxBytes: bytes.length }), chunks).complete, true);
    const reader = new HttpHeadReader({ maxBytes: bytes.length - 1 });
    assert.throws(() => feed(reader, chunks), (error) => {
      assert.ok(error instanceof HandshakeError);
      assert.equal(error.code, "HEAD_TOO_LARGE", title);
      assert.equal(error.status, 431);
      assert.equal(error.message, `The head is larger than ${bytes.length - 1} bytes`);
      return true;
    });
  }
});

Deno.test("bytes after the head do not count toward the limit", () => {
  const text = "GET / HTTP/1.1\r\n\r\n";
  const reader = new HttpHeadReader({ maxBytes: text.length });
  assert.equal(reader.push(bytesOf(text + "x".repeat(100000))), true);
  assert.equal(reader.rest.length, 100000);
});

Deno.test("rejects an unterminated head at the default limit, in one chunk or in many", () => {
  const endless = bytesOf("GET / HTTP/1.1\r\nX: " + "a".repeat(2 * DEFAULT_MAX_HEAD_BYTES));
  assert.equal(failureOf(endless).code, "HEAD_TOO_LARGE");
  const reader = new HttpHeadReader();
  let taken = 0;
  assert.throws(() => {
    for (; taken < endless.length; taken += 100) reader.push(endless.slice(taken, taken + 100));
  }, { code: "HEAD_TOO_LARGE" });
  assert.ok(taken <= DEFAULT_MAX_HEAD_BYTES && taken > DEFAULT_MAX_HEAD_BYTES - 200, `${taken}`);
});

Deno.test("rejects an unterminated start line at the limit", () => {
  const error = failureOf(new Uint8Array(50).fill(0x41), new HttpHeadReader({ maxBytes: 40 }));
  assert.equal(error.code, "HEAD_TOO_LARGE");
});

Deno.test("accepts maxLines field lines, rejects one more with 431", () => {
  const withLines = (count: number): Uint8Array =>
    bytesOf(head("GET / HTTP/1.1", ...new Array(count).fill("A: 1")));
  const reader = new HttpHeadReader({ maxLines: 3 });
  assert.equal(reader.push(withLines(3)), true);
  assert.equal(reader.fields.size, 3);
  const error = failureOf(withLines(4), new HttpHeadReader({ maxLines: 3 }));
  assert.equal(error.code, "HEAD_TOO_LARGE");
  assert.equal(error.status, 431);
  assert.equal(error.message, "The head has more than 3 field lines");
  assert.equal(new HttpHeadReader().push(withLines(DEFAULT_MAX_HEAD_LINES)), true);
  assert.equal(failureOf(withLines(DEFAULT_MAX_HEAD_LINES + 1)).code, "HEAD_TOO_LARGE");
});

Deno.test("throws a RangeError for a limit that is not a positive integer", () => {
  for (const bad of [0, -1, 1.5, NaN, Infinity, "16" as unknown as number]) {
    assert.throws(() => new HttpHeadReader({ maxBytes: bad }), {
      name: "RangeError",
      message: `maxBytes is ${bad}: it must be a positive integer`,
    });
    assert.throws(() => new HttpHeadReader({ maxLines: bad }), RangeError);
  }
});

/** Returns a chunk that counts the reads of its elements. */
function counted(bytes: Uint8Array, count: () => void): Uint8Array {
  return new Proxy(bytes, {
    get(target, key): unknown {
      if (typeof key === "string" && key >= "0" && key <= "9") count();
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("reads every byte a bounded number of times, even in chunks of one byte", () => {
  const text = "GET / HTTP/1.1\r\nX: " + "a ".repeat(8000);
  let reads = 0;
  const reader = new HttpHeadReader();
  for (const byte of bytesOf(text)) {
    // Copying the chunk into the reader's buffer counts as well.
    reader.push(counted(new Uint8Array([byte]), () => reads++));
  }
  assert.ok(
    reads >= text.length && reads <= 4 * text.length,
    `${reads} reads for ${text.length} bytes`,
  );
  assert.equal(reader.push(bytesOf("\r\n\r\n")), true);
  assert.equal(reader.fields.get("x")?.length, 15999);
});

Deno.test("reads a head of 1 MiB in chunks of one byte in linear time", () => {
  const text = head("GET / HTTP/1.1", "X: " + "a".repeat(2 ** 20 - 23));
  const reader = new HttpHeadReader({ maxBytes: 2 ** 20 });
  const chunk = new Uint8Array(1);
  let complete = false;
  for (let i = 0; i < text.length; i++) {
    chunk[0] = text.charCodeAt(i);
    complete = reader.push(chunk);
  }
  assert.equal(text.length, 2 ** 20);
  assert.equal(complete, true);
  assert.equal(reader.fields.get("x")?.length, 2 ** 20 - 23);
});

Deno.test("reads all of a large head in many small chunks", () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `X-${i}: ${"v".repeat(i % 50)}`);
  const text = head("GET / HTTP/1.1", ...lines);
  const reader = new HttpHeadReader({ maxBytes: 100000, maxLines: 1000 });
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < text.length; i += 7) chunks.push(bytesOf(text.slice(i, i + 7)));
  assert.equal(feed(reader, chunks).complete, true);
  assert.equal(reader.fields.size, 1000);
  assert.equal(reader.fields.get("x-999"), "v".repeat(49));
});

Deno.test("does not modify chunks, and keeps no reference after push returns", () => {
  const text = "GET / HTTP/1.1\r\nHost: a.example\r\nX: 1\r\n\r\n";
  const reader = new HttpHeadReader();
  const chunk = new Uint8Array(10);
  const bytes = bytesOf(text);
  for (let i = 0; i < bytes.length; i += 10) {
    const part = bytes.subarray(i, i + 10);
    chunk.set(part);
    const lent = chunk.subarray(0, part.length);
    reader.push(lent);
    assert.deepEqual(lent, part);
    chunk.fill(0);
  }
  assert.equal(reader.fields.get("host"), "a.example");
  const whole = bytesOf(text);
  assert.equal(new HttpHeadReader().push(whole), true);
  assert.deepEqual(whole, bytes);
});

Deno.test("the bytes after the head are a view of the last chunk, not a copy", () => {
  const chunk = bytesOf("GET / HTTP/1.1\r\n\r\n\x81\x00");
  const reader = new HttpHeadReader();
  assert.equal(reader.push(chunk), true);
  assert.equal(reader.rest.buffer, chunk.buffer);
  assert.equal(reader.rest.byteOffset, 18);
});

Deno.test("reads a view in the middle of a larger buffer", () => {
  const bytes = bytesOf("xxxxGET / HTTP/1.1\r\nA: 1\r\n\r\nyy");
  const reader = new HttpHeadReader();
  assert.equal(reader.push(bytes.subarray(4)), true);
  assert.equal(reader.fields.get("a"), "1");
  assert.equal(textOf(reader.rest), "yy");
});

Deno.test("throws if the head is accessed before it is complete, or if input is pushed after it", () => {
  const reader = new HttpHeadReader();
  reader.push(bytesOf("GET / HTTP/1.1\r\n"));
  assert.throws(() => reader.startLine, TypeError);
  assert.throws(() => reader.fields, TypeError);
  assert.throws(() => reader.rest, TypeError);
  assert.equal(reader.push(new Uint8Array(0)), false);
  assert.equal(reader.push(bytesOf("\r\n")), true);
  assert.throws(() => reader.push(bytesOf("x")), TypeError);
});
