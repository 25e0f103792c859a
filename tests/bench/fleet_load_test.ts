// The fleet load must detect nodes that lose, duplicate, reorder or change messages.

import assert from "node:assert/strict";
import type { FleetLoad, FleetResult } from "../../bench/load/fleet_load.ts";
import { findGenerator } from "../../bench/load/generator.ts";

const CONNECTIONS = 4;
/** The number of the mishandled message, sent long after all connections are open. */
const WRONG = 20;

/** Returns the messages that one connection receives for a message. Others receive it unchanged. */
type Answer = (message: string, number: number) => string[];

/** Three nodes in one process, without a broker. */
class FakeFleet implements AsyncDisposable {
  readonly #sockets: WebSocket[] = [];
  readonly #servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  #published = 0;

  constructor(answer: Answer) {
    for (let node = 0; node < 3; node++) {
      this.#servers.push(
        Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
          const { socket, response } = Deno.upgradeWebSocket(request);
          socket.onopen = () => this.#sockets.push(socket);
          socket.onmessage = ({ data }) => this.#publish(data, answer);
          return response;
        }),
      );
    }
  }

  get ports(): number[] {
    return this.#servers.map(({ addr }) => addr.port);
  }

  #publish(message: string, answer: Answer): void {
    const [first, ...others] = this.#sockets;
    const open = others.filter(({ readyState }) => readyState === WebSocket.OPEN);
    for (const socket of open) socket.send(message);
    if (first!.readyState !== WebSocket.OPEN) return;
    for (const each of answer(message, this.#published++)) first!.send(each);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }
}

/** Runs the generator against a fleet. Rejects with the generator's error. */
async function run(answer: Answer): Promise<FleetResult> {
  await using fleet = new FakeFleet(answer);
  const load: FleetLoad = {
    kind: "fleet",
    ports: fleet.ports,
    pids: [Deno.pid],
    broker: [],
    protocol: "texts",
    connections: CONNECTIONS,
    publishers: 1,
    depth: 2,
    rate: 0,
    payload: 128,
    warmUp: 50,
    duration: 100,
    timeout: 200,
  };
  const generator = findGenerator();
  assert.equal(generator.name, "Go", "the fleet load requires the Go generator");
  const [program, ...args] = generator.command(JSON.stringify(load));
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("the fleet load counts received messages", async () => {
  const { messages, lost, p50, p99 } = await run((message) => [message]);
  assert.ok(messages > 0 && p50 > 0 && p99 >= p50);
  assert.equal(lost, 0);
});

Deno.test("the fleet load detects a lost message", async () => {
  const { lost } = await run((message, number) => number === WRONG ? [] : [message]);
  assert.equal(lost, 1);
});

Deno.test("the fleet load detects a duplicate", async () => {
  const twice = run((message, number) => number === WRONG ? [message, message] : [message]);
  await assert.rejects(twice, /a message of publisher 0 is duplicated or out of order/);
});

Deno.test("the fleet load detects reordered messages", async () => {
  let kept = "";
  const swapped = run((message, number) => {
    if (number !== WRONG) return number === WRONG + 1 ? [message, kept] : [message];
    kept = message;
    return [];
  });
  await assert.rejects(swapped, /a message of publisher 0 is duplicated or out of order/);
});

Deno.test("the fleet load detects a changed message", async () => {
  const changed = run((message, number) => number === WRONG ? [message.slice(1)] : [message]);
  await assert.rejects(changed, /received a message that was not sent/);
});
