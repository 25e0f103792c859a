// A runtime's WebSocket may fail, drop messages or end unexpectedly. The connection must then end
// once, pass the cause to its `close` handler, and throw nothing into the event loop.

import assert from "node:assert/strict";
import { createSockets } from "../../src/bun.ts";
import type { BunServer, BunWebSocket } from "../../src/native/bun.ts";
import type { NativeDriver } from "../../src/native/driver.ts";
import type { NativeEngine } from "../../src/native/engine.ts";
import { NativeSockets, type SocketsOptions } from "../../src/native/sockets.ts";
import type { CloseInfo, Connection, ErrorCode, WebSocketError } from "../../src/public.ts";
import { settled } from "../support/live_harness.ts";

/** The fake WebSocket of a runtime. */
interface FakeSocket {
  driver: NativeDriver<undefined, FakeSocket>;
}

/** An engine without faults. */
const SOUND: NativeEngine<FakeSocket> = {
  name: "Fake",
  reportsDrain: true,
  sendText: () => 0,
  sendBytes: () => 0,
  bufferedAmount: () => 0,
  close: ({ driver }, code, reason) => driver.ended({ code, reason }),
  terminate: ({ driver }) => driver.ended({ code: 1006, reason: "" }),
  ping: () => {},
  pong: () => {},
  cork: (_, fn) => fn(),
  canClose: () => true,
};

function upgradeRequest(): Request {
  return new Request("http://a.example/", {
    headers: {
      "connection": "Upgrade",
      "upgrade": "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    },
  });
}

/** The sockets of a fake runtime. */
class FakeSockets extends NativeSockets<undefined, FakeSocket> {
  constructor(options: SocketsOptions, engine: NativeEngine<FakeSocket>) {
    super(options, engine, { name: engine.name, refused: {} });
  }

  /** Opens a connection. */
  async open(): Promise<FakeSocket> {
    const socket = {} as FakeSocket;
    await this.take<undefined>(
      upgradeRequest(),
      { remoteAddress: "127.0.0.1", remotePort: 1 },
      ({ opening }) => opening.opened(socket, (driver) => socket.driver = driver) as undefined,
    );
    return socket;
  }
}

/** A connection, and the calls that its user receives. */
interface Opened {
  readonly conn: Connection<undefined>;
  readonly socket: FakeSocket;
  readonly ends: CloseInfo[];
  readonly errors: unknown[];
}

async function open(
  faults: Partial<NativeEngine<FakeSocket>>,
  options: SocketsOptions = {},
): Promise<Opened> {
  const ends: CloseInfo[] = [];
  const errors: unknown[] = [];
  const sockets = new FakeSockets({
    ...options,
    message: () => {},
    close: (_, info) => void ends.push(info),
    onError: (error) => void errors.push(error),
  }, { ...SOUND, ...faults });
  const socket = await sockets.open();
  const [conn] = sockets.clients();
  return { conn: conn!, socket, ends, errors };
}

/** Waits for the end of the connection. Fails unless it is reported once. */
async function endOf({ conn, ends, errors }: Opened): Promise<CloseInfo> {
  await conn.closed;
  await settled(() => ends.length);
  assert.equal(ends.length, 1);
  assert.deepEqual(errors, []);
  assert.equal(conn.readyState, "closed");
  assert.equal(conn.send("late"), false);
  return ends[0]!;
}

function codeOf({ error }: CloseInfo): ErrorCode | undefined {
  return (error as WebSocketError | undefined)?.code;
}

/** Asserts that the connection ends with this error and cause, and `written` receives it once. */
async function assertLost(
  opened: Opened,
  written: unknown[],
  [code, initiator]: [ErrorCode, CloseInfo["initiator"]],
  cause?: Error,
): Promise<void> {
  const end = await endOf(opened);
  assert.deepEqual([end.code, codeOf(end), end.initiator], [1006, code, initiator]);
  assert.equal((end.error as Error).cause, cause);
  await settled(() => written.length);
  assert.deepEqual(written, [end.error]);
}

const FAILURE = new Error("the runtime fails");

function fail(): never {
  throw FAILURE;
}

Deno.test("an engine that throws in send ends the connection with its error as the cause", async () => {
  for (const data of ["text", Uint8Array.of(1)]) {
    const opened = await open({ sendText: fail, sendBytes: fail });
    const written: unknown[] = [];
    assert.equal(opened.conn.send(data, { written: (error) => void written.push(error) }), false);
    assert.equal(opened.conn.send(data), false);
    await assertLost(opened, written, ["CONNECTION_LOST", "local"], FAILURE);
  }
});

Deno.test("an engine that drops a message ends the connection with SLOW_CONSUMER", async () => {
  for (const data of ["text", Uint8Array.of(1)]) {
    const opened = await open({ sendText: () => -1, sendBytes: () => -1 });
    const written: unknown[] = [];
    assert.equal(opened.conn.send(data, { written: (error) => void written.push(error) }), false);
    await assertLost(opened, written, ["SLOW_CONSUMER", "local"]);
  }
});

for (
  const [outcome, result] of [
    ["as if the message were sent", () => 0],
    ["with buffered bytes", () => 1],
    ["as if the message were dropped", () => -1],
    ["with an error", fail],
  ] as const
) {
  Deno.test(`an engine that ends the connection during send, ${outcome}, is reported once, asynchronously`, async () => {
    const cause = new Error("reset");
    const opened = await open({
      sendText({ driver }): number {
        driver.ended({ code: 1006, reason: "", cause });
        return result();
      },
    }, { highWaterMark: 0 });
    const written: unknown[] = [];
    const sent = opened.conn.send("text", { written: (error) => void written.push(error) });
    assert.deepEqual([sent, opened.conn.send("more"), opened.ends.length], [false, false, 0]);
    await assertLost(opened, written, ["CONNECTION_LOST", "remote"], cause);
  });
}

Deno.test("an engine that throws in close ends the connection with its error as the cause", async () => {
  const later: NativeEngine<FakeSocket>["close"] = (_socket, _code, _reason, failed) =>
    queueMicrotask(() => failed(FAILURE));
  for (const close of [fail, later]) {
    const opened = await open({ close });
    opened.conn.close(4000, "enough");
    const end = await endOf(opened);
    assert.deepEqual([end.code, codeOf(end), end.sent], [1006, "CONNECTION_LOST", 4000]);
    assert.equal((end.error as Error).cause, FAILURE);
  }
});

Deno.test("an engine that throws in terminate does not delay the end", async () => {
  const opened = await open({ terminate: fail });
  opened.conn.terminate();
  assert.equal(codeOf(await endOf(opened)), "TERMINATED");
});

Deno.test("an engine that reports no end after a close causes CLOSE_TIMEOUT", async () => {
  const opened = await open({ close: () => {}, terminate: () => {} }, { closeTimeout: 1 });
  opened.conn.close();
  const end = await endOf(opened);
  assert.deepEqual([end.clean, codeOf(end)], [false, "CLOSE_TIMEOUT"]);
});

Deno.test("an engine that throws in ping or pong ends the connection with its error as the cause", async () => {
  const calls: ((opened: Opened) => void)[] = [
    ({ conn }) => assert.equal(conn.ping(), false),
    ({ conn }) => assert.equal(conn.pong(), false),
    // The heartbeat sends the ping.
    () => {},
  ];
  for (const call of calls) {
    const opened = await open({ ping: fail, pong: fail }, { pingInterval: 5 });
    call(opened);
    const end = await endOf(opened);
    assert.equal(codeOf(end), "CONNECTION_LOST");
    assert.equal((end.error as Error).cause, FAILURE);
  }
});

Deno.test("an engine that throws in cork ends the connection, and calls the function once", async () => {
  const opened = await open({ cork: fail });
  let calls = 0;
  opened.conn.cork(() => void calls++);
  assert.equal(calls, 1);
  const end = await endOf(opened);
  assert.equal((end.error as Error).cause, FAILURE);
});

Deno.test("cork rethrows an error of its function, and the connection stays open", async () => {
  const { conn, ends } = await open({});
  assert.throws(() => conn.cork(fail), FAILURE);
  assert.deepEqual([conn.readyState, ends], ["open", []]);
  conn.terminate();
  await conn.closed;
});

Deno.test("disconnects a connection that opens after shutdown, even if terminate throws", async () => {
  const sockets = new FakeSockets({ message: () => {} }, { ...SOUND, terminate: fail });
  const opening = sockets.open();
  sockets.shutdown();
  await opening;
  assert.equal(sockets.connections, 0);
});

Deno.test("Bun.serve returns 0 for a dropped message and for an ended connection", async () => {
  for (
    const [readyState, expected] of [[1, "SLOW_CONSUMER"], [3, "CONNECTION_LOST"]] as const
  ) {
    const ends: CloseInfo[] = [];
    const sockets = createSockets({ close: (_, info) => void ends.push(info) });
    const server: BunServer = {
      requestIP: () => ({ address: "127.0.0.1", port: 1 }),
      upgrade(_request, { data }): boolean {
        const socket = { data, readyState, sendText: () => 0, terminate: () => {} };
        sockets.websocket.open(socket as unknown as BunWebSocket);
        return true;
      },
    };
    await sockets.handle(upgradeRequest(), server);
    const [conn] = sockets.clients();
    assert.equal(conn!.send("text"), false);
    await conn!.closed;
    assert.deepEqual(ends.map(codeOf), [expected]);
  }
});

for (const reportsDrain of [true, false]) {
  const how = reportsDrain ? "with" : "without";
  Deno.test(`conflated messages precede messages sent after drained(), ${how} drain events of the engine`, async () => {
    let buffered = 0;
    const sent: string[] = [];
    const sockets = new FakeSockets({
      highWaterMark: 1000,
      open: (conn) => void conn.subscribe("a"),
    }, {
      ...SOUND,
      reportsDrain,
      bufferedAmount: () => buffered,
      sendText: (_, text) => (sent.push(text), buffered),
    });
    await sockets.open();
    const [conn] = sockets.clients();
    buffered = 2000;
    conn!.send("first");
    const { waiting } = sockets.publish("a", "conflated", { onSlow: "conflate" });
    assert.equal(waiting, 1);
    // The engine has not reported the drain yet.
    buffered = 0;
    await conn!.drained();
    conn!.send("last");
    assert.deepEqual(sent, ["first", "conflated", "last"]);
    conn!.terminate();
  });
}
