// Records the messages and control frames that a frame reader and a message reader deliver.

import { WebSocketError } from "../../src/errors.ts";
import type { MessageCompression } from "../../src/message/message_compression.ts";
import {
  MessageReader,
  type MessageRules,
  type MessageSink,
} from "../../src/message/message_reader.ts";
import { FrameReader } from "../../src/wire/frame_reader.ts";
import type { FrameRules } from "../../src/wire/header.ts";
import type { MessageOpcode, Opcode } from "../../src/wire/opcode.ts";
import type { Consumer } from "./replay.ts";

/** A delivered message, or the code of the error that stopped the reader. */
export type MessageEvent =
  | { text: string }
  | { opcode: Opcode; payload: Uint8Array }
  | { error: string };

/** Rules for a client's reader, with generous limits. */
export const MESSAGE_RULES: FrameRules & MessageRules = {
  masked: false,
  rsv1: false,
  maxMessageSize: 1 << 24,
  maxFragments: 1 << 20,
  text: "string",
  utf8Check: true,
};

/** A frame reader and a message reader, with the messages they have delivered. */
export class MessageRecorder implements MessageSink, Consumer<MessageEvent> {
  readonly events: MessageEvent[] = [];
  /** The delivered views; the events contain copies of them. */
  readonly views: Uint8Array[] = [];
  readonly reader: FrameReader;
  #failed = false;

  constructor(
    rules: FrameRules & MessageRules = MESSAGE_RULES,
    compression: MessageCompression | undefined = undefined,
  ) {
    this.reader = new FrameReader(rules, new MessageReader(rules, this, compression));
  }

  /** Reads bytes, unless the reader has failed. Records an error as an event. */
  read(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    if (this.#failed) return;
    try {
      this.reader.read(bytes, start, end);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#failed = true;
      this.events.push({ error: error.code });
    }
  }

  textMessage(text: string): void {
    this.events.push({ text });
  }

  bytesMessage(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.controlFrame(opcode, bytes, start, end);
  }

  controlFrame(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void {
    this.views.push(bytes.subarray(start, end));
    this.events.push({ opcode, payload: bytes.slice(start, end) });
  }
}
