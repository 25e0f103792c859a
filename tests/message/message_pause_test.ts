// Decompression of a long message pauses, and the message is delivered or rejected later.

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { InvalidPayloadError } from "../../src/errors.ts";
import { ContextMemories } from "../../src/message/memory_governor.ts";
import { MessageReader, type MessageSink } from "../../src/message/message_reader.ts";
import { PermessageDeflate } from "../../src/message/permessage.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";

const FIN_RSV1_TEXT = 0xc1;
const DIRECTION = { takeover: true, windowBits: 15 };
const TEXT = Array.from({ length: 900_000 }, (_, index) => (index * 7919 % 10007).toString(36))
  .join(" ");

function compressed(bytes: Uint8Array): Uint8Array {
  const { Z_SYNC_FLUSH } = zlib.constants;
  const result = zlib.deflateRawSync(bytes, { finishFlush: Z_SYNC_FLUSH });
  return new Uint8Array(result).subarray(0, -4);
}

const COMPRESSED = compressed(new TextEncoder().encode(TEXT));

/** Creates a reader that records its texts and counts its pauses. */
function reader(pauses: boolean): { messages: MessageReader; texts: string[]; pauses(): number } {
  const texts: string[] = [];
  let count = 0;
  const sink: MessageSink = {
    textMessage: (text) => void texts.push(text),
    bytesMessage: () => {},
    controlFrame: () => {},
    ...(pauses ? { messagePaused: () => void count++ } : {}),
  };
  const messages = new MessageReader(
    { text: "string", utf8Check: true, maxMessageSize: 16 << 20 },
    sink,
    new PermessageDeflate(PERMESSAGE_RULES, DIRECTION, DIRECTION),
  );
  return { messages, texts, pauses: () => count };
}

Deno.test("pauses a long message, and delivers it after enough calls of resume", () => {
  const { messages, texts, pauses } = reader(true);
  const bytes = COMPRESSED.slice();
  messages.frame(FIN_RSV1_TEXT, bytes, 0, bytes.length);
  // The caller may reuse the memory of the chunk.
  bytes.fill(0);
  assert.deepEqual([texts.length, pauses()], [0, 1]);
  let resumed = 1;
  while (!messages.resume()) resumed++;
  assert.ok(resumed >= 3, `resumed ${resumed} times`);
  assert.ok(texts.length === 1 && texts[0] === TEXT);
});

Deno.test("delivers a short message immediately", () => {
  const { messages, texts, pauses } = reader(true);
  const bytes = compressed(new TextEncoder().encode("hello ".repeat(1000)));
  messages.frame(FIN_RSV1_TEXT, bytes, 0, bytes.length);
  assert.deepEqual([texts.length, pauses()], [1, 0]);
});

Deno.test("delivers the message immediately to a sink without pause support", () => {
  const { messages, texts } = reader(false);
  const bytes = COMPRESSED.slice();
  messages.frame(FIN_RSV1_TEXT, bytes, 0, bytes.length);
  assert.ok(texts.length === 1 && texts[0] === TEXT);
});

Deno.test("detects an error in the part after the pause", () => {
  const { messages, texts } = reader(true);
  const bytes = COMPRESSED.slice(0, -1000);
  messages.frame(FIN_RSV1_TEXT, bytes, 0, bytes.length);
  assert.throws(() => {
    while (!messages.resume());
  }, InvalidPayloadError);
  assert.deepEqual(texts, []);
});

Deno.test("close releases a paused message and its memory", () => {
  const compression = new PermessageDeflate(PERMESSAGE_RULES, DIRECTION, DIRECTION);
  const before = ContextMemories.ofProcess.byteLength;
  const bytes = COMPRESSED.slice();
  assert.equal(compression.inflateWithin(bytes, 0, bytes.length, 16 << 20, 1 << 20), undefined);
  assert.ok(compression.pausedSize >= bytes.length, `${compression.pausedSize} bytes`);
  compression.close();
  assert.deepEqual([compression.pausedSize, compression.contextSize], [0, 0]);
  assert.equal(ContextMemories.ofProcess.byteLength, before);
});
