// Tests the demo page in Chromium, with the demo server in a separate process.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { BrowserContextOptions, Page } from "playwright-core";
import type { Example } from "../../../project/example_process.ts";
import { newContext } from "../../../support/browsers.ts";
import { need } from "../../../support/need.ts";
import { freePort } from "../../../support/ports.ts";
import { startExample } from "../../start.ts";

/** Matches the browser's messages about failed connections, which a page cannot suppress. */
const NETWORK = /^(WebSocket connection to .* failed|Failed to load resource: )/;

const register = need("chromium");

/** The server that the tests share, except the tests that stop it. */
let shared: Promise<Demo> | undefined;
Deno.test.afterAll(async () => await (await shared)?.[Symbol.asyncDispose]());

/** A demo server on a port that it keeps when it restarts. */
class Demo implements AsyncDisposable {
  readonly #port: string;
  #process: Example;

  private constructor(port: number) {
    this.#port = String(port);
    this.#process = this.#start();
  }

  static async begin(): Promise<Demo> {
    const demo = new Demo(await freePort());
    await demo.#process.printed(/http:\/\/127\.0\.0\.1:\d+\//);
    return demo;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  async interrupt(): Promise<void> {
    await this.#process.interrupt();
  }

  restart(): void {
    this.#process = this.#start();
  }

  #start(): Example {
    return startExample("deno", "demo/main.ts", { env: { PORT: this.#port } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** The pages of a test, and their errors. */
class Visit implements AsyncDisposable {
  readonly errors: string[] = [];
  readonly #url: string;
  readonly #closing: Array<() => Promise<void>> = [];

  constructor(demo: Demo) {
    this.#url = demo.url;
  }

  /** Opens the page, with few animation frames, and waits until it is connected. */
  async open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await newContext({ reducedMotion: "reduce", ...options });
    this.#closing.push(() => context.close());
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.errors.push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
    await page.goto(this.#url);
    await waitForState(page, "open");
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

function waitForState(page: Page, state: "idle" | "open" | "waiting"): Promise<unknown> {
  return page.waitForSelector(`html[data-state="${state}"]`);
}

/** Waits for a line of the log and returns its text. */
async function logged(page: Page, kind: string, text: string): Promise<string> {
  const line = page.locator(`#log .${kind}`, { hasText: text }).first();
  await line.waitFor();
  return await line.innerText();
}

function hasNoHorizontalScroll(page: Page): Promise<boolean> {
  return page.evaluate("document.documentElement.scrollWidth <= innerWidth");
}

const test = (name: string, run: (visit: Visit) => Promise<void>): void =>
  register(`the page ${name}`, async () => {
    await using visit = new Visit(await (shared ??= Demo.begin()));
    await run(visit);
  });

test("connects, and shows echoed text, bytes and files as plain text", async (visit) => {
  const page = await visit.open();
  await page.fill("#text", "<img src=x onerror=alert(1)> and tail");
  await page.press("#text", "Enter");
  const line = await logged(page, "in.text", "<img src=x");
  assert.match(line, /received\s*text\s*0x1[^]*37 B[^]*(ms|\u00b5s)/);
  assert.equal(await page.locator("#log img").count(), 0);

  await page.check('[name="kind"][value="hex"]');
  await page.fill("#hex", "0g");
  await page.click("#send");
  assert.match(await page.innerText("#composed"), /not a hexadecimal digit/);
  await page.fill("#hex", "68 69 00 ff");
  await page.click("#send");
  await logged(page, "in.binary", "68 69 00 ff");
  await page.locator("#log .in.binary summary").click();
  assert.match(await page.innerText("#log .in.binary pre"), /^0000 {2}68 69 00 ff +hi\.\.$/);

  await page.check('[name="kind"][value="file"]');
  await page.setInputFiles("#file", {
    name: "blob",
    mimeType: "application/octet-stream",
    buffer: Buffer.alloc(100_000, 0xab),
  });
  await page.click("#send");
  await logged(page, "in.binary", "97.7 KiB");

  assert.match(await logged(page, "ping", "timed by the server"), /0x9[^]*(ms|\u00b5s)/);
  assert.deepEqual(visit.errors, []);
});

test("runs a benchmark, draws it, and stops on request", async (visit) => {
  const page = await visit.open({ reducedMotion: "no-preference" });
  await page.selectOption("#bytes", "128");
  await page.selectOption("#depth", "16");
  await page.selectOption("#time", "120");
  const picture = (): Promise<string> =>
    page.evaluate("document.getElementById('graph').toDataURL()");
  const before = await picture();
  await page.click("#run");
  await page.locator("#rate", { hasText: /[1-9]/ }).waitFor();
  await page.locator("#cpu", { hasText: /\d \u00b5s/ }).waitFor();
  assert.notEqual(await picture(), before);
  // A click waits until the page is stable, which is slow during a benchmark on few cores.
  await page.press("#run", "Enter");
  const result = await logged(page, "bench", "messages/s");
  assert.match(result, /[1-9][\d\u202f]* messages\/s of 128 B, 16 in flight: .*median .*p99 /);
  assert.match(await page.getAttribute("#graph", "aria-label") ?? "", /messages\/s of 128 B/);
  assert.equal(await page.innerText("#run"), "Run benchmark");
  assert.deepEqual(visit.errors, []);
});

test("chats between two tabs and shows messages as plain text", async (visit) => {
  const [one, two] = [await visit.open(), await visit.open()];
  await one.getByText("2 tabs").waitFor();
  await one.fill("#name", "Ada");
  await one.fill("#words", "hello <b>there</b>");
  await one.press("#words", "Enter");
  const bubble = two.locator("#said .bubble", { hasText: "hello <b>there</b>" });
  await bubble.waitFor();
  assert.match(await bubble.innerText(), /^Ada /);
  assert.equal(await two.locator("#said b", { hasText: /^there$/ }).count(), 0);
  await two.fill("#words", "hello yourself");
  await two.click("#say");
  await one.locator("#said .bubble:not(.mine)", { hasText: "hello yourself" }).waitFor();
  assert.deepEqual(visit.errors, []);
});

register("the page counts down when the server stops, and reconnects automatically", async () => {
  await using demo = await Demo.begin();
  await using visit = new Visit(demo);
  const page = await visit.open();
  await demo.interrupt();
  await waitForState(page, "waiting");
  await page.getByText("1001 Going away").first().waitFor();
  await page.getByText(/^Next attempt in \d+\.\d s$/).waitFor();
  await page.getByText(/^No response from 127\.0\.0\.1:\d+$/).waitFor();
  demo.restart();
  await waitForState(page, "open");
  assert.equal(await page.isHidden("#trouble"), true);
  await page.getByText("only this tab").waitFor();
  await page.click("#send");
  await logged(page, "in.text", "Hello, WebSocket");
  assert.deepEqual(visit.errors.filter((text) => !NETWORK.test(text)), []);
});

test("shows the reason for a failed connection: rejected, closed with a reason, invalid URL", async (visit) => {
  const page = await visit.open();
  await page.selectOption("#preset", "refused");
  await page.getByText("Rejected with 403").waitFor();
  await page.getByText("This URL rejects every client").waitFor();
  await waitForState(page, "idle");
  await page.selectOption("#preset", "goodbye");
  await page.getByText("Closed: 4001 Application code").waitFor();
  await page.getByText("Goodbye").first().waitFor();
  await page.fill("#url", "no url");
  await page.press("#url", "Enter");
  await page.getByText("That is not a URL").waitFor();
  assert.equal(await page.getAttribute("#url", "aria-invalid"), "true");
  await page.selectOption("#preset", "compressed");
  await waitForState(page, "open");
  assert.match(await page.innerText("#extensions"), /^permessage-deflate/);
  await page.fill("#subprotocol", "chat.v2, chat.v1");
  await page.click("#toggle");
  await waitForState(page, "idle");
  await page.click("#toggle");
  await waitForState(page, "open");
  assert.equal(await page.innerText("#protocol"), "chat.v2");
  assert.deepEqual(visit.errors.filter((text) => !NETWORK.test(text)), []);
});

test("fits a width of 360 pixels in every state and labels all controls", async (visit) => {
  const page = await visit.open({
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    reducedMotion: "reduce",
    hasTouch: true,
  });
  assert.equal(await hasNoHorizontalScroll(page), true);
  await page.fill("#text", "a word that never ends".replaceAll(" ", "_").repeat(20));
  await page.click("#send");
  await logged(page, "in.text", "a_word");
  await page.locator("#log .in.text summary").click();
  await page.fill("#words", "x".repeat(400));
  await page.click("#say");
  await page.locator("#said .bubble", { hasText: "x".repeat(400) }).waitFor();
  assert.equal(await hasNoHorizontalScroll(page), true);
  await page.selectOption("#preset", "compressed");
  await waitForState(page, "open");
  await page.selectOption("#preset", "goodbye");
  await page.getByText("Closed: 4001").waitFor();
  assert.equal(await hasNoHorizontalScroll(page), true);
  const nameless = await page.evaluate(`
    [...document.querySelectorAll("button, input, select, textarea")].filter((control) =>
      !control.labels?.length && !control.hasAttribute("aria-label") &&
      (control.tagName !== "BUTTON" || control.textContent.trim() === "")
    ).map((control) => control.outerHTML)`);
  assert.deepEqual(nameless, []);
  assert.deepEqual(visit.errors, []);
});

test("is only as tall as its content, even with a long log", async (visit) => {
  const page = await visit.open({ viewport: { width: 1280, height: 800 } });
  // One call sends all messages, because each key press takes several calls to the browser.
  await page.evaluate(
    "for (let count = 0; count < 60; count++) document.getElementById('send').click()",
  );
  await page.locator("#log .in.text").nth(59).waitFor({ state: "attached" });
  const rest =
    "document.documentElement.scrollHeight - document.querySelector('main').offsetHeight" +
    " - document.querySelector('.masthead').offsetHeight";
  // Each of the three heights is rounded to whole pixels, depending on the fonts.
  const pixels = Number(await page.evaluate(rest));
  assert.ok(Math.abs(pixels) <= 2, `${pixels} pixels`);
  assert.deepEqual(visit.errors, []);
});

test("works with the keyboard alone and remembers the selected theme", async (visit) => {
  const page = await visit.open({ colorScheme: "light" });
  await page.keyboard.press("Tab");
  assert.equal(await page.innerText(":focus"), "Skip to the message");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.isVisible("#hex"), true);
  await page.focus("#theme");
  await page.keyboard.press("Enter");
  const background = (): Promise<string> =>
    page.evaluate("getComputedStyle(document.body).backgroundColor");
  const dark = await background();
  assert.notEqual(dark, "rgb(243, 245, 242)");
  await page.reload();
  assert.equal(await background(), dark);
  assert.deepEqual(visit.errors, []);
});
