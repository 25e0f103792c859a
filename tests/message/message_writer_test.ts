import assert from "node:assert/strict";
import { checkTextBytes, MessageWriter } from "../../src/message/message_writer.ts";
import type { MaskSource } from "../../src/wire/frame_writer.ts";
import { readMaskKey } from "../../src/wire/mask.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { Output } from "../support/output.ts";
import { Random } from "../support/random.ts";
import { UTF8_SAMPLES } from "../support/utf8_samples.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frame,
  hex,
  MASK_KEY,
  PING,
  PONG,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const SIDES: readonly [name: string, mask: readonly number[] | undefined][] = [
  ["a server", undefined],
  ["a client", MASK_KEY],
];

function written(
  mask: readonly number[] | undefined,
  write: (writer: MessageWriter) => void,
): Uint8Array {
  const output = new Output();
  const source: MaskSource | undefined = mask && (() => readMaskKey(Uint8Array.from(mask), 0));
  write(new MessageWriter(output, source));
  return output.written;
}

for (const [side, mask] of SIDES) {
  Deno.test(`writes text from ${side} as one frame, regardless of the size estimate`, () => {
    const texts = ["", "a", "\u20ac", "\u{1f600}", "\ufeff", "\ud800"];
    for (const length of [31, 32, 33, 125, 126, 127, 8191, 8192, 8193, 65535, 65536]) {
      texts.push("x".repeat(length));
    }
    // The number of characters would need a shorter header than the number of bytes.
    for (const length of [41, 42, 62, 63, 124, 125]) texts.push("\u20ac".repeat(length));
    for (const length of [2730, 8191, 8192, 21845, 21846]) texts.push("\u20ac".repeat(length));
    texts.push(`${"x".repeat(124)}\u00e9`, `${"x".repeat(8000)}\u00e9`, "\u{1f600}".repeat(4096));
    for (const text of texts) {
      assert.deepEqual(
        written(mask, (writer) => writer.text(text)),
        frame({ opcode: TEXT, payload: text, mask }),
        `${text.length} characters`,
      );
    }
  });

  Deno.test(`writes bytes from ${side} as one frame with the given opcode, and does not modify them`, () => {
    const random = new Random(7);
    for (const size of [0, 1, 125, 126, 65535, 65536]) {
      for (const opcode of [Opcode.Text, Opcode.Binary]) {
        const payload = random.bytes(size);
        const before = payload.slice();
        const bytes = written(mask, (writer) => writer.bytes(opcode, payload));
        assert.deepEqual(bytes, frame({ opcode, payload, mask }));
        assert.deepEqual(payload, before);
      }
    }
  });

  Deno.test(`control frames from ${side} may have up to 125 bytes`, () => {
    for (const opcode of [Opcode.Ping, Opcode.Pong, Opcode.Close]) {
      for (const size of [0, 1, 124, 125]) {
        const payload = new Uint8Array(size).fill(7);
        const bytes = written(mask, (writer) => writer.control(opcode, payload));
        assert.deepEqual(bytes, frame({ opcode, payload, mask }));
      }
    }
  });
}

Deno.test("writes a message in fragments, with FIN on the last", () => {
  for (const [, mask] of SIDES) {
    const bytes = written(mask, (writer) => {
      writer.fragment(Opcode.Text, false, utf8("one "));
      writer.control(Opcode.Ping, utf8("between"));
      writer.fragment(Opcode.Continuation, false, utf8(""));
      writer.fragment(Opcode.Continuation, true, utf8("two"));
      writer.fragment(Opcode.Binary, true, utf8("whole"));
    });
    const frames = [
      { fin: false, opcode: TEXT, payload: "one ", mask },
      { opcode: PING, payload: "between", mask },
      { fin: false, opcode: CONTINUATION, mask },
      { opcode: CONTINUATION, payload: "two", mask },
      { opcode: BINARY, payload: "whole", mask },
    ];
    assert.deepEqual(bytes, concat(...frames.map(frame)));
  }
});

Deno.test("the opcodes of messages and control frames match the RFC", () => {
  assert.deepEqual([Opcode.Text, Opcode.Binary], [TEXT, BINARY]);
  assert.deepEqual([Opcode.Close, Opcode.Ping, Opcode.Pong], [CLOSE, PING, PONG]);
});

Deno.test("writes a control frame from a range of a buffer", () => {
  const bytes = written(undefined, (writer) => writer.control(Opcode.Pong, utf8("0123456"), 2, 5));
  assert.deepEqual(bytes, frame({ opcode: PONG, payload: "234" }));
});

Deno.test("throws a RangeError for a control frame over 125 bytes and writes nothing", () => {
  for (const size of [126, 127, 65536]) {
    const bytes = written(undefined, (writer) => {
      assert.throws(() => writer.control(Opcode.Ping, new Uint8Array(size)), {
        name: "RangeError",
        message: new RegExp(`at most 125 bytes, got ${size}`),
      });
    });
    assert.equal(bytes.length, 0);
  }
});

Deno.test("writes messages in the order of the send calls", () => {
  const bytes = written(MASK_KEY, (writer) => {
    writer.text("one");
    writer.bytes(Opcode.Binary, utf8("two"));
    writer.control(Opcode.Ping, utf8("three"));
  });
  assert.deepEqual(
    bytes,
    concat(
      frame({ opcode: TEXT, payload: "one", mask: MASK_KEY }),
      frame({ opcode: BINARY, payload: "two", mask: MASK_KEY }),
      frame({ opcode: PING, payload: "three", mask: MASK_KEY }),
    ),
  );
});

for (const { name, bytes, refusedAt } of UTF8_SAMPLES) {
  const verdict = refusedAt === 0
    ? "may be sent as text"
    : "sent as text is the caller's TypeError";
  Deno.test(`${name} ${verdict}`, () => {
    const check = (): void => checkTextBytes(hex(bytes));
    if (refusedAt === 0) check();
    else assert.throws(check, TypeError);
  });
}
