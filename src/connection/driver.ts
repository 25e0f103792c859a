// Drives one connection: joins the session to the transport on one side and to the user on the other. What
// arrives goes through the session to the handlers or to the reader, what is sent leaves in one write for
// each chunk that was read. It owns the timers and the order of the end.

import { ConnectionError, WebSocketError } from "../errors.ts";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { CodecCompression } from "../message/codec.ts";
import type { MessageCompression } from "../message/message_compression.ts";
import { PermessageDeflate } from "../message/permessage.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/close_info.ts";
import {
  Session,
  type SessionEvents,
  type SessionShell,
  type SessionState,
} from "../session/session.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import { CloseCode } from "../wire/close.ts";
import { MemoryGovernor, type MemoryHolder } from "../message/memory_governor.ts";
import { bufferDetached } from "../wire/frame_reader.ts";
import type { MaskSource } from "../wire/frame_writer.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import { callReported, reportRejection } from "../shared/log_error.ts";
import { isPromiseLike } from "../shared/promises.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { Connection, type HandshakeInfo } from "./connection.ts";
import type {
  AnyMessage,
  ConnectionDriver,
  ConnectionTopics,
  TopicAnswers,
  WrittenCallback,
} from "./connection_driver.ts";
import type { ConnectionRules } from "./connection_options.ts";
import type { FragmentOpcode, QueuedMessage } from "./fragments.ts";
import type { Handlers } from "./handlers.ts";
import { MessageQueue, type MessageQueueOwner } from "./incoming.ts";
import { Keepalive, type KeepaliveOwner } from "./keepalive.ts";
import { Output, type OutputOwner } from "./output.ts";
import { RateLimiter } from "./rate_limit.ts";

/** The state shared by all connections of one `serve` or `connect`. */
export interface DriverContext<T> {
  /** The checked options. */
  readonly connectionRules: ConnectionRules;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** The source of mask keys, on the client's side. */
  readonly masks?: MaskSource | undefined;
  /** The topics that the connections can subscribe to, on the server's side. */
  readonly topics?: ConnectionTopics;
  /** Passes an error of user code on to `onError`. Must not throw. */
  reportError(error: unknown, connection?: Connection<T>): void;
  /** A limit was met (option `onLimit`). Must not throw. */
  limitReached?(
    limit: "unreadTimeout" | "memoryLimit" | "rateLimit",
    connection: Connection<T>,
  ): void;
  /** A connection fails; its `close` handler is called once the stream has ended. Must not throw. */
  connectionFailing?(connection: Connection<T>, error: WebSocketError): void;
  /** A connection has ended, and its `close` handler comes next. */
  connectionClosed?(connection: Connection<T>): void;
}

/** The layer between a driver and its user if the client speaks a subprotocol of the library. */
export interface DriverLayer<T> {
  /** The options of the connection, with room for what is added to messages. */
  readonly rules: ConnectionRules;
  /** Processes incoming messages before they are delivered. */
  events(driver: LayeredDriver<T>, events: SessionEvents): SessionEvents;
  /** Receives notices about topics, and sends them with the function that it is given. */
  listener(send: (text: string) => void): TopicAnswers;
  /** A text message as it is sent. */
  text(text: string): string;
  /** A message of bytes, or the first fragment of a message, as it is sent. */
  bytes(bytes: Uint8Array): Uint8Array;
  /** A prepared message as it is sent. */
  prepared(message: PreparedMessage): PreparedMessage;
}

/** A driver, as its {@linkcode DriverLayer} sees it. */
export interface LayeredDriver<T> extends ConnectionDriver {
  /** The public object. */
  readonly connection: Connection<T>;
  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void;
}

/** The outcome of the opening handshake. */
export interface DriverStart {
  /** The bytes received behind the handshake. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its direction. */
  readonly ended: boolean;
  /** The answer of the handshake, on a server: it leaves together with what `open` sends. */
  readonly response?: Uint8Array;
  /** Whether the transport still has to tell that it takes more output. */
  readonly congested?: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** Why reading is stopped: bits, because the reasons overlap. The user called `pause`. */
const STOPPED_BY_USER = 1;
/** The queue of messages that wait for a reader is full. */
const STOPPED_BY_QUEUE = 2;
/** A message takes long to decompress, and the other connections have their turn. */
const STOPPED_BY_WORK = 4;
/** Much was read in this turn of the event loop, and the other connections have theirs. */
const STOPPED_BY_TURN = 8;
/** The peer has sent more than `rateLimit` allows. */
const STOPPED_BY_RATE = 16;

/**
 * Work that a connection may cause in a row before it waits for the next turn of the event loop: bytes that
 * it sent, bytes of the messages that came out of them, and {@linkcode MESSAGE_WORK} for each message. Where
 * others read in between, it begins anew: an honest connection rarely reaches it, and then loses a few
 * microseconds (bench/NOTES.md).
 */
const TURN_WORK = 524_288;

/** The work of a message beside its bytes: calling the handler, and what that sends. */
const MESSAGE_WORK = 512;

/** The connection that has read last, and its work since others did. */
let reading: unknown;
let work = 0;
/** How often another connection than before has read. */
let changes = 0;

/**
 * Turns in a row in which no other connection has read, after which a connection counts as alone and no
 * longer waits for a timer between its turns.
 */
const ALONE = 1000;

/**
 * Calls `act` in a later turn of the event loop. A timer is a millisecond late, and behind what all sockets
 * have received; an immediate costs nothing, but on Deno several may run before sockets are looked at.
 */
function inNextTurn(isAlone: boolean, act: () => void): void {
  const setImmediate: unknown = isAlone ? Reflect.get(globalThis, "setImmediate") : undefined;
  if (typeof setImmediate === "function") setImmediate(act);
  else setTimeout(act);
}

/**
 * Bytes that are read from the socket, and kept, while the reader is behind: so that the end of the stream
 * and signs of life are noticed though messages wait.
 */
const READ_AHEAD = 65_536;

/** Bytes that are read ahead in addition, at most, each time a pause has lasted for `unreadTimeout`. */
const MAX_READ_AHEAD_STEP = 1_048_576;

/** The purpose of a timer. */
const CLOSE_TIMER = 0;
const UNREAD_TIMER = 1;
const LIFETIME_TIMER = 2;
const LINGER_TIMER = 3;
const RATE_TIMER = 4;

/** Time without progress is measured in this many steps, and found at most one step late. */
const STEPS = 4;

/**
 * Milliseconds that the system has to deliver what it took, after the connection has ended for the user:
 * the socket is half closed until then, instead of reset.
 */
const LINGER = 30_000;

/** Bytes that were sent, from which on the system may still hold some. */
const LINGER_FROM = 16_384;

/** Sockets that linger at most, in the whole process: a peer that never answers costs no more than that. */
const MAX_LINGERING = 1024;

let lingering = 0;

/** The end of the stream, from our side. */
type Ending = "no" | "wanted" | "done";

/** State that few connections need, or only while closing. */
class DriverExtra {
  keepalive: Keepalive | undefined;
  queue: MessageQueue | undefined;
  /** Whether messages are discarded as they arrive, because there is no reader. */
  discardsUnread = false;
  unreadTimer: Timer | undefined;
  lifetimeTimer: Timer | undefined;
  rate: RateLimiter | undefined;
  rateTimer: Timer | undefined;
  /** Chunks that arrived, in whole or in part, while reading was stopped. */
  unread: Uint8Array[] | undefined;
  unreadSize = 0;
  /** Bytes that are read ahead at most: more than {@linkcode READ_AHEAD} after a long pause. */
  readAhead = READ_AHEAD;
  /** Bytes of memory that the connection was last counted with. */
  counted = 0;

  /** Whether memory is counted for the connection, or has to be. */
  get isCounted(): boolean {
    return this.counted > 0 || this.unread !== undefined || (this.queue?.length ?? 0) > 0;
  }

  endUnread = false;
  /** Messages that were accepted and not sent. */
  unsentMessages = 0;
  /** Turns of the event loop that it has used up since another connection has read. */
  turnsAlone = 0;
  changesBefore = 0;
  /** Reads ahead though the user has paused: it was paused for long. */
  readsAhead = false;
  transportPaused = false;
  /** The Close frame that is sent once all else was. */
  pendingClose: { readonly code: number; readonly reason: string } | undefined;
  closeTimer: Timer | undefined;
  closeTimeout = 0;
  /** The bytes that had left at the last look at the closing handshake. */
  leftBefore = 0;
  stuckSteps = 0;
  movedSteps = 0;
  /** The connection has ended for the user, and the socket has not. */
  isLingering = false;
  lingerTimer: Timer | undefined;
  info: CloseInfo | undefined;
  closeWaiters: Array<(info: CloseInfo) => void> | undefined;
  topicListener: TopicAnswers | undefined;
}

/** Drives one connection; users hold its {@linkcode Connection}. */
export class Driver<T>
  implements
    LayeredDriver<T>,
    TransportSink,
    SessionEvents,
    SessionShell,
    OutputOwner,
    KeepaliveOwner,
    MessageQueueOwner,
    MemoryHolder,
    TimerTarget {
  /** The public object. */
  readonly connection: Connection<T>;
  readonly #context: DriverContext<T>;
  readonly #handlers: Handlers<T>;
  readonly #transport: Transport;
  readonly #copiesBelow: number;
  readonly #output: Output;
  readonly #session: Session;
  readonly #layer: DriverLayer<T> | undefined;
  #extra: DriverExtra | undefined;
  #stops = 0;
  /** Whether the user was given views of the chunk read last. */
  #gaveViews = false;
  /** Whether the user has closed the connection, though the Close frame may have to wait. */
  #isClosing = false;
  #ending: Ending = "no";

  /**
   * @param context The shared state.
   * @param transport The stream, whose opening handshake is done.
   * @param handshake The result of the opening handshake.
   * @param data The user's data.
   * @param handlers Handlers of this connection alone, instead of the shared ones.
   * @param agreement The negotiated compression, if any.
   * @param layer The layer before the user, if a subprotocol of the library was negotiated.
   */
  constructor(
    context: DriverContext<T>,
    transport: Transport,
    handshake: HandshakeInfo,
    data: T,
    handlers?: Handlers<T>,
    agreement?: DeflateAgreement,
    layer?: DriverLayer<T>,
  ) {
    const { connectionRules: rules, masks } = context;
    const sessionRules = layer?.rules ?? rules;
    const compression = compressionFor(rules, agreement);
    this.#context = context;
    this.#handlers = handlers ?? context.handlers;
    this.#transport = transport;
    this.#copiesBelow = transport.copiesBelow ?? 0;
    this.#layer = layer;
    this.connection = new Connection(this, handshake, data);
    this.#output = new Output(transport, this, rules);
    this.#session = new Session(
      compression === undefined ? sessionRules : sessionRules.whenCompressed,
      layer === undefined ? this : layer.events(this, this),
      this,
      this.#output,
      masks,
      compression,
    );
    if (layer !== undefined) {
      this.#more.topicListener = layer.listener((text) => this.#sendPlain(text));
    }
  }

  /**
   * Begins: the answer of the handshake is written, `open` is called, then what arrived behind the
   * handshake is read, then the stream.
   */
  start(start: DriverStart): void {
    const rules = this.#rules;
    if (Keepalive.isWanted(rules)) this.#more.keepalive = new Keepalive(rules, this);
    if (rules.maxLifetime > 0) {
      const delay = rules.maxLifetime * (0.9 + 0.2 * Math.random());
      this.#more.lifetimeTimer = timers.start(delay, this, LIFETIME_TIMER);
    }
    if (rules.rateLimit !== undefined) {
      this.#more.rate = new RateLimiter(rules.rateLimit, performance.now());
    }
    if (start.congested === true) this.#output.wait();
    this.#session.open();
    this.#output.cork();
    if (start.response !== undefined) this.#output.append(start.response);
    if (this.#handlers.open !== undefined) {
      try {
        this.#watch("open", this.#handlers.open(this.connection));
      } catch (error) {
        this.#handlerFailed("open", error);
      }
    }
    this.#output.uncork();
    for (const chunk of start.rest) this.data(chunk);
    if (start.ended) this.end();
    this.#guard(() => this.#transport.start(this));
  }

  // Events of the transport.

  /** A chunk arrived. Returns whether its memory may be read into again. */
  data(chunk: Uint8Array): boolean {
    // The user may detach the chunk's memory.
    const { length } = chunk;
    const extra = this.#extra;
    if (extra !== undefined) {
      extra.keepalive?.received();
      if (extra.isLingering) return true;
      if (extra.unread !== undefined) {
        this.#keepUnread(extra, chunk);
        return false;
      }
    }
    if (reading !== this) {
      reading = this;
      work = 0;
      changes++;
    }
    work += length;
    this.#gaveViews = false;
    this.#output.cork();
    const at = this.#session.receive(chunk, 0, length);
    this.#output.uncork();
    if (work >= TURN_WORK) this.#endTurn();
    if (extra?.rate !== undefined) {
      extra.rate.takeBytes(at);
      this.#checkRate(extra, extra.rate);
    }
    if (at >= length) return !this.#gaveViews;
    if (chunk.length < length) this.fail(bufferDetached());
    else this.#keepUnread(this.#more, chunk.subarray(at));
    return false;
  }

  /** The peer has ended its direction. */
  end(): void {
    const extra = this.#extra;
    if (extra?.isLingering) return;
    if (extra === undefined || (extra.unread === undefined && !this.#isWorking)) {
      this.#receiveEnd();
      return;
    }
    extra.endUnread = true;
    // The close does not wait for a slow reader, which can still read the queue. It waits while the
    // user has paused, but not indefinitely.
    if (this.#stops === STOPPED_BY_QUEUE) this.#readAll(extra);
    else if (extra.readsAhead) this.#endUnread(extra);
  }

  /** The transport takes output again. */
  drain(): void {
    this.#extra?.keepalive?.moved();
    this.#output.ready();
    this.#session.drained();
    this.#output.flush();
  }

  /** The stream has ended, in both directions. */
  closed(error?: Error): void {
    const extra = this.#more;
    // If the user called `pause()`, keep pending data. If the iterator's queue is full, it still takes
    // what is left.
    if (this.#stops !== 0 && (this.#stops & STOPPED_BY_USER) === 0) this.#readAll(extra);
    extra.unread = undefined;
    timers.cancel(extra.closeTimer);
    if (extra.isLingering) {
      extra.isLingering = false;
      lingering--;
      timers.cancel(extra.lingerTimer);
      return;
    }
    this.#ending = "done";
    this.#output.close();
    this.#session.streamClosed(error);
  }

  // Messages of the session.

  /** A text message came. */
  onText(text: string): void {
    if (this.#extra?.rate !== undefined) this.#countMessage(this.#extra, this.#extra.rate);
    work += text.length + MESSAGE_WORK;
    if (work >= TURN_WORK) this.#endTurn();
    if (this.#isFlushing) return;
    const handlers = this.#handlers;
    if (handlers.message === undefined) {
      this.#enqueue(text);
      return;
    }
    try {
      const result = handlers.message(this.connection, text, Opcode.Text);
      if (result !== undefined) this.#watch("message", result);
    } catch (error) {
      this.#handlerFailed("message", error);
    }
  }

  /** Another message came. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (this.#extra?.rate !== undefined) this.#countMessage(this.#extra, this.#extra.rate);
    work += end - start + MESSAGE_WORK;
    if (work >= TURN_WORK) this.#endTurn();
    let data: AnyMessage;
    if (opcode === Opcode.Binary && this.#rules.binaryType === "arraybuffer") {
      data = ownBuffer(bytes, start, end);
    } else if (bytes.length < this.#copiesBelow) {
      data = bytes.slice(start, end);
    } else {
      this.#gaveViews = true;
      data = bytes.subarray(start, end) as Uint8Array<ArrayBuffer>;
    }
    if (this.#isFlushing) return;
    const handlers = this.#handlers;
    if (handlers.message === undefined) {
      this.#enqueue(data);
      return;
    }
    try {
      const result = handlers.message(this.connection, data as Uint8Array<ArrayBuffer>, opcode);
      if (result !== undefined) this.#watch("message", result);
    } catch (error) {
      this.#handlerFailed("message", error);
    }
  }

  /** A ping came. */
  onPing(payload: Uint8Array): void {
    if (this.#extra?.rate !== undefined) this.#countMessage(this.#extra, this.#extra.rate);
    work += MESSAGE_WORK;
    if (work >= TURN_WORK) this.#endTurn();
    if (this.#handlers.ping === undefined || this.#isFlushing) return;
    this.#gaveViews = true;
    try {
      this.#watch("ping", this.#handlers.ping(this.connection, payload));
    } catch (error) {
      this.#handlerFailed("ping", error);
    }
  }

  /** A pong came. */
  onPong(payload: Uint8Array): void {
    if (this.#extra?.rate !== undefined) this.#countMessage(this.#extra, this.#extra.rate);
    work += MESSAGE_WORK;
    if (work >= TURN_WORK) this.#endTurn();
    if (this.#handlers.pong === undefined || this.#isFlushing) return;
    this.#gaveViews = true;
    try {
      this.#watch("pong", this.#handlers.pong(this.connection, payload));
    } catch (error) {
      this.#handlerFailed("pong", error);
    }
  }

  // Requests of the session.

  /** The connection fails. */
  onFailing(error: WebSocketError): void {
    this.#context.connectionFailing?.(this.connection, error);
  }

  /** The connection has ended. */
  onClosed(ended: CloseInfo): void {
    const extra = this.#more;
    const unsent = this.#output.finish(
      ended.error ?? new ConnectionError("CONNECTION_LOST", "The connection has ended"),
    );
    const count = unsent.length + extra.unsentMessages;
    const info = count === 0 || !ended.clean ? ended : notDelivered(ended, count);
    MemoryGovernor.ofProcess.remove(this);
    extra.counted = 0;
    extra.info = info;
    extra.keepalive?.stop();
    timers.cancel(extra.unreadTimer);
    timers.cancel(extra.lifetimeTimer);
    timers.cancel(extra.rateTimer);
    timers.cancel(extra.closeTimer);
    this.#session.compression?.close?.();
    this.#context.connectionClosed?.(this.connection);
    if (this.#handlers.close !== undefined) {
      try {
        this.#watch("close", this.#handlers.close(this.connection, info));
      } catch (error) {
        this.#handlerFailed("close", error);
      }
    }
    extra.queue?.end(info);
    const waiters = extra.closeWaiters;
    extra.closeWaiters = undefined;
    for (const wake of waiters ?? []) wake(info);
  }

  /** Starts the timer of the closing handshake, once. */
  startCloseTimer(): void {
    const extra = this.#more;
    if (extra.closeTimer === undefined) this.#startCloseTimer(extra, this.#rules.closeTimeout);
    // No message can be sent any more, so that a stream has no use.
    if (this.#session.state !== "open") this.#output.giveUpStream();
    // A stopped reader would never see the peer's Close frame.
    this.#go(STOPPED_BY_USER | STOPPED_BY_QUEUE | STOPPED_BY_RATE);
  }

  /** Ends our direction of the stream as soon as the output has left. */
  endOutput(): void {
    if (this.#ending === "no") this.#ending = "wanted";
  }

  /** Cuts the stream. */
  cutStream(): void {
    this.#ending = "done";
    this.#output.close();
    this.#output.giveUpStream();
    this.#guard(() => this.#transport.destroy());
  }

  /** Whether the transport takes no more output at the moment. */
  get congested(): boolean {
    return this.#output.congested;
  }

  // Events of the output, the timers, the queue and the keepalive.

  /** Output was written. */
  flushed(): void {
    const extra = this.#extra;
    if (
      this.#output.congested || this.#session.held > 0 || (extra !== undefined && extra.isCounted)
    ) {
      this.#countMemory();
    }
    if (this.#extra?.pendingClose !== undefined) this.#closeIfSent(this.#extra);
    if (this.#ending === "wanted" && this.#output.empty && !this.#output.congested) {
      this.#ending = "done";
      this.#guard(() => this.#transport.end());
    }
  }

  /** A timer is due. */
  timerFired(kind: number): void {
    const extra = this.#more;
    if (kind === CLOSE_TIMER) {
      this.#checkClosing(extra);
    } else if (kind === UNREAD_TIMER) {
      this.#unreadTooLong(extra);
    } else if (kind === RATE_TIMER) {
      extra.rateTimer = undefined;
      if (extra.rate !== undefined) extra.rate.wait(performance.now());
      this.#go(STOPPED_BY_RATE);
    } else if (kind === LIFETIME_TIMER) {
      this.close(CloseCode.GoingAway, "maximum lifetime reached");
    } else {
      this.cutStream();
    }
  }

  /** At most `highWaterMark` is buffered again. */
  callDrain(): void {
    if (this.state !== "open" || this.#handlers.drain === undefined) return;
    this.#output.cork();
    try {
      this.#watch("drain", this.#handlers.drain(this.connection));
    } catch (error) {
      this.#handlerFailed("drain", error);
    }
    this.#output.uncork(false);
  }

  /** There is room for messages of topics that wait outside of the output. */
  releaseWaiting(): boolean {
    const { topics } = this.#context;
    if (topics === undefined || this.#session.state !== "open") return false;
    // They were accepted before the user closed the connection.
    const isClosing = this.#isClosing;
    this.#isClosing = false;
    this.#output.cork();
    const sent = topics.release(this);
    this.#isClosing = isClosing;
    this.#output.uncork(false);
    return sent;
  }

  /** More bytes wait than a peer may let wait. */
  tooSlow(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void {
    const message = `The peer reads too slowly: ${size} bytes wait, ${limit} is ${
      this.#rules[limit]
    }`;
    const closeCode = CloseCode.PolicyViolation;
    this.#session.terminate(new WebSocketError("SLOW_CONSUMER", message, { closeCode }));
  }

  /** The transport threw: its connection ends, and no other is affected. */
  transportFailed(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : show(cause);
    const error = new ConnectionError("CONNECTION_LOST", `The transport failed: ${why}`, { cause });
    this.#session.terminate(error);
    // It may not tell the end itself any more.
    queueMicrotask(() => this.closed(error));
  }

  /** A callback of the user has thrown. */
  callbackFailed(error: unknown): void {
    this.#context.reportError(error, this.connection);
  }

  /** Sends a message that waited for the end of a fragmented one. */
  sendQueued({ opcode, data, compress, written, fragment }: QueuedMessage): void {
    const { state, writer } = this.#session;
    if (state !== "open") {
      this.#more.unsentMessages++;
      this.#dropped(written);
      return;
    }
    if (fragment !== "no") {
      writer.fragment(opcode, fragment === "last", data as Uint8Array, compress);
    } else if (typeof data === "string") {
      writer.text(data, compress);
    } else {
      writer.bytes(opcode as MessageOpcode, data, compress);
    }
    if (written !== undefined) this.#output.whenWritten(written);
    this.#output.accepted(data.length);
  }

  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void {
    this.#context.reportError(error, this.connection);
  }

  /** It is time for a ping. */
  ping(): boolean {
    return this.state === "open" && this.#session.sendControl(Opcode.Ping, NO_BYTES);
  }

  /** Whether a compressed message is being sent in fragments. */
  get isSendingCompressed(): boolean {
    return this.#session.writer.compressesFragments;
  }

  /** Whether nothing is read from the socket. */
  get isPaused(): boolean {
    return this.#stops !== 0 && this.#extra?.transportPaused === true;
  }

  /** Whether messages are not read at the moment. */
  get isStopped(): boolean {
    return this.#stops !== 0;
  }

  /** The number of the message of which a part has arrived. */
  get partialMessage(): number {
    return this.#session.partialMessage;
  }

  /** Bytes that the transport has taken and that have not left. */
  get unsent(): number {
    return this.#transport.bufferedAmount;
  }

  /** Bytes that have left. */
  get sentBytes(): number {
    return this.#output.left;
  }

  /** The peer is dead. */
  gone(error: WebSocketError): void {
    this.#session.terminate(error);
  }

  /** The queue is full. */
  stopReading(): void {
    this.#stop(STOPPED_BY_QUEUE);
  }

  /** The queue has room again. */
  resumeReading(): void {
    this.#go(STOPPED_BY_QUEUE);
  }

  /** No message waits for the reader any longer. */
  emptied(): void {
    this.#countMemory();
  }

  /** A reader has come or left, or messages wait while there is none. */
  readerChanged(): void {
    const extra = this.#more;
    const queue = extra.queue!;
    if (queue.hasReader) {
      timers.cancel(extra.unreadTimer);
      extra.unreadTimer = undefined;
      extra.discardsUnread = false;
    } else if (queue.length > 0 && extra.unreadTimer === undefined && extra.info === undefined) {
      extra.unreadTimer = timers.start(this.#rules.unreadTimeout, this, UNREAD_TIMER);
    }
  }

  // Calls of the connection.

  /** The state of the connection. */
  get state(): SessionState {
    const { state } = this.#session;
    return this.#isClosing && state === "open" ? "closing" : state;
  }

  /** The topics of the server. */
  get topics(): ConnectionTopics | undefined {
    return this.#context.topics;
  }

  /** Receives notices about topics. */
  get topicListener(): TopicAnswers | undefined {
    return this.#extra?.topicListener;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  /** The peer's port; 0 where there is none. */
  get remotePort(): number {
    return this.#transport.remotePort ?? 0;
  }

  /** Bytes that have not left the process. */
  get bufferedAmount(): number {
    return this.#output.bufferedAmount;
  }

  /** Whether more than `highWaterMark` bytes are buffered. */
  get slow(): boolean {
    return this.#output.slow;
  }

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean {
    const session = this.#session;
    if (session.state !== "open" || this.#isClosing) return this.#dropped(written);
    if (this.#layer !== undefined) text = this.#layer.text(text);
    if (this.#output.fragments?.isBusy) {
      return this.#hold(Opcode.Text, text, compress !== false, written);
    }
    session.writer.text(text, compress !== false);
    if (written !== undefined) this.#output.whenWritten(written);
    return this.#output.accepted(text.length);
  }

  /** Sends a message of bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    const session = this.#session;
    if (session.state !== "open" || this.#isClosing) return this.#dropped(written);
    if (this.#layer !== undefined) bytes = this.#layer.bytes(bytes);
    if (this.#output.fragments?.isBusy) {
      return this.#hold(opcode, bytes, compress !== false, written);
    }
    session.writer.bytes(opcode, bytes, compress !== false);
    if (written !== undefined) this.#output.whenWritten(written);
    return this.#output.accepted(bytes.length);
  }

  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean {
    const session = this.#session;
    if (session.state !== "open" || this.#isClosing) return false;
    if (this.#layer !== undefined) message = this.#layer.prepared(message);
    const { compression } = session;
    const frame = compression === undefined ? message.frame : message.frameFor(compression);
    if (this.#output.fragments?.isBusy) return this.#hold(message.opcode, message.payload, true);
    // RFC 6455 5.3: a client masks with a new key each time, so that no frame can be sent twice.
    if (frame === undefined || session.isClient) {
      session.writer.bytes(message.opcode, message.payload);
    } else {
      this.#output.share(frame);
    }
    return this.#output.accepted(message.frame.length);
  }

  /** Sends a message that may wait for others. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    const session = this.#session;
    const output = this.#output;
    if (session.state !== "open" || this.#isClosing) return false;
    const layer = this.#layer;
    if (layer !== undefined) {
      data = typeof data === "string" ? layer.text(data) : layer.bytes(data);
    }
    if (output.fragments?.isBusy) return this.#hold(opcode, data, true);
    output.startDelayed();
    if (typeof data === "string") session.writer.text(data);
    else session.writer.bytes(opcode, data);
    output.endDelay();
    output.delayedAdded();
    return output.accepted(data.length);
  }

  /** Sends a fragment of the stream that has reserved the connection. */
  sendStreamFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    const session = this.#session;
    if (session.state !== "open") return false;
    if (this.#layer !== undefined && opcode !== Opcode.Continuation) {
      bytes = this.#layer.bytes(bytes);
    }
    session.writer.fragment(opcode, fin, bytes, compress);
    return this.#output.accepted(bytes.length);
  }

  /** Sends a fragment of the user's own message, which waits for its turn as messages do. */
  sendFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    if (this.state !== "open") return false;
    const fragments = this.#output.needFragments();
    const isFirst = opcode !== Opcode.Continuation;
    if (fragments.isStreaming || (isFirst && fragments.isBusy)) {
      const data = isFirst && this.#layer !== undefined ? this.#layer.bytes(bytes) : bytes;
      const fragment = fin ? "last" : "more";
      fragments.hold({ opcode, data, compress, written: undefined, fragment });
      return this.#output.accepted(data.length);
    }
    this.sendStreamFragment(opcode, bytes, fin, compress);
    fragments.pass(fin);
    return !this.slow;
  }

  /** Reserves the connection for a stream; `ended` is called if the connection ends before it does. */
  async startFragments(ended: () => void): Promise<void> {
    const fragments = this.#output.needFragments();
    await fragments.enter();
    fragments.watch(ended);
    // The connection may have begun to close while the stream waited for its turn.
    if (this.#session.state !== "open") fragments.giveUp();
  }

  /** The stream is complete or given up. */
  endFragments(): void {
    this.#output.leaveFragments();
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.#session.sendControl(opcode, payload);
    return this.#output.accepted(payload.length);
  }

  /** Calls `fn`; what it sends leaves in one write. */
  cork(fn: () => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot cork: it takes a function, got ${show(fn)}`);
    }
    this.#output.cork();
    try {
      const result: unknown = fn();
      reportRejection(result, (error) => this.reportError(error));
    } finally {
      this.#output.uncork();
    }
  }

  /** Resolves when at most `highWaterMark` bytes are buffered, or the connection has ended. */
  drained(): Promise<void> {
    return this.#output.drainedPromise();
  }

  /** The same, without messages that wait for the end of a fragmented one. */
  outputDrained(): Promise<void> {
    return this.#output.outputDrained();
  }

  /** Asks for a call of `release` of the topics as soon as there is room. */
  awaitDrain(bytes: number, newest = 0): boolean {
    return this.#output.awaitDrain(bytes, newest);
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#output.cutSlow();
  }

  /**
   * Starts the closing handshake, after what was accepted before.
   *
   * @param timeout Milliseconds that it may be without progress. Default: the option `closeTimeout`.
   */
  close(code: number, reason: string, timeout?: number): void {
    if (this.state !== "open") return;
    const extra = this.#more;
    this.#isClosing = true;
    if (timeout !== undefined) this.#startCloseTimer(extra, timeout);
    this.#session.announceClose();
    extra.pendingClose = { code, reason };
    extra.queue?.clear();
    this.#closeIfSent(extra);
    if (extra.pendingClose !== undefined) this.startCloseTimer();
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    this.#output.cork();
    this.#session.fail(error);
    this.#output.uncork();
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#session.terminate(
      new WebSocketError("TERMINATED", "The connection was cut by terminate()"),
    );
  }

  /** Calls back when what was sent up to here has left the process, or with an error. */
  whenWritten(call: WrittenCallback): void {
    if (this.#session.state === "closed") this.#dropped(call);
    else this.#output.whenWritten(call);
  }

  /** Writes what waits to be written, also inside of a handler. */
  flush(): void {
    this.#output.flushNow();
  }

  /** Sends bytes that are frames already. */
  sendFrames(bytes: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.#output.append(bytes);
    return this.#output.accepted(bytes.length);
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#stop(STOPPED_BY_USER);
  }

  /** Resumes reading. */
  resume(): void {
    this.#go(STOPPED_BY_USER);
  }

  /** Starts reading messages. */
  openReader(): AsyncIterableIterator<AnyMessage, undefined> {
    if (this.#handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#queue(this.#more).open();
  }

  /** Resolves when the connection has ended. */
  whenClosed(): Promise<CloseInfo> {
    const extra = this.#more;
    if (extra.info !== undefined) return Promise.resolve(extra.info);
    return new Promise((resolve) => (extra.closeWaiters ??= []).push(resolve));
  }

  get #rules(): ConnectionRules {
    return this.#context.connectionRules;
  }

  get #more(): DriverExtra {
    return this.#extra ??= new DriverExtra();
  }

  // Sending.

  /** A message is not sent, because the connection is not open. */
  #dropped(written: WrittenCallback | undefined): false {
    if (written === undefined) return false;
    const error = new WebSocketError(
      "NOT_OPEN",
      "Cannot send: the connection is not open any more",
    );
    queueMicrotask(() => {
      callReported(() => written(error), (cause) => this.callbackFailed(cause));
    });
    return false;
  }

  /** Lets a message wait for the end of one that goes out in fragments. */
  #hold(
    opcode: MessageOpcode,
    data: string | Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
  ): boolean {
    this.#output.fragments!.hold({ opcode, data, compress, written, fragment: "no" });
    return this.#output.accepted(data.length);
  }

  /** Sends what the layer itself has to say. */
  #sendPlain(text: string): void {
    if (this.state !== "open") return;
    if (this.#output.fragments?.isBusy) {
      this.#hold(Opcode.Text, text, true);
      return;
    }
    this.#session.writer.text(text);
    this.#output.accepted(text.length);
  }

  // Delivering.

  /** Whether the user has closed the connection, and the Close frame waits for what was accepted. */
  get #isFlushing(): boolean {
    return this.#isClosing && this.#session.state === "open";
  }

  #enqueue(data: AnyMessage): void {
    const extra = this.#more;
    if (!extra.discardsUnread) this.#queue(extra).push(data);
  }

  #queue(extra: DriverExtra): MessageQueue {
    if (extra.queue === undefined) {
      extra.queue = new MessageQueue(this);
      if (extra.info !== undefined) extra.queue.end(extra.info);
    }
    return extra.queue;
  }

  /** A handler's promise is not waited for, but its rejection is seen. */
  #watch(name: string, result: unknown): void {
    if (result !== undefined && isPromiseLike(result)) {
      result.then(undefined, (error: unknown) => this.#handlerFailed(name, error));
    }
  }

  #handlerFailed(name: string, cause: unknown): void {
    // The error of the end itself, which an iterator throws, has been told.
    const ended = this.#extra?.info?.error;
    if (ended !== undefined && cause === ended) return;
    if (this.state === "open") {
      this.fail(
        // The peer is told this message, and what the handler threw is none of its business.
        new WebSocketError("HANDLER_FAILED", `The ${name} handler failed`, {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    this.#context.reportError(cause, this.connection);
  }

  // Memory.

  /** Bytes of memory that the connection was last counted with. */
  get counted(): number {
    return this.#extra?.counted ?? 0;
  }

  /** Counts what the connection holds. */
  #countMemory(): void {
    const extra = this.#more;
    if (extra.info !== undefined) return;
    const unread = extra.unreadSize + (extra.queue?.size ?? 0);
    const held = this.#session.held + this.#output.held + unread;
    const difference = held - extra.counted;
    if (difference === 0) return;
    extra.counted = held;
    MemoryGovernor.ofProcess.count(this, difference, this.#rules.memoryLimit);
  }

  /** Closes the connection, because all together hold too much and this one most. */
  giveUp(error: WebSocketError): void {
    const extra = this.#more;
    this.#context.limitReached?.("memoryLimit", this.connection);
    // Output for a peer that does not read would be held until it does.
    if (this.#output.held * 2 > extra.counted) {
      this.#session.terminate(error);
    } else {
      extra.unread = undefined;
      extra.unreadSize = 0;
      extra.queue?.clear();
      this.fail(error);
    }
    this.#countMemory();
  }

  // Reading, and not reading.

  #receiveEnd(): void {
    this.#output.cork();
    this.#session.receiveEnd();
    this.#output.uncork();
  }

  /** Keeps a chunk, or its rest, that is not read now. */
  #keepUnread(extra: DriverExtra, chunk: Uint8Array): void {
    (extra.unread ??= []).push(chunk);
    extra.unreadSize += chunk.length;
    this.#countMemory();
    if (extra.unreadSize <= extra.readAhead) return;
    this.#pauseTransport(extra);
    // The end of the stream, or a dead peer, may be behind that.
    if (extra.readsAhead) this.#startUnreadTimer(extra);
  }

  #stop(reason: number): void {
    // While closing, messages are dropped and only the peer's Close frame is waited for.
    if (this.state !== "open") return;
    const extra = this.#more;
    if (this.#stops === 0) this.#session.pause();
    this.#stops |= reason;
    if (reason === STOPPED_BY_USER && !extra.readsAhead) {
      this.#pauseTransport(extra);
      this.#startUnreadTimer(extra);
    }
  }

  #startUnreadTimer(extra: DriverExtra): void {
    extra.unreadTimer ??= timers.start(this.#rules.unreadTimeout, this, UNREAD_TIMER);
  }

  /** A message of the peer counts towards `rateLimit`. */
  #countMessage(extra: DriverExtra, rate: RateLimiter): void {
    rate.takeMessage();
    this.#checkRate(extra, rate);
  }

  /** Acts if the peer has sent more than `rateLimit` allows; `onLimit` is called once until it no longer has. */
  #checkRate(extra: DriverExtra, rate: RateLimiter): void {
    const before = rate.isExceeded;
    const wait = rate.wait(performance.now());
    if (wait === 0 || this.state !== "open") return;
    if (!before) this.#context.limitReached?.("rateLimit", this.connection);
    if (rate.onExceed === "close") {
      this.fail(
        new WebSocketError("RATE_LIMITED", "The peer sends more than rateLimit allows", {
          closeCode: CloseCode.PolicyViolation,
        }),
      );
    } else if (rate.onExceed === "pause" && extra.rateTimer === undefined) {
      this.#stop(STOPPED_BY_RATE);
      extra.rateTimer = timers.start(Math.ceil(wait), this, RATE_TIMER);
    }
  }

  /** The other connections have their turn; what is left to read, now and later, waits for the next one. */
  #endTurn(): void {
    work = 0;
    if ((this.#stops & STOPPED_BY_TURN) !== 0 || this.#session.state === "closed") return;
    if (this.#stops === 0) this.#session.pause();
    this.#stops |= STOPPED_BY_TURN;
    const extra = this.#more;
    extra.turnsAlone = changes === extra.changesBefore ? extra.turnsAlone + 1 : 0;
    extra.changesBefore = changes;
    inNextTurn(extra.turnsAlone > ALONE, () => {
      this.#stops &= ~STOPPED_BY_TURN;
      if (this.#stops !== 0 || this.#session.state === "closed") return;
      this.#session.resume();
      this.#readOn();
    });
  }

  #pauseTransport(extra: DriverExtra): void {
    if (extra.transportPaused) return;
    extra.transportPaused = true;
    this.#guard(() => this.#transport.pause());
  }

  /** Whether a message is paused that takes long to decompress. */
  get #isWorking(): boolean {
    return (this.#stops & STOPPED_BY_WORK) !== 0;
  }

  /** A message takes long to decompress: it goes on when the other connections have had their turn. */
  messagePaused(): void {
    this.#stop(STOPPED_BY_WORK);
    if (this.#isWorking) setTimeout(() => this.#continueMessage());
    else this.#session.resume();
  }

  #continueMessage(): void {
    if (!this.#isWorking) return;
    this.#output.cork();
    const isDelivered = this.#session.continueMessage();
    this.#output.uncork();
    if (isDelivered) this.#go(STOPPED_BY_WORK);
    else setTimeout(() => this.#continueMessage());
  }

  /** Takes reasons away; without any left, reading resumes. */
  #go(reasons: number): void {
    if (this.#stops === 0) return;
    this.#stops &= ~reasons;
    const extra = this.#more;
    if ((this.#stops & STOPPED_BY_USER) === 0) {
      extra.readsAhead = false;
      extra.readAhead = READ_AHEAD;
    }
    if (this.#stops !== 0) return;
    this.#session.resume();
    // Not at once: the caller may be in the middle of a handler, or of its own loop over messages.
    queueMicrotask(() => this.#readOn());
  }

  #readOn(): void {
    if (this.#stops !== 0) return;
    const extra = this.#more;
    if (extra.queue === undefined || extra.queue.hasReader || extra.queue.length === 0) {
      timers.cancel(extra.unreadTimer);
      extra.unreadTimer = undefined;
    }
    const chunks = extra.unread;
    extra.unread = undefined;
    extra.unreadSize = 0;
    for (let i = 0; chunks !== undefined && i < chunks.length; i++) {
      this.#readChunk(chunks[i]);
      if (this.#stops !== 0) {
        for (const later of chunks.slice(i + 1)) this.#keepUnread(extra, later);
        if ((this.#stops & STOPPED_BY_USER) === 0) this.#readAhead(extra);
        return;
      }
    }
    if (extra.endUnread) {
      extra.endUnread = false;
      this.#receiveEnd();
    }
    this.#readAhead(extra);
  }

  /** Reads from the socket while not too much waits. */
  #readAhead(extra: DriverExtra): void {
    if (extra.unreadSize > extra.readAhead || !extra.transportPaused) return;
    extra.transportPaused = false;
    this.#guard(() => this.#transport.resume());
  }

  /** Reads a chunk that was kept, which is never empty unless the user has detached its memory. */
  #readChunk(chunk: Uint8Array): void {
    if (chunk.length === 0) this.fail(bufferDetached());
    else this.data(chunk);
  }

  /** Reads all that has arrived, though the queue is full. */
  #readAll(extra: DriverExtra): void {
    const chunks = extra.unread ?? [];
    extra.unread = undefined;
    extra.unreadSize = 0;
    this.#stops &= ~STOPPED_BY_WORK;
    this.#output.cork();
    this.#session.resume();
    for (const chunk of chunks) {
      const { length } = chunk;
      if (length === 0) this.fail(bufferDetached());
      for (let at = 0; at < length;) {
        this.#session.resume();
        at = this.#session.receive(chunk, at, length);
      }
    }
    this.#output.uncork();
    if (extra.endUnread) {
      extra.endUnread = false;
      this.#receiveEnd();
    }
  }

  /** The peer has ended its direction, and what came before is not read any more. */
  #endUnread(extra: DriverExtra): void {
    extra.unread = undefined;
    extra.endUnread = false;
    this.#receiveEnd();
  }

  /** Messages have waited for a reader, or the user has paused, for long. */
  #unreadTooLong(extra: DriverExtra): void {
    extra.unreadTimer = undefined;
    const { queue } = extra;
    if (queue !== undefined && !queue.hasReader && queue.length > 0) {
      extra.discardsUnread = true;
      this.#context.limitReached?.("unreadTimeout", this.connection);
      queue.clear();
    }
    if ((this.#stops & STOPPED_BY_USER) === 0) return;
    if (extra.endUnread) {
      this.#endUnread(extra);
      return;
    }
    extra.readsAhead = true;
    if (extra.unreadSize > extra.readAhead) {
      // What is held counts for memoryLimit, which ends a peer that never stops sending.
      extra.readAhead = extra.unreadSize + Math.min(extra.unreadSize, MAX_READ_AHEAD_STEP);
    }
    this.#readAhead(extra);
  }

  // Closing.

  /** Sends the Close frame if nothing that was accepted has to go first. */
  #closeIfSent(extra: DriverExtra): void {
    const { pendingClose } = extra;
    if (pendingClose === undefined) return;
    if (this.#session.state === "open") {
      const { fragments } = this.#output;
      // A message of the user's own fragments that has no end yet will never get one.
      if (fragments?.isStreaming) return;
      if (this.#context.topics?.delaysClose(this, () => this.#closeIfSent(extra))) return;
      extra.pendingClose = undefined;
      this.#output.cork();
      while (!this.#output.slow && this.releaseWaiting());
      // The rest follows when there is room.
      if (this.#output.slow && this.releaseWaiting()) extra.pendingClose = pendingClose;
      else this.#session.close(pendingClose.code, pendingClose.reason);
      this.#output.uncork();
      return;
    }
    extra.pendingClose = undefined;
  }

  #startCloseTimer(extra: DriverExtra, timeout: number): void {
    extra.closeTimeout = timeout;
    extra.leftBefore = this.#output.left;
    extra.closeTimer = timers.start(timeout / STEPS, this, CLOSE_TIMER);
  }

  /** A step of the closing handshake: time counts while no output leaves. */
  #checkClosing(extra: DriverExtra): void {
    const { left } = this.#output;
    const moved = left !== extra.leftBefore;
    extra.leftBefore = left;
    extra.stuckSteps = moved ? 0 : extra.stuckSteps + 1;
    if (moved) extra.movedSteps++;
    const isOut = this.#output.empty && !this.#output.congested && extra.pendingClose === undefined;
    // What the system took takes about as long as what had to wait for it.
    const patience = STEPS + (isOut ? extra.movedSteps : 0);
    if (extra.closeTimeout > 0 && extra.stuckSteps < patience) {
      extra.closeTimer = timers.start(extra.closeTimeout / STEPS, this, CLOSE_TIMER);
      return;
    }
    const mayLinger = isOut && extra.closeTimeout > 0 && left >= LINGER_FROM;
    if (mayLinger && lingering < MAX_LINGERING) this.#linger(extra);
    else this.#session.closeTimedOut();
  }

  /**
   * All output has left the process, and the system may still be delivering it: the connection ends for
   * the user, and the socket with an end of the stream instead of a reset.
   */
  #linger(extra: DriverExtra): void {
    lingering++;
    extra.isLingering = true;
    extra.lingerTimer = timers.start(LINGER, this, LINGER_TIMER);
    if (this.#ending !== "done") this.#guard(() => this.#transport.end());
    this.#ending = "done";
    this.#output.close();
    this.#session.abandon();
  }

  /** Calls what a transport must not throw in. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.transportFailed(error);
    }
  }
}

/** The bytes of a message in a buffer of their own. */
function ownBuffer(bytes: Uint8Array, start: number, end: number): ArrayBuffer {
  const { buffer } = bytes;
  if (start === 0 && end === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer;
  return (bytes.slice(start, end) as Uint8Array<ArrayBuffer>).buffer;
}

function notDelivered(info: CloseInfo, count: number): CloseInfo {
  const message = `${count} accepted messages could not be sent before the close`;
  return { ...info, clean: false, error: new ConnectionError("NOT_DELIVERED", message) };
}

function compressionFor(
  rules: ConnectionRules,
  agreement: DeflateAgreement | undefined,
): MessageCompression | undefined {
  const { compression } = rules;
  if (agreement === undefined || compression === undefined) return undefined;
  const { inbound, outbound } = agreement;
  return compression.codec === undefined
    ? new PermessageDeflate(compression, inbound, outbound)
    : new CodecCompression(compression.codec, compression, inbound, outbound);
}
