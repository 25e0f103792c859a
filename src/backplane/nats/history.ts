// The history of topics in a stream of JetStream. A message is sent to `keep.<topic>`, numbered and
// kept there by the server, and sent on by it to `live.<topic>`, on which the backplanes listen.
//
// A stream counts from 1, also when it is made anew because it was lost. So that numbers never go back,
// those of topics begin at the microsecond at which the stream was made.

import type { BackplaneHistory, HistoryPage, ResumeOptions } from "../../pubsub/backplane.ts";
import type { NatsConnection } from "./clients.ts";
import { ask, numberOf } from "./jetstream.ts";
import { NatsStream, type StreamOptions } from "./stream.ts";
import { topicToken } from "./subject.ts";

/** The history of a backplane on NATS. */
export class NatsHistory implements BackplaneHistory {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #options: StreamOptions;
  readonly #check: () => void;
  readonly #opened: (base: number) => void;
  #limits: ResumeOptions | undefined;
  #stream: Promise<NatsStream> | undefined;

  /**
   * @param connection The connection of the user.
   * @param prefix What stands before all subjects.
   * @param options The stream.
   * @param check Throws while the connection is away.
   * @param opened Hears the number before the first of the stream, each time that it was opened.
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

  /** Whether it was said how much to keep. */
  get isKept(): boolean {
    return this.#limits !== undefined;
  }

  /** Says how much to keep. */
  keep(limits: ResumeOptions): void {
    this.#limits = limits;
  }

  /** Opens the stream, which may be another one after the connection was lost. */
  open(): Promise<NatsStream> {
    const limits = this.#kept();
    const stream: Promise<NatsStream> = NatsStream
      .open(this.#connection, this.#prefix, this.#options, limits)
      .then((opened) => {
        if (this.#stream === stream) this.#opened(opened.created);
        return opened;
      }, (error) => {
        // The next who asks tries again.
        if (this.#stream === stream) this.#stream = undefined;
        throw error;
      });
    return this.#stream = stream;
  }

  /** Numbers a message, keeps it and sends it to all servers that subscribed. */
  async append(topic: string, message: Uint8Array): Promise<number> {
    this.#check();
    const { created } = await (this.#stream ?? this.open());
    const { seq } = await ask(this.#connection, this.#subject(topic), message);
    return created + numberOf(seq, "seq");
  }

  /** Reads what came after a number. */
  async read(topic: string, after?: number): Promise<HistoryPage> {
    this.#check();
    const stream = await (this.#stream ?? this.open());
    const subject = this.#subject(topic);
    for (;;) {
      const page = after === undefined
        ? await lastOf(stream, subject)
        : await this.#readAfter(stream, subject, after - stream.created);
      if (page !== undefined) return page;
    }
  }

  /** What came after a sequence, which may be one of another stream; nothing when it changes. */
  async #readAfter(
    stream: NatsStream,
    subject: string,
    after: number,
  ): Promise<HistoryPage | undefined> {
    const stored = await stream.messages(subject, Math.max(after, 0) + 1);
    if (stored.length === 0) {
      const { first, last, count } = await stream.state(subject);
      if (count === 0) {
        const complete = after <= last && after + 1 >= first;
        return { last: stream.created + last, complete, messages: [] };
      }
      const newest = await stream.lastOf(subject);
      if (newest === undefined || newest > after) return undefined;
      return { last: stream.created + newest, complete: newest === after, messages: [] };
    }
    const { maxAge, maxMessages } = this.#kept();
    const oldest = Date.now() - maxAge;
    const tooMany = stored.length - maxMessages;
    const fresh = stored.findIndex(({ time }, i) => i >= tooMany && time >= oldest);
    const messages = (fresh < 0 ? [] : stored.slice(fresh))
      .map(({ sequence, message }) => ({ number: stream.created + sequence, message }));
    const complete = fresh === 0 && await hasAllSince(stream, subject, after);
    return { last: stream.created + stored.at(-1)!.sequence, complete, messages };
  }

  #kept(): ResumeOptions {
    if (this.#limits === undefined) throw new Error("It was not said how much to keep");
    return this.#limits;
  }

  #subject(topic: string): string {
    return `${this.#prefix}keep.${topicToken(topic)}`;
  }
}

/** Where a subject stands; nothing when it changes. */
async function lastOf(stream: NatsStream, subject: string): Promise<HistoryPage | undefined> {
  const { last, count } = await stream.state(subject);
  const newest = count === 0 ? last : await stream.lastOf(subject);
  if (newest === undefined) return undefined;
  return { last: stream.created + newest, complete: true, messages: [] };
}

/** Whether nothing is known to have been given up of what came after a sequence. */
async function hasAllSince(stream: NatsStream, subject: string, after: number): Promise<boolean> {
  if (after < 0) return false;
  // The oldest are given up first.
  const oldest = await stream.firstOf(subject);
  if (oldest !== undefined && oldest <= after) return true;
  // What is too old is given up from the front of the whole stream, what is too much only where as
  // many are there as may be.
  const { first, count } = await stream.state(subject);
  return after + 1 >= first && count < stream.leastLimit;
}
