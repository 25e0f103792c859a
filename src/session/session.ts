// One endpoint of an open connection as a state machine (RFC 6455 5.5, 6 and 7): bytes in, events
// and bytes out. The shell provides the socket and the clock.

import { WebSocketError } from "../errors.ts";
import {
  CloseCode,
  type ClosePayload,
  formatClosePayload,
  parseClosePayload,
} from "../wire/close.ts";
import { FrameReader } from "../wire/frame_reader.ts";
import type { FrameOutput, MaskSource } from "../wire/frame_writer.ts";
import type { FrameRules } from "../wire/header.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { MessageCompression } from "../message/message_compression.ts";
import { MessageReader, type MessageRules, type MessageSink } from "../message/message_reader.ts";
import { MessageWriter } from "../message/message_writer.ts";
import { type CloseInfo, closeTimeout, connectionLost, outcomeOf, SessionEnd } from "./end.ts";
import { PongBacklog } from "./pong_backlog.ts";

/**
 * The configuration of a session; shared by all sessions of a server.
 *
 * @category Session
 */
export interface SessionRules extends FrameRules, MessageRules {
  /** Whether pings are answered. */
  readonly autoPong: boolean;
  /**
   * Whether to close like the package `ws`: messages are delivered until the peer's Close frame,
   * even after the local one; the reason is echoed with the code; a failure sends no reason;
   * clients also end the stream after both Close frames.
   */
  readonly closesLikeWs?: boolean;
}

/**
 * Receives the messages of a session. None of these may throw.
 *
 * @category Session
 */
export interface SessionEvents {
  /** A text message, if text is delivered as strings. */
  onText(text: string): void;
  /** Any other message: `bytes[start..end)`, in memory that is never written again. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void;
  /** A ping arrived; its pong has been written. */
  onPing(payload: Uint8Array): void;
  /** A pong arrived. */
  onPong(payload: Uint8Array): void;
}

/**
 * The port of a session to its driver. None of these may throw.
 *
 * @category Session
 */
export interface SessionShell {
  /** The connection fails because of input or {@linkcode Session.fail}; `onClosed` follows. */
  onFailing?(error: WebSocketError): void;
  /** The connection has closed. Called exactly once, last. */
  onClosed(info: CloseInfo): void;
  /** The closing handshake began (may be repeated): call `closeTimedOut` after a timeout. */
  startCloseTimer(): void;
  /**
   * No more output follows (may be repeated): end this side of the stream once the output has been
   * sent.
   */
  endOutput(): void;
  /** The peer's Close frame arrived; it is answered after this call. */
  closeReceived?(): void;
  /** Cut the stream immediately. */
  cutStream(): void;
  /** Whether the stream currently accepts no output. */
  readonly congested: boolean;
  /**
   * A message is slow to decompress and was paused: {@linkcode Session.receive} reads nothing until
   * {@linkcode Session.continueMessage} returns `true` and {@linkcode Session.resume} is called.
   * Absent: messages never pause.
   */
  messagePaused?(): void;
}

/**
 * The state of a session (RFC 6455 sections 4, 7.1.3 and 7.1.4).
 *
 * @category Session
 */
export type SessionState = "opening" | "open" | "closing" | "closed";

/**
 * The protocol of one endpoint, between a byte stream and a user.
 *
 * The driver must call {@linkcode Session.open} after the opening handshake, then pass it every
 * chunk ({@linkcode Session.receive}), the end of the peer's side ({@linkcode Session.receiveEnd})
 * and the end of the stream ({@linkcode Session.streamClosed}), and send the output after each
 * call.
 *
 * @example
 * ```ts
 * import { type FrameOutput, Session } from "@quickws/quickws/core";
 *
 * let written = new Uint8Array(0);
 * const output: FrameOutput = {
 *   reserve: (size) => written = new Uint8Array(size),
 *   offset: 0,
 *   commit: (size) => console.log("to the socket:", written.subarray(0, size)),
 * };
 * const limits = { masked: false, rsv1: false, maxMessageSize: 1024, maxFragments: 16 };
 * const session: Session = new Session(
 *   { ...limits, text: "string", utf8Check: true, autoPong: true },
 *   {
 *     onText: (text) => session.sendText(`${text}?`), // to the socket: [ 129, 131, ... ]
 *     onBytes: () => {},
 *     onPing: () => {},
 *     onPong: () => {},
 *   },
 *   {
 *     onClosed: (info) => console.log(info.code), // 1006: no Close frame came.
 *     startCloseTimer: () => {},
 *     endOutput: () => {},
 *     cutStream: () => {},
 *     congested: false,
 *   },
 *   output,
 *   () => crypto.getRandomValues(new Uint32Array(1))[0], // Only a client masks.
 * );
 * session.open();
 * session.receive(Uint8Array.of(0x81, 2, 0x68, 0x69)); // "hi" from the socket
 * session.streamClosed();
 * ```
 *
 * @category Session
 */
export class Session implements MessageSink {
  readonly #events: SessionEvents;
  readonly #shell: SessionShell;
  readonly #rules: SessionRules;
  /**
   * Writes messages without a state check, for drivers that have checked {@linkcode Session.state}.
   */
  readonly writer: MessageWriter;
  /** The reader, created with the first bytes: some peers only receive. */
  #reader: FrameReader<MessageReader> | undefined;
  #pongs: PongBacklog | undefined;
  #state: SessionState = "opening";
  /** Created when the session begins to close or fail. */
  #end: SessionEnd | undefined;

  /**
   * Creates a session before its opening handshake is complete.
   *
   * @param rules The configuration.
   * @param events Receives messages, pings and pongs.
   * @param shell The driver.
   * @param output Receives the frames.
   * @param masks The source of mask keys on a client; absent on a server.
   * @param compression Compresses and decompresses messages, if negotiated.
   */
  constructor(
    rules: SessionRules,
    events: SessionEvents,
    shell: SessionShell,
    output: FrameOutput,
    masks?: MaskSource,
    compression?: MessageCompression,
  ) {
    this.#rules = rules;
    this.#events = events;
    this.#shell = shell;
    this.writer = new MessageWriter(output, masks, compression);
  }

  /** The negotiated compression, if any. */
  get compression(): MessageCompression | undefined {
    return this.writer.compression;
  }

  /** Whether this is the client side, which masks (RFC 6455 section 5.1). */
  get isClient(): boolean {
    return this.writer.isMasking;
  }

  /** The state of the session. */
  get state(): SessionState {
    return this.#state;
  }

  /** The number of the partial message; 0 without one. */
  get partialMessage(): number {
    return this.#reader?.sink.partial ?? 0;
  }

  /** The memory of the partially received or decompressed message, in bytes. */
  get held(): number {
    const messages = this.#reader?.sink;
    if (messages === undefined) return 0;
    return messages.isPaused ? messages.held + (this.compression?.pausedSize ?? 0) : messages.held;
  }

  /** The opening handshake is complete. */
  open(): void {
    if (this.#state === "opening") this.#state = "open";
  }

  /**
   * Reads `bytes[start..end)`, after {@linkcode Session.open}, and takes ownership of the memory.
   *
   * @returns The offset after the last byte read: `end`, unless {@linkcode Session.pause} was
   * called; the driver then keeps the rest for later.
   */
  receive(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    // RFC 6455 7.1.7 and 1.4: bytes after a failure or a Close frame are discarded.
    if (this.#discards()) return end;
    try {
      const at = (this.#reader ??= this.#makeReader()).read(bytes, start, end);
      return this.#discards() ? end : at;
    } catch (error) {
      this.fail(asWebSocketError(error));
      return end;
    }
  }

  /** Stops {@linkcode Session.receive} after the current message. */
  pause(): void {
    (this.#reader ??= this.#makeReader()).stop();
  }

  /** Lets {@linkcode Session.receive} continue; a paused message is delivered first. */
  resume(): void {
    while (!this.continueMessage());
    if (!this.#discards()) this.#reader?.resume();
  }

  /** Continues a paused message for a while, and returns whether it was delivered or dropped. */
  continueMessage(): boolean {
    const messages = this.#reader?.sink;
    if (!messages?.isPaused || this.#discards()) return true;
    try {
      return messages.resume();
    } catch (error) {
      this.fail(asWebSocketError(error));
      return true;
    }
  }

  /** The peer has ended its side of the stream. */
  receiveEnd(): void {
    if (this.#state === "closed") return;
    const end = this.#ending;
    if (end.received === undefined && end.error === undefined) {
      end.initiator ??= "remote";
      end.error = connectionLost(
        this.#reader?.midMessage
          ? "The peer ended the connection in the middle of a message"
          : "The peer ended the connection without a Close frame",
      );
    }
    this.#state = "closing";
    this.#shell.startCloseTimer();
    this.#shell.endOutput();
  }

  /** The stream has ended, in both directions. */
  streamClosed(cause?: Error): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopReading();
    const end = this.#ending;
    const clean = end.sent !== undefined && end.received !== undefined && end.error === undefined;
    if (!clean && end.error === undefined) {
      end.error = connectionLost(
        cause === undefined
          ? "The connection ended without a closing handshake"
          : `The connection was lost: ${cause.message}`,
        cause,
      );
    }
    this.#shell.onClosed(this.#closeInfo(clean));
  }

  /**
   * Sends a text message. Returns `false`, and sends nothing, unless the session is open.
   *
   * @param compress `false` skips the negotiated compression.
   */
  sendText(text: string, compress = true): boolean {
    if (this.#state !== "open") return false;
    this.writer.text(text, compress);
    return true;
  }

  /**
   * Sends a message given as bytes, which are copied. Returns `false` unless the session is open.
   *
   * @param compress `false` skips the negotiated compression.
   */
  sendBytes(opcode: MessageOpcode, bytes: Uint8Array, compress = true): boolean {
    if (this.#state !== "open") return false;
    this.writer.bytes(opcode, bytes, compress);
    return true;
  }

  /**
   * Sends one fragment of a message; the first has the message's opcode, the others continue it.
   * The caller must not send another message in between (RFC 6455 section 5.4). Returns `false`
   * unless the session is open.
   *
   * @param compress `false` on the first fragment skips the negotiated compression.
   */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    bytes: Uint8Array,
    compress = true,
  ): boolean {
    if (this.#state !== "open") return false;
    this.writer.fragment(opcode, last, bytes, compress);
    return true;
  }

  /**
   * Sends a ping or a pong. Returns `false` unless the session is open.
   *
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    if (this.#state !== "open") return false;
    this.writer.control(opcode, payload);
    return true;
  }

  /**
   * The user closes the connection; {@linkcode Session.close} follows after everything else was
   * sent.
   */
  announceClose(): void {
    this.#ending.initiator ??= "local";
  }

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2). Does nothing unless the session is open.
   * The code and reason must be valid.
   */
  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#ending.initiator ??= "local";
    this.#state = "closing";
    this.#sendClose({ code, reason });
    this.#shell.startCloseTimer();
  }

  /**
   * Fails the connection (RFC 6455 section 7.1.7): sends a Close frame if still possible, then
   * ends.
   *
   * @param error The failure; its message is sent to the peer.
   */
  fail(error: WebSocketError): void {
    if (this.#state === "closed" || this.#end?.error !== undefined) return;
    const end = this.#ending;
    end.initiator ??= "local";
    end.error = error;
    this.#state = "closing";
    this.#stopReading();
    if (end.sent === undefined && error.closeCode !== undefined) {
      const reason = this.#rules.closesLikeWs ? "" : error.message;
      this.#sendClose({ code: error.closeCode, reason });
    }
    this.#shell.startCloseTimer();
    this.#shell.endOutput();
    this.#shell.onFailing?.(error);
  }

  /** Cuts the connection without a closing handshake. */
  terminate(error: WebSocketError): void {
    if (this.#state === "closed") return;
    const end = this.#ending;
    end.initiator ??= "local";
    end.error ??= error;
    this.#state = "closing";
    this.#stopReading();
    this.#shell.cutStream();
  }

  /** The closing handshake timed out. */
  closeTimedOut(): void {
    if (this.#state === "closed") return;
    // Both Close frames were sent: only the peer's end of the stream is missing, so the close is
    // clean.
    const end = this.#end;
    if (end?.sent !== undefined && end.received !== undefined) this.#shell.cutStream();
    else this.terminate(closeTimeout());
  }

  /**
   * The closing handshake timed out with nothing left to write: the session ends, but the driver
   * may end the stream later, so that written bytes still arrive.
   */
  abandon(): void {
    if (this.#state === "closed") return;
    const end = this.#ending;
    if (end.sent === undefined || end.received === undefined) {
      end.initiator ??= "local";
      end.error ??= closeTimeout();
    }
    this.streamClosed();
  }

  /** The stream accepts output again. */
  drained(): void {
    const pong = this.#pongs?.release();
    if (pong !== undefined && !this.#discards()) this.writer.control(Opcode.Pong, pong);
  }

  /** A message from the reader. */
  textMessage(text: string): void {
    if (this.#delivers()) this.#events.onText(text);
  }

  /** A message from the reader. */
  bytesMessage(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (this.#delivers()) this.#events.onBytes(opcode, bytes, start, end);
  }

  /** The reader has paused a slow message. */
  messagePaused(): void {
    this.#reader!.stop();
    if (this.#shell.messagePaused === undefined) this.resume();
    else this.#shell.messagePaused();
  }

  /** A control frame from the reader. */
  controlFrame(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.Close) this.#receiveClose(parseClosePayload(bytes, start, end));
    else if (opcode === Opcode.Ping) this.#receivePing(bytes, start, end);
    else if (this.#delivers()) this.#events.onPong(bytes.subarray(start, end));
  }

  /** Whether the peer's messages are delivered. */
  #delivers(): boolean {
    return this.#state === "open" || (this.#rules.closesLikeWs === true && !this.#discards());
  }

  /** No further bytes will be read: drops a partial message. */
  #stopReading(): void {
    this.#reader?.stop();
    this.#reader?.sink.drop();
  }

  get #ending(): SessionEnd {
    return this.#end ??= new SessionEnd();
  }

  #makeReader(): FrameReader<MessageReader> {
    return new FrameReader(this.#rules, new MessageReader(this.#rules, this, this.compression));
  }

  /** Whether to discard input: the connection failed, or the peer's Close frame arrived. */
  #discards(): boolean {
    const end = this.#end;
    return this.#state === "closed" ||
      (end !== undefined && (end.received !== undefined || end.error !== undefined));
  }

  #receivePing(bytes: Uint8Array, start: number, end: number): void {
    // RFC 6455 5.5.2: a ping is answered until the peer's Close frame arrives, even after the local
    // one. RFC 6455 5.5.3: a pong has the ping's payload; if pings accumulate, answering the latest
    // is enough, which bounds the output for a peer that does not read.
    if (this.#rules.autoPong) {
      const congested = this.#shell.congested;
      if (congested) this.#pongs ??= new PongBacklog();
      if (!congested || this.#pongs!.admit(bytes, start, end)) {
        this.writer.control(Opcode.Pong, bytes, start, end);
      }
    }
    if (this.#delivers()) this.#events.onPing(bytes.subarray(start, end));
  }

  #receiveClose(payload: ClosePayload): void {
    const end = this.#ending;
    end.received = payload;
    this.#stopReading();
    end.initiator ??= "remote";
    if (end.sent === undefined) this.#shell.closeReceived?.();
    if (end.sent === undefined) {
      this.#state = "closing";
      // RFC 6455 5.5.1: "it typically echos the status code it received".
      const reason = this.#rules.closesLikeWs ? payload.reason : "";
      this.#sendClose({ code: payload.code, reason });
      this.#shell.startCloseTimer();
    }
    // RFC 6455 7.1.1: the server ends the stream first; a client waits for it, until the timeout.
    if (!this.isClient || this.#rules.closesLikeWs) this.#shell.endOutput();
  }

  #sendClose(payload: ClosePayload): void {
    this.#ending.sent = payload;
    this.writer.control(Opcode.Close, formatClosePayload(payload.code, payload.reason));
  }

  #closeInfo(clean: boolean): CloseInfo {
    const end = this.#ending;
    const { code, reason } = outcomeOf(end);
    const initiator = end.initiator ?? "remote";
    return {
      code,
      reason,
      clean,
      initiator,
      sent: end.sent?.code,
      received: end.received?.code,
      ...(end.error === undefined ? undefined : { error: end.error }),
    };
  }
}

/** Returns errors of the readers; any other error is reported as a bug of this library. */
function asWebSocketError(error: unknown): WebSocketError {
  if (error instanceof WebSocketError) return error;
  return new WebSocketError("INTERNAL", "The connection failed on an unexpected error", {
    cause: error,
    closeCode: CloseCode.InternalError,
  });
}
