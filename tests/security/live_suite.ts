// Tests known classes of vulnerabilities in WebSocket implementations on a running server or
// client, on every runtime. The number is the class in docs/security_tests.md, which also lists the
// tests in other files.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { CloseInfo, Connection, Server, WebSocketError } from "../../mod.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import type { Cases } from "../behaviour/harness.ts";
import { compressed, RSV1 } from "../support/deflated.ts";
import {
  type CommonOptions,
  Deferred,
  type Live,
  liveCases,
  Queue,
  withEachSide,
} from "../support/live_harness.ts";
import { Random } from "../support/random.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  concat,
  CONTINUATION,
  frame,
  MASK_KEY,
  PING,
  TEXT,
  type WireFrame,
} from "../support/vectors.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Waits for the next Close frame. Skips other frames. */
async function closeFrame(peer: RawSocket): Promise<WireFrame> {
  let next = await peer.frame();
  while (next !== undefined && next.opcode !== CLOSE) next = await peer.frame();
  assert.ok(next !== undefined, "no Close frame");
  return next;
}

async function assertClosedWith(peer: RawSocket, code: number): Promise<void> {
  assert.deepEqual((await closeFrame(peer)).payload.subarray(0, 2), closePayload(code));
}

/** Checks that the server still serves another client. */
async function assertAlive(t: Live, server: { readonly url: string }): Promise<void> {
  const conn = await t.connect(server.url);
  conn.send("alive?");
  assert.equal((await conn[Symbol.asyncIterator]().next()).value, "alive?");
  conn.close();
}

function echo(conn: Connection<undefined>, data: string | Uint8Array): void {
  conn.send(data);
}

const memory = liveCases({
  "class 2: one limit on the decompressed size applies to a fragmented bomb": async (t) => {
    const bomb = compressed(new Uint8Array(4 * MIB));
    const { server, peer } = await acceptCompressed(t, MIB);
    const parts = Array.from({ length: 8 }, (_, i) => {
      const at = [i, i + 1].map((n) => Math.floor(n * bomb.length / 8));
      return {
        opcode: i === 0 ? BINARY : CONTINUATION,
        rsv: i === 0 ? RSV1 : 0,
        fin: i === 7,
        payload: bomb.subarray(at[0], at[1]),
      };
    });
    assert.ok(bomb.length < 8 * KIB, "the compressed message is small");
    peer.send(...parts);
    await assertClosedWith(peer, 1009);
    await assertAlive(t, server);
  },

  "class 6: partial messages of all connections share one limit, and the largest is closed": async (
    t,
  ) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve<undefined>({
      memoryLimit: 2 * MIB,
      message: echo,
      close: (_, info) => ends.push(info),
    });
    // Each message is far below maxMessageSize, but together they exceed memoryLimit.
    const peers: RawSocket[] = [];
    const payload = new Uint8Array(100 * KIB);
    for (let i = 0; i < 16; i++) {
      const peer = await t.rawClient(server);
      await peer.upgrade();
      peers.push(peer);
    }
    // All handshakes are first, because the server rejects new clients near the limit.
    for (const [i, peer] of peers.entries()) {
      peer.send({
        opcode: BINARY,
        fin: false,
        payload: i === 0 ? new Uint8Array(MIB) : payload,
      });
    }
    await assertClosedWith(peers[0], 1013);
    peers[0].end();
    const { code, error } = await ends.next();
    assert.deepEqual([code, (error as WebSocketError).code], [1013, "MEMORY_LIMIT"]);
    // Memory use is still near the limit, so the server accepts no new clients until the others
    // have disconnected.
    for (const peer of peers.slice(1)) {
      peer.end();
      await ends.next();
    }
    await assertAlive(t, server);
  },

  "class 6: messageTimeout limits a slow message": async (t) => {
    const ends = new Queue<CloseInfo>();
    const options: CommonOptions = {
      messageTimeout: 200,
      message: () => {},
      close: (_, info) => ends.push(info),
    };
    await withEachSide(t, options, async ({ peer }) => {
      peer.send({ opcode: TEXT, fin: false });
      while (!peer.isClosed && !peer.ended) {
        peer.send({ opcode: CONTINUATION, fin: false, payload: "x" });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.equal(((await ends.next()).error as WebSocketError).code, "MESSAGE_TIMEOUT");
    });
  },

  "class 8: only sent bytes are written, regardless of earlier buffer contents": async (t) => {
    // Fills every pool with bytes that must never be sent.
    const secret = 0xca;
    const server = await t.serve<undefined>({ compression: true, message: echo });
    const other = await t.connect(server.url, { compression: true });
    const answers = other[Symbol.asyncIterator]();
    for (const size of [100, 5000, 70_000, MIB]) {
      for (const compress of [true, false]) {
        other.send(new Uint8Array(size).fill(secret), { compress });
        await answers.next();
      }
    }
    const random = new Random(8);
    const peer = await t.rawClient(server);
    assert.equal(
      (await peer.upgrade(["Sec-WebSocket-Extensions: permessage-deflate"])).status,
      101,
    );
    for (let i = 0; i < 50; i++) {
      const payload = new Uint8Array(random.below(200)).fill(1 + random.below(100));
      peer.send(
        { opcode: PING, payload: payload.subarray(0, 125) },
        { opcode: BINARY, payload },
        { opcode: BINARY, rsv: RSV1, payload: compressed(payload) },
      );
      for (const { rsv, payload: got } of await peer.frames(3)) {
        if (rsv === 0) assert.ok(!got.includes(secret), `message ${i}`);
      }
    }
    // A stored block whose length exceeds its data.
    peer.send({ opcode: BINARY, rsv: RSV1, payload: Uint8Array.of(0, 100, 0, 155, 255, 1, 2, 3) });
    await assertClosedWith(peer, 1007);
    for (const argument of [100, [1, 2], { length: 4 }]) {
      assert.throws(() => other.ping(argument as unknown as Uint8Array), TypeError);
      assert.throws(() => other.close(1000, new Uint8Array(4) as unknown as string), TypeError);
    }
  },
});

async function acceptCompressed(
  t: Live,
  maxMessageSize: number,
): Promise<{ server: Server<undefined>; peer: RawSocket }> {
  const server = await t.serve<undefined>({ compression: true, maxMessageSize, message: echo });
  const peer = await t.rawClient(server);
  await peer.upgrade(["Sec-WebSocket-Extensions: permessage-deflate"]);
  return { server, peer };
}

/** Creates invalid input: malformed frames or random bytes. */
function invalidInput(random: Random, masked: boolean): Uint8Array {
  const parts = Array.from({ length: 1 + random.below(4) }, () => {
    if (random.below(4) === 0) return random.bytes(random.below(60));
    const payload = random.bytes(random.below(140));
    const length = BigInt(payload.length);
    const bits = length < 126n && random.below(3) > 0 ? 7 : random.below(2) === 0 ? 16 : 64;
    return frame({
      opcode: random.pick([0, 1, 2, 8, 9, 10, random.below(16)]),
      fin: random.below(3) > 0,
      rsv: random.below(3) === 0 ? random.below(8) : 0,
      payload,
      mask: masked === random.below(20) > 0 ? MASK_KEY : undefined,
      lengthBits: length >= 126n && bits === 7 ? 16 : bits,
      length: random.below(9) === 0 && bits === 64 ? 1n << BigInt(random.below(64)) : length,
    });
  });
  return concat(...parts);
}

const robustness = liveCases({
  "class 9: input from a client ends at most its own connection, and close is called once": async (
    t,
  ) => {
    const random = new Random(9);
    let opened = 0;
    const ends = new Queue<CloseInfo>();
    const server = await t.serve<undefined>({
      compression: true,
      open: () => void opened++,
      message: echo,
      close: (_, info) => ends.push(info),
      onError: (error) => assert.fail(`onError received ${error}`),
    });
    for (let i = 0; i < 150; i++) {
      const peer = await t.rawClient(server);
      const head = random.below(5) === 0
        ? random.bytes(200)
        : upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]);
      peer.send(head, invalidInput(random, true));
      peer.end();
      await peer.rest();
    }
    await ends.atLeast(opened);
    assert.equal(ends.all.length, opened);
    assert.ok(ends.all.every(({ error }) => (error as WebSocketError)?.code !== "INTERNAL"));
    await assertAlive(t, server);
  },

  "class 9: input from a server ends at most the client's connection": async (t) => {
    const random = new Random(99);
    const server = await t.rawServer();
    for (let i = 0; i < 100; i++) {
      const connecting = t.connect(server.url, { compression: true, message: () => {} });
      const peer = await server.accept();
      if (random.below(5) === 0) {
        peer.send("HTTP/1.1 ", random.bytes(100));
        peer.end();
        await assert.rejects(connecting, (error) => (error as WebSocketError).code !== "INTERNAL");
        continue;
      }
      await peer.acceptUpgrade();
      peer.send(invalidInput(random, false));
      peer.end();
      const { error } = await (await connecting).closed;
      assert.notEqual((error as WebSocketError)?.code, "INTERNAL");
    }
  },

  "class 10: connections leave no timer behind, however they end": async (t) => {
    const options = { pingInterval: 50_000, pongTimeout: 50_000, readTimeout: 50_000 };
    const ends = new Queue<CloseInfo>();
    const server = await t.serve<undefined>({
      ...options,
      writeTimeout: 50_000,
      messageTimeout: 50_000,
      message: echo,
      close: (_, info) => ends.push(info),
    });
    const before = timers.size;
    for (let i = 0; i < 100; i++) {
      const conn = await t.connect(server.url, { ...options, message: () => {} });
      conn.sendDelayed("waits");
      if (i % 4 === 0) conn.terminate();
      else if (i % 4 === 1) conn.close();
      else if (i % 4 === 2) [...server.clients()].forEach((far) => far.terminate());
      else [...server.clients()].forEach((far) => far.close(4000));
      await conn.closed;
    }
    await ends.atLeast(100);
    assert.equal(server.connections, 0);
    assert.equal(timers.size, before);
  },

  "class 11: allowedHosts rejects DNS rebinding": async (t) => {
    const server = await t.serve<undefined>({
      allowedHosts: ["localhost", "127.0.0.1"],
      fetch: () => new Response("page"),
    });
    const ask = async (method: "upgrade" | "plain", host: string): Promise<number> => {
      const peer = await t.rawClient(server);
      const request = upgradeRequest([`Origin: http://${host}`]).replace("a.example", host);
      peer.send(method === "upgrade" ? request : `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const { status } = await peer.answer();
      peer.destroy();
      return status;
    };
    // The origin check alone would accept this page.
    assert.equal(await ask("upgrade", "evil.example:8080"), 421);
    assert.equal(await ask("plain", "evil.example:8080"), 421);
    assert.equal(await ask("upgrade", "localhost:8080"), 101);
    assert.equal(await ask("plain", "127.0.0.1"), 200);
  },

  "class 16: a flood on one connection does not delay other connections": async (
    t,
  ) => {
    const server = await t.serve<undefined>({ message: echo, maxBufferedAmount: 1 << 30 });
    const flooding = await t.rawClient(server);
    await flooding.upgrade();
    flooding.discards = true;
    const calm = await t.connect(server.url);
    const answers = calm[Symbol.asyncIterator]();
    const flood = flooding.encode({ opcode: BINARY, payload: new Uint8Array(MIB) });
    const total = 32 * flood.length;
    let sent = 0;
    const over = new Deferred<void>();
    const more = async (): Promise<void> => {
      for (; sent < total; sent += flood.length) {
        if (!flooding.send(flood)) {
          await flooding.until(() => flooding.socket.writableLength === 0);
        }
      }
      over.resolve();
    };
    void more();
    let answered = 0;
    while (sent < total) {
      calm.send("in between?");
      await answers.next();
      answered++;
      await setImmediate();
    }
    await over.promise;
    assert.ok(answered >= 4, `${answered} answers during the flood`);
  },

  "class 18: bytes after a rejected request are not read as a request or frames": async (t) => {
    let asked = 0;
    const server = await t.serve<undefined>({
      upgrade: () => void asked++,
      message: () => assert.fail("a message"),
    });
    for (const spoilt of ["Content-Length: 40", "Transfer-Encoding: chunked", "Upgrade: h2c"]) {
      const peer = await t.rawClient(server);
      const bad = spoilt.startsWith("Upgrade")
        ? upgradeRequest().replace("Upgrade: websocket", spoilt)
        : upgradeRequest([spoilt]);
      peer.send(bad, upgradeRequest(), { opcode: TEXT, payload: "smuggled" });
      const text = await peer.rest();
      assert.match(text, /^HTTP\/1\.1 4\d\d [^]*\r\nConnection: [^\r]*close/i);
      assert.equal(text.split("HTTP/1.1 ").length, 2, "one answer");
    }
    const old = await t.rawClient(server);
    old.send(upgradeRequest().replace("HTTP/1.1", "HTTP/1.0"));
    assert.match(await old.rest(), /^HTTP\/1\.1 505 /);
    assert.equal(asked, 0);
  },
});

/** All cases of this suite. */
export const cases: Cases = { ...memory, ...robustness };
