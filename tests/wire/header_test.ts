import assert from "node:assert/strict";
import {
  checkHeader,
  compressedLimit,
  type FrameRules,
  headerSize,
  readPayloadLength,
  tooManyFragments,
} from "../../src/wire/header.ts";
import { WebSocketError } from "../../src/errors.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  header,
  hex,
  PING,
  TEXT,
} from "../support/vectors.ts";

const LIMITS = { maxMessageSize: 1 << 20, maxFragments: 16 };
const SERVER_READS: FrameRules = { ...LIMITS, masked: true, rsv1: false };
const CLIENT_READS: FrameRules = { ...LIMITS, masked: false, rsv1: false };
const WITH_EXTENSION: FrameRules = { ...CLIENT_READS, rsv1: true };

/** Returns the result of `checkHeader`: `legal`, or the code of the violated rule. */
function verdict(first: number, second: number, rules: FrameRules, inMessage: boolean): string {
  try {
    checkHeader(first, second, rules, inMessage);
    return "legal";
  } catch (error) {
    assert.ok(error instanceof WebSocketError);
    assert.equal(error.name, "ProtocolError");
    assert.equal(error.closeCode, 1002);
    return error.code;
  }
}

interface Rule {
  /** Completes "a frame ... is ...". */
  readonly frame: string;
  readonly first: number;
  readonly second: number;
  readonly rules: FrameRules;
  readonly inMessage?: boolean;
  readonly verdict: string;
}

const RULES: readonly Rule[] = [
  // RFC 6455 5.2, RFC 7692 6: reserved bits.
  ...[0x10, 0x20, 0x30].flatMap((rsv): Rule[] =>
    [CLIENT_READS, WITH_EXTENSION].flatMap((rules): Rule[] => [
      reserved(`with RSV bits ${rsv >> 4} on Text`, 0x80 | rsv | TEXT, rules, false),
      reserved(`with RSV bits ${rsv >> 4} on Ping`, 0x80 | rsv | PING, rules, false),
      reserved(`with RSV bits ${rsv >> 4} on Continuation`, rsv | CONTINUATION, rules, true),
    ])
  ),
  reserved("with RSV1 on Text, without an extension", 0xc0 | TEXT, CLIENT_READS, false),
  reserved("with RSV1 on Continuation, without an extension", 0xc0, CLIENT_READS, true),
  legal("with RSV1 on Text, with an extension", 0xc0 | TEXT, 5, WITH_EXTENSION, false),
  legal(
    "with RSV1 on a first fragment, with an extension",
    0x40 | BINARY,
    5,
    WITH_EXTENSION,
    false,
  ),
  reserved("with RSV1 on Continuation, with an extension", 0xc0, WITH_EXTENSION, true),
  reserved("with RSV1 on Ping, with an extension", 0xc0 | PING, WITH_EXTENSION, false),
  reserved("with RSV1 on Ping inside a message", 0xc0 | PING, WITH_EXTENSION, true),
  reserved("with RSV1 on Close, with an extension", 0xc0 | CLOSE, WITH_EXTENSION, false),
  // RFC 6455 5.2: reserved opcodes.
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Rule[] =>
    [false, true].map((inMessage) => ({
      frame: `with the opcode ${opcode}${inMessage ? " inside a message" : ""}`,
      first: 0x80 | opcode,
      second: 0,
      rules: CLIENT_READS,
      inMessage,
      verdict: "RESERVED_OPCODE",
    }))
  ),
  // RFC 6455 5.1: masking.
  ...[TEXT, BINARY, CLOSE, PING].flatMap((opcode): Rule[] => [
    legal(`of opcode ${opcode} from a client, masked`, 0x80 | opcode, 0x85, SERVER_READS, false),
    {
      frame: `of opcode ${opcode} from a client, not masked`,
      first: 0x80 | opcode,
      second: 0x05,
      rules: SERVER_READS,
      verdict: "MASK_MISSING",
    },
    legal(`of opcode ${opcode} from a server, not masked`, 0x80 | opcode, 5, CLIENT_READS, false),
    {
      frame: `of opcode ${opcode} from a server, masked`,
      first: 0x80 | opcode,
      second: 0x85,
      rules: CLIENT_READS,
      verdict: "MASK_UNEXPECTED",
    },
  ]),
  // RFC 6455 5.5: control frames.
  ...[CLOSE, PING, 10].flatMap((opcode): Rule[] => [
    legal(`of opcode ${opcode} and 125 bytes`, 0x80 | opcode, 125, CLIENT_READS, false),
    tooLong(`of opcode ${opcode} and a 16-bit length`, 0x80 | opcode, 126),
    tooLong(`of opcode ${opcode} and a 64-bit length`, 0x80 | opcode, 127),
    {
      frame: `of opcode ${opcode} without FIN`,
      first: opcode,
      second: 5,
      rules: CLIENT_READS,
      verdict: "CONTROL_FRAME_FRAGMENTED",
    },
    legal(`of opcode ${opcode} inside a message`, 0x80 | opcode, 5, CLIENT_READS, true),
  ]),
  // RFC 6455 5.4: fragments.
  ...[0x80, 0].flatMap((fin): Rule[] => [
    legal(`that continues a message, FIN ${fin >> 7}`, fin, 0, CLIENT_READS, true),
    {
      frame: `that continues no message, FIN ${fin >> 7}`,
      first: fin,
      second: 0,
      rules: CLIENT_READS,
      verdict: "CONTINUATION_UNEXPECTED",
    },
    ...[TEXT, BINARY].map((opcode) => ({
      frame: `of opcode ${opcode} and FIN ${fin >> 7} inside a message`,
      first: fin | opcode,
      second: 0,
      rules: CLIENT_READS,
      inMessage: true,
      verdict: "CONTINUATION_EXPECTED",
    })),
  ]),
];

function legal(
  frame: string,
  first: number,
  second: number,
  rules: FrameRules,
  inMessage: boolean,
): Rule {
  return { frame, first, second, rules, inMessage, verdict: "legal" };
}

function reserved(frame: string, first: number, rules: FrameRules, inMessage: boolean): Rule {
  return { frame, first, second: 5, rules, inMessage, verdict: "RESERVED_BITS" };
}

function tooLong(frame: string, first: number, second: number): Rule {
  return { frame, first, second, rules: CLIENT_READS, verdict: "CONTROL_FRAME_TOO_LONG" };
}

for (const rule of RULES) {
  const extension = rule.rules.rsv1 ? " (RSV1 negotiated)" : "";
  Deno.test(`a frame ${rule.frame}${extension} is ${rule.verdict}`, () => {
    const { first, second, rules, inMessage = false } = rule;
    assert.equal(verdict(first, second, rules, inMessage), rule.verdict);
  });
}

Deno.test("accepts every combination of first and second byte that the RFC allows, and no other", () => {
  for (let first = 0; first < 256; first++) {
    for (const second of [0, 1, 125, 126, 127].flatMap((length) => [length, 0x80 | length])) {
      for (let mode = 0; mode < 8; mode++) {
        const masked = (mode & 1) !== 0;
        const rsv1 = (mode & 2) !== 0;
        const inMessage = (mode & 4) !== 0;
        const found = verdict(first, second, { ...LIMITS, masked, rsv1 }, inMessage);
        assert.equal(
          found === "legal",
          isLegal(first, second, masked, rsv1, inMessage),
          `${first} ${second} ${masked} ${rsv1} ${inMessage}`,
        );
      }
    }
  }
});

/**
 * Implements the rules of RFC 6455 5.1 to 5.5 and RFC 7692 6.1 independently, as a list of allowed
 * values.
 */
function isLegal(
  first: number,
  second: number,
  masked: boolean,
  rsv1: boolean,
  inMessage: boolean,
): boolean {
  const opcode = first & 15;
  const rsv = first >> 4 & 7;
  const beginsMessage = opcode === 1 || opcode === 2;
  const maskFits = second >= 128 === masked;
  const rsvFits = rsv === 0 || rsv === 4 && rsv1 && beginsMessage;
  const data = inMessage ? opcode === 0 : beginsMessage;
  const control = [8, 9, 10].includes(opcode) && first >= 128 && (second & 127) < 126;
  return maskFits && rsvFits && (data || control);
}

Deno.test("the second byte determines the header size", () => {
  for (let length = 0; length < 128; length++) {
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    assert.equal(headerSize(length), 2 + extended);
    assert.equal(headerSize(0x80 | length), 2 + extended + 4);
  }
});

const MIB_16 = 16 << 20;
const MAX_LIMIT = 2 ** 31 - 1;

for (
  const [length, bits] of [
    [0, 7],
    [1, 7],
    [125, 7],
    [126, 16],
    [255, 16],
    [256, 16],
    [32768, 16],
    [65535, 16],
    [65536, 64],
    [MIB_16 - 1, 64],
    [MIB_16, 64],
    [MAX_LIMIT, 64],
  ] as const
) {
  Deno.test(`reads a ${bits}-bit length of ${length}`, () => {
    for (const mask of [undefined, [1, 2, 3, 4]]) {
      const bytes = header({ opcode: BINARY, length: BigInt(length), lengthBits: bits, mask });
      assert.equal(readPayloadLength(bytes, 0, MAX_LIMIT), length);
      assert.equal(readPayloadLength(concat(hex("ff ff ff"), bytes), 3, length), length);
    }
  });
}

for (
  const [length, bits] of [
    [0n, 16],
    [1n, 16],
    [125n, 16],
    [0n, 64],
    [125n, 64],
    [126n, 64],
    [65535n, 64],
  ] as const
) {
  Deno.test(`rejects a ${bits}-bit length of ${length}, which is not the minimal encoding`, () => {
    const bytes = header({ opcode: BINARY, length, lengthBits: bits });
    for (const limit of [0, MAX_LIMIT]) {
      assert.throws(() => readPayloadLength(bytes, 0, limit), {
        name: "ProtocolError",
        code: "LENGTH_NOT_MINIMAL",
        closeCode: 1002,
      });
    }
  });
}

for (const length of [2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
  Deno.test(`rejects a length of ${length}, whose top bit is set, as a protocol error, not as too large`, () => {
    const bytes = header({ opcode: BINARY, length, lengthBits: 64 });
    assert.throws(() => readPayloadLength(bytes, 0, MAX_LIMIT), {
      name: "ProtocolError",
      code: "LENGTH_TOP_BIT",
      closeCode: 1002,
    });
  });
}

for (
  const length of [
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 32n + 1n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
  ]
) {
  Deno.test(`rejects a length of ${length} over a limit of 16 MiB`, () => {
    const bytes = header({ opcode: BINARY, length, lengthBits: 64 });
    assert.throws(() => readPayloadLength(bytes, 0, MIB_16), {
      name: "MessageTooBigError",
      code: "MESSAGE_TOO_BIG",
      closeCode: 1009,
    });
  });
}

Deno.test("accepts a length of exactly the limit and rejects one more byte", () => {
  for (const limit of [0, 1, 124, 125, 126, 65534, 65535, 65536, MAX_LIMIT - 1]) {
    const at = (length: number): Uint8Array => header({ opcode: BINARY, length: BigInt(length) });
    assert.equal(readPayloadLength(at(limit), 0, limit), limit);
    assert.throws(() => readPayloadLength(at(limit + 1), 0, limit), {
      name: "MessageTooBigError",
      message: new RegExp(`${limit + 1} bytes, ${limit} bytes left`),
    });
  }
});

Deno.test("the limit for a compressed message on the wire includes the overhead of stored blocks", () => {
  for (const limit of [0, 1, 1000, 65535, 65536, 1 << 24, MAX_LIMIT]) {
    const stored = limit + 5 * (1 + Math.floor(limit / 65535));
    assert.ok(compressedLimit(limit) >= stored);
    assert.ok(compressedLimit(limit) <= limit * 1.02 + 100);
  }
});

Deno.test("too many fragments are a policy violation, not a protocol error", () => {
  const error = tooManyFragments(7);
  assert.deepEqual([error.code, error.closeCode], ["TOO_MANY_FRAGMENTS", 1008]);
  assert.match(error.message, /more than 7 frames/);
});
