// One process for each core, all on one port, and topics that reach all of them.

import assert from "node:assert/strict";
import { Broker, installBrokers } from "../support/brokers.ts";
import { freePort } from "../support/ports.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { startExample } from "./start.ts";

installBrokers();

/** Milliseconds between two messages that ask whether the processes hear of each other yet. */
const INTERVAL = 20;

/** The next message. */
async function next(socket: WebSocket): Promise<string> {
  const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  return data;
}

/** A connection to each of two processes, by the names with which they greet. */
async function twoProcesses(port: number): Promise<Map<string, WebSocket>> {
  const found = new Map<string, WebSocket>();
  // That one process gets all of so many has one chance in 2 ** 63.
  for (let opened = 0; opened < 64 && found.size < 2; opened++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const name = await next(socket);
    if (found.has(name)) await close(socket);
    else found.set(name, socket);
  }
  return found;
}

async function close(socket: WebSocket): Promise<void> {
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
}

for (const runtime of runtimeNames) {
  Deno.test(`connections are spread over the processes, and receive each other's messages, on ${runtime}`, async () => {
    const port = await freePort();
    await using redis = await Broker.start("redis");
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "2", REDIS_URL: redis.url },
    });
    await example.printed(/(Process \d+ on ws:[^]*){2}/);
    const found = await twoProcesses(port);
    assert.equal(found.size, 2);
    const [one, two] = found.values();
    const heard = next(two!);
    const asking = setInterval(() => one!.send("to all"), INTERVAL);
    assert.equal(await heard, "to all");
    clearInterval(asking);
    await Promise.all([close(one!), close(two!)]);
    assert.equal((await example.interrupt()).code, 0);
  });

  Deno.test(`without Redis the example says so, and serves, on ${runtime}`, async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${await freePort()}`;
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "1", REDIS_URL: url },
    });
    await example.printed(/Process \d+ on ws:/);
    let errors = "";
    const reader = example.process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    while (!errors.includes(`finds no Redis at ${url}`)) {
      const { value, done } = await reader.read();
      assert.ok(!done, errors);
      errors += value;
    }
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    assert.match(await next(socket), /^process \d+$/);
    socket.send("to this process");
    assert.equal(await next(socket), "to this process");
    await close(socket);
    assert.equal((await example.interrupt()).code, 0);
    await reader.cancel();
  });
}
