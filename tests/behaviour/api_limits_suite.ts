// rateLimit and memoryLimit: limits for one peer's input and for the memory of all connections.

import assert from "node:assert/strict";
import { type CloseInfo, type LimitReport, Opcode, type WebSocketError } from "../../mod.ts";
import { Deferred, type Live, liveCases, Queue, settled } from "../support/live_harness.ts";
import { PING } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const MIB = 1 << 20;

/** Returns the error code of a close. */
function codeOf({ error }: CloseInfo): string | undefined {
  return (error as WebSocketError | undefined)?.code;
}

/** Returns the memory of all connections in the process. */
async function held(t: Live): Promise<number> {
  const server = await t.serve();
  const { total } = server.stats().memory;
  await server.shutdown({ timeout: 0 });
  return total;
}

export const cases: Cases = liveCases({
  'rateLimit "close" delivers messages within the limit, then closes with 1008': async (t) => {
    const reports: LimitReport[] = [];
    const received: unknown[] = [];
    const ends = new Queue<CloseInfo>();
    const { near } = await t.pair({
      rateLimit: { messages: 3, interval: 60_000, onExceed: "close" },
      onLimit: (report) => void reports.push(report),
      message: (_, data) => void received.push(data),
      close: (_, info) => ends.push(info),
    }, { message: () => {} });
    for (let i = 0; i < 10; i++) near.send(String(i));
    const { code, reason } = await near.closed;
    assert.deepEqual([code, reason], [1008, "The peer sends more than rateLimit allows"]);
    const info = await ends.next();
    assert.deepEqual([info.code, info.initiator, codeOf(info)], [1008, "local", "RATE_LIMITED"]);
    assert.deepEqual(received.slice(0, 3), ["0", "1", "2"]);
    assert.ok(received.length <= 4, `${received.length} messages`);
    assert.equal(await settled(() => ends.all.length), 1);
    assert.deepEqual(
      reports.map(({ limit, max, enforced }) => [limit, max, enforced]),
      [["rateLimit", 3, true]],
    );
  },

  'rateLimit "report" delivers everything, and calls onLimit once': async (t) => {
    const reports: LimitReport[] = [];
    const received = new Queue<unknown>();
    const { near } = await t.pair({
      rateLimit: { messages: 3, interval: 60_000, onExceed: "report" },
      onLimit: (report) => void reports.push(report),
      message: (_, data) => received.push(data),
    });
    for (let i = 0; i < 10; i++) near.send(String(i));
    assert.deepEqual(await received.atLeast(10), Array.from({ length: 10 }, (_, i) => String(i)));
    assert.deepEqual(reports.map(({ limit, enforced }) => [limit, enforced]), [
      ["rateLimit", false],
    ]);
    assert.equal(near.readyState, "open");
  },

  "rateLimit counts the bytes of text and of binary messages": async (t) => {
    const rateLimit = { bytes: 1000, interval: 60_000, onExceed: "close" } as const;
    for (const message of ["\u20ac".repeat(300), new Uint8Array(900)]) {
      const received = new Queue<number>();
      const { near } = await t.pair({
        rateLimit,
        message: (_, data) => received.push(data.length),
      });
      near.send(message);
      assert.equal(await received.next(), message.length, "900 bytes are within the limit");
      near.send(message);
      assert.equal((await near.closed).code, 1008);
    }
  },

  "rateLimit counts messages queued for a reader": async (t) => {
    const { near } = await t.pair({
      rateLimit: { messages: 3, interval: 60_000, onExceed: "close" },
    });
    for (let i = 0; i < 10; i++) near.send("x");
    assert.equal((await near.closed).code, 1008);
  },

  "rateLimit counts pings": async (t) => {
    const { conn, peer } = await t.accept({
      rateLimit: { messages: 3, interval: 60_000, onExceed: "close" },
      closeTimeout: 50,
      message: () => {},
    });
    peer.send(...Array(4).fill({ opcode: PING }));
    const info = await conn.closed;
    assert.deepEqual([info.code, codeOf(info)], [1008, "RATE_LIMITED"]);
  },

  "memoryLimit counts unread messages, and closes the connection with the most": async (t) => {
    const before = await held(t);
    const reports: LimitReport[] = [];
    const server = await t.serve({
      memoryLimit: before + 100_000,
      onLimit: (report) => void reports.push(report),
    });
    const large = await t.connect(server.url, { message: () => {} });
    const [largeFar] = server.clients();
    const small = await t.connect(server.url);
    const smallFar = [...server.clients()].find((conn) => conn !== largeFar)!;
    large.send(new Uint8Array(60_000));
    while (server.stats().memory.unreadMessages < 60_000) await settled(() => 0);
    assert.ok(server.stats().memory.total >= before + 60_000);
    small.send(new Uint8Array(50_000));
    const { code, reason } = await large.closed;
    assert.deepEqual([code, /memoryLimit/.test(reason)], [1013, true]);
    const info = await largeFar!.closed;
    assert.deepEqual([info.code, codeOf(info)], [1013, "MEMORY_LIMIT"]);
    assert.deepEqual(reports.map(({ limit, connection }) => [limit, connection === largeFar]), [
      ["memoryLimit", true],
    ]);
    for await (const data of smallFar) {
      assert.equal(data.length, 50_000);
      break;
    }
    assert.equal(server.stats().memory.unreadMessages, 0);
    assert.equal(small.readyState, "open");
    small.close();
    await smallFar.closed;
    assert.equal(await held(t), before);
  },

  "memoryLimit counts messages queued behind a fragmented one": async (t) => {
    const before = await held(t);
    const received = new Queue<number>();
    const { server, near, far } = await t.pair(
      { memoryLimit: before + 200_000, message: () => {} },
      { message: (_, data) => received.push(data.length) },
    );
    far.sendFragment(Opcode.Binary, new Uint8Array(10));
    far.send(new Uint8Array(50_000));
    const { queuedMessages, total } = server.stats().memory;
    assert.deepEqual([queuedMessages, total >= before + 50_000], [50_000, true]);
    far.sendFragment(Opcode.Binary, new Uint8Array(10), { fin: true });
    assert.deepEqual([await received.next(), await received.next()], [20, 50_000]);
    assert.equal(server.stats().memory.queuedMessages, 0);

    far.sendFragment(Opcode.Binary, new Uint8Array(10));
    for (let i = 0; i < 5; i++) far.send(new Uint8Array(50_000));
    const info = await far.closed;
    assert.equal(codeOf(info), "MEMORY_LIMIT");
    await near.closed;
    assert.equal(await held(t), before);
  },

  "memoryLimit counts conflated messages, and disconnects the slow peer": async (t) => {
    const before = await held(t);
    const ended = new Deferred<CloseInfo>();
    const { server, conn, peer } = await t.accept({
      highWaterMark: 1000,
      maxBufferedAmount: 256 * MIB,
      memoryLimit: before + 48 * MIB,
      message: () => {},
      close: (_, info) => ended.resolve(info),
    });
    peer.pause();
    conn.subscribe("topic");
    while (conn.send(new Uint8Array(16 * MIB)));
    const publish = (key: number): number =>
      server.publish("topic", new Uint8Array(MIB), { onSlow: "conflate", key: String(key) })
        .waiting;
    assert.equal(publish(0), 1);
    assert.ok(server.stats().memory.sharedFrames >= MIB);
    for (let key = 1; key <= 48; key++) publish(key);
    assert.equal(codeOf(await ended.promise), "MEMORY_LIMIT");
    peer.destroy();
    assert.equal(await held(t), before);
  },
});
