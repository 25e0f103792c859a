// A published message as it is sent to each receiver: plain, or with the line of the topics
// subprotocol in front; either is encoded once, for the first receiver that needs it.

import { PreparedMessage } from "../message/prepared_message.ts";
import { writeLine } from "../pubsub/topic_protocol.ts";
import { LabelledMessage } from "../connection/labelled_message.ts";

/** A published message. */
export class Publication {
  readonly #content: string | Uint8Array | PreparedMessage;
  #plain: PreparedMessage | undefined;
  #labelled: PreparedMessage | undefined;
  /** The topic. */
  readonly topic: string;
  /** Its number in the history of the topic, if it has one. */
  readonly number: number | undefined;

  /**
   * @param topic The topic.
   * @param content The message: text, bytes, or either encoded before.
   * @param number Its number in the history of the topic, if it has one.
   */
  constructor(topic: string, content: string | Uint8Array | PreparedMessage, number?: number) {
    this.topic = topic;
    this.#content = content;
    this.number = number;
  }

  /** The message itself. */
  get plain(): PreparedMessage {
    return this.#plain ??= this.#content instanceof PreparedMessage
      ? this.#content
      : new PreparedMessage(this.#content);
  }

  /** The message behind the line that says which topic it is of. */
  get labelled(): PreparedMessage {
    return this.#labelled ??= this.#label();
  }

  #label(): PreparedMessage {
    const { topic, number } = this;
    return new LabelledMessage(
      writeLine(number === undefined ? { topic } : { topic, number }),
      this.#content,
    );
  }
}
