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
  test(`serves without Redis, and delivers messages between the processes once it runs, on ${runtime}`, async () => {
    const port = await freePort();
    await using redis = await Broker.prepare("redis");
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "2", REDIS_URL: redis.url },
    });
    await example.printed(/(Process \d+ on ws:[^]*){2}/);
    let errors = "";
    const reader = example.process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    while (errors.split(`cannot reach Redis at ${redis.url}`).length < 3) {
      const { value, done } = await reader.read();
      assert.ok(!done, errors);
      errors += value;
    }
    const found = await connectToTwoProcesses(port);
    assert.equal(found.size, 2);
    const [one, two] = found.values();
    one!.send("to this process");
    assert.equal(await next(one!), "to this process");
    await redis.restart();
    const sending = setInterval(() => one!.send("to all"), INTERVAL);
    // A client may resend what it published before Redis ran.
    while (await next(two!) !== "to all");
    clearInterval(sending);
    await Promise.all([close(one!), close(two!)]);
    assert.equal((await example.interrupt()).code, 0);
    await reader.cancel();
  });
}
