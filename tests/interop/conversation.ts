// The conversation of the interop tests: each client runs it with each echo server.

import assert from "node:assert/strict";

/** An open connection of any client library. */
export interface InteropClient {
  send(message: string | Uint8Array): void;
  /** Sends one message in fragments. `undefined` if the library cannot. */
  sendFragments?(pieces: string[]): Promise<void> | void;
  /** Sends a ping and waits for its pong. `undefined` if the library cannot. */
  ping?(): Promise<void>;
  /** Waits for the next message. */
  receive(): Promise<string | Uint8Array>;
  close(code: number, reason: string): void;
  /** The negotiated extensions. */
  readonly extensions: string;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<{ code: number; reason: string; clean: boolean }>;
}

/** The fragments that the server sends on {@linkcode FRAGMENTS_COMMAND}. */
export const FRAGMENTS: readonly string[] = ["one, ", "two, ", "\u20ac three"];

/** Asks a server to send a message in fragments, if it can. */
export const FRAGMENTS_COMMAND = "send fragments";

/** Asks a server to close the connection with 4001. */
export const CLOSE_COMMAND = "close, please";

/** Returns the command in a message to an echo server, or `undefined` for any other message. */
export function commandOf(message: unknown): "fragments" | "close" | undefined {
  if (message === FRAGMENTS_COMMAND) return "fragments";
  return message === CLOSE_COMMAND ? "close" : undefined;
}

/** The size of the largest messages in bytes; a socket needs several reads for one. */
const LARGE = 256 * 1024;

/** Returns a function that calls `make` once and always returns its result. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/** Returns messages to echo, each with the property it tests. */
const echoes = once((): ReadonlyArray<readonly [title: string, message: string | Uint8Array]> => [
  ["a text message", "hello"],
  ["text with characters of two to four bytes", "h\u00e4llo \u20ac \u{1d11e}"],
  ["an empty text message", ""],
  ["a binary message with every byte value", Uint8Array.from({ length: 256 }, (_, i) => i)],
  ["an empty binary message", new Uint8Array(0)],
  ["a text message of 126 bytes, the first size with a 16-bit length", "x".repeat(126)],
  ["a binary message of 65,536 bytes, the first size with a 64-bit length", pattern(65536)],
  ["a text message of 256 KiB", "0123456789abcdef".repeat(LARGE / 16)],
  ["a binary message of 256 KiB", pattern(LARGE)],
]);

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 ^ i >>> 8;
  return bytes;
}

/** Returns messages that exercise compression: similar, long, short and incompressible ones. */
const manyMessages = once((): ReadonlyArray<string | Uint8Array> => {
  let seed = 1;
  const random = (): number => seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
  return Array.from({ length: 60 }, (_, i) => {
    if (i % 10 === 3) return Uint8Array.from({ length: 20 * i }, () => random() >>> 24);
    if (i % 10 === 6) return `paragraph ${i}, h\u00e4llo \u20ac \u{1d11e}. `.repeat(i * 20);
    const users = Array.from(
      { length: i },
      () => ({ id: random(), name: `user ${random() % 50}` }),
    );
    return JSON.stringify({ id: random(), topic: "prices", last: random() / 1000, users });
  });
});

/** Returns messages in fragments: similar, long, short, empty and hardly compressible ones. */
const longFragments = once((): string[][] => {
  const texts = manyMessages().filter((message) => typeof message === "string");
  const noise = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(i * i * 7919 % 0x7f));
  return [
    texts,
    ["", texts[20]!, "", texts[20]!],
    [texts[40]!, noise.join(""), texts[40]!],
    ["0123456789abcdef".repeat(LARGE / 32), "0123456789abcdef".repeat(LARGE / 32)],
    texts.toReversed(),
  ];
});

/** The result of a step: a client prints it as one line of JSON. */
export interface StepResult {
  /** The name of the peer. */
  readonly peer: string;
  readonly step: string;
  readonly error?: string;
}

/** A compression setting. A server program opens a port for each. */
export type CompressionMode =
  /** No compression. */
  | "off"
  /** Each message compressed separately. */
  | "alone"
  /** Context takeover. */
  | "takeover"
  /** Context takeover with windows of 9 bits. */
  | "windows";

/** All modes. */
export const COMPRESSION_MODES: readonly CompressionMode[] = [
  "off",
  "alone",
  "takeover",
  "windows",
];

/** The extensions that must be negotiated in each supported mode. */
export type ExpectedExtensions = Partial<Record<CompressionMode, string>>;

/** A conversation to run. */
export interface Conversation {
  /** The name of the peer in the results. */
  readonly peer: string;
  readonly mode: CompressionMode;
  /** The server's URL, if the client runs the conversation. */
  readonly url: string;
  /** The extensions that must be negotiated. */
  readonly agreed: string;
  /** The authority (PEM) of the server's certificate, for a `wss://` URL. */
  readonly ca?: string | undefined;
}

/** Opens the connection of a conversation. */
export type Open = (conversation: Conversation) => Promise<InteropClient>;

/**
 * Runs the conversations given on the command line. After a failure, continues with the next peer.
 *
 * @throws {Error} After all conversations, if one has failed.
 */
export async function runConversations(argument: string, open: Open): Promise<void> {
  const conversations: Conversation[] = JSON.parse(argument);
  const failed = new Set<string>();
  for (const conversation of conversations) {
    if (failed.has(conversation.peer)) continue;
    try {
      await runConversation(() => open(conversation), conversation);
    } catch {
      failed.add(conversation.peer);
    }
  }
  if (failed.size > 0) throw new Error(`Failed with ${[...failed].join(", ")}`);
}

/** Runs a conversation and prints a line for each step. */
async function runConversation(
  connect: () => Promise<InteropClient>,
  { peer, mode, agreed }: Conversation,
): Promise<void> {
  const step = <T>(title: string, run: () => Promise<T>): Promise<T> =>
    report(peer, `${mode}: ${title}`, run);
  const client = await step(`negotiates ${agreed || "no compression"}`, async () => {
    const client = await connect();
    assert.equal(client.extensions, agreed);
    return client;
  });
  await step("echoes text, records and random bytes in order", async () => {
    const messages = manyMessages();
    for (const message of messages) client.send(message);
    for (const message of messages) assert.deepEqual(await client.receive(), message);
  });
  for (const [title, message] of echoes()) {
    await step(`echoes ${title}`, async () => {
      client.send(message);
      assert.deepEqual(await client.receive(), message);
    });
  }
  await step("echoes a hundred messages in order", async () => {
    for (let i = 0; i < 100; i++) client.send(`message ${i}`);
    for (let i = 0; i < 100; i++) assert.equal(await client.receive(), `message ${i}`);
  });
  if (client.sendFragments !== undefined) {
    await step("echoes long fragmented messages, interleaved with unfragmented ones", async () => {
      const sent: string[] = [];
      for (const pieces of longFragments()) {
        sent.push(pieces.join(""), "between");
        await client.sendFragments!(pieces);
        client.send("between");
      }
      for (const message of sent) assert.equal(await client.receive(), message);
    });
    await step("echoes a fragmented message", async () => {
      await client.sendFragments!([...FRAGMENTS]);
      assert.equal(await client.receive(), FRAGMENTS.join(""));
    });
  }
  await step("receives a fragmented message from the server", async () => {
    client.send(FRAGMENTS_COMMAND);
    assert.equal(await client.receive(), FRAGMENTS.join(""));
  });
  if (client.ping !== undefined) {
    await step("answers a ping", () => client.ping!());
  }
  await step("the server echoes the code of a local close", async () => {
    client.close(3001, "enough");
    const { code, clean } = await client.closed;
    assert.deepEqual({ code, clean }, { code: 3001, clean: true });
  });
  await step("receives the server's close with its code and reason", async () => {
    const other = await connect();
    other.send(CLOSE_COMMAND);
    assert.deepEqual(await other.closed, { code: 4001, reason: "as you wish", clean: true });
  });
}

async function report<T>(peer: string, step: string, run: () => Promise<T>): Promise<T> {
  try {
    const value = await run();
    print({ peer, step });
    return value;
  } catch (cause) {
    const error = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    print({ peer, step, error: error.slice(0, 2000) });
    throw cause;
  }
}

function print(result: StepResult): void {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(result));
}

/** A message queue between callbacks and `receive`. */
export class Received {
  readonly #messages: Array<string | Uint8Array> = [];
  readonly #waiting: Array<(message: string | Uint8Array) => void> = [];

  push(message: string | Uint8Array): void {
    const wake = this.#waiting.shift();
    if (wake === undefined) this.#messages.push(message);
    else wake(message);
  }

  next(): Promise<string | Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
