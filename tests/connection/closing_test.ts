// The closing handshake: its initiator, close codes, and peers that do not complete it.

import assert from "node:assert/strict";
import { WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import {
  bothSides,
  type CommonOptions,
  nextMacrotask,
  type Side,
} from "../support/socket_harness.ts";
import { CLOSE, closePayload, type FrameParts, hex, TEXT, toHex } from "../support/vectors.ts";

/** Creates a peer's Close frame, empty if there is no code. */
function close(code?: number, reason = ""): FrameParts {
  return { opcode: CLOSE, payload: code === undefined ? hex("") : closePayload(code, reason) };
}

/** Returns the close info of a connection that ends without the peer's Close frame. */
function lost(initiator: CloseInfo["initiator"], sent?: number): Ending["info"] {
  return { code: 1006, reason: "", clean: false, initiator, sent, received: undefined };
}

/** The close info after a protocol violation by the peer. */
const VIOLATED: Ending["info"] = {
  code: 1002,
  reason: /opcode/,
  clean: false,
  initiator: "local",
  sent: 1002,
  received: undefined,
};

/** An action that ends a connection, and the expected close info. */
interface Ending {
  readonly name: string;
  /** Ends the connection. */
  end(side: Side): void;
  readonly info: Omit<CloseInfo, "error" | "reason"> & { reason: string | RegExp };
  /** The code of the error, if any. */
  readonly error?: string;
  readonly options?: CommonOptions;
}

const ENDINGS: readonly Ending[] = [
  {
    name: "the local side closes and the peer answers",
    end: ({ conn, peer }) => {
      conn.close(3000, "local");
      peer.send(close(3000));
      peer.transport.end();
    },
    info: { code: 3000, reason: "", clean: true, initiator: "local", sent: 3000, received: 3000 },
  },
  {
    name: "the local side closes and the peer answers with another code",
    end: ({ conn, peer }) => {
      conn.close(1000, "local");
      peer.send(close(4001, "remote"));
      peer.transport.end();
    },
    info: {
      code: 4001,
      reason: "remote",
      clean: true,
      initiator: "local",
      sent: 1000,
      received: 4001,
    },
  },
  {
    name: "the peer closes",
    end: ({ peer }) => {
      peer.send(close(1001, "leaving"));
      peer.transport.end();
    },
    info: {
      code: 1001,
      reason: "leaving",
      clean: true,
      initiator: "remote",
      sent: 1001,
      received: 1001,
    },
  },
  {
    name: "the peer closes without a code",
    end: ({ peer }) => {
      peer.send(close());
      peer.transport.end();
    },
    info: { code: 1005, reason: "", clean: true, initiator: "remote", sent: 1005, received: 1005 },
  },
  {
    name: "the peer ends the stream without a Close frame",
    end: ({ peer }) => peer.transport.end(),
    info: lost("remote"),
    error: "CONNECTION_LOST",
  },
  {
    name: "the peer resets the stream",
    end: ({ peer }) => peer.transport.destroy(),
    info: lost("remote"),
    error: "CONNECTION_LOST",
  },
  {
    name: "the local side closes and the peer resets the stream",
    end: ({ conn, peer }) => {
      conn.close();
      peer.transport.destroy();
    },
    info: lost("local", 1000),
    error: "CONNECTION_LOST",
  },
  {
    name: "the local side terminates",
    end: ({ conn }) => conn.terminate(),
    info: lost("local"),
    error: "TERMINATED",
  },
  {
    name: "the peer violates the protocol",
    end: ({ peer }) => {
      peer.send({ opcode: 3 });
      peer.transport.end();
    },
    info: VIOLATED,
    error: "RESERVED_OPCODE",
  },
  {
    name: "the peer sends text that is not UTF-8",
    end: ({ peer }) => {
      peer.send({ opcode: TEXT, payload: hex("ff") });
      peer.transport.end();
    },
    info: {
      code: 1007,
      reason: /UTF-8/,
      clean: false,
      initiator: "local",
      sent: 1007,
      received: undefined,
    },
    error: "INVALID_UTF8",
  },
  {
    name: "the peer sends more than maxMessageSize",
    options: { maxMessageSize: 10 },
    end: ({ peer }) => {
      peer.send({ opcode: TEXT, payload: "x".repeat(11) });
      peer.transport.end();
    },
    info: {
      code: 1009,
      reason: /10/,
      clean: false,
      initiator: "local",
      sent: 1009,
      received: undefined,
    },
    error: "MESSAGE_TOO_BIG",
  },
  {
    name: "the peer never answers the Close frame",
    options: { closeTimeout: 20 },
    end: ({ conn }) => conn.close(1001),
    info: lost("local", 1001),
    error: "CLOSE_TIMEOUT",
  },
  {
    name: "the peer answers the Close frame but never ends the stream",
    options: { closeTimeout: 20 },
    end: ({ conn, peer }) => {
      conn.close();
      peer.send(close(1000));
    },
    info: { code: 1000, reason: "", clean: true, initiator: "local", sent: 1000, received: 1000 },
  },
  {
    name: "the peer violates the protocol and never ends the stream",
    options: { closeTimeout: 20 },
    end: ({ peer }) => peer.send({ opcode: 3 }),
    info: VIOLATED,
    error: "RESERVED_OPCODE",
  },
  {
    name: "the peer ends its side and stops reading",
    options: { closeTimeout: 20 },
    end: ({ conn, peer, transport }) => {
      transport.blocked = true;
      conn.send("stuck");
      peer.transport.end();
    },
    info: lost("remote"),
    error: "CONNECTION_LOST",
  },
  {
    name: "the local side closes with closeTimeout 0",
    options: { closeTimeout: 0 },
    end: ({ conn }) => conn.close(),
    info: lost("local", 1000),
    error: "CLOSE_TIMEOUT",
  },
];

for (const ending of ENDINGS) {
  bothSides(`the close handler and closed report the end when ${ending.name}`, async (_, open) => {
    const infos: CloseInfo[] = [];
    const states: string[] = [];
    const side = await open({
      ...ending.options,
      close: (conn, info) => {
        infos.push(info);
        states.push(conn.readyState);
      },
    });
    ending.end(side);
    const info = await side.conn.closed;
    const { error, reason, ...rest } = info;
    const { reason: expected, ...others } = ending.info;
    assert.deepEqual(rest, others);
    if (typeof expected === "string") assert.equal(reason, expected);
    else assert.match(reason, expected);
    assert.equal((error as WebSocketError | undefined)?.code, ending.error);
    assert.ok(error === undefined || error instanceof WebSocketError);
    await side.peer.until(() => side.peer.isClosed);
    await nextMacrotask();
    assert.deepEqual(states, ["closed"]);
    assert.equal(infos[0], info);
    assert.equal(await side.conn.closed, info, "closed resolves with the same info later");
    assert.equal(timers.size, 0);
  });
}

bothSides("readyState changes from open to closing to closed", async (_, open) => {
  const { conn, peer } = await open();
  assert.equal(conn.readyState, "open");
  conn.close();
  assert.equal(conn.readyState, "closing");
  peer.send(close(1000));
  peer.transport.end();
  await conn.closed;
  assert.equal(conn.readyState, "closed");
});

bothSides("a second close changes nothing", async (_, open) => {
  const { conn, peer } = await open();
  conn.close(3000, "first");
  conn.close(4000, "second");
  await nextMacrotask();
  assert.deepEqual(peer.frames.map(({ payload }) => toHex(payload)), [
    toHex(closePayload(3000, "first")),
  ]);
  peer.send(close(3000));
  peer.transport.end();
  const info = await conn.closed;
  conn.close(4000);
  assert.equal((await conn.closed).code, info.code);
});

bothSides("sends buffered messages before the Close frame, in one write", async (
  _,
  open,
) => {
  const { conn, peer, transport } = await open();
  conn.send("one");
  conn.send("two");
  conn.close();
  await nextMacrotask();
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [TEXT, TEXT, CLOSE]);
  assert.equal(transport.writes.length, 1);
});

bothSides("a closing connection does not send or deliver messages", async (_, open) => {
  const messages: unknown[] = [];
  const { conn, peer } = await open({ message: (_, data) => void messages.push(data) });
  conn.close();
  for (const send of SENDS) assert.equal(send(conn), false);
  peer.send({ opcode: TEXT, payload: "too late" });
  await nextMacrotask();
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [CLOSE]);
  assert.deepEqual(messages, []);
  peer.send(close(1000));
  peer.transport.end();
  await conn.closed;
  for (const send of SENDS) assert.equal(send(conn), false);
});

/** Each send method. */
const SENDS: readonly ((conn: Connection<undefined>) => boolean)[] = [
  (conn) => conn.send("late"),
  (conn) => conn.send(new Uint8Array(3)),
  (conn) => conn.sendUtf8(new Uint8Array(3)),
  (conn) => conn.sendDelayed("late"),
  (conn) => conn.ping(),
  (conn) => conn.pong(),
];

bothSides("writes all buffered output before the stream ends", async (_, open) => {
  const { conn, peer, transport } = await open();
  transport.blocked = true;
  conn.send("waits");
  conn.close();
  peer.send(close(1000));
  await nextMacrotask();
  assert.equal(transport.ended, false);
  transport.unblock();
  await peer.framesOf(2);
  peer.transport.end();
  assert.equal((await conn.closed).clean, true);
});

bothSides("terminate sends no Close frame and drops buffered output", async (_, open) => {
  const { conn, peer, transport } = await open();
  conn.send("lost");
  conn.terminate();
  await conn.closed;
  assert.equal(transport.writes.length, 0);
  assert.equal(peer.bytes.length, 0);
  assert.equal(conn.bufferedAmount, 0);
});

bothSides("terminate ends a connection that is closing", async (_, open) => {
  const { conn } = await open();
  conn.close(1000);
  conn.terminate();
  const { sent, error } = await conn.closed;
  assert.equal(sent, 1000);
  assert.equal((error as WebSocketError).code, "TERMINATED");
  conn.terminate();
});

socketRoles("a server ends the stream first, a client waits for it (RFC 6455 7.1.1)");

function socketRoles(name: string): void {
  bothSides(name, async (_, open, side) => {
    const { conn, peer, transport } = await open();
    peer.send(close(1000));
    await nextMacrotask();
    assert.equal(transport.ended, side === "server");
    assert.equal(conn.readyState, "closing");
    peer.transport.end();
    await conn.closed;
    assert.equal(transport.ended, true);
  });
}
