// Suspends a server process, or blocks its event loop, for longer than its timeouts. The server
// must not disconnect any healthy connection, and closing handshakes answered meanwhile must be
// clean.

import assert from "node:assert/strict";
import { connect, type Connection, type ConnectOptions } from "../../mod.ts";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import type { StallCommand, StallReport } from "./stall_server.ts";
import { Worker } from "./worker.ts";

const CONNECTIONS = 1000;

/** The number of connections with a pending closing handshake during each stall. */
const CLOSING = 50;

/** The number of concurrent opening handshakes. */
const BATCH = 100;

/** How long to suspend the server, in milliseconds. */
const STOPPED = 3000;

/** How long to block its event loop, in milliseconds: over `pongTimeout` and `closeTimeout`. */
const BLOCKED = 2500;

/**
 * The maximum delay of this process's event loop in milliseconds. Beyond it, its connections answer
 * pings too late to count as healthy.
 */
const LATE = 900;

/** The delay of pongs in milliseconds, so that many pings are pending when the stall starts. */
const DELAY = 300;

/** A healthy, but slow peer. */
const peer: ConnectOptions = {
  autoPong: false,
  message: () => {},
  ping: (conn, payload) => void setTimeout(() => conn.pong(payload), DELAY),
};

/** The number of attempts if the machine is too busy for healthy connections. */
const ATTEMPTS = 5;

/** Measures the delay of this process's event loop. */
class EventLoopLag implements Disposable {
  longest = 0;
  #last = performance.now();
  readonly #interval = setInterval(() => {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.#last - 20);
    this.#last = now;
  }, 20);

  [Symbol.dispose](): void {
    clearInterval(this.#interval);
  }
}

interface Outcome {
  readonly report: StallReport;
  /** Whether this process answered pings in time. */
  readonly isFair: boolean;
}

async function stall(runtime: RuntimeName): Promise<Outcome> {
  await using server = new Worker(runtime, "stall_server");
  const command = <T>(command: StallCommand): Promise<T> => server.ask<T>(command);
  const url = `ws://127.0.0.1:${await command<number>("listen")}/`;
  const connections: Connection<undefined>[] = [];
  using watch = new EventLoopLag();
  while (connections.length < CONNECTIONS) {
    connections.push(
      ...await Promise.all(
        Array.from({ length: BATCH }, () => connect(url, peer)),
      ),
    );
  }
  const closed = Promise.all(connections.map((conn) => conn.closed));
  let open = CONNECTIONS;
  await command({ open, pongs: open });

  await command({ close: CLOSING, block: 0 });
  server.signal("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, STOPPED));
  server.signal("SIGCONT");
  open -= CLOSING;
  await command({ open, pongs: 2 * open });

  await command({ close: CLOSING, block: BLOCKED });
  open -= CLOSING;
  await command({ open, pongs: 2 * open });

  const report = await command<StallReport>("ended");
  await command("quit");
  await closed;
  await server.ended();
  return { report, isFair: watch.longest < LATE };
}

for (const runtime of runtimeNames) {
  Deno.test(`a stall of the server disconnects none of ${CONNECTIONS} connections on ${runtime}`, async () => {
    const expected: StallReport = {
      open: CONNECTIONS - 2 * CLOSING,
      ends: { "clean 4000": 2 * CLOSING },
    };
    let last: Outcome | undefined;
    for (let i = 0; i < ATTEMPTS && !(last?.isFair); i++) {
      last = await stall(runtime);
      if (JSON.stringify(last.report) === JSON.stringify(expected)) return;
    }
    assert.deepEqual(last!.report, expected);
  });
}
