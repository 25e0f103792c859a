// The chat example: joining, leaving, rejected requests, two nodes, and its page in Chromium.

import assert from "node:assert/strict";
import { CloseCode, connect, type Connection } from "../../../mod.ts";
import { Broker } from "../../support/brokers.ts";
import { newContext } from "../../support/browsers.ts";
import { need } from "../../support/need.ts";
import { freePort } from "../../support/ports.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { startExample, webSocketUrl } from "../start.ts";

/** Receives and parses the next messages. */
async function received(conn: Connection<undefined>, count: number): Promise<unknown[]> {
  const messages = conn[Symbol.asyncIterator]();
  const found = [];
  while (found.length < count) found.push(JSON.parse(String((await messages.next()).value)));
  return found;
}

for (const runtime of runtimeNames) {
  Deno.test(`the chat sends each message to all members on ${runtime}`, async () => {
    await using example = startExample(runtime, "chat/main.ts");
    const url = await webSocketUrl(example);
    const ada = await connect(`${url}?name=Ada`);
    assert.deepEqual(await received(ada, 1), [{ notice: "Ada joined" }]);
    const bob = await connect(`${url}?name=Bob`);
    ada.send("hello");
    const rest = [{ notice: "Bob joined" }, { name: "Ada", text: "hello" }];
    assert.deepEqual(await received(ada, 2), rest);
    assert.deepEqual(await received(bob, 2), rest);
    bob.close();
    assert.deepEqual(await received(ada, 1), [{ notice: "Bob left" }]);
    ada.send(new Uint8Array(1));
    assert.equal((await ada.closed).code, CloseCode.UnsupportedData);
    await assert.rejects(connect(url), { status: 400 });
    await assert.rejects(connect(`${url}?name=${"x".repeat(25)}`), { status: 400 });
    const page = await fetch(url.replace("ws", "http"));
    assert.match(await page.text(), /<title>Chat<\/title>/);
    assert.match(page.headers.get("content-security-policy") ?? "", /'self'/);
  });
}

need("chromium")(
  "two pages chat in Chromium",
  async () => {
    const context = await newContext();
    try {
      await using example = startExample("deno", "chat/main.ts");
      const url = (await webSocketUrl(example)).replace("ws", "http");
      const errors: string[] = [];
      const enter = async (name: string) => {
        const page = await context.newPage();
        page.on("console", (message) => errors.push(message.text()));
        page.on("pageerror", (error) => errors.push(String(error)));
        await page.goto(url);
        await page.fill("#name", name);
        await page.press("#name", "Enter");
        await page.getByText("in the room").waitFor();
        return page;
      };
      const [one, two] = [await enter("Ada"), await enter("Bob")];
      await one.fill("#text", "<i>hello</i>");
      await one.press("#text", "Enter");
      await two.getByText("Ada <i>hello</i>").waitFor();
      await one.getByText("Bob joined").waitFor();
      // Check before the server stops, because Chromium then logs every failed reconnect.
      assert.deepEqual(errors, []);
      await example.interrupt();
      await two.getByText(/not connected \(\d+/).waitFor();
    } finally {
      await context.close();
    }
  },
);

need("chromium", "redis-server")(
  "a page that reconnects to another node receives the messages it missed",
  async () => {
    await using redis = await Broker.start("redis");
    const env = { REDIS_URL: redis.url };
    await using other = startExample("bun", "chat/main.ts", { env });
    const bob = await connect(`${await webSocketUrl(other)}?name=Bob`);
    const context = await newContext();
    try {
      const port = String(await freePort());
      const onPort = { env: { ...env, PORT: port } };
      const first = startExample("deno", "chat/main.ts", onPort);
      await webSocketUrl(first);
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.fill("#name", "Ada");
      await page.press("#name", "Enter");
      await page.getByText("in the room").waitFor();
      bob.send("before");
      await page.getByText("Bob before").waitFor();
      await first[Symbol.asyncDispose]();
      await page.getByText(/not connected \(1001/).waitFor();
      bob.send("meanwhile");
      await using again = startExample("deno", "chat/main.ts", onPort);
      await webSocketUrl(again);
      bob.send("after");
      await page.getByText("Bob after").waitFor();
      const said = await page.locator("#said > :not(.notice)").allInnerTexts();
      assert.deepEqual(said, ["Bob before", "Bob meanwhile", "Bob after"]);
      bob.close();
      await page.getByText("Bob left").waitFor();
    } finally {
      await context.close();
    }
  },
);
