import assert from "node:assert/strict";
import { natsBackplane, type NatsBackplaneOptions, type NatsConnection } from "../src/nats.ts";

const method = (): never => assert.fail("not called before it starts");

const connection: NatsConnection = {
  publish: method,
  subscribe: method,
  request: method,
  requestMany: method,
  flush: method,
  status: method,
  closed: method,
  isClosed: method,
};

Deno.test("does not call methods of the connection before start", () => {
  const backplane = natsBackplane(connection, { prefix: "a.b.", storage: "memory", replicas: 3 });
  assert.equal(typeof backplane.publish, "function");
  assert.ok(backplane.history);
});

Deno.test("rejects a value that is not a connection", () => {
  const { flush: _, ...part } = connection;
  for (const wrong of [undefined, null, "nats://localhost", {}, method, part]) {
    assert.throws(() => natsBackplane(wrong as NatsConnection), {
      name: "TypeError",
      message: /^natsBackplane takes a connection: the result of connect of/,
    });
  }
});

const WRONG: [name: string, value: unknown, error: string][] = [
  ["prefix", "", "TypeError"],
  ["prefix", "no dot", "TypeError"],
  ["prefix", "*.", "TypeError"],
  ["prefix", 5, "TypeError"],
  ["stream", "", "TypeError"],
  ["stream", "a.b", "TypeError"],
  ["stream", 5, "TypeError"],
  ["storage", "disk", "TypeError"],
  ["replicas", 0, "RangeError"],
  ["replicas", 6, "RangeError"],
  ["replicas", 1.5, "RangeError"],
];

for (const [name, value, error] of WRONG) {
  Deno.test(`rejects ${JSON.stringify(value)} as the option ${name}`, () => {
    const options = { [name]: value } as NatsBackplaneOptions;
    assert.throws(() => natsBackplane(connection, options), {
      name: error,
      message: new RegExp(`^Option "${name}" must be`),
    });
  });
}

Deno.test("rejects calls before start has resolved", async () => {
  const backplane = natsBackplane(connection);
  assert.throws(() => backplane.publish("t", new Uint8Array(1)), /unavailable/);
  await assert.rejects(async () => await backplane.subscribe("t"), /unavailable/);
  backplane.history!.keep({ maxAge: 1, maxMessages: 1 });
  await assert.rejects(() => backplane.history!.append("t", new Uint8Array(1)), /unavailable/);
  await assert.rejects(() => backplane.history!.read("t"), /unavailable/);
  await backplane.close();
});
