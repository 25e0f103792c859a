// The demo's chat between tabs, and its limits.

import assert from "node:assert/strict";
import { connect, type Connection, serve } from "../../../mod.ts";
import { Pages } from "../../../examples/demo/pages.ts";
import { Playground } from "../../../examples/demo/playground.ts";
import { Tally } from "../../../examples/demo/tally.ts";

/** A demo server and its tabs. */
class Site implements AsyncDisposable {
  readonly #playground = new Playground(pages, new Tally());
  readonly #server = serve({ ...this.#playground.options, port: 0 });

  async connect(path: string): Promise<Tab> {
    return new Tab(await connect((await this.#server).url + path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#playground.stop();
    await (await this.#server).shutdown();
  }
}

/** A message that the server sends to a tab. */
interface Notice {
  readonly type: string;
  readonly count?: number;
  readonly name?: string;
  readonly text?: string;
  readonly took?: number;
}

class Tab {
  readonly conn: Connection<undefined>;
  readonly #messages: AsyncIterator<string | Uint8Array>;

  constructor(conn: Connection<undefined>) {
    this.conn = conn;
    this.#messages = conn[Symbol.asyncIterator]();
  }

  say(name: string, text: string): void {
    this.conn.send(JSON.stringify({ name, text }));
  }

  /** Returns the next message. */
  async next(): Promise<Notice> {
    const { value } = await this.#messages.next();
    return JSON.parse(String(value));
  }

  /** Returns the next message of this type. */
  async nextOf(type: string): Promise<Notice> {
    for (;;) {
      const notice = await this.next();
      if (notice.type === type) return notice;
    }
  }
}

const pages = await Pages.read();

Deno.test("sends each message to all tabs, and earlier messages to new tabs", async () => {
  await using site = new Site();
  const one = await site.connect("room?tab=1");
  assert.equal((await one.nextOf("people")).count, 1);
  const two = await site.connect("room?tab=2");
  assert.equal((await one.nextOf("people")).count, 2);
  one.say("Ada", "hello <b>there</b>");
  for (const tab of [one, two, await site.connect("room?tab=3")]) {
    const { name, text } = await tab.nextOf("say");
    assert.deepEqual([name, text], ["Ada", "hello <b>there</b>"]);
  }
  two.conn.terminate();
  assert.equal((await one.nextOf("people")).count, 3);
  assert.equal((await one.nextOf("people")).count, 2);
});

Deno.test("warns a tab that exceeds the rate limit but keeps it connected", async () => {
  await using site = new Site();
  const tab = await site.connect("room?tab=1");
  for (let i = 0; i < 20; i++) tab.say("Ada", `message ${i}`);
  assert.match((await tab.nextOf("notice")).text ?? "", /Slow down/);
  assert.equal(tab.conn.readyState, "open");
});

Deno.test("an invalid message closes only the sender's connection", async () => {
  await using site = new Site();
  const other = await site.connect("room?tab=0");
  const cases: [data: string | Uint8Array, code: number][] = [
    ["not JSON", 1007],
    ["null", 1007],
    ['{"name":"Ada"}', 1007],
    ['{"name":"Ada","text":" "}', 1007],
    [JSON.stringify({ name: "Ada", text: "x".repeat(501) }), 1007],
    [new Uint8Array(4), 1007],
    ["x".repeat(5000), 1009],
  ];
  for (const [data, code] of cases) {
    const tab = await site.connect("room?tab=1");
    tab.conn.send(data);
    await tab.nextOf("welcome");
    // No more messages arrive before the connection ends.
    await assert.rejects(tab.nextOf("nothing"));
    assert.equal((await tab.conn.closed).code, code, String(data).slice(0, 40));
  }
  other.say("Ada", "still here");
  assert.equal((await other.nextOf("say")).text, "still here");
});

Deno.test("the server measures each tab's latency and reports it to the tab", async () => {
  await using site = new Site();
  const [mine, other] = [await site.connect("room?tab=1"), await site.connect("room?tab=2")];
  await site.connect("?tab=1");
  const { took } = await mine.nextOf("ping");
  assert.ok(typeof took === "number" && took >= 0);
  other.say("Ada", "anything");
  const types = [];
  while (types.at(-1) !== "say") types.push((await other.next()).type);
  assert.deepEqual(new Set(types), new Set(["welcome", "people", "say"]));
});
