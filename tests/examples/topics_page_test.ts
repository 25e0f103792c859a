// Tests the page of docs/topics.md in Chromium: it subscribes, reconnects, and resumes from its
// last number.

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Connection, serve, type ServeOptions } from "../../mod.ts";
import { openChromium } from "../support/browsers.ts";
import { Queue } from "../support/live_harness.ts";
import { need } from "../support/need.ts";

const test = need("chromium");

/** Serves only the page. */
async function pageServer(): Promise<ServeOptions> {
  const docs = await Deno.readTextFile(new URL("../../docs/topics.md", import.meta.url));
  const [, html] = /```html\n([^]*?)```/.exec(docs)!;
  return { fetch: () => new Response(html, { headers: { "content-type": "text/html" } }) };
}

/** Opens the page. */
async function withPage(url: string, run: (page: Page) => Promise<void>): Promise<void> {
  const { page, close } = await openChromium(url.replace("ws:", "http:"));
  try {
    await run(page);
  } finally {
    await close();
  }
}

/** Waits until the page shows a text, and returns all texts on the page. */
async function shownAt(page: Page, text: string): Promise<string[]> {
  await page.getByText(text, { exact: true }).waitFor();
  return await page.locator("li").allTextContents();
}

test("the page shows the messages that a server publishes", async () => {
  const opened = new Queue<Connection<undefined>>();
  await using server = await serve({
    ...await pageServer(),
    port: 0,
    clientTopics: {
      allow(conn) {
        opened.push(conn);
        return true;
      },
    },
  });
  await withPage(server.url, async (page) => {
    const conn = await opened.next();
    conn.send("unrelated to the topic");
    server.publish("news", "first\nin two lines <b>");
    server.publish("news", "second");
    assert.deepEqual(await shownAt(page, "second"), ["first\nin two lines <b>", "second"]);
    conn.terminate();
    await opened.next();
    server.publish("news", "third");
    assert.deepEqual((await shownAt(page, "third")).slice(2), ["third"]);
  });
});

test("the page reconnects with the last number it received, and drops rejected topics", async () => {
  const requests = new Queue<[Connection<undefined>, unknown]>();
  await using server = await serve({
    ...await pageServer(),
    port: 0,
    // Without the `clientTopics` option, the test implements the server side of the subprotocol.
    subprotocols: ["quickws.topics.1"],
    message: (conn, data) => void requests.push([conn, data]),
  });
  await withPage(server.url, async (page) => {
    /** The page's requests, with the notices that it receives before the connection closes. */
    const rounds: [request: string, notices: string[]][] = [
      ['{"subscribe":"news"}\n', ['{"subscribed":"news","number":3}\n']],
      ['{"subscribe":"news","after":3}\n', [
        '{"subscribed":"news","number":3}\n',
        '{"topic":"news","number":4}\nfour',
        '{"topic":"another","number":7}\nof another topic',
        '{"passed":"news","number":9}\n',
      ]],
      ['{"subscribe":"news","after":9}\n', [
        '{"subscribed":"news","number":9}\n',
        '{"missed":"news"}\n',
        '{"topic":"news","number":12}\ntwelve',
      ]],
      ['{"subscribe":"news","after":12}\n', ['{"refused":"news","reason":"enough"}\n']],
    ];
    for (const [request, notices] of rounds) {
      const [conn, asked] = await requests.next();
      assert.equal(asked, request);
      for (const notice of notices) conn.send(notice);
      conn.close(1012);
      await conn.closed;
    }
    assert.deepEqual(await shownAt(page, "(news: enough)"), [
      "four",
      "of another topic",
      "(messages are missing)",
      "twelve",
      "(news: enough)",
    ]);
    while (server.connections === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(requests.all.length, rounds.length, "the page sends no further request");
  });
});
