// The library and user code: transferred memory, code that throws, idle readers, and output
// accepted before a close.

import assert from "node:assert/strict";
import {
  type CloseInfo,
  type Connection,
  Opcode,
  type Transport,
  type WebSocketError,
} from "../../mod.ts";
import { block } from "../support/block.ts";
import { ConsoleWatch } from "../support/console.ts";
import {
  type CommonOptions,
  Deferred,
  type Live,
  liveCases,
  Queue,
} from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  type FrameParts,
  PING,
  PONG,
  TEXT,
  type WireFrame,
} from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const MIB = 1 << 20;

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function textOf({ payload }: WireFrame): string {
  return new TextDecoder().decode(payload);
}

function codeOf({ error }: CloseInfo): string | undefined {
  return (error as WebSocketError | undefined)?.code;
}

/** Transfers the buffer of a message, as `postMessage` to a worker does. */
function transfer(data: string | Uint8Array<ArrayBuffer>): void {
  if (typeof data !== "string") structuredClone(data, { transfer: [data.buffer] });
}

/** Starts a server that transfers binary messages and echoes text. */
async function transferring(
  t: Live,
  options: CommonOptions,
): Promise<{ ends: Queue<CloseInfo>; open(): Promise<RawSocket> }> {
  const ends = new Queue<CloseInfo>();
  const server = await t.serve({
    ...options,
    message(conn, data) {
      if (typeof data === "string") conn.send(data);
      else transfer(data);
    },
    close: (_, info) => ends.push(info),
  });
  return {
    ends,
    open: async () => {
      const peer = await t.rawClient(server);
      assert.equal((await peer.upgrade()).status, 101);
      return peer;
    },
  };
}

/** Reads at a steady rate until the peer ends the stream. */
async function readSlowly(peer: RawSocket, bytesPerTurn: number, pause: number): Promise<void> {
  while (!peer.ended && !peer.isClosed) {
    const before = peer.received;
    peer.resume();
    await Promise.race([
      peer.until(() => peer.received - before >= bytesPerTurn || peer.ended || peer.isClosed),
      sleep(2000),
    ]);
    if (peer.ended || peer.isClosed) return;
    peer.pause();
    await sleep(pause);
  }
}

export const cases: Cases = liveCases({
  "a handler that transfers a message's buffer fails only its own connection, with a clear error":
    async (t) => {
      const { ends, open } = await transferring(t, { closeTimeout: 100 });
      const [peer, other] = [await open(), await open()];
      // A message that is alone in its chunk can be transferred.
      peer.send({ opcode: BINARY, payload: new Uint8Array(1000) });
      peer.send({ opcode: TEXT, payload: "still here" });
      const alone = await peer.frame();
      if (alone!.opcode === TEXT) {
        peer.send(
          { opcode: BINARY, payload: new Uint8Array(1000) },
          { opcode: TEXT, payload: "was in the same chunk" },
        );
      }
      const info = await ends.next();
      assert.equal(info.code, 1011);
      assert.equal(codeOf(info), "BUFFER_DETACHED");
      assert.match(info.error!.message, /slice\(\).*binaryType: "arraybuffer"/);
      other.send({ opcode: TEXT, payload: "echo" });
      assert.equal(textOf((await other.frame())!), "echo");
    },

  "after a message's buffer is transferred, an error follows instead of empty messages": async (
    t,
  ) => {
    const results = new Queue<unknown>();
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({
      closeTimeout: 100,
      async open(conn) {
        try {
          for await (const data of conn) {
            results.push(data.length);
            if (typeof data !== "string") transfer(data);
          }
          results.push("end");
        } catch (error) {
          results.push((error as WebSocketError).code);
        }
      },
      close: (_, info) => ends.push(info),
    });
    const peer = await t.rawClient(server);
    await peer.upgrade();
    for (let i = 0; i < 3; i++) {
      peer.send(
        { opcode: BINARY, payload: new Uint8Array(1000) },
        { opcode: BINARY, payload: new Uint8Array(1000) },
        { opcode: BINARY, payload: new Uint8Array(1000) },
      );
    }
    let last: unknown = 1000;
    while (last === 1000) last = await results.next();
    if (last === "end") throw new Error("the loop has ended without an error");
    assert.equal(last, "BUFFER_DETACHED");
    const info = await ends.next();
    assert.equal(info.code, 1011);
    assert.equal(codeOf(info), "BUFFER_DETACHED");
  },

  'with binaryType: "arraybuffer" each binary message may be transferred': async (t) => {
    const received = new Queue<number>();
    const server = await t.serve({
      binaryType: "arraybuffer",
      message(conn, data, opcode) {
        const buffer: unknown = data;
        if (opcode === Opcode.Text) conn.send("done");
        else if (buffer instanceof ArrayBuffer) {
          received.push(structuredClone(buffer, { transfer: [buffer] }).byteLength);
        }
      },
    });
    const peer = await t.rawClient(server);
    await peer.upgrade();
    peer.send(
      ...[1, 100, 1000, 70_000].map((size) => ({ opcode: BINARY, payload: new Uint8Array(size) })),
      { opcode: TEXT, payload: "done?" },
    );
    await peer.frame();
    assert.deepEqual(received.all, [1, 100, 1000, 70_000]);
  },

  "an error in a handler reaches onError once, with its connection, and affects no other connection":
    async (t) => {
      for (
        const [name, fail] of [
          ["throws", () => {
            throw new Error("from the handler");
          }],
          ["rejects", () => Promise.reject(new Error("from the handler"))],
        ] as const
      ) {
        for (const handler of ["open", "message", "ping", "pong", "drain", "close"] as const) {
          const errors = new Queue<[unknown, unknown]>();
          const ends = new Queue<CloseInfo>();
          const opened = new Queue<Connection<undefined>>();
          const server = await t.serve({
            highWaterMark: 10,
            message: () => {},
            open: (conn) => opened.push(conn),
            close: (_, info) => ends.push(info),
            [handler]: (conn: Connection<undefined>, info: CloseInfo) => {
              if (handler === "open") opened.push(conn);
              if (handler === "close") ends.push(info);
              return fail();
            },
            onError: (error, conn) => errors.push([error, conn]),
          });
          const peer = await t.rawClient(server);
          await peer.upgrade();
          const conn = await opened.next();
          if (handler === "drain") conn.send("more than ten bytes");
          peer.send({ opcode: PING }, { opcode: PONG }, { opcode: TEXT, payload: "x" });
          if (handler === "close") peer.send({ opcode: CLOSE });
          peer.end();
          const info = await ends.next();
          const [[error, failing]] = await errors.atLeast(1);
          assert.equal((error as Error).message, "from the handler", `${handler} ${name}`);
          assert.equal(failing, conn);
          assert.equal(codeOf(info), handler === "close" ? undefined : "HANDLER_FAILED");
          await sleep(1);
          assert.equal(errors.all.length, 1, `${handler} ${name}`);
        }
      }
    },

  "logs the stack of a handler's error once without onError": async (t) => {
    const watch = new ConsoleWatch();
    try {
      const error = new Error("from the handler");
      const server = await t.serve({
        message: () => {
          throw error;
        },
      });
      const conn = await t.connect(server.url, { message: () => {} });
      conn.send("x");
      assert.equal((await conn.closed).code, 1011);
      assert.deepEqual(watch.logged, [[error]]);
    } finally {
      watch.end();
    }
  },

  "a handler that fails after close() does not affect the close": async (t) => {
    const errors = new Queue<unknown>();
    const called = new Deferred<void>();
    const failing = new Deferred<void>();
    const server = await t.serve({
      message(conn) {
        conn.close(1000, "done");
        called.resolve();
        return failing.promise;
      },
      onError: (error) => errors.push(error),
    });
    const { near, far } = { near: await t.connect(server.url), far: [...server.clients()][0] };
    near.send("x");
    await called.promise;
    failing.reject(new Error("late"));
    const [one, two] = await Promise.all([near.closed, far.closed]);
    assert.deepEqual([one.code, one.clean, two.code, two.clean], [1000, true, 1000, true]);
    assert.equal(((await errors.next()) as Error).message, "late");
  },

  "rejects a second loop over one connection with a TypeError": async (t) => {
    const { near, far } = await t.pair();
    const first = (async () => {
      for await (const data of near) return data;
      return "nothing";
    })();
    await assert.rejects(async () => {
      for await (const _ of near) assert.fail("the second loop must not read");
    }, TypeError);
    far.send("x");
    assert.equal(await first, "x");
  },

  "pings without a reader, and closes when the peer is silent": async (t) => {
    const frames: FrameParts[] = Array(300).fill({ opcode: BINARY });
    for (const leave of [false, true]) {
      const side = await t.accept({ pingInterval: 30, pongTimeout: 60 });
      if (leave) {
        side.peer.send({ opcode: TEXT });
        for await (const _ of side.conn) break;
      }
      side.peer.send(...frames);
      assert.equal((await side.peer.frame())!.opcode, PING);
      assert.equal(codeOf(await side.conn.closed), "PONG_TIMEOUT");
    }
    const silent = await t.accept({ readTimeout: 80 });
    silent.peer.send(...frames);
    assert.equal(codeOf(await silent.conn.closed), "READ_TIMEOUT");
  },

  "detects the end of the stream without a reader and while paused": async (t) => {
    const frames: FrameParts[] = Array(300).fill({ opcode: BINARY });
    for (const cut of [false, true]) {
      const { conn, peer } = await t.accept({});
      peer.send(...frames);
      if (cut) peer.destroy();
      else peer.end();
      assert.equal((await conn.closed).code, 1006);
      let count = 0;
      try {
        for await (const _ of conn) count++;
      } catch (error) {
        assert.equal((error as WebSocketError).code, "CONNECTION_LOST");
      }
      if (!cut) assert.equal(count, 300, "messages received before the end can still be read");
    }
    const paused = await t.accept({ unreadTimeout: 50 });
    paused.conn.pause();
    paused.peer.send(...frames);
    paused.peer.end();
    assert.equal((await paused.conn.closed).code, 1006);
  },

  "discards messages after unreadTimeout, and a later reader gets later messages": async (t) => {
    const pongs = new Queue<unknown>();
    const { conn, peer } = await t.accept({
      unreadTimeout: 50,
      closeTimeout: 100,
      pong: () => pongs.push(1),
    });
    const message = { opcode: BINARY, payload: new Uint8Array(50_000) };
    // Far more than the reader and the kernel buffer.
    for (let i = 0; i < 400; i++) peer.send(message);
    peer.send({ opcode: PONG });
    await pongs.next();
    const reader = conn[Symbol.asyncIterator]();
    const next = reader.next();
    peer.send({ opcode: TEXT, payload: "later" });
    assert.equal((await next).value, "later");
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    assert.equal((await conn.closed).clean, true);
  },

  "delivers all output sent before close(), however slowly the peer reads": async (t) => {
    const { conn, peer } = await t.accept({ message: () => {}, closeTimeout: 400 });
    const before = peer.received;
    peer.discards = true;
    peer.pause();
    const message = new Uint8Array(MIB);
    for (let i = 0; i < 12; i++) conn.send(message);
    conn.close(1000);
    await readSlowly(peer, 256 * 1024, 25);
    // Each message with its header, and the Close frame with its code, after the handshake.
    assert.equal(peer.received - before, 12 * (MIB + 10) + 4);
    assert.equal(peer.ended, true, "the stream ends without a reset");
  },

  "output in the kernel's buffer after closeTimeout arrives, and the stream ends without a reset":
    async (t) => {
      const { conn, peer } = await t.accept({ message: () => {}, closeTimeout: 200 });
      const before = peer.received;
      peer.discards = true;
      peer.pause();
      conn.send(new Uint8Array(MIB));
      conn.close();
      await conn.closed;
      await readSlowly(peer, 128 * 1024, 10);
      assert.equal(peer.received - before, MIB + 10 + 4);
      assert.equal(peer.ended, true, "the stream ends without a reset");
    },

  "sends output accepted during a stream before the Close frame": async (t) => {
    const { conn, peer } = await t.accept({ message: () => {}, closeTimeout: 100 });
    const source = new Deferred<void>();
    async function* chunks(): AsyncGenerator<string> {
      yield "first";
      await source.promise;
      yield "last";
    }
    const sending = conn.sendStream(chunks());
    await peer.frame();
    assert.equal(conn.send("important"), true);
    conn.close();
    assert.equal(conn.readyState, "closing");
    assert.equal(conn.send("too late"), false);
    source.resolve();
    assert.equal(await sending, true);
    const frames = await peer.frames(4);
    assert.deepEqual(frames.map(({ opcode }) => opcode), [0, 0, TEXT, CLOSE]);
    assert.equal(textOf(frames[2]), "important");
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    assert.equal((await conn.closed).clean, true);
  },

  "a close that drops output is not clean": async (t) => {
    const { conn, peer } = await t.accept({ message: () => {}, closeTimeout: 100 });
    const written = new Queue<Error | undefined>();
    conn.sendFragment(Opcode.Text, "never ends");
    assert.equal(conn.send("behind it", { written: written.push }), true);
    conn.close();
    await peer.frames(2);
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    const info = await conn.closed;
    assert.deepEqual([info.code, info.clean, codeOf(info)], [1000, false, "NOT_DELIVERED"]);
    assert.ok(await written.next() instanceof Error);
  },

  "a single message over maxBufferedAmount is delivered: by send, sendPrepared, broadcast and publish":
    async (t) => {
      const server = await t.serve({ maxBufferedAmount: MIB, open: (conn) => conn.subscribe("t") });
      const size = 5 * MIB;
      const got = new Queue<number>();
      await t.connect(server.url, { message: (_, data) => got.push(data.length) });
      const [conn] = server.clients();
      const data = new Uint8Array(size);
      conn.send(data);
      await got.atLeast(1);
      server.broadcast(data);
      await got.atLeast(2);
      server.publish("t", data);
      assert.deepEqual(await got.atLeast(3), [size, size, size]);
      assert.equal(conn.readyState, "open");
    },

  "a local stall does not time out the peer": async (t) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({
      pingInterval: 200,
      pongTimeout: 300,
      closeTimeout: 300,
      message: () => {},
      close: (_, info) => ends.push(info),
    });
    const peers: RawSocket[] = [];
    for (let i = 0; i < 20; i++) {
      const peer = await t.rawClient(server);
      await peer.upgrade();
      peers.push(peer);
      void (async () => {
        for (let frame = await peer.frame(); frame !== undefined; frame = await peer.frame()) {
          if (frame.opcode === PING) {
            await sleep(120);
            peer.send({ opcode: PONG, payload: frame.payload });
          } else if (frame.opcode === CLOSE) {
            await sleep(120);
            peer.send({ opcode: CLOSE, payload: frame.payload });
          }
        }
      })();
    }
    for (let round = 0; round < 3; round++) {
      await sleep(250);
      block(700);
    }
    assert.equal(ends.all.length, 0, ends.all.map(codeOf).join());
    for (const conn of server.clients()) conn.close();
    await sleep(50);
    block(700);
    await ends.atLeast(20);
    assert.ok(
      ends.all.every(({ code, clean }) => code === 1000 && clean),
      ends.all.map(codeOf).join(),
    );
  },

  "delays pings while sending a compressed message in fragments": async (t) => {
    const server = await t.serve({ compression: true, pingInterval: 20, message: () => {} });
    const client = await t.rawClient(server);
    await client.upgrade(["Sec-WebSocket-Extensions: permessage-deflate"]);
    const [far] = server.clients();
    async function* chunks(): AsyncGenerator<string> {
      for (let i = 0; i < 20; i++) {
        yield `chunk ${i} `.repeat(50);
        await sleep(10);
      }
    }
    await far.sendStream(chunks());
    const opcodes: number[] = [];
    for (let frame = await client.frame(); frame !== undefined; frame = await client.frame()) {
      opcodes.push(frame.opcode);
      if (frame.opcode === 0 && frame.fin) break;
    }
    const first = opcodes.indexOf(TEXT);
    assert.ok(!opcodes.slice(first).includes(PING), opcodes.join());
    while ((await client.frame())!.opcode !== PING);
  },

  "a transport whose write throws ends only its own connection": async (t) => {
    const server = await t.serve({ message: (conn, data) => conn.send(data) });
    let isBroken = false;
    const broken = await t.connect(server.url, {
      message: () => {},
      dial: async (address) => {
        const transport: Transport = await t.context.network.dial(address);
        const write = transport.write.bind(transport);
        transport.write = (bytes, length) => {
          if (isBroken) throw new Error("broken pipe");
          return write(bytes, length);
        };
        return transport;
      },
    });
    const got = new Queue<unknown>();
    const good = await t.connect(server.url, { message: (_, data) => got.push(data) });
    isBroken = true;
    broken.send("fails");
    good.send("arrives");
    assert.equal(await got.next(), "arrives");
    const info = await broken.closed;
    assert.deepEqual([info.clean, codeOf(info)], [false, "CONNECTION_LOST"]);
    assert.match(info.error!.message, /broken pipe/);
  },

  "a transport whose bufferedAmount throws ends only its own connection, and onError is called once":
    async (t) => {
      const server = await t.serve({ message: (conn, data) => conn.send(data) });
      for (const side of ["send", "timer", "close"]) {
        const errors: [unknown, unknown][] = [];
        const cause = new Error("no such amount");
        const transports: Transport[] = [];
        const broken = await t.connect(server.url, {
          message: () => {},
          onError: (error, conn) => errors.push([error, conn]),
          ...(side === "timer" ? { writeTimeout: 40 } : {}),
          dial: async (address) => {
            const transport: Transport = await t.context.network.dial(address);
            transports.push(transport);
            return transport;
          },
        });
        const got = new Queue<unknown>();
        const good = await t.connect(server.url, { message: (_, data) => got.push(data) });
        let isBroken = side !== "timer";
        Object.defineProperty(transports[0], "write", { value: () => false });
        Object.defineProperty(transports[0], "bufferedAmount", {
          get(): number {
            if (isBroken) throw cause;
            return 1;
          },
        });
        broken.send("waits");
        broken.cork(() => {});
        isBroken = true;
        if (side === "send") broken.send("fails");
        if (side === "close") broken.close();
        good.send("arrives");
        assert.equal(await got.next(), "arrives");
        const info = await broken.closed;
        assert.deepEqual([info.clean, codeOf(info)], [false, "CONNECTION_LOST"], side);
        assert.match(info.error!.message, /no such amount/);
        assert.equal(broken.send("late"), false);
        assert.equal(broken.bufferedAmount, 0);
        assert.deepEqual(errors, [[cause, broken]], side);
      }
    },

  "a handler that detaches a read buffer ends only its connection, and onError is called once":
    async (t) => {
      const errors: unknown[] = [];
      const closes = new Queue<CloseInfo>();
      const ways: ((data: Uint8Array<ArrayBuffer>) => void)[] = [
        (data) => void structuredClone(data, { transfer: [data.buffer] }),
        (data) => {
          const { port1, port2 } = new MessageChannel();
          port1.postMessage(data, [data.buffer]);
          port1.close();
          port2.close();
        },
        (data) => data.buffer.transfer?.() ?? structuredClone(data, { transfer: [data.buffer] }),
      ];
      const got = new Queue<unknown>();
      for (const way of ways) {
        const server = await t.serve({
          onError: (error) => errors.push(error),
          message(conn, data) {
            if (typeof data === "string") conn.send(data);
            else way(data);
          },
          close: (_, info) => closes.push(info),
        });
        const good = await t.connect(server.url, { message: (_, data) => got.push(data) });
        const bad = await t.connect(server.url, { message: () => {} });
        bad.cork(() => {
          for (let i = 0; i < 100; i++) bad.send(new Uint8Array(50));
        });
        const seen = await closes.next();
        assert.equal(codeOf(seen), "BUFFER_DETACHED");
        assert.deepEqual(errors.splice(0), [seen.error]);
        assert.equal(seen.sent, 1011);
        good.send("arrives");
        assert.equal(await got.next(), "arrives");
        bad.terminate();
      }
    },

  "calls written in order after a message is sent, never synchronously": async (t) => {
    const { conn, peer } = await t.accept({ message: () => {} });
    peer.discards = true;
    peer.pause();
    const log: string[] = [];
    const isLogged = (entry: string): boolean => log.includes(entry);
    const done = new Deferred<void>();
    conn.send("small", { written: (error) => log.push(`small ${error}`) });
    conn.send(new Uint8Array(32 * MIB), { written: (error) => log.push(`large ${error}`) });
    conn.send("last", { written: (error) => (log.push(`last ${error}`), done.resolve()) });
    assert.equal(log.length, 0);
    await sleep(50);
    assert.ok(!isLogged("large undefined"), "the peer does not read");
    peer.resume();
    await done.promise;
    assert.deepEqual(log, ["small undefined", "large undefined", "last undefined"]);
    const failed = new Deferred<Error | undefined>();
    peer.pause();
    conn.send(new Uint8Array(32 * MIB), { written: failed.resolve });
    conn.terminate();
    assert.ok(await failed.promise instanceof Error);
    const late = new Deferred<Error | undefined>();
    assert.equal(conn.send("late", { written: late.resolve }), false);
    assert.equal((await late.promise as WebSocketError).code, "NOT_OPEN");
  },

  "rejections of async callbacks of written and cork reach onError, without any other effect":
    async (t) => {
      const errors = new Queue<[unknown, unknown]>();
      const { conn, peer } = await t.accept({ onError: (error, on) => errors.push([error, on]) });
      const fail = (name: string) => async (): Promise<void> => {
        await Promise.resolve();
        throw new Error(name);
      };
      conn.send("x", { written: fail("written") });
      conn.cork(fail("cork"));
      await errors.atLeast(2);
      conn.send("still open");
      assert.deepEqual((await peer.frames(2)).map(({ opcode }) => opcode), [TEXT, TEXT]);
      conn.terminate();
      conn.send("late", { written: fail("late") });
      const reports = await errors.atLeast(3);
      assert.deepEqual(reports.map(([error]) => (error as Error).message).sort(), [
        "cork",
        "late",
        "written",
      ]);
      assert.ok(reports.every(([, on]) => on === conn));
    },

  "does not send a queued stream after the connection closes": async (t) => {
    const { conn, peer } = await t.accept({ message: () => {} });
    const first = conn.sendStream(
      (async function* () {
        yield "begun";
        await new Promise(() => {});
      })(),
    );
    let pulls = 0;
    const second = conn.sendStream(
      (async function* () {
        for (; pulls < 1000; pulls++) yield "never";
      })(),
    );
    await peer.frame();
    peer.send({ opcode: CLOSE });
    peer.end();
    assert.deepEqual([await first, await second], [false, false]);
    assert.equal(pulls, 0);
  },

  "sendFragment sends one message in frames; other messages wait": async (
    t,
  ) => {
    const { conn, peer } = await t.accept({ message: () => {} });
    assert.equal(conn.sendFragment(Opcode.Text, "one "), true);
    conn.send("behind");
    conn.sendFragment(Opcode.Continuation, "two ");
    conn.sendFragment(Opcode.Text, "three", { fin: true });
    const frames = await peer.frames(4);
    assert.deepEqual(frames.map((frame) => [frame.opcode, frame.fin, textOf(frame)]), [
      [TEXT, false, "one "],
      [0, false, "two "],
      [0, true, "three"],
      [TEXT, true, "behind"],
    ]);
    assert.throws(() => conn.sendFragment(Opcode.Continuation, "no first"), TypeError);
    assert.throws(() => conn.sendFragment(Opcode.Ping, "x"), TypeError);
    conn.sendFragment(Opcode.Binary, new Uint8Array(1));
    assert.throws(() => conn.sendFragment(Opcode.Text, "another kind"), TypeError);
  },

  "a message in fragments may be larger than highWaterMark, with drained() after each": async (
    t,
  ) => {
    const { conn, peer } = await t.accept({ highWaterMark: 100, message: () => {} });
    for (let i = 0; i < 4; i++) {
      conn.sendFragment(Opcode.Binary, new Uint8Array(100));
      await conn.drained();
    }
    conn.sendFragment(Opcode.Continuation, new Uint8Array(100), { fin: true });
    let size = 0;
    for (let fin = false; !fin;) {
      const [frame] = await peer.frames(1);
      size += frame!.payload.length;
      fin = frame!.fin;
    }
    assert.equal(size, 500);
  },

  "maxLifetime closes with 1001, with a tolerance of a tenth": async (t) => {
    const began = performance.now();
    const server = await t.serve({ maxLifetime: 200 });
    const conn = await t.connect(server.url, { message: () => {} });
    assert.equal((await conn.closed).code, 1001);
    assert.ok(performance.now() - began >= 175);
  },

  "console.log shows a connection with its state, URL and buffered bytes": async (t) => {
    const { near } = await t.pair();
    const { inspect } = await import("node:util");
    const shown = inspect(near);
    assert.match(shown, /^Connection \{/);
    for (const part of ["readyState", "open", near.url, "bufferedAmount"]) {
      assert.ok(shown.includes(part), shown);
    }
  },
});
