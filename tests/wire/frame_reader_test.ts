import assert from "node:assert/strict";
import { FrameReader } from "../../src/wire/frame_reader.ts";
import { compressedLimit, type FrameRules } from "../../src/wire/header.ts";
import { allocationsOf } from "../support/allocations.ts";
import { type FrameEvent, FrameRecorder } from "../support/frame_recorder.ts";
import { Random } from "../support/random.ts";
import { firstRejection, replay } from "../support/replay.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frame,
  type FrameParts,
  header,
  MASK_KEY,
  PING,
  PONG,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const LIMITS = { rsv1: false, maxMessageSize: 1 << 17, maxFragments: 100 };
const SERVER: FrameRules = { ...LIMITS, masked: true };
const CLIENT: FrameRules = { ...LIMITS, masked: false };

const random = new Random(6455);

/** Encodes frames as they are sent to a reader with these rules. */
function stream(rules: FrameRules, frames: readonly FrameParts[]): Uint8Array {
  return concat(
    ...frames.map((parts) => frame(rules.masked ? { mask: MASK_KEY, ...parts } : parts)),
  );
}

/** Returns the events that a reader must deliver for valid frames. */
function eventsOf(frames: readonly FrameParts[]): FrameEvent[] {
  return frames.map(({ fin, rsv = 0, opcode, payload = new Uint8Array(0) }) => ({
    first: (fin === false ? 0 : 0x80) | rsv << 4 | opcode,
    payload: typeof payload === "string" ? utf8(payload) : payload,
  }));
}

const LEGAL: readonly { name: string; frames: readonly FrameParts[]; rsv1?: boolean }[] = [
  ...[0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 255, 256, 257, 300, 65535, 65536, 65537].map((
    size,
  ) => ({
    name: `a message of ${size} bytes`,
    frames: [{ opcode: BINARY, payload: random.bytes(size) }],
  })),
  ...[CLOSE, PING, PONG].flatMap((opcode) =>
    [0, 1, 125].map((size) => ({
      name: `a control frame of opcode ${opcode} and ${size} bytes`,
      frames: [{ opcode, payload: random.bytes(size) }],
    }))
  ),
  {
    name: "a message in three fragments",
    frames: [
      { fin: false, opcode: TEXT, payload: "one " },
      { fin: false, opcode: CONTINUATION, payload: "two " },
      { opcode: CONTINUATION, payload: "three" },
    ],
  },
  {
    name: "a message of empty fragments",
    frames: [
      { fin: false, opcode: BINARY },
      { fin: false, opcode: CONTINUATION },
      { opcode: CONTINUATION },
    ],
  },
  {
    name: "a fragmented message with interleaved control frames, then a whole message",
    frames: [
      { fin: false, opcode: BINARY, payload: random.bytes(130) },
      { opcode: PING, payload: "are you there?" },
      { opcode: PONG },
      { fin: false, opcode: CONTINUATION },
      { opcode: PING, payload: random.bytes(125) },
      { opcode: CONTINUATION, payload: random.bytes(3) },
      { opcode: TEXT, payload: "whole" },
    ],
  },
  {
    name: "thirty small frames",
    frames: Array.from({ length: 30 }, (_, i) => ({ opcode: TEXT, payload: "x".repeat(i % 9) })),
  },
  {
    name: "messages with RSV1, whole and fragmented, if an extension was negotiated",
    rsv1: true,
    frames: [
      { rsv: 4, opcode: TEXT, payload: "marked" },
      { rsv: 4, fin: false, opcode: BINARY, payload: "marked" },
      { opcode: PING },
      { opcode: CONTINUATION, payload: "not marked" },
      { opcode: BINARY, payload: "not marked" },
    ],
  },
];

for (const { name, frames, rsv1 = false } of LEGAL) {
  for (const [side, rules] of [["a client", SERVER], ["a server", CLIENT]] as const) {
    Deno.test(`reads ${name} from ${side} identically for any chunk split`, () => {
      const bytes = stream(rules, frames);
      const events = replay(bytes, () => new FrameRecorder({ ...rules, rsv1 }));
      assert.deepEqual(events, eventsOf(frames));
    });
  }
}

Deno.test("reads frames identically for random splits and a new mask key each time", () => {
  const frames = Array.from({ length: 200 }, (): FrameParts => ({
    opcode: random.pick([TEXT, BINARY, PING]),
    payload: random.bytes(random.below(125)),
    mask: [...random.bytes(4)],
  }));
  const bytes = stream(SERVER, frames);
  for (let run = 0; run < 50; run++) {
    const recorder = new FrameRecorder(SERVER);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.below(400));
      recorder.read(bytes.slice(at, end));
      at = end;
    }
    assert.deepEqual(recorder.events, eventsOf(frames));
  }
});

interface Refusal {
  readonly name: string;
  /** Valid frames before the bad one. */
  readonly before?: readonly FrameParts[];
  readonly bad: FrameParts;
  readonly code: string;
  /** The number of bytes of the bad frame after which the reader rejects it. */
  readonly bytes: number;
}

const BEGUN: readonly FrameParts[] = [{ fin: false, opcode: TEXT, payload: "begun" }];
const LONG_PING = { opcode: PING, payload: random.bytes(126) };

const REFUSED: readonly Refusal[] = [
  { name: "RSV2", bad: { rsv: 2, opcode: TEXT }, code: "RESERVED_BITS", bytes: 2 },
  { name: "RSV1 on a ping", bad: { rsv: 4, opcode: PING }, code: "RESERVED_BITS", bytes: 2 },
  { name: "a reserved data opcode", bad: { opcode: 3 }, code: "RESERVED_OPCODE", bytes: 2 },
  { name: "a reserved control opcode", bad: { opcode: 11 }, code: "RESERVED_OPCODE", bytes: 2 },
  {
    name: "a missing mask",
    bad: { opcode: TEXT, mask: undefined },
    code: "MASK_MISSING",
    bytes: 2,
  },
  { name: "a ping over 125 bytes", bad: LONG_PING, code: "CONTROL_FRAME_TOO_LONG", bytes: 2 },
  {
    name: "a ping that claims 2 ** 40 bytes",
    bad: { opcode: PING, length: 2n ** 40n },
    code: "CONTROL_FRAME_TOO_LONG",
    bytes: 2,
  },
  {
    name: "a fragmented ping",
    bad: { fin: false, opcode: PING, payload: "ping" },
    code: "CONTROL_FRAME_FRAGMENTED",
    bytes: 2,
  },
  {
    name: "a continuation without a message",
    bad: { opcode: CONTINUATION },
    code: "CONTINUATION_UNEXPECTED",
    bytes: 2,
  },
  {
    name: "a continuation after a whole fragmented message",
    before: [...BEGUN, { opcode: CONTINUATION }],
    bad: { fin: false, opcode: CONTINUATION },
    code: "CONTINUATION_UNEXPECTED",
    bytes: 2,
  },
  {
    name: "a message inside a message",
    before: [...BEGUN, { opcode: PING }],
    bad: { opcode: BINARY, payload: "other" },
    code: "CONTINUATION_EXPECTED",
    bytes: 2,
  },
  {
    name: "a 16-bit length below 126",
    bad: { opcode: TEXT, payload: "short", lengthBits: 16 },
    code: "LENGTH_NOT_MINIMAL",
    bytes: 8,
  },
  {
    name: "a 64-bit length below 65536",
    bad: { opcode: TEXT, payload: random.bytes(300), lengthBits: 64 },
    code: "LENGTH_NOT_MINIMAL",
    bytes: 14,
  },
  {
    name: "a 64-bit length with its top bit set",
    bad: { opcode: TEXT, length: 2n ** 63n, payload: random.bytes(20) },
    code: "LENGTH_TOP_BIT",
    bytes: 14,
  },
  ...[2n ** 17n + 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n].map((length) => ({
    name: `a message of ${length} bytes`,
    bad: { opcode: BINARY, length, payload: random.bytes(20) },
    code: "MESSAGE_TOO_BIG",
    bytes: 14,
  })),
  {
    name: "a fragment that makes the message exceed the limit",
    before: [
      { fin: false, opcode: BINARY, payload: random.bytes((1 << 17) - 200) },
      { fin: false, opcode: CONTINUATION, payload: random.bytes(100) },
    ],
    bad: { opcode: CONTINUATION, payload: random.bytes(101) },
    code: "MESSAGE_TOO_BIG",
    bytes: 6,
  },
];

for (const { name, before = [], bad, code, bytes } of REFUSED) {
  Deno.test(`rejects ${name} with ${code} at byte ${bytes} of the frame, whatever follows`, () => {
    const good = stream(SERVER, before);
    const recorder = new FrameRecorder(SERVER);
    recorder.read(good.slice());
    const refusal = firstRejection(stream(SERVER, [bad]), (byte) => recorder.reader.read(byte));
    assert.equal((refusal?.error as { code?: string })?.code, code);
    assert.equal(refusal?.bytes, bytes);

    const whole = stream(SERVER, [...before, bad, { opcode: TEXT, payload: "later" }]);
    const events = replay(whole, () => new FrameRecorder(SERVER));
    assert.deepEqual(events, [...eventsOf(before), { error: code }]);
  });
}

Deno.test("rejects a masked frame from a server with MASK_UNEXPECTED at its second byte", () => {
  const { reader } = new FrameRecorder(CLIENT);
  const bytes = frame({ opcode: TEXT, payload: "masked", mask: MASK_KEY });
  assert.equal(firstRejection(bytes, (byte) => reader.read(byte))?.bytes, 2);
});

Deno.test("allocates memory only for a truncated header if it rejects a length", () => {
  for (const length of [2n ** 24n + 1n, 2n ** 32n, 2n ** 63n - 1n]) {
    const bytes = header({ opcode: BINARY, length, mask: MASK_KEY });
    for (const cut of [0, 1, 2, 9, 13]) {
      const { reader } = new FrameRecorder({ ...SERVER, maxMessageSize: 1 << 24 });
      const allocations = allocationsOf(() => {
        reader.read(bytes, 0, cut);
        assert.throws(() => reader.read(bytes, cut), { code: "MESSAGE_TOO_BIG", closeCode: 1009 });
      });
      assert.ok(allocations.every((size) => size === 14), `${allocations}`);
      assert.ok(allocations.length <= 1);
    }
  }
});

Deno.test("accepts a message of exactly the size limit, in one frame or in fragments", () => {
  const rules = { ...CLIENT, maxMessageSize: 10 };
  const frames = [
    { opcode: BINARY, payload: "0123456789" },
    { fin: false, opcode: BINARY, payload: "01234" },
    { opcode: PING, payload: "not a part" },
    { fin: false, opcode: CONTINUATION, payload: "56789" },
    { opcode: CONTINUATION },
    { opcode: BINARY, payload: "0123456789" },
  ];
  assert.deepEqual(replay(stream(rules, frames), () => new FrameRecorder(rules)), eventsOf(frames));

  const over = [...frames, { opcode: BINARY, payload: "0123456789a" }];
  const events = replay(stream(rules, over), () => new FrameRecorder(rules));
  assert.deepEqual(events, [...eventsOf(frames), { error: "MESSAGE_TOO_BIG" }]);
});

Deno.test("only a compressed message may slightly exceed maxMessageSize on the wire", () => {
  // The limit applies to the decompressed size, and compression makes incompressible data slightly
  // longer.
  const rules = { ...CLIENT, rsv1: true, maxMessageSize: 1000 };
  const most = compressedLimit(1000);
  assert.ok(most > 1000 && most < 1100);
  const [half, rest] = [random.bytes(500), random.bytes(most - 500)];
  const legal = [
    { rsv: 4, opcode: BINARY, payload: concat(half, rest) },
    { rsv: 4, fin: false, opcode: BINARY, payload: half },
    { opcode: CONTINUATION, payload: rest },
  ];
  assert.deepEqual(replay(stream(rules, legal), () => new FrameRecorder(rules)), eventsOf(legal));
  for (
    const over of [
      { rsv: 4, opcode: BINARY, length: BigInt(most + 1) },
      { opcode: BINARY, length: 1001n },
      { fin: false, opcode: TEXT, length: 1001n },
    ]
  ) {
    const events = replay(stream(rules, [...legal, over]), () => new FrameRecorder(rules));
    assert.deepEqual(events.at(-1), { error: "MESSAGE_TOO_BIG" });
  }
});

Deno.test("maxMessageSize does not limit control frames", () => {
  const rules = { ...CLIENT, maxMessageSize: 1 };
  const frames = [PING, PONG, CLOSE].map((opcode) => ({ opcode, payload: "payload" }));
  assert.deepEqual(replay(stream(rules, frames), () => new FrameRecorder(rules)), eventsOf(frames));
});

Deno.test("accepts a message of maxFragments frames, counting empty frames but not control frames", () => {
  const rules = { ...SERVER, maxFragments: 3 };
  const message: FrameParts[] = [
    { fin: false, opcode: TEXT },
    { opcode: PING },
    { fin: false, opcode: CONTINUATION },
    { opcode: PONG },
    { opcode: PING },
  ];
  const legal = [...message, { opcode: CONTINUATION }];
  // Twice, because counting restarts with each message.
  const frames = [...legal, { opcode: TEXT }, ...legal];
  assert.deepEqual(replay(stream(rules, frames), () => new FrameRecorder(rules)), eventsOf(frames));

  const third = { fin: false, opcode: CONTINUATION };
  const over = stream(rules, [...message, third, { opcode: CONTINUATION }]);
  assert.deepEqual(replay(over, () => new FrameRecorder(rules)), [
    ...eventsOf([...message, third]),
    { error: "TOO_MANY_FRAGMENTS" },
  ]);
});

Deno.test("accepts unfragmented messages if maxFragments is 1", () => {
  const rules = { ...CLIENT, maxFragments: 1 };
  const frames = [{ opcode: TEXT, payload: "a" }, { opcode: TEXT, payload: "b" }];
  assert.deepEqual(replay(stream(rules, frames), () => new FrameRecorder(rules)), eventsOf(frames));
});

Deno.test("delivers a frame in a single chunk as a view, without a copy", () => {
  const chunk = stream(SERVER, [{ opcode: TEXT, payload: "first" }, {
    opcode: TEXT,
    payload: "second",
  }]);
  const seen: [Uint8Array, number, number][] = [];
  const reader = new FrameReader(SERVER, {
    frame: (_first, bytes, start, end) => seen.push([bytes, start, end]),
    frameStart: () => assert.fail(),
    framePiece: () => assert.fail(),
    frameEnd: () => assert.fail(),
  });
  const allocations = allocationsOf(() => reader.read(chunk));
  assert.deepEqual(allocations, []);
  assert.deepEqual(seen.map(([, start, end]) => [start, end]), [[6, 11], [17, 23]]);
  assert.ok(seen.every(([bytes]) => bytes === chunk));
  assert.deepEqual(chunk.subarray(17, 23), utf8("second"));
});

Deno.test("reads only the bytes of a chunk between start and end", () => {
  const recorder = new FrameRecorder(CLIENT);
  const bytes = stream(CLIENT, [{ opcode: TEXT, payload: "a" }, { opcode: TEXT, payload: "b" }]);
  assert.equal(recorder.reader.read(bytes, 3, 5), 5);
  assert.deepEqual(recorder.events, []);
  assert.equal(recorder.reader.read(bytes, 5), 6);
  assert.deepEqual(recorder.events, eventsOf([{ opcode: TEXT, payload: "b" }]));
});

Deno.test("an empty chunk has no effect", () => {
  const recorder = new FrameRecorder(CLIENT);
  for (const byte of stream(CLIENT, [{ opcode: TEXT, payload: "abc" }])) {
    assert.equal(recorder.reader.read(new Uint8Array(0)), 0);
    recorder.read(Uint8Array.of(byte));
  }
  assert.deepEqual(recorder.events, eventsOf([{ opcode: TEXT, payload: "abc" }]));
});
