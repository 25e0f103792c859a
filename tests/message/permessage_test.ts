import assert from "node:assert/strict";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { ContextMemories, MemoryGovernor } from "../../src/message/memory_governor.ts";
import {
  PermessageDeflate,
  type PermessageDirection,
  type PermessageRules,
} from "../../src/message/permessage.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";
import { Random } from "../support/random.ts";
import { concat, hex, toHex, utf8 } from "../support/vectors.ts";

const ALONE: PermessageDirection = { takeover: false, windowBits: 15 };
const TAKEOVER: PermessageDirection = { takeover: true, windowBits: 15 };
const LIMIT = 1 << 20;

const random = new Random(7692);

function open(
  rules: Partial<PermessageRules> = {},
  inbound: PermessageDirection = ALONE,
  outbound: PermessageDirection = ALONE,
): PermessageDeflate {
  return new PermessageDeflate({ ...PERMESSAGE_RULES, ...rules }, inbound, outbound);
}

/** Decompresses a message from the middle of a buffer. */
function unpack(compression: PermessageDeflate, packed: Uint8Array, limit = LIMIT): Uint8Array {
  const memory = concat(hex("ff ff"), packed, hex("ff"));
  return compression.inflate(memory, 2, 2 + packed.length, limit).slice();
}

/** Compresses a message from the middle of a buffer into the middle of another. */
function pack(compression: PermessageDeflate, message: Uint8Array): Uint8Array | undefined {
  const source = concat(hex("ff"), message, hex("ff"));
  const target = new Uint8Array(message.length + 12).fill(0xa5);
  const end = compression.deflate(source, 1, 1 + message.length, target, 5);
  assert.deepEqual(target.slice(0, 5), hex("a5 a5 a5 a5 a5"));
  assert.deepEqual(target.slice(-5), hex("a5 a5 a5 a5 a5"));
  if (end === -1) return undefined;
  const growth = compression.shareKey === undefined ? 2 : -1;
  assert.ok(end - 5 <= message.length + growth, "the output is not longer than allowed");
  return target.slice(5, end);
}

/** RFC 7692 7.2.2: the sender removes these bytes, and the receiver appends them. */
const TAIL = hex("00 00 ff ff");

/** Creates text that compresses well and is different each time. */
function compressibleText(size: number): Uint8Array {
  const words = ["the ", "quick ", "brown ", "fox ", "jumps ", "over ", "lazy ", "dog "];
  let text = "";
  while (text.length < size) text += random.pick(words);
  return utf8(text.slice(0, size));
}

for (
  const [name, packed] of [
    ["of fixed codes (7.2.3.1)", "f2 48 cd c9 c9 07 00"],
    ["without compression (7.2.3.3)", "00 05 00 fa ff 48 65 6c 6c 6f 00"],
    ["that has the final bit (7.2.3.4)", "f3 48 cd c9 c9 07 00 00"],
    ["in two blocks (7.2.3.5)", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"],
  ]
) {
  Deno.test(`decompresses the RFC's Hello in a block ${name}`, () => {
    for (const inbound of [ALONE, TAKEOVER]) {
      const compression = open({}, inbound);
      for (const _ of [1, 2]) assert.deepEqual(unpack(compression, hex(packed)), utf8("Hello"));
    }
  });
}

Deno.test("decompresses the RFC's second Hello, which refers to the first, with takeover (7.2.3.2)", () => {
  const [first, second] = [hex("f2 48 cd c9 c9 07 00"), hex("f2 00 11 00 00")];
  const compression = open({}, TAKEOVER);
  assert.deepEqual(unpack(compression, first), utf8("Hello"));
  assert.deepEqual(unpack(compression, second), utf8("Hello"));

  const alone = open({}, ALONE);
  unpack(alone, first);
  assert.throws(() => unpack(alone, second), { code: "INVALID_DEFLATE_DATA", closeCode: 1007 });
});

Deno.test("compresses an empty message to one byte (7.2.3.6)", () => {
  assert.deepEqual(unpack(open(), hex("00")), hex(""));
});

Deno.test("decompresses the output of another implementation, with and without takeover", () => {
  for (const size of [0, 1, 100, 5000, 200_000]) {
    const message = compressibleText(size);
    const packed = new Uint8Array(deflateRawSync(message, { finishFlush: 2 }));
    assert.deepEqual(packed.slice(-4), TAIL);
    for (const inbound of [ALONE, TAKEOVER]) {
      assert.deepEqual(unpack(open({}, inbound), packed.slice(0, -4)), message);
    }
  }
});

Deno.test("another implementation decompresses quickws's output", () => {
  for (const level of ["auto", "fast", "best"] as const) {
    const alone = open({ level });
    const takeover = open({ level }, ALONE, TAKEOVER);
    let stream = new Uint8Array(0);
    let sent = new Uint8Array(0);
    for (const size of [10, 300, 5000, 100, 70_000, 300]) {
      const message = compressibleText(size);
      const packed = pack(alone, message);
      if (packed !== undefined) {
        const whole = inflateRawSync(concat(packed, TAIL), { finishFlush: 2 });
        assert.deepEqual(new Uint8Array(whole), message);
      }
      const linked = pack(takeover, message);
      if (linked === undefined) continue;
      stream = concat(stream, linked, TAIL).slice();
      sent = concat(sent, message).slice();
      const all = inflateRawSync(stream, { finishFlush: 2 });
      assert.deepEqual(new Uint8Array(all), sent, "each message may refer to earlier ones");
    }
    assert.ok(sent.length > 75_000);
  }
});

/** Compresses fragments and joins the results. */
function packFragments(compression: PermessageDeflate, fragments: Uint8Array[]): Uint8Array {
  const parts = fragments.map((fragment, index) => {
    const source = concat(hex("ff"), fragment, hex("ff"));
    const bound = compression.bound(fragment.length);
    const target = new Uint8Array(bound + 10).fill(0xa5);
    const last = index === fragments.length - 1;
    const end = compression.deflateFragment(source, 1, 1 + fragment.length, last, target, 5);
    assert.deepEqual(target.slice(0, 5), hex("a5 a5 a5 a5 a5"));
    assert.deepEqual(target.slice(bound + 5), hex("a5 a5 a5 a5 a5"));
    return target.slice(5, end);
  });
  return concat(...parts);
}

/** Fragments of different sizes: empty, short, long, and random bytes. */
const FRAGMENTED: readonly [what: string, fragments: Uint8Array[]][] = [
  ["one", [compressibleText(1000)]],
  ["one fragment and an empty last one", [compressibleText(1000), hex("")]],
  ["only empty fragments", [hex(""), hex(""), hex("")]],
  ["empty fragments before and between others", [
    hex(""),
    utf8("Hello"),
    hex(""),
    utf8("Hello"),
    hex(""),
  ]],
  ["single bytes", [...compressibleText(300)].map((byte) => Uint8Array.of(byte))],
  ["noise", [random.bytes(3000), random.bytes(1)]],
  ["random bytes between text", [
    compressibleText(3000),
    random.bytes(500),
    compressibleText(3000),
    hex(""),
  ]],
  ["long fragments", [
    compressibleText(80_000),
    random.bytes(80_000),
    compressibleText(40_000),
    hex(""),
  ]],
];

for (const [what, fragments] of FRAGMENTED) {
  Deno.test(`fragments (${what}) make up one compressed message`, () => {
    const message = concat(...fragments);
    for (const level of ["auto", "fast", "best"] as const) {
      for (const windowBits of [8, 15]) {
        for (const takeover of [false, true]) {
          const [sender, receiver] = [
            open({ level }, ALONE, { takeover, windowBits }),
            open({}, { takeover, windowBits }),
          ];
          // The data that zlib has to decompress so far, and the expected result.
          let stream = new Uint8Array(0);
          let sent = new Uint8Array(0);
          for (const _ of [1, 2]) {
            const packed = packFragments(sender, fragments);
            assert.ok(packed.length > 0, "zlib accepts no empty input");
            assert.deepEqual(unpack(receiver, packed), message);
            stream = concat(takeover ? stream : hex(""), packed, TAIL).slice();
            sent = concat(takeover ? sent : hex(""), message).slice();
            const all = inflateRawSync(stream, { finishFlush: 2 });
            assert.deepEqual(new Uint8Array(all), sent);
            // Whole messages in between.
            const whole = compressibleText(400);
            const wholePacked = pack(sender, whole)!;
            assert.deepEqual(unpack(receiver, wholePacked), whole);
            stream = concat(takeover ? stream : hex(""), wholePacked, TAIL).slice();
            sent = concat(takeover ? sent : hex(""), whole).slice();
          }
          sender.close();
          receiver.close();
        }
      }
    }
  });
}

Deno.test("a fragment refers to earlier fragments, and to earlier messages only with takeover", () => {
  const record = utf8(toHex(random.bytes(50)));
  for (const outbound of [ALONE, TAKEOVER]) {
    const compression = open({}, ALONE, outbound);
    const once = packFragments(compression, [record]).length;
    const twice = packFragments(compression, [record, record]).length;
    assert.ok(twice < (outbound.takeover ? once / 2 : once * 1.5), `${once}, then ${twice}`);
    compression.close();
  }
});

Deno.test("the receiver can decompress each fragment on arrival, except the last", () => {
  const compression = open();
  const target = new Uint8Array(2000);
  let stream = new Uint8Array(0);
  let sent = "";
  for (const text of ["one fish, ", "two fish, ", "red fish, ", "blue fish"]) {
    const end = compression.deflateFragment(utf8(text), 0, text.length, false, target, 0);
    stream = concat(stream, target.slice(0, end)).slice();
    sent += text;
    assert.equal(inflateRawSync(stream, { finishFlush: 2 }).toString(), sent);
  }
  compression.close();
});

Deno.test("fragments use memory until their message ends, and close releases it", () => {
  const all = ContextMemories.ofProcess;
  const before = all.byteLength;
  const compression = open();
  const target = new Uint8Array(6000);
  const fragment = compressibleText(5000);
  for (const _ of [1, 2]) {
    compression.deflateFragment(fragment, 0, 5000, false, target, 0);
    assert.ok(all.byteLength > before);
    compression.deflateFragment(fragment, 0, 0, true, target, 0);
    assert.equal(all.byteLength, before);
  }
  compression.deflateFragment(fragment, 0, 5000, false, target, 0);
  compression.close();
  assert.equal(all.byteLength, before);
});

Deno.test("dropping a context between two fragments does not corrupt the message", () => {
  for (const takeover of [false, true]) {
    // There is memory for at most one of the two encoders.
    const rules = { memoryLimit: MemoryGovernor.ofProcess.byteLength + 10_000 };
    const outbound = { takeover, windowBits: 15 };
    const senders = [open(rules, ALONE, outbound), open(rules, ALONE, outbound)];
    const receivers = [open({}, outbound), open({}, outbound)];
    const packed: Uint8Array[][] = [[], []];
    const message = compressibleText(20_000);
    const target = new Uint8Array(2000);
    for (let round = 0; round < 3; round++) {
      for (let from = 0; from < message.length; from += 1000) {
        for (const which of [0, 1]) {
          const last = from + 1000 === message.length;
          const end = senders[which]
            .deflateFragment(message, from, from + 1000, last, target, 0);
          packed[which].push(target.slice(0, end));
          assert.ok(MemoryGovernor.ofProcess.byteLength <= rules.memoryLimit + 65_536);
        }
      }
      for (const which of [0, 1]) {
        const whole = concat(...packed[which].splice(0));
        assert.deepEqual(unpack(receivers[which], whole), message);
      }
    }
    for (const one of [...senders, ...receivers]) one.close();
  }
});

Deno.test("sends incompressible messages uncompressed, without adding them to the takeover history", () => {
  const [sender, receiver] = [open({}, ALONE, TAKEOVER), open({}, TAKEOVER)];
  let plain = 0;
  for (let i = 0; i < 60; i++) {
    const message = i % 3 === 0 ? random.bytes(200 + i) : compressibleText(50 + 20 * i);
    const packed = pack(sender, message);
    if (packed === undefined) plain++;
    else assert.deepEqual(unpack(receiver, packed), message);
  }
  assert.equal(plain, 20);
});

Deno.test("takeover makes similar messages shorter", () => {
  const compression = open({ level: "best" }, ALONE, TAKEOVER);
  const message = utf8(toHex(random.bytes(200)));
  const [first, second] = [pack(compression, message)!, pack(compression, message)!];
  assert.ok(second.length < first.length / 4, `${first.length}, then ${second.length}`);
});

Deno.test("takeover compresses short messages that repeat only earlier messages", () => {
  const sizes = (outbound: PermessageDirection): (number | undefined)[] => {
    const [sender, receiver] = [open({ threshold: 0 }, ALONE, outbound), open({}, outbound)];
    const sizes = [1, 2, 3, 4].map((i) => {
      const message = utf8(`{"type":"tick","symbol":"ABC","price":17.${i}}`);
      const packed = pack(sender, message);
      if (packed !== undefined) assert.deepEqual(unpack(receiver, packed), message);
      return packed?.length;
    });
    for (const one of [sender, receiver]) one.close();
    return sizes;
  };
  assert.deepEqual(sizes(ALONE), [undefined, undefined, undefined, undefined]);
  // The first message is stored: its 43 bytes and 2 more.
  assert.deepEqual(sizes(TAKEOVER), [45, 6, 6, 6]);
});

Deno.test("sends very short messages and random bytes uncompressed in every mode", () => {
  const compression = open({}, ALONE, TAKEOVER);
  for (const text of ["a", "abc", "abcdefg"]) {
    assert.equal(pack(compression, utf8(text)), undefined);
  }
  assert.equal(pack(compression, utf8("abcdefgh"))!.length, 10);
  for (const size of [40, 1000]) assert.equal(pack(compression, random.bytes(size)), undefined);
  compression.close();
});

Deno.test("honors the negotiated window", () => {
  // The same random bytes twice: only a window larger than their length can refer back.
  const noise = random.bytes(1000);
  const message = concat(noise, noise);
  for (const [windowBits, shortens] of [[8, false], [9, false], [10, true], [15, true]] as const) {
    for (const takeover of [false, true]) {
      const packed = pack(open({ level: "best" }, ALONE, { takeover, windowBits }), message);
      assert.equal(packed !== undefined, shortens, `${windowBits} bits`);
    }
  }
});

for (const inbound of [ALONE, TAKEOVER]) {
  Deno.test(`limits the decompressed size exactly, takeover ${inbound.takeover}`, () => {
    for (const size of [1, 1000, 65_536, 1 << 20]) {
      const packed = new Uint8Array(deflateRawSync(new Uint8Array(size), { finishFlush: 2 }));
      const wire = packed.slice(0, -4);
      assert.equal(unpack(open({}, inbound), wire, size).length, size);
      assert.throws(() => unpack(open({}, inbound), wire, size - 1), {
        name: "MessageTooBigError",
        closeCode: 1009,
      });
    }
  });

  Deno.test(`reports corrupt data as the peer's error, takeover ${inbound.takeover}`, () => {
    for (const packed of ["07", "ff ff ff", "f2 48 cd c9", "06 00 ff", "00 05 00 fa fe 48"]) {
      assert.throws(() => unpack(open({}, inbound), hex(packed)), {
        name: "InvalidPayloadError",
        code: "INVALID_DEFLATE_DATA",
        closeCode: 1007,
      });
    }
  });
}

Deno.test("decompresses or rejects random bytes, without any other error", () => {
  for (let run = 0; run < 3000; run++) {
    const compression = open({}, run % 2 === 0 ? ALONE : TAKEOVER);
    try {
      assert.ok(unpack(compression, random.bytes(random.below(60)), 5000).length <= 5000);
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.match(error.name, /^(InvalidPayloadError|MessageTooBigError)$/);
    }
  }
});

Deno.test("rejects compressed messages with 1003 if decompress is off", () => {
  assert.throws(() => unpack(open({ decompress: false }), hex("00")), {
    code: "COMPRESSION_REFUSED",
    closeCode: 1003,
  });
});

Deno.test("the default threshold is 256 bytes; with takeover, every message is compressed", () => {
  const wanted = (compression: PermessageDeflate) =>
    [0, 1, 99, 100, 255, 256, 100_000].filter((length) => compression.wants(length));
  assert.deepEqual(wanted(open()), [256, 100_000]);
  assert.deepEqual(wanted(open({}, TAKEOVER, ALONE)), [256, 100_000]);
  assert.deepEqual(wanted(open({}, ALONE, TAKEOVER)), [1, 99, 100, 255, 256, 100_000]);
  assert.deepEqual(wanted(open({ threshold: 100 })), [100, 255, 256, 100_000]);
  assert.deepEqual(wanted(open({ threshold: 100 }, ALONE, TAKEOVER)), [100, 255, 256, 100_000]);
  assert.deepEqual(wanted(open({ threshold: 0 })), [1, 99, 100, 255, 256, 100_000]);
  assert.deepEqual(wanted(open({ compress: false, threshold: 0 })), []);
});

Deno.test("compresses messages in fragments regardless of the threshold, unless compress is off", () => {
  assert.equal(open({ threshold: 1000 }).wantsFragments, true);
  assert.equal(open({ compress: false }).wantsFragments, false);
});

Deno.test("connections share compressed output if their settings produce the same bytes", () => {
  const key = (rules: Partial<PermessageRules>, outbound: PermessageDirection) =>
    open(rules, TAKEOVER, outbound).shareKey;
  assert.equal(key({}, ALONE), key({ threshold: 7 }, ALONE));
  assert.notEqual(key({ level: "fast" }, ALONE), key({ level: "best" }, ALONE));
  assert.notEqual(key({}, ALONE), key({}, { takeover: false, windowBits: 9 }));
  assert.equal(key({}, TAKEOVER), undefined, "with takeover, output differs per connection");
});

Deno.test("allocates memory only with takeover, and close releases it", () => {
  const all = ContextMemories.ofProcess;
  const before = all.byteLength;
  const message = compressibleText(5000);
  const packed = pack(open(), message)!;
  unpack(open(), packed);
  assert.equal(all.byteLength, before);

  // Contexts of other tests in this process would be dropped first.
  const rules = { memoryLimit: MemoryGovernor.ofProcess.byteLength + 100_000 };
  const sender = open(rules, ALONE, TAKEOVER);
  pack(sender, message);
  const encoder = all.byteLength - before;
  assert.ok(encoder >= 4096 && encoder <= 16384, `an encoder takes ${encoder} bytes`);
  const receiver = open(rules, { takeover: true, windowBits: 10 }, ALONE);
  const wire = new Uint8Array(deflateRawSync(message, { finishFlush: 2, windowBits: 10 }));
  unpack(receiver, wire.slice(0, -4));
  assert.equal(all.byteLength - before, encoder + 1024);

  for (const _ of [1, 2]) receiver.close();
  assert.equal(all.byteLength - before, encoder);
  sender.close();
  assert.equal(all.byteLength, before);
});

Deno.test("over memoryLimit, senders drop their contexts, and receivers can still decompress their messages", () => {
  const count = 20;
  // There is memory for some encoders, not for all.
  const rules = { memoryLimit: MemoryGovernor.ofProcess.byteLength + 100_000 };
  const takeover = { takeover: true, windowBits: 10 };
  const senders = Array.from({ length: count }, () => open(rules, ALONE, takeover));
  const receivers = senders.map(() => open(rules, takeover, ALONE));
  for (let round = 0; round < 200; round++) {
    const message = compressibleText(100 + 20 * round);
    const index = random.below(count);
    const packed = pack(senders[index], message);
    if (packed !== undefined) assert.deepEqual(unpack(receivers[index], packed), message);
    assert.ok(MemoryGovernor.ofProcess.byteLength <= rules.memoryLimit);
  }
  for (const one of [...senders, ...receivers]) one.close();
});
