// The connection of a `WebSocket` or `WebSocketStream`: the shared algorithms of the standard, over
// `connect`. Its owner is only called in tasks of the event loop.

import { connectOver } from "../client/connect.ts";
import { closeWithoutCode, type Connection } from "../connection/connection.ts";
import type { AnyMessage } from "../connection/connection_driver.ts";
import type { CloseInfo } from "../session/end.ts";
import { ConnectionError, HandshakeError, WebSocketError } from "../errors.ts";
import { type ErrorHandler, reportError } from "../shared/user_code.ts";
import { runtimeNetwork } from "../transport/runtime.ts";
import { webNetwork } from "./web_network.ts";
import { hasBlockedPort, pageUrl } from "./handshake_target.ts";
import { isBlob, messageSize, type OutgoingData } from "./webidl.ts";
import type { SocketArguments } from "./socket_options.ts";

/** The end of a connection, as visible to scripts. */
export interface ConnectionEnd {
  /** The code of the received Close frame, 1005 for one without a code; 1006 when none was received. */
  readonly code: number;
  /** The reason of the received Close frame. */
  readonly reason: string;
  /** Whether the closing handshake was completed. */
  readonly clean: boolean;
  /** Whether the connection was failed (RFC 6455 section 7.1.7). */
  readonly failed: boolean;
}

/** The object held by a script. Each method is called in a separate task. */
export interface ConnectionOwner {
  /** The connection is established. */
  onOpen(protocol: string, extensions: string): void;
  /** A message was received; a binary one has its own buffer. */
  onMessage(data: string | ArrayBuffer): void;
  /** The connection is closed. Called once, last. */
  onClose(end: ConnectionEnd): void;
}

type Task = string | ArrayBuffer | (() => void);

/**
 * The numbers of messages and bytes with pending tasks at which reading stops until all have run.
 */
const MAX_MESSAGES = 1024;
const MAX_MESSAGE_BYTES = 65536;

/** The limits for messages held for one write: their number, size in bytes and time in ms. */
const MAX_HELD = 64;
const MAX_HELD_SIZE = 1024;
const MAX_HELD_TIME = 1;

const FAILED: ConnectionEnd = { code: 1006, reason: "", clean: false, failed: true };

/** One WebSocket connection, from the opening handshake to its end. */
export class ProtocolConnection {
  readonly #owner: ConnectionOwner;
  readonly #protocols: readonly string[];
  readonly #giveUp = new AbortController();
  readonly #onAbort = (): void => this.fail();
  readonly #signal: AbortSignal | undefined;
  readonly #onError: ErrorHandler<Connection<undefined>> | undefined;
  #connection: Connection<undefined> | undefined;
  #tasks: Task[] = [];
  #nextTask = 0;
  /** The number of pending or running message tasks. */
  #messages = 0;
  /** The size of messages since all tasks had last run, strings by length. */
  #messageBytes = 0;
  #paused = false;
  #pausedByOwner = false;
  #ended = false;
  #closeStarted = false;
  #interrupted = false;
  #bufferedAmount = 0;
  /** Bytes already sent that `bufferedAmount` still counts until the next task. */
  #transmittedSize = 0;
  /** Messages held for one write. */
  #held: Array<{ data: string | Uint8Array<ArrayBuffer>; size: number }> = [];
  #heldSince = 0;
  /** A `Blob` being read, and all messages sent after it. */
  #blobQueue: Array<OutgoingData | (() => void)> | undefined;

  /** Starts the opening handshake. */
  constructor(url: URL, given: SocketArguments, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#protocols = given.protocols;
    this.#signal = given.connect.signal;
    this.#onError = given.connect.onError;
    if (this.#signal?.aborted) this.fail();
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (hasBlockedPort(url)) {
      // The standard blocks ports of other protocols, so that no script can talk to their servers.
      const message = `The Fetch Standard blocks port ${url.port}; use connect for a server there`;
      this.#failed(new ConnectionError("CONNECT_FAILED", message));
    } else this.#establish(url, given);
  }

  /** Whether the closing handshake has started and all earlier messages were delivered. */
  get closing(): boolean {
    const ending = this.#ended || this.#connection?.readyState !== "open";
    return ending && this.#messages === 0;
  }

  /** Whether a message was not transmitted before the peer's Close frame or the end of the stream. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** Bytes of sent messages not transmitted when the current task began. */
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  /** Counts bytes that are never sent because the connection is closing. */
  count(size: number): void {
    this.#bufferedAmount += size;
  }

  /**
   * Sends a message after earlier ones.
   *
   * @param size The bytes of its payload.
   * @returns Whether more may be sent; see {@linkcode ProtocolConnection.drained}.
   */
  send(data: OutgoingData, size: number): boolean {
    this.#bufferedAmount += size;
    if (this.#blobQueue !== undefined) {
      this.#blobQueue.push(data instanceof Uint8Array ? data.slice() : data);
      return true;
    }
    if (!isBlob(data)) {
      if (this.#messages > 1 && size <= MAX_HELD_SIZE) return this.#hold(data, size);
      this.#releaseHeld();
      return this.#transmit(data, size);
    }
    this.#releaseHeld();
    this.#blobQueue = [data];
    this.#readBlobs(this.#blobQueue);
    return true;
  }

  /** Resolves when there is room for more output, or the connection is closed. */
  drained(): Promise<void> {
    return this.#connection?.drained() ?? Promise.resolve();
  }

  /**
   * Starts the closing handshake after earlier messages; fails the connection if it is not
   * established.
   *
   * @param code The close code; `undefined` sends a Close frame without a body.
   */
  close(code: number | undefined, reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) return this.fail();
    const start = (): void => {
      this.#closeStarted = true;
      if (code === undefined) closeWithoutCode(connection);
      else connection.close(code, reason);
    };
    this.#releaseHeld();
    if (this.#blobQueue === undefined) start();
    else this.#blobQueue.push(start);
  }

  /** Fails the connection. */
  fail(): void {
    if (this.#connection === undefined) {
      this.#giveUp.abort();
      this.#end(FAILED);
    } else {
      this.#connection.terminate();
    }
  }

  /** Stops reading from the network. */
  pause(): void {
    this.#pausedByOwner = true;
    this.#connection?.pause();
  }

  /** Resumes reading after {@linkcode ProtocolConnection.pause}. */
  resume(): void {
    this.#pausedByOwner = false;
    if (!this.#paused) this.#connection?.resume();
  }

  async #establish(url: URL, given: SocketArguments): Promise<void> {
    try {
      const network = webNetwork(await runtimeNetwork(), given.addressSpace);
      await connectOver<undefined>(network, url.href, {
        origin: pageOrigin(),
        ...given.connect,
        subprotocols: given.protocols,
        signal: this.#giveUp.signal,
        open: (connection) => this.#opened(connection),
        binaryType: "arraybuffer",
        message: (_, data: AnyMessage) => this.#received(data as string | ArrayBuffer),
        close: (_, info) => this.#closed(info),
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  #opened(connection: Connection<undefined>): void {
    const { protocol, extensions } = connection;
    // Fetch's step for the response: if protocols were offered, the server must choose one.
    if (this.#protocols.length > 0 && protocol === "") {
      const offered = this.#protocols.join(", ");
      const message = `The server chose none of the subprotocols offered (${offered})`;
      this.#failed(new HandshakeError("SUBPROTOCOL_UNEXPECTED", message, { status: 101 }));
    }
    if (this.#ended) return connection.terminate();
    this.#connection = connection;
    this.#queueTask(() => {
      this.#signal?.removeEventListener("abort", this.#onAbort);
      this.#owner.onOpen(protocol, extensions);
    });
  }

  #received(data: string | ArrayBuffer): void {
    if (this.#ended) return;
    this.#queueTask(data);
    this.#messages++;
    this.#messageBytes += typeof data === "string" ? data.length : data.byteLength;
    if (this.#paused) return;
    // Immediately, not in a task: a runtime may read much before its next task.
    if (this.#messages > MAX_MESSAGES || this.#messageBytes > MAX_MESSAGE_BYTES) {
      this.#paused = true;
      this.#connection!.pause();
    }
  }

  #closed(info: CloseInfo): void {
    if (info.error !== undefined) this.#reportCause(info.error);
    this.#end(endOf(info));
  }

  #failed(cause: unknown): void {
    this.#reportCause(cause);
    // "User agents must not convey any failure information to scripts": all failures look the same.
    this.#end(FAILED);
  }

  #reportCause(cause: unknown): void {
    // A script that aborted needs no cause.
    if (!this.#ended && this.#onError !== undefined) reportError(this.#onError, cause);
  }

  #end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#held.length > 0 || this.#blobQueue !== undefined) this.#interrupted = true;
    this.#held = [];
    this.#blobQueue = undefined;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#queueTask(() => this.#owner.onClose(end));
  }

  #transmit(data: string | Uint8Array<ArrayBuffer>, size: number): boolean {
    const connection = this.#connection!;
    return connection.send(data, {
      written: (error) => {
        if (error === undefined) this.#transmitted(size);
        if (connection.readyState !== "open" && !this.#closeStarted) this.#interrupted = true;
      },
    });
  }

  /**
   * Holds a message sent between the tasks of received ones: a script answers a burst of messages
   * in as many tasks, and the answers leave in one write.
   */
  #hold(data: string | Uint8Array<ArrayBuffer>, size: number): boolean {
    if (this.#held.length === 0) this.#heldSince = performance.now();
    this.#held.push({ data: typeof data === "string" ? data : data.slice(), size });
    if (this.#held.length >= MAX_HELD) this.#releaseHeld();
    return true;
  }

  #releaseHeld(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const { data, size } of held) this.#transmit(data, size);
  }

  #transmitted(size: number): void {
    if (this.#transmittedSize === 0 && size > 0) setImmediate(() => this.#settle());
    this.#transmittedSize += size;
  }

  /** "As of the last time the event loop reached step 1": the amount only falls between tasks. */
  #settle(): void {
    this.#bufferedAmount -= this.#transmittedSize;
    this.#transmittedSize = 0;
  }

  async #readBlobs(queue: Array<OutgoingData | (() => void)>): Promise<void> {
    try {
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        const data = isBlob(next) ? new Uint8Array(await next.arrayBuffer()) : next;
        if (this.#blobQueue !== queue) return;
        queue.shift();
        if (typeof data === "function") data();
        else this.#transmit(data, messageSize(data));
      }
      this.#blobQueue = undefined;
    } catch {
      // The file behind the `Blob` is no longer readable: the message cannot be sent.
      this.fail();
    }
  }

  #queueTask(task: Task): void {
    this.#tasks.push(task);
    setImmediate(runTask, this);
  }

  /** Runs the oldest task. The event loop calls it, once for each task. */
  runOldest(): void {
    this.#settle();
    const task = this.#tasks[this.#nextTask++]!;
    if (typeof task === "function") task();
    else {
      this.#owner.onMessage(task);
      this.#messages--;
      const overdue = this.#messages === 0 || performance.now() - this.#heldSince > MAX_HELD_TIME;
      if (this.#held.length > 0 && overdue) this.#releaseHeld();
    }
    if (this.#nextTask === this.#tasks.length) this.#tasksDone();
  }

  #tasksDone(): void {
    this.#tasks = [];
    this.#nextTask = 0;
    this.#messageBytes = 0;
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#pausedByOwner) this.#connection!.resume();
  }
}

function runTask(connection: ProtocolConnection): void {
  connection.runOldest();
}

/** The `Origin` of a page; none without a page. */
function pageOrigin(): string | undefined {
  const url = pageUrl();
  return url?.protocol === "http:" || url?.protocol === "https:" ? url.origin : undefined;
}

function endOf(info: CloseInfo): ConnectionEnd {
  const { received, error } = info;
  // RFC 6455 7.1.1 lets a client close the stream when the closing handshake times out.
  const isFailure = !(error instanceof WebSocketError && error.code === "CLOSE_TIMEOUT");
  return {
    code: received ?? 1006,
    reason: received === undefined ? "" : info.reason,
    clean: info.clean,
    failed: error !== undefined && isFailure,
  };
}
