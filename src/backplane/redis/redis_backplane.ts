// The Redis backplane and its history: connects, and reconnects when the connection is lost.

import { timers } from "../../shared/timer_wheel.ts";
import type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryLimits,
  HistoryPage,
  NumberedMessage,
  ReadLimit,
} from "../backplane.ts";
import { RetryDelay } from "../retry_delay.ts";
import { type Dial, isOutage, type RedisConnection, RedisPair } from "./connection.ts";
import { messageText, receivedMessage, textMessage } from "./message_text.ts";

/** The first and the longest delay between connection attempts, in milliseconds. */
const MIN_DELAY = 50;
const MAX_DELAY = 2000;

/**
 * Milliseconds without a reply until Redis is reported as down, and until the attempt is aborted.
 */
const DOWN_AFTER = 3000;
const DIAL_TIMEOUT = 10_000;

/** The maximum milliseconds to wait for the replies in flight before connections are closed. */
const CLOSE_TIMEOUT = 2000;

/** A backplane on Redis through any client. */
export class RedisBackplane implements Backplane {
  /** The stored messages. */
  readonly history: RedisHistory;
  readonly #dial: Dial;
  readonly #prefix: string;
  #sink: BackplaneSink | undefined;
  #pair: RedisPair | undefined;
  /** The pair that was lost last, which may still receive replies. */
  #ending: RedisPair | undefined;
  readonly #delay = new RetryDelay(MIN_DELAY, MAX_DELAY);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Aborts the attempt to connect. */
  #attempt: AbortController | undefined;
  #isClosed = false;
  /** Whether `down` was reported. */
  #isDown = false;

  /**
   * @param dial Makes a connection.
   * @param prefix The prefix of all channels and keys, without braces.
   */
  constructor(dial: Dial, prefix: string) {
    this.#dial = dial;
    // A prefix has no brace, so the first brace ends it, and different prefixes and topics never
    // make the same name.
    this.#prefix = `${prefix}{`;
    const channel = (topic: string): string => this.#channel(topic);
    this.history = new RedisHistory(prefix, channel, (script, keys, args, size) => {
      const command = [script, `${keys.length}`, ...keys, ...args];
      return this.#connected().send(size, (publisher) => publisher.command("EVAL", ...command));
    });
  }

  /** Starts to connect. */
  start(sink: BackplaneSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  /** Sends a message to the servers that subscribed. */
  publish(topic: string, message: Uint8Array): Promise<unknown> {
    const text = messageText(message);
    const channel = this.#channel(topic);
    return this.#connected().send(text.length, (publisher) => publisher.publish(channel, text));
  }

  /** Subscribes to a topic. */
  subscribe(topic: string): Promise<void> {
    return this.#subscribe(topic, true);
  }

  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): Promise<void> {
    return this.#subscribe(topic, false);
  }

  /** Waits for the requests in flight, then closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#attempt?.abort(new Error("The backplane is closed"));
    this.#ending?.close();
    await this.#pair?.settled(CLOSE_TIMEOUT);
    this.#pair?.close();
    this.#pair = undefined;
  }

  #channel(topic: string): string {
    return `${this.#prefix}${topic}}`;
  }

  async #subscribe(topic: string, wanted: boolean): Promise<void> {
    try {
      await this.#connected().subscribe(this.#channel(topic), wanted);
    } catch (error) {
      // When the connections are closed, all subscriptions end.
      if (!this.#isClosed) throw error;
    }
  }

  #connected(): RedisPair {
    if (this.#pair === undefined) throw new Error("Redis is unavailable");
    return this.#pair;
  }

  async #connect(): Promise<void> {
    let pair: RedisPair | undefined;
    const attempt = this.#attempt = new AbortController();
    const silence = new Error("Redis does not answer");
    const down = { timerFired: () => this.#reportDown(silence) };
    const late = { timerFired: () => attempt.abort(silence) };
    // Stalls of this process do not count.
    const dialTimers = [timers.start(DOWN_AFTER, down, 0), timers.start(DIAL_TIMEOUT, late, 0)];
    const listener = {
      message: (channel: string, text: string | Uint8Array): void => {
        if (pair === this.#pair) this.#received(channel, text);
      },
      lost: (error: unknown): void => {
        if (pair === this.#pair) this.#lost(error);
      },
    };
    try {
      const check = (publisher: RedisConnection): Promise<unknown> => this.history.check(publisher);
      pair = await RedisPair.dial(this.#dial, listener, attempt.signal, check);
    } catch (error) {
      if (!this.#isClosed) this.#retry(error);
      return;
    } finally {
      for (const timer of dialTimers) timers.cancel(timer);
    }
    if (this.#isClosed) return pair.close();
    this.#pair = pair;
    this.#delay.up();
    this.#isDown = false;
    this.#sink?.up();
  }

  #received(channel: string, text: string | Uint8Array): void {
    if (this.#isClosed || !channel.startsWith(this.#prefix) || !channel.endsWith("}")) return;
    const topic = channel.slice(this.#prefix.length, -1);
    // An invalid message is replaced by an empty one, which the server reports.
    const { message, number, previous } = receivedMessage(text) ?? { message: new Uint8Array(0) };
    this.#sink?.message(topic, message, number, previous);
  }

  /** The connections are lost, or Redis rejected a request that it may accept later. */
  #lost(error: unknown): void {
    const pair = this.#pair;
    if (pair === undefined || this.#isClosed) return;
    this.#pair = undefined;
    this.#ending = pair;
    this.#delay.down();
    this.#reportDown(error);
    void pair.end(CLOSE_TIMEOUT).then(() => {
      if (!this.#isClosed) this.#retry(error);
    });
  }

  /** Reconnects after an increasing delay. */
  #retry(error: unknown): void {
    const delay = this.#delay.next() * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#connect(), delay);
    this.#reportDown(error);
  }

  #reportDown(error: unknown): void {
    if (this.#isDown || this.#isClosed) return;
    this.#isDown = true;
    this.#sink?.down(error);
  }
}

// The topic history in Redis, and the Lua scripts that maintain it; each script is atomic.
//
// A topic with messages has two keys. KEYS[1] is a stream of the messages; their ids are the
// sequence numbers. KEYS[2] is "<last>:<first>": the sequence numbers of the newest message and of
// the first one since the key was created. It outlives the messages by a day, so that a client with
// the last message gets no gap notice.
//
// A topic without messages has no keys, and reading it creates none, because clients may request
// any name. Its position combines the clock and the run id of Redis: a multiple of 1000, which is
// never a message number. A client that resumes from a position has missed nothing if the topic has
// had no message since, and Redis has not restarted or writes an append-only file.

/** A day in milliseconds: the last number is stored this much longer than the messages. */
const DAY = 86_400_000;

/** Numbers start at the clock in microseconds, so that they never decrease. */
const NUMBERS = `
local last, first = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+):(%d+)$')
last, first = tonumber(last), tonumber(first)
local now = redis.call('TIME')
local clock = now[1] * 1000000 + now[2]
local milliseconds = math.floor(clock / 1000)
local function text(number) return string.format('%.0f', number) end
local function following(number)
  if (number + 1) % 1000 == 0 then return number + 2 end
  return number + 1
end
`;

/**
 * Numbers a message, stores and publishes it, and returns its number. ARGV: the channel, the
 * message, its lifetime in milliseconds, the maximum number of messages.
 */
const APPEND = `${NUMBERS}
local number = following(last or clock - 1)
redis.call('SET', KEYS[2], text(number) .. ':' .. text(first or number), 'PX', ARGV[3] + ${DAY})
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[4], text(number) .. '-0', 'm', ARGV[2], 't', milliseconds)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[1], '#' .. text(number) .. ',' .. text(last or 0) .. ':' .. ARGV[2])
return text(number)
`;

/**
 * Returns the last number, whether no message is missing ('1' or '0'), and the messages after a
 * number, each preceded by its number. ARGV: the message lifetime in milliseconds, the number or
 * nothing, the maximum number of messages, the maximum bytes.
 */
const READ = `${NUMBERS}
local function serverInfo()
  local ok, info = pcall(redis.call, 'INFO')
  return ok and type(info) == 'string' and info or ''
end
local function runOf(info)
  local id = string.match(info, 'run_id:(%x%x%x%x)')
  return id and tonumber(id, 16) % 1000
end
local after = tonumber(ARGV[2])
local function isComplete()
  if after % 1000 ~= 0 or after > clock then return false end
  if after < clock - (ARGV[1] + ${DAY}) * 1000 then return false end
  local info = serverInfo()
  if string.find(info, 'aof_enabled:1', 1, true) then return true end
  return math.floor(after / 1000) % 1000 == runOf(info)
end
if not last then
  if after and isComplete() then return { text(after), '1' } end
  -- At least a second old, so that a clock that is set back does not give a smaller number.
  local position = (math.floor(clock / 1000000) - 1) * 1000000 + (runOf(serverInfo()) or 0) * 1000
  if not after then return { text(position), '1' } end
  if position <= after then position = clock - clock % 1000 end
  if position <= after then position = after - after % 1000 + 1000 end
  return { text(position), '0' }
end
if not after then return { text(last), '1' } end
if after >= last then return { text(last), after == last and '1' or '0' } end
local found, count, size, from = { text(last), '0' }, 0, 0, text(after + 1)
local done = false
repeat
  local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 256)
  for _, entry in ipairs(entries) do
    if count > 0 or tonumber(entry[2][4]) + ARGV[1] >= milliseconds then
      local message = entry[2][2]
      size = size + #message
      done = count > 0 and (size > tonumber(ARGV[4]) or count >= tonumber(ARGV[3]))
      if done then break end
      count = count + 1
      found[#found + 1] = string.match(entry[1], '^%d+')
      found[#found + 1] = message
    end
  end
  if #entries < 256 then done = true else from = '(' .. entries[256][1] end
until done
local next = tonumber(found[3])
if next and (next == following(after) or next == first and after < first and isComplete()) then
  found[2] = '1'
end
return found
`;

/** Fails if Redis cannot store messages, even if it replies to PING. Leaves no key. */
const CHECK = `
redis.call('SET', KEYS[1], '', 'PX', 1)
redis.call('PEXPIRE', KEYS[1], 0)
`;

const decoder = new TextDecoder();

/** Runs a script in Redis; `size` is the approximate number of bytes sent. */
type RunScript = (
  script: string,
  keys: readonly string[],
  args: readonly string[],
  size: number,
) => Promise<unknown>;

/** The history of a backplane on Redis. */
class RedisHistory implements BackplaneHistory {
  readonly #prefix: string;
  readonly #run: RunScript;
  readonly #channel: (topic: string) => string;
  #limits: HistoryLimits | undefined;

  /**
   * @param prefix The prefix of all keys, without braces.
   * @param channel Returns the channel of a topic.
   * @param run Runs a script.
   */
  constructor(prefix: string, channel: (topic: string) => string, run: RunScript) {
    this.#prefix = prefix;
    this.#channel = channel;
    this.#run = run;
  }

  /** Sets how much to store. */
  keep(limits: HistoryLimits): void {
    this.#limits = limits;
  }

  /** Rejects in an outage. Permanent errors are left to the requests. */
  async check(publisher: RedisConnection): Promise<void> {
    if (this.#limits === undefined) return;
    try {
      await publisher.command("EVAL", CHECK, "1", `${this.#prefix}{}:number`);
    } catch (error) {
      if (isOutage(error)) throw error;
    }
  }

  /** Numbers a message, stores it and sends it to all servers that subscribed. */
  async append(topic: string, message: Uint8Array): Promise<number> {
    const { maxAge, maxMessages } = this.#required();
    const text = messageText(message);
    const args = [this.#channel(topic), text, `${maxAge}`, `${maxMessages}`];
    return numberOf(await this.#run(APPEND, this.#keys(topic), args, text.length));
  }

  /** Reads the messages after a number. */
  async read(topic: string, after?: number, limit?: ReadLimit): Promise<HistoryPage> {
    const { maxAge, maxMessages } = this.#required();
    const args = [
      `${maxAge}`,
      after === undefined ? "" : `${after}`,
      `${limit?.maxMessages ?? maxMessages}`,
      `${limit?.maxBytes ?? Number.MAX_SAFE_INTEGER}`,
    ];
    const reply = await this.#run(READ, this.#keys(topic), args, 0);
    if (!Array.isArray(reply) || reply.length < 2 || reply.length % 2 !== 0) throw invalid(reply);
    const messages: NumberedMessage[] = [];
    for (let i = 2; i < reply.length; i += 2) {
      const message = isText(reply[i + 1]) ? textMessage(reply[i + 1]) : undefined;
      if (message === undefined) throw invalid(reply[i + 1]);
      messages.push({ number: numberOf(reply[i]), message });
    }
    return { last: numberOf(reply[0]), complete: numberOf(reply[1], 0) === 1, messages };
  }

  #required(): HistoryLimits {
    if (this.#limits === undefined) {
      throw new Error("The history is not configured: call keep() first to say how much to store");
    }
    return this.#limits;
  }

  /** The keys of a topic; the hash tag in braces places both on one cluster node. */
  #keys(topic: string): string[] {
    const tag = topic.replaceAll("%", "%25").replaceAll("}", "%7D");
    return [`${this.#prefix}{${tag}}:messages`, `${this.#prefix}{${tag}}:number`];
  }
}

/** Some clients can be configured to return bytes instead of strings. */
function isText(value: unknown): value is string | Uint8Array {
  return typeof value === "string" || value instanceof Uint8Array;
}

function numberOf(value: unknown, least = 1): number {
  const text = value instanceof Uint8Array ? decoder.decode(value) : String(value);
  const number = Number(text);
  if (text === "" || !Number.isSafeInteger(number) || number < least) throw invalid(value);
  return number;
}

function invalid(reply: unknown): Error {
  return new Error(`Unexpected reply from a Redis script: ${String(reply).slice(0, 100)}`);
}
