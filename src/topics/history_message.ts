// A message as the history of its topic has it.

import { PreparedMessage } from "../message/prepared_message.ts";
import type { Envelope } from "../pubsub/envelope.ts";
import type { TopicMessage } from "../pubsub/topic_page.ts";
import { Opcode } from "../wire/opcode.ts";
import type { ConnectionDriver } from "../connection/connection_driver.ts";
import { Publication } from "./publication.ts";
import type { PublishOptions } from "../connection/publish_options.ts";

/** A published message that has its number. */
export class HistoryMessage extends Publication implements TopicMessage {
  /** Its number. */
  override readonly number: number;
  /** The server that published it. */
  readonly origin: string;
  /** How many that server had published before. */
  readonly count: number;
  /** Bytes that it takes. */
  readonly size: number;
  /** How it was published. */
  readonly options: PublishOptions;
  /** Who does not get it. */
  readonly except: ConnectionDriver | undefined;

  /**
   * @param topic Its topic.
   * @param number Its number.
   * @param envelope What was published; its bytes are copied.
   * @param except Who does not get it.
   */
  constructor(
    topic: string,
    number: number,
    envelope: Envelope,
    except: ConnectionDriver | undefined,
  ) {
    const { origin, count, isText, onSlow, key, payload } = envelope;
    super(topic, new PreparedMessage(payload, isText ? Opcode.Text : Opcode.Binary), number);
    this.number = number;
    this.origin = String.fromCharCode(...origin);
    this.count = count;
    this.size = payload.length;
    this.options = { onSlow, key };
    this.except = except;
  }
}
