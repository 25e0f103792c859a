// Dead-peer detection: silence, unanswered pings, and stalled output.

import assert from "node:assert/strict";
import { type Connection, TimeoutError } from "../../mod.ts";
import { block } from "../support/block.ts";
import { type CommonOptions, liveCases, onBothSides, Queue } from "../support/live_harness.ts";
import { BINARY, PING, PONG, TEXT } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

/** Waits for the disconnect, and checks its error code. */
async function assertDisconnected(
  conn: Connection<undefined>,
  why: TimeoutError["code"],
): Promise<void> {
  const { code, clean, initiator, error } = await conn.closed;
  assert.deepEqual([code, clean, initiator], [1006, false, "local"]);
  assert.ok(error instanceof TimeoutError, String(error));
  assert.equal(error.code, why);
}

export const cases: Cases = liveCases({
  "pingInterval sends pings, and peers that answer stay connected": (t) =>
    onBothSides(t, async (open) => {
      const pongs = new Queue<Uint8Array>();
      const { conn, peer } = await open({
        pingInterval: 20,
        pongTimeout: 1000,
        pong: (_, payload) => pongs.push(payload),
      });
      for (let i = 1; i <= 5; i++) {
        const ping = await peer.frame();
        assert.equal(ping!.opcode, PING);
        peer.send({ opcode: PONG, payload: ping!.payload });
        await pongs.atLeast(i);
      }
      assert.equal(conn.readyState, "open");
    }),

  "pongTimeout disconnects a peer that does not answer pings": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 50 });
      await assertDisconnected(conn, "PONG_TIMEOUT");
      await peer.until(() => peer.ended || peer.isClosed);
    }),

  "pings do not close a connection without pongTimeout": async (t) => {
    const { conn, peer } = await t.accept({ pingInterval: 10 });
    for (const { opcode } of await peer.frames(10)) assert.equal(opcode, PING);
    assert.equal(conn.readyState, "open");
  },

  "sends no pings and detects no dead peers by default": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({});
      const other = await t.accept({ pingInterval: 10 });
      await other.peer.frames(10);
      assert.equal(conn.readyState, "open");
      assert.equal(peer.bytes.length, 0);
    }),

  "readTimeout disconnects a silent peer": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ readTimeout: 60 });
      await assertDisconnected(conn, "READ_TIMEOUT");
      await peer.until(() => peer.ended || peer.isClosed);
    }),

  "readTimeout does not disconnect a peer that sends anything, even a partial message": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ readTimeout: 150, pingInterval: 20 });
      peer.send(peer.encode({ opcode: BINARY, payload: new Uint8Array(4000) }).subarray(0, 1000));
      // Each ping from the connection triggers one more byte of the partial message.
      for (let i = 0; i < 12; i++) {
        assert.equal((await peer.frame())!.opcode, PING);
        peer.send(new Uint8Array(1));
      }
      assert.equal(conn.readyState, "open");
    }),

  "a paused connection does not time out its peer": async (t) => {
    const { conn, peer } = await t.accept({ readTimeout: 40, pingInterval: 20, pongTimeout: 40 });
    conn.pause();
    for (const { opcode } of await peer.frames(10)) assert.equal(opcode, PING);
    assert.equal(conn.readyState, "open");
  },

  "writeTimeout disconnects a peer that reads no buffered output": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ writeTimeout: 100 });
      peer.pause();
      conn.send(new Uint8Array(32 << 20));
      await assertDisconnected(conn, "WRITE_TIMEOUT");
      peer.discards = true;
      peer.resume();
      await peer.until(() => peer.ended || peer.isClosed);
    }),

  "writeTimeout does not disconnect a peer that reads slowly": async (t) => {
    const { conn, peer } = await t.accept({ writeTimeout: 40, pingInterval: 20 });
    conn.send("all of it leaves");
    assert.equal((await peer.frame())!.opcode, TEXT);
    await peer.frames(10);
    assert.equal(conn.readyState, "open");
  },

  "a blocked event loop does not cause a close timeout": async (t) => {
    const { server, near, far } = await t.pair({ closeTimeout: 300 }, { closeTimeout: 300 });
    const stall = (): void => block(700);
    far.close(1000);
    setTimeout(stall);
    const other = await t.connect(server.url, { closeTimeout: 300 });
    other.close(1000);
    stall();
    for (const conn of [near, far, other]) {
      const { code, clean, error } = await conn.closed;
      assert.deepEqual([code, clean], [1000, true], String(error));
    }
  },

  "a client and a server of the library keep their connection open": async (t) => {
    const pongs = new Queue<void>();
    const options: CommonOptions = { pingInterval: 20, pongTimeout: 2000, readTimeout: 4000 };
    const { near, far } = await t.pair({ ...options, pong: () => pongs.push() }, {
      ...options,
      pong: () => pongs.push(),
    });
    await pongs.atLeast(10);
    assert.equal(near.readyState, "open");
    assert.equal(far.readyState, "open");
  },
});
