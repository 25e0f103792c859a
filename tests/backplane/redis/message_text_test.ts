import assert from "node:assert/strict";
import {
  messageText,
  receivedMessage,
  textMessage,
} from "../../../src/backplane/redis/message_text.ts";
import { writeEnvelope } from "../../../src/backplane/envelope.ts";
import { hex, utf8 } from "../../support/vectors.ts";

const parts = {
  count: 0,
  except: 0,
  origin: new Uint8Array(16),
  onSlow: "queue",
  key: "",
} as const;
const text = writeEnvelope({ ...parts, isText: true, payload: utf8("\ufeffh\u00e9 \0") });
const binary = writeEnvelope({ ...parts, isText: false, payload: hex("00 ff 80") });

const MESSAGES: [what: string, message: Uint8Array, start: string][] = [
  ["text", text, "\x01"],
  ["bytes", binary, "="],
  ["an empty message", new Uint8Array(0), "="],
  ["bytes that are not an envelope", hex("ff fe"), "="],
  ["bytes that start like base64", utf8("=="), "="],
  ["a million bytes", new Uint8Array(1_000_000).fill(0xab), "="],
];

/** Returns the forms in which clients deliver a message: text, bytes, and part of a larger buffer. */
function messageForms(text: string): (string | Uint8Array)[] {
  const bytes = utf8(`x${text}`);
  return [text, bytes.subarray(1), Buffer.from(bytes).subarray(1)];
}

for (const [what, message, start] of MESSAGES) {
  Deno.test(`encodes ${what} as text and decodes it, with and without numbers`, () => {
    const text = messageText(message);
    assert.ok(text.startsWith(start));
    for (const form of messageForms(text)) assert.deepEqual(receivedMessage(form), { message });
    for (const form of messageForms(`#18,7:${text}`)) {
      assert.deepEqual(receivedMessage(form), { message, number: 18, previous: 7 });
    }
  });
}

Deno.test("encodes identically without the runtime's built-in base64", () => {
  const { prototype } = Uint8Array as unknown as { prototype: { toBase64?: unknown } };
  const constructor = Uint8Array as unknown as { fromBase64?: unknown };
  const own = { toBase64: prototype.toBase64, fromBase64: constructor.fromBase64 };
  for (const length of [0, 1, 2, 3, 100, 20_000]) {
    const message = Uint8Array.from({ length }, (_, i) => i * 7);
    const text = messageText(message);
    try {
      prototype.toBase64 = constructor.fromBase64 = undefined;
      assert.equal(messageText(message), text);
      assert.deepEqual(textMessage(text), message);
    } finally {
      Object.assign(prototype, { toBase64: own.toBase64 });
      Object.assign(constructor, { fromBase64: own.fromBase64 });
    }
  }
});

const STRANGE = [
  "=*",
  "=\u20ac",
  "#",
  "#1",
  "#1,2",
  "#:x",
  "#1:x",
  "#1,2,3:x",
  "#a,b:x",
  "#-1,2:x",
  "#1.5,2:x",
  "#9007199254740993,2:x",
  "#1,2:=*",
  `#1,2${" ".repeat(50)}:x`,
];

for (const strange of STRANGE) {
  Deno.test(`rejects ${JSON.stringify(strange)} as a message`, () => {
    for (const form of messageForms(strange)) assert.equal(receivedMessage(form), undefined);
  });
}
