// The layer that `clientTopics` adds to a connection whose client speaks the topics subprotocol: outgoing
// messages get a line, incoming ones lose it, and the client receives notices about its topics.

import type { TopicAnswers } from "../connection/connection_driver.ts";
import type { DriverLayer } from "../connection/driver.ts";
import type { ClientTopicsRules } from "./client_topics.ts";
import { bytesWithLine, preparedWithLine, textWithLine } from "./line_message.ts";
import { type TopicNotice, writeLine } from "./protocol.ts";
import { TopicRequests } from "./requests.ts";

/** The layer, for all connections of a server. */
export function clientTopicsLayer<T>(rules: ClientTopicsRules<T>): DriverLayer<T> {
  return {
    rules: rules.connection,
    events: (driver, events) => new TopicRequests(driver, driver.topics!, events, rules),
    listener: (send) => new TopicNotices(send),
    text: textWithLine,
    bytes: bytesWithLine,
    prepared: preparedWithLine,
  };
}

/** Sends notices about topics to one client: messages that are only a line. */
export class TopicNotices implements TopicAnswers {
  readonly #send: (text: string) => void;

  /** @param send Sends a text message as it is. */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /** The client is subscribed. */
  subscribed(topic: string, number: number | undefined): void {
    this.#notify(number === undefined ? { subscribed: topic } : { subscribed: topic, number });
  }

  /** The client is not subscribed, or no longer. */
  refused(topic: string, reason: string): void {
    this.#notify({ refused: topic, reason });
  }

  /** Earlier messages are not available any more. */
  missed(topic: string): void {
    this.#notify({ missed: topic });
  }

  /** A message was the client's own, and is not sent to it. */
  passed(topic: string, number: number): void {
    this.#notify({ passed: topic, number });
  }

  /** Answers a ping of the client. */
  pong(number: number): void {
    this.#notify({ pong: number });
  }

  #notify(notice: TopicNotice): void {
    this.#send(writeLine(notice));
  }
}
