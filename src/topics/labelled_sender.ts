// What is sent to a client that listens to topics by itself: each message behind a line, and lines that
// tell about its topics.

import type { PreparedMessage } from "../message/prepared_message.ts";
import { type TopicNotice, writeLine } from "../pubsub/topic_protocol.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { ChannelSender, Message, TopicAnswers } from "../connection/connection_link.ts";
import { labelled, labelledBytes, labelledText } from "../connection/labelled_message.ts";

/** A sender that puts the line in front of what another one sends. */
export class LabelledSender implements ChannelSender, TopicAnswers {
  readonly #sender: ChannelSender;

  /** @param sender What sends. */
  constructor(sender: ChannelSender) {
    this.#sender = sender;
  }

  // What the client is told about its topics.

  /** It tells by itself. */
  get topicListener(): TopicAnswers {
    return this;
  }

  /** The client listens to a topic from here on. */
  subscribed(topic: string, number: number | undefined): void {
    this.#tell(number === undefined ? { subscribed: topic } : { subscribed: topic, number });
  }

  /** The client must not listen to a topic, or no longer. */
  refused(topic: string, reason: string): void {
    this.#tell({ refused: topic, reason });
  }

  /** Some of what came before is no longer known. */
  missed(topic: string): void {
    this.#tell({ missed: topic });
  }

  /** A message of the topic was the client's own and does not come. */
  passed(topic: string, number: number): void {
    this.#tell({ passed: topic, number });
  }

  /** The client asks for a sign of life. */
  pong(number: number): void {
    this.#tell({ pong: number });
  }

  // Messages, behind a line.

  /** Sends a text message. */
  sendText(text: string, compress?: boolean): boolean {
    return this.#sender.sendText(labelledText(text), compress);
  }

  /** Sends a message of bytes. */
  sendBytes(opcode: MessageOpcode, bytes: Uint8Array, compress?: boolean): boolean {
    return this.#sender.sendBytes(opcode, labelledBytes(bytes), compress);
  }

  /** Sends a message that was encoded before, with its line or without. */
  sendPrepared(message: PreparedMessage): boolean {
    return this.#sender.sendPrepared(labelled(message));
  }

  /** Sends a message that may wait for others. */
  sendDelayed(opcode: MessageOpcode, data: Message): boolean {
    const message = typeof data === "string" ? labelledText(data) : labelledBytes(data);
    return this.#sender.sendDelayed(opcode, message);
  }

  /** Sends a fragment; the line is in front of the first. */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    bytes: Uint8Array,
    compress: boolean,
  ): boolean {
    const payload = opcode === Opcode.Continuation ? bytes : labelledBytes(bytes);
    return this.#sender.sendFragment(opcode, last, payload, compress);
  }

  // What is the same with a line and without.

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#sender.bufferedAmount;
  }

  /** Whether more than `highWaterMark` bytes wait to be sent. */
  get slow(): boolean {
    return this.#sender.slow;
  }

  /** Wants to be asked for what waits elsewhere as soon as the peer has caught up. */
  awaitDrain(bytes: number): boolean {
    return this.#sender.awaitDrain(bytes);
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#sender.cutSlow();
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    return this.#sender.sendControl(opcode, payload);
  }

  /** Resolves when a message may go out in fragments; `ended` is called if the connection ends then. */
  enterLane(ended: () => void): Promise<void> {
    return this.#sender.enterLane(ended);
  }

  /** The message in fragments is out. */
  leaveLane(): void {
    this.#sender.leaveLane();
  }

  /** Calls `fn`; what it sends leaves in one write. */
  cork(fn: () => void): void {
    this.#sender.cork(fn);
  }

  /** Resolves when no more than `highWaterMark` waits to be sent, or the connection is over. */
  drained(): Promise<void> {
    return this.#sender.drained();
  }

  /** The same, without the messages that wait for the end of one in fragments. */
  outputDrained(): Promise<void> {
    return this.#sender.outputDrained();
  }

  /** Something was written. */
  checkDrained(): void {
    this.#sender.checkDrained();
  }

  /** The connection is over. */
  end(): void {
    this.#sender.end();
  }

  #tell(notice: TopicNotice): void {
    this.#sender.sendText(writeLine(notice));
  }
}
