// Tests messages with the header line of the topics subprotocol.

import assert from "node:assert/strict";
import { PreparedMessage } from "../../src/message/prepared_message.ts";
import {
  bytesWithLine,
  LineMessage,
  preparedWithLine,
  textWithLine,
} from "../../src/pubsub/protocol.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { BINARY, concat, hex, parseFrames, TEXT, utf8 } from "../support/vectors.ts";

const LINE = '{"topic":"a"}\n';
const BYTES = hex("00 0a ff");

Deno.test("text, bytes and prepared messages keep their type", () => {
  const cases = [
    ["text", TEXT, utf8("text")],
    [BYTES, BINARY, BYTES],
    [new PreparedMessage("text"), TEXT, utf8("text")],
    [new PreparedMessage(BYTES), BINARY, BYTES],
    [new PreparedMessage(utf8("text"), TEXT), TEXT, utf8("text")],
  ] as const;
  for (const [content, opcode, payload] of cases) {
    const message = new LineMessage(LINE, content);
    const expected = concat(utf8(LINE), payload);
    assert.equal(message.opcode, opcode);
    assert.deepEqual(message.payload, expected);
    const [frame, ...others] = parseFrames(message.frame);
    assert.deepEqual([frame!.opcode, frame!.fin, others], [opcode, true, []]);
    assert.deepEqual(frame!.payload, expected);
  }
});

Deno.test("prepares a message with its header line once for all receivers", () => {
  const message = prepareMessage("news");
  const form = preparedWithLine(message);
  assert.deepEqual(form.payload, utf8("\nnews"));
  assert.equal(preparedWithLine(message), form);
  assert.notEqual(preparedWithLine(prepareMessage("news")), form);
  assert.deepEqual(message.payload, utf8("news"), "the original message is unchanged");
});

Deno.test("adds no second header line", () => {
  const message = new LineMessage(LINE, "news");
  assert.equal(preparedWithLine(message), message);
  const form = preparedWithLine(prepareMessage(BYTES));
  assert.equal(preparedWithLine(form), form);
});

Deno.test("text and bytes without a topic get an empty header line", () => {
  assert.equal(textWithLine(""), "\n");
  assert.equal(textWithLine("text"), "\ntext");
  assert.deepEqual(bytesWithLine(new Uint8Array(0)), hex("0a"));
  const bytes = bytesWithLine(BYTES.subarray(1));
  assert.deepEqual(bytes, hex("0a 0a ff"));
  assert.notEqual(bytes.buffer, BYTES.buffer, "the bytes were copied");
});
