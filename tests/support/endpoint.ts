// A session whose shell has no socket and no clock, and records the session's events.

import assert from "node:assert/strict";
import { MessageTooBigError, WebSocketError } from "../../src/errors.ts";
import type { MessageCompression } from "../../src/message/message_compression.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import {
  Session,
  type SessionEvents,
  type SessionRules,
  type SessionShell,
} from "../../src/session/session.ts";
import type { FrameOutput } from "../../src/wire/frame_writer.ts";
import type { MessageOpcode } from "../../src/wire/opcode.ts";
import {
  CLOSE,
  closePayload,
  frame,
  type FrameParts,
  MASK_KEY,
  parseFrames,
  toHex,
  type WireFrame,
} from "./vectors.ts";

/** Which side of the connection a session is. */
export type Side = "client" | "server";

/** An event of a session: its kind, and its payload as text or in hexadecimal. */
export type EventRecord = ["text" | "binary" | "utf8" | "ping" | "pong", string];

/** How a connection ended, in a form that tests can compare: the error is its code. */
export type Ending = Omit<CloseInfo, "error"> & { error: string | undefined };

/** Returns the rules of a session; the defaults are the library's. */
export function sessionRules(side: Side, rules: Partial<SessionRules> = {}): SessionRules {
  return {
    masked: side === "server",
    rsv1: false,
    maxMessageSize: 1 << 24,
    maxFragments: 16384,
    text: "string",
    utf8Check: true,
    autoPong: true,
    ...rules,
  };
}

/** One endpoint of a connection. */
export class Endpoint implements SessionEvents, SessionShell, FrameOutput {
  readonly session: Session;
  readonly side: Side;
  /** The received events, in order. */
  readonly events: EventRecord[] = [];
  /** Each reported end of the connection. There must be only one. */
  readonly endings: Ending[] = [];
  /** The error objects of {@linkcode Endpoint.endings}. */
  readonly errors: (Error | undefined)[] = [];
  /** The calls that the session made on its shell, in order. */
  readonly asked: string[] = [];
  /** Called for each event, while the session is still processing. */
  onEvent: (event: EventRecord) => void = () => {};
  congested = false;
  offset = 4;
  #memory = new Uint8Array(64);
  #written = 0;
  #key = 0;

  constructor(
    side: Side,
    rules: Partial<SessionRules> = {},
    compression: MessageCompression | undefined = undefined,
  ) {
    this.side = side;
    const masks = side === "client" ? () => this.#key = this.#key * 31 + 0x12345671 | 0 : undefined;
    this.session = new Session(sessionRules(side, rules), this, this, this, masks, compression);
  }

  /** Creates an endpoint after its opening handshake. */
  static open(
    side: Side,
    rules: Partial<SessionRules> = {},
    compression: MessageCompression | undefined = undefined,
  ): Endpoint {
    const endpoint = new Endpoint(side, rules, compression);
    endpoint.session.open();
    return endpoint;
  }

  /** Passes frames from the peer to the session in one chunk. Returns the number of bytes read. */
  receive(...frames: FrameParts[]): number {
    return this.session.receive(this.fromPeer(...frames));
  }

  /** Encodes frames as the peer sends them. */
  fromPeer(...frames: FrameParts[]): Uint8Array {
    const mask = this.side === "server" ? { mask: MASK_KEY } : undefined;
    const parts = frames.map((parts) => frame({ ...mask, ...parts }));
    return Uint8Array.from(parts.flatMap((bytes) => [...bytes]));
  }

  /** Passes a Close frame to the session. Without a code, its payload is empty. */
  receiveClose(code?: number, reason = ""): number {
    const payload = code === undefined ? new Uint8Array(0) : closePayload(code, reason);
    return this.receive({ opcode: CLOSE, payload });
  }

  /** Returns and removes the bytes written since the last call. */
  takeBytes(): Uint8Array {
    const bytes = this.#memory.slice(4, 4 + this.#written);
    this.offset = 4;
    this.#written = 0;
    return bytes;
  }

  /**
   * Returns and removes the frames written since the last call. Checks that a client has masked
   * them and a server has not.
   */
  takeFrames(): WireFrame[] {
    const frames = parseFrames(this.takeBytes());
    for (const { masked } of frames) assert.equal(masked, this.side === "client");
    return frames;
  }

  /** Like {@linkcode Endpoint.takeFrames}, but returns opcodes and hexadecimal payloads. */
  takeSent(): [opcode: number, payload: string][] {
    return this.takeFrames().map(({ opcode, payload }) => [opcode, toHex(payload)]);
  }

  /** The number of written bytes that have not been taken yet. */
  get waiting(): number {
    return this.#written;
  }

  onText(text: string): void {
    this.#record(["text", text]);
  }

  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.#record([opcode === 1 ? "utf8" : "binary", toHex(bytes.subarray(start, end))]);
  }

  onPing(payload: Uint8Array): void {
    this.#record(["ping", toHex(payload)]);
  }

  onPong(payload: Uint8Array): void {
    this.#record(["pong", toHex(payload)]);
  }

  onClosed(info: CloseInfo): void {
    const { error, ...rest } = info;
    if (error !== undefined) assert.ok(error instanceof WebSocketError);
    this.endings.push({ ...rest, error: error?.code });
    this.errors.push(error);
    this.asked.push("onClosed");
  }

  startCloseTimer(): void {
    this.asked.push("startCloseTimer");
  }

  endOutput(): void {
    this.asked.push("endOutput");
  }

  cutStream(): void {
    this.asked.push("cutStream");
  }

  reserve(size: number): Uint8Array {
    const needed = this.offset + size;
    if (this.#memory.length < needed) {
      const grown = new Uint8Array(needed * 2);
      grown.set(this.#memory);
      this.#memory = grown;
    }
    return this.#memory;
  }

  commit(size: number): void {
    this.offset += size;
    this.#written += size;
  }

  #record(event: EventRecord): void {
    this.events.push(event);
    this.onEvent(event);
  }
}

/** Creates an error like one that a reader reports. */
export function failure(): WebSocketError {
  return new MessageTooBigError("The message is too big for the test");
}
