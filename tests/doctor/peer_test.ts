// The doctor's end of a stream: waits with timeouts, sends in order, and buffers early input.

import assert from "node:assert/strict";
import { Peer } from "../../doctor/peer.ts";
import type { Stream, StreamSink } from "../../doctor/network.ts";

/** A fake stream. The test is the peer. */
class FakeStream implements Stream {
  bufferedAmount = 0;
  readonly written: number[] = [];
  blocked = false;
  sink!: StreamSink;
  start(sink: StreamSink): void {
    this.sink = sink;
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(...bytes);
    return !this.blocked;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    queueMicrotask(() => this.sink.closed());
  }
}

function streamAndPeer(): [FakeStream, Peer] {
  const stream = new FakeStream();
  return [stream, new Peer(stream)];
}

Deno.test("reads buffered input first", () => {
  const [stream, peer] = streamAndPeer();
  stream.sink.data(Uint8Array.of(1));
  const got: number[] = [];
  peer.read((chunk) => got.push(...chunk));
  stream.sink.data(Uint8Array.of(2));
  assert.deepEqual(got, [1, 2]);
});

Deno.test("writes wait until backpressure ends, and stay in order", async () => {
  const [stream, peer] = streamAndPeer();
  stream.blocked = true;
  const sent = [peer.send(Uint8Array.of(1), 1000), peer.send(Uint8Array.of(2), 1000)];
  await peer.turn();
  assert.deepEqual(stream.written, [1]);
  stream.blocked = false;
  stream.sink.drain();
  assert.deepEqual(await Promise.all(sent), [true, true]);
  assert.deepEqual(stream.written, [1, 2]);
});

Deno.test("aborts a write that makes no progress", async () => {
  const [stream, peer] = streamAndPeer();
  stream.blocked = true;
  assert.equal(await peer.send(Uint8Array.of(1), 10), false);
});

Deno.test("a wait ends when its condition is met, on timeout, or at the end of the stream", async () => {
  const [stream, peer] = streamAndPeer();
  let met = false;
  const waiting = peer.until(() => met, 1000);
  met = true;
  stream.sink.data(Uint8Array.of(1));
  assert.equal(await waiting, true);
  assert.equal(await peer.until(() => false, 10), false);
  const other = peer.until(() => false, 1000);
  stream.sink.closed();
  assert.equal(await other, false);
  assert.equal(await peer.send(Uint8Array.of(1), 1000), false);
});

Deno.test("distinguishes the end of the peer's stream from the end of the connection", async () => {
  const [stream, peer] = streamAndPeer();
  assert.deepEqual([peer.ended, peer.isClosed], [false, false]);
  stream.sink.end();
  assert.deepEqual([peer.ended, peer.isClosed], [true, false]);
  peer.cut();
  await peer.until(() => peer.isClosed, 1000);
  assert.equal(peer.isClosed, true);
});

Deno.test("records both directions", async () => {
  const [stream, peer] = streamAndPeer();
  peer.read(() => {});
  await peer.send(Uint8Array.of(1), 1000);
  stream.sink.data(Uint8Array.of(2));
  assert.deepEqual(peer.recording.entries.map(({ sent, hex }) => [sent, hex]), [
    [true, "01"],
    [false, "02"],
  ]);
});
