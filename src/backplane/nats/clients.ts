// The connection to NATS that the backplane accepts, declared as far as it is used, so that the library
// does not depend on its package.

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
  /** Publishes a request that has several replies, from any subject. */
  requestMany(
    subject: string,
    payload: Uint8Array | string,
    options: { strategy: "count"; maxMessages: number; maxWait: number; noMux: true },
  ): Promise<AsyncIterable<NatsMessage>>;
  /** Resolves when the server has received everything that was sent before. */
  flush(): Promise<void>;
  /** Events of the connection. */
  status(): AsyncIterable<{ readonly type: string; readonly error?: unknown }>;
  /** Resolves when the connection is closed and does not reconnect. */
  closed(): Promise<void | Error>;
  /** Whether it is closed and does not reconnect. */
  isClosed(): boolean;
}
