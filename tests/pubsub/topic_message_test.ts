// Tests published messages with and without their header lines.

import assert from "node:assert/strict";
import { PreparedMessage } from "../../src/message/prepared_message.ts";
import type { Envelope } from "../../src/backplane/envelope.ts";
import { RelayedMessage, TopicMessage } from "../../src/pubsub/topic_message.ts";
import { BINARY, concat, hex, TEXT, utf8 } from "../support/vectors.ts";

type Content = string | Uint8Array | PreparedMessage;

const BYTES = hex("00 ff 0a");

/** A message, its opcode, and its payload. */
const CONTENTS: readonly [content: Content, opcode: number, payload: Uint8Array][] = [
  ["text \u{1f600}", TEXT, utf8("text \u{1f600}")],
  ["", TEXT, new Uint8Array(0)],
  [BYTES, BINARY, BYTES],
  [new Uint8Array(70_000).fill(7), BINARY, new Uint8Array(70_000).fill(7)],
  [new PreparedMessage("prepared"), TEXT, utf8("prepared")],
  [new PreparedMessage(BYTES), BINARY, BYTES],
  [new PreparedMessage(utf8("text"), TEXT), TEXT, utf8("text")],
];

Deno.test("encodes the message with and without a header line", () => {
  for (const [content, opcode, payload] of CONTENTS) {
    const message = new TopicMessage('a "b"', content, {}, undefined);
    assert.deepEqual([message.topic, message.number], ['a "b"', 0]);
    assert.equal(message.plain.opcode, opcode);
    assert.deepEqual(message.plain.payload, payload);
    assert.equal(message.withLine.opcode, opcode);
    const line = utf8('{"topic":"a \\"b\\""}\n');
    assert.deepEqual(message.withLine.payload, concat(line, payload));
  }
});

Deno.test("encodes each form once and reuses a prepared message", () => {
  const prepared = new PreparedMessage("news");
  for (const content of ["news", BYTES, prepared]) {
    const message = new TopicMessage("topic", content, {}, undefined);
    assert.equal(message.plain, message.plain);
    assert.equal(message.withLine, message.withLine);
  }
  assert.equal(new TopicMessage("topic", prepared, {}, undefined).plain, prepared);
});

const envelope: Envelope = {
  origin: Uint8Array.from({ length: 16 }, (_, i) => i * 8),
  count: 3,
  except: 0,
  isText: true,
  onSlow: "conflate",
  key: "k",
  payload: utf8("caf\u00e9"),
};

Deno.test("a relayed message equals the published one and has its number", () => {
  const message = new RelayedMessage("room", envelope, 7, undefined);
  assert.deepEqual([message.topic, message.number, message.count, message.size], ["room", 7, 3, 5]);
  assert.deepEqual(message.options, { onSlow: "conflate", key: "k" });
  assert.equal(message.plain.opcode, TEXT);
  assert.deepEqual(message.plain.payload, utf8("caf\u00e9"));
  assert.deepEqual(message.withLine.payload, utf8('{"topic":"room","number":7}\ncaf\u00e9'));
  assert.equal(message.withLine.opcode, TEXT);
});

Deno.test("a relayed message copies the bytes, and identifies its origin server", () => {
  const payload = hex("ff 00");
  const binary = new RelayedMessage("room", { ...envelope, isText: false, payload }, 1, undefined);
  payload.fill(1);
  assert.equal(binary.plain.opcode, BINARY);
  assert.deepEqual([...binary.plain.payload], [0xff, 0]);
  const other = { ...envelope, origin: envelope.origin.slice().reverse() };
  assert.equal(binary.origin, new RelayedMessage("x", envelope, 2, undefined).origin);
  assert.notEqual(binary.origin, new RelayedMessage("x", other, 2, undefined).origin);
});
