import assert from "node:assert/strict";
import {
  isStreamName,
  isSubjectPrefix,
  topicToken,
} from "../../../src/backplane/nats/connection.ts";

const TOKENS: [topic: string, token: string][] = [
  ["news", "news"],
  ["A-z_09", "A-z_09"],
  ["a.b", "a=2Eb"],
  ["*", "=2A"],
  [">", "=3E"],
  ["=2E", "=3D2E"],
  [" \t\r\n\0", "=20=09=0D=0A=00"],
  ["\u20ac", "=E2=82=AC"],
];

for (const [topic, token] of TOKENS) {
  Deno.test(`encodes the topic ${JSON.stringify(topic)} as the token ${token}`, () => {
    assert.equal(topicToken(topic), token);
  });
}

Deno.test("encodes topics as distinct tokens without special subject characters", () => {
  const characters = Array.from({ length: 0x250 }, (_, i) => String.fromCodePoint(i));
  const topics = characters.flatMap((a) => [a, `${a}=`, `=${a}`, `${a}2E`]);
  const tokens = new Set(topics.map(topicToken));
  assert.equal(tokens.size, new Set(topics).size);
  for (const token of tokens) assert.match(token, /^[A-Za-z0-9_=-]+$/);
});

Deno.test("the longest topic fits into a protocol line", () => {
  assert.ok(`HPUB quickws.keep.${topicToken("\n".repeat(1024))}`.length < 4096 - 200);
});

Deno.test("validates subject prefixes and stream names", () => {
  for (const prefix of ["a.", "quickws.", "A-1._b."]) assert.ok(isSubjectPrefix(prefix), prefix);
  for (const prefix of ["", ".", "a", "a..", ".a.", "a.b", "*.", ">.", "a b.", "a.\n"]) {
    assert.ok(!isSubjectPrefix(prefix), JSON.stringify(prefix));
  }
  assert.ok(isStreamName("a-B_1"));
  for (const text of ["", "a.b", "a ", "a\n", "\u00e9"]) {
    assert.ok(!isStreamName(text), JSON.stringify(text));
  }
});
