// JetStream by its JSON interface, which any connection to NATS can speak.

import type { NatsConnection } from "./clients.ts";

/** Milliseconds that an answer may take. */
const TIMEOUT = 5000;

const decoder = new TextDecoder();

/** JetStream did not do what it was asked for. */
export class JetStreamError extends Error {
  /** The name of the class. */
  override readonly name = "JetStreamError";
  /** The server's number for what went wrong, where it was the server that refused. */
  readonly number: number | undefined;

  /**
   * Makes an error.
   *
   * @param message What went wrong.
   * @param number The server's number for it.
   * @param options Its cause.
   */
  constructor(message: string, number?: number, options?: ErrorOptions) {
    super(message, options);
    this.number = number;
  }
}

/** An object of an answer, of which nothing is known. */
export type Answer = Readonly<Record<string, unknown>>;

/** Sends bytes, or an object as JSON, to a subject on which JetStream answers. */
export async function ask(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | object,
): Promise<Answer> {
  const body = payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  let data: Uint8Array;
  try {
    ({ data } = await connection.request(subject, body, { timeout: TIMEOUT }));
  } catch (cause) {
    throw new JetStreamError(
      `JetStream does not answer on ${subject}: is it on, and allowed?`,
      undefined,
      { cause },
    );
  }
  const answer = objectOf(parsed(data), `an answer on ${subject}`);
  if (answer.error !== undefined) {
    const error = objectOf(answer.error, "error");
    throw new JetStreamError(`JetStream refuses: ${error.description}`, Number(error.err_code));
  }
  return answer;
}

function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}

/** A part of an answer that has parts itself. */
export function objectOf(value: unknown, name: string): Answer {
  if (typeof value === "object" && value !== null) return value as Answer;
  throw new JetStreamError(`JetStream gives no object as ${name}`);
}

/** A number of an answer. */
export function numberOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new JetStreamError(`JetStream gives no number as ${name}`);
}

/** A text of an answer. */
export function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new JetStreamError(`JetStream gives no text as ${name}`);
}
