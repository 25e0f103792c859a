// The WebSocket of a page in Chromium: client_chromium.ts <conversations>. This process runs the
// conversation and forwards each action to the page.

import { Buffer } from "node:buffer";
import process from "node:process";
import type { Page } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";
import { type InteropClient, Received, runConversations } from "../conversation.ts";

/** A message between this process and the page: text, or bytes as base64. */
interface EncodedMessage {
  readonly text?: string;
  readonly bytes?: string;
}

/** An event of the page's WebSocket. */
type PageEvent =
  | { readonly open: string }
  | { readonly message: EncodedMessage }
  | { readonly close: { code: number; reason: string; clean: boolean } };

/** The global variables of the page. */
interface PageGlobals {
  sockets: WebSocket[];
  report(index: number, events: PageEvent[]): Promise<void>;
}

function encodeMessage(message: string | Uint8Array): EncodedMessage {
  if (typeof message === "string") return { text: message };
  return { bytes: Buffer.from(message).toString("base64") };
}

function unpack({ text, bytes }: EncodedMessage): string | Uint8Array {
  return text ?? new Uint8Array(Buffer.from(bytes!, "base64"));
}

/** Runs in the page: opens a WebSocket and reports its events in order and in batches. */
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
function sendInPage({ index, messages }: { index: number; messages: EncodedMessage[] }): void {
  const socket = (globalThis as unknown as PageGlobals).sockets[index]!;
  for (const { text, bytes } of messages) {
    socket.send(text ?? Uint8Array.from(atob(bytes!), (character) => character.charCodeAt(0)));
  }
}

/** Runs in the page: closes a WebSocket. */
function closeInPage(
  { index, code, reason }: { index: number; code: number; reason: string },
): void {
  (globalThis as unknown as PageGlobals).sockets[index]!.close(code, reason);
}

/** The event handlers, by the number of the WebSocket. */
const listeners: Array<(event: PageEvent) => void> = [];

async function open(page: Page, url: string): Promise<InteropClient> {
  // Servers accept pages of their own origin by default. The page must come from the server itself:
  // Chromium does not let a page with a simulated origin connect to this machine.
  await page.goto(url.replace(/^ws/, "http"));
  const index = listeners.length;
  const received = new Received();
  // Messages sent during a transfer to the page wait for the next transfer.
  let pending: EncodedMessage[] = [];
  let delivered = Promise.resolve();
  const client = {
    extensions: "",
    send(message: string | Uint8Array): void {
      pending.push(encodeMessage(message));
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
  // Chromium does not trust the tests' certificate authority.
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.exposeFunction(
    "report",
    (index: number, events: PageEvent[]) => events.forEach(listeners[index]!),
  );
  await runConversations(process.argv[2]!, ({ url }) => open(page, url));
} finally {
  await browser.close();
}
