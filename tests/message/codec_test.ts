// Tests compression with a user's codec and with the fflate codec, against zlib.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import * as fflate from "fflate";
import { compressionRules } from "../../src/connection/compression_options.ts";
import { InvalidPayloadError, MessageTooBigError } from "../../src/errors.ts";
import { fflateCodec } from "../../src/fflate.ts";
import {
  acceptDeflate,
  checkDeflateAnswer,
  offerDeflate,
} from "../../src/handshake/deflate_offer.ts";
import { parseExtensions } from "../../src/handshake/extensions.ts";
import { CodecCompression, type CompressionCodec } from "../../src/message/codec.ts";
import type { PermessageRules } from "../../src/message/permessage.ts";
import { bomb } from "../support/bomb.ts";
import { compressed } from "../support/deflated.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";
import { Random } from "../support/random.ts";
import { hex, toHex, utf8 } from "../support/vectors.ts";

const RULES: PermessageRules = { ...PERMESSAGE_RULES, threshold: 1 };
const ALONE = { takeover: false, windowBits: 15 };
const TAKEOVER = { takeover: true, windowBits: 15 };
const LIMIT = 1 << 20;

/** Compresses every message to the same two bytes. */
const SEVENS: CompressionCodec = { name: "sevens", deflate: () => Uint8Array.of(7, 7) };

function open(
  codec: CompressionCodec,
  rules: Partial<PermessageRules> = {},
  inbound = ALONE,
): CodecCompression {
  return new CodecCompression(codec, { ...RULES, ...rules }, inbound, ALONE);
}

function pack(compression: CodecCompression, message: Uint8Array): Uint8Array | undefined {
  const target = new Uint8Array(compression.bound(message.length) + 2);
  const end = compression.deflate(message, 0, message.length, target, 2);
  return end === -1 ? undefined : target.subarray(2, end);
}

/** Decompresses a message (RFC 7692 7.2.2). */
function unpackByZlib(payload: Uint8Array): Uint8Array {
  // zlib stops after a final block. The appended bytes complete the empty block.
  return new Uint8Array(
    inflateRawSync(Buffer.concat([payload, hex("00 00 ff ff 01 00 00 ff ff")])),
  );
}

function* messages(random: Random): Generator<Uint8Array> {
  for (let size = 1; size < 50_000; size = Math.ceil(size * 2.2)) {
    yield random.bytes(size);
    yield new Uint8Array(size).fill(size);
    yield utf8(JSON.stringify(Array.from({ length: size >> 5 }, () => ({
      id: random.below(1000),
      name: `user ${random.below(50)}`,
    }))));
    yield random.bytes(size).map((byte) => byte & 0x11);
  }
}

Deno.test("fflate's output is the final block of the example in RFC 7692 7.2.3.4", () => {
  const { deflate } = fflateCodec(fflate);
  assert.equal(toHex(deflate(utf8("Hello"))), "f348cdc9c9070000");
});

Deno.test("zlib decompresses fflate's output at every level", () => {
  for (const level of [undefined, 0, 1, 6, 9] as const) {
    const compression = open(fflateCodec(fflate, level === undefined ? {} : { level }));
    let packed = 0;
    for (const message of messages(new Random(3))) {
      const payload = pack(compression, message);
      if (payload === undefined) continue;
      packed++;
      assert.ok(payload.length < message.length);
      assert.deepEqual(unpackByZlib(payload), message);
      assert.deepEqual(compression.inflate(payload, 0, payload.length, LIMIT), message);
    }
    assert.ok(level === 0 ? packed === 0 : packed > 25, `${packed} messages were compressed`);
  }
});

Deno.test("does not call fflate for messages that are sent uncompressed", () => {
  let calls = 0;
  const codec: CompressionCodec = { name: "counting", deflate: (data) => (calls++, data) };
  const compression = open(codec, { threshold: 100 });
  assert.deepEqual([0, 1, 99].map((size) => compression.wants(size)), [false, false, false]);
  assert.equal(compression.wants(100), true);
  assert.equal(open(codec, { compress: false }).wants(100), false);
  assert.equal(compression.wantsFragments, false);
  assert.equal(calls, 0);
});

Deno.test("sends a message uncompressed if the codec does not shorten it or throws", () => {
  const message = new Uint8Array(10);
  const failing: CompressionCodec = {
    name: "failing",
    deflate: () => {
      throw new Error("out of order");
    },
  };
  assert.equal(pack(open(failing), message), undefined);
  assert.equal(
    pack(open({ name: "copying", deflate: (data) => data.slice() }), message),
    undefined,
  );
  assert.deepEqual(pack(open(SEVENS), message), Uint8Array.of(7, 7));
});

Deno.test("connections share compressed output only if they use the same codec", () => {
  const one = fflateCodec(fflate);
  assert.equal(open(one).shareKey, open(one).shareKey);
  assert.notEqual(open(one).shareKey, open(fflateCodec(fflate)).shareKey);
});

Deno.test("stops decompression exactly at the limit", () => {
  const compression = open(fflateCodec(fflate));
  const started = bomb();
  assert.throws(() => compression.inflate(started, 0, started.length, LIMIT), MessageTooBigError);
  const message = compressed(new Uint8Array(LIMIT));
  assert.equal(compression.inflate(message, 0, message.length, LIMIT).length, LIMIT);
  assert.throws(
    () => compression.inflate(message, 0, message.length, LIMIT - 1),
    MessageTooBigError,
  );
  assert.equal(compression.inflateWithin(started, 0, started.length, 1 << 30, 1000), undefined);
});

Deno.test("rejects the same corrupt data as zlib", () => {
  const random = new Random(7);
  const compression = open(fflateCodec(fflate));
  let refused = 0;
  for (let round = 0; round < 1000; round++) {
    const message = utf8(JSON.stringify({ round, text: "ab".repeat(random.below(200)) }));
    const payload = deflateRawSync(message, { finishFlush: 2, level: 1 + random.below(9) })
      .subarray(0, -4);
    const damaged = Uint8Array.from(payload);
    for (let i = random.below(3); i >= 0; i--) {
      damaged[random.below(damaged.length)] ^= 1 << random.below(8);
    }
    let expected: Uint8Array | undefined;
    try {
      expected = unpackByZlib(damaged);
    } catch {
      refused++;
    }
    let result: Uint8Array | undefined;
    try {
      result = compression.inflate(damaged, 0, damaged.length, LIMIT).slice();
    } catch (error) {
      assert.ok(error instanceof InvalidPayloadError);
    }
    // quickws is stricter than zlib: it also reads the data after a final block.
    if (expected === undefined) assert.equal(result, undefined);
    else if (result !== undefined) assert.deepEqual(result, expected);
  }
  assert.ok(refused > 150, `zlib rejected ${refused}`);
});

Deno.test("calls the codec's decompress function and enforces the limit on it", () => {
  const answer = (result: Uint8Array | undefined | Error, inbound = ALONE): Uint8Array => {
    const inflate = (): Uint8Array | undefined => {
      if (result instanceof Error) throw result;
      return result;
    };
    const payload = compressed("really");
    return open({ ...SEVENS, inflate }, {}, inbound).inflate(payload, 0, payload.length, 10);
  };
  assert.deepEqual(answer(new Uint8Array(10)), new Uint8Array(10));
  assert.throws(() => answer(new Uint8Array(11)), MessageTooBigError);
  assert.throws(() => answer(undefined), MessageTooBigError);
  assert.throws(
    () => answer(new Error("no such block")),
    /codec sevens cannot decompress a message: no such/,
  );
  assert.throws(() => answer(new Error("x")), InvalidPayloadError);
  // The peer uses takeover anyway, but a codec cannot resolve references to earlier messages.
  assert.deepEqual(answer(undefined, TAKEOVER), utf8("really"));
  const refusing = open({ ...SEVENS, inflate: () => new Uint8Array(1) }, { decompress: false });
  assert.throws(() => refusing.inflate(compressed("x"), 0, 3, 10), /compression.decompress/);
});

Deno.test("rejects options that the codec does not support", () => {
  const codec = fflateCodec(fflate);
  for (
    const [options, isServer, name] of [
      [{ serverContextTakeover: true }, true, "serverContextTakeover"],
      [{ clientContextTakeover: true }, true, "clientContextTakeover"],
      [{ serverContextTakeover: true }, false, "serverContextTakeover"],
      [{ level: "best" }, true, "level"],
      [{ serverMaxWindowBits: 14 }, true, "serverMaxWindowBits"],
      [{ clientMaxWindowBits: 9 }, false, "clientMaxWindowBits"],
    ] as const
  ) {
    assert.throws(
      () => compressionRules({ codec, ...options }, isServer, LIMIT),
      new RegExp(`^TypeError: Option "compression.${name}" cannot be .* with a codec`),
    );
  }
  assert.equal(
    compressionRules({ codec, clientMaxWindowBits: 9 }, true, LIMIT)?.clientMaxWindowBits,
    9,
  );
  for (const wrong of [null, "fflate", {}, { name: "x" }, { name: "x", deflate: 1 }]) {
    assert.throws(
      () => compressionRules({ codec: wrong as unknown as CompressionCodec }, true, LIMIT),
      /^TypeError: Option "compression.codec" must be an object with a name, a function deflate/,
    );
  }
});

Deno.test("fflateCodec rejects a module that is not fflate and invalid options", () => {
  for (const wrong of [undefined, null, {}, { deflateSync: 1 }]) {
    assert.throws(() => fflateCodec(wrong as unknown as typeof fflate), /takes the module fflate/);
  }
  assert.throws(() => fflateCodec(fflate, { level: 10 as 9 }), RangeError);
  assert.throws(() => fflateCodec(fflate, { mem: -1 as 0 }), RangeError);
  assert.throws(() => fflateCodec(fflate, { levels: 1 } as never), /levels/);
});

Deno.test("does not negotiate a window that the codec cannot use", () => {
  const config = compressionRules({ codec: SEVENS }, true, LIMIT)!;
  const accept = (offer: string): string | undefined =>
    acceptDeflate(parseExtensions([offer]), config)?.extensions;
  const alone = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  assert.equal(accept("permessage-deflate; server_max_window_bits=10"), undefined);
  assert.equal(
    accept("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
    alone,
  );
  assert.equal(
    accept("permessage-deflate; server_max_window_bits=15"),
    `${alone}; server_max_window_bits=15`,
  );
  assert.equal(offerDeflate(config), alone);
  const answer = (text: string) => checkDeflateAnswer(parseExtensions([text]), config);
  assert.deepEqual(answer("permessage-deflate")?.outbound, ALONE);
  assert.throws(() => answer("permessage-deflate; client_max_window_bits=10"), /was not offered/);
});
