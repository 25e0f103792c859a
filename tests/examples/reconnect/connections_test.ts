// When a client comes back, how often, and when it does not.

import assert from "node:assert/strict";
import { type Backoff, connections } from "../../../examples/reconnect/connections.ts";
import { type Connection, serve, type UpgradeDecision } from "../../../mod.ts";

/** Fast enough for a test. */
const QUICK: Backoff = { first: 1, longest: 8, restart: [1, 2] };

/** What the server does with one attempt after another; it does the last for all that follow. */
type Script = Array<number | UpgradeDecision<undefined> | "cut" | "keep">;

interface Outcome {
  /** How many connections there were. */
  opened: number;
  /** How many attempts the server saw. */
  attempts: number;
  /** What was thrown in the end. */
  error?: unknown;
}

/** Lets a client loose on a server until it has enough. */
async function run(script: Script, backoff: Backoff = {}): Promise<Outcome> {
  const outcome: Outcome = { opened: 0, attempts: 0 };
  let step: Script[number] = "keep";
  await using server = await serve({
    port: 0,
    upgrade() {
      step = script[Math.min(outcome.attempts++, script.length - 1)]!;
      return typeof step === "object" ? step : undefined;
    },
    message(conn) {
      if (typeof step === "number") conn.close(step);
      else if (step === "cut") conn.terminate();
      else conn.close(1000, "enough");
    },
  });
  try {
    const options = { message() {} };
    for await (const conn of connections(server.url, options, { ...QUICK, ...backoff })) {
      outcome.opened++;
      conn.send("what now?");
      await conn.closed;
    }
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

Deno.test("a lost connection is followed by another one, until the server is done", async () => {
  const script: Script = ["cut", 1001, 1011, 1012, 1014, { status: 503 }, { status: 429 }, "keep"];
  assert.deepEqual(await run(script), { opened: 6, attempts: 8 });
});

Deno.test("no other attempt follows a code that would only come again", async () => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4000, 4999]) {
    assert.deepEqual(await run([code]), { opened: 1, attempts: 1 }, String(code));
  }
});

Deno.test("an overloaded server is left alone until somebody asks", async () => {
  assert.deepEqual(await run([1013]), { opened: 1, attempts: 1 });
  let asked = 0;
  const again = (): Promise<void> => Promise.resolve(void asked++);
  assert.deepEqual(await run([1013, 1013, "keep"], { again }), { opened: 3, attempts: 3 });
  assert.equal(asked, 2);
});

Deno.test("a server that restarts has the time it asks for", async () => {
  const began = performance.now();
  const backoff: Backoff = { restart: [300, 310] };
  assert.deepEqual(await run([1012, "keep"], backoff), { opened: 2, attempts: 2 });
  assert.ok(performance.now() - began >= 299);
});

Deno.test("Retry-After is heeded", async () => {
  const began = performance.now();
  const refusal = { status: 503, headers: { "retry-after": "1" } };
  assert.deepEqual(await run([refusal, "keep"]), { opened: 1, attempts: 2 });
  assert.ok(performance.now() - began >= 999);
});

Deno.test("after so many failures in a row it gives up with the last one", async () => {
  const refused = await run([{ status: 502 }], { attempts: 4 });
  assert.equal(refused.attempts, 4);
  assert.match(String(refused.error), /502/);
  const closed = await run([1011], { attempts: 3 });
  assert.equal(closed.opened, 3);
  assert.match(String(closed.error), /1011/);
});

Deno.test("a refusal that will not change, and a mistake of ours, end it at once", async () => {
  const outcome = await run([{ status: 403 }]);
  assert.equal(outcome.attempts, 1);
  assert.equal((outcome.error as { status?: number }).status, 403);
  await assert.rejects(connections("no url", {}, QUICK).next(), TypeError);
});

Deno.test("the waits grow to a bound, and are spread from nothing to it", async () => {
  const random = Math.random;
  try {
    Math.random = () => 1;
    const began = performance.now();
    await run([{ status: 502 }], { first: 10, longest: 40, attempts: 5 });
    // 10, 20, 40 and 40 milliseconds, from which timers may take a little.
    assert.ok(performance.now() - began >= 105);
    Math.random = () => 0;
    // Would take hours otherwise.
    await run([{ status: 502 }], { first: 3_600_000, longest: 36_000_000, attempts: 4 });
  } finally {
    Math.random = random;
  }
});

Deno.test("the signal closes what is open and ends it, and so does leaving the loop", async () => {
  await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
  const ended = new AbortController();
  let last: Connection<undefined> | undefined;
  for await (const conn of connections(server.url, {}, { ...QUICK, signal: ended.signal })) {
    last = conn;
    ended.abort();
    for await (const _ of conn);
  }
  assert.equal((await last!.closed).code, 1000);
  for await (const conn of connections(server.url, {}, QUICK)) {
    last = conn;
    break;
  }
  assert.equal((await last!.closed).code, 1000);
});

Deno.test("the signal also ends the wait for the next attempt", async () => {
  const ended = new AbortController();
  await using server = await serve({
    port: 0,
    upgrade() {
      // Once the client waits.
      setTimeout(() => ended.abort(), 20);
      return { status: 503, headers: { "retry-after": "3600" } };
    },
  });
  const attempts = connections(server.url, {}, { ...QUICK, signal: ended.signal });
  assert.equal((await attempts.next()).done, true);
});
