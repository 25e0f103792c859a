import assert from "node:assert/strict";
import { FrameReader, type FrameSink } from "../../src/wire/frame_reader.ts";
import { simdMask } from "../../src/connection/simd_mask.ts";
import { maskWith } from "../../src/wire/mask.ts";
import { FrameRecorder } from "../support/frame_recorder.ts";
import { BINARY, concat, CONTINUATION, frame, PING, TEXT } from "../support/vectors.ts";

const RULES = { masked: false, rsv1: false, maxMessageSize: 1000, maxFragments: 10 };

const STREAM = concat(
  frame({ opcode: TEXT, payload: "a" }),
  frame({ fin: false, opcode: BINARY, payload: "bcd" }),
  frame({ opcode: PING }),
  frame({ opcode: CONTINUATION, payload: "efg" }),
);

/** Where each frame of the stream ends. */
const FRAME_ENDS = [3, 8, 10, 15];

/** Stops its reader at every delivered frame. */
class StoppingSink implements FrameSink {
  readonly reader = new FrameReader(RULES, this);
  frames = 0;

  frame(): void {
    this.frames++;
    this.reader.stop();
  }

  frameStart(): void {}

  framePiece(): void {}

  frameEnd(): void {
    this.frame();
  }
}

Deno.test("stops after the current frame when the sink stops the reader", () => {
  const sink = new StoppingSink();
  let at = 0;
  for (const [index, end] of FRAME_ENDS.entries()) {
    sink.reader.resume();
    at = sink.reader.read(STREAM.slice(), at);
    assert.equal(at, end);
    assert.equal(sink.frames, index + 1);
  }
});

Deno.test("a stopped reader consumes no input, and resumes without loss for any chunk split", () => {
  for (let cut = 1; cut < STREAM.length; cut++) {
    const sink = new StoppingSink();
    for (const [from, to] of [[0, cut], [cut, STREAM.length]]) {
      const chunk = STREAM.slice(from, to);
      let at = 0;
      while (at < chunk.length) {
        const framesBefore = sink.frames;
        at = sink.reader.read(chunk, at);
        if (at < chunk.length) {
          assert.equal(sink.frames, framesBefore + 1, "the reader stops after one frame");
          assert.equal(sink.reader.read(chunk, at), at, "a stopped reader reads no input");
        }
        sink.reader.resume();
      }
    }
    assert.equal(sink.frames, 4, `cut at ${cut}`);
  }
});

Deno.test("a reader that stops between many short masked frames reads all of them correctly", () => {
  maskWith(simdMask);
  const payloads = Array.from({ length: 300 }, (_, i) => new Uint8Array(i % 200).fill(i));
  const chunk = concat(
    ...payloads.map((payload, i) =>
      frame({ opcode: BINARY, mask: [i & 255, 3, 99, 255], payload })
    ),
  );
  for (const step of [1, 7, 100, 1000]) {
    const read: Uint8Array[] = [];
    const reader: FrameReader = new FrameReader({ ...RULES, masked: true }, {
      frame(_, bytes, start, end) {
        read.push(bytes.slice(start, end));
        if (read.length % step === 0) reader.stop();
      },
      frameStart: () => assert.fail(),
      framePiece: () => assert.fail(),
      frameEnd: () => assert.fail(),
    });
    // A paused connection keeps the rest of the chunk in the same way.
    for (let rest = chunk.slice(); rest.length > 0; reader.resume()) {
      rest = rest.subarray(reader.read(rest));
    }
    assert.deepEqual(read, payloads, `${step} frames before each stop`);
  }
});

Deno.test("reads many short frames correctly, wherever the chunk ends", () => {
  maskWith(simdMask);
  const payloads = Array.from({ length: 40 }, (_, i) => new Uint8Array(40 + i).fill(i));
  const chunk = concat(
    ...payloads.map((payload, i) => frame({ opcode: BINARY, mask: [i, 3, 99, 255], payload })),
  );
  for (let cut = chunk.length - 100; cut < chunk.length; cut++) {
    const recorder = new FrameRecorder({ ...RULES, masked: true });
    recorder.read(chunk.slice(0, cut));
    recorder.read(chunk.slice(cut));
    assert.deepEqual(recorder.events, payloads.map((payload) => ({ first: 0x82, payload })));
  }
});

Deno.test("stops only at the end of a frame that spans several chunks", () => {
  const recorder = new FrameRecorder(RULES);
  recorder.read(STREAM.slice(0, 6));
  recorder.reader.stop();
  assert.equal(recorder.reader.read(STREAM.slice(6)), 0);
  recorder.reader.resume();
  recorder.read(STREAM.slice(6));
  assert.equal(recorder.events.length, 4);
});

Deno.test("knows at every byte whether it is inside a frame or a message", () => {
  const { reader } = new FrameRecorder(RULES);
  assert.equal(reader.midMessage, false);
  // Between the fragments of a message the reader is inside the message, even after a whole ping.
  const outside = new Set([3, 15]);
  for (let at = 0; at < STREAM.length; at++) {
    reader.read(STREAM.slice(at, at + 1));
    assert.equal(reader.midMessage, !outside.has(at + 1), `after byte ${at + 1}`);
  }
});

Deno.test("read() rethrows an error of the sink", () => {
  const failure = new Error("the sink failed");
  const fail = (): never => {
    throw failure;
  };
  const sink: FrameSink = { frame: fail, frameStart: () => {}, framePiece: fail, frameEnd: fail };
  for (const chunk of [STREAM.slice(0, 3), STREAM.slice(3, 6)]) {
    assert.throws(() => new FrameReader(RULES, sink).read(chunk), failure);
  }
});
