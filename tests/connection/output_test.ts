import assert from "node:assert/strict";
import type { Output } from "../../src/connection/output.ts";
import { CORK_SIZE } from "../../src/connection/output_buffer.ts";
import { Line, tick } from "../support/line.ts";
import { Random } from "../support/random.ts";
import { utf8 } from "../support/vectors.ts";

const random = new Random(65536);

Deno.test("writes the output between cork and uncork in one write", () => {
  const line = new Line();
  line.output.cork();
  for (const text of ["one", "two", "three"]) line.put(utf8(text));
  assert.equal(line.transport.writes.length, 0);
  assert.equal(line.output.size, 11);
  line.output.uncork();
  line.assertWritten(1);
  assert.equal(line.output.size, 0);
});

Deno.test("only the outermost uncork writes", () => {
  const line = new Line();
  line.output.cork();
  line.output.cork();
  line.put(utf8("inner"));
  line.output.uncork();
  assert.equal(line.transport.writes.length, 0);
  line.put(utf8("outer"));
  line.output.uncork();
  line.assertWritten(1);
});

Deno.test("writes uncorked output in one write at the end of the tick and notifies the owner", async () => {
  const line = new Line();
  line.put(utf8("one"));
  line.put(utf8("two"));
  assert.equal(line.transport.writes.length, 0);
  await tick();
  line.assertWritten(1);
  assert.equal(line.flushes, 1);
  line.put(utf8("three"));
  await tick();
  line.assertWritten(2);
  assert.equal(line.flushes, 2);
});

Deno.test("a cork that is open at the end of the tick buffers output until uncork", async () => {
  const line = new Line();
  line.put(utf8("before"));
  line.output.cork();
  line.put(utf8("inside"));
  await tick();
  assert.equal(line.transport.writes.length, 0);
  line.output.uncork();
  line.assertWritten(1);
});

Deno.test("flush writes buffered output, if any", async () => {
  const line = new Line();
  line.output.flush();
  line.output.cork();
  line.output.uncork();
  assert.equal(line.transport.writes.length, 0);
  line.put(utf8("now"));
  line.output.flush();
  line.assertWritten(1);
  await tick();
  line.assertWritten(1);
});

Deno.test("reserving more memory than needed does not change the output", async () => {
  const line = new Line();
  line.put(utf8("one"), 1000);
  line.put(utf8("two"), CORK_SIZE);
  line.put(utf8("three"), 2 * CORK_SIZE);
  line.put(utf8(""), 10);
  line.output.reserve(5);
  await tick();
  line.assertWritten();
});

for (const size of [CORK_SIZE - 1, CORK_SIZE, CORK_SIZE + 1, 3 * CORK_SIZE]) {
  Deno.test(`writes ${size} bytes in order between smaller ones`, async () => {
    for (const before of [0, 1, 10]) {
      const line = new Line();
      if (before > 0) line.put(random.bytes(before));
      line.put(random.bytes(size));
      line.put(random.bytes(7));
      await tick();
      line.assertWritten();
    }
  });
}

Deno.test("writes output larger than the cork buffer immediately", () => {
  const line = new Line();
  for (let i = 0; i < 10; i++) line.put(random.bytes(CORK_SIZE / 4));
  assert.ok(line.output.size <= CORK_SIZE);
  line.output.flush();
  line.assertWritten();
});

Deno.test("does not mix the bytes of connections that alternate in one tick", async () => {
  const lines = [new Line(), new Line(), new Line()];
  for (let i = 0; i < 60; i++) lines[i % 3].put(utf8(`message ${i} `));
  await tick();
  for (const line of lines) line.assertWritten(1);
});

Deno.test("a write of one connection does not affect another that is corked", async () => {
  const [a, b] = [new Line(), new Line()];
  a.output.cork();
  a.put(utf8("a1 "));
  b.put(utf8("b1 "));
  a.put(utf8("a2 "));
  b.output.cork();
  b.put(utf8("b2 "));
  b.output.uncork();
  a.put(utf8("a3 "));
  a.output.uncork();
  a.assertWritten(1);
  b.assertWritten(1);
  await tick();
});

Deno.test("buffers output in order under backpressure and does not modify its memory", async () => {
  const [line, other] = [new Line(), new Line()];
  line.transport.refusing = true;
  line.put(utf8("refused "));
  await tick();
  assert.equal(line.output.congested, true);
  assert.equal(line.output.size, 8, "size includes bytes buffered by the transport");
  for (let i = 0; i < 1000; i++) {
    line.put(random.bytes(100));
    other.put(random.bytes(100));
  }
  await tick();
  assert.equal(line.transport.writes.length, 1);
  assert.equal(line.output.size, 8 + 100_000);
  assert.equal(line.output.empty, false);
  other.assertWritten();
  line.transport.refusing = false;
  line.drain();
  assert.equal(line.output.congested, false);
  line.assertWritten(2);
});

for (const writesLater of [false, true]) {
  const kind = writesLater ? "deferred" : "immediate";
  Deno.test(`counts the memory of a large ${kind} write until all of it is sent`, async () => {
    const line = new Line(writesLater);
    line.transport.refusing = true;
    line.put(random.bytes(100_000));
    await tick();
    // The transport has sent all but one byte.
    Object.defineProperty(line.transport, "bufferedAmount", { value: 1, configurable: true });
    assert.ok(line.output.held >= 100_000, `${line.output.held} bytes`);
    line.drain();
    assert.equal(line.output.held, 0);
  });
}

Deno.test("writes once per drain to a transport under repeated backpressure", async () => {
  const line = new Line();
  line.transport.refusing = true;
  for (let i = 0; i < 20; i++) {
    line.put(utf8(`message ${i} `));
    await tick();
    if (i % 2 === 1) line.drain();
  }
  line.drain();
  line.assertWritten();
  assert.ok(line.transport.writes.length <= 12);
});

Deno.test("copies output for a transport with deferred writes, so that the cork buffer can be reused", async () => {
  const [later, other] = [new Line(true), new Line()];
  for (let i = 0; i < 10; i++) {
    later.put(utf8(`later ${i} `));
    await tick();
    assert.ok(
      later.transport.lent!.length < 100,
      "the transport must not keep the shared cork buffer",
    );
    other.put(utf8(`other ${i} `));
    await tick();
    later.drain();
  }
  later.assertWritten(10);
  other.assertWritten(10);
});

Deno.test("discards buffered output on close", async () => {
  for (const refusing of [false, true]) {
    const line = new Line();
    line.transport.refusing = refusing;
    line.put(utf8("written"));
    line.output.flush();
    const { flushes } = line;
    line.put(utf8("forgotten"));
    line.output.close();
    await tick();
    line.output.flush();
    if (line.transport.completeWrite()) line.takesMore();
    assert.deepEqual(line.transport.written, utf8("written"));
    assert.equal(line.output.size, 0);
    assert.ok(line.output.empty);
    assert.equal(line.flushes, flushes);
  }
});

Deno.test("a closed connection releases the cork buffer", async () => {
  const [a, b] = [new Line(), new Line()];
  a.put(utf8("dropped"));
  a.output.close();
  b.put(utf8("kept"));
  await tick();
  b.assertWritten(1);
  assert.equal(a.transport.writes.length, 0);
});

Deno.test("loses no output written inside a write callback", async () => {
  const other = new Line();
  let left = 3;
  class Writer extends Line {
    override flushed(): void {
      if (left-- <= 0) return;
      output.reserve(1)[output.offset] = left;
      output.commit(1);
      other.put(Uint8Array.of(left));
    }
  }
  const writer = new Writer();
  const output: Output = writer.output;
  output.reserve(1)[output.offset] = 9;
  output.commit(1);
  for (let i = 0; i < 5; i++) await tick();
  assert.deepEqual([...writer.transport.written], [9, 2, 1, 0]);
  other.assertWritten();
});

Deno.test("does not write during a pending write", async () => {
  const line = new Line();
  line.output.wait();
  line.put(utf8("waiting"));
  await tick();
  line.output.flush();
  assert.deepEqual([line.output.congested, line.transport.writes.length], [true, 0]);
  line.takesMore();
  line.assertWritten(1);
});

Deno.test("writes each connection's bytes completely and in order under random operations", async () => {
  const shared = [1, 100, 5000, CORK_SIZE + 1].map((size) => random.bytes(size));
  const before = shared.map((bytes) => bytes.slice());
  for (let run = 0; run < 20; run++) {
    const lines = [new Line(), new Line(), new Line(true), new Line()];
    const corks = new Map<Line, number>(lines.map((line) => [line, 0]));
    for (let step = 0; step < 300; step++) {
      const line = random.pick(lines);
      const action = random.below(28);
      if (action < 11) line.put(random.bytes(random.below(300)), 300);
      else if (action >= 24) {
        const bytes = random.pick(shared);
        for (const each of lines) each.share(bytes);
      } else if (action >= 22) line.share(random.pick(shared));
      else if (action >= 20) line.delay(random.bytes(random.below(300)));
      else if (action === 11) line.put(random.bytes(random.pick([CORK_SIZE - 300, CORK_SIZE + 1])));
      else if (action === 12) line.transport.refusing = !line.transport.refusing;
      else if (action === 13) line.output.flush();
      else if (action < 16) line.drain();
      else if (action === 16) await tick();
      else if (action === 17 && corks.get(line) === 0) {
        line.output.cork();
        corks.set(line, 1);
      } else if (corks.get(line) === 1) {
        line.output.uncork();
        corks.set(line, 0);
      }
    }
    for (const line of lines) {
      if (corks.get(line) === 1) line.output.uncork();
      line.transport.refusing = false;
    }
    await tick();
    for (const line of lines) {
      line.output.flush();
      while (line.output.congested) line.drain();
      line.assertWritten();
    }
  }
  assert.deepEqual(shared, before, "shared bytes are not modified");
});
