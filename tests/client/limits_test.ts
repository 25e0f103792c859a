// Clients call `onLimit` once for each limit that a connection reaches.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import type { LimitReport } from "../../src/connection/handlers.ts";
import type { RateLimitOptions } from "../../src/connection/rate_limit.ts";
import { Queue } from "../support/live_harness.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { BINARY, TEXT } from "../support/vectors.ts";

type Report = LimitReport<Connection<undefined>>;

/** Selects the values that are the same in every run. */
function shown({ limit, max, value, enforced }: Report): unknown[] {
  return [limit, max, value, enforced];
}

socketTest("onLimit of a client receives unreadTimeout and the connection once", async (t) => {
  const reports = new Queue<Report>();
  const { conn, peer } = await t.openClient({ unreadTimeout: 1, onLimit: reports.push });
  peer.send({ opcode: TEXT, payload: "unread" });
  const report = await reports.next();
  assert.deepEqual(shown(report), ["unreadTimeout", 1, 1, true]);
  assert.equal(report.connection, conn);
  assert.equal(report.remoteAddress, conn.remoteAddress);
  peer.send({ opcode: TEXT, payload: "discarded" });
  await nextMacrotask();
  const next = conn[Symbol.asyncIterator]().next();
  await nextMacrotask();
  peer.send({ opcode: TEXT, payload: "read" });
  assert.deepEqual(await next, { value: "read", done: false });
  assert.equal(reports.all.length, 1);
});

socketTest("onLimit of a client receives the exceeded part of rateLimit", async (t) => {
  const cases: [RateLimitOptions, max: number, enforced: boolean][] = [
    [{ messages: 3, onExceed: "report" }, 3, false],
    [{ bytes: 700, interval: 50, onExceed: "report" }, 700, false],
    [{ messages: 1000, bytes: 700, onExceed: "report" }, 700, false],
    [{ messages: 3, bytes: 1_000_000, onExceed: "close" }, 3, true],
  ];
  for (const [rateLimit, max, enforced] of cases) {
    const reports: Report[] = [];
    const onLimit = (report: Report): void => void reports.push(report);
    const { peer } = await t.openClient({ rateLimit, onLimit, message: () => {} });
    peer.send(...Array(10).fill({ opcode: BINARY, payload: new Uint8Array(200) }));
    await nextMacrotask();
    assert.deepEqual(reports.map(shown), [["rateLimit", max, max, enforced]]);
  }
});

socketTest("onLimit of a client receives memoryLimit before the connection closes", async (t) => {
  const seen: string[] = [];
  const { conn, peer } = await t.openClient({
    memoryLimit: 100_000,
    onLimit: ({ limit, max, connection }) => {
      assert.equal(connection!.readyState, "open");
      seen.push(`${limit} ${max}`);
    },
    close: (_, { error }) => void seen.push((error as { code?: string }).code!),
  });
  peer.send({ opcode: BINARY, payload: new Uint8Array(200_000) });
  await nextMacrotask();
  peer.transport.end();
  await conn.closed;
  assert.deepEqual(seen, ["memoryLimit 100000", "MEMORY_LIMIT"]);
});

socketTest(
  "an onLimit that throws or rejects is reported to onError with the connection",
  async (t) => {
    const cause = new Error("for test");
    for (const isAsync of [false, true]) {
      const errors = new Queue<unknown[]>();
      const { conn, peer } = await t.openClient({
        unreadTimeout: 1,
        onLimit: () => {
          if (isAsync) return Promise.reject(cause) as unknown as void;
          throw cause;
        },
        onError: (error, connection) => errors.push([error, connection]),
      });
      peer.send({ opcode: TEXT, payload: "unread" });
      const [error, connection] = await errors.next();
      assert.equal(error, cause);
      assert.equal(connection, conn);
      assert.equal(conn.readyState, "open");
    }
  },
);
