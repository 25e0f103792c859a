// The history of topics in Redis.

import type {
  BackplaneHistory,
  HistoryPage,
  NumberedMessage,
  ResumeOptions,
} from "../../pubsub/backplane.ts";
import { messageText, textMessage } from "./message_text.ts";
import { APPEND, READ } from "./scripts.ts";

const decoder = new TextDecoder();

/** Runs a script in Redis; `size` is what it sends in the main. */
export type RunScript = (
  script: string,
  keys: readonly string[],
  args: readonly string[],
  size: number,
) => Promise<unknown>;

/** The history of a backplane on Redis. */
export class RedisHistory implements BackplaneHistory {
  readonly #prefix: string;
  readonly #run: RunScript;
  #limits: ResumeOptions | undefined;

  /**
   * @param prefix What stands before a topic in the name of its channel.
   * @param run Runs a script.
   */
  constructor(prefix: string, run: RunScript) {
    this.#prefix = prefix;
    this.#run = run;
  }

  /** Says how much to keep. */
  keep(limits: ResumeOptions): void {
    this.#limits = limits;
  }

  /** Numbers a message, keeps it and sends it to all servers that subscribed. */
  async append(topic: string, message: Uint8Array): Promise<number> {
    const { maxAge, maxMessages } = this.#kept();
    const text = messageText(message);
    const args = [this.#prefix + topic, text, `${maxAge}`, `${maxMessages}`];
    return readNumber(await this.#run(APPEND, this.#keys(topic), args, text.length));
  }

  /** Reads what came after a number. */
  async read(topic: string, after?: number): Promise<HistoryPage> {
    const args = [`${this.#kept().maxAge}`, after === undefined ? "" : `${after}`];
    const reply = await this.#run(READ, this.#keys(topic), args, 0);
    if (!Array.isArray(reply) || reply.length % 2 === 0) throw strange(reply);
    const last = readNumber(reply[0]);
    const messages: NumberedMessage[] = [];
    for (let i = 1; i < reply.length; i += 2) {
      const message = isText(reply[i + 1]) ? textMessage(reply[i + 1]) : undefined;
      if (message === undefined) throw strange(reply[i + 1]);
      messages.push({ number: readNumber(reply[i]), message });
    }
    if (after === undefined) return { last, complete: true, messages };
    // Within a life of the topic the numbers have no gaps.
    const next = messages.length > 0 ? messages[0]!.number : last + 1;
    return { last, complete: after + 1 === next, messages };
  }

  #kept(): ResumeOptions {
    if (this.#limits === undefined) throw new Error("It was not said how much to keep");
    return this.#limits;
  }

  /** The keys of a topic; what is in braces puts both on one node of a cluster. */
  #keys(topic: string): string[] {
    const tag = topic.replaceAll("%", "%25").replaceAll("}", "%7D");
    return [`${this.#prefix}{${tag}}:messages`, `${this.#prefix}{${tag}}:number`];
  }
}

/** Clients can be made so that they give bytes where others give text. */
function isText(value: unknown): value is string | Uint8Array {
  return typeof value === "string" || value instanceof Uint8Array;
}

function readNumber(value: unknown): number {
  const text = value instanceof Uint8Array ? decoder.decode(value) : String(value);
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number <= 0) throw strange(value);
  return number;
}

function strange(reply: unknown): Error {
  return new Error(
    `Redis answered what its script does not return: ${String(reply).slice(0, 100)}`,
  );
}
