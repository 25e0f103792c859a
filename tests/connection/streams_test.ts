// A connection's readable and writable web streams.

import assert from "node:assert/strict";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { CLOSE, closePayload, hex, TEXT, toHex } from "../support/vectors.ts";

bothSides("readable delivers messages and ends at a clean close", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(conn.readable, conn.readable);
  peer.send({ opcode: TEXT, payload: "one" }, { opcode: 2, payload: hex("02") }, {
    opcode: CLOSE,
    payload: closePayload(1000),
  });
  peer.transport.end();
  const read: unknown[] = [];
  for await (const data of conn.readable) read.push(data);
  assert.deepEqual(read, ["one", hex("02")]);
});

bothSides("readable fails with the cause after an unclean close", async (_, open) => {
  const { conn, peer } = await open();
  const reader = conn.readable.getReader();
  peer.send({ opcode: TEXT, payload: "one" });
  assert.deepEqual(await reader.read(), { value: "one", done: false });
  peer.transport.destroy();
  const { error } = await conn.closed;
  await assert.rejects(reader.read(), (thrown) => thrown === error);
});

bothSides("an unread readable applies backpressure to the peer", async (_, open) => {
  const { conn, peer, transport } = await open();
  const reader = conn.readable.getReader();
  peer.send(...Array(300).fill({ opcode: TEXT, payload: "x".repeat(1000) }));
  await nextMacrotask();
  assert.equal(transport.paused, true);
  for (let i = 0; i < 300; i++) await reader.read();
  await nextMacrotask();
  assert.equal(transport.paused, false);
});

bothSides("readable is the only reader of its connection", async (_, open) => {
  const { conn, peer } = await open();
  const { readable } = conn;
  peer.send({ opcode: TEXT, payload: "one" });
  assert.throws(() => conn[Symbol.asyncIterator](), {
    name: "TypeError",
    message: /already has a reader/,
  });
  assert.equal(conn.readable, readable);
  assert.equal((await readable.getReader().read()).value, "one");
});

bothSides("canceling readable closes the connection with 1000", async (_, open) => {
  const { conn, peer } = await open();
  peer.send({ opcode: TEXT, payload: "not read" });
  await nextMacrotask();
  await conn.readable.cancel("enough");
  const [{ opcode, payload }] = await peer.framesOf(1);
  assert.deepEqual([opcode, toHex(payload)], [CLOSE, toHex(closePayload(1000))]);
  assert.equal(conn.readyState, "closing");
});

bothSides("canceling readable ends a pending read", async (_, open) => {
  const { conn, peer } = await open();
  const reader = conn.readable.getReader();
  const waiting = reader.read();
  await reader.cancel();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  peer.send({ opcode: CLOSE, payload: closePayload(1000) });
  peer.transport.end();
  assert.equal((await conn.closed).clean, true);
});

bothSides("writable sends a message for each chunk", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(conn.writable, conn.writable);
  const writer = conn.writable.getWriter();
  await writer.write("one");
  await writer.write(hex("02"));
  const frames = await peer.framesOf(2);
  assert.deepEqual(frames.map(({ opcode, payload }) => [opcode, toHex(payload)]), [
    [TEXT, "6f6e65"],
    [2, "02"],
  ]);
});

bothSides("a write to writable waits under backpressure", async (_, open) => {
  const { conn, peer, transport } = await open({ highWaterMark: 500 });
  transport.blocked = true;
  const writer = conn.writable.getWriter();
  let written = 0;
  const writing = writer.write(new Uint8Array(1000)).then(() => written++);
  await nextMacrotask();
  assert.equal(written, 0);
  transport.unblock();
  await writing;
  await peer.framesOf(1);
});

bothSides("closing writable closes with 1000 and waits for the end", async (_, open) => {
  const { conn, peer } = await open();
  const writer = conn.writable.getWriter();
  writer.write("last");
  let closed = false;
  const closing = writer.close().then(() => closed = true);
  const frames = await peer.framesOf(2);
  assert.deepEqual(toHex(frames[1].payload), toHex(closePayload(1000)));
  assert.equal(closed, false);
  peer.send({ opcode: CLOSE, payload: closePayload(1000) });
  peer.transport.end();
  await closing;
  assert.equal((await conn.closed).clean, true);
});

bothSides("aborting writable closes with 1011 and the abort reason as cause", async (_, open) => {
  const { conn, peer } = await open();
  const reason = Object.assign(Object.create(null), { secret: 1234 });
  await conn.writable.abort(reason);
  await peer.until(() => peer.ended);
  peer.transport.end();
  const { code, error } = await conn.closed;
  assert.equal(code, 1011);
  assert.equal(error!.cause, reason);
  assert.equal((error as { code?: string }).code, "SOURCE_FAILED");
});

bothSides("writing to a closed connection fails with NOT_OPEN", async (_, open) => {
  const { conn } = await open();
  conn.terminate();
  await conn.closed;
  const writer = conn.writable.getWriter();
  await assert.rejects(writer.write("late"), { name: "WebSocketError", code: "NOT_OPEN" });
  await assert.rejects(writer.closed, { code: "NOT_OPEN" });
});

bothSides("writing an invalid message fails the stream with a TypeError", async (
  _,
  open,
) => {
  const { conn } = await open();
  const writer = conn.writable.getWriter();
  await assert.rejects(writer.write(7 as never), { name: "TypeError", message: /got 7$/ });
  await assert.rejects(writer.closed, TypeError);
  assert.equal(conn.readyState, "open");
});

socketTest("connections compose with web streams", async (t) => {
  const { near, far } = await t.pair();
  const echo = far.readable.pipeThrough(
    new TransformStream<string | Uint8Array, string | Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(`${chunk}!`),
    }),
  ).pipeTo(far.writable);
  near.send("hello");
  near.send("you");
  const reader = near.readable.getReader();
  assert.equal((await reader.read()).value, "hello!");
  assert.equal((await reader.read()).value, "you!");
  near.close();
  await echo;
  assert.equal((await far.closed).clean, true);
});
