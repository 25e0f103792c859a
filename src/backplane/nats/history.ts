// The history of topics in a stream of JetStream. A message is sent to `keep.<topic>`, where the server
// numbers and stores it, and republished by the server to `live.<topic>`, to which backplanes subscribe.
//
// A stream counts from 1, also if it was lost and created again. So that sequence numbers never go back,
// those of topics start at the microsecond in which the stream was created.

import type { BackplaneHistory, HistoryLimits, HistoryPage, ReadLimit } from "../backplane.ts";
import { type NatsConnection, topicToken } from "./connection.ts";
import { NatsStream, numberOf, request, type StreamOptions } from "./jetstream.ts";

/** How often a read starts again because the subject changed meanwhile. */
const MAX_ATTEMPTS = 5;

/** The history of a backplane on NATS. */
export class NatsHistory implements BackplaneHistory {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #options: StreamOptions;
  readonly #check: () => void;
  readonly #opened: (base: number) => void;
  #limits: HistoryLimits | undefined;
  #stream: Promise<NatsStream> | undefined;

  /**
   * @param connection The user's connection.
   * @param prefix The prefix of all subjects.
   * @param options The stream.
   * @param check Throws while the connection is lost.
   * @param opened Called with the number before the stream's first, each time the stream was opened.
   */
  constructor(
    connection: NatsConnection,
    prefix: string,
    options: StreamOptions,
    check: () => void,
    opened: (base: number) => void,
  ) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#options = options;
    this.#check = check;
    this.#opened = opened;
  }

  /** Whether the history is used. */
  get isKept(): boolean {
    return this.#limits !== undefined;
  }

  /** Says how much to store. */
  keep(limits: HistoryLimits): void {
    this.#limits = limits;
  }

  /** Opens the stream; after a reconnection it may be another one. */
  open(): Promise<NatsStream> {
    const limits = this.#required();
    const stream: Promise<NatsStream> = NatsStream
      .open(this.#connection, this.#prefix, this.#options, limits)
      .then((opened) => {
        if (this.#stream === stream) this.#opened(opened.created);
        return opened;
      }, (error) => {
        // The next request tries again.
        if (this.#stream === stream) this.#stream = undefined;
        throw error;
      });
    return this.#stream = stream;
  }

  /** Numbers a message, stores it and sends it to all servers that subscribed. */
  async append(topic: string, message: Uint8Array): Promise<number> {
    this.#check();
    const { created } = await (this.#stream ?? this.open());
    const { seq } = await request(this.#connection, this.#subject(topic), message);
    return created + numberOf(seq, "seq");
  }

  /** Reads the messages after a number. */
  async read(topic: string, after?: number, limit?: ReadLimit): Promise<HistoryPage> {
    this.#check();
    const stream = await (this.#stream ?? this.open());
    const subject = this.#subject(topic);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const page = after === undefined
        ? await readLast(stream, subject)
        : await this.#readAfter(stream, subject, after - stream.created, limit);
      if (page !== undefined) return page;
    }
    throw new Error(`The subject ${subject} changed during ${MAX_ATTEMPTS} attempts to read it`);
  }

  /** The messages after a sequence, perhaps one of an earlier stream; `undefined` if they change. */
  async #readAfter(
    stream: NatsStream,
    subject: string,
    after: number,
    limit: ReadLimit | undefined,
  ): Promise<HistoryPage | undefined> {
    const newest = await stream.lastOf(subject);
    if (newest === undefined) {
      const { first, last, count } = await stream.state(subject);
      if (count > 0) return undefined;
      const complete = after <= last && after + 1 >= first;
      return { last: stream.created + last, complete, messages: [] };
    }
    if (newest <= after) {
      return { last: stream.created + newest, complete: newest === after, messages: [] };
    }
    const { maxAge, maxMessages } = this.#required();
    const { maxMessages: maxCount = Infinity, maxBytes = Infinity } = limit ?? {};
    const { count, messages: stored } = await stream.messages(
      subject,
      Math.max(after, 0) + 1,
      // Those that are too many are skipped below.
      (count) => Math.max(0, count - maxMessages) + maxCount,
      Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
    );
    if (stored.length === 0) return undefined;
    const tooMany = count - maxMessages;
    const oldest = Date.now() - maxAge;
    const fresh = stored.findIndex(({ time }, i) => i >= tooMany && time >= oldest);
    if (fresh < 0 && stored.length < count) {
      // None of these is to be read, but one behind them may be.
      const next = await this.#readAfter(stream, subject, stored.at(-1)!.sequence, limit);
      return next && { ...next, complete: false };
    }
    const messages = (fresh < 0 ? [] : stored.slice(fresh))
      .map(({ sequence, message }) => ({ number: stream.created + sequence, message }));
    const complete = fresh === 0 && await hasAllSince(stream, subject, after);
    const last = stream.created + Math.max(newest, stored.at(-1)!.sequence);
    return { last, complete, messages };
  }

  #required(): HistoryLimits {
    if (this.#limits === undefined) {
      throw new Error("The history is not configured: call keep() first to say how much to store");
    }
    return this.#limits;
  }

  #subject(topic: string): string {
    return `${this.#prefix}keep.${topicToken(topic)}`;
  }
}

/** The last number of a subject; `undefined` if it changes meanwhile. */
async function readLast(stream: NatsStream, subject: string): Promise<HistoryPage | undefined> {
  const { last, count } = await stream.state(subject);
  const newest = count === 0 ? last : await stream.lastOf(subject);
  if (newest === undefined) return undefined;
  return { last: stream.created + newest, complete: true, messages: [] };
}

/** Whether no message is known to have been deleted after a sequence. */
async function hasAllSince(stream: NatsStream, subject: string, after: number): Promise<boolean> {
  if (after < 0) return false;
  // The oldest messages are deleted first.
  const oldest = await stream.firstOf(subject);
  if (oldest !== undefined && oldest <= after) return true;
  // Messages that are too old are deleted from the front of the whole stream, those that are too many
  // only if the subject has as many as it may have.
  const { first, count } = await stream.state(subject);
  return after + 1 >= first && count < stream.leastLimit;
}
