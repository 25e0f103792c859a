// pause and resume: a paused connection delivers no messages and loses none.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import { bothSides, nextMacrotask, type Side, socketTest } from "../support/socket_harness.ts";
import { CLOSE, closePayload, concat, frame, PING, PONG, TEXT } from "../support/vectors.ts";

type Message = string | Uint8Array;

function texts(...payloads: string[]): { opcode: number; payload: string }[] {
  return payloads.map((payload) => ({ opcode: TEXT, payload }));
}

/** Opens a connection that pauses on each "pause" message. */
async function openPausing(
  open: (options: {
    message(conn: Connection<undefined>, data: Message): void;
  }) => Promise<Side>,
): Promise<Side & { received: Message[] }> {
  const received: Message[] = [];
  const side = await open({
    message: (conn, data) => {
      received.push(data);
      if (data === "pause") conn.pause();
    },
  });
  return { ...side, received };
}

bothSides("pause inside a handler delays the rest of the chunk", async (_, open) => {
  const { conn, peer, transport, received } = await openPausing(open);
  peer.send(...texts("one", "pause", "two", "three"));
  peer.send(...texts("four"));
  await nextMacrotask();
  assert.deepEqual(received, ["one", "pause"]);
  assert.equal(transport.paused, true);
  conn.resume();
  assert.deepEqual(received, ["one", "pause"], "resume does not deliver synchronously");
  await nextMacrotask();
  assert.deepEqual(received, ["one", "pause", "two", "three", "four"]);
  assert.equal(transport.paused, false);
});

bothSides("can pause repeatedly within one chunk", async (_, open) => {
  const { conn, peer, received } = await openPausing(open);
  peer.send(...texts("pause", "pause", "one", "pause", "two"));
  peer.send(...texts("pause", "three"));
  for (const expected of [1, 2, 4, 6, 7]) {
    await nextMacrotask();
    assert.equal(received.length, expected);
    conn.resume();
  }
  await nextMacrotask();
  assert.deepEqual(received.at(-1), "three");
});

bothSides("pause and resume in one handler have no effect", async (_, open) => {
  const received: Message[] = [];
  const { peer, transport } = await open({
    message: (conn, data) => {
      received.push(data);
      conn.pause();
      conn.resume();
    },
  });
  peer.send(...texts("one", "two"));
  await nextMacrotask();
  assert.deepEqual(received, ["one", "two"]);
  assert.equal(transport.paused, false);
});

bothSides(
  "delivers a frame completely after a pause in the middle of it",
  async (_, open) => {
    const { conn, peer, received } = await openPausing(open);
    const frame = peer.encode(...texts("in two pieces"));
    peer.send(frame.slice(0, 9));
    await nextMacrotask();
    conn.pause();
    peer.send(frame.slice(9), ...texts("next"));
    await nextMacrotask();
    assert.deepEqual(received, []);
    conn.resume();
    await nextMacrotask();
    assert.deepEqual(received, ["in two pieces", "next"]);
  },
);

bothSides("pause and resume are idempotent", async (_, open) => {
  const { conn, peer, transport, received } = await openPausing(open);
  conn.resume();
  conn.pause();
  conn.pause();
  peer.send(...texts("one"));
  await nextMacrotask();
  assert.deepEqual(received, []);
  conn.resume();
  conn.resume();
  await nextMacrotask();
  assert.deepEqual(received, ["one"]);
  assert.equal(transport.pauses, 1);
});

bothSides("pause right after resume keeps undelivered messages", async (_, open) => {
  const { conn, peer, received } = await openPausing(open);
  peer.send(...texts("pause", "one"));
  await nextMacrotask();
  conn.resume();
  conn.pause();
  await nextMacrotask();
  assert.deepEqual(received, ["pause"]);
  conn.resume();
  conn.pause();
  conn.resume();
  await nextMacrotask();
  assert.deepEqual(received, ["pause", "one"]);
});

bothSides("answers pings only after resume", async (_, open) => {
  const { conn, peer } = await open();
  conn.pause();
  peer.send({ opcode: PING });
  await nextMacrotask();
  assert.equal(peer.bytes.length, 0);
  conn.resume();
  assert.equal((await peer.framesOf(1))[0].opcode, PONG);
});

bothSides("a paused connection can send", async (_, open) => {
  const { conn, peer } = await open();
  conn.pause();
  conn.send("hi");
  await peer.framesOf(1);
});

bothSides(
  "a local close ends the pause and drops pending messages",
  async (_, open) => {
    const { conn, peer, received } = await openPausing(open);
    peer.send(...texts("pause", "not delivered"));
    await nextMacrotask();
    conn.close(1000);
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    peer.transport.end();
    assert.equal((await conn.closed).clean, true);
    assert.deepEqual(received, ["pause"]);
  },
);

bothSides("a handler can pause and then close", async (_, open) => {
  const { conn, peer } = await open({
    message: (conn) => {
      conn.pause();
      conn.close(3000, "bye");
      conn.pause();
    },
  });
  peer.send(...texts("one", "two"), { opcode: CLOSE, payload: closePayload(3000) });
  peer.transport.end();
  const { clean, code } = await conn.closed;
  assert.deepEqual([clean, code], [true, 3000]);
});

bothSides(
  "handles the peer's Close and the end of the stream after pending messages",
  async (_, open) => {
    const { conn, peer, received } = await openPausing(open);
    peer.send(...texts("pause", "one"));
    peer.send(...texts("two"), { opcode: CLOSE, payload: closePayload(1000) });
    peer.transport.end();
    await nextMacrotask();
    assert.equal(conn.readyState, "open");
    conn.resume();
    assert.equal((await conn.closed).clean, true);
    assert.deepEqual(received, ["pause", "one", "two"]);
  },
);

bothSides("reports an end without Close after resume and pending messages", async (_, open) => {
  const { conn, peer, received } = await openPausing(open);
  peer.send(...texts("pause", "one"));
  peer.transport.end();
  await nextMacrotask();
  assert.equal(conn.readyState, "open");
  conn.resume();
  const { code, clean } = await conn.closed;
  assert.deepEqual([code, clean], [1006, false]);
  assert.deepEqual(received, ["pause", "one"]);
});

bothSides("a stream reset during a pause ends the connection immediately", async (_, open) => {
  const { conn, peer, received } = await openPausing(open);
  peer.send(...texts("pause", "one"));
  await nextMacrotask();
  peer.transport.destroy();
  assert.equal((await conn.closed).code, 1006);
  assert.deepEqual(received, ["pause"]);
  conn.resume();
  await nextMacrotask();
  assert.deepEqual(received, ["pause"]);
});

bothSides("terminate while paused ends the connection", async (_, open) => {
  const { conn, peer, received } = await openPausing(open);
  peer.send(...texts("pause", "one"));
  await nextMacrotask();
  conn.terminate();
  conn.resume();
  await conn.closed;
  assert.deepEqual(received, ["pause"]);
});

bothSides("pause() and the backpressure of a slow reader are independent", async (
  _,
  open,
) => {
  const { conn, peer, transport } = await open();
  peer.send(...texts(...Array(300).fill("x".repeat(1000))));
  await nextMacrotask();
  assert.equal(transport.paused, true);
  conn.pause();
  const reader = conn[Symbol.asyncIterator]();
  for (let i = 0; i < 66; i++) await reader.next();
  await nextMacrotask();
  assert.equal(
    transport.paused,
    true,
    "stays paused: the reader caught up, but resume was not called",
  );
  conn.resume();
  for (let i = 66; i < 300; i++) await reader.next();
  await nextMacrotask();
  assert.equal(transport.paused, false);
});

bothSides(
  "resume does not resume the transport while the iterator's queue is full",
  async (_, open) => {
    const { conn, peer, transport } = await open();
    conn.pause();
    peer.send(...texts(...Array(300).fill("x".repeat(1000))));
    await nextMacrotask();
    conn.resume();
    await nextMacrotask();
    assert.equal(transport.paused, true);
    conn.resume();
    await nextMacrotask();
    assert.equal(transport.paused, true);
  },
);

socketTest("pause in open delays messages pipelined after the handshake", async (t) => {
  const received: Message[] = [];
  const behind = concat(...texts("early", "later").map(frame));
  const { conn, peer } = await t.openClient({
    open: (conn) => conn.pause(),
    message: (_, data) => void received.push(data),
  }, behind);
  peer.send(...texts("last"));
  await nextMacrotask();
  assert.deepEqual(received, []);
  conn.resume();
  await nextMacrotask();
  assert.deepEqual(received, ["early", "later", "last"]);
});

socketTest("queued messages are not overwritten", async (t) => {
  const kept: Uint8Array[] = [];
  const { near, far } = await t.pair({
    message: (conn, data) => {
      kept.push(data as Uint8Array);
      conn.pause();
    },
  });
  const count = 50;
  for (let i = 0; i < count; i++) near.send(new Uint8Array(100).fill(i));
  while (kept.length < count) {
    await nextMacrotask();
    far.resume();
  }
  for (let i = 0; i < count; i++) assert.ok(kept[i].every((byte) => byte === i));
});

bothSides("a pause also delays input and an end that the transport has read ahead", async (
  _,
  open,
) => {
  const { conn, peer, transport, received } = await openPausing(open);
  transport.readsAhead = true;
  peer.send(...texts("pause", "one"));
  peer.send(...texts("two", "pause", "three"));
  peer.send(...texts("four"), { opcode: CLOSE, payload: closePayload(1000, "bye") });
  peer.transport.end();
  await nextMacrotask();
  assert.deepEqual(received, ["pause"]);
  conn.resume();
  await nextMacrotask();
  assert.deepEqual(received, ["pause", "one", "two", "pause"]);
  assert.equal(conn.readyState, "open");
  conn.resume();
  const { clean, reason } = await conn.closed;
  assert.deepEqual([clean, reason], [true, "bye"]);
  assert.deepEqual(received, ["pause", "one", "two", "pause", "three", "four"]);
});

bothSides("input received right after resume does not overtake pending messages", async (
  _,
  open,
) => {
  const { conn, peer, transport, received } = await openPausing(open);
  transport.readsAhead = true;
  peer.send(...texts("pause", "one"));
  await nextMacrotask();
  peer.send(...texts("two"));
  conn.resume();
  peer.send(...texts("three"));
  await nextMacrotask();
  assert.deepEqual(received, ["pause", "one", "two", "three"]);
});

bothSides("reports the end immediately after the last message was read", async (_, open) => {
  const { conn, peer, transport } = await openPausing(open);
  transport.readsAhead = true;
  peer.send(...texts("pause"));
  peer.transport.end();
  assert.equal((await conn.closed).code, 1006);
});

bothSides(
  "a slow reader gets all received messages and the Close frame after the stream ended",
  async (
    _,
    open,
  ) => {
    const { conn, peer, transport } = await open();
    transport.readsAhead = true;
    const sent = Array.from({ length: 600 }, (_, i) => `text ${i}`);
    peer.send(...texts(...sent));
    peer.send({ opcode: CLOSE, payload: closePayload(1001, "bye") });
    peer.transport.end();
    await nextMacrotask();
    peer.transport.destroy();
    assert.equal((await conn.closed).code, 1001);
    const read: Message[] = [];
    for await (const data of conn) read.push(data);
    assert.deepEqual(read, sent);
  },
);
