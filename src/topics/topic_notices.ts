// What a client that subscribes to topics itself receives about them: messages that are a line alone.

import { type TopicNotice, writeLine } from "../pubsub/topic_protocol.ts";
import type { TopicAnswers } from "../connection/connection_driver.ts";

/** Sends notices about topics to one client. */
export class TopicNotices implements TopicAnswers {
  readonly #send: (text: string) => void;

  /** @param send Sends a text message as it is. */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /** The client is subscribed to a topic from here on. */
  subscribed(topic: string, number: number | undefined): void {
    this.#notify(number === undefined ? { subscribed: topic } : { subscribed: topic, number });
  }

  /** The client is not subscribed to a topic, or no longer. */
  refused(topic: string, reason: string): void {
    this.#notify({ refused: topic, reason });
  }

  /** Some earlier messages are no longer known. */
  missed(topic: string): void {
    this.#notify({ missed: topic });
  }

  /** A message of the topic was the client's own and is not sent to it. */
  passed(topic: string, number: number): void {
    this.#notify({ passed: topic, number });
  }

  /** The answer to a heartbeat with that number. */
  pong(number: number): void {
    this.#notify({ pong: number });
  }

  #notify(notice: TopicNotice): void {
    this.#send(writeLine(notice));
  }
}
