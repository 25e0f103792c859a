// Reentrancy: each handler calls each method of its connection.

import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { ConsoleWatch } from "../support/console.ts";
import {
  bothSides,
  type CommonOptions,
  nextMacrotask,
  type Side,
} from "../support/socket_harness.ts";
import { CLOSE, closePayload, PING, PONG, TEXT } from "../support/vectors.ts";

/** The handlers of an open connection, each with an action that triggers it. */
const TRIGGERS: Record<string, (side: Side) => void> = {
  open: () => {},
  message: ({ peer }) =>
    peer.send({ opcode: TEXT, payload: "go" }, { opcode: TEXT, payload: "on" }),
  ping: ({ peer }) => peer.send({ opcode: PING }, { opcode: PING }),
  pong: ({ peer }) => peer.send({ opcode: PONG }, { opcode: PONG }),
  drain: ({ conn }) => void conn.send(new Uint8Array(2000)),
};

/** Options with the handler under test and a close handler that records its call. */
function handlers(
  name: string,
  act: (conn: Connection<undefined>) => void,
  log: string[],
): CommonOptions {
  return {
    highWaterMark: 1000,
    [name]: (conn: Connection<undefined>) => {
      log.push(name);
      act(conn);
    },
    close: (_, { code }) => void log.push(`close ${code}`),
  };
}

for (const [name, trigger] of Object.entries(TRIGGERS)) {
  bothSides(
    `close() inside ${name} closes once, and no handler is called after it`,
    async (_, open) => {
      const log: string[] = [];
      const side = await open(handlers(name, (conn) => conn.close(3000, "from inside"), log));
      trigger(side);
      await side.peer.until(() => side.peer.payloads.some((text) => text.endsWith("from inside")));
      side.peer.send({ opcode: TEXT, payload: "late" }, {
        opcode: CLOSE,
        payload: closePayload(3000),
      });
      side.peer.transport.end();
      assert.equal((await side.conn.closed).clean, true);
      assert.equal(side.peer.frames.filter(({ opcode }) => opcode === CLOSE).length, 1);
      assert.deepEqual(log, [name, "close 3000"]);
    },
  );

  bothSides(
    `terminate() inside ${name} ends the connection, and no handler is called after it`,
    async (_, open) => {
      const log: string[] = [];
      const side = await open(handlers(name, (conn) => conn.terminate(), log)).catch(() =>
        undefined
      );
      // If `open` terminates the connection, the server's response is dropped with it.
      if (side === undefined) return;
      trigger(side);
      const { error } = await side.conn.closed;
      assert.equal((error as WebSocketError).code, "TERMINATED");
      await nextMacrotask();
      assert.deepEqual(log, [name, "close 1006"]);
    },
  );

  bothSides(`sending, pausing and resuming inside ${name} works`, async (_, open) => {
    let runs = 0;
    const side = await open({
      highWaterMark: 1000,
      [name]: (conn: Connection<undefined>) => {
        if (runs++ > 3) return;
        conn.pause();
        conn.cork(() => {
          conn.send("one");
          conn.ping();
          conn.sendDelayed("two");
        });
        conn.send("three");
        conn.resume();
      },
    });
    trigger(side);
    await side.peer.until(() => side.peer.payloads.includes("three"));
    const texts = side.peer.payloads.filter((text) => text.length > 0 && text.length < 10);
    assert.deepEqual(texts.slice(0, 3), ["one", "two", "three"]);
    assert.equal(side.conn.readyState, "open");
  });
}

bothSides("method calls inside the close handler have no effect", async (_, open) => {
  const log: unknown[] = [];
  const { conn, peer } = await open({
    close: (conn) => {
      log.push(conn.readyState, conn.send("late"), conn.ping(), conn.sendDelayed("late"));
      conn.close(3000);
      conn.terminate();
      conn.pause();
      conn.resume();
      conn.cork(() => void conn.send("late"));
      conn.closed.then(({ code }) => log.push(code));
    },
  });
  peer.transport.destroy();
  await conn.closed;
  await nextMacrotask();
  assert.deepEqual(log, ["closed", false, false, false, 1006]);
  assert.equal(peer.bytes.length, 0);
});

for (const [how, fail] of Object.entries({ throws: throwing, rejects: rejecting })) {
  bothSides(`reports a close handler that ${how} once, with no other effect`, async (
    t,
    open,
    side,
  ) => {
    const error = new Error("in close");
    const reported: unknown[] = [];
    const onError = (error: unknown): void => void reported.push(error);
    const watch = new ConsoleWatch();
    try {
      const options = { close: fail(error) };
      const { conn, peer } = side === "server"
        ? await t.accept({ ...options, onError })
        : await open(options);
      peer.send({ opcode: CLOSE });
      peer.transport.end();
      assert.equal((await conn.closed).clean, true);
      await nextMacrotask();
    } finally {
      watch.end();
    }
    assert.deepEqual(side === "server" ? reported : watch.logged.flat(), [error]);
    assert.deepEqual(side === "server" ? watch.logged : reported, []);
  });
}

bothSides("reports an error after the connection ended", async (
  t,
  open,
  side,
) => {
  const error = new Error("late");
  const late = Promise.withResolvers<void>();
  const reported: unknown[] = [];
  const watch = new ConsoleWatch();
  try {
    const options = { message: () => late.promise };
    const { conn, peer } = side === "server"
      ? await t.accept({ ...options, onError: (error) => void reported.push(error) })
      : await open(options);
    peer.send({ opcode: TEXT });
    await nextMacrotask();
    peer.transport.destroy();
    await conn.closed;
    late.reject(error);
    await nextMacrotask();
  } finally {
    watch.end();
  }
  assert.deepEqual([...reported, ...watch.logged.flat()], [error]);
});

bothSides("the error of the first failing handler is the cause", async (_, open) => {
  const failures = [new Error("first"), new Error("second")];
  const { conn, peer } = await open({
    message: () => Promise.reject(failures.shift()),
  });
  const [first] = failures;
  peer.send({ opcode: TEXT }, { opcode: TEXT });
  await peer.until(() => peer.ended);
  peer.transport.end();
  assert.equal((await conn.closed).error?.cause, first);
});

function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}

function rejecting(value: unknown): () => Promise<never> {
  return () => Promise.reject(value);
}
