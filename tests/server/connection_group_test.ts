// Tests the connections of a server: counting, broadcast and shutdown.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import type { Server } from "../../src/server/serve.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { type RawPeer, upgradeRequest } from "../support/raw_peer.ts";
import { BINARY, CLOSE, closePayload, hex, TEXT, toHex } from "../support/vectors.ts";

/** Connects raw clients to a server. */
async function clientsOf(t: Harness, server: Server, count: number): Promise<RawPeer[]> {
  const clients = Array.from({ length: count }, () => t.rawClient(server));
  for (const client of clients) {
    client.send(upgradeRequest());
    await client.answer();
    client.transport.peer.writes.length = 0;
  }
  return clients;
}

socketTest(
  "connections and clients() are correct in every handler and after the connection has closed",
  async (t) => {
    const log: unknown[] = [];
    const note = (name: string) => (conn: Connection<undefined>): void => {
      log.push([name, server.connections, [...server.clients()].includes(conn)]);
    };
    const server = await t.serve({
      open: note("open"),
      message: note("message"),
      close: note("close"),
    });
    assert.equal(server.connections, 0);
    assert.deepEqual([...server.clients()], []);
    const [one, two] = await clientsOf(t, server, 2);
    one.send({ opcode: TEXT });
    await nextMacrotask();
    assert.equal(server.connections, 2);
    one.send({ opcode: CLOSE });
    one.transport.end();
    await one.until(() => one.isClosed);
    assert.equal(server.connections, 1);
    two.transport.destroy();
    await two.until(() => two.isClosed);
    await nextMacrotask();
    assert.equal(server.connections, 0);
    assert.deepEqual(log, [
      ["open", 1, true],
      ["open", 2, true],
      ["message", 2, true],
      ["close", 1, false],
      ["close", 0, false],
    ]);
  },
);

socketTest("clients() can be iterated while connections open and close", async (t) => {
  const server = await t.serve();
  await clientsOf(t, server, 5);
  let seen = 0;
  for (const conn of server.clients()) {
    conn.terminate();
    await conn.closed;
    seen++;
  }
  assert.equal(seen, 5);
  assert.equal(server.connections, 0);
});

socketTest(
  "broadcast sends to all but the excepted connection and returns the count",
  async (t) => {
    const server = await t.serve();
    const clients = await clientsOf(t, server, 3);
    const [first] = server.clients();
    assert.equal(server.broadcast("all"), 3);
    assert.equal(server.broadcast(hex("01 02"), { except: first }), 2);
    assert.equal(server.broadcast(prepareMessage("prepared")), 3);
    assert.equal(server.broadcast(hex("03").buffer as ArrayBuffer, {}), 3);
    await nextMacrotask();
    const shown = clients.map(({ frames }) =>
      frames.map(({ opcode, payload }) => `${opcode} ${toHex(payload)}`)
    );
    const all = `${TEXT} ${toHex(new TextEncoder().encode("all"))}`;
    const prepared = `${TEXT} ${toHex(new TextEncoder().encode("prepared"))}`;
    assert.deepEqual(shown, [
      [all, prepared, `${BINARY} 03`],
      [all, `${BINARY} 0102`, prepared, `${BINARY} 03`],
      [all, `${BINARY} 0102`, prepared, `${BINARY} 03`],
    ]);
  },
);

socketTest("writes all broadcasts of one tick in one write per connection", async (t) => {
  const server = await t.serve();
  const clients = await clientsOf(t, server, 3);
  for (let i = 0; i < 5; i++) server.broadcast(`message ${i}`);
  await nextMacrotask();
  for (const client of clients) {
    assert.equal(client.transport.peer.writes.length, 1);
    assert.equal(client.frames.length, 5);
  }
});

socketTest("broadcast skips closing connections", async (t) => {
  const server = await t.serve();
  const [client] = await clientsOf(t, server, 2);
  const [first] = server.clients();
  first.close();
  assert.equal(server.broadcast("hi"), 1);
  await nextMacrotask();
  assert.deepEqual(client.frames.map(({ opcode }) => opcode), [CLOSE]);
});

socketTest("broadcast without connections returns 0", async (t) => {
  assert.equal((await t.serve()).broadcast("hi"), 0);
});

socketTest("keeps the order of broadcasts and sends", async (t) => {
  const server = await t.serve();
  const [client] = await clientsOf(t, server, 2);
  const [conn] = server.clients();
  conn.send("1");
  server.broadcast("2");
  conn.sendDelayed("3");
  server.broadcast("4");
  conn.send("5");
  await nextMacrotask();
  assert.deepEqual(client.payloads, ["1", "2", "3", "4", "5"]);
});

const WRONG: readonly [what: string, call: (server: Server) => unknown, message: RegExp][] = [
  ["broadcast(7)", (server) => server.broadcast(7 as never), /got 7$/],
  ["broadcast()", (server) => server.broadcast(undefined as never), /got undefined$/],
  [
    "broadcast with an unknown option",
    (server) => server.broadcast("x", { but: 1 } as never),
    /"but"/,
  ],
  ["broadcast with no options", (server) => server.broadcast("x", null as never), /got null$/],
  ["shutdown(null)", (server) => server.shutdown(null as never), /got null$/],
  ["shutdown with an unknown option", (server) => server.shutdown({ wait: 1 } as never), /"wait"/],
  [
    "shutdown with a timeout of the wrong type",
    (server) => server.shutdown({ timeout: "1s" as never }),
    /"1s"$/,
  ],
  ["shutdown with a negative timeout", (server) => server.shutdown({ timeout: -1 }), /got -1$/],
  [
    "shutdown with a negative drainPeriod",
    (server) => server.shutdown({ drainPeriod: -1 }),
    /"drainPeriod".*got -1$/,
  ],
  [
    "shutdown with a drainPeriod of the wrong type",
    (server) => server.shutdown({ drainPeriod: "1s" as never }),
    /"drainPeriod".*"1s"$/,
  ],
  [
    "shutdown with an invalid code",
    (server) => server.shutdown({ code: 1000 as never }),
    /"code" must be 1001 or 1012, got 1000$/,
  ],
  [
    "shutdown with a code of the wrong type",
    (server) => server.shutdown({ code: "x" as never }),
    /"x"$/,
  ],
];

for (const [what, call, message] of WRONG) {
  socketTest(`${what} throws synchronously and has no effect`, async (t) => {
    const server = await t.serve();
    assert.throws(() => void call(server), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
    await t.connect(server.url);
  });
}

socketTest(
  "shutdown closes all connections with 1001, waits for them and frees the port",
  async (t) => {
    const codes: number[] = [];
    const server = await t.serve({ close: (_, { code }) => void codes.push(code) });
    const clients = await clientsOf(t, server, 3);
    let finished = false;
    const down = server.shutdown().then(() => finished = true);
    server.finished.then(() => codes.push(0));
    await nextMacrotask();
    assert.equal(t.network.isListening(server.port), false);
    for (const client of clients) {
      const [{ opcode, payload }] = client.frames;
      assert.deepEqual([opcode, toHex(payload)], [CLOSE, toHex(closePayload(1001))]);
      assert.equal(finished, false);
      client.send({ opcode: CLOSE, payload: closePayload(1001) });
      client.transport.end();
      await nextMacrotask();
    }
    await down;
    assert.deepEqual(codes, [1001, 1001, 1001, 0]);
    assert.equal(timers.size, 0);
  },
);

socketTest("shutdown disconnects connections that do not close within its timeout", async (t) => {
  const infos: unknown[] = [];
  const server = await t.serve({
    close: (_, { code, clean, sent }) => void infos.push([code, clean, sent]),
  });
  const [client] = await clientsOf(t, server, 1);
  await server.shutdown({ timeout: 20 });
  assert.deepEqual(infos, [[1006, false, 1001]]);
  await client.until(() => client.isClosed);
});

socketTest(
  "shutdown waits for its timeout, even if closeTimeout is shorter",
  async (t) => {
    const { conn, peer, server } = await t.accept({ closeTimeout: 20 });
    const down = server.shutdown({ timeout: 10_000 });
    // This timer fires later than closeTimeout.
    const later = Promise.withResolvers<void>();
    timers.start(60, { timerFired: () => later.resolve() }, 0);
    await later.promise;
    assert.equal(conn.readyState, "closing");
    peer.send({ opcode: CLOSE, payload: closePayload(1001) });
    peer.transport.end();
    await down;
    assert.equal((await conn.closed).clean, true);
  },
);

socketTest("a second shutdown waits for the first", async (t) => {
  const { server, peer } = await t.accept();
  const ends = [
    server.shutdown({ timeout: 20 }),
    server.shutdown({ timeout: 60_000 }),
    server.finished,
  ];
  await Promise.all(ends);
  assert.equal(peer.frames.filter(({ opcode }) => opcode === CLOSE).length, 1);
  await server.shutdown();
});

/** The close codes received by the clients. */
function closesOf(clients: readonly RawPeer[]): string[] {
  return clients.flatMap(({ frames }) =>
    frames.filter(({ opcode }) => opcode === CLOSE).map(({ payload }) => toHex(payload))
  );
}

socketTest(
  "shutdown with drainPeriod stops listening immediately and closes the oldest connection first",
  async (t) => {
    const server = await t.serve();
    const clients = await clientsOf(t, server, 3);
    // One second per connection, because a busy machine may delay the test.
    const down = server.shutdown({ drainPeriod: 3000, code: 1012 });
    await nextMacrotask();
    assert.equal(t.network.isListening(server.port), false);
    assert.deepEqual(clients.map((client) => client.frames.length), [1, 0, 0]);
    for (const [index, client] of clients.entries()) {
      await client.until(() => client.frames.length > 0);
      assert.deepEqual(
        closesOf(clients.slice(index + 1)),
        [],
        "later connections are not closed early",
      );
      client.send({ opcode: CLOSE, payload: closePayload(1012) });
      client.transport.end();
    }
    await down;
    assert.deepEqual(closesOf(clients), Array(3).fill(toHex(closePayload(1012))));
  },
);

socketTest(
  "a connection that the client closes does not delay a shutdown with drainPeriod",
  async (t) => {
    const server = await t.serve();
    const clients = await clientsOf(t, server, 3);
    const down = server.shutdown({ drainPeriod: 3_600_000 });
    for (const client of clients) client.transport.destroy();
    await down;
    assert.equal(timers.size, 0);
  },
);

socketTest("the timeout of a connection starts when its Close frame is sent", async (t) => {
  const server = await t.serve();
  const [silent, waiting] = await clientsOf(t, server, 2);
  const down = server.shutdown({ drainPeriod: 3_600_000, timeout: 20 });
  await silent.until(() => silent.isClosed);
  await nextMacrotask();
  assert.deepEqual([waiting.isClosed, waiting.frames.length], [false, 0]);
  waiting.transport.destroy();
  await down;
});

socketTest(
  "a second shutdown without drainPeriod closes the remaining connections immediately",
  async (t) => {
    const server = await t.serve();
    const clients = await clientsOf(t, server, 4);
    const down = server.shutdown({ drainPeriod: 3_600_000, timeout: 3_600_000 });
    server.shutdown({ drainPeriod: 1000 });
    await nextMacrotask();
    assert.equal(closesOf(clients).length, 1);
    const again = server.shutdown({ timeout: 20 });
    await nextMacrotask();
    assert.deepEqual(closesOf(clients), Array(4).fill(toHex(closePayload(1001))));
    await Promise.all([down, again]);
  },
);

socketTest("a shutdown with drainPeriod rejects pending handshakes and new clients", async (t) => {
  const server = await t.serve();
  await clientsOf(t, server, 1);
  const [half] = [t.rawClient(server)];
  half.send("GET / HTTP/1.1\r\n");
  await nextMacrotask();
  const down = server.shutdown({ drainPeriod: 1000, timeout: 20 });
  assert.equal((await half.answer()).status, 503);
  const late = t.rawClient(server);
  await late.until(() => late.isClosed);
  await down;
});

socketTest("shutdown of a server without connections resolves immediately", async (t) => {
  const server = await t.serve();
  await server.shutdown();
  await server.finished;
  assert.equal(timers.size, 0);
});

socketTest("shutdown answers pending handshakes with 503", async (t) => {
  const opened: unknown[] = [];
  const server = await t.serve({
    upgrade: () => new Promise<void>(() => {}),
    open: (conn) => void opened.push(conn),
  });
  const [silent, half, deciding] = [1, 2, 3].map(() => t.rawClient(server));
  half.send("GET / HTTP/1.1\r\n");
  deciding.send(upgradeRequest());
  await nextMacrotask();
  const down = server.shutdown();
  for (const client of [silent, half, deciding]) {
    assert.equal((await client.answer()).status, 503);
    client.transport.end();
  }
  await down;
  assert.deepEqual(opened, []);
});

socketTest("shutdown waits for handshakes no longer than its timeout", async (t) => {
  const server = await t.serve({ upgrade: () => new Promise<void>(() => {}) });
  const [silent, deciding, refused] = [1, 2, 3].map(() => t.rawClient(server));
  deciding.send(upgradeRequest());
  refused.send("nonsense\r\n\r\n");
  await refused.answer();
  const down = server.shutdown({ timeout: 10 });
  // No client disconnects. A later timer shows whether shutdown exceeded its timeout.
  const late = Promise.withResolvers<string>();
  const timer = timers.start(200, { timerFired: () => late.resolve("late") }, 0);
  assert.equal(await Promise.race([down.then(() => "done"), late.promise]), "done");
  timers.cancel(timer);
  for (const client of [silent, deciding, refused]) await client.until(() => client.isClosed);
});

socketTest("disconnects clients that connect during shutdown", async (t) => {
  const { server, peer } = await t.accept();
  server.shutdown();
  const client = t.rawClient(server);
  client.send(upgradeRequest());
  await client.until(() => client.isClosed);
  assert.equal(client.bytes.length, 0);
  peer.transport.destroy();
  await server.finished;
});

for (const name of ["open", "message", "close"] as const) {
  socketTest(`shutdown inside ${name} also closes that connection`, async (t) => {
    let down: Promise<void> | undefined;
    const server = await t.serve({ [name]: () => void (down = server.shutdown()) });
    const client = t.rawClient(server);
    client.send(upgradeRequest(), { opcode: TEXT }, { opcode: TEXT });
    await client.answer();
    if (name === "close") client.send({ opcode: CLOSE });
    await client.until(() => client.frames.some(({ opcode }) => opcode === CLOSE));
    client.send({ opcode: CLOSE, payload: closePayload(1001) });
    client.transport.end();
    await client.until(() => client.isClosed);
    await down;
    await server.finished;
    assert.equal(server.connections, 0);
  });
}

socketTest("await using shuts the server down", async (t) => {
  const controller = await t.serve();
  {
    await using server = controller;
    assert.equal(server.connections, 0);
  }
  assert.equal(t.network.isListening(controller.port), false);
});

socketTest("shutdown ends a paused connection", async (t) => {
  const { server, near, far } = await t.pair();
  far.pause();
  near.send("not read");
  await nextMacrotask();
  const down = server.shutdown();
  assert.equal((await near.closed).clean, true);
  await down;
});
