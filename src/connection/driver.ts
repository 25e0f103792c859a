// Drives one connection over a stream: connects the session to the transport and to the user. Input
// passes through the session to the handlers or the reader; output is sent in one write per chunk
// read. `Reading` implements pauses, `Closing` the close.

import type { WebSocketError } from "../errors.ts";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { takeDeflateWork } from "../message/inflate_budget.ts";
import { MemoryGovernor, type MemoryHolder, type MemoryUse } from "../message/memory_governor.ts";
import type { CloseInfo } from "../session/end.ts";
import { Session, type SessionShell, type SessionState } from "../session/session.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import { bufferDetached } from "../wire/frame_reader.ts";
import { maskWith } from "../wire/mask.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { Views } from "../wire/views.ts";
import { show } from "../shared/check.ts";
import { Closing } from "./closing.ts";
import type { AnyMessage, HandshakeInfo } from "./connection_driver.ts";
import { lost, notDelivered, ownBuffer } from "./driver_base.ts";
import type { DriverContext, DriverLayer } from "./driver_context.ts";
import {
  addWork,
  beginRests,
  endRests,
  MESSAGE_WORK,
  startWork,
  type TurnTaker,
} from "./fair_turns.ts";
import type { Handlers } from "./handlers.ts";
import type { KeepaliveOwner } from "./keepalive.ts";
import { Output } from "./output.ts";
import { Reading } from "./reading.ts";
import { SendingDriver } from "./sending_driver.ts";
import { simdMask } from "./simd_mask.ts";

maskWith(simdMask);

/** The response of an opening handshake. */
export interface HandshakeResponse {
  /** Its size in bytes. */
  readonly size: number;
  /** Writes it into `target` from `offset` on. */
  writeTo(target: Uint8Array, offset: number): void;
}

/** The outcome of the opening handshake. */
export interface DriverStart {
  /** The bytes received after the handshake. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its side of the stream. */
  readonly ended: boolean;
  /** On a server, the handshake response, written together with the output of `open`. */
  readonly response?: HandshakeResponse;
  /** Whether the transport still has to report that it accepts more output. */
  readonly congested?: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** The messages of the chunk that is read. */
const views = new Views();

/** Drives one connection; users hold its {@linkcode Connection}. */
export class Driver<T> extends SendingDriver<T>
  implements TransportSink, SessionShell, KeepaliveOwner, MemoryHolder, TurnTaker {
  /** The stream. */
  readonly transport: Transport;
  protected readonly output: Output;
  protected readonly session: Session;
  /** Created when reading first stops, or if its rate is limited. */
  #reading: Reading<T> | undefined;
  /** Created when the connection begins to close or fail. */
  #closing: Closing<T> | undefined;
  /** Whether the user received views of the last chunk. */
  #hasViews = false;
  /** The turn of the event loop in which it last read. */
  readTurn = -1;

  /**
   * @param context The shared state.
   * @param transport The stream, whose opening handshake is done.
   * @param handshake The result of the opening handshake, or the head for `readHandshake`.
   * @param data The user's data.
   * @param handlers Handlers of this connection, instead of the shared ones.
   * @param agreement The negotiated compression, if any.
   * @param layer The layer before the user, if a subprotocol of the library was negotiated.
   */
  constructor(
    context: DriverContext<T>,
    transport: Transport,
    handshake: HandshakeInfo | string,
    data: T,
    handlers?: Handlers<T>,
    agreement?: DeflateAgreement,
    layer?: DriverLayer<T>,
  ) {
    super(context, handshake, data, handlers, layer);
    const { rules } = this;
    const wishes = context.connectionRules.compression;
    const compression = agreement && wishes && context.compressionFor!(wishes, agreement);
    this.transport = transport;
    if (transport.pollsRarely) beginRests();
    this.output = new Output(this, rules);
    this.session = new Session(
      compression === undefined ? rules : rules.whenCompressed,
      layer === undefined ? this : layer.events(this, this),
      this,
      this.output,
      context.masks,
      compression,
    );
    // Compression contexts alone can be large, and closing the connection frees them.
    if (compression !== undefined) MemoryGovernor.ofProcess.add(this);
  }

  /**
   * Writes the handshake response, calls `open`, reads the bytes after the handshake, then the
   * stream.
   */
  start(start: DriverStart): void {
    this.startTimers(this);
    if (this.rules.rateLimit !== undefined) this.#ensureReading();
    if (start.congested === true) this.output.wait();
    this.session.open();
    this.output.cork();
    const { response } = start;
    if (response !== undefined) {
      response.writeTo(this.output.reserve(response.size), this.output.offset);
      this.output.commit(response.size);
    }
    this.call("open", this.handlers.open);
    this.output.uncork();
    for (const chunk of start.rest) this.data(chunk);
    if (start.ended) this.end();
    try {
      this.transport.start(this);
    } catch (error) {
      this.transportFailed(error);
    }
  }

  /** Reads the result of the opening handshake, which few connections need. */
  readHandshake(head: string): HandshakeInfo {
    return this.context.readHandshake!(head);
  }

  /** Calls a method of the transport, which must not throw. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.transportFailed(error);
    }
  }

  #ensureReading(): Reading<T> {
    return this.#reading ??= new Reading(
      this,
      this.session,
      this.output,
      this.transport,
      this.rules.rateLimit,
    );
  }

  #ensureClosing(): Closing<T> {
    return this.#closing ??= new Closing(this, this.session, this.output, this.transport);
  }

  // Events of the transport.

  /** A chunk arrived. Returns whether its memory may be reused for reading. */
  data(chunk: Uint8Array): boolean {
    // The user may detach the chunk's memory.
    const { length } = chunk;
    this.extra?.keepalive?.received();
    if (this.#closing?.isLingering) return true;
    const reading = this.#reading;
    if (reading?.isKeeping) {
      reading.keep(chunk);
      return false;
    }
    startWork(this, length);
    this.#hasViews = false;
    this.output.cork();
    const at = this.session.receive(chunk, 0, length);
    this.output.uncork();
    if (addWork(takeDeflateWork())) this.#ensureReading().endTurn();
    reading?.countBytes(at);
    if (at >= length) return !this.#hasViews;
    if (chunk.length < length) this.fail(bufferDetached());
    else this.#ensureReading().keep(chunk.subarray(at));
    return false;
  }

  /** The peer has ended its side of the stream. */
  end(): void {
    if (this.#closing?.isLingering) return;
    if (this.#reading === undefined) this.receiveEnd();
    else this.#reading.end();
  }

  /** Processes the end of the peer's side. */
  receiveEnd(): void {
    this.finishLong();
    this.output.cork();
    this.session.receiveEnd();
    this.output.uncork();
  }

  /** The transport accepts output again. */
  drain(): void {
    this.extra?.keepalive?.moved();
    this.output.ready();
    this.session.drained();
    this.output.flush();
  }

  /** The stream has ended, in both directions. */
  closed(error?: Error): void {
    this.#reading?.streamClosed();
    this.#ensureClosing().streamClosed(error);
  }

  /** The transport threw: ends its connection only. */
  transportFailed(cause: unknown): void {
    const closing = this.#ensureClosing();
    if (!closing.hasTransportFailed) this.reportError(cause);
    closing.hasTransportFailed = true;
    const why = cause instanceof Error ? cause.message : show(cause);
    const error = lost(`The transport failed: ${why}`, cause);
    this.session.terminate(error);
    // It may never report the end.
    queueMicrotask(() => this.closed(error));
  }

  // Messages of the session.

  protected override takesText(text: string): boolean {
    this.#count(text.length);
    return !this.isFlushing;
  }

  protected override takeBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): AnyMessage | undefined {
    this.#count(end - start);
    if (this.isFlushing) return undefined;
    if (opcode === Opcode.Binary && this.rules.binaryType === "arraybuffer") {
      return ownBuffer(bytes, start, end);
    }
    const { copiesBelow } = this.transport;
    if (copiesBelow !== undefined && bytes.length < copiesBelow) {
      return bytes.slice(start, end) as Uint8Array<ArrayBuffer>;
    }
    this.#hasViews = true;
    return views.of(bytes, start, end);
  }

  protected override takesControl(hasHandler: boolean): boolean {
    this.#count(0);
    if (!hasHandler || this.isFlushing) return false;
    this.#hasViews = true;
    return true;
  }

  /** Counts a received message toward the rate limit and the turn. */
  #count(size: number): void {
    this.#reading?.countMessage();
    if (addWork(size + MESSAGE_WORK)) this.#ensureReading().endTurn();
  }

  /** Whether the user has closed the connection and the Close frame waits for earlier messages. */
  protected get isFlushing(): boolean {
    return this.#closing !== undefined && this.#closing.isWanted && this.session.state === "open";
  }

  // Requests of the session.

  /** The connection fails. */
  onFailing(error: WebSocketError): void {
    // An error of user code that no other call reports.
    if (error.code === "BUFFER_DETACHED") this.reportError(error);
    this.context.connectionFailing?.(this.connection, error);
  }

  /** The connection has ended. */
  onClosed(ended: CloseInfo): void {
    const unsent = this.output.finish(ended.error ?? lost("The connection has ended"));
    const count = unsent.length + (this.#closing?.unsentMessages ?? 0);
    this.giveUpLong();
    if (this.transport.pollsRarely) endRests(this);
    MemoryGovernor.ofProcess.remove(this);
    this.more.counted = 0;
    this.#reading?.stop();
    this.#closing?.stopTimer();
    this.session.compression?.close?.();
    this.finish(
      count === 0 || !ended.clean ? ended : { ...ended, clean: false, error: notDelivered(count) },
    );
  }

  /** Starts the timer of the closing handshake, once. */
  startCloseTimer(): void {
    this.#ensureClosing().startTimer(this.rules.closeTimeout);
    // No more messages can be sent, so a stream is useless.
    if (this.session.state !== "open") {
      this.output.giveUpStream();
      this.giveUpLong();
    }
    this.#reading?.closing();
  }

  /** Ends this side of the stream as soon as the output has been sent. */
  endOutput(): void {
    this.#ensureClosing().endOutput();
  }

  /** Sends accepted messages before the reply to the peer's Close frame. */
  closeReceived(): void {
    this.finishLong();
  }

  /** Cuts the stream. */
  cutStream(): void {
    this.giveUpLong();
    this.#ensureClosing().cut();
  }

  /** Whether the transport currently accepts no output. */
  get congested(): boolean {
    return this.output.congested;
  }

  /** A message is slow to decompress. */
  messagePaused(): void {
    this.#ensureReading().messagePaused();
  }

  /** Stops reading while much output waits for compression, to avoid causing more. */
  protected override uncompressedChanged(): void {
    if (this.output.uncompressed > this.rules.highWaterMark) this.#ensureReading().outputFull();
    else this.#reading?.outputHasRoom();
  }

  // Events of the output, and of the end.

  /** Output was written. */
  flushed(): void {
    if (this.output.congested || this.session.held > 0 || this.#isCounted) this.countMemory();
    this.#closing?.flushed();
  }

  /** There is room for topic messages that wait outside the output. */
  releaseWaiting(): boolean {
    const { topics } = this.context;
    if (topics === undefined || this.session.state !== "open") return false;
    // They were accepted before the user closed the connection.
    const closing = this.#closing;
    const isWanted = closing !== undefined && closing.isWanted;
    if (isWanted) closing.isWanted = false;
    this.output.cork();
    const sent = topics.release(this);
    if (isWanted) closing.isWanted = true;
    this.output.uncork(false);
    return sent;
  }

  /** An accepted message will not be sent. */
  protected override notSent(): void {
    this.#ensureClosing().unsentMessages++;
  }

  // Memory.

  /** The memory last counted for the connection, in bytes. */
  get counted(): number {
    return this.extra?.counted ?? 0;
  }

  /** Whether the connection's memory is counted or must be. */
  get #isCounted(): boolean {
    return this.counted > 0 || this.#reading?.isKeeping === true ||
      (this.extra?.queue?.length ?? 0) > 0;
  }

  /** The bytes that closing the connection would free. */
  get weight(): number {
    return this.counted + this.#sharedWeight + (this.session.compression?.contextSize ?? 0);
  }

  /** Its share of the memory of frames shared with other connections. */
  get #sharedWeight(): number {
    return this.output.sharedWeight + (this.context.topics?.weightOf(this) ?? 0);
  }

  /** Recounts the memory of the connection and adds it to `use`. */
  addTo(use: MemoryUse): void {
    if (this.extra?.info !== undefined) return;
    this.countMemory(Infinity);
    const queued = this.output.fragments?.held ?? 0;
    use.partialMessages += this.session.held;
    use.unreadMessages += (this.#reading?.size ?? 0) + (this.extra?.queue?.size ?? 0);
    use.output += this.output.held - queued;
    use.queuedMessages += queued + this.slicesSize;
  }

  /** Counts the memory of the connection. */
  countMemory(limit: number = this.rules.memoryLimit): void {
    if (this.extra?.info !== undefined) return;
    this.output.countShared();
    const unread = (this.#reading?.size ?? 0) + (this.extra?.queue?.size ?? 0);
    const held = this.session.held + this.output.held + this.slicesSize + unread;
    const difference = held - this.counted;
    if (difference !== 0) this.more.counted = held;
    MemoryGovernor.ofProcess.count(this, difference, limit);
  }

  /** Closes the connection because it holds the most memory and the total exceeds the limit. */
  giveUp(error: WebSocketError): void {
    this.limitReached("memoryLimit", this.rules.memoryLimit);
    // Output for a peer that does not read would stay in memory.
    if ((this.output.held + this.#sharedWeight) * 2 > this.weight) {
      this.session.terminate(error);
    } else {
      this.#reading?.drop();
      this.extra?.queue?.clear();
      this.fail(error);
    }
    // No more messages are read or sent.
    this.session.compression?.close?.();
    this.countMemory();
  }

  // Requests of the keepalive.

  /** It is time for a ping. */
  ping(): boolean {
    return this.state === "open" && this.session.sendControl(Opcode.Ping, NO_BYTES);
  }

  /** Whether a compressed message is being sent in fragments. */
  get isSendingCompressed(): boolean {
    return this.session.writer.compressesFragments;
  }

  /** Whether nothing is read from the socket. */
  get isPaused(): boolean {
    return this.#reading?.isPaused === true;
  }

  /** Whether reading messages is stopped. */
  get isStopped(): boolean {
    return this.#reading?.isStopped === true;
  }

  /** The number of the partly received message. */
  get partialMessage(): number {
    return this.session.partialMessage;
  }

  /** Bytes that the transport has accepted and not yet sent. */
  get unsent(): number {
    return this.output.transportBuffered;
  }

  /** Bytes sent so far. */
  get sentBytes(): number {
    return this.output.left;
  }

  // Requests of the queue and of reading.

  /** The queue is full. */
  stopReading(): void {
    this.#ensureReading().queueFull();
  }

  /** The queue has room again. */
  resumeReading(): void {
    this.#reading?.queueHasRoom();
  }

  protected override unreadTooLong(): void {
    super.unreadTooLong();
    this.#reading?.unreadTooLong();
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#ensureReading().pause();
  }

  /** Resumes reading. */
  resume(): void {
    this.#reading?.resume();
  }

  // Calls of the connection.

  /** The state of the connection. */
  get state(): SessionState {
    return this.isFlushing ? "closing" : this.session.state;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.transport.remoteAddress;
  }

  /** The peer's port; 0 if it has none. */
  get remotePort(): number {
    return this.transport.remotePort ?? 0;
  }

  /**
   * Starts the closing handshake after all accepted messages.
   *
   * @param timeout The maximum time without progress, in milliseconds. Default: the option
   * `closeTimeout`.
   */
  close(code: number, reason: string, timeout?: number): void {
    if (this.state !== "open") return;
    const closing = this.#ensureClosing();
    closing.isWanted = true;
    if (timeout !== undefined) closing.startTimer(timeout);
    this.session.announceClose();
    this.extra?.queue?.clear();
    if (!closing.send(code, reason)) this.startCloseTimer();
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    this.output.cork();
    this.session.fail(error);
    this.output.uncork();
  }

  /** Cuts the connection for a reason. */
  terminateWith(error: WebSocketError): void {
    this.session.terminate(error);
  }
}
