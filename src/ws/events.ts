// The events of `ws`: those of `EventEmitter`, and its subset of the WHATWG event interface.

import type { Buffer } from "node:buffer";
import type { ClientRequest, IncomingMessage } from "node:http";
import { setImmediate } from "node:timers";
import type { Link } from "./link.ts";
import { guard } from "./sender.ts";

/**
 * The events of a {@linkcode WebSocket} and the arguments of listeners.
 *
 * @category The API of ws
 */
export interface WebSocketEvents {
  /** The opening handshake is complete. */
  open: [];
  /** A message arrived. */
  message: [data: RawData, isBinary: boolean];
  /** A ping arrived, answered unless `autoPong` is `false`. */
  ping: [data: Buffer];
  /** A pong arrived. */
  pong: [data: Buffer];
  /** An error occurred; `close` follows. */
  error: [error: Error];
  /** The connection has ended. */
  close: [code: number, reason: Buffer];
  /** The server has agreed to the upgrade. */
  upgrade: [response: IncomingMessage];
  /** The server did not accept the upgrade; an error if there is no listener. */
  "unexpected-response": [request: ClientRequest, response: IncomingMessage];
  /** A redirect is followed. */
  redirect: [url: string, request: ClientRequest];
}

/**
 * The bytes of a message, by `binaryType`.
 *
 * @category The API of ws
 */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob;

/**
 * The values of `binaryType`.
 *
 * @category The API of ws
 */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";

/** The target of an event: its emitter. */
interface Target {
  on(name: string, listener: (...values: never[]) => void): unknown;
  removeListener(name: string, listener: (...values: never[]) => void): unknown;
  // deno-lint-ignore ban-types
  listeners(name: string): Function[];
}

/**
 * An event of {@linkcode WebSocket.addEventListener}.
 *
 * @example
 * ```ts
 * import { WebSocket, WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 }, () => {
 *   const { port } = server.address() as { port: number };
 *   const ws = new WebSocket(`ws://127.0.0.1:${port}`);
 *   ws.addEventListener("open", (event) => {
 *     console.log(event.type); // open
 *     ws.close();
 *     server.close();
 *   });
 * });
 * ```
 *
 * @category The API of ws
 */
export class Event {
  /** Its name: `open`, `message`, `error` or `close`. */
  readonly type: string;
  /** The WebSocket that emitted it. */
  readonly target: unknown;

  /** @internal Events come from a WebSocket. */
  constructor(type: string, target: unknown) {
    this.type = type;
    this.target = target;
  }
}

/**
 * The connection has ended.
 *
 * @example
 * ```ts
 * import { WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => {
 *   ws.addEventListener("close", ({ code, wasClean }) => console.log(code, wasClean));
 * });
 * server.close();
 * ```
 *
 * @category The API of ws
 */
export class CloseEvent extends Event {
  /** The code of the peer's Close frame, 1005 if it had none, 1006 without a Close frame. */
  readonly code: number;
  /** The reason in the peer's Close frame. */
  readonly reason: string;
  /** Whether both sides have sent a Close frame. */
  readonly wasClean: boolean;

  /** @internal Events come from a WebSocket. */
  constructor(target: unknown, code: number, reason: string, wasClean: boolean) {
    super("close", target);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/**
 * An error occurred.
 *
 * @example
 * ```ts
 * import { WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => {
 *   ws.addEventListener("error", ({ message }) => console.error(message));
 * });
 * server.close();
 * ```
 *
 * @category The API of ws
 */
export class ErrorEvent extends Event {
  /** The error. */
  readonly error: Error;
  /** Its message. */
  readonly message: string;

  /** @internal Events come from a WebSocket. */
  constructor(target: unknown, error: Error) {
    super("error", target);
    this.error = error;
    this.message = error.message;
  }
}

/**
 * A message arrived.
 *
 * @example
 * ```ts
 * import { WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => {
 *   ws.addEventListener("message", ({ data }) => ws.send(data));
 * });
 * server.close();
 * ```
 *
 * @category The API of ws
 */
export class MessageEvent extends Event {
  /** Text as a string, binary as chosen by `binaryType`. */
  readonly data: string | RawData;

  /** @internal Events come from a WebSocket. */
  constructor(target: unknown, data: string | RawData) {
    super("message", target);
    this.data = data;
  }
}

/**
 * The events with a WHATWG form, by name.
 *
 * @category The API of ws
 */
export interface WebSocketEventMap {
  /** The opening handshake is complete. */
  open: Event;
  /** A message arrived. */
  message: MessageEvent;
  /** An error occurred. */
  error: ErrorEvent;
  /** The connection has ended. */
  close: CloseEvent;
}

/**
 * The name of an event with a WHATWG form.
 *
 * @category The API of ws
 */
export type EventName = keyof WebSocketEventMap;

/**
 * A function, or an object with a method for events.
 *
 * @category The API of ws
 */
export type EventListener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/**
 * The options of a listener.
 *
 * @category The API of ws
 */
export interface EventListenerOptions {
  /** Whether to listen to the first event only. Default: `false`. */
  once?: boolean | undefined;
}

/** The close state of a WebSocket, for {@linkcode CloseEvent.wasClean}. */
export interface EventTarget extends Target {
  /** Whether both sides have sent a Close frame. */
  readonly _wasClean: boolean;
}

const ORIGINAL = Symbol("listener");
const FROM_ATTRIBUTE = Symbol("attribute");

/** The function registered with the emitter for a listener. */
interface Registered {
  (...values: never[]): void;
  [ORIGINAL]?: unknown;
  [FROM_ATTRIBUTE]?: boolean;
}

/** Converts the arguments of each event of the emitter to an event object. */
const MAKERS: Record<EventName, (target: EventTarget, a: unknown, b: unknown) => Event> = {
  open: (target) => new Event("open", target),
  message: (target, data, isBinary) =>
    new MessageEvent(target, isBinary ? data as RawData : String(data)),
  error: (target, error) => new ErrorEvent(target, error as Error),
  close: (target, code, reason) =>
    new CloseEvent(target, code as number, String(reason), target._wasClean),
};

function isEventName(name: string): name is EventName {
  return Object.hasOwn(MAKERS, name);
}

/** Adds a listener, unless it was already added; ignores unknown names, as `ws` does. */
export function addListener(
  target: EventTarget,
  name: string,
  listener: unknown,
  once: boolean,
  fromAttribute: boolean,
): void {
  if (!isEventName(name)) return;
  if (!fromAttribute && find(target, name, listener, false) !== undefined) return;
  const make = MAKERS[name];
  const registered: Registered = (a?: unknown, b?: unknown): void => {
    if (once) target.removeListener(name, registered);
    const event = make(target, a, b);
    if (typeof listener === "function") listener.call(target, event);
    else (listener as { handleEvent(event: Event): void }).handleEvent(event);
  };
  registered[ORIGINAL] = listener;
  registered[FROM_ATTRIBUTE] = fromAttribute;
  target.on(name, registered);
}

/** Removes a listener added by {@linkcode addListener}. */
export function removeListener(target: EventTarget, name: string, listener: unknown): void {
  const registered = find(target, name, listener, false);
  if (registered !== undefined) target.removeListener(name, registered);
}

/** The listener in the attribute `on...`. */
export function attributeOf(target: EventTarget, name: EventName): unknown {
  return registeredOf(target, name).find((listener) => listener[FROM_ATTRIBUTE])?.[ORIGINAL] ??
    null;
}

/** Sets the attribute `on...`; anything but a function clears it. */
export function setAttribute(target: EventTarget, name: EventName, listener: unknown): void {
  const old = registeredOf(target, name).find((listener) => listener[FROM_ATTRIBUTE]);
  if (old !== undefined) target.removeListener(name, old);
  if (typeof listener === "function") addListener(target, name, listener, false, true);
}

function find(
  target: EventTarget,
  name: string,
  listener: unknown,
  fromAttribute: boolean,
): Registered | undefined {
  return registeredOf(target, name).find((registered) =>
    registered[ORIGINAL] === listener && registered[FROM_ATTRIBUTE] === fromAttribute
  );
}

function registeredOf(target: EventTarget, name: string): Registered[] {
  return target.listeners(name) as unknown as Registered[];
}

/** Converts the bytes of a message to `binaryType`. */
export function toBinary(data: Buffer, type: BinaryType): RawData {
  switch (type) {
    case "arraybuffer":
      return data.buffer.byteLength === data.length
        ? data.buffer as ArrayBuffer
        : data.buffer.slice(data.byteOffset, data.byteOffset + data.length) as ArrayBuffer;
    case "fragments":
      return [data];
    case "blob":
      return new Blob([data as Uint8Array<ArrayBuffer>]);
    default:
      return data;
  }
}

/**
 * Emits the events of one WebSocket in order, each in a separate turn of the event loop
 * (`allowSynchronousEvents: false`). Reading stops until all have been emitted.
 */
export class EventTurns {
  readonly #link: Link<unknown>;
  readonly #isPaused: () => boolean;
  readonly #events: Array<() => void> = [];

  /**
   * @param link The connection.
   * @param isPaused Whether the user has paused it.
   */
  constructor(link: Link<unknown>, isPaused: () => boolean) {
    this.#link = link;
    this.#isPaused = isPaused;
  }

  /** Emits an event in a separate turn, after earlier ones. */
  add(emit: () => void): void {
    if (this.#events.push(emit) > 1) return;
    this.#link.pause();
    setImmediate(() => this.#emitNext());
  }

  #emitNext(): void {
    guard(this.#events[0]!);
    this.#events.shift();
    if (this.#events.length > 0) setImmediate(() => this.#emitNext());
    else if (!this.#isPaused()) this.#link.resume();
  }
}
