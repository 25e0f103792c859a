// Output shared by many connections, and delayed output.

import assert from "node:assert/strict";
import { HELD_SIZE } from "../../src/connection/output_buffer.ts";
import { Line, tick } from "../support/line.ts";
import { Random } from "../support/random.ts";
import { utf8 } from "../support/vectors.ts";

const random = new Random(7692);

Deno.test("appends encoded bytes unchanged", async () => {
  const line = new Line();
  line.put(utf8("one "));
  for (const size of [3, 0, HELD_SIZE, 5]) {
    const bytes = random.bytes(size);
    line.output.append(bytes);
    line.expected.push(bytes);
  }
  await tick();
  line.assertWritten();
});

Deno.test("passes shared bytes to the transport without a copy when the queue is empty", async () => {
  const bytes = random.bytes(1000);
  for (const line of [new Line(), new Line()]) {
    line.output.cork();
    line.share(bytes);
    assert.equal(line.transport.writes.length, 0);
    line.output.uncork();
    line.assertWritten(1);
    assert.equal(line.transport.lent, bytes, "the transport receives the same bytes");

    line.share(bytes);
    await tick();
    line.assertWritten(2);
  }
});

Deno.test("writes the shared frames of one tick in one write, without copies", async () => {
  const frames = Array.from({ length: 20 }, () => random.bytes(100));
  const lines = [new Line(), new Line(), new Line()];
  for (const bytes of frames) lines.forEach((line) => line.share(bytes));
  await tick();
  for (const line of lines) {
    line.assertWritten(1);
    assert.equal(line.transport.lent, lines[0]!.transport.lent);
  }
});

Deno.test("flushes shared frames before they exceed the size of a write", async () => {
  const bytes = random.bytes(HELD_SIZE / 2);
  const lines = [new Line(), new Line(true), new Line()];
  lines[2]!.transport.refusing = true;
  for (let count = 0; count < 5; count++) lines.forEach((line) => line.share(bytes));
  await tick();
  lines[2]!.transport.refusing = false;
  for (const line of lines) {
    while (line.output.congested) line.drain();
    assert.equal(line.transport.writes[0]!.length, HELD_SIZE);
    line.assertWritten();
  }
});

Deno.test("keeps shared bytes in order and does not modify them", async () => {
  const bytes = utf8("shared ");
  for (const refusing of [false, true]) {
    for (const order of ["put share", "share put", "share share", "put share put share put"]) {
      const line = new Line();
      line.transport.refusing = refusing;
      line.put(utf8("first "));
      line.output.flush();
      for (const word of order.split(" ")) {
        if (word === "put") line.put(utf8("own "));
        else line.share(bytes);
      }
      await tick();
      line.transport.refusing = false;
      line.drain();
      line.assertWritten(2);
      assert.deepEqual(bytes, utf8("shared "));
    }
  }
});

Deno.test("delayed bytes stay buffered after uncork and the end of the tick, until a flush", async () => {
  const line = new Line();
  for (let round = 1; round <= 3; round++) {
    line.output.cork();
    line.delay(utf8("one "));
    line.output.uncork();
    line.delay(utf8("two "));
    await tick();
    assert.equal(line.transport.writes.length, round - 1);
    assert.equal(line.output.size, 8);
    line.output.flush();
    line.assertWritten(round);
  }
});

for (
  const [name, put] of [
    ["undelayed bytes", (line: Line) => line.put(utf8("now"))],
    ["shared bytes", (line: Line) => line.share(utf8("now"))],
  ] as const
) {
  Deno.test(`${name} flush delayed bytes in order`, async () => {
    const outside = new Line();
    outside.delay(utf8("delayed "));
    put(outside);
    await tick();
    outside.assertWritten(1);

    const corked = new Line();
    corked.delay(utf8("delayed "));
    corked.output.cork();
    put(corked);
    corked.delay(utf8("late "));
    corked.output.uncork();
    corked.assertWritten(1);
  });

  Deno.test(`${name} are written at uncork after a delay without messages`, () => {
    const line = new Line();
    line.output.startDelay();
    line.output.endDelay();
    line.output.cork();
    put(line);
    line.output.uncork();
    line.assertWritten(1);
  });
}

Deno.test("sends delayed bytes with the bytes buffered before them", async () => {
  const line = new Line();
  line.put(utf8("now "));
  line.delay(utf8("delayed"));
  await tick();
  line.assertWritten(1);
});

Deno.test("a full buffer flushes delayed bytes", () => {
  const line = new Line();
  for (let i = 0; i < 64; i++) line.delay(random.bytes(1024));
  line.assertWritten(1);
});

Deno.test("a write of one connection does not flush the delayed bytes of another", async () => {
  const [line, other] = [new Line(), new Line()];
  line.delay(utf8("delayed"));
  other.put(utf8("now"));
  await tick();
  other.assertWritten(1);
  assert.equal(line.transport.writes.length, 0);
  line.output.flush();
  line.assertWritten(1);
});

Deno.test("slow connections share frames without copies", async () => {
  const frames = Array.from({ length: 10 }, () => random.bytes(HELD_SIZE - 100));
  const lines = [new Line(), new Line(), new Line()];
  for (const [i, line] of lines.entries()) {
    line.transport.refusing = true;
    // Each connection is at a different position in the shared frames.
    for (let n = 0; n <= i; n++) line.share(random.bytes(1000));
    await tick();
  }
  for (const frame of frames) for (const line of lines) line.share(frame);
  for (const line of lines) {
    const lent: unknown[] = [];
    while (line.output.congested) {
      line.drain();
      lent.push(line.transport.lent);
    }
    for (const frame of frames) assert.ok(lent.includes(frame), "a copy");
    line.assertWritten();
  }
});

Deno.test("shared and unshared frames stay in order on a slow connection", async () => {
  for (const writesLater of [true, false]) {
    const line = new Line(writesLater);
    line.transport.refusing = true;
    line.put(random.bytes(10));
    await tick();
    let size = 0;
    for (let i = 0; i < 500; i++) {
      const bytes = random.bytes([1, 100, 700, 5000, 70_000][random.below(5)]);
      size += bytes.length;
      if (random.below(2) === 0) line.share(bytes);
      else line.put(bytes);
      if (random.below(50) === 0 && line.output.congested) {
        line.transport.refusing = false;
        line.drain();
        line.transport.refusing = true;
        await tick();
      }
    }
    line.transport.refusing = false;
    while (line.output.congested) line.drain();
    await tick();
    line.assertWritten();
    assert.equal(line.output.size, 0);
  }
});
