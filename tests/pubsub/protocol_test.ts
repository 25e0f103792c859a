// Tests the parser for header lines of the topics subprotocol, with text and bytes.

import assert from "node:assert/strict";
import {
  asNotice,
  asRequest,
  lineEnd,
  MAX_LINE,
  readLine,
  type TopicNotice,
  type TopicRequest,
  writeLine,
} from "../../src/pubsub/protocol.ts";
import { utf8 } from "../support/vectors.ts";

/** Parses the header line of a text message. Asserts that the same bytes give the same result. */
function read(message: string): ReturnType<typeof readLine> {
  const line = readLine(message, lineEnd(message));
  const bytes = utf8(message);
  assert.deepEqual(readLine(bytes, lineEnd(bytes)), line, "as bytes");
  return line;
}

function requestOf(message: string): TopicRequest | undefined {
  const line = read(message);
  return line ? asRequest(line) : undefined;
}

function noticeOf(message: string): TopicNotice | undefined {
  const line = read(message);
  return line ? asNotice(line) : undefined;
}

const REQUESTS: readonly TopicRequest[] = [
  { subscribe: "news" },
  { subscribe: "news", after: 0 },
  { subscribe: "news", after: Number.MAX_SAFE_INTEGER },
  { unsubscribe: "news" },
  { subscribe: "__proto__" },
  { subscribe: 'a "quoted" \\ name\n\r\t\0' },
  { subscribe: "\u2028\u{1f600}" },
  { subscribe: "" },
];

const NOTICES: readonly TopicNotice[] = [
  { topic: "news" },
  { topic: "news", number: 8 },
  { subscribed: "news" },
  { subscribed: "news", number: 0 },
  { refused: "news", reason: "no" },
  { missed: "news" },
  { passed: "news", number: 9 },
  { topic: "__proto__" },
];

Deno.test("parses each written line, regardless of the following message", () => {
  for (const rest of ["", "text", "\n", "\n{}\n"]) {
    for (const request of REQUESTS) assert.deepEqual(requestOf(writeLine(request) + rest), request);
    for (const notice of NOTICES) assert.deepEqual(noticeOf(writeLine(notice) + rest), notice);
    assert.equal(read(writeLine(undefined) + rest), undefined);
    assert.equal(lineEnd(`\n${rest}`), 1);
  }
});

Deno.test("a header line contains one line feed for any topic name", () => {
  for (const content of [...REQUESTS, ...NOTICES]) {
    const line = writeLine(content);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.equal(lineEnd(line), line.length);
    assert.equal(lineEnd(utf8(line)), utf8(line).length);
  }
});

/** Messages without a valid header line. */
const NO_LINES: readonly string[] = [
  "",
  "text",
  '{"subscribe":"news"}',
  "text\n",
  " \n",
  "\r\n",
  "{\n}",
  '{"subscribe":"news"\n}',
  '{"subscribe":"news"}}\n',
  "{'subscribe':'news'}\n",
  "null\n",
  "7\n",
  '"news"\n',
  '["subscribe","news"]\n',
  "[\n",
  '\ufeff{"subscribe":"news"}\n',
  `${"[".repeat(MAX_LINE - 1)}\n`,
];

for (const message of NO_LINES) {
  Deno.test(`${JSON.stringify(message).slice(0, 60)} has no valid header line`, () => {
    assert.equal(read(message), null);
  });
}

Deno.test("rejects a line that is not UTF-8", () => {
  for (const byte of [0x80, 0xc0, 0xff]) {
    const bytes = utf8('{"subscribe":"?"}\n').map((value) => value === 0x3f ? byte : value);
    assert.equal(readLine(bytes, lineEnd(bytes)), null);
  }
});

/** Lines that are not a valid request. */
const NO_REQUESTS: readonly string[] = [
  "{}",
  '{"subscribe":7}',
  '{"subscribe":null}',
  '{"subscribe":["news"]}',
  '{"unsubscribe":{}}',
  '{"Subscribe":"news"}',
  '{"publish":"news"}',
  '{"topic":"news"}',
  '{"after":7}',
  '{"subscribe":"news","after":-1}',
  '{"subscribe":"news","after":1.5}',
  '{"subscribe":"news","after":1e300}',
  '{"subscribe":"news","after":9007199254740992}',
  '{"subscribe":"news","after":"7"}',
  '{"subscribe":"news","after":null}',
  '{"subscribe":"news","unsubscribe":"news"}',
  '{"subscribe":7,"unsubscribe":"news"}',
  '{"subscribe":"news","unsubscribe":null}',
  '{"__proto__":{"subscribe":"news"}}',
  '{"constructor":{"subscribe":"news"}}',
];

for (const line of NO_REQUESTS) {
  Deno.test(`${line} is not a request`, () => assert.equal(requestOf(`${line}\n`), undefined));
}

/** Lines that are not a valid notice. */
const NO_NOTICES: readonly string[] = [
  "{}",
  '{"topic":7}',
  '{"topic":"news","number":"8"}',
  '{"topic":"news","number":-1}',
  '{"subscribed":"news","number":0.5}',
  '{"passed":"news"}',
  '{"missed":false}',
  '{"reason":"no"}',
  '{"subscribe":"news"}',
  '{"__proto__":{"topic":"news"}}',
];

for (const line of NO_NOTICES) {
  Deno.test(`${line} is not a notice`, () => assert.equal(noticeOf(`${line}\n`), undefined));
}

Deno.test("accepts unknown fields, and a refusal without a reason", () => {
  assert.deepEqual(requestOf('{"subscribe":"news","after":7,"quietly":true}\n'), {
    subscribe: "news",
    after: 7,
  });
  assert.deepEqual(noticeOf('{"topic":"news","number":8,"from":"x"}\n'), {
    topic: "news",
    number: 8,
  });
  assert.deepEqual(noticeOf('{"refused":"news"}\n'), { refused: "news", reason: "" });
});

Deno.test("does not validate names: a lone surrogate is accepted here", () => {
  assert.deepEqual(requestOf('{"subscribe":"\\ud800"}\n'), { subscribe: "\ud800" });
});

Deno.test("limits the length of a line, but accepts the longest name", () => {
  const line = (length: number): string => `{"subscribe":"${"x".repeat(length - 17)}"}\n`;
  assert.equal(lineEnd(line(MAX_LINE)), MAX_LINE);
  assert.notEqual(requestOf(line(MAX_LINE)), undefined);
  assert.equal(lineEnd(line(MAX_LINE + 1)), 0);
  assert.equal(read(line(MAX_LINE + 1)), null);
  const topic = "\0".repeat(1024);
  const number = Number.MAX_SAFE_INTEGER;
  assert.deepEqual(requestOf(writeLine({ subscribe: topic, after: number })), {
    subscribe: topic,
    after: number,
  });
  const notice = { refused: topic, reason: "r".repeat(1000) };
  assert.deepEqual(noticeOf(writeLine(notice)), notice);
});
