// sendStream sends a stream as one fragmented message.

import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { assertFreesMemory } from "../support/heap.ts";
import {
  bothSides,
  type CommonOptions,
  nextMacrotask,
  socketTest,
} from "../support/socket_harness.ts";
import { generator, joined, show, Source } from "../support/sources.ts";
import { BINARY, CONTINUATION, hex, PING, PONG, TEXT } from "../support/vectors.ts";

bothSides(
  "sends chunks as fragments of one message, binary by default for bytes",
  async (_, open) => {
    const { conn, peer } = await open();
    assert.equal(await conn.sendStream(generator(hex("01 02"), hex("03"))), true);
    const frames = await peer.framesOf(3);
    assert.deepEqual(frames.map(({ opcode, fin }) => [opcode, fin]), [
      [BINARY, false],
      [CONTINUATION, false],
      [CONTINUATION, true],
    ]);
    assert.equal(joined(frames), "010203");
  },
);

bothSides("sends string chunks as a text message", async (_, open) => {
  const { conn, peer } = await open();
  await conn.sendStream(generator("caf\u00e9 ", "\u20ac"));
  assert.deepEqual(show(await peer.framesOf(3)), ["1 caf\u00e9", "0 \u20ac", "0!"]);
});

bothSides("accepts an opcode, and chunks of UTF-8 bytes for text", async (_, open) => {
  const { conn, peer } = await open();
  const euro = hex("e2 82 ac");
  // A character may be split across chunks.
  await conn.sendStream(generator(euro.slice(0, 1), euro.slice(1), "!"), Opcode.Text);
  await conn.sendStream(generator("text as bytes"), Opcode.Binary);
  await conn.sendStream(generator(), Opcode.Text);
  const frames = await peer.framesOf(7);
  assert.deepEqual(
    frames.map(({ opcode }) => opcode),
    [TEXT, 0, 0, 0, BINARY, 0, TEXT],
  );
  assert.equal(joined(frames.slice(0, 4)), "e282ac21");
});

bothSides("preserves characters that are split across chunks", async (_, open) => {
  const { conn, peer } = await open();
  const text = "a\u{1f600}b\u20acc";
  await conn.sendStream(generator(...text.split("")));
  const bytes = Uint8Array.from(
    (await peer.framesOf(text.length + 1)).flatMap((f) => [...f.payload]),
  );
  assert.equal(new TextDecoder().decode(bytes), text);
});

bothSides("sends an empty source as an empty binary message", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(await conn.sendStream(generator()), true);
  assert.deepEqual(show(await peer.framesOf(1)), ["2!"]);
});

bothSides("a connection releases the memory of streamed messages", async (_, open) => {
  const { conn, peer, transport } = await open();
  await assertFreesMemory(400, 100, async () => {
    await conn.sendStream(generator("x"));
    transport.writes.length = 0;
    peer.bytes = new Uint8Array(0);
  });
});

socketTest("the receiver gets a stream as one message", async (t) => {
  const { near, far } = await t.pair();
  await near.sendStream(new Blob(["a large ", "file"]).stream());
  const { value } = await far[Symbol.asyncIterator]().next();
  assert.equal(new TextDecoder().decode(value as Uint8Array), "a large file");
});

bothSides(
  "queues messages sent during a stream and sends them after it in order",
  async (_, open) => {
    const { conn, peer } = await open();
    const source = new Source();
    const sending = conn.sendStream(source.stream);
    await source.push("one ");
    assert.equal(conn.send("after 1"), true);
    assert.equal(conn.sendDelayed("after 2"), true);
    assert.equal(conn.sendUtf8(hex("61 33")), true);
    assert.ok(conn.bufferedAmount >= 14, "bufferedAmount includes queued messages");
    await source.push("two");
    await source.end();
    assert.equal(await sending, true);
    conn.send("after 4");
    assert.deepEqual(show(await peer.framesOf(7)), [
      "1 one",
      "0 two",
      "0!",
      "1! after 1",
      "1! after 2",
      "1! a3",
      "1! after 4",
    ]);
  },
);

bothSides("sends control frames between fragments (RFC 6455 5.4)", async (_, open) => {
  const { conn, peer } = await open();
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  conn.ping("p");
  peer.send({ opcode: PING, payload: "q" });
  await nextMacrotask();
  await source.push("two");
  await source.end();
  await sending;
  assert.deepEqual(show(await peer.framesOf(5)), [
    "1 one",
    `${PING}! p`,
    `${PONG}! q`,
    "0 two",
    "0!",
  ]);
});

bothSides("sends two concurrent streams one after the other", async (_, open) => {
  const { conn, peer } = await open();
  const [first, second] = [new Source(), new Source()];
  const sending = [conn.sendStream(first.stream), conn.sendStream(second.stream)];
  await second.push("B1");
  await first.push("A1");
  conn.send("C");
  await second.push("B2");
  await second.end();
  await first.push("A2");
  await first.end();
  assert.deepEqual(await Promise.all(sending), [true, true]);
  assert.deepEqual(show(await peer.framesOf(7)), [
    "1 A1",
    "0 A2",
    "0!",
    "1 B1",
    "0 B2",
    "0!",
    "1! C",
  ]);
});

bothSides("applies backpressure to the source", async (_, open) => {
  const { conn, peer, transport } = await open({ highWaterMark: 5000 });
  let pulled = 0;
  const source = (async function* () {
    while (pulled < 100) {
      pulled++;
      yield await Promise.resolve(new Uint8Array(1000));
    }
  })();
  transport.blocked = true;
  const sending = conn.sendStream(source);
  await nextMacrotask();
  assert.ok(pulled < 8, `${pulled} chunks were pulled`);
  conn.send("queued after it");
  peer.transport.capacity = 0;
  transport.unblock();
  assert.equal(await sending, true);
  await peer.framesOf(102);
});

bothSides("messages queued after a stream count toward highWaterMark", async (_, open) => {
  const { conn } = await open({ highWaterMark: 5000 });
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  while (conn.send(new Uint8Array(1000)));
  let drained = false;
  const waiting = conn.drained().then(() => drained = true);
  await nextMacrotask();
  assert.equal(drained, false, "the queue is still full");
  // The stream must not wait for messages queued after it.
  await source.push("two", "three");
  await source.end();
  assert.equal(await sending, true);
  await waiting;
});

bothSides("messages queued after a stream count toward maxBufferedAmount", async (_, open) => {
  const { conn } = await open({ highWaterMark: 5000, maxBufferedAmount: 10_000 } as CommonOptions);
  const source = new Source();
  const sending = conn.sendStream(source.stream);
  await source.push("one");
  for (let i = 0; i < 20; i++) conn.send(new Uint8Array(1000));
  const { error } = await conn.closed;
  assert.equal((error as WebSocketError).code, "SLOW_CONSUMER");
  assert.equal(await sending, false);
});
