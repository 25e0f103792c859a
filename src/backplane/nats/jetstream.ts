// The JetStream stream that stores the messages of all topics, accessed through JetStream's JSON
// API. Each message has a sequence number in the stream. Within a subject the oldest messages are
// deleted first.

import type { HistoryLimits } from "../backplane.ts";
import type { NatsConnection, NatsMessage } from "./connection.ts";

/** Nanoseconds in a millisecond. */
const NANOSECONDS = 1_000_000;

/**
 * A day in milliseconds: messages are stored this much longer than they are readable, to preserve
 * their sequence numbers.
 */
const DAY = 86_400_000;

/**
 * Milliseconds for a reply of JetStream, or for the messages of a read. Without one the broker counts
 * as down, so a slow disk should not exceed it. A server without JetStream is detected immediately.
 */
const TIMEOUT = 20_000;

/** Milliseconds after which the server deletes an unused consumer. */
const CONSUMER_LIFETIME = 30_000;

/** Error numbers of the server. */
const STREAM_NOT_FOUND = 10059;
const STREAM_EXISTS = 10058;
const MESSAGE_NOT_FOUND = 10037;

/**
 * Error numbers of a server that may process the same request later: no leader or quorum, no memory
 * or disk space, a stream that is offline or was deleted.
 */
const OUTAGES: ReadonlySet<number> = new Set(
  [10004, 10007, 10008, 10009, 10023, 10028, 10041, 10047, 10075, 10077, 10118, 10119]
    .concat(STREAM_NOT_FOUND),
);

/** The start of the stream's description, followed by the lowest limit the stream has ever had. */
const DESCRIPTION = "Topics of quickws; messages of each, at the least: ";

const decoder = new TextDecoder();

/** A request to JetStream failed. */
export class JetStreamError extends Error {
  /** The name of the class. */
  override readonly name = "JetStreamError";
  /** The server's error number, if the server rejected the request. */
  readonly number: number | undefined;
  /**
   * Whether the same request may succeed later. `"without JetStream"`: only if the server had
   * JetStream before.
   */
  readonly isOutage: boolean | "without JetStream";

  /**
   * Creates an error.
   *
   * @param message The message.
   * @param number The server's error number.
   * @param options Its cause.
   */
  constructor(message: string, number?: number, options?: ErrorOptions) {
    super(message, options);
    this.number = number;
    this.isOutage = options === undefined ? OUTAGES.has(number!) : outageOf(options.cause);
  }
}

/** Whether a request without a reply may succeed later, by the error of the client. */
function outageOf(error: unknown): JetStreamError["isOutage"] {
  const { name, cause } = Object(error) as Error;
  const names = `${name} ${Object(cause).name}`;
  return /NoResponders/.test(names) ? "without JetStream" : !/Permission|Argument/.test(names);
}

/** An object of a reply, unchecked. */
export type Reply = Readonly<Record<string, unknown>>;

/** Sends bytes, or an object as JSON, to a subject of JetStream, and returns its reply. */
export async function request(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | object,
): Promise<Reply> {
  const body = payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  let data: Uint8Array;
  try {
    ({ data } = await connection.request(subject, body, { timeout: TIMEOUT }));
  } catch (cause) {
    throw unanswered(subject, cause);
  }
  const reply = objectOf(parse(data), `a reply on ${subject}`);
  if (reply.error !== undefined) {
    const error = objectOf(reply.error, "error");
    throw new JetStreamError(
      `JetStream rejects the request: ${error.description}`,
      Number(error.err_code),
    );
  }
  return reply;
}

function unanswered(subject: string, cause: unknown): JetStreamError {
  return new JetStreamError(
    `JetStream does not answer on ${subject}: start the server with JetStream, and allow its use`,
    undefined,
    { cause },
  );
}

/** The user's configuration of the stream. */
export interface StreamOptions {
  /** Its name. */
  readonly stream: string;
  /** Where it stores the messages. */
  readonly storage: "file" | "memory";
  /** The number of servers of a cluster that store it. */
  readonly replicas: number;
}

/** A stored message. */
export interface StoredMessage {
  /** Its sequence number in the stream. */
  readonly sequence: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly time: number;
  /** The message. */
  readonly message: Uint8Array;
}

/** A batch of messages of a subject, and the number of messages from its first one onward. */
export interface StoredMessages {
  /** The number of messages, including unread ones. */
  readonly count: number;
  /** The messages that were read. */
  readonly messages: StoredMessage[];
}

/** The state of a subject. */
export interface SubjectState {
  /** The sequence number of the stream's first message, of any subject. */
  readonly first: number;
  /** The sequence number of the last message ever stored in the stream. */
  readonly last: number;
  /** The number of messages of the subject. */
  readonly count: number;
}

/** An existing stream. */
export class NatsStream {
  readonly #connection: NatsConnection;
  readonly #name: string;
  /** When it was created, in microseconds since 1970. */
  readonly created: number;
  /** The lowest limit of messages per subject that the stream has ever had. */
  readonly leastLimit: number;

  private constructor(connection: NatsConnection, name: string, info: Reply) {
    this.#connection = connection;
    this.#name = name;
    this.created = Date.parse(textOf(info.created, "created")) * 1000;
    this.leastLimit = leastLimitOf(objectOf(info.config, "config"));
  }

  /**
   * Creates the stream, or updates it.
   *
   * @param connection The user's connection.
   * @param prefix The prefix of all subjects.
   * @param options The stream.
   * @param limits How much is stored.
   * @throws {JetStreamError} On failure, or when the stream stores other subjects.
   */
  static async open(
    connection: NatsConnection,
    prefix: string,
    { stream: name, storage, replicas }: StreamOptions,
    { maxAge, maxMessages }: HistoryLimits,
  ): Promise<NatsStream> {
    const limit = maxMessages + 1;
    const subjects = [`${prefix}keep.*`];
    const wanted = {
      name,
      subjects,
      storage,
      "num_replicas": replicas,
      retention: "limits",
      discard: "old",
      // One more than needed: while that message is stored, no later one is missing.
      "max_msgs_per_subject": limit,
      "max_age": (maxAge + DAY) * NANOSECONDS,
      republish: { src: `${prefix}keep.*`, dest: `${prefix}live.{{wildcard(1)}}` },
    };
    const api = (method: string, body: object): Promise<Reply> =>
      request(connection, `$JS.API.STREAM.${method}.${name}`, body);
    const create = { ...wanted, description: DESCRIPTION + limit };
    let info = await unless(STREAM_NOT_FOUND, api("INFO", {}));
    if (info === undefined) {
      const created = await unless(STREAM_EXISTS, api("CREATE", create));
      if (created !== undefined) return new NatsStream(connection, name, created);
      // Another server has created it meanwhile.
      info = await api("INFO", {});
    }
    const config = objectOf(info.config, "config");
    if (config.subjects !== undefined && !isSame(config.subjects, subjects)) {
      throw new JetStreamError(
        `The stream ${name} stores ${JSON.stringify(config.subjects)}, not ${subjects}: ` +
          `choose another name by the option "stream"`,
      );
    }
    if (Object.entries(wanted).some(([key, value]) => !isSame(config[key], value))) {
      const least = Math.min(leastLimitOf(config), limit);
      info = await api("UPDATE", { ...config, ...wanted, description: DESCRIPTION + least });
    }
    return new NatsStream(connection, name, info);
  }

  /** The state of a subject. */
  async state(subject: string): Promise<SubjectState> {
    const info = await this.#request("STREAM.INFO", { "subjects_filter": subject });
    const state = objectOf(info.state, "state");
    const counts = objectOf(state.subjects ?? {}, "subjects");
    return {
      first: numberOf(state.first_seq, "first_seq"),
      last: numberOf(state.last_seq, "last_seq"),
      count: numberOf(counts[subject] ?? 0, "count"),
    };
  }

  /** The sequence number of the subject's first message; `undefined` if it has none. */
  firstOf(subject: string): Promise<number | undefined> {
    return this.#sequence({ seq: 1, "next_by_subj": subject });
  }

  /** The sequence number of the subject's last message; `undefined` if it has none. */
  lastOf(subject: string): Promise<number | undefined> {
    return this.#sequence({ "last_by_subj": subject });
  }

  /**
   * The messages of a subject from a sequence number on.
   *
   * @param maxCount Returns the maximum number to read, given the number available.
   * @param maxBytes The maximum bytes to read; the first message may exceed it.
   */
  async messages(
    subject: string,
    from: number,
    maxCount: (count: number) => number,
    maxBytes: number,
  ): Promise<StoredMessages> {
    const consumer = await this.#request("CONSUMER.CREATE", {
      "stream_name": this.#name,
      config: {
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": from,
        "filter_subject": subject,
        "ack_policy": "none",
        "replay_policy": "instant",
        "inactive_threshold": CONSUMER_LIFETIME * NANOSECONDS,
        "mem_storage": true,
        "num_replicas": 1,
      },
    });
    const name = `${this.#name}.${textOf(consumer.name, "name")}`;
    try {
      const count = numberOf(consumer.num_pending, "num_pending");
      const wanted = Math.min(count, maxCount(count));
      let messages = await this.#fetch(name, wanted, maxBytes);
      // The server never sends a single message that exceeds the byte limit.
      if (messages.length === 0 && wanted > 0) messages = await this.#fetch(name, 1);
      return { count, messages };
    } finally {
      // A failure does not matter: the server deletes unused consumers anyway.
      request(this.#connection, `$JS.API.CONSUMER.DELETE.${name}`, {}).catch(() => {});
    }
  }

  async #fetch(consumer: string, count: number, maxBytes?: number): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    if (count === 0) return found;
    const limit = maxBytes === undefined ? {} : { "max_bytes": maxBytes };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${consumer}`;
    try {
      const replies = await this.#connection.requestMany(
        subject,
        JSON.stringify({ batch: count, "no_wait": true, ...limit }),
        { strategy: "count", maxMessages: count, maxWait: TIMEOUT, noMux: true },
      );
      for await (const reply of replies) {
        // A status without data: messages were deleted meanwhile, or the limit is reached.
        if ((reply.headers?.code ?? 0) !== 0) return found;
        found.push(storedMessage(reply));
      }
    } catch (cause) {
      throw cause instanceof JetStreamError ? cause : unanswered(subject, cause);
    }
    if (found.length === 0) throw unanswered(subject, new Error("timeout"));
    return found;
  }

  async #sequence(body: object): Promise<number | undefined> {
    const reply = await unless(MESSAGE_NOT_FOUND, this.#request("STREAM.MSG.GET", body));
    return reply && numberOf(objectOf(reply.message, "message").seq, "seq");
  }

  #request(method: string, body: object): Promise<Reply> {
    return request(this.#connection, `$JS.API.${method}.${this.#name}`, body);
  }
}

/** Awaits a reply; `undefined` if the server rejects the request with this error number. */
async function unless(number: number, reply: Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof JetStreamError && error.number === number) return undefined;
    throw error;
  }
}

/** The subject for acknowledgements contains the sequence number and the time of the message. */
function storedMessage({ reply = "", data }: NatsMessage): StoredMessage {
  const tokens = reply.split(".");
  // $JS.ACK.stream.consumer.deliveries.sequence.delivery.time.pending; a newer form has two more tokens
  // before the stream.
  const start = tokens.length > 9 ? 7 : 5;
  return {
    sequence: numberOf(Number(tokens[start]), "sequence"),
    time: Number(tokens[start + 2]) / NANOSECONDS,
    // A plain Uint8Array instead of Node's Buffer.
    message: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function leastLimitOf({ description }: Reply): number {
  const text = String(description);
  return text.startsWith(DESCRIPTION) ? Number(text.slice(DESCRIPTION.length)) || 0 : 0;
}

/** Whether a part of a configuration has the wanted values; additional ones are ignored. */
function isSame(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(actual) && actual.length !== (wanted as unknown[]).length) return false;
  return Object.entries(wanted).every(([key, value]) => isSame((actual as Reply)[key], value));
}

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}

/** A part of a reply that must be an object. */
export function objectOf(value: unknown, name: string): Reply {
  if (typeof value === "object" && value !== null) return value as Reply;
  throw new JetStreamError(`Unexpected reply from JetStream: ${name} is not an object`);
}

/** A part of a reply that must be a number. */
export function numberOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new JetStreamError(`Unexpected reply from JetStream: ${name} is not a number`);
}

/** A part of a reply that must be a string. */
export function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new JetStreamError(`Unexpected reply from JetStream: ${name} is not a string`);
}
