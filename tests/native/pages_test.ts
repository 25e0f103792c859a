// `connect` of the browser entry in Chromium and Firefox. Pages report to the test over HTTP, so
// most tests need no browser automation.

import assert from "node:assert/strict";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { serve, type ServeOptions, type Server } from "../../mod.ts";
import { browsers, openChromium } from "../support/browsers.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";
import { Queue } from "../support/live_harness.ts";
import { need } from "../support/need.ts";

/** A report of a page. */
interface Report {
  readonly event: string;
  readonly value: unknown;
}

/** Serves a page with a bundle of the client, and receives its reports. */
class PageServer {
  readonly reports: Queue<Report> = new Queue();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(bundle: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        if (request.method === "POST") {
          this.reports.push(await request.json());
          return new Response(null, { status: 204 });
        }
        if (pathname === "/client.js") {
          return new Response(bundle, { headers: { "content-type": "text/javascript" } });
        }
        if (pathname !== "/") return new Response("another page");
        return new Response('<!doctype html><script type="module" src="/client.js"></script>', {
          headers: { "content-type": "text/html" },
        });
      },
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Returns the next report of this event, and skips others. */
  async next(event: string): Promise<unknown> {
    for (;;) {
      const report = await this.reports.next();
      if (report.event === event) return report.value;
      assert.notEqual(report.event, "error", String(report.value));
    }
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Bundles the client and a program into one script. */
async function bundled(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { connect } from "./src/browser.ts";
        const url = new URL(location.href).searchParams.get("server");
        const report = (event, value) =>
          fetch("/", { method: "POST", body: JSON.stringify({ event, value }) });
        addEventListener("unhandledrejection", ({ reason }) => report("error", String(reason)));
        addEventListener("error", ({ message }) => report("error", message));
        ${program}
      `,
      resolveDir: new URL("../..", import.meta.url).pathname,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
  });
  return outputFiles[0]!.text;
}

/** A page's program with a long delay between attempts. */
const PATIENT = `
  let connections = 0;
  await connect(url, {
    reconnect: { topics: true, minDelay: 600_000, maxDelay: 600_000 },
    open: () => report("open", ++connections),
    reconnecting: () => report("lost"),
  });
`;

const chromiumTest = need("chromium");

const SUBSCRIBER = `
  let received = [];
  const conn = await connect(url, {
    reconnect: { topics: true, minDelay: 20, maxDelay: 100, restartDelay: [20, 50] },
    pingInterval: 200,
    pongTimeout: 5000,
    open: () => report("open", conn?.readyState),
  });
  await conn.subscribe("news", {
    message: (data) => {
      received.push(Number(data));
      if (received.length % 50 === 0) report("count", received.length);
      if (data === "400") report("received", received);
    },
    missed: () => report("missed"),
  });
  report("subscribed");
`;

for (const [name, { program, open }] of Object.entries(browsers)) {
  const test = need(program);

  test(`resumes a topic without a gap in ${name} after a node is killed`, async () => {
    const broker = new FakeBroker(true, new FakeHistory());
    const page = new PageServer(await bundled(SUBSCRIBER));
    const options: ServeOptions = {
      backplane: broker.backplane(),
      history: { maxAge: 60_000, maxMessages: 10_000 },
      clientTopics: { allow: () => true },
      allowedOrigins: [page.origin],
    };
    const publisher = await serve({ ...options, backplane: broker.backplane() });
    let node: Server = await serve(options);
    const { port } = node;
    const browser = await open(`${page.origin}/?server=${encodeURIComponent(node.url)}`);
    try {
      await page.next("subscribed");
      for (let i = 1; i <= 100; i++) publisher.publish("news", String(i));
      while (await page.next("count") !== 100);
      // A killed node ends the stream without a Close frame.
      for (const conn of node.clients()) conn.terminate();
      await node.shutdown({ timeout: 0 });
      for (let i = 101; i <= 200; i++) publisher.publish("news", String(i));
      node = await serve({ ...options, port, backplane: broker.backplane() });
      for (let i = 201; i <= 300; i++) publisher.publish("news", String(i));
      while (await page.next("count") !== 300);
      for (let i = 301; i <= 400; i++) publisher.publish("news", String(i));
      assert.deepEqual(
        await page.next("received"),
        Array.from({ length: 400 }, (_, i) => i + 1),
      );
    } finally {
      await browser.close();
      await node.shutdown({ timeout: 0 });
      await publisher.shutdown({ timeout: 0 });
      await page.close();
    }
  });

  test(`delivers text, bytes and close information unchanged in ${name}`, async () => {
    const page = new PageServer(
      await bundled(`
        const conn = await connect(url);
        conn.send("text \\u{1f600}");
        conn.send(new Uint8Array([1, 2, 255]));
        const received = [];
        for await (const data of conn) {
          received.push(typeof data === "string" ? data : [...data]);
          if (received.length === 2) conn.send("bye");
        }
        const { code, reason, clean, initiator } = await conn.closed;
        report("done", { received, end: { code, reason, clean, initiator } });
        const failed = await connect("ws://127.0.0.1:1/").catch((error) => error);
        report("failed", [failed.name, failed.code]);
      `),
    );
    const server = await serve({
      allowedOrigins: [page.origin],
      message(conn, data) {
        if (data === "bye") conn.close(4002, "enough");
        else conn.send(data);
      },
    });
    const browser = await open(`${page.origin}/?server=${encodeURIComponent(server.url)}`);
    try {
      assert.deepEqual(await page.next("done"), {
        received: ["text \u{1f600}", [1, 2, 255]],
        end: { code: 4002, reason: "enough", clean: true, initiator: "remote" },
      });
      assert.deepEqual(await page.next("failed"), ["ConnectionError", "CONNECT_FAILED"]);
    } finally {
      await browser.close();
      await server.shutdown({ timeout: 0 });
      await page.close();
    }
  });
}

/** Opens a page with a long reconnect delay, and starts the server that it connects to. */
async function pageWithLongDelay(): Promise<
  AsyncDisposable & { pages: PageServer; page: Page; server: Server }
> {
  const pages = new PageServer(await bundled(PATIENT));
  const server = await serve({
    allowedOrigins: [pages.origin],
    clientTopics: { allow: () => true },
  });
  const browser = await openChromium(`${pages.origin}/?server=${encodeURIComponent(server.url)}`);
  assert.equal(await pages.next("open"), 1);
  return {
    pages,
    page: browser.page,
    server,
    async [Symbol.asyncDispose](): Promise<void> {
      await browser.close();
      await server.shutdown({ timeout: 0 });
      await pages.close();
    },
  };
}

chromiumTest(
  "reconnects immediately when the page comes back online, regardless of the delay",
  async () => {
    await using opened = await pageWithLongDelay();
    const { pages, page, server } = opened;
    await page.evaluate(() =>
      Object.defineProperty(navigator, "onLine", { get: () => false, configurable: true })
    );
    for (const conn of server.clients()) conn.terminate();
    await pages.next("lost");
    await page.evaluate(() => {
      Object.defineProperty(navigator, "onLine", { get: () => true });
      dispatchEvent(new Event("online"));
    });
    assert.equal(await pages.next("open"), 2);
  },
);

chromiumTest(
  "closes the connection for the back/forward cache and reconnects when the page is restored",
  async () => {
    await using opened = await pageWithLongDelay();
    const { pages, page, server } = opened;
    const [conn] = server.clients();
    // playwright cannot control a page in the cache, so the test dispatches the events.
    const dispatch = (type: string): Promise<unknown> =>
      page.evaluate(`dispatchEvent(new PageTransitionEvent("${type}", { persisted: true }))`);
    await dispatch("pagehide");
    await conn!.closed;
    await pages.next("lost");
    await dispatch("pageshow");
    assert.equal(await pages.next("open"), 2);
    assert.equal(server.connections, 1);
  },
);

chromiumTest("disconnects with PONG_TIMEOUT on unanswered heartbeats", async () => {
  const pages = new PageServer(
    await bundled(`
      await connect(url, {
        reconnect: { topics: true },
        pingInterval: 50,
        pongTimeout: 50,
        reconnecting: (_, { error }) => report("lost", error.code),
      });
    `),
  );
  // The server accepts the subprotocol but never answers.
  const server = await serve({
    allowedOrigins: [pages.origin],
    subprotocols: ["quickws.topics.1"],
    message: () => {},
  });
  const browser = await openChromium(`${pages.origin}/?server=${encodeURIComponent(server.url)}`);
  try {
    assert.equal(await pages.next("lost"), "PONG_TIMEOUT");
  } finally {
    await browser.close();
    await server.shutdown({ timeout: 0 });
    await pages.close();
  }
});
