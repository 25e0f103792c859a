// Errors of a NATS connection that are unrelated to a request. Each is reported once.

import assert from "node:assert/strict";
import type { NatsConnection, NatsMessage } from "../../../src/backplane/nats/connection.ts";
import { NatsBackplane } from "../../../src/backplane/nats/nats_backplane.ts";
import { Deferred, Queue } from "../../support/live_harness.ts";

/** A valid reply to every request, with stream information and a message number. */
const REPLY = {
  created: "2026-01-01T00:00:00Z",
  config: {},
  seq: 1,
};

type Status = { readonly type: string; readonly error?: unknown };

/** A connection whose events the test triggers. */
class Connection implements NatsConnection {
  readonly events = new Queue<Status>();
  readonly end = new Deferred<void | Error>();
  callback: ((error: Error | null, message: NatsMessage) => void) | undefined;

  publish(): void {}

  subscribe(
    _subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): { unsubscribe(): void } {
    this.callback = options.callback;
    return { unsubscribe: () => {} };
  }

  /** The outcomes of the next requests. Later requests succeed. */
  readonly outcomes: unknown[] = [];
  readonly requests: string[] = [];

  request(subject: string): Promise<NatsMessage> {
    this.requests.push(subject);
    const outcome = this.outcomes.shift() ?? REPLY;
    if (outcome instanceof Error) return Promise.reject(outcome);
    return Promise.resolve({ data: new TextEncoder().encode(JSON.stringify(outcome)) });
  }

  requestMany(): Promise<AsyncIterable<NatsMessage>> {
    return Promise.reject(new Error("no JetStream"));
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  async *status(): AsyncGenerator<Status> {
    for (;;) {
      const event = await this.events.next();
      if (event.type === "broken") throw new Error("status is broken");
      yield event;
    }
  }

  closed(): Promise<void | Error> {
    return this.end.promise;
  }

  isClosed(): boolean {
    return false;
  }
}

const NO_MESSAGE: NatsMessage = { data: new Uint8Array(0) };

/** Returns a started backplane and a log of its reports. */
async function started(
  prepare: (connection: Connection, backplane: NatsBackplane) => void = () => {},
): Promise<{
  connection: Connection;
  backplane: NatsBackplane;
  log: Queue<string>;
}> {
  const connection = new Connection();
  const log = new Queue<string>();
  const options = { stream: "s", storage: "file", replicas: 1 } as const;
  const backplane = new NatsBackplane(connection, "p.", options);
  prepare(connection, backplane);
  backplane.start({
    message: () => {},
    up: () => void log.push("up"),
    down: (error) => void log.push(`down: ${error}`),
    failed: (error) => void log.push(`failed: ${error}`),
  });
  await log.atLeast(1);
  return { connection, backplane, log };
}

Deno.test("reports a closed connection as down, with an error that suggests a fix", async () => {
  const { connection, backplane, log } = await started();
  connection.end.resolve(new Error("too many attempts"));
  const [, down, failed] = await log.atLeast(3);
  assert.equal(down, "down: Error: too many attempts");
  assert.match(failed, /^failed: .*maxReconnectAttempts: -1/);
  await backplane.close();
});

Deno.test("reports rejected messages, but no unrelated connection errors", async () => {
  const { connection, backplane, log } = await started();
  for (const subject of ["elsewhere.t", "p.live.t"]) {
    const error = Object.assign(new Error(`no permission for ${subject}`), {
      operation: "publish",
      subject,
    });
    connection.events.push({ type: "error", error });
  }
  connection.events.push({ type: "broken" });
  const [, ...failed] = await log.atLeast(3);
  assert.deepEqual(failed, [
    "failed: Error: no permission for p.live.t",
    "failed: Error: status is broken",
  ]);
  await backplane.close();
});

Deno.test("reports a subscription that the server ends, and can subscribe again", async () => {
  const { connection, backplane, log } = await started();
  await backplane.subscribe("t");
  connection.callback!(new Error("permission revoked"), NO_MESSAGE);
  connection.callback!(new Error("permission revoked"), NO_MESSAGE);
  assert.deepEqual(log.all, ["up", "failed: Error: permission revoked"]);
  const { callback } = connection;
  await backplane.subscribe("t");
  assert.notEqual(connection.callback, callback);
  await backplane.close();
  connection.callback!(new Error("too late"), NO_MESSAGE);
  assert.equal(log.all.length, 2);
});

function named(name: string, cause?: Error): Error {
  return Object.assign(new Error(`of the client: ${name}`, { cause }), { name });
}

function rejection(code: number, number: number): unknown {
  return { error: { code, "err_code": number, description: `error ${number}` } };
}

const NO_RESPONDERS = named("RequestError", named("NoResponders"));

/** Temporary failures of a request. */
const OUTAGES: unknown[] = [
  named("TimeoutError"),
  named("RequestError"),
  rejection(503, 10008),
  rejection(500, 10009),
  rejection(503, 10023),
  rejection(503, 10077),
  rejection(500, 10118),
];

/** Permanent failures of a request. */
const REJECTIONS: unknown[] = [
  NO_RESPONDERS,
  named("RequestError", named("PermissionViolationError")),
  rejection(503, 10039),
  rejection(503, 10076),
  rejection(500, 10052),
  rejection(400, 10027),
];

/** Returns a setup that opens the stream. The first requests have these outcomes. */
function opening(outcomes: unknown[]): (connection: Connection, backplane: NatsBackplane) => void {
  return (connection, { history }) => {
    connection.outcomes.push(...outcomes);
    history.keep({ maxAge: 1000, maxMessages: 10 });
  };
}

Deno.test("reports up once the stream is open, even after repeated failures", async () => {
  const { backplane, log } = await started(opening(OUTAGES.slice(0, 3)));
  await log.atLeast(2);
  assert.equal(log.all.length, 2, "one outage");
  assert.match(log.all[0], /^down: JetStreamError: JetStream does not answer/);
  assert.equal(log.all[1], "up");
  await backplane.history.append("t", new Uint8Array(1));
  await backplane.close();
});

Deno.test("reports up if the stream can never be opened, and rejects messages", async () => {
  for (const outcome of REJECTIONS) {
    const { connection, backplane, log } = await started(opening([outcome]));
    connection.outcomes.push(outcome);
    await assert.rejects(() => backplane.history.append("t", new Uint8Array(1)), {
      name: "JetStreamError",
    });
    assert.deepEqual(log.all, ["up"]);
    await backplane.close();
  }
});

Deno.test("reports an outage before it rejects the request, then reopens the stream", async () => {
  // The stream was deleted, or the server no longer has JetStream.
  const outcomes = [...OUTAGES, NO_RESPONDERS, rejection(404, 10059)];
  await Promise.all(
    outcomes.flatMap((outcome) =>
      (["append", "read"] as const).map(async (method) => {
        const { connection, backplane, log } = await started(opening([]));
        connection.outcomes.push(outcome);
        const result = method === "append"
          ? backplane.history.append("t", new Uint8Array(1))
          : backplane.history.read("t");
        await assert.rejects(result);
        assert.equal(log.all.length, 2);
        assert.match(log.all[1], /^down: JetStreamError/);
        await log.atLeast(3);
        assert.equal(log.all[2], "up");
        await backplane.history.append("t", new Uint8Array(1));
        await backplane.close();
      })
    ),
  );
});

Deno.test("does not report an outage when the server permanently rejects a message", async () => {
  const { connection, backplane, log } = await started(opening([]));
  for (const outcome of [rejection(400, 10054), named("InvalidArgumentError")]) {
    connection.outcomes.push(outcome);
    await assert.rejects(() => backplane.history.append("t", new Uint8Array(1)));
  }
  assert.deepEqual(log.all, ["up"]);
  await backplane.close();
});

Deno.test("a late failure of a request sent before an outage is not reported as another outage", async () => {
  const { connection, backplane, log } = await started(opening([]));
  const late = new Deferred<NatsMessage>();
  const request = connection.request.bind(connection);
  connection.request = () => late.promise;
  const appending = backplane.history.append("t", new Uint8Array(1));
  await Promise.resolve();
  connection.request = request;
  connection.events.push({ type: "disconnect" });
  // The client reports each failed reconnect attempt.
  for (const type of ["disconnect", "reconnect", "reconnect"]) connection.events.push({ type });
  await log.atLeast(3);
  late.reject(named("TimeoutError"));
  await assert.rejects(appending, { name: "JetStreamError" });
  assert.deepEqual(log.all.map((text) => text.split(":")[0]), ["up", "down", "up"]);
  await backplane.close();
});

Deno.test("reports an outage for a failed flush before the subscription fails", async () => {
  const { connection, backplane, log } = await started();
  connection.flush = () => Promise.reject(named("RequestError"));
  await assert.rejects(() => backplane.subscribe("t"));
  assert.match(log.all[1], /^down: RequestError/);
  connection.flush = () => Promise.resolve();
  assert.equal((await log.atLeast(3))[2], "up");
  await backplane.close();
});
