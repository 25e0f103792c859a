import assert from "node:assert/strict";
import type { RedisConnection, RedisListener } from "../../../src/backplane/redis/connection.ts";
import { RedisPair } from "../../../src/backplane/redis/connection.ts";
import { block } from "../../support/block.ts";

/** A fake connection that answers requests, unless `isSilent`. */
class FakeLink implements RedisConnection {
  isReady = true;
  isSilent = false;
  /** The delay of each reply, in milliseconds. */
  delay = 0;
  isClosed = false;
  readonly requests: string[] = [];

  publish(channel: string, message: string): Promise<unknown> {
    return this.#answer(`publish ${channel} ${message}`);
  }

  command(...command: string[]): Promise<unknown> {
    return this.#answer(command.join(" "));
  }

  subscribe(channel: string): Promise<unknown> {
    return this.#answer(`subscribe ${channel}`);
  }

  unsubscribe(channel: string): Promise<unknown> {
    return this.#answer(`unsubscribe ${channel}`);
  }

  close(): void {
    this.isClosed = true;
  }

  #answer(request: string): Promise<unknown> {
    this.requests.push(request);
    if (this.isSilent) return new Promise(() => {});
    if (this.delay === 0) return Promise.resolve();
    return new Promise((resolve) => setTimeout(resolve, this.delay));
  }
}

interface PendingDial {
  readonly pair: RedisPair;
  readonly publisher: FakeLink;
  readonly subscriber: FakeLink;
  readonly losses: unknown[];
  /** Resolves with the first disconnect error. */
  readonly lost: Promise<unknown>;
  readonly listeners: RedisListener[];
  readonly received: string[];
}

const { signal } = new AbortController();

async function dial(): Promise<PendingDial> {
  const links: FakeLink[] = [];
  const listeners: RedisListener[] = [];
  const losses: unknown[] = [];
  const received: string[] = [];
  let report: ((error: unknown) => void) | undefined;
  const lost = new Promise<unknown>((resolve) => report = resolve);
  const pair = await RedisPair.dial(
    (listener) => {
      listeners.push(listener);
      links.push(new FakeLink());
      return Promise.resolve(links.at(-1)!);
    },
    {
      message: (channel, text) => received.push(`${channel} ${text}`),
      lost(error) {
        losses.push(error);
        report!(error);
      },
    },
    signal,
  );
  const [publisher, subscriber] = links;
  assert.deepEqual(publisher.requests.splice(0), ["PING"]);
  return { pair, publisher, subscriber, losses, lost, listeners, received };
}

Deno.test("publishes on one connection and subscribes on the other", async () => {
  const { pair, publisher, subscriber, listeners, received } = await dial();
  await pair.subscribe("c", true);
  await pair.send(1, (link) => link.publish("c", "m"));
  listeners[1].message("c", "text");
  await pair.subscribe("c", false);
  assert.deepEqual(publisher.requests, ["publish c m"]);
  assert.deepEqual(subscriber.requests, ["subscribe c", "unsubscribe c"]);
  assert.deepEqual(received, ["c text"]);
  pair.close();
  assert.ok(publisher.isClosed && subscriber.isClosed);
});

Deno.test("closes one connection when the other cannot be opened", async () => {
  for (const bad of [0, 1]) {
    const links: FakeLink[] = [];
    let count = 0;
    const dialling = RedisPair.dial(
      () => {
        if (count++ === bad) return Promise.reject(new Error("no"));
        links.push(new FakeLink());
        return Promise.resolve(links[0]);
      },
      { message: () => {}, lost: () => assert.fail("lost() called before the pair was open") },
      signal,
    );
    await assert.rejects(dialling, /no/);
    assert.deepEqual(links.map(({ isClosed }) => isClosed), [true]);
  }
});

Deno.test("does not connect while Redis loads its data", async () => {
  const links: FakeLink[] = [];
  const dialling = RedisPair.dial(
    () => {
      const link = new FakeLink();
      link.command = () =>
        Promise.reject(new Error("LOADING Redis is loading the dataset in memory"));
      links.push(link);
      return Promise.resolve(link);
    },
    { message: () => {}, lost: () => assert.fail("lost() called before the pair was open") },
    signal,
  );
  await assert.rejects(dialling, /LOADING/);
  assert.deepEqual(links.map(({ isClosed }) => isClosed), [true, true]);
});

Deno.test("the signal aborts dialing when Redis does not reply", async () => {
  const links: FakeLink[] = [];
  const aborting = new AbortController();
  const dialling = RedisPair.dial(
    () => {
      const link = new FakeLink();
      link.isSilent = true;
      if (links.push(link) === 2) queueMicrotask(() => aborting.abort(new Error("too late")));
      return Promise.resolve(link);
    },
    { message: () => {}, lost: () => assert.fail("lost() called before the pair was open") },
    aborting.signal,
  );
  await assert.rejects(dialling, /too late/);
  assert.deepEqual(links.map(({ isClosed }) => isClosed), [true, true]);
});

Deno.test("does not connect if one connection is lost while the other opens", async () => {
  const links = [new FakeLink(), new FakeLink()];
  let count = 0;
  const dialling = RedisPair.dial(
    (listener) => {
      listener.lost(new Error("gone"));
      return Promise.resolve(links[count++]);
    },
    { message: () => {}, lost: () => assert.fail("lost() called before the pair was open") },
    signal,
  );
  await assert.rejects(dialling, /gone/);
  assert.ok(links.every(({ isClosed }) => isClosed));
});

Deno.test("the next request detects a disconnect the client has not reported", async () => {
  for (const name of ["publisher", "subscriber"] as const) {
    const dialed = await dial();
    dialed[name].isReady = false;
    assert.throws(() => dialed.pair.send(1, () => assert.fail("sent")), /disconnected/);
    assert.throws(() => void dialed.pair.subscribe("c", true), /disconnected/);
    assert.equal(dialed.losses.length, 2);
    dialed.pair.close();
  }
});

Deno.test("a rejected request detects a disconnect the client has not reported", async () => {
  const { pair, publisher, lost } = await dial();
  publisher.publish = () => {
    publisher.isReady = false;
    return Promise.reject(new Error("Socket closed"));
  };
  await assert.rejects(pair.send(1, (link) => link.publish("c", "m")), /Socket closed/);
  assert.match(String(await lost), /disconnected/);
  pair.close();
});

/** Error replies, and whether Redis may process the request later. */
const REPLIES: [reply: string, isOutage: boolean][] = [
  ["LOADING Redis is loading the dataset in memory", true],
  ["ERR Error running script: @user_script:8: -READONLY You can't write against a replica", true],
  ["OOM command not allowed when used memory > 'maxmemory'.", true],
  ["READONLY You can't write against a read only replica.", true],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", true],
  ["MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.", true],
  ["NOREPLICAS Not enough good replicas to write.", true],
  ["BUSY Redis is busy running a script.", true],
  ["CLUSTERDOWN The cluster is down", true],
  ["TRYAGAIN Multiple keys request during rehashing of slot", true],
  ["Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:1", true],
  ["Connection is closed.", true],
  ["NOPERM User x has no permissions to run the 'eval' command", false],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", false],
  ["ERR unknown command 'EVAL'", false],
  ["MOVED 1 127.0.0.1:1", false],
];

for (const [reply, isOutage] of REPLIES) {
  Deno.test(`the reply ${reply.slice(0, 40)} ${isOutage ? "is" : "is not"} an outage`, async () => {
    const { pair, losses } = await dial();
    const failing = () => Promise.reject(new Error(reply));
    const checked: unknown[] = [];
    await pair.send(1, failing).catch(() => checked.push(losses.length));
    await pair.subscribe("c", true);
    assert.deepEqual(
      checked,
      [isOutage ? 1 : 0],
      "the outage is reported before the request is rejected",
    );
    assert.equal(String(losses[0]), isOutage ? `Error: ${reply}` : "undefined");
    pair.close();
  });
}

Deno.test("a failed subscription detects an outage", async () => {
  const { pair, subscriber, losses } = await dial();
  subscriber.subscribe = () => Promise.reject(new Error("CLUSTERDOWN The cluster is down"));
  await assert.rejects(pair.subscribe("c", true), /CLUSTERDOWN/);
  assert.equal(losses.length, 1);
  pair.close();
});

Deno.test("end waits for the replies to requests sent after a rejected one", async () => {
  const { pair, publisher, subscriber } = await dial();
  const rejected = pair.send(1, () => Promise.reject(new Error("OOM command not allowed")));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const accepted = pair.send(1, () => promise);
  await assert.rejects(rejected, /OOM/);
  const ended = pair.end(600_000);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([publisher.isClosed, subscriber.isClosed], [false, false]);
  resolve("a reply");
  assert.equal(await accepted, "a reply");
  await ended;
  assert.deepEqual([publisher.isClosed, subscriber.isClosed], [true, true]);
});

Deno.test("end does not wait for replies on a lost connection", async () => {
  const { pair, publisher, subscriber } = await dial();
  void pair.send(1, () => new Promise(() => {}));
  await pair.end(600_000);
  assert.deepEqual([publisher.isClosed, subscriber.isClosed], [true, true]);
});

Deno.test("does not connect to a Redis server that rejects writes", async () => {
  const links: FakeLink[] = [];
  const dialling = RedisPair.dial(
    () => {
      links.push(new FakeLink());
      return Promise.resolve(links.at(-1)!);
    },
    { message: () => {}, lost: () => assert.fail("lost() called before the pair was open") },
    signal,
    () => Promise.reject(new Error("READONLY You can't write against a read only replica.")),
  );
  await assert.rejects(dialling, /READONLY/);
  assert.deepEqual(links.map(({ isClosed }) => isClosed), [true, true]);
});

Deno.test("rejects requests above 64 MiB in flight until earlier requests complete", async () => {
  const { pair, publisher } = await dial();
  const half = 32 << 20;
  let arrive: (() => void) | undefined;
  const first = pair.send(half, () => new Promise<void>((resolve) => arrive = resolve));
  const second = pair.send(half, () => Promise.reject(new Error("refused")));
  assert.throws(() => pair.send(1, () => assert.fail("sent")), RangeError);
  await assert.rejects(second, /refused/);
  await pair.send(half, (link) => link.publish("c", "m"));
  const settled = pair.settled(60_000);
  arrive!();
  await first;
  await settled;
  assert.equal(publisher.requests.length, 1);
  pair.close();
});

Deno.test("tolerates a client that throws on requests or close", async () => {
  const { pair, publisher, subscriber } = await dial();
  publisher.close = () => {
    throw new Error("closed already");
  };
  assert.throws(() =>
    pair.send(32 << 20, () => {
      throw new Error("not now");
    }), /not now/);
  await pair.send(64 << 20, (link) => link.publish("c", "m"));
  pair.close();
  assert.ok(subscriber.isClosed);
});

// The timeouts take real seconds, so all connections are tested concurrently.
Deno.test("disconnects a silent connection, but not a responsive one", async () => {
  const [silentPublisher, silentSubscriber, quiet, busy, stopped, blocked] = [
    await dial(),
    await dial(),
    await dial(),
    await dial(),
    await dial(),
    await dial(),
  ];
  silentPublisher.publisher.isSilent = true;
  silentSubscriber.subscriber.isSilent = true;
  // Pings get no reply, but messages and other replies arrive.
  busy.publisher.isSilent = busy.subscriber.isSilent = true;
  // The process was suspended: the reply is in the kernel when the timer is due.
  stopped.publisher.delay = stopped.subscriber.delay = 3040;
  // The event loop is blocked while the reply is in transit.
  blocked.publisher.delay = blocked.subscriber.delay = 4200;
  setTimeout(() => block(3000), 3500);
  const traffic = setInterval(() => {
    busy.listeners[1].message("c", "m");
    void busy.pair.send(1, () => Promise.resolve());
  }, 100);
  for (const { lost } of [silentPublisher, silentSubscriber]) {
    assert.match(String(await lost), /not answered for 3000 ms/);
  }
  // Wait for a disconnect or for another ping.
  const isAskedAgain = (): boolean => blocked.publisher.requests.length > 1;
  while (blocked.losses.length === 0 && !isAskedAgain()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  clearInterval(traffic);
  assert.deepEqual([...quiet.losses, ...busy.losses, ...stopped.losses, ...blocked.losses], []);
  for (const { pair } of [silentPublisher, silentSubscriber, quiet, busy, stopped, blocked]) {
    pair.close();
  }
});
