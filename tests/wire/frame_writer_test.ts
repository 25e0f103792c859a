import assert from "node:assert/strict";
import {
  copyBytes,
  frameHeaderSize,
  type FrameOutput,
  sealFrame,
  writeFrame,
} from "../../src/wire/frame_writer.ts";
import { readMaskKey } from "../../src/wire/mask.ts";
import { FIN, Opcode } from "../../src/wire/opcode.ts";
import { FrameRecorder } from "../support/frame_recorder.ts";
import { Random } from "../support/random.ts";
import { BINARY, frame, header, hex, MASK_KEY, PING, TEXT, utf8 } from "../support/vectors.ts";

const SIZES = [0, 1, 3, 4, 5, 63, 64, 65, 124, 125, 126, 127, 255, 256, 300, 65535, 65536, 70000];

const random = new Random(53);

/** Always returns the same mask key. */
function masks(): number {
  return readMaskKey(Uint8Array.from(MASK_KEY), 0);
}

/**
 * A buffer whose frames begin at an odd offset. It is filled with a value that shows unwritten
 * bytes.
 */
class Output implements FrameOutput {
  readonly memory: Uint8Array;
  offset = 5;
  reserved = 0;

  constructor(size: number) {
    this.memory = new Uint8Array(size + 10).fill(0xa5);
  }

  get written(): Uint8Array {
    return this.memory.subarray(5, this.offset);
  }

  reserve(size: number): Uint8Array {
    this.reserved = size;
    return this.memory;
  }

  commit(size: number): void {
    assert.ok(size <= this.reserved, "more was committed than was reserved");
    this.offset += size;
  }
}

Deno.test("the header size depends on the payload length and the mask", () => {
  const sizes = [[0, 2], [125, 2], [126, 4], [65535, 4], [65536, 10], [2 ** 32, 10], [2 ** 47, 10]];
  for (const [length, size] of sizes) {
    assert.equal(frameHeaderSize(length, false), size);
    assert.equal(frameHeaderSize(length, true), size + 4);
  }
});

for (const size of SIZES) {
  Deno.test(`writes a frame of ${size} bytes byte for byte, masked and unmasked`, () => {
    const payload = random.bytes(size);
    for (const mask of [undefined, MASK_KEY]) {
      const output = new Output(size + 14);
      writeFrame(output, FIN | BINARY, payload, 0, size, mask === undefined ? undefined : masks);
      assert.deepEqual(output.written, frame({ opcode: BINARY, payload, mask }));
      assert.ok(output.memory.subarray(output.offset).every((byte) => byte === 0xa5));
    }
  });
}

Deno.test("the reader of the other side can read the written frames", () => {
  for (const masked of [false, true]) {
    const output = new Output(400_000);
    const payloads = SIZES.map((size) => random.bytes(size));
    for (const payload of payloads) {
      const source = masked ? () => random.below(0x100000000) | 0 : undefined;
      writeFrame(output, FIN | BINARY, payload, 0, payload.length, source);
    }
    const rules = { masked, rsv1: false, maxMessageSize: 1 << 20, maxFragments: 1 };
    const recorder = new FrameRecorder(rules);
    recorder.read(output.written.slice());
    assert.deepEqual(
      recorder.events,
      payloads.map((payload) => ({ first: FIN | BINARY, payload })),
    );
  }
});

Deno.test("masking does not modify the caller's payload", () => {
  for (const size of SIZES) {
    const payload = random.bytes(size);
    const before = payload.slice();
    writeFrame(new Output(size + 14), FIN | BINARY, payload, 0, size, masks);
    assert.deepEqual(payload, before);
  }
});

Deno.test("writes a payload from the middle of a buffer", () => {
  const memory = random.bytes(400);
  for (const [start, end] of [[0, 10], [10, 20], [1, 100], [0, 400], [400, 400], [1, 400]]) {
    const output = new Output(410);
    writeFrame(output, FIN | BINARY, memory, start, end, undefined);
    assert.deepEqual(output.written, frame({ opcode: BINARY, payload: memory.slice(start, end) }));
  }
});

Deno.test("masks every frame with a new key", () => {
  const keys = [0x04030201, 0x08070605, -1];
  const output = new Output(100);
  for (const _ of [1, 2, 3]) {
    writeFrame(output, FIN | PING, utf8("abcd"), 0, 4, () => keys.shift()!);
  }
  const key = (n: number): string => [...output.written.subarray(n * 10 + 2, n * 10 + 6)].join();
  assert.deepEqual([key(0), key(1), key(2)], ["1,2,3,4", "5,6,7,8", "255,255,255,255"]);
});

Deno.test("writes the first byte as given: FIN, RSV1 and opcode", () => {
  for (
    const [first, parts] of [
      [FIN | Opcode.Text, { opcode: TEXT }],
      [Opcode.Text, { fin: false, opcode: TEXT }],
      [FIN | 0x40 | Opcode.Text, { rsv: 4, opcode: TEXT }],
      [FIN, { opcode: 0 }],
    ] as const
  ) {
    const output = new Output(20);
    writeFrame(output, first, utf8("abc"), 0, 3, undefined);
    assert.deepEqual(output.written, frame({ ...parts, payload: "abc" }));
  }
});

for (
  const length of [125, 126, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1]
    .concat(2 ** 48 - 1, 2 ** 48, 2 ** 53 - 1)
) {
  Deno.test(`encodes a payload length of ${length} in the header`, () => {
    const want = header({ opcode: BINARY, length: BigInt(length) });
    // Without masking, only the header is written, so the buffer need not contain the payload.
    const bytes = new Uint8Array(20).fill(0xa5);
    const end = sealFrame(bytes, 3, FIN | BINARY, length, undefined);
    assert.equal(end, 3 + want.length + length);
    assert.deepEqual(bytes.slice(3, 3 + want.length), want);
    assert.equal(bytes[3 + want.length], 0xa5);
  });
}

Deno.test("writes the header in front of a payload that is already in place, and masks it there", () => {
  const bytes = new Uint8Array(16).fill(0xa5);
  bytes.set(utf8("Hello"), 9);
  assert.equal(sealFrame(bytes, 3, FIN | TEXT, 5, masks), 14);
  // RFC 6455 5.7: "A single-frame masked text message".
  assert.deepEqual(bytes.subarray(3, 14), hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  assert.deepEqual([bytes[2], bytes[14]], [0xa5, 0xa5]);
});

Deno.test("copies correctly at every length, with the loop and with set()", () => {
  for (let size = 0; size <= 200; size++) {
    const source = random.bytes(size + 3);
    for (const [start, end] of [[0, size], [0, size + 3], [2, size + 2], [3, size + 3]]) {
      const target = new Uint8Array(size + 10).fill(0xa5);
      copyBytes(source, start, end, target, 4);
      const want = new Uint8Array(size + 10).fill(0xa5);
      want.set(source.slice(start, end), 4);
      assert.deepEqual(target, want);
    }
  }
});
