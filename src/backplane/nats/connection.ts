// The part of the NATS client that the backplane uses, declared here to avoid a dependency on its
// package; and the encoding of topics as subject tokens.

/**
 * A message of NATS.
 *
 * @category Backplanes
 */
export interface NatsMessage {
  /** The payload. */
  readonly data: Uint8Array;
  /** The subject for replies. */
  readonly reply?: string | undefined;
  /** The headers, if it has any. */
  readonly headers?: NatsHeaders | undefined;
}

/**
 * The headers of a message of NATS.
 *
 * @category Backplanes
 */
export interface NatsHeaders {
  /** The value of a header; an empty string if it is missing. */
  get(name: string): string;
  /** The status of a reply without data; 0 for other messages. */
  readonly code: number;
}

/**
 * A subscription to a subject of NATS.
 *
 * @category Backplanes
 */
export interface NatsSubscription {
  /** Ends it. */
  unsubscribe(): void;
}

/**
 * The result of `connect` of `@nats-io/transport-node` or `@nats-io/transport-deno`.
 *
 * @category Backplanes
 */
export interface NatsConnection {
  /** Publishes a message. */
  publish(subject: string, payload: Uint8Array): void;
  /** Subscribes to a subject. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** Publishes a request, and resolves to its reply. */
  request(
    subject: string,
    payload: Uint8Array | string,
    options: { timeout: number },
  ): Promise<NatsMessage>;
  /** Publishes a request with several replies, from any subject. */
  requestMany(
    subject: string,
    payload: Uint8Array | string,
    options: { strategy: "count"; maxMessages: number; maxWait: number; noMux: true },
  ): Promise<AsyncIterable<NatsMessage>>;
  /** Resolves when the server has received everything sent before. */
  flush(): Promise<void>;
  /** Events of the connection. */
  status(): AsyncIterable<{ readonly type: string; readonly error?: unknown }>;
  /** Resolves when the connection is closed and does not reconnect. */
  closed(): Promise<void | Error>;
  /** Whether it is closed and does not reconnect. */
  isClosed(): boolean;
}

// Encodes topics as tokens of NATS subjects: no dots (they separate tokens), wildcards or white
// space. The token of the longest topic fits into a protocol line, which the server limits to 4096
// bytes.

const ESCAPE = 0x3d;
const HEX = "0123456789ABCDEF";

const encoder = new TextEncoder();

/** Letters, digits, hyphens and underscores are not escaped. */
function isPlain(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5a ||
    byte >= 0x61 && byte <= 0x7a || byte === 0x2d || byte === 0x5f;
}

/** The unique token of a topic: all other bytes of its UTF-8 are escaped like `=2E`. */
export function topicToken(topic: string): string {
  let token = "";
  for (const byte of encoder.encode(topic)) {
    token += isPlain(byte)
      ? String.fromCharCode(byte)
      : String.fromCharCode(ESCAPE) + HEX[byte >> 4] + HEX[byte & 0xf];
  }
  return token;
}

/** Whether a text is a subject prefix: tokens of plain characters, each followed by a dot. */
export function isSubjectPrefix(prefix: string): boolean {
  return /^([A-Za-z0-9_-]+\.)+$/.test(prefix);
}

/** Whether a text is a valid value of the option `stream`. */
export function isStreamName(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text);
}

/** The default stream of a prefix, unique to it: `=` stands for a dot between tokens. */
export function streamOfPrefix(prefix: string): string {
  return prefix.slice(0, -1).replaceAll(".", "=");
}
