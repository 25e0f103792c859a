// The WebSocket of a page in Chromium: client_chromium.ts <conversations>. The conversation is held here,
// and each action is forwarded to the page.

import { Buffer } from "node:buffer";
import process from "node:process";
import type { Page } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { holdConversations, type InteropClient, Received } from "../conversation.ts";

/** A message on its way between here and the page: text, or bytes as base64. */
interface Carried {
  readonly text?: string;
  readonly bytes?: string;
}

/** An event of the page's WebSocket. */
type PageEvent =
  | { readonly open: string }
  | { readonly message: Carried }
  | { readonly close: { code: number; reason: string; clean: boolean } };

/** The result for the page's own variables. */
interface PageGlobals {
  sockets: WebSocket[];
  report(index: number, events: PageEvent[]): Promise<void>;
}

function carry(message: string | Uint8Array): Carried {
  if (typeof message === "string") return { text: message };
  return { bytes: Buffer.from(message).toString("base64") };
}

function unpack({ text, bytes }: Carried): string | Uint8Array {
  return text ?? new Uint8Array(Buffer.from(bytes!, "base64"));
}

/** Runs in the page: opens a WebSocket and reports all of its events in order, some at a time. */
function openInPage({ index, url }: { index: number; url: string }): void {
  const page = globalThis as unknown as PageGlobals;
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  (page.sockets ??= [])[index] = socket;
  let waiting: PageEvent[] = [];
  let isReporting = false;
  async function report(event: PageEvent): Promise<void> {
    waiting.push(event);
    if (isReporting) return;
    isReporting = true;
    while (waiting.length > 0) {
      const all = waiting;
      waiting = [];
      await page.report(index, all);
    }
    isReporting = false;
  }
  socket.onopen = () => void report({ open: socket.extensions });
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") return void report({ message: { text: data } });
    let binary = "";
    for (const byte of new Uint8Array(data)) binary += String.fromCharCode(byte);
    void report({ message: { bytes: btoa(binary) } });
  };
  socket.onclose = ({ code, reason, wasClean }) =>
    void report({ close: { code, reason, clean: wasClean } });
}

/** Runs in the page: sends messages. */
function sendInPage({ index, messages }: { index: number; messages: Carried[] }): void {
  const socket = (globalThis as unknown as PageGlobals).sockets[index]!;
  for (const { text, bytes } of messages) {
    socket.send(text ?? Uint8Array.from(atob(bytes!), (character) => character.charCodeAt(0)));
  }
}

/** Runs in the page: closes. */
function closeInPage(
  { index, code, reason }: { index: number; code: number; reason: string },
): void {
  (globalThis as unknown as PageGlobals).sockets[index]!.close(code, reason);
}

/** The handlers of the page's events, by the number of the WebSocket. */
const listeners: Array<(event: PageEvent) => void> = [];

async function open(page: Page, url: string): Promise<InteropClient> {
  // A page of the server's own origin, which servers accept by default. The server must serve it: a
  // page with a simulated origin may not connect to this machine.
  await page.goto(url.replace(/^ws/, "http"));
  const index = listeners.length;
  const received = new Received();
  // Messages that are sent during a transfer to the page are gathered for the next one.
  let pending: Carried[] = [];
  let delivered = Promise.resolve();
  const client = {
    extensions: "",
    send(message: string | Uint8Array): void {
      pending.push(carry(message));
      delivered = delivered.then(async () => {
        const messages = pending;
        pending = [];
        if (messages.length > 0) await page.evaluate(sendInPage, { index, messages });
      });
    },
    receive: () => received.next(),
    close(code: number, reason: string): void {
      delivered = delivered.then(() => page.evaluate(closeInPage, { index, code, reason }));
    },
  };
  return await new Promise((resolve, reject) => {
    const closed: InteropClient["closed"] = new Promise((ended) => {
      listeners.push((event) => {
        if ("open" in event) resolve({ ...client, extensions: event.open, closed });
        else if ("message" in event) received.push(unpack(event.message));
        else {
          reject(new Error(`the connection failed: ${JSON.stringify(event.close)}`));
          ended(event.close);
        }
      });
    });
    page.evaluate(openInPage, { index, url }).catch(reject);
  });
}

const browser = await launchChromium();
try {
  // Chromium does not trust the authority of the tests.
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.exposeFunction(
    "report",
    (index: number, events: PageEvent[]) => events.forEach(listeners[index]!),
  );
  await holdConversations(process.argv[2]!, ({ url }) => open(page, url));
} finally {
  await browser.close();
}
