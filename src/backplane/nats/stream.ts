// The stream of JetStream that keeps the messages of all topics: how it is made, and what is asked of
// it. A message has the sequence of the stream; those of one subject are given up from the oldest on.

import type { ResumeOptions } from "../../pubsub/backplane.ts";
import type { NatsConnection, NatsMessage } from "./clients.ts";
import { type Answer, ask, JetStreamError, numberOf, objectOf, textOf } from "./jetstream.ts";

const NANOSECONDS = 1_000_000;

/** A day in milliseconds: how much longer than it is read, a message keeps the numbers known. */
const DAY = 86_400_000;

/** Milliseconds that all messages of one reading may take. */
const READ_TIMEOUT = 10_000;

/** Milliseconds after which the server forgets a reader by itself. */
const READER_LIFETIME = 30_000;

/** The server's numbers for what went wrong. */
const NO_STREAM = 10059;
const NO_MESSAGE = 10037;

/** What the description of the stream begins with; behind it stands the least limit it ever had. */
const DESCRIPTION = "Topics of quickws; messages of each, at the least: ";

/** The stream, as the user wants it. */
export interface StreamOptions {
  /** Its name. */
  readonly stream: string;
  /** Where the messages are. */
  readonly storage: "file" | "memory";
  /** On how many servers of a cluster. */
  readonly replicas: number;
}

/** A message as it is kept. */
export interface StoredMessage {
  /** Its sequence in the stream. */
  readonly sequence: number;
  /** The milliseconds since 1970 at which it came. */
  readonly time: number;
  /** The message. */
  readonly message: Uint8Array;
}

/** How it stands with a subject. */
export interface SubjectState {
  /** The sequence of the first message of the stream, whatever its subject. */
  readonly first: number;
  /** The sequence of the last message that the stream ever had. */
  readonly last: number;
  /** How many messages of the subject there are. */
  readonly count: number;
}

/** A stream that is there. */
export class NatsStream {
  readonly #connection: NatsConnection;
  readonly #name: string;
  /** The microsecond in which it was made. */
  readonly created: number;
  /** As many messages of each subject were kept at all times. */
  readonly leastLimit: number;

  private constructor(connection: NatsConnection, name: string, info: Answer) {
    this.#connection = connection;
    this.#name = name;
    this.created = Date.parse(textOf(info.created, "created")) * 1000;
    this.leastLimit = leastLimitOf(objectOf(info.config, "config"));
  }

  /**
   * Makes the stream, or makes it what it should be.
   *
   * @param connection The connection of the user.
   * @param prefix What stands before all subjects.
   * @param options The stream.
   * @param limits How much is kept.
   */
  static async open(
    connection: NatsConnection,
    prefix: string,
    { stream: name, storage, replicas }: StreamOptions,
    { maxAge, maxMessages }: ResumeOptions,
  ): Promise<NatsStream> {
    const limit = maxMessages + 1;
    const wanted = {
      name,
      subjects: [`${prefix}keep.*`],
      storage,
      "num_replicas": replicas,
      retention: "limits",
      discard: "old",
      // One more than is read: where that one is known, it is known that none behind it is missing.
      "max_msgs_per_subject": limit,
      "max_age": (maxAge + DAY) * NANOSECONDS,
      republish: { src: `${prefix}keep.*`, dest: `${prefix}live.{{wildcard(1)}}` },
    };
    const api = (method: string, body: object): Promise<Answer> =>
      ask(connection, `$JS.API.STREAM.${method}.${name}`, body);
    let info: Answer;
    try {
      info = await api("INFO", {});
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.number !== NO_STREAM) throw error;
      info = await api("CREATE", { ...wanted, description: DESCRIPTION + limit });
      return new NatsStream(connection, name, info);
    }
    const config = objectOf(info.config, "config");
    if (Object.entries(wanted).some(([key, value]) => !isSame(config[key], value))) {
      const least = Math.min(leastLimitOf(config), limit);
      info = await api("UPDATE", { ...config, ...wanted, description: DESCRIPTION + least });
    }
    return new NatsStream(connection, name, info);
  }

  /** How it stands with a subject. */
  async state(subject: string): Promise<SubjectState> {
    const info = await this.#ask("STREAM.INFO", { "subjects_filter": subject });
    const state = objectOf(info.state, "state");
    const counts = objectOf(state.subjects ?? {}, "subjects");
    return {
      first: numberOf(state.first_seq, "first_seq"),
      last: numberOf(state.last_seq, "last_seq"),
      count: numberOf(counts[subject] ?? 0, "count"),
    };
  }

  /** The sequence of the subject's first message that is still there; `undefined` if there is none. */
  firstOf(subject: string): Promise<number | undefined> {
    return this.#sequence({ seq: 1, "next_by_subj": subject });
  }

  /** The sequence of the subject's last message; `undefined` if there is none. */
  lastOf(subject: string): Promise<number | undefined> {
    return this.#sequence({ "last_by_subj": subject });
  }

  /** The messages of a subject from a sequence on. */
  async messages(subject: string, from: number): Promise<StoredMessage[]> {
    const reader = await this.#ask("CONSUMER.CREATE", {
      "stream_name": this.#name,
      config: {
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": from,
        "filter_subject": subject,
        "ack_policy": "none",
        "replay_policy": "instant",
        "inactive_threshold": READER_LIFETIME * NANOSECONDS,
        "mem_storage": true,
        "num_replicas": 1,
      },
    });
    const name = `${this.#name}.${textOf(reader.name, "name")}`;
    try {
      return await this.#fetch(name, numberOf(reader.num_pending, "num_pending"));
    } finally {
      // Whether or not that works: the server forgets it anyway.
      ask(this.#connection, `$JS.API.CONSUMER.DELETE.${name}`, {}).catch(() => {});
    }
  }

  async #fetch(reader: string, count: number): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    if (count === 0) return found;
    const answers = await this.#connection.requestMany(
      `$JS.API.CONSUMER.MSG.NEXT.${reader}`,
      JSON.stringify({ batch: count, "no_wait": true }),
      { strategy: "count", maxMessages: count, maxWait: READ_TIMEOUT, noMux: true },
    );
    for await (const answer of answers) {
      // Messages that were given up meanwhile are not there, and the end is told so.
      if ((answer.headers?.code ?? 0) !== 0) break;
      found.push(storedMessage(answer));
    }
    return found;
  }

  async #sequence(request: object): Promise<number | undefined> {
    try {
      const answer = await this.#ask("STREAM.MSG.GET", request);
      return numberOf(objectOf(answer.message, "message").seq, "seq");
    } catch (error) {
      if (error instanceof JetStreamError && error.number === NO_MESSAGE) return undefined;
      throw error;
    }
  }

  #ask(method: string, body: object): Promise<Answer> {
    return ask(this.#connection, `$JS.API.${method}.${this.#name}`, body);
  }
}

/** Its place in the stream and its time stand in the subject to which its receipt would be sent. */
function storedMessage({ reply = "", data }: NatsMessage): StoredMessage {
  const tokens = reply.split(".");
  // $JS.ACK.stream.reader.deliveries.sequence.delivery.time.pending, and in a newer form two more
  // names before the stream.
  const start = tokens.length > 9 ? 7 : 5;
  return {
    sequence: numberOf(Number(tokens[start]), "sequence"),
    time: Number(tokens[start + 2]) / NANOSECONDS,
    // A plain view, which Node's Buffer is not.
    message: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function leastLimitOf({ description }: Answer): number {
  const text = String(description);
  return text.startsWith(DESCRIPTION) ? Number(text.slice(DESCRIPTION.length)) || 0 : 0;
}

/** Whether two parts of a configuration are the same; the first may have more to it. */
function isSame(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null) return false;
  return Object.entries(wanted).every(([key, value]) => isSame((actual as Answer)[key], value));
}
