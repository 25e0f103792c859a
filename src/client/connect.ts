// Opens a connection to a server over the sockets of any runtime.

import { ConnectionError, HandshakeError, TimeoutError, WebSocketError } from "../errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import { Driver } from "../connection/driver.ts";
import type { DriverContext } from "../connection/driver_context.ts";
import { encodeKey } from "../handshake/accept_key.ts";
import { ClientHandshake, type ClientHandshakeOptions } from "../handshake/client.ts";
import {
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateConfig,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from "../handshake/deflate_offer.ts";
import { buildRequest } from "../handshake/request.ts";
import { checkUnixPath, headerLines, show } from "../shared/check.ts";
import { explainConnect, reasonOf } from "../shared/explain.ts";
import { callReported, reportError, untilAborted } from "../shared/user_code.ts";
import { randomMask, randomNonce } from "../shared/random.ts";
import { timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { DialOptions, Network, Transport, TransportSink } from "../transport/transport.ts";
import { type ConnectOptions, connectRules } from "./connect_options.ts";
import type { Dialled } from "./proxy.ts";
import { parseTarget, redacted, type Target } from "./url.ts";

const NOTHING = new Uint8Array(0);

/**
 * Opens a connection over `network`.
 *
 * @param created Receives the connection's driver before `open` is called.
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {ConnectionError} `CONNECT_FAILED` or `CONNECTION_LOST`.
 * @throws {HandshakeError} When the server rejects the request, or its response is invalid.
 * @throws {TimeoutError} `HANDSHAKE_TIMEOUT`.
 */
export async function connectOver<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T>,
  created?: (driver: Driver<T>) => void,
): Promise<Connection<T>> {
  const rules = connectRules(options);
  const target = parseTarget(url);
  const compressionFor = rules.compression &&
    (await import("../connection/compression.ts")).compressionFor;
  const shared = { connectionRules: rules, compressionFor };
  const deadline = new Deadline(options.handshakeTimeout ?? 30_000, options.signal);
  try {
    const key = encodeKey(randomNonce());
    const request = await requestFor(target, key, rules, options, deadline.signal);
    const { transport, rest } = await dial(network, target, options, deadline.signal);
    return await new Promise<Connection<T>>((resolve, reject) => {
      const opening = new Opening(
        transport,
        {
          key,
          subprotocols: options.subprotocols,
          offeredExtensions: rules.compression === undefined ? [] : [PERMESSAGE_DEFLATE],
          maxBytes: options.maxHandshakeSize,
          deflate: rules.compression,
          secure: target.secure,
        },
        (answered) => resolve(openDriver(shared, transport, target, answered, options, created)),
        reject,
      );
      deadline.onAbort((reason) => {
        if (reason instanceof TimeoutError) opening.giveUp(reason);
        else opening.fail(reason);
      });
      opening.start(request, rest);
    });
  } finally {
    deadline.end();
  }
}

async function requestFor<T>(
  target: Target,
  key: string,
  rules: ConnectionRules,
  options: ConnectOptions<T>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { subprotocols, origin, host = target.host } = options;
  let init = options.headers;
  if (typeof init === "function") init = await untilAborted(Promise.resolve(init()), signal);
  const headers = [...headerLines(init) ?? []];
  const { authorization, path } = target;
  if (authorization !== undefined && !headers.some(([name]) => /^authorization$/i.test(name))) {
    headers.push(["Authorization", authorization]);
  }
  const extensions = rules.compression && offerDeflate(rules.compression);
  return buildRequest({ host, target: path, key, subprotocols, extensions, origin, headers });
}

async function dial<T>(
  network: Network,
  target: Target,
  options: ConnectOptions<T>,
  signal: AbortSignal,
): Promise<Dialled> {
  const { hostname, port, secure } = target;
  const { noDelay = true, readBufferSize, unix = target.unix } = options;
  const tls = secure ? options.tls ?? {} : undefined;
  const address: DialOptions = { hostname, port, tls, noDelay, readBufferSize, signal };
  if (unix !== undefined) address.unix = unix;
  // A custom dialer may support longer paths.
  if (options.dial === undefined) checkUnixPath(unix, network.maxUnixPath);
  const { proxy } = options;
  const proxies = proxy === undefined ? undefined : await import("./proxy.ts");
  const server = unix === undefined ? proxies?.findProxy(proxy, target.url) : undefined;
  try {
    signal.throwIfAborted();
    if (proxies !== undefined && server !== undefined) {
      return await proxies.dialThroughProxy(network, server, address, options.tls);
    }
    const dialing = options.dial === undefined ? network.dial(address) : options.dial(address);
    // A dialer that ignores the signal must neither block the caller nor leave a socket open.
    const transport = await untilAborted(
      Promise.resolve(dialing),
      signal,
      (late) => late.destroy(),
    );
    return { transport: checkedTransport(transport), rest: NOTHING };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (server !== undefined && cause instanceof WebSocketError) throw cause;
    // For example a certificate that cannot be read.
    if (options.dial === undefined && cause instanceof TypeError) throw cause;
    const url = redacted(target.url);
    throw new ConnectionError(
      "CONNECT_FAILED",
      `Cannot connect to ${url}: ${explainConnect(cause, secure)}`,
      { cause },
    );
  }
}

const TRANSPORT_METHODS = ["start", "write", "pause", "resume", "end", "destroy"] as const;

/** @throws {TypeError} Unless it is a transport. */
function checkedTransport(transport: Transport): Transport {
  const given: Partial<Transport> | undefined = transport;
  const isTransport = TRANSPORT_METHODS.every((name) => typeof given?.[name] === "function");
  if (isTransport) return transport;
  throw new TypeError(
    `dial must return a Transport, with the methods ${TRANSPORT_METHODS.join(", ")}, got ${
      show(transport)
    }`,
  );
}

function openDriver<T>(
  shared: Pick<DriverContext<T>, "connectionRules" | "compressionFor">,
  transport: Transport,
  target: Target,
  answered: Answered,
  options: ConnectOptions<T>,
  created: ((driver: Driver<T>) => void) | undefined,
): Connection<T> {
  const context: DriverContext<T> = {
    ...shared,
    handlers: options,
    masks: randomMask,
    reportError: (error, connection) => reportError(options.onError, error, connection),
    limitReached: (report) =>
      callReported(
        () => options.onLimit?.(report),
        (error) => reportError(options.onError, error, report.connection),
      ),
  };
  const { handshake, agreement, congested } = answered;
  const info = {
    url: target.url,
    status: handshake.status,
    headers: handshake.fields,
    protocol: handshake.protocol,
    extensions: handshake.extensions,
  };
  const driver = new Driver<T>(context, transport, info, options.data as T, undefined, agreement);
  created?.(driver);
  const { rest } = handshake;
  driver.start({ rest: rest.length > 0 ? [rest] : [], ended: false, congested });
  return driver.connection;
}

/** The time limit and the user's signal of an opening handshake, as one signal. */
class Deadline implements TimerTarget {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  readonly #timer;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(timeout: number, outer: AbortSignal | undefined) {
    this.#timeout = timeout;
    this.#outer = outer;
    this.#timer = timeout > 0 ? timers.start(timeout, this, 0) : undefined;
    if (outer?.aborted) this.#abort();
    else outer?.addEventListener("abort", this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  onAbort(listener: (reason: unknown) => void): void {
    if (this.signal.aborted) listener(this.signal.reason);
    else this.signal.addEventListener("abort", () => listener(this.signal.reason), { once: true });
  }

  timerFired(): void {
    this.#controller.abort(
      new TimeoutError(
        "HANDSHAKE_TIMEOUT",
        `The connection was not open within ${this.#timeout} ms (option handshakeTimeout)`,
      ),
    );
  }

  end(): void {
    timers.cancel(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}

// The client side of one opening handshake: sends the request, reads the response.

/** The result of a handshake. */
export interface Answered {
  /** The response. */
  readonly handshake: ClientHandshake;
  /** The negotiated compression, if any. */
  readonly agreement: DeflateAgreement | undefined;
  /** Whether the transport still has to report that it accepts more output. */
  readonly congested: boolean;
}

/** The request of an {@linkcode Opening}. */
export interface Expected extends ClientHandshakeOptions {
  /** The compression that was offered, if any. */
  readonly deflate: DeflateConfig | undefined;
  /** Whether the connection uses TLS. */
  readonly secure: boolean;
}

/** The types of TLS records that a server may send first: alert and handshake (RFC 8446 5.1). */
const TLS_RECORDS: readonly (number | undefined)[] = [0x15, 0x16];

const USE_WSS = "If the server speaks TLS on this port, use wss:// instead of ws://";

/** One opening handshake on a client. */
export class Opening implements TransportSink {
  readonly #transport: Transport;
  readonly #handshake: ClientHandshake;
  readonly #expected: Expected;
  readonly #done: (answered: Answered) => void;
  readonly #failed: (error: unknown) => void;
  #over = false;
  #congested = false;
  #firstByte: number | undefined;

  /**
   * @param transport The stream to the server.
   * @param expected The values that the response is checked against.
   * @param done Called once, when the connection is open; the transport needs another sink then.
   * @param failed Called once, when the opening fails; the transport is cut.
   */
  constructor(
    transport: Transport,
    expected: Expected,
    done: (answered: Answered) => void,
    failed: (error: unknown) => void,
  ) {
    this.#transport = transport;
    this.#handshake = new ClientHandshake(expected);
    this.#expected = expected;
    this.#done = done;
    this.#failed = failed;
  }

  /** Sends the request and starts to read, after the bytes that have already arrived (usually none). */
  start(request: Uint8Array, rest: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#congested = !this.#transport.write(request, request.length);
      if (rest.length > 0) this.data(rest);
      this.#transport.start(this);
      // A tunnel through a proxy is handed over paused.
      this.#transport.resume();
    } catch (cause) {
      this.closed(cause);
    }
  }

  /**
   * Gives up after a timeout or a lost connection. A rejection already received takes precedence.
   */
  giveUp(error: unknown): void {
    if (this.#over || this.#handshake.status === 0) return this.fail(error);
    try {
      this.#handshake.finish();
    } catch (refusal) {
      this.fail(refusal);
    }
    this.fail(error);
  }

  /** Gives up for the given reason. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#reject(error);
  }

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    if (this.#over || chunk.length === 0) return;
    this.#firstByte ??= chunk[0];
    try {
      if (this.#handshake.push(chunk)) this.#finish();
    } catch (error) {
      this.fail(this.#isTls(error) ? this.#usedTls(error) : error);
    }
  }

  /** The request has been sent. */
  drain(): void {
    this.#congested = false;
  }

  /** The server has ended its side of the stream. */
  end(): void {
    if (this.#over) return;
    try {
      this.#handshake.finish();
    } catch (error) {
      this.fail(this.#withAdvice(error));
    }
  }

  /** The stream has ended. */
  closed(cause?: unknown): void {
    const why = cause === undefined ? "" : `: ${reasonOf(cause)}`;
    const message = `The connection was lost during the opening handshake${why}`;
    this.giveUp(this.#withAdvice(new ConnectionError("CONNECTION_LOST", message, { cause })));
  }

  #finish(): void {
    const { acceptedExtensions } = this.#handshake;
    const { deflate } = this.#expected;
    const agreement = deflate && checkDeflateAnswer(acceptedExtensions, deflate);
    this.#over = true;
    try {
      this.#done({ handshake: this.#handshake, agreement, congested: this.#congested });
    } catch (error) {
      this.#reject(error);
    }
  }

  #reject(error: unknown): void {
    this.#failed(error);
    try {
      this.#transport.destroy();
    } catch {
      // A custom transport threw; the failure has already been reported.
    }
  }

  /** TLS servers often disconnect without a response to a plain request. */
  #withAdvice(error: unknown): unknown {
    const mayWantTls = this.#firstByte === undefined && !this.#expected.secure;
    if (!mayWantTls || !(error instanceof ConnectionError)) return error;
    return new ConnectionError(error.code, `${error.message}. ${USE_WSS}`, { cause: error.cause });
  }

  #isTls(error: unknown): error is HandshakeError {
    return error instanceof HandshakeError && !this.#expected.secure &&
      TLS_RECORDS.includes(this.#firstByte);
  }

  #usedTls(cause: HandshakeError): HandshakeError {
    return new HandshakeError(
      cause.code,
      "The server answered with TLS: use wss:// instead of ws://",
      { cause },
    );
  }
}
