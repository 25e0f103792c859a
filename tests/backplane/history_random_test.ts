// Random events on three servers that share a broker: the servers publish, the broker loses messages
// in transit and disconnects during appends, and clients reconnect to another server. In the end,
// every client must have each message once and in order.

import assert from "node:assert/strict";
import type { PreparedMessage } from "../../src/message/prepared_message.ts";
import { lineEnd, readLine } from "../../src/pubsub/protocol.ts";
import type { ConnectionDriver, TopicListener } from "../../src/connection/connection_driver.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { Relay } from "../../src/backplane/relay.ts";
import { Topics } from "../../src/pubsub/topics.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";
import { Random } from "../support/random.ts";
import { nextMacrotask } from "../support/socket_harness.ts";

const decoder = new TextDecoder();

/** A client that uses one connection after another. */
class Client {
  /** The newest message number that it has received. */
  at: number | undefined;
  readonly texts: string[] = [];
  readonly numbers: number[] = [];
  missed = 0;

  /** Creates the client's next connection. */
  connection(): ConnectionDriver {
    const topicListener: TopicListener = {
      subscribed: (_, number) => void (this.at = number),
      missed: () => void this.missed++,
      passed: (_, number) => void (this.at = number),
    };
    const sendPrepared = ({ payload }: PreparedMessage): boolean => {
      const text = decoder.decode(payload);
      const end = lineEnd(text);
      const number = readLine(text, end)?.number as number;
      this.at = number;
      this.numbers.push(number);
      this.texts.push(text.slice(end));
      return true;
    };
    const control = { state: "open", topicListener, slow: false, sendPrepared };
    return control as unknown as ConnectionDriver;
  }
}

class Node {
  readonly topics: Topics;

  constructor(broker: FakeBroker, errors: unknown[]) {
    const backplane = broker.backplane();
    const limits = { maxAge: 60_000, maxMessages: 100_000 };
    this.topics = new Topics((error) => errors.push((error as { code: string }).code));
    this.topics.join((topics) => new Relay(backplane, topics, undefined, limits));
  }
}

async function run(seed: number): Promise<number> {
  const random = new Random(seed);
  const history = new FakeHistory();
  const broker = new FakeBroker(true, history);
  const errors: unknown[] = [];
  const nodes = Array.from({ length: 3 }, () => new Node(broker, errors));
  // One client stays subscribed at each server, because a server without subscribers does not detect
  // duplicates.
  const stays = nodes.map(({ topics }) => {
    const client = new Client();
    topics.subscribe(client.connection(), "room");
    return client;
  });
  await nextMacrotask();
  const clients = Array.from({ length: 5 }, () => {
    const client = new Client();
    client.at = 0;
    return client;
  });
  const places: ({ node: Node; control: ConnectionDriver } | undefined)[] = clients.map(() =>
    undefined
  );
  const published: string[] = [];
  let cut: Array<() => void> = [];
  history.loses = () => random.below(10) === 0;
  // Before an outage the broker first stores messages without acknowledging them, then stores none.
  let health: "answers" | "keeps" | "is silent" = "answers";
  history.append = (done) => {
    if (random.below(10) === 0) health = health === "answers" ? "keeps" : "is silent";
    if (health !== "is silent") done();
    if (health === "answers") return Promise.resolve();
    return new Promise((_, reject) => cut.push(() => reject(new Error("cut off"))));
  };
  const outage = (): void => {
    broker.disconnect(new Error("away"));
    for (const reject of cut) reject();
    cut = [];
    health = "answers";
  };
  for (let step = 0; step < 200; step++) {
    const what = random.below(20);
    if (what < 8) {
      const text = `${published.length}`;
      published.push(text);
      random.pick(nodes).topics.publish("room", text, {}, undefined);
    } else if (what < 12) {
      const i = random.below(clients.length);
      const place = places[i];
      if (place === undefined) {
        const node = random.pick(nodes);
        const control = clients[i].connection();
        places[i] = { node, control };
        node.topics.subscribe(control, "room", clients[i].at);
      } else {
        place.node.topics.withdraw(place.control);
        place.node.topics.forget(place.control);
        places[i] = undefined;
      }
    } else if (what === 12 && broker.isUp) outage();
    else if (what < 15 && !broker.isUp) broker.reconnect();
    else if (what > 15) await nextMacrotask();
  }
  if (broker.isUp) outage();
  history.append = undefined;
  history.loses = undefined;
  broker.reconnect();
  await nextMacrotask();
  for (const [i, client] of clients.entries()) {
    if (places[i] === undefined) {
      nodes[0].topics.subscribe(client.connection(), "room", client.at);
    }
  }
  nodes[0].topics.publish("room", "end", {}, undefined);
  await nextMacrotask();
  const expected = [...published, "end"].sort();
  for (const { texts, numbers, missed } of [...stays, ...clients]) {
    assert.equal(missed, 0);
    assert.deepEqual([...texts].sort(), expected);
    assert.deepEqual([...numbers].sort((a, b) => a - b), numbers);
    assert.deepEqual(texts, stays[0].texts);
  }
  assert.ok(errors.every((code) => code === "BACKPLANE_DOWN"), `${errors}`);
  for (const { topics } of nodes) await topics.close(0);
  return history.requests.filter(([method]) => method === "append").length - expected.length;
}

Deno.test("each client receives each message once and in one order under random events", async () => {
  let repeated = 0;
  for (let seed = 1; seed <= 60; seed++) {
    try {
      repeated += await run(seed * 104729);
    } catch (error) {
      throw new Error(`failed with seed ${seed * 104729}`, { cause: error });
    }
  }
  assert.ok(repeated > 60, `${repeated} messages were appended again`);
  assert.equal(timers.size, 0, "no timer is left");
});
