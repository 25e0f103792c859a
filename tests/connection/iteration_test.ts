// Async iteration of a connection: no message is lost, and memory is bounded.

import assert from "node:assert/strict";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { CLOSE, closePayload, hex, TEXT } from "../support/vectors.ts";

/** Returns this number of text messages. */
function texts(count: number): { opcode: number; payload: string }[] {
  return Array.from({ length: count }, (_, i) => ({ opcode: TEXT, payload: `text ${i}` }));
}

bothSides("iteration delivers messages in order and ends at a clean close", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const read: unknown[] = [];
  const reading = (async () => {
    for await (const data of conn) read.push(data);
  })();
  peer.send(...texts(3));
  await nextMacrotask();
  peer.send({ opcode: 2, payload: hex("ff") }, {
    opcode: CLOSE,
    payload: closePayload(1001, "bye"),
  });
  peer.transport.end();
  await reading;
  assert.deepEqual(read, ["text 0", "text 1", "text 2", hex("ff")]);
});

bothSides("iteration throws the cause of an unclean close once, then ends", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const iterator = conn[Symbol.asyncIterator]();
  peer.send({ opcode: TEXT, payload: "one" }, { opcode: TEXT, rsv: 2, payload: "bad" });
  peer.transport.end();
  assert.deepEqual(await iterator.next(), { value: "one", done: false });
  const { error } = await conn.closed;
  await assert.rejects(iterator.next(), (thrown) => thrown === error);
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
});

bothSides("a stream reset rejects a pending read with the cause", async (_, open) => {
  const { conn, peer } = await open();
  const waiting = conn[Symbol.asyncIterator]().next();
  peer.transport.destroy();
  await assert.rejects(waiting, { name: "ConnectionError", code: "CONNECTION_LOST" });
});

bothSides("a local close ends iteration; later messages are not delivered", async (
  _,
  open,
) => {
  const { conn, peer } = await open();
  const read: unknown[] = [];
  peer.send(...texts(3));
  await nextMacrotask();
  for await (const data of conn) {
    read.push(data);
    conn.close();
    peer.send(...texts(3), { opcode: CLOSE, payload: closePayload(1000) });
    peer.transport.end();
  }
  assert.deepEqual(read, ["text 0"]);
});

bothSides("a new iteration after break continues without loss", async (_, open) => {
  const { conn, peer } = await open();
  peer.send(...texts(3));
  const read: unknown[] = [];
  for await (const data of conn) {
    read.push(data);
    break;
  }
  assert.equal(conn.readyState, "open");
  peer.send({ opcode: TEXT, payload: "later" });
  for await (const data of conn) {
    read.push(data);
    if (data === "later") break;
  }
  assert.deepEqual(read, ["text 0", "text 1", "text 2", "later"]);
});

bothSides("rejects a second reader with a TypeError until the first is done", async (_, open) => {
  const { conn, peer } = await open();
  const one = conn[Symbol.asyncIterator]();
  const waiting = one.next();
  const expected = { name: "TypeError", message: /already has a reader/ };
  assert.throws(() => conn[Symbol.asyncIterator](), expected);
  await assert.rejects(async () => {
    for await (const _ of conn) assert.fail("the second reader must not receive messages");
  }, expected);
  assert.throws(() => conn.readable, expected);
  await one.return!();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  peer.send(...texts(1));
  assert.equal((await conn[Symbol.asyncIterator]().next()).value, "text 0");
  assert.deepEqual(await one.next(), { value: undefined, done: true }, "the first reader is done");
});

bothSides(
  "a new reader replaces an idle one, whose next read fails",
  async (_, open) => {
    const { conn, peer } = await open();
    peer.send(...texts(3));
    const one = conn[Symbol.asyncIterator]();
    assert.equal((await one.next()).value, "text 0");
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "text 1");
    await assert.rejects(one.next(), { name: "TypeError", message: /already has a reader/ });
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "text 2");
  },
);

bothSides("without a reader, backpressure bounds memory", async (_, open) => {
  const { conn, peer, transport } = await open();
  // The kernel's buffer, which must be full before backpressure starts.
  transport.capacity = 100_000;
  let sent = 0;
  while (peer.transport.bufferedAmount === 0) {
    peer.send({ opcode: 2, payload: new Uint8Array(1000) });
    sent++;
    await nextMacrotask();
    assert.ok(sent < 300, `accepted ${sent} messages without a reader`);
  }
  assert.equal(transport.paused, true);
  const reader = conn[Symbol.asyncIterator]();
  for (let read = 0; read < sent; read++) await reader.next();
  await nextMacrotask();
  assert.equal(peer.transport.bufferedAmount, 0, "reading resumes");
  assert.equal(transport.paused, false);
});

bothSides("resumes the transport when the reader catches up", async (_, open) => {
  const { conn, peer, transport } = await open();
  const sent = Array(300).fill({ opcode: TEXT, payload: "x".repeat(1000) });
  peer.send(...sent);
  await nextMacrotask();
  assert.equal(transport.paused, true);
  const read: unknown[] = [];
  for await (const data of conn) {
    read.push(data);
    if (read.length === 300) break;
  }
  await nextMacrotask();
  assert.equal(transport.paused, false);
  assert.deepEqual(read, sent.map(({ payload }) => payload));
});

bothSides("a large unread message pauses the transport like many small ones", async (
  _,
  open,
) => {
  const { conn, peer, transport } = await open();
  peer.send({ opcode: 2, payload: new Uint8Array(100_000) });
  peer.send({ opcode: 2, payload: new Uint8Array(100_000) });
  await nextMacrotask();
  assert.equal(
    transport.paused,
    true,
    "the first message is queued, and the transport is paused before the second",
  );
  const reader = conn[Symbol.asyncIterator]();
  await reader.next();
  await reader.next();
  await nextMacrotask();
  assert.equal(transport.paused, false);
});

bothSides("a slow reader gets all messages that a peer sent before it closed", async (_, open) => {
  const { conn, peer } = await open();
  for (let i = 0; i < 10; i++) peer.send(...texts(100));
  peer.send({ opcode: CLOSE, payload: closePayload(1000, "done") });
  peer.transport.end();
  let count = 0;
  for await (const data of conn) {
    assert.equal(data, `text ${count++ % 100}`);
    if (count % 50 === 0) await nextMacrotask();
  }
  assert.equal(count, 1000);
  const { code, clean, reason } = await conn.closed;
  assert.deepEqual([code, clean, reason], [1000, true, "done"]);
});

socketTest("a paused reader does not prevent a local close from completing", async (t) => {
  const { near, far } = await t.pair({ message: () => {} });
  for (let i = 0; i < 1000; i++) far.send(`text ${i}`);
  await nextMacrotask();
  near.close();
  assert.equal((await near.closed).clean, true);
  assert.equal((await far.closed).clean, true);
  assert.deepEqual(await near[Symbol.asyncIterator]().next(), { value: undefined, done: true });
});

socketTest("an iterator over a closed connection is done immediately", async (t) => {
  const { near } = await t.pair();
  near.close();
  await near.closed;
  for await (const _ of near) assert.fail("no message is expected");
});
