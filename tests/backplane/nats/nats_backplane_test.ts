// Errors of a NATS connection that are unrelated to a request. Each is reported once.

import assert from "node:assert/strict";
import type { NatsConnection, NatsMessage } from "../../../src/backplane/nats/connection.ts";
import { NatsBackplane } from "../../../src/backplane/nats/nats_backplane.ts";
import { Deferred, Queue } from "../../support/live_harness.ts";

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

  request(): Promise<NatsMessage> {
    return Promise.reject(new Error("no JetStream"));
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
async function started(): Promise<{
  connection: Connection;
  backplane: NatsBackplane;
  log: Queue<string>;
}> {
  const connection = new Connection();
  const log = new Queue<string>();
  const options = { stream: "s", storage: "file", replicas: 1 } as const;
  const backplane = new NatsBackplane(connection, "p.", options);
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
