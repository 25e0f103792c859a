import assert from "node:assert/strict";
import type { RedisConnection } from "../../../src/backplane/redis/connection.ts";
import { RedisBackplane } from "../../../src/backplane/redis/redis_backplane.ts";
import { Queue } from "../../support/live_harness.ts";

/** The first delay before connections are made again, in milliseconds. */
const MIN_DELAY = 50;

Deno.test("after a rejected append, reports up only when the results of later ones are known", async () => {
  const events = new Queue<string>();
  const appends: PromiseWithResolvers<unknown>[] = [];
  const connection: RedisConnection = {
    isReady: true,
    publish: () => Promise.resolve(0),
    command(name, script) {
      if (name !== "EVAL" || !script.includes("XADD")) return Promise.resolve("");
      appends.push(Promise.withResolvers());
      return appends.at(-1)!.promise;
    },
    subscribe: () => Promise.resolve(),
    unsubscribe: () => Promise.resolve(),
    close: () => events.push("closed"),
  };
  const backplane = new RedisBackplane(() => Promise.resolve(connection), "p");
  backplane.history.keep({ maxAge: 1000, maxMessages: 10 });
  backplane.start({
    message: () => {},
    up: () => events.push("up"),
    down: (error) => events.push(`down: ${error}`),
  });
  assert.equal(await events.next(), "up");
  const results = [1, 2].map(async (byte) => {
    const result = backplane.history.append("room", Uint8Array.of(byte));
    events.push(await result.then((number) => `stored ${number}`, () => "rejected"));
  });
  appends[0].reject(new Error("NOREPLICAS Not enough good replicas to write."));
  assert.match(await events.next(), /^down: Error: NOREPLICAS/);
  assert.equal(await events.next(), "rejected");
  await new Promise((resolve) => setTimeout(resolve, 2 * MIN_DELAY));
  assert.equal(events.all.length, 3, "waits for the second reply");
  appends[1].resolve("7");
  await Promise.all(results);
  const after = (await events.atLeast(7)).slice(3);
  assert.equal(after.pop(), "up");
  assert.deepEqual(after.sort(), ["closed", "closed", "stored 7"]);
  await backplane.close();
});
