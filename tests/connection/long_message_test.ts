// A message that is slow to decompress does not block the event loop. Later input is buffered and
// delivered in order, even if the stream ends.

import assert from "node:assert/strict";
import { compressed, RSV1 } from "../support/deflated.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { CLOSE, closePayload, hex, PING, TEXT, utf8 } from "../support/vectors.ts";

/** 3 MiB of text with little repetition. */
const LONG = Array.from({ length: 700_000 }, (_, index) => (index * 7919 % 100_003).toString(36))
  .join(" ");
const PAYLOAD = compressed(LONG);

async function accept(
  t: Harness,
  received: string[],
): Promise<{ peer: ReturnType<Harness["rawClient"]>; closed: Promise<unknown> }> {
  const { promise: closed, resolve } = Promise.withResolvers<unknown>();
  const server = await t.serve({
    compression: true,
    message: (_, data) => void received.push(data.length > 10 ? "long" : String(data)),
    close: (_, info) => resolve(info),
  });
  const peer = t.rawClient(server);
  peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
  await peer.answer();
  return { peer, closed };
}

const LONG_FRAME = { opcode: TEXT, rsv: RSV1, payload: PAYLOAD };
const behind = (text: string): { opcode: number; payload: Uint8Array } => ({
  opcode: TEXT,
  payload: utf8(text),
});

/** Waits, one turn of the event loop at a time, until a condition is met. */
async function countTurnsUntil(isThere: () => boolean): Promise<number> {
  for (let turns = 1;; turns++) {
    await nextMacrotask();
    if (isThere()) return turns;
  }
}

socketTest(
  "decompression does not delay other connections or reorder later messages",
  async (t) => {
    const received: string[] = [];
    const { peer } = await accept(t, received);
    const others: string[] = [];
    const { peer: other } = await accept(t, others);
    peer.send(LONG_FRAME, behind("a"), behind("b"));
    await nextMacrotask();
    other.send(behind("c"));
    const turns = await countTurnsUntil(() => others.length > 0);
    assert.deepEqual([received, others], [[], ["c"]], `${turns} turns`);
    await countTurnsUntil(() => received.length > 0);
    peer.send(behind("d"));
    await countTurnsUntil(() => received.length === 4);
    assert.deepEqual(received, ["long", "a", "b", "d"]);
  },
);

socketTest("handles the end of the stream after decompression and later messages", async (t) => {
  const received: string[] = [];
  const { peer, closed } = await accept(t, received);
  peer.send(LONG_FRAME, behind("a"), { opcode: CLOSE, payload: closePayload(1000) });
  peer.transport.end();
  await closed;
  assert.deepEqual(received, ["long", "a"]);
});

socketTest("handles the end of the stream after decompression", async (t) => {
  const received: string[] = [];
  const { peer, closed } = await accept(t, received);
  peer.send(LONG_FRAME);
  peer.transport.end();
  await closed;
  assert.deepEqual(received, ["long"]);
});

socketTest("delivers a message if the stream is reset during its decompression", async (t) => {
  const received: string[] = [];
  const { peer, closed } = await accept(t, received);
  peer.send(LONG_FRAME, behind("a"));
  await nextMacrotask();
  peer.transport.destroy();
  await closed;
  assert.deepEqual(received, ["long", "a"]);
});

socketTest("terminate drops a message during its decompression", async (t) => {
  const received: string[] = [];
  const server = await t.serve({
    compression: true,
    message: (_, data) => void received.push(String(data).slice(0, 9)),
  });
  const peer = t.rawClient(server);
  peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
  await peer.answer();
  const [conn] = server.clients();
  peer.send(LONG_FRAME, { opcode: PING, payload: hex("") });
  await nextMacrotask();
  conn!.terminate();
  await conn!.closed;
  await nextMacrotask();
  assert.deepEqual(received, []);
});
