import assert from "node:assert/strict";
import type { Envelope } from "../../src/pubsub/envelope.ts";
import { HistoryMessage } from "../../src/topics/history_message.ts";
import { BINARY, hex, TEXT, utf8 } from "../support/vectors.ts";

const envelope: Envelope = {
  origin: Uint8Array.from({ length: 16 }, (_, i) => i * 16),
  count: 3,
  except: 0,
  isText: true,
  onSlow: "conflate",
  key: "k",
  payload: utf8("caf\u00e9"),
};

Deno.test("a message of the history is what was published, with its number", () => {
  const message = new HistoryMessage("room", 7, envelope, undefined);
  assert.deepEqual([message.topic, message.number, message.count, message.size], ["room", 7, 3, 5]);
  assert.deepEqual(message.options, { onSlow: "conflate", key: "k" });
  assert.equal(message.plain.opcode, TEXT);
  assert.deepEqual(message.plain.payload, utf8("caf\u00e9"));
  assert.deepEqual(message.labelled.payload, utf8('{"topic":"room","number":7}\ncaf\u00e9'));
  assert.equal(message.labelled.opcode, TEXT);
});

Deno.test("its bytes are its own, and its server is told from others", () => {
  const payload = hex("ff 00");
  const binary = new HistoryMessage("room", 1, { ...envelope, isText: false, payload }, undefined);
  payload.fill(1);
  assert.equal(binary.plain.opcode, BINARY);
  assert.deepEqual([...binary.plain.payload], [0xff, 0]);
  const other = { ...envelope, origin: envelope.origin.slice().reverse() };
  assert.equal(binary.origin, new HistoryMessage("x", 2, envelope, undefined).origin);
  assert.notEqual(binary.origin, new HistoryMessage("x", 2, other, undefined).origin);
});
