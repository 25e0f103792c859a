// One process per core on a shared port, with topics across the processes.

import assert from "node:assert/strict";
import { Broker } from "../support/brokers.ts";
import { need } from "../support/need.ts";
import { freePort } from "../support/ports.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { startExample } from "./start.ts";

const test = need("redis-server");

/** The interval of messages that test whether the processes are connected, in milliseconds. */
const INTERVAL = 20;

/** Returns the next message. */
async function next(socket: WebSocket): Promise<string> {
  const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  return data;
}

/** Opens connections until two processes have one each. Returns them by process name. */
async function connectToTwoProcesses(port: number): Promise<Map<string, WebSocket>> {
  const found = new Map<string, WebSocket>();
  // The probability that one process gets all connections is 2 ** -63.
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
  test(`spreads connections over the processes and delivers messages between them on ${runtime}`, async () => {
    const port = await freePort();
    await using redis = await Broker.start("redis");
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "2", REDIS_URL: redis.url },
    });
    await example.printed(/(Process \d+ on ws:[^]*){2}/);
    const found = await connectToTwoProcesses(port);
    assert.equal(found.size, 2);
    const [one, two] = found.values();
    const received = next(two!);
    const asking = setInterval(() => one!.send("to all"), INTERVAL);
    assert.equal(await received, "to all");
    clearInterval(asking);
    await Promise.all([close(one!), close(two!)]);
    assert.equal((await example.interrupt()).code, 0);
  });

  Deno.test(`reports that Redis is unavailable and serves without it on ${runtime}`, async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${await freePort()}`;
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "1", REDIS_URL: url },
    });
    await example.printed(/Process \d+ on ws:/);
    let errors = "";
    const reader = example.process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    while (!errors.includes(`cannot reach Redis at ${url}`)) {
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
