// Fairness: a connection with continuous input does not starve other connections.

import assert from "node:assert/strict";
import { addWork, beginRests, endRests, startWork } from "../../src/connection/fair_turns.ts";
import { compressed, RSV1 } from "../support/deflated.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { BINARY, TEXT } from "../support/vectors.ts";

/** Waits, one turn of the event loop at a time, until a condition is met. */
async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setTimeout(resolve));
}

for (
  const [what, count, size] of [
    ["small messages", 20_000, 1],
    ["large messages", 60, 300_000],
  ] as const
) {
  socketTest(
    `other connections do not wait for all of one connection's ${what}`,
    async (t) => {
      const log: string[] = [];
      let delivered = 0;
      const server = await t.serve({
        message: (_, data) => void (typeof data === "string" ? log.push(data) : delivered++),
      });
      const [busy, other] = [t.rawClient(server), t.rawClient(server)];
      for (const peer of [busy, other]) {
        peer.send(upgradeRequest());
        await peer.answer();
      }
      const payload = new Uint8Array(size);
      busy.send(...Array.from({ length: count }, () => ({ opcode: BINARY, payload })));
      other.send({ opcode: TEXT, payload: "my turn" });
      await until(() => log.length > 0);
      assert.ok(delivered > 0 && delivered < count, `${delivered} were delivered first`);
      await until(() => delivered === count);
    },
  );
}

socketTest(
  "a connection that exceeds its turn delivers all messages, even if the stream ends",
  async (t) => {
    for (const cut of [false, true]) {
      let delivered = 0;
      const { conn, peer } = await t.accept({ message: () => void delivered++ });
      peer.send(...Array(20_000).fill({ opcode: BINARY, payload: new Uint8Array(1) }));
      if (cut) {
        await nextMacrotask();
        peer.transport.destroy();
      } else peer.transport.end();
      assert.equal((await conn.closed).code, 1006);
      assert.equal(delivered, 20_000);
    }
  },
);

socketTest(
  "close during an exceeded turn still receives the peer's Close frame",
  async (t) => {
    const { conn, peer } = await t.accept({
      message: (conn, data) => void (data === "last" && conn.close()),
    });
    peer.send(...Array(5000).fill({ opcode: BINARY, payload: new Uint8Array(100) }));
    peer.send({ opcode: TEXT, payload: "last" }, { opcode: 8 });
    peer.transport.end();
    assert.equal((await conn.closed).clean, true);
  },
);

socketTest("large decompressed messages of many connections share one turn's budget", async (t) => {
  const log: string[] = [];
  let delivered = 0;
  const server = await t.serve({
    compression: true,
    message: (_, data) => void (typeof data === "string" ? log.push(data) : delivered++),
  });
  const peers = Array.from({ length: 41 }, () => t.rawClient(server));
  for (const peer of peers) {
    peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
    await peer.answer();
  }
  const other = peers.pop()!;
  const payload = compressed(new Uint8Array(900_000));
  for (const peer of peers) peer.send({ opcode: BINARY, rsv: RSV1, payload });
  other.send({ opcode: TEXT, payload: "my turn" });
  await until(() => log.length > 0);
  assert.ok(delivered < 10, `${delivered} were delivered first`);
  await until(() => delivered === 40);
});

socketTest(
  "compressed replies count toward the turn of their connection",
  async (t) => {
    const log: string[] = [];
    let delivered = 0;
    const server = await t.serve({
      compression: true,
      message(conn, data) {
        if (typeof data === "string") log.push(data);
        else {
          delivered++;
          conn.send(data);
        }
      },
    });
    const [busy, other] = [t.rawClient(server), t.rawClient(server)];
    for (const peer of [busy, other]) {
      peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
      await peer.answer();
    }
    // Uncompressed, these bytes would fit into one turn.
    const payload = new Uint8Array(30_000);
    const count = 120;
    for (let i = 0; i < count; i++) busy.send({ opcode: BINARY, payload });
    other.send({ opcode: TEXT, payload: "my turn" });
    await until(() => log.length > 0);
    assert.ok(delivered < count, `${delivered} were delivered first`);
    await until(() => delivered === count);
  },
);

Deno.test("several busy connections do not prolong a turn of the event loop", async () => {
  const connections = Array.from({ length: 3 }, () => ({ readTurn: -1 }));
  let chunks = 0;
  /** Reads a chunk from each connection. Returns whether any connection's turn has ended. */
  const readAll = (): boolean =>
    connections.map((connection) => {
      chunks++;
      startWork(connection, 0);
      return addWork(400_000);
    }).includes(true);
  const end = performance.now() + 10_000;
  while (!readAll() && performance.now() < end);
  assert.ok(performance.now() < end, `no turn ended after ${chunks} chunks`);
  assert.ok(chunks > connections.length, "each connection may read at least once");
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(readAll(), false, "each turn of the event loop has a new budget");
});

Deno.test("pauses busy connections while others wait to be read", async () => {
  for (let i = 0; i < 4; i++) beginRests();
  const busy = Array.from({ length: 3 }, () => ({ readTurn: -1000 }));
  const rare = { readTurn: -1000 };
  /** Reads a chunk from a connection. Returns whether its turn has ended. */
  const read = (connection: { readTurn: number }, work: number): boolean => {
    startWork(connection, 0);
    return addWork(work);
  };
  /** Reads from all busy connections. Returns whether all of them are paused. */
  const rests = (): boolean => busy.map((connection) => read(connection, 200_000)).every(Boolean);
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const end = performance.now() + 10_000;
  while (!rests() && performance.now() < end) {
    // A closed connection must not count as the waiting one.
    const passing = { readTurn: -1000 };
    beginRests();
    read(passing, 1);
    endRests(passing);
    await turn();
  }
  assert.ok(performance.now() < end, "the busy connections never pause");
  assert.equal(read(rare, 1), false);
  // The pause ends when no busy connection reads any more.
  while (rests() && performance.now() < end) {
    for (let i = 0; i < 10; i++) await turn();
  }
  assert.ok(performance.now() < end, "the pause never ends");
  for (const connection of [...busy, rare]) endRests(connection);
});
