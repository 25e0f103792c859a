// The connection to NATS that is taken, as far as it is used: declared here, so that the library does
// not depend on it.

/** A message of NATS. */
export interface NatsMessage {
  /** What it carries. */
  readonly data: Uint8Array;
  /** Where it can be answered. */
  readonly reply?: string | undefined;
  /** Its headers, where it has any. */
  readonly headers?: NatsHeaders | undefined;
}

/** The headers of a message of NATS. */
export interface NatsHeaders {
  /** The value of a header; the empty string where there is none. */
  get(name: string): string;
  /** The status of an answer without data; 0 where it has none. */
  readonly code: number;
}

/** A subscription to a subject of NATS. */
export interface NatsSubscription {
  /** Ends it. */
  unsubscribe(): void;
}

/** What `connect` of `@nats-io/transport-node` or `@nats-io/transport-deno` gives. */
export interface NatsConnection {
  /** Publishes a message. */
  publish(subject: string, payload: Uint8Array): void;
  /** Wants the messages of a subject. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** Publishes a message that is answered. */
  request(
    subject: string,
    payload: Uint8Array | string,
    options: { timeout: number },
  ): Promise<NatsMessage>;
  /** Publishes a message that is answered so many times, by messages of any subject. */
  requestMany(
    subject: string,
    payload: Uint8Array | string,
    options: { strategy: "count"; maxMessages: number; maxWait: number; noMux: true },
  ): Promise<AsyncIterable<NatsMessage>>;
  /** Resolves when the server has got everything that was sent before. */
  flush(): Promise<void>;
  /** What happens to the connection. */
  status(): AsyncIterable<{ readonly type: string }>;
  /** Resolves when the connection is closed for good. */
  closed(): Promise<void | Error>;
  /** Whether it is closed for good. */
  isClosed(): boolean;
}
