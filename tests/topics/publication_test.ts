// A published message in its two forms.

import assert from "node:assert/strict";
import { PreparedMessage } from "../../src/message/prepared_message.ts";
import { Publication } from "../../src/topics/publication.ts";
import { BINARY, concat, hex, TEXT, utf8 } from "../support/vectors.ts";

type Content = string | Uint8Array | PreparedMessage;

const BYTES = hex("00 ff 0a");

/** A message, what it is sent as, and its payload. */
const CONTENTS: readonly [content: Content, opcode: number, payload: Uint8Array][] = [
  ["text \u{1f600}", TEXT, utf8("text \u{1f600}")],
  ["", TEXT, new Uint8Array(0)],
  [BYTES, BINARY, BYTES],
  [new Uint8Array(70_000).fill(7), BINARY, new Uint8Array(70_000).fill(7)],
  [new PreparedMessage("prepared"), TEXT, utf8("prepared")],
  [new PreparedMessage(BYTES), BINARY, BYTES],
  [new PreparedMessage(utf8("text"), TEXT), TEXT, utf8("text")],
];

/** The number of a message, and the line in front of it. */
const LINES: readonly [number: number | undefined, line: string][] = [
  [undefined, '{"topic":"a \\"b\\""}\n'],
  [0, '{"topic":"a \\"b\\"","number":0}\n'],
  [12, '{"topic":"a \\"b\\"","number":12}\n'],
];

Deno.test("the plain form is the message, the labelled one has the line in front", () => {
  for (const [content, opcode, payload] of CONTENTS) {
    for (const [number, line] of LINES) {
      const publication = new Publication('a "b"', content, number);
      assert.equal(publication.topic, 'a "b"');
      assert.equal(publication.number, number);
      assert.equal(publication.plain.opcode, opcode);
      assert.deepEqual(publication.plain.payload, payload);
      assert.equal(publication.labelled.opcode, opcode);
      assert.deepEqual(publication.labelled.payload, concat(utf8(line), payload));
    }
  }
});

Deno.test("either form is encoded once, and what was encoded before is taken as it is", () => {
  const prepared = new PreparedMessage("news");
  for (const content of ["news", BYTES, prepared]) {
    const publication = new Publication("topic", content);
    assert.equal(publication.plain, publication.plain);
    assert.equal(publication.labelled, publication.labelled);
  }
  assert.equal(new Publication("topic", prepared).plain, prepared);
});
