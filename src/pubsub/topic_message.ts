// The encoded forms of a published message: plain, or with the line of the topics subprotocol. Each
// form is encoded once on demand.

import { PreparedMessage } from "../message/prepared_message.ts";
import { Opcode } from "../wire/opcode.ts";
import type { Envelope } from "../backplane/envelope.ts";
import type { OrderedMessage } from "../backplane/ordered_topic.ts";
import type { ConnectionDriver } from "../connection/connection_driver.ts";
import type { PublishOptions } from "../connection/arguments.ts";
import { LineMessage, writeLine } from "./protocol.ts";

/** A published message. */
export class TopicMessage {
  readonly #content: string | Uint8Array | PreparedMessage;
  #plain: PreparedMessage | undefined;
  #withLine: PreparedMessage | undefined;
  /** The topic. */
  readonly topic: string;
  /** The options of the publish. */
  readonly options: PublishOptions;
  /** The receiver that must not get it. */
  readonly except: ConnectionDriver | undefined;

  /**
   * @param topic The topic.
   * @param content The message: text, bytes or a prepared message.
   * @param options The options of the publish.
   * @param except The receiver that must not get it.
   */
  constructor(
    topic: string,
    content: string | Uint8Array | PreparedMessage,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
  ) {
    this.topic = topic;
    this.#content = content;
    this.options = options;
    this.except = except;
  }

  /** Its sequence number in the history of the topic; 0 if there is none. */
  get number(): number {
    return 0;
  }

  /** The form for connections without the subprotocol. */
  get plain(): PreparedMessage {
    return this.#plain ??= this.#content instanceof PreparedMessage
      ? this.#content
      : new PreparedMessage(this.#content);
  }

  /** The form for connections with the subprotocol. */
  get withLine(): PreparedMessage {
    return this.#withLine ??= new LineMessage(this.#line(), this.#content);
  }

  #line(): string {
    const { topic, number } = this;
    return writeLine(number === 0 ? { topic } : { topic, number });
  }
}

/** A message from a backplane. */
export class RelayedMessage extends TopicMessage implements OrderedMessage {
  readonly #number: number;
  /** The server that published it. */
  readonly origin: string;
  /** How many messages that server had published before. */
  readonly count: number;
  /** Its bytes. */
  readonly size: number;

  /**
   * @param topic The topic.
   * @param envelope The message, which is copied.
   * @param number Its sequence number; 0 if there is no history.
   * @param except The receiver that must not get it.
   */
  constructor(
    topic: string,
    envelope: Envelope,
    number: number,
    except: ConnectionDriver | undefined,
  ) {
    const { origin, count, isText, onSlow, key, payload } = envelope;
    // The envelope is valid UTF-8, so text need not be decoded.
    const message = new PreparedMessage(payload, isText ? Opcode.Text : Opcode.Binary);
    super(topic, message, { onSlow, key }, except);
    this.#number = number;
    this.origin = String.fromCharCode(...origin);
    this.count = count;
    this.size = payload.length;
  }

  /** Its sequence number in the history of the topic; 0 if there is none. */
  override get number(): number {
    return this.#number;
  }
}
