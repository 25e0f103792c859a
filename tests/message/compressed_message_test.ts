// Tests how compressed messages are read and written (RFC 7692 6), with a simple codec.

import assert from "node:assert/strict";
import { MessageWriter } from "../../src/message/message_writer.ts";
import { PermessageDeflate } from "../../src/message/permessage.ts";
import { PreparedMessage } from "../../src/message/prepared_message.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { MESSAGE_RULES, type MessageEvent, MessageRecorder } from "../support/message_recorder.ts";
import { Output } from "../support/output.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";
import { replay } from "../support/replay.ts";
import { RunLength, runLength } from "../support/run_length.ts";
import {
  BINARY,
  concat,
  CONTINUATION,
  frame,
  type FrameParts,
  hex,
  parseFrames,
  PING,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const RULES = { ...MESSAGE_RULES, rsv1: true, maxMessageSize: 1000 };
const RSV1 = 4;

function read(frames: readonly FrameParts[], rules = RULES): readonly MessageEvent[] {
  const stream = concat(...frames.map(frame));
  return replay(stream, () => new MessageRecorder(rules, new RunLength()));
}

const PACKED_TEXT = runLength(utf8("aaaabbbb"));

for (
  const [name, frames, events] of [
    ["in one frame", [{ rsv: RSV1, opcode: TEXT, payload: PACKED_TEXT }], [{ text: "aaaabbbb" }]],
    [
      "in fragments, of which only the first has RSV1",
      [
        { fin: false, rsv: RSV1, opcode: TEXT, payload: PACKED_TEXT.slice(0, 1) },
        { opcode: PING },
        { fin: false, opcode: CONTINUATION },
        { opcode: CONTINUATION, payload: PACKED_TEXT.slice(1) },
      ],
      [{ opcode: PING, payload: hex("") }, { text: "aaaabbbb" }],
    ],
    [
      "between uncompressed messages",
      [
        { opcode: TEXT, payload: "plain" },
        { rsv: RSV1, opcode: BINARY, payload: hex("05 07") },
        { opcode: BINARY, payload: hex("05 07") },
        { fin: false, rsv: RSV1, opcode: TEXT, payload: hex("02") },
        { opcode: CONTINUATION, payload: hex("61") },
        { fin: false, opcode: TEXT, payload: "pla" },
        { opcode: CONTINUATION, payload: "in" },
      ],
      [
        { text: "plain" },
        { opcode: BINARY, payload: hex("07 07 07 07 07") },
        { opcode: BINARY, payload: hex("05 07") },
        { text: "aa" },
        { text: "plain" },
      ],
    ],
    ["that is empty", [{ rsv: RSV1, opcode: TEXT }], [{ text: "" }]],
    [
      "of valid text whose compressed bytes are not UTF-8",
      [{ rsv: RSV1, opcode: TEXT, payload: runLength(utf8("a".repeat(255))) }],
      [{ text: "a".repeat(255) }],
    ],
    [
      "of invalid UTF-8",
      [{ rsv: RSV1, opcode: TEXT, payload: hex("02 80") }],
      [{ error: "INVALID_UTF8" }],
    ],
    [
      "that is corrupt",
      [{ rsv: RSV1, opcode: TEXT, payload: hex("02") }],
      [{ error: "INVALID_DEFLATE_DATA" }],
    ],
    [
      "with a decompressed size over maxMessageSize",
      [{ rsv: RSV1, opcode: BINARY, payload: hex("ff 00 ff 00 ff 00 ff 00") }],
      [{ error: "MESSAGE_TOO_BIG" }],
    ],
  ] as [string, FrameParts[], MessageEvent[]][]
) {
  Deno.test(`reads a compressed message ${name} identically for any chunk split`, () => {
    assert.deepEqual(read(frames), events);
  });
}

Deno.test('delivers compressed text as validated bytes if text is "bytes"', () => {
  const rules = { ...RULES, text: "bytes" } as const;
  const good = { rsv: RSV1, opcode: TEXT, payload: PACKED_TEXT };
  const bad = { rsv: RSV1, opcode: TEXT, payload: hex("02 80") };
  const message = { opcode: TEXT, payload: utf8("aaaabbbb") };
  assert.deepEqual(read([good, good, bad], rules), [message, message, { error: "INVALID_UTF8" }]);
});

Deno.test("decompressing the next message does not change a delivered one", () => {
  const recorder = new MessageRecorder({ ...RULES, text: "bytes" }, new RunLength());
  for (const byte of [1, 2, 3]) {
    const payload = Uint8Array.of(9, byte);
    recorder.read(frame({ rsv: RSV1, opcode: BINARY, payload }));
    recorder.read(frame({ rsv: RSV1, opcode: TEXT, payload: Uint8Array.of(9, 0x60 + byte) }));
  }
  const contents = recorder.views.map((view) => view.join());
  assert.deepEqual(
    contents,
    [1, 0x61, 2, 0x62, 3, 0x63].map((byte) => Array(9).fill(byte).join()),
  );
});

function written(masks: boolean, write: (writer: MessageWriter) => void): Uint8Array {
  const output = new Output();
  write(new MessageWriter(output, masks ? () => 0x01020304 : undefined, new RunLength()));
  return output.written;
}

const TEXTS = ["", "abc", "aaaa", "\u00e9".repeat(100), "a".repeat(126), "a".repeat(20_000)]
  .concat("ab".repeat(500), "\u20ac".repeat(9000), "a".repeat(8191), "a".repeat(8192));

for (const masks of [false, true]) {
  Deno.test(`compresses text from a ${masks ? "client" : "server"} if that makes it shorter`, () => {
    for (const text of TEXTS) {
      const plain = utf8(text);
      const packed = runLength(plain);
      const shorter = text.length >= 4 && packed.length < plain.length;
      const [sent, ...more] = parseFrames(written(masks, (writer) => writer.text(text)));
      assert.equal(more.length, 0);
      assert.deepEqual(sent, {
        fin: true,
        rsv: shorter ? RSV1 : 0,
        opcode: TEXT,
        masked: masks,
        payload: shorter ? packed : plain,
      });
      assert.deepEqual(
        written(masks, (writer) => writer.bytes(Opcode.Text, plain)),
        written(masks, (writer) => plain.length < 4 ? writer.text(text, false) : writer.text(text)),
      );
    }
  });
}

Deno.test("the threshold counts bytes, even for text", () => {
  for (
    const [text, packed] of [
      ["a".repeat(300), true],
      ["a".repeat(299), false],
      // The first character takes three bytes.
      ["\u20ac" + "a".repeat(297), true],
      ["\u20ac" + "a".repeat(296), false],
    ] as const
  ) {
    const output = new Output();
    new MessageWriter(output, undefined, new RunLength(300)).text(text);
    const [{ rsv, payload }] = parseFrames(output.written);
    assert.equal(rsv === RSV1, packed);
    assert.deepEqual(payload, packed ? runLength(utf8(text)) : utf8(text));
  }
});

Deno.test("sends a message uncompressed if the caller disables compression for it", () => {
  const bytes = written(false, (writer) => {
    writer.text("aaaaaaaa", false);
    writer.text("a".repeat(8192), false);
    writer.bytes(Opcode.Binary, utf8("aaaaaaaa"), false);
  });
  assert.deepEqual(
    parseFrames(bytes).map(({ rsv, payload }) => [rsv, payload.length]),
    [[0, 8], [0, 8192], [0, 8]],
  );
});

Deno.test("never compresses control frames", () => {
  const bytes = written(false, (writer) => writer.control(Opcode.Ping, utf8("aaaaaaaa")));
  assert.deepEqual(bytes, frame({ opcode: PING, payload: "aaaaaaaa" }));
});

for (const masks of [false, true]) {
  const who = masks ? "client" : "server";
  const mask = masks ? [4, 3, 2, 1] : undefined;

  Deno.test(`compresses fragments from a ${who} as they are sent, with RSV1 on the first`, () => {
    // Compression makes some of these longer; the sizes cover all header sizes.
    for (const size of [1, 125, 126, 20_000, 65_535, 65_536]) {
      const runs = new Uint8Array(size).fill(7);
      const mixed = Uint8Array.from({ length: size }, (_, i) => i);
      const bytes = written(masks, (writer) => {
        writer.fragment(Opcode.Binary, false, runs);
        writer.control(Opcode.Ping, utf8("between"));
        writer.fragment(Opcode.Continuation, false, mixed);
        writer.fragment(Opcode.Continuation, true, hex(""));
      });
      const frames = [
        { fin: false, rsv: RSV1, opcode: BINARY, payload: runLength(runs), mask },
        { opcode: PING, payload: "between", mask },
        { fin: false, opcode: CONTINUATION, payload: runLength(mixed), mask },
        { opcode: CONTINUATION, mask },
      ];
      assert.deepEqual(bytes, concat(...frames.map(frame)));
    }
  });
}

Deno.test("the first fragment determines whether the message is compressed", () => {
  const text = utf8("aaaaaaaa");
  const bytes = written(false, (writer) => {
    writer.fragment(Opcode.Text, false, text, false);
    writer.fragment(Opcode.Continuation, false, text);
    writer.fragment(Opcode.Continuation, true, text);
    writer.fragment(Opcode.Text, false, text);
    writer.fragment(Opcode.Continuation, true, text, false);
  });
  const plain = text;
  const packed = runLength(text);
  const frames = [
    { fin: false, opcode: TEXT, payload: plain },
    { fin: false, opcode: CONTINUATION, payload: plain },
    { opcode: CONTINUATION, payload: plain },
    { fin: false, rsv: RSV1, opcode: TEXT, payload: packed },
    { opcode: CONTINUATION, payload: packed },
  ];
  assert.deepEqual(bytes, concat(...frames.map(frame)));
});

Deno.test("sends a short message of one fragment uncompressed, like an unfragmented one", () => {
  const bytes = written(false, (writer) => {
    writer.fragment(Opcode.Binary, true, hex(""));
    writer.fragment(Opcode.Text, true, utf8("aaa"));
    writer.fragment(Opcode.Text, true, utf8("aaaa"));
  });
  const frames = [
    { opcode: BINARY },
    { opcode: TEXT, payload: "aaa" },
    { rsv: RSV1, opcode: TEXT, payload: runLength(utf8("aaaa")) },
  ];
  assert.deepEqual(bytes, concat(...frames.map(frame)));
});

Deno.test("compresses a prepared message once for all connections that can share it", () => {
  for (const size of [10, 125, 126, 200, 20_000, 70_000]) {
    const payload = new Uint8Array(size).fill(7);
    const message = new PreparedMessage(payload);
    const shared = message.frameFor(new RunLength(4, "key"))!;
    assert.deepEqual(shared, frame({ rsv: RSV1, opcode: BINARY, payload: runLength(payload) }));
    assert.equal(message.frameFor(new RunLength(4, "key")), shared);
    assert.notEqual(message.frameFor(new RunLength(4, "another key")), shared);
    assert.deepEqual(message.payload, payload, "the message itself is not changed");
  }
});

Deno.test("sends a prepared message uncompressed if compression is disabled or does not shorten it", () => {
  const short = new PreparedMessage("aaaa");
  assert.equal(short.frameFor(new RunLength(100, "key")), short.frame);
  const dense = new PreparedMessage("abcdefgh");
  for (const _ of [1, 2]) assert.equal(dense.frameFor(new RunLength(4, "key")), dense.frame);
  assert.deepEqual(dense.frame, frame({ opcode: TEXT, payload: "abcdefgh" }));
});

Deno.test("connections with context takeover do not share a prepared message", () => {
  assert.equal(new PreparedMessage("aaaaaaaa").frameFor(new RunLength(4)), undefined);
});

Deno.test("a long message reserves output memory for its compressed size", () => {
  let room = 0;
  class Counted extends Output {
    override reserve(size: number): Uint8Array {
      room += size;
      return super.reserve(size);
    }
  }
  const direction = { takeover: false, windowBits: 15 };
  const output = new Counted();
  const writer = new MessageWriter(
    output,
    undefined,
    new PermessageDeflate(PERMESSAGE_RULES, direction, direction),
  );
  const zeros = new Uint8Array(4 << 20);
  writer.bytes(Opcode.Binary, zeros);
  writer.fragment(Opcode.Binary, false, zeros);
  writer.fragment(Opcode.Continuation, true, zeros);
  assert.ok(output.written.length < 20_000, `${output.written.length} bytes`);
  assert.ok(room < 2 * output.written.length, `${room} bytes were reserved`);
});
